//! Told to leave, it leaves; told to come back, it comes back.

use std::time::{Duration, Instant};

use rstest::rstest;

use crate::bench::Bench;

#[rstest]
#[case::sigterm("TERM", "SIGTERM")]
#[case::ctrl_c("INT", "Ctrl-C")]
fn a_signal_leaves_within_a_second_keeps_stops_and_says_what_is_open(
    #[case] signal: &str,
    #[case] name: &str,
) {
    // Slow enough that a position outlives the moment between seeing it and the signal.
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run("--speed 120s");
    let open =
        desk.until("/api/positions", |answer| answer["positions"][0]["stopPrice"].is_string());
    let symbol = open["positions"][0]["symbol"].as_str().unwrap().to_owned();
    let told = Instant::now();
    desk.send(signal);
    let code = desk.left();
    let took = told.elapsed();
    assert_eq!(code, 0, "{}", desk.said());
    assert!(took < Duration::from_secs(1), "it took {took:?}: {}", desk.said());
    let said = desk.said();
    assert!(said.contains(&format!("{name}: leaving")), "{said}");
    assert!(said.contains("open") && said.contains(&symbol) && said.contains("stop"), "{said}");

    let records = bench.records();
    let stopping = records.iter().position(|(_, record)| record.contains("\"stopping\"")).unwrap();
    let after = &records[stopping..];
    let cancels: Vec<_> = after.iter().filter(|(_, r)| r.contains("\"cancelIntent\"")).collect();
    let entries =
        |record: &str| record.contains("\"Entry\"") && record.contains("\"approved\":true");
    assert!(after.iter().all(|(_, record)| !entries(record)), "an entry after the stop: {after:?}");
    for (_, cancel) in cancels {
        assert!(!cancel.contains("stop"), "a stop was taken away: {cancel}");
    }
}

#[test]
fn a_desk_that_left_goes_on_where_it_was_and_replays() {
    let bench = Bench::quickstart(1200);
    let mut desk = bench.run("--speed 20s --exit");
    desk.until("/api/orders?state=all", |answer| answer["orders"].as_array().unwrap().len() > 5);
    desk.terminate();
    assert_eq!(desk.left(), 0);
    let before = bench.records();
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    let after = bench.records();
    assert_eq!(after[..before.len()], before);
    let continuing = |(_, record): &(i64, String)| record.contains("\"continuing\"");
    assert_eq!(after.iter().filter(|record| continuing(record)).count(), 1);
    let place = after.iter().position(continuing).unwrap();
    let entries = after[place..]
        .iter()
        .filter(|(_, record)| record.contains("\"Entry\"") && record.contains("\"approved\":true"));
    assert!(entries.count() > 0, "a desk that came back may enter again");
    bench.done("replay -f DESK --db DB").well();
}

#[test]
fn a_finished_run_begins_anew() {
    let bench = Bench::quickstart(200);
    for expected in 1..=2 {
        bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
        let verified = bench.done("journal verify --db DB -o json").well().json();
        assert_eq!(verified.as_array().unwrap().len(), expected, "{verified}");
    }
}
