//! `journal verify`: what it finds, and with which exit code. A desk does not trade on what it finds.

use rstest::rstest;
use sapphire_engine::journal::Chain;
use sapphire_trader::store::{JournalReader, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection};

use crate::bench::Bench;

fn tamper(bench: &Bench, sql: &str) {
    let options = SqliteConnectOptions::new().filename(bench.db());
    let triggers = "DROP TRIGGER IF EXISTS journal_refuses_update; DROP TRIGGER IF EXISTS journal_refuses_delete;";
    let sql = AssertSqlSafe(format!("{triggers} {sql}"));
    futures::executor::block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// The newest run with `old` in its first record turned into `new`, chained anew: as another build would
/// have written it.
fn written_otherwise(bench: &Bench, old: &str, new: &str) {
    let mut reader = JournalReader::open(&bench.db()).unwrap();
    let run = reader.runs().unwrap().last().unwrap().run;
    let mut chain = Chain::new(run);
    let mut sql = String::from("BEGIN;");
    reader
        .each(run, |record| {
            let text = record.text();
            let payload =
                if record.link.sequence == 1 { text.replace(old, new) } else { text.into_owned() };
            assert!(record.link.sequence > 1 || payload != record.text(), "{payload}");
            let link = chain.append(record.at, payload.as_bytes());
            let (hash, sequence) = (link.hash, link.sequence);
            let payload: String = payload.bytes().map(|byte| format!("{byte:02x}")).collect();
            sql += &format!(
                "UPDATE journal SET hash = x'{hash}', payload = x'{payload}' \
                 WHERE run = '{run}' AND sequence = {sequence};"
            );
            Ok::<_, StoreError>(())
        })
        .unwrap();
    tamper(bench, &(sql + "COMMIT"));
    bench.done("journal verify --db DB").well();
}

/// What a build of before wrote, whose policies had no such field.
fn of_a_build_before(bench: &Bench) {
    written_otherwise(bench, ",\"staleAfter\":60000000000", "");
}

#[test]
fn an_unfinished_run_of_another_build_is_told_with_what_to_do() {
    let bench = left_behind();
    of_a_build_before(&bench);
    let words = ["record 1", "staleAfter", "Another build", "another journal with --db PATH"];
    bench.done(RUN).refused(1, &words);
    bench.done("why o1 --db DB").refused(2, &words);
    bench.done("replay -f DESK --db DB").refused(1, &words);
    bench.done("run -f DESK --db other.db --listen 127.0.0.1:0 --speed max --exit").well();
    assert!(bench.done("run --help").well().out().contains("--db <PATH>"));
}

#[test]
fn an_unfinished_run_of_another_version_is_told_whose_it_is_whatever_its_records_look_like() {
    let bench = left_behind();
    let version = concat!("\"engine\":\"", env!("CARGO_PKG_VERSION"), "\"");
    written_otherwise(&bench, version, "\"engine\":\"0.0.9\"");
    of_a_build_before(&bench);
    bench.done(RUN).refused(1, &["begun by version 0.0.9", "begin another journal with --db"]);
}

#[test]
fn a_run_of_another_build_that_is_over_keeps_nobody_from_beginning_the_next() {
    let bench = Bench::quickstart(100);
    bench.done(RUN).well();
    of_a_build_before(&bench);
    bench.done(RUN).well();
    let runs = bench.done("journal verify --db DB -o json").well().json();
    assert_eq!(runs.as_array().unwrap().len(), 2);
}

#[test]
fn a_run_is_taken_for_over_only_by_a_last_record_that_is_part_of_its_chain() {
    let bench = left_behind();
    tamper(
        &bench,
        "UPDATE journal SET payload = CAST('{\"kind\":\"runFinished\",\"body\":{\"reason\":\"\"}}' AS BLOB) \
         WHERE id = (SELECT max(id) FROM journal)",
    );
    bench.done(RUN).refused(1, &["journal verify", "does not match its hash"]);
}

/// What was flipped in a run that is over, or of other manifests, is no less a damaged journal.
#[rstest]
#[case::over(true)]
#[case::of_other_manifests(false)]
fn no_run_begins_behind_one_that_was_changed(#[case] over: bool) {
    let bench = if over { Bench::quickstart(100) } else { left_behind() };
    if over {
        bench.done(RUN).well();
    }
    tamper(
        &bench,
        "UPDATE journal SET payload = CAST(CAST(payload AS TEXT) || ' ' AS BLOB) WHERE sequence = 9",
    );
    if !over {
        bench.edit("system.yaml", "seed: 7", "seed: 8");
    }
    let words = ["record 9", "journal verify", &bench.db().display().to_string()];
    bench.done(RUN).refused(1, &words);
    bench.done("run -f DESK --db other.db --listen 127.0.0.1:0 --speed max --exit").well();
}

/// An unfinished run: the next start would go on with it.
fn left_behind() -> Bench {
    let bench = Bench::quickstart(800);
    let mut desk = bench.run("--speed 30s");
    desk.until("/api/orders?state=all", |answer| !answer["orders"].as_array().unwrap().is_empty());
    desk.terminate();
    assert_eq!(desk.left(), 0);
    bench
}

fn head(bench: &Bench) -> String {
    let verified = bench.done("journal verify --db DB -o json").well().json();
    verified[0]["head"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::flipped(
    "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), 'BTCUSD', 'BTCUSE') AS BLOB) WHERE sequence = 1",
    "record 1 "
)]
#[case::removed("DELETE FROM journal WHERE sequence = 9", "record 9 is missing")]
#[case::swapped(
    "UPDATE journal SET sequence = -7 WHERE sequence = 7; UPDATE journal SET sequence = 7 WHERE sequence = 8;
     UPDATE journal SET sequence = 8 WHERE sequence = -7",
    "record 7 "
)]
fn a_changed_journal_is_found_and_not_traded_on(#[case] sql: &str, #[case] place: &str) {
    let bench = left_behind();
    tamper(&bench, sql);
    let verified = bench.done("journal verify --db DB").refused(1, &["do not trade"]);
    assert!(verified.out().contains(place), "{}", verified.out());
    let refused = bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit");
    refused.refused(1, &["journal verify", &bench.db().display().to_string()]);
}

#[test]
fn a_cut_tail_shows_against_the_head_that_was_published() {
    let bench = left_behind();
    let published = head(&bench);
    bench.done(&format!("journal verify --db DB --head {published}")).well();
    tamper(&bench, "DELETE FROM journal WHERE sequence > 20");
    bench.done("journal verify --db DB").well();
    let verified = bench.done(&format!("journal verify --db DB --head {published}"));
    assert_eq!(verified.code(), 1);
    assert!(verified.out().contains("ends at record 20"), "{}", verified.out());
}

const RUN: &str = "run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit";

#[test]
fn a_head_is_held_against_the_run_that_it_belongs_to() {
    let bench = Bench::quickstart(100);
    let mut heads = Vec::new();
    for number in 0..3 {
        bench.done(RUN).well();
        let verified = bench.done("journal verify --db DB -o json").well().json();
        assert_eq!(verified.as_array().unwrap().len(), number + 1, "every run is followed");
        let newest = &verified[number];
        heads.push((
            newest["run"].as_str().unwrap().to_owned(),
            newest["head"].as_str().unwrap().to_owned(),
        ));
    }
    for (run, head) in &heads {
        let verified = bench.done(&format!("journal verify --db DB -o json --head {head}")).well();
        let verified = verified.json();
        assert_eq!(verified.as_array().unwrap().len(), 1);
        assert_eq!(verified[0]["run"], run.as_str());
    }
    let (oldest, newest) = (&heads[0], &heads[2]);
    bench
        .done(&format!("journal verify --db DB --run {} --head {}", newest.0, oldest.1))
        .refused(2, &[&oldest.0, &newest.0]);
    // The head of the middle run is gone with its tail: nobody has it any more.
    let cut = format!("DELETE FROM journal WHERE run = '{}' AND sequence > 20", heads[1].0);
    tamper(&bench, &cut);
    let said = bench.done(&format!("journal verify --db DB --head {}", heads[1].1));
    said.refused(1, &["no run in it has the record", &heads[1].1]);
    let said =
        bench.done(&format!("journal verify --db DB --run {} --head {}", heads[1].0, heads[1].1));
    assert!(said.out().contains("ends at record 20"), "{}", said.out());
}

#[test]
fn records_that_were_deleted_are_missed() {
    let bench = Bench::quickstart(100);
    bench.done(RUN).well();
    bench.done(RUN).well();
    tamper(
        &bench,
        "DELETE FROM journal WHERE id <= (SELECT min(count) FROM \
                    (SELECT count(*) AS count FROM journal GROUP BY run))",
    );
    bench.done("journal verify --db DB").refused(1, &["taken out"]);
    let options = SqliteConnectOptions::new().filename(bench.db());
    futures::executor::block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("DELETE FROM journal").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    for command in ["journal verify", "journal export", "why d1", "replay -f DESK"] {
        bench.done(&format!("{command} --db DB")).refused(1, &["holds no run"]);
    }
}

#[test]
fn why_does_not_vouch_for_what_was_forged() {
    let bench = left_behind();
    tamper(
        &bench,
        "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), '\"price\":', '\"price\":9') AS BLOB)
         WHERE id = (SELECT min(id) FROM journal WHERE payload LIKE '%\"Fill\"%')",
    );
    let told = bench.done("why t1 --db DB").refused(1, &["forged", "journal verify"]);
    assert!(told.out().contains("WARNING"), "{}", told.out());
    let told = bench.done("why t1 --db DB -o json");
    assert_eq!(told.code(), 1);
    assert!(told.json()["damage"].is_string(), "{}", told.out());
}

#[test]
fn a_record_that_cannot_be_read_since_it_was_altered_is_no_other_builds() {
    let bench = left_behind();
    tamper(
        &bench,
        "UPDATE journal SET payload = CAST(x'7b78' || substr(payload, 3) AS BLOB) WHERE sequence = 9",
    );
    for command in ["why d1 --db DB", "replay -f DESK --db DB", "journal export --db DB"] {
        let told = bench.done(command).refused(1, &["record 9", "journal verify --db"]);
        assert!(!told.complaint().contains("Another build"), "{}", told.complaint());
    }
}

#[test]
fn what_is_no_journal_cannot_be_read() {
    let bench = Bench::quickstart(10);
    bench.done("journal verify --db DB").refused(2, &["no journal is there"]);
    std::fs::write(bench.db(), "").unwrap();
    bench.done("journal verify --db DB").refused(1, &["is empty"]);
    std::fs::write(bench.db(), "not a database, not at all ".repeat(50)).unwrap();
    bench.done("journal verify --db DB").refused(2, &["not a Sapphire journal"]);
    bench.done("journal verify --db DB --head 5:xyz").refused(2, &["head"]);
}

#[test]
fn a_page_that_was_overwritten_is_damage() {
    let bench = left_behind();
    let mut bytes = std::fs::read(bench.db()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    std::fs::write(bench.db(), bytes).unwrap();
    let verified = bench.done("journal verify --db DB");
    assert_eq!(verified.code(), 1, "{}{}", verified.out(), verified.complaint());
}

#[test]
fn an_export_is_every_record_and_its_hash() {
    let bench = left_behind();
    let exported = bench.done("journal export --db DB").well().out();
    let lines: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["record"]["kind"], "runStarted");
    let last = lines.last().unwrap();
    let found = format!("{}:{}", last["sequence"], last["hash"].as_str().unwrap());
    assert_eq!(found, head(&bench));
}

#[test]
fn why_leads_from_votes_to_the_position_check() {
    let bench = left_behind();
    let why = bench.done("why d1 --db DB -o json").well().json();
    let kinds: Vec<&str> = why["lineage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["record"]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds[..3], ["round", "decision", "intent"]);
    assert!(kinds.contains(&"venue") && kinds.contains(&"positionChecked"), "{kinds:?}");
    let intent = &why["lineage"][2]["record"]["body"]["request"];
    let order = intent["id"].as_u64().unwrap();
    let told = bench.done(&format!("why o{order} --db DB")).well().out();
    assert!(told.contains("market-prediction") && told.contains("d1:"), "{told}");
    let fill = bench.done("why t1 --db DB").well().out();
    assert!(fill.contains("d1:") && fill.contains("verified"), "{fill}");
    bench.done("why d999999 --db DB").refused(2, &["holds no d999999"]);
    bench.done("why x9 --db DB").refused(2, &["no id"]);
}
