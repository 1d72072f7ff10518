//! The journal's file, and what can happen to it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use rstest::rstest;

use crate::bench::Bench;

#[rstest]
#[case::deleted(None)]
#[case::replaced(Some("new.db"))]
fn a_desk_whose_database_is_taken_away_is_halted_and_says_so(#[case] replacement: Option<&str>) {
    let bench = Bench::quickstart(3000);
    // Slow enough to be still at it.
    let mut desk = bench.run("--speed 120s");
    desk.until("/api/orders?state=all", |answer| !answer["orders"].as_array().unwrap().is_empty());
    match replacement {
        None => fs::remove_file(bench.db()).unwrap(),
        Some(new) => {
            fs::copy(bench.db(), bench.path(new)).unwrap();
            fs::rename(bench.path(new), bench.db()).unwrap();
        }
    }
    desk.says_that_it_is_halted();
    let health = desk.get("/api/health-metrics");
    let message = health["lastError"]["message"].as_str().unwrap();
    assert!(message.contains("deleted or replaced"), "{health}");
    desk.terminate();
    assert_eq!(desk.left(), 1, "{}", desk.said());
}

#[test]
fn one_journal_under_two_names_has_one_desk() {
    let bench = Bench::quickstart(500);
    let mut desk = bench.run("--speed 60s");
    desk.get("/api/system-status");
    std::os::unix::fs::symlink(bench.db(), bench.path("link.db")).unwrap();
    let run = |db: &str| {
        bench.done(&format!("run -f DESK --db {db} --listen 127.0.0.1:0 --speed max --exit"))
    };
    run("link.db").refused(2, &["in use by another process", &desk.process_id().to_string()]);
    fs::hard_link(bench.db(), bench.path("hard.db")).unwrap();
    run("hard.db").refused(2, &["2 names", "find"]);
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

/// Permissions stand in for a read-only file system, which takes the right to mount: SQLite is told
/// the same of both. They bind everybody but root, so as root the binary runs as somebody else.
#[test]
fn a_closed_journal_is_read_where_nothing_can_be_written() {
    let bench = Bench::quickstart(100);
    bench.done("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit").well();
    let folder = bench.path("archive");
    fs::create_dir(&folder).unwrap();
    fs::copy(bench.db(), folder.join("journal.db")).unwrap();
    let mut command = bench.command("journal verify --db archive/journal.db");
    let root = 0;
    if fs::metadata(&folder).unwrap().uid() == root {
        let nobody = 65534;
        let program = bench.path("sapphire-trader");
        fs::copy(command.get_program(), &program).unwrap();
        fs::set_permissions(bench.path(""), Permissions::from_mode(0o755)).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = std::process::Command::new(program);
        command.args(arguments).current_dir(bench.path("")).uid(nobody).gid(nobody);
    }
    fs::set_permissions(folder.join("journal.db"), Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let verified = command.output().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
}
