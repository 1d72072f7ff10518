//! The same bytes again.

use rstest::rstest;
use sapphire_trader::store::{JournalReader, StoreError};
use sqlx::Connection;

use crate::bench::Bench;

fn bars() -> Bench {
    Bench::quickstart(1500)
}

#[rstest]
#[case::bars(bars())]
#[case::streams(Bench::streams())]
fn a_run_a_backtest_and_a_replay_make_the_same_bytes(#[case] bench: Bench) {
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    let records = bench.records();
    let fills = records.iter().filter(|(_, record)| record.contains("\"Fill\"")).count();
    assert!(fills > 0, "a run without trades shows nothing");
    let replayed = bench.done("replay -f DESK --db DB").well().out();
    assert!(replayed.contains("the same bytes"), "{replayed}");

    let kept = bench.path("backtest.db");
    let arguments = format!("backtest -f DESK --journal {}", kept.display());
    bench.done(&arguments).well();
    let mut reader = JournalReader::open(&kept).unwrap();
    let run = reader.runs().unwrap()[0].run;
    let mut expected = records.iter();
    reader
        .each(run, |stored| {
            let record = expected.next().map(|(at, text)| (*at, text.as_str()));
            assert_eq!(record, Some((stored.at.0, &*stored.text())));
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(expected.next(), None);
}

#[test]
fn a_run_with_commands_replays() {
    let bench = bars();
    let mut desk = bench.run("--speed 15s --exit");
    desk.until("/api/positions", |answer| !answer["positions"].as_array().unwrap().is_empty());
    let closed = desk.post("/api/commands/close", r#"{"symbol":"BTCUSD","reason":"to see"}"#);
    assert_eq!(closed["accepted"], true, "{closed}");
    let halted = desk.post("/api/commands/halt", r#"{"reason":"to see","flatten":true}"#);
    assert_eq!(halted["accepted"], true, "{halted}");
    desk.until("/api/risk", |answer| answer["flat"] == true && answer["tradingState"] == "Halted");
    let resumed = desk.post("/api/commands/resume", r#"{"reason":"seen"}"#);
    assert_eq!(resumed["accepted"], true, "{resumed}");
    desk.terminate();
    assert_eq!(desk.left(), 0);
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    bench.done("replay -f DESK --db DB").well();
    let why = bench.done("why c1 --db DB").well().out();
    assert!(why.contains("Close"), "{why}");
}

#[test]
fn other_data_are_told_before_the_first_record_that_differs() {
    let bench = Bench::quickstart(300);
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    bench.edit("system.yaml", "seed: 7", "seed: 8");
    bench.done("replay -f DESK --db DB").refused(1, &["other manifests"]);
    bench.edit("system.yaml", "seed: 8", "seed: 7");
    bench.done("replay -f DESK --db DB").well();
    bench.edit("bars.csv", "2017-07-01 11-AM", "2017-07-01 11-AM ");
    bench.done("replay -f DESK --db DB").refused(1, &["other data"]);
}

#[test]
fn a_journal_that_was_changed_and_hashed_again_is_found_by_replay() {
    let bench = Bench::quickstart(600);
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(bench.db());
    futures::executor::block_on(async {
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(
            "DROP TRIGGER journal_refuses_update;
             UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), 'Sell', 'Buy') AS BLOB)
             WHERE id = (SELECT min(id) FROM journal WHERE payload LIKE '%\"Fill\"%');",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
    });
    bench.done("replay -f DESK --db DB").refused(
        1,
        &[
            "differs",
            "first in `body.Fill.side`: journal \"Buy\", replay \"Sell\"",
            "journal:",
            "replay:",
        ],
    );
}
