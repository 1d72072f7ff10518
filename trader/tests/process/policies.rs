//! The RiskPolicy's file while the desk runs.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};

use crate::bench::{Bench, LOST};

#[test]
fn a_policy_edited_to_halted_leaves_nothing_open_and_an_invalid_one_changes_nothing() {
    let bench = Bench::quickstart(5000);
    let mut desk = bench.run("--speed 60s");
    desk.until("/api/positions", |answer| !answer["positions"].as_array().unwrap().is_empty());
    let before = desk.get("/api/risk");

    bench.edit("policy.yaml", "tradingState: Active", "tradingState: Hated");
    let refused =
        desk.until("/api/risk", |answer| answer["policy"]["lastRefused"]["message"].is_string());
    let message = refused["policy"]["lastRefused"]["message"].as_str().unwrap();
    assert!(message.contains("tradingState") && message.contains("Halted"), "{message}");
    assert_eq!(refused["policy"]["hash"], before["policy"]["hash"]);
    assert_eq!(refused["tradingState"], "Active");
    desk.until_said("after 1m (its staleAfter) without a valid one the desk only reduces");

    bench.edit("policy.yaml", "tradingState: Hated", "tradingState: Halted");
    let halted =
        desk.until("/api/risk", |answer| answer["flat"] == true && !answer["haltedAt"].is_null());
    assert_eq!(halted["tradingState"], "Halted");
    assert_eq!(halted["policy"]["generation"], 2);
    assert_ne!(halted["policy"]["hash"], before["policy"]["hash"]);
    assert!(
        halted["policy"]["delayMillis"].is_u64() && halted["flatSince"].is_string(),
        "{halted}"
    );
    let open = desk.get("/api/orders?state=open");
    assert_eq!(open["orders"].as_array().unwrap().len(), 0, "{open}");
    assert_eq!(desk.get("/api/positions")["positions"].as_array().unwrap().len(), 0);
    desk.until_said(halted["policy"]["hash"].as_str().unwrap());

    desk.terminate();
    assert_eq!(desk.left(), 0);
    assert!(bench.records().iter().any(|(_, record)| record.contains("\"flat\"")));

    // What was edited while nobody looked is a change too; the run itself is the same.
    bench.edit("policy.yaml", "maxDrawdown: \"0.25\"", "maxDrawdown: \"0.20\"");
    let mut again = bench.run("--speed 60s");
    let changed = again.until("/api/risk", |answer| answer["policy"]["generation"] == 3);
    let limits = changed["limits"].as_array().unwrap();
    let drawdown = limits.iter().find(|limit| limit["name"] == "maxDrawdown").unwrap();
    assert!(drawdown["limit"].as_str().unwrap().starts_with("0.2"), "{drawdown}");
    again.terminate();
    assert_eq!(again.left(), 0);
    bench.done("replay -f DESK --db DB").well();
}

#[test]
fn the_environment_fills_in_what_the_policy_leaves_out() {
    let bench = Bench::quickstart(300);
    let limits = |bench: &Bench| {
        let mut command =
            bench.command("run -f DESK --db DB --listen 127.0.0.1:0 --speed max --exit");
        assert!(command.env("MAX_DRAWDOWN", "0.11").output().unwrap().status.success());
        let (_, started) = bench.records().swap_remove(0);
        let started: serde_json::Value = serde_json::from_str(&started).unwrap();
        started["body"]["config"]["policy"]["policy"]["limits"]["maxDrawdown"].clone()
    };
    assert_eq!(limits(&bench), "0.25", "the manifest wins");
    bench.edit("policy.yaml", "maxDrawdown: \"0.25\"", "");
    assert_eq!(limits(&bench), "0.11");
}

/// A lock on the database keeps the desk in its recovery for as long as the test needs.
#[test]
fn a_halt_that_is_written_during_a_recovery_is_seen() {
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run("--speed 60s");
    desk.until("/api/orders?state=all", |answer| !answer["orders"].as_array().unwrap().is_empty());
    desk.terminate();
    assert_eq!(desk.left(), 0);

    let options = SqliteConnectOptions::new().filename(bench.db());
    let mut holder = futures::executor::block_on(async {
        let mut holder = SqliteConnection::connect_with(&options).await.unwrap();
        holder.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").await.unwrap();
        holder
    });
    let mut again = bench.run("--speed 60s");
    // It owns the journal, so it has read its manifests.
    let lock = bench.path("journal.db.lock");
    let id = again.process_id().to_string();
    let until = Instant::now() + LOST;
    while fs::read_to_string(&lock).unwrap().trim() != id {
        assert!(Instant::now() < until, "it never took the journal: {}", again.said());
        std::thread::sleep(Duration::from_millis(2));
    }
    bench.edit("policy.yaml", "tradingState: Active", "tradingState: Halted");
    futures::executor::block_on(async {
        holder.execute("ROLLBACK").await.unwrap();
        holder.close().await.unwrap();
    });
    let risk = again.until("/api/risk", |answer| answer["tradingState"] == "Halted");
    assert_eq!(risk["policy"]["generation"], 2, "{risk}");
    again.terminate();
    assert_eq!(again.left(), 0);
}

/// Up to its last lines, the text of a policy that halts is that of one that does not.
#[test]
fn a_policy_that_is_being_written_lifts_no_halt() {
    let bench = Bench::quickstart(3000);
    bench.edit("policy.yaml", "tradingState: Active", "tradingState: Halted");
    let mut desk = bench.run("--speed 120s");
    desk.until_said("trading is Halted: Policy says so");
    let halted = desk.until("/api/risk", |answer| answer["tradingState"] == "Halted");
    let path = bench.path("desk/policy.yaml");
    let whole = fs::read_to_string(&path).unwrap();
    let half = &whole[..whole.find("  tradingState").unwrap()];
    for _ in 0..5 {
        fs::write(&path, half).unwrap();
        std::thread::sleep(Duration::from_millis(120));
        fs::write(&path, &whole).unwrap();
        std::thread::sleep(Duration::from_millis(120));
    }
    let still = desk.get("/api/risk");
    assert_eq!(still["tradingState"], "Halted");
    assert_eq!(still["policy"]["hash"], halted["policy"]["hash"]);
    let active = |record: &str| {
        record.contains("\"tradingState\"") && record.contains("\"state\":\"Active\"")
    };
    let loosened = bench.records().into_iter().find(|(_, record)| active(record));
    assert_eq!(loosened, None, "the desk was active for a moment");

    // Left as it is, it is what its writer meant.
    fs::write(&path, half).unwrap();
    desk.until("/api/risk", |answer| answer["tradingState"] == "Active");
    assert!(bench.records().iter().any(|(_, record)| active(record)));
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

/// A policy waits for a fifth of a second. Where a busy machine looks away for that long, a looser one
/// waits next.
#[test]
fn a_looser_policy_is_shown_with_what_it_waits_for_until_it_acts() {
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run("--speed 120s");
    assert!(desk.get("/api/risk")["pending"].is_null());
    let text = fs::read_to_string(bench.path("desk/policy.yaml")).unwrap();
    let text = text.replace("maxDailyLoss: \"0.05\"", "maxDailyLoss: \"0.04\"");
    let limit = |answer: &serde_json::Value, name: &str| {
        let limits = answer["limits"].as_array().unwrap();
        let limit = limits.iter().find(|limit| limit["name"] == name).unwrap();
        limit["limit"].as_str().unwrap().to_owned()
    };

    let waiting = (26..90).find_map(|percent| {
        let looser = format!("maxDrawdown: \"0.{percent}\"");
        let next = text.replace("maxDrawdown: \"0.25\"", &looser);
        fs::write(bench.path("desk/next"), next).unwrap();
        fs::rename(bench.path("desk/next"), bench.path("desk/policy.yaml")).unwrap();
        let written = Instant::now();
        while written.elapsed() < Duration::from_millis(400) {
            let answer = desk.get("/api/risk");
            if !answer["pending"].is_null() {
                return Some((answer, format!("0.{percent}")));
            }
        }
        None
    });
    let (waits, looser) = waiting.expect("none of them was seen to wait");
    let enforced = waits["policy"]["generation"].as_u64().unwrap();
    assert_eq!(waits["pending"]["changes"], serde_json::json!(["maxDrawdown"]), "{waits}");
    assert_eq!(waits["pending"]["generation"], enforced + 1);
    assert_ne!(waits["pending"]["hash"], waits["policy"]["hash"]);
    assert!(waits["pending"]["waitsFor"].as_str().unwrap().contains("stand still"), "{waits}");
    assert_eq!(limit(&waits, "maxDailyLoss"), "0.04", "what is stricter acts");
    assert!(limit(&waits, "maxDrawdown") < looser, "what is looser does not: {waits}");
    let acts = desk.until("/api/risk", |answer| limit(answer, "maxDrawdown") == looser);
    assert!(acts["pending"].is_null(), "{acts}");
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

#[test]
fn a_pipe_in_the_policys_place_is_refused_and_keeps_nobody_from_leaving() {
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run("--speed 120s");
    desk.get("/api/risk");
    let path = bench.path("desk/policy.yaml");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let refused =
        desk.until("/api/risk", |answer| answer["policy"]["lastRefused"]["message"].is_string());
    let message = refused["policy"]["lastRefused"]["message"].as_str().unwrap();
    assert!(message.contains("policy.yaml") && message.contains("a pipe"), "{message}");
    let told = Instant::now();
    desk.terminate();
    assert_eq!(desk.left(), 0);
    assert!(told.elapsed() < Duration::from_secs(1), "it took {:?}", told.elapsed());
    bench
        .done("run -f DESK --db DB --listen 127.0.0.1:0 --exit")
        .refused(2, &["policy.yaml", "a pipe"]);
}

#[test]
fn a_policy_that_is_gone_for_longer_than_stale_after_reduces_the_desk_until_it_is_there_again() {
    let bench = Bench::quickstart(5000);
    bench.edit("policy.yaml", "tradingState: Active", "tradingState: Active\n  staleAfter: 3s");
    let mut desk = bench.run("--speed 120s");
    let before = desk.get("/api/risk");
    assert_eq!(before["policy"]["staleAfter"], "3s");
    assert!(before["policy"]["lost"].is_null(), "{before}");

    let path = bench.path("desk/policy.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let gone = Instant::now();
    fs::remove_file(&path).unwrap();
    let lost = desk.until("/api/risk", |answer| !answer["policy"]["lost"].is_null());
    assert!(gone.elapsed() >= Duration::from_secs(2), "it was lost too soon");
    assert_eq!(lost["tradingState"], "Reducing", "{lost}");
    assert_eq!(lost["policy"]["hash"], before["policy"]["hash"], "the limits stay");
    let reason = lost["policy"]["lost"]["reason"].as_str().unwrap();
    assert!(reason.contains("3s (its staleAfter)") && reason.contains("policy.yaml"), "{reason}");
    desk.until_said("reducing: the RiskPolicy could not be read");
    let status = desk.get("/api/system-status");
    let words = &status["tradingStateReasons"][0];
    assert_eq!((&words["source"], &words["state"]), (&"Policy".into(), &"Reducing".into()));

    let refused = desk.post("/api/commands/resume", r#"{"reason":"go on"}"#);
    assert_eq!(refused["error"]["code"], "Conflict", "{refused}");
    assert!(refused.to_string().contains("make its file good again"), "{refused}");
    assert_eq!(desk.get("/api/risk")["tradingState"], "Reducing");

    // Killed in this state, it comes back in it, and finds the policy by itself.
    desk.kill();
    fs::write(&path, &text).unwrap();
    let mut again = bench.run("--speed 120s");
    let found = again.until("/api/risk", |answer| answer["tradingState"] == "Active");
    assert!(found["policy"]["lost"].is_null(), "{found}");
    again.until_said("the RiskPolicy is seen again");
    fs::write(&path, "what the desk may lose").unwrap();
    again.until("/api/risk", |answer| !answer["policy"]["lost"].is_null());
    let refused = again.get("/api/risk");
    assert!(refused["policy"]["lastRefused"]["message"].is_string(), "{refused}");
    fs::write(&path, &text).unwrap();
    let found = again.until("/api/risk", |answer| answer["tradingState"] == "Active");
    assert!(found["policy"]["lastRefused"].is_null(), "what was refused is gone: {found}");
    again.terminate();
    assert_eq!(again.left(), 0);

    let records = bench.records();
    let count = |kind: &str| records.iter().filter(|(_, record)| record.contains(kind)).count();
    let lost = count("\"policyLost\"");
    // A reader that a busy machine holds up for so long has lost it, too.
    assert!(lost >= 2, "{lost}");
    assert_eq!(count("\"policyFound\""), lost);
    bench.done("replay -f DESK --db DB").well();
}

#[test]
fn a_resume_without_sight_of_a_policy_that_restrains_the_desk_says_so() {
    let bench = Bench::quickstart(3000);
    let restrained = "tradingState: Reducing\n  staleAfter: 1s";
    bench.edit("policy.yaml", "tradingState: Active", restrained);
    let mut desk = bench.run("--speed 120s");
    desk.get("/api/risk");
    fs::remove_file(bench.path("desk/policy.yaml")).unwrap();
    desk.until("/api/risk", |answer| !answer["policy"]["lost"].is_null());
    let refused = desk.post("/api/commands/resume", r#"{"reason":"go on"}"#);
    let words = refused.to_string();
    assert!(words.contains("change its tradingState, which was Reducing"), "{words}");
    desk.terminate();
    assert_eq!(desk.left(), 0);
}

#[test]
fn an_edit_of_what_acts_at_a_start_alone_is_told_once_until_it_is_taken_back() {
    let bench = Bench::quickstart(3000);
    let mut desk = bench.run("--speed 120s");
    desk.get("/api/system-status");
    let notes = |answer: &serde_json::Value| answer["notes"].to_string();

    bench.edit("system.yaml", "minAgents: 3", "minAgents: 2");
    bench.edit("agents.yaml", "horizon: 24", "horizon: 23");
    let told = desk.until("/api/system-status", |answer| {
        notes(answer).contains("TradingAgent strategy-optimisation changed")
    });
    assert!(notes(&told).contains("TradingSystem quickstart changed"), "{told}");
    assert!(notes(&told).contains("when the desk is started again"), "{told}");

    bench.edit("agents.yaml", "horizon: 23", "horizn: 23");
    let told = desk
        .until("/api/system-status", |answer| notes(answer).contains("could not be started again"));
    assert!(notes(&told).contains("did you mean horizon?"), "{told}");
    assert!(!notes(&told).contains("changed"), "the older remark stands beside it: {told}");

    bench.edit("agents.yaml", "horizn: 23", "horizon: 24");
    bench.edit("system.yaml", "minAgents: 2", "minAgents: 3 # as before");
    desk.until("/api/system-status", |answer| answer["notes"].as_array().unwrap().is_empty());
    desk.until_said("again what the desk trades by");
    assert_eq!(desk.said().matches("started again, which begins").count(), 1, "{}", desk.said());
    assert_eq!(desk.get("/api/risk")["policy"]["generation"], 1);
    desk.terminate();
    assert_eq!(desk.left(), 0);
    bench.done("replay -f DESK --db DB").well();
}

#[test]
fn a_policy_edited_after_the_data_are_over_is_told_to_do_nothing() {
    let bench = Bench::quickstart(100);
    let mut desk = bench.run("--speed max");
    desk.until_said("the page stays");
    bench.edit("policy.yaml", "tradingState: Active", "tradingState: Halted");
    desk.until_said("does nothing now: the run is over");
    let status = desk.until("/api/system-status", |answer| {
        answer["notes"].to_string().contains("the RiskPolicy's file changed")
    });
    assert_eq!(status["tradingState"], "Active");
    desk.terminate();
    assert_eq!(desk.left(), 0);
}
