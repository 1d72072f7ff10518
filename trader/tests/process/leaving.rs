//! Told to leave, it leaves; told to come back, it comes back.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rstest::rstest;

use crate::bench::{Bench, Desk};

#[rstest]
#[case::sigterm("TERM", "SIGTERM")]
#[case::ctrl_c("INT", "Ctrl-C")]
#[case::a_terminal_that_closes("HUP", "SIGHUP")]
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
fn a_desk_that_is_to_outlive_its_terminal_does() {
    let bench = Bench::quickstart(3000);
    // As `nohup` does.
    let mut desk = bench.run_after("trap '' HUP", "--speed 120s");
    let event_time = |desk: &mut Desk| desk.get("/api/system-status")["eventTime"].clone();
    let before = event_time(&mut desk);
    desk.send("HUP");
    desk.until("/api/system-status", |status| status["eventTime"] != before);
    let after = event_time(&mut desk);
    desk.until("/api/system-status", |status| status["eventTime"] != after);
    desk.terminate();
    assert_eq!(desk.left(), 0, "{}", desk.said());
    assert!(desk.said().contains("SIGTERM: leaving"), "{}", desk.said());
}

#[test]
fn a_reader_of_the_log_that_goes_away_stops_nothing() {
    let bench = Bench::quickstart(300);
    let run = "run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit";
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = bench.command(run).stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let heard = Bench::quickstart(300);
    heard.done(run).well();
    assert!(bench.records() == heard.records());
}

/// A log that nobody reads, and that takes nothing more.
fn stalled() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe takes.
    writer.write_all(&[b'\n'; 65_536]).unwrap();
    (reader, writer)
}

#[test]
fn a_reader_of_the_log_that_stalls_stops_nothing() {
    let bench = Bench::quickstart(300);
    let (_reader, writer) = stalled();
    let run = "run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit";
    let mut run = bench.command(run).stdout(Stdio::null()).stderr(writer).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        match run.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            None => {
                run.kill().unwrap();
                panic!("the desk waits for who reads its log");
            }
        }
    };
    assert_eq!(status.code(), Some(0), "{status}");
}

#[test]
fn what_the_log_loses_is_counted() {
    let bench = Bench::quickstart(12_000);
    let (_reader, writer) = stalled();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = format!("run -f DESK --db DB --listen {address} --speed max");
    let mut run = bench.command(&run);
    // What libraries say, too: more than the log holds for who reads late.
    run.env("LOG_LEVEL", "trace,sapphire_trader=trace").stdout(Stdio::null()).stderr(writer);
    let mut run = run.spawn().unwrap();
    let lost = || {
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let series = "sapphire_log_lines_lost_total ";
        answer.lines().find_map(|line| line.strip_prefix(series)?.parse::<u64>().ok())
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let found = loop {
        match lost() {
            Some(0) | None if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(200));
            }
            found => break found,
        }
    };
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(found.is_some_and(|lost| lost > 0), "{found:?}");
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
