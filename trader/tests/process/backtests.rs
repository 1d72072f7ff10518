//! `backtest`, and what else is made without watching.

use crate::bench::Bench;

#[test]
fn the_same_backtest_twice_has_the_same_hash() {
    let bench = Bench::quickstart(1500);
    let journal = || bench.done("backtest -f DESK -o json").well().json()["journal"].clone();
    let first = journal();
    assert!(first["sequence"].as_u64().unwrap() > 1500, "{first}");
    assert_eq!(first, journal());
    bench.edit("system.yaml", "seed: 7", "seed: 8");
    assert_ne!(first, journal(), "another seed is another run");
}

#[test]
fn a_backtest_writes_its_report() {
    let bench = Bench::quickstart(800);
    bench.done("backtest -f DESK --report out").well();
    for name in ["report.html", "report.json", "trades.csv"] {
        let length = std::fs::metadata(bench.path("out").join(name)).unwrap().len();
        assert!(length > 100, "{name} has {length} bytes");
    }
}

#[test]
fn a_halt_ends_a_backtest_unless_it_is_resumed() {
    let bench = Bench::quickstart(3000);
    bench.edit("policy.yaml", "maxDrawdown: \"0.25\"", "maxDrawdown: \"0.01\"");
    bench.edit("policy.yaml", "maxDailyLoss: \"0.05\"", "maxDailyLoss: \"0.01\"");
    // One loss leads past the limit.
    bench.edit("policy.yaml", "riskPerTrade: \"0.01\"", "riskPerTrade: \"0.1\"");
    let ended = bench.done("backtest -f DESK").well().out();
    assert!(ended.contains("halted at") && ended.contains("--resume-halts"), "{ended}");
    let stopped = bench.done("backtest -f DESK -o json").well().json();
    let resumed = bench.done("backtest -f DESK -o json --resume-halts").well().json();
    assert_eq!(stopped["ending"], "the desk halted");
    assert_eq!(resumed["ending"], "the data are over");
    assert!(resumed["bars"].as_u64() > stopped["bars"].as_u64());
    let swept = bench.done("backtest -f DESK --sweep system.consensus.minAgents=3").well().out();
    assert!(swept.contains("halted 2017-"), "{swept}");
    let why = swept.lines().last().unwrap();
    assert!(why.starts_with("1 of 1 ended at a halt: the d"), "{swept}");
    assert!(why.ends_with("; --resume-halts goes on"), "{swept}");
}

#[test]
fn a_sweep_shows_every_combination_and_each_is_its_own_backtest() {
    let bench = Bench::quickstart(1500);
    let sweep = "--sweep policy.limits.riskPerTrade=0.005,0.01 \
                 --sweep trend-momentum.strategy.trendMomentum.fastPeriod=8,12";
    let rows = bench.done(&format!("backtest -f DESK -o json {sweep}")).well().json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let alone = bench.done("backtest -f DESK -o json").well().json();
    let same = rows.iter().find(|row| {
        row["parameters"]["policy.limits.riskPerTrade"] == "0.01"
            && row["parameters"]["trend-momentum.strategy.trendMomentum.fastPeriod"] == "12"
    });
    assert_eq!(same.unwrap()["journal"], alone["journal"]);
    let heads: std::collections::BTreeSet<String> =
        rows.iter().map(|row| row["journal"]["hash"].to_string()).collect();
    assert_eq!(heads.len(), 4, "every setting is another run");
    let table = bench.done(&format!("backtest -f DESK {sweep}")).well().out();
    assert_eq!(table.lines().count(), 5, "{table}");
    let equity = table.lines().nth(1).unwrap().split_whitespace().last().unwrap();
    let (_, cents) = equity.split_once('.').unwrap();
    assert!(cents.len() == 2 && equity.contains(','), "not as the report shows it: {table}");
}

#[test]
fn a_sweep_over_what_there_is_not_says_so_at_once() {
    let bench = Bench::quickstart(50);
    bench.edit("policy.yaml", "maxDrawdown: \"0.25\"", "maxDrawdown: \"0.2\""); // no default
    for (name, words) in [
        ("policy.limits.riskPerTrad=1", "riskPerTrad"),
        ("nobody.horizon=1", "trend-momentum"),
        ("policy.limits.riskPerTrade=25", "riskPerTrade"),
        ("policy.limits.maxDailyLoss=0.3", "maxDailyLoss"),
        ("trend-momentum.horizon=0", "horizon"),
        ("trend-momentum.strategy.trendMomentum.fastPeriod=99", "slowPeriod"),
    ] {
        let refused = bench.done(&format!("backtest -f DESK --sweep {name}"));
        refused.refused(2, &[words]);
    }
}

#[test]
fn a_sweep_that_is_given_twice_is_to_be_written_as_one() {
    let bench = Bench::quickstart(50);
    let name = "policy.limits.riskPerTrade";
    let refused = bench.done(&format!("backtest -f DESK --sweep {name}=0.01 --sweep {name}=0.02"));
    refused.refused(2, &["given twice", &format!("--sweep {name}=0.01,0.02")]);
}

#[test]
fn a_new_agent_is_made_once_and_never_over_another() {
    let bench = Bench::quickstart(10);
    let sources = bench.path("agents/src");
    std::fs::create_dir_all(&sources).unwrap();
    bench.done("new-agent mean-reversion --agents agents").refused(2, &["--agents"]);
    std::fs::write(sources.join("strategy.rs"), "").unwrap();
    let told = bench.done("new-agent mean-reversion --agents agents").well().out();
    assert!(told.contains("mod mean_reversion;"), "{told}");
    let made = std::fs::read_to_string(sources.join("mean_reversion.rs")).unwrap();
    assert!(made.contains("pub struct MeanReversion ") && made.contains("#[test]"));
    bench.done("new-agent mean-reversion --agents agents").refused(2, &["is there already"]);
    bench.done("new-agent ../escape --agents agents").refused(2, &["lower case"]);
}

#[test]
fn completions_know_the_subcommands() {
    let bench = Bench::quickstart(10);
    for shell in ["bash", "zsh", "fish"] {
        let script = bench.done(&format!("completions {shell}")).well().out();
        assert!(script.contains("backtest") && script.contains("new-agent"), "{shell}");
    }
}

#[test]
fn pauses_that_leave_too_few_to_agree_are_told() {
    let bench = Bench::quickstart(100);
    let said = bench.done("backtest -f DESK").well().complaint();
    assert!(!said.contains("paused") && !said.contains("to vote"), "{said}");
    bench.edit("agents.yaml", "  systemRef:", "  paused: true\n  systemRef:");
    let said = bench.done("backtest -f DESK").well().complaint();
    for words in ["TradingAgent vpin is paused", "0 agents are left to vote, and 3 must agree"] {
        assert!(said.contains(words), "{said}");
    }
}
