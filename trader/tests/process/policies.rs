//! The RiskPolicy's file while the desk runs.

use crate::bench::Bench;

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
    let said = desk.said();
    assert!(said.contains(halted["policy"]["hash"].as_str().unwrap()), "not in the log: {said}");

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
