//! The journal in SQLite: durable, owned by one process, append-only, and honest about damage.

// Clippy knows test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use futures::executor::block_on;
use rstest::rstest;
use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{ChainError, Link, Record};
use sapphire_engine::time::Timestamp;
use sapphire_trader::store::{
    Damage, Head, JournalReader, JournalSink, MemoryJournal, SqliteJournal, StoreError, verify_run,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;

const RUN: RunId = RunId(0xabc);

fn record(number: u64) -> Record {
    Record::RunFinished { reason: format!("number {number}") }
}

fn at(number: u64) -> Timestamp {
    Timestamp(number.cast_signed())
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    (folder, path)
}

/// A journal of `records` records, closed again.
fn journal(path: &Path, records: u64) -> Link {
    let mut journal = SqliteJournal::open(path).unwrap();
    journal.begin(RUN);
    for number in 1..=records {
        journal.append(at(number), &record(number)).unwrap();
    }
    let head = journal.head();
    journal.close().unwrap();
    head
}

fn verify(path: &Path, head: Option<Head>) -> Result<Link, Damage> {
    let mut reader = JournalReader::open(path).unwrap();
    verify_run(&mut reader, RUN, head).unwrap().map(|verified| verified.head)
}

fn execute(path: &Path, sql: &str) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await?;
        connection.close().await
    })
}

/// What somebody with the file in hand can do.
fn tamper(path: &Path, sql: &str) {
    let triggers = "DROP TRIGGER journal_refuses_update; DROP TRIGGER journal_refuses_delete;";
    execute(path, &format!("{triggers} {sql}")).unwrap();
}

#[test]
fn what_was_flushed_is_read_back_byte_for_byte() {
    let (_folder, path) = place();
    let head = journal(&path, 600);
    let mut memory = MemoryJournal::new(RUN);
    for number in 1..=600 {
        memory.append(at(number), &record(number)).unwrap();
    }
    let mut expected = memory.records();
    let mut reader = JournalReader::open(&path).unwrap();
    reader
        .each(RUN, |stored| {
            assert_eq!(Some(stored), expected.next());
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(expected.next(), None);
    assert_eq!(head, memory.head());
}

#[test]
fn what_was_not_flushed_is_not_there() {
    let (_folder, path) = place();
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.begin(RUN);
    journal.append(at(1), &record(1)).unwrap();
    journal.flush().unwrap();
    journal.append(at(2), &record(2)).unwrap();
    assert_eq!(verify(&path, None).unwrap().sequence, 1);
    assert_eq!(journal.commits().count, 1);
    assert!(journal.commits().p99() >= journal.commits().last / 2);
}

#[test]
fn a_run_goes_on_where_it_ended() {
    let (_folder, path) = place();
    let head = journal(&path, 3);
    let mut again = SqliteJournal::open(&path).unwrap();
    again.resume(RUN, head);
    again.append(at(4), &record(4)).unwrap();
    again.close().unwrap();
    assert_eq!(verify(&path, None).unwrap().sequence, 4);
}

#[test]
fn every_commit_is_synced() {
    let (_folder, path) = place();
    let mut journal = SqliteJournal::open(&path).unwrap();
    // A kill cannot show a missing fsync; the settings that ask for it can be read.
    assert_eq!(journal.setting("synchronous").unwrap(), "2"); // FULL
    assert_eq!(journal.setting("journal_mode").unwrap(), "wal");
}

#[rstest]
#[case("UPDATE journal SET payload = x'00' WHERE sequence = 2")]
#[case("DELETE FROM journal WHERE sequence = 2")]
fn the_table_is_append_only(#[case] sql: &str) {
    let (_folder, path) = place();
    journal(&path, 3);
    let refused = execute(&path, sql).unwrap_err().to_string();
    assert!(refused.contains("append-only"), "{refused}");
    assert_eq!(verify(&path, None).unwrap().sequence, 3);
}

#[test]
fn a_second_owner_is_refused_and_told_whose_it_is() {
    let (_folder, path) = place();
    let first = SqliteJournal::open(&path).unwrap();
    let refused = SqliteJournal::open(&path).unwrap_err();
    let holder = Some(std::process::id());
    assert_eq!(refused, StoreError::InUse { path: path.clone(), holder });
    assert!(refused.to_string().contains("--db"), "{refused}");
    drop(first);
    SqliteJournal::open(&path).unwrap();
}

#[test]
fn a_pipe_is_no_journal_and_nobody_waits_for_its_writer() {
    let (_folder, path) = place();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    for refused in [
        SqliteJournal::open(&path).map(drop).unwrap_err(),
        JournalReader::open(&path).map(drop).unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::NotAJournal { .. }), "{refused}");
    }
}

#[test]
fn a_link_to_a_journal_is_the_same_journal() {
    let (folder, path) = place();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    // The link leads nowhere yet.
    let first = SqliteJournal::open(&link).unwrap();
    let holder = Some(std::process::id());
    for path in [&path, &link] {
        let refused = SqliteJournal::open(path).unwrap_err();
        assert_eq!(refused, StoreError::InUse { path: path.clone(), holder });
    }
    first.close().unwrap();
    assert!(path.is_file() && link.is_symlink());
    SqliteJournal::open(&path).unwrap();
}

#[test]
fn a_file_with_a_second_name_is_refused_under_both() {
    let (folder, path) = place();
    let first = SqliteJournal::open(&path).unwrap();
    let other = folder.path().join("other.db");
    std::fs::hard_link(&path, &other).unwrap();
    let refused = SqliteJournal::open(&other).unwrap_err();
    assert_eq!(refused, StoreError::ManyNames { path: other.clone(), names: 2 });
    drop(first);
    let refused = SqliteJournal::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::ManyNames { path: path.clone(), names: 2 });
    std::fs::remove_file(&other).unwrap();
    SqliteJournal::open(&path).unwrap();
}

#[rstest]
#[case::deleted("desk.db", None)]
#[case::replaced("desk.db", Some("new.db"))]
#[case::log_deleted("desk.db-wal", None)]
fn a_file_that_is_not_the_one_that_was_opened_is_noticed_by_the_next_commit(
    #[case] lost: &str,
    #[case] replacement: Option<&str>,
) {
    let (folder, path) = place();
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.begin(RUN);
    journal.append(at(1), &record(1)).unwrap();
    journal.flush().unwrap();
    journal.expect_in_place().unwrap();
    let lost = folder.path().join(lost);
    match replacement {
        None => std::fs::remove_file(&lost).unwrap(),
        Some(new) => {
            std::fs::copy(&lost, folder.path().join(new)).unwrap();
            std::fs::rename(folder.path().join(new), &lost).unwrap();
        }
    }
    journal.append(at(2), &record(2)).unwrap();
    let refused = StoreError::Lost(lost);
    assert_eq!(journal.flush(), Err(refused.clone()));
    assert_eq!(journal.expect_in_place(), Err(refused.clone()));
    assert_eq!(journal.append(at(3), &record(3)), Err(refused));
}

#[test]
fn a_running_desks_journal_can_be_read() {
    let (_folder, path) = place();
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.begin(RUN);
    journal.append(at(1), &record(1)).unwrap();
    journal.flush().unwrap();
    let mut reader = JournalReader::open(&path).unwrap();
    journal.append(at(2), &record(2)).unwrap();
    journal.flush().unwrap();
    assert_eq!(verify_run(&mut reader, RUN, None).unwrap().unwrap().head.sequence, 2);
}

#[test]
fn a_newer_database_is_refused() {
    let (_folder, path) = place();
    journal(&path, 1);
    execute(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (900, 'of the future', TRUE, x'00', 0)",
    )
    .unwrap();
    let to_write = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(to_write, StoreError::Newer { found: 900, .. }), "{to_write}");
    let to_read = JournalReader::open(&path).unwrap_err();
    assert!(matches!(to_read, StoreError::Newer { found: 900, .. }), "{to_read}");
}

#[test]
fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.db");
    std::fs::write(&text, "These are notes and no database, whatever the name says. ".repeat(40))
        .unwrap();
    let foreign = folder.path().join("photos.db");
    execute(&foreign, "CREATE TABLE photos (name TEXT)").unwrap();
    for path in [&text, &foreign] {
        let before = std::fs::read(path).unwrap();
        let refused = SqliteJournal::open(path).unwrap_err();
        assert!(matches!(refused, StoreError::NotAJournal { .. }), "{refused}");
        let refused = JournalReader::open(path).unwrap_err();
        assert!(matches!(refused, StoreError::NotAJournal { .. }), "{refused}");
        assert!(before == std::fs::read(path).unwrap(), "{} was changed", path.display());
    }
    let missing = JournalReader::open(&folder.path().join("none.db")).unwrap_err();
    assert!(matches!(missing, StoreError::Missing(_)), "{missing}");
}

#[test]
fn a_folder_that_is_not_there_is_not_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slip/of/the/pen/desk.db");
    let refused = SqliteJournal::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::NoFolder(path.clone()));
    assert!(refused.to_string().contains("mkdir -p"), "{refused}");
    assert!(!folder.path().join("slip").exists());
    let refused = [
        SqliteJournal::open(folder.path()).unwrap_err(),
        JournalReader::open(folder.path()).unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(refused, StoreError::Directory(folder.path().to_owned()));
    }
}

#[rstest]
#[case::no_byte("")]
#[case::killed_before_the_first_table("CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY)")]
fn an_empty_database_is_nobodys_and_says_so(#[case] sql: &str) {
    let (_folder, path) = place();
    std::fs::write(&path, "").unwrap();
    execute(&path, sql).unwrap();
    let refused = JournalReader::open(&path).unwrap_err();
    assert_eq!(refused, StoreError::Empty(path.clone()));
    assert!(refused.to_string().contains("is empty"), "{refused}");
}

#[test]
fn a_head_names_its_run_and_a_run_that_was_taken_out_leaves_a_gap() {
    let (_folder, path) = place();
    let mut heads = Vec::new();
    for number in 1..=3 {
        let mut journal = SqliteJournal::open(&path).unwrap();
        journal.begin(RunId(number));
        journal.append(at(number), &record(number)).unwrap();
        heads.push(journal.head());
        journal.close().unwrap();
    }
    let mut reader = JournalReader::open(&path).unwrap();
    for (number, head) in (1..).zip(heads) {
        assert_eq!(reader.run_of(head).unwrap(), Some(RunId(number)));
        assert_eq!(reader.run_of(Link { sequence: 9, ..head }).unwrap(), None);
    }
    assert_eq!(reader.removed().unwrap(), 0);
    tamper(&path, "DELETE FROM journal WHERE run = '0000000000000002'");
    assert_eq!(JournalReader::open(&path).unwrap().removed().unwrap(), 1);
}

#[rstest]
#[case::flipped_bit(
    "UPDATE journal SET payload = CAST(replace(CAST(payload AS TEXT), 'number', 'numbes') AS BLOB) WHERE sequence = 3",
    ChainError::Mismatch(3)
)]
#[case::moved_in_time("UPDATE journal SET at = at + 1 WHERE sequence = 4", ChainError::Mismatch(4))]
#[case::removed("DELETE FROM journal WHERE sequence = 3", ChainError::Sequence { expected: 3, found: 4 })]
#[case::first_removed("DELETE FROM journal WHERE sequence = 1", ChainError::Sequence { expected: 1, found: 2 })]
#[case::renumbered(
    "DELETE FROM journal WHERE sequence = 3; UPDATE journal SET sequence = sequence - 1 WHERE sequence > 3",
    ChainError::Mismatch(3)
)]
#[case::swapped(
    "UPDATE journal SET sequence = -2 WHERE sequence = 2; UPDATE journal SET sequence = 2 WHERE sequence = 3;
     UPDATE journal SET sequence = 3 WHERE sequence = -2",
    ChainError::Mismatch(2)
)]
#[case::hash_replaced(
    "UPDATE journal SET hash = x'00' WHERE sequence = 5",
    ChainError::Mismatch(5)
)]
fn tampering_is_found_where_it_is(#[case] sql: &str, #[case] expected: ChainError) {
    let (_folder, path) = place();
    journal(&path, 5);
    assert!(verify(&path, None).is_ok());
    tamper(&path, sql);
    assert_eq!(verify(&path, None), Err(Damage::Chain(expected)));
}

#[test]
fn a_cut_tail_shows_against_a_published_head_only() {
    let (_folder, path) = place();
    let head = Head(journal(&path, 5));
    tamper(&path, "DELETE FROM journal WHERE sequence > 3");
    assert_eq!(verify(&path, None).unwrap().sequence, 3);
    assert_eq!(verify(&path, Some(head)), Err(Damage::CutTail { ends: 3, published: 5 }));
}

#[test]
fn a_rewritten_history_shows_against_a_published_head() {
    let (_folder, path) = place();
    let published = journal(&path, 3);
    let (_other, rewritten) = place();
    let mut journal = SqliteJournal::open(&rewritten).unwrap();
    journal.begin(RUN);
    for number in [1, 7, 3] {
        journal.append(at(number), &record(number)).unwrap();
    }
    journal.close().unwrap();
    let found = verify(&rewritten, Some(Head(published))).unwrap_err();
    assert!(matches!(found, Damage::OtherHistory { sequence: 3, .. }), "{found}");
}

#[test]
fn a_head_reads_as_it_is_printed() {
    let (_folder, path) = place();
    let head = Head(journal(&path, 3));
    assert_eq!(head.to_string().parse(), Ok(head));
    for wrong in ["", "3", "3:zz", "0:9f", "x:00"] {
        assert!(wrong.parse::<Head>().is_err(), "{wrong}");
    }
}

#[test]
fn a_full_disk_fails_the_flush_keeps_what_was_durable_and_takes_nothing_more() {
    let (_folder, path) = place();
    let mut journal = SqliteJournal::open(&path).unwrap();
    journal.begin(RUN);
    journal.append(at(1), &record(1)).unwrap();
    journal.flush().unwrap();
    journal.limit_pages(12).unwrap();
    for number in 2..=2000 {
        journal.append(at(number), &record(number)).unwrap();
    }
    assert_eq!(journal.flush(), Err(StoreError::Full(path.clone())));
    assert_eq!(journal.append(at(9999), &record(9999)), Err(StoreError::Full(path.clone())));
    assert_eq!(journal.flush(), Err(StoreError::Full(path.clone())));
    drop(journal);
    assert_eq!(verify(&path, None).unwrap().sequence, 1, "a commit is whole or not at all");
}
