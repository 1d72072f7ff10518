//! What stands in a desk's way: it says what, where, and what to do, and trades nothing.

use std::net::TcpListener;
use std::process::Command;

use sapphire_trader::store::SqliteJournal;
use sqlx::Connection;

use crate::bench::Bench;

const RUN: &str = "run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit";

#[test]
fn a_port_in_use_is_told_before_anything_is_traded() {
    let bench = Bench::quickstart(50);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = bench.done(&format!("run -f DESK --db DB --listen {address}"));
    refused.refused(2, &[&address, "--listen"]);
    assert!(!bench.db().exists());
}

#[test]
fn a_second_process_is_told_whose_journal_it_is() {
    let bench = Bench::quickstart(500);
    let mut first = bench.run("--speed 60s");
    first.get("/api/system-status");
    bench.done(RUN).refused(2, &["in use by another process", "--db"]);
    first.terminate();
    assert_eq!(first.left(), 0);
    bench.done(RUN).well();
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let bench = Bench::quickstart(50);
    SqliteJournal::open(&bench.db()).unwrap().close().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(bench.db());
    futures::executor::block_on(async {
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (77, 'of the future', TRUE, x'00', 0)",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
    });
    bench.done(RUN).refused(2, &["newer version", "schema 77"]);
}

#[test]
fn a_path_that_is_no_journals_is_told_the_same_way_by_every_command() {
    let bench = Bench::quickstart(50);
    let cases: [(&str, i32, &str); 3] = [
        ("slip/of/the/pen.db", 2, "does not exist"),
        ("desk", 2, "is a directory"),
        ("notes.db", 2, "not a Sapphire journal"),
    ];
    std::fs::write(bench.path("notes.db"), "notes, nothing but notes ".repeat(50)).unwrap();
    for (path, code, words) in cases {
        let run = format!("run -f DESK --db {path} --listen 127.0.0.1:0 --speed max --exit");
        for command in [run, format!("backtest -f DESK --journal {path}")] {
            let said = bench.done(&command).refused(code, &[words, path]).complaint();
            assert!(!said.contains("code:") && !said.contains("database:"), "{said}");
        }
        if path != "slip/of/the/pen.db" {
            bench.done(&format!("journal verify --db {path}")).refused(code, &[words, path]);
        }
    }
    assert!(!bench.path("slip").exists());
}

/// The limit on file sizes stands in for a full disk: the journal cannot grow, from one write to the
/// next. (A real one needs a file system of its own, and so the right to mount.)
#[test]
fn a_disk_that_fills_stops_the_desk_and_is_said_and_the_run_goes_on_with_room() {
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run_after("trap '' XFSZ; ulimit -f 600", "--speed max");
    let status = desk.until("/api/system-status", |answer| answer["phase"] == "Failed");
    let health = desk.get("/api/health-metrics");
    assert_eq!(health["lastError"]["where"], "journal", "{health}");
    desk.says_that_it_is_halted();
    let refused = desk.post("/api/commands/halt", r#"{"reason":"too late"}"#);
    assert_eq!(refused["error"]["code"], "Unavailable", "{refused}");
    let stands = desk.get("/api/system-status");
    assert_eq!(stands["eventTime"], status["eventTime"], "it went on");
    desk.terminate();
    assert_eq!(desk.left(), 1, "{}", desk.said());
    assert!(desk.said().contains("journal"), "{}", desk.said());

    // With room it goes on, and ends as if nothing had happened.
    bench.done("journal verify --db DB").well();
    bench.done(RUN).well();
    let unhindered = Bench::quickstart(3000);
    unhindered.done(RUN).well();
    assert!(bench.records() == unhindered.records());
}

#[test]
fn manifests_that_are_wrong_are_told_with_file_and_remedy() {
    let bench = Bench::quickstart(50);
    bench.edit("system.yaml", "minAgents: 3", "minAgent: 3");
    bench.done(RUN).refused(2, &["system.yaml", "minAgent", "minAgents"]);
    assert!(!bench.db().exists());
}

#[test]
fn data_that_cannot_be_trusted_are_told_with_file_and_line() {
    let bench = Bench::quickstart(50);
    bench.edit("bars.csv", "2017-07-01 12-PM,BTCUSD,", "2017-07-01 12-PM,BTCUSD,-");
    bench.done(RUN).refused(2, &["bars.csv:", "above zero"]);
}

#[test]
fn an_odd_bar_is_told_with_its_row_in_the_log_the_report_and_the_api() {
    let bench = Bench::quickstart(50);
    let text = std::fs::read_to_string(bench.path("desk/bars.csv")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // A hundred times the price in one bar, in the tenth line.
    let fields: Vec<String> = lines[9].split(',').map(str::to_owned).collect();
    let hundredfold = |text: &String| format!("{}", text.parse::<f64>().unwrap() * 100.0);
    let prices: Vec<String> = fields[2..6].iter().map(hundredfold).collect();
    lines[9] = [&fields[..2], &prices, &fields[6..]].concat().join(",");
    std::fs::write(bench.path("desk/bars.csv"), lines.join("\n") + "\n").unwrap();
    let mut desk = bench.run("--speed max");
    desk.until_said("the page stays");
    // The report goes to standard output: it may be heard after what standard error says later.
    desk.until_said("2 jumped 30 % or more (first: line 10, ");
    let said = desk.said();
    // The file is newest first: the bar after the odd one in time stands above it.
    let warning = said.lines().find(|line| line.contains("WARN")).unwrap();
    assert!(warning.contains("2 jumped 30 % or more, first in line 10, "), "{said}");
    assert!(warning.contains("look whether these prices are real"), "{said}");
    let health = desk.get("/api/health-metrics");
    assert_eq!(health["dataQuality"]["jumps"], 2);
    assert_eq!(health["dataQuality"]["outOfOrder"], 0);
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

#[test]
fn logs_as_json_leave_no_other_line_on_standard_error() {
    let bench = Bench::quickstart(300);
    let mut lines = 0;
    for (arguments, code) in [
        ("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit --log-format json", 0),
        ("run --log-format json", 2),
        ("why d999999 --db DB --log-format json", 2),
    ] {
        let done = bench.done(arguments);
        assert_eq!(done.code(), code, "{}", done.complaint());
        for line in done.complaint().lines() {
            let read: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(read["timestamp"].is_string() && read["level"].is_string(), "{line}");
            assert!(read["message"].is_string(), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 4, "{lines}");
}

#[test]
fn data_are_read_from_regular_files_alone() {
    let bench = Bench::quickstart(50);
    let bars = bench.path("desk/bars.csv");
    std::fs::remove_file(&bars).unwrap();
    assert!(Command::new("mkfifo").arg(&bars).status().unwrap().success());
    bench.done(RUN).refused(2, &["system.yaml", "bars.csv", "a pipe"]);
}

#[test]
fn a_word_that_neither_forbids_nor_allows_real_money_is_refused() {
    let bench = Bench::quickstart(50);
    let refused = bench.command(RUN).env("ENABLE_PAPER_TRADING", "perhaps").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("ENABLE_PAPER_TRADING is `perhaps`"), "{said}");
    assert!(!bench.db().exists());
}

#[test]
fn a_state_home_that_is_relative_is_said_to_be_ignored() {
    let bench = Bench::quickstart(50);
    let mut verify = bench.command("journal verify");
    let verify = verify.env("XDG_STATE_HOME", "relative").env("HOME", bench.path("home"));
    let said = String::from_utf8(verify.output().unwrap().stderr).unwrap();
    let told: Vec<_> = said.lines().filter(|line| line.contains("WARN")).collect();
    let [told] = told.as_slice() else { panic!("{said}") };
    for words in ["XDG_STATE_HOME is relative", "ignored", "home/.local/state", "--db PATH"] {
        assert!(told.contains(words), "no `{words}` in {told}");
    }
}

#[test]
fn a_value_from_the_environment_is_told_with_its_variable() {
    let bench = Bench::quickstart(50);
    for (variable, value) in [("LOG_FORMAT", "xml"), ("SAPPHIRE_TRUSTED_PROXIES", "everyone")] {
        let refused = |arguments: &str| {
            let refused = bench.command(arguments).env(variable, value).output().unwrap();
            assert_eq!(refused.status.code(), Some(2));
            String::from_utf8(refused.stderr).unwrap()
        };
        let said = refused(RUN);
        assert!(said.contains(&format!("correct or unset {variable}")), "{said}");
        let said = refused(&format!("{RUN} --log-format=xml --trusted-proxy everyone"));
        assert!(!said.contains("correct or unset"), "{said}");
    }
}

#[test]
fn a_number_below_zero_is_told_as_the_value_that_it_is() {
    let bench = Bench::quickstart(50);
    for (option, words) in
        [("--speed -3x", "`-3x` is no speed"), ("--requests-per-minute -1", "-1 is not in")]
    {
        bench.done(&format!("run -f DESK {option}")).refused(2, &[words]);
    }
}

#[test]
fn storage_and_bus_of_a_cluster_are_told_to_be_embedded_here() {
    let bench = Bench::quickstart(50);
    let of_a_cluster = "\n  storage: {postgres: {secretRef: {name: postgres, key: url}}}\
                        \n  bus: {redis: {secretRef: {name: redis, key: url}}}\n  barInterval: 1h";
    bench.edit("system.yaml", "\n  barInterval: 1h", of_a_cluster);
    let mut desk = bench.run("--speed max");
    desk.until_said("the page stays");
    let status = desk.get("/api/system-status");
    for words in ["storage.postgres is for clusters", "bus.redis is for clusters"] {
        assert!(status["notes"].to_string().contains(words), "no `{words}` in {status}");
        assert!(desk.said().contains(words), "no `{words}` in the log: {}", desk.said());
    }
    assert_eq!((&status["storage"], &status["bus"]), (&"embedded".into(), &"embedded".into()));
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

#[test]
fn a_pipe_gets_neither_colours_nor_progress() {
    let bench = Bench::quickstart(3000);
    for arguments in [
        RUN,
        "backtest -f DESK --journal DB",
        "backtest -f DESK --sweep policy.limits.maxDrawdown=0.2,0.3",
        "replay -f DESK --db DB",
        "journal verify --db DB",
        "why o1 --db DB",
        "run",
    ] {
        let done = bench.done(arguments);
        let said = done.out() + &done.complaint();
        assert!(!said.is_empty(), "{arguments}");
        let control = |c: &char| c.is_control() && *c != '\n';
        assert_eq!(said.chars().find(control), None, "{arguments}: {said:?}");
    }
}

#[test]
fn a_result_that_could_not_be_written_is_a_failure() {
    let bench = Bench::quickstart(300);
    bench.done(RUN).well();
    for arguments in [
        "backtest -f DESK",
        "backtest -f DESK -o json",
        "completions bash",
        "journal export --db DB",
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let done = bench.command(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{arguments}: {said}");
        assert!(
            said.contains("cannot write to standard output: No space left on device"),
            "{said}"
        );
    }
}
