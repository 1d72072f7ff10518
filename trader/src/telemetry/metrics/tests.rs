use super::*;
use sapphire_engine::effect::Severity;
use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::Direction;
use sapphire_engine::order::{OrderState, Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;
use std::io::Write;
use std::process::{Command, Stdio};

fn account() -> Account {
    Account {
        equity: "10250.5".parse().unwrap(),
        verified: true,
        high_water_mark: Amount::whole(10_500),
        realized_pnl: Amount::whole(200),
        unrealized_pnl: "50.5".parse().unwrap(),
        fees: Amount::whole(12),
        funding: Amount::whole(-3),
        gross_exposure: Amount::whole(5_000),
        net_exposure: Amount::whole(5_000),
        leverage: Ratio(48_000_000),
        drawdown: Ratio(2_000_000),
        daily_loss: Ratio::ZERO,
        open_positions: 1,
        win_rate: Some(0.625),
        sharpe: Some(-1.5),
    }
}

/// Every series that the module knows, with at least one value.
fn everything() -> Metrics {
    let (metrics, mut desk) =
        Metrics::new(&["BTCUSD".to_owned()], &["trend".to_owned(), "vpin".to_owned()]).unwrap();
    desk.events(10);
    desk.feed_event(SymbolId(0), Instant::now());
    desk.feed_error(SymbolId(0));
    desk.event_loop_lag(Duration::from_millis(2));
    desk.account(&account());
    desk.opinion(AgentId(1), SpokenView::Abstain);
    let skill = AgentSkill { weight: Ratio::percent(23), activity: Ratio::ONE, brier: Some(0.24) };
    desk.agent_skill(AgentId(0), skill);
    desk.round(None);
    desk.round(Some(Direction::Short));
    desk.order_moved(None, OrderState::Created);
    desk.order_moved(Some(OrderState::Created), OrderState::Approved);
    desk.submitted(Purpose::TakeProfit);
    desk.fill(Side::Sell);
    desk.denied(RuleId::DataAge);
    desk.denied(RuleId::DataAge);
    desk.alert(Severity::Critical);
    desk.trading_state(TradingState::Reducing);
    desk.policy(3, Some(Duration::from_millis(40)));
    desk.journal_commit(Duration::from_micros(700));
    desk.verified(Duration::from_secs(1));
    desk.intent(Duration::from_micros(150));
    metrics.http.answered("/api/risk", "GET", 200, Duration::from_millis(1));
    metrics.http.rate_limited.inc();
    metrics.http.unauthorized.inc();
    metrics.http.streams.inc();
    metrics
}

fn value(text: &str, series: &str) -> f64 {
    let line =
        text.lines().find(|line| line.strip_prefix(series).is_some_and(|r| r.starts_with(' ')));
    let line = line.unwrap_or_else(|| panic!("no series {series} in:\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_the_desk_says_is_what_prometheus_reads() {
    let text = everything().render().unwrap();
    for (series, expected) in [
        ("sapphire_events_total", 10.0),
        ("sapphire_portfolio_value_quote", 10_250.5),
        ("sapphire_funding_received_quote", -3.0),
        ("sapphire_drawdown_ratio", 0.02),
        ("sapphire_win_rate_ratio", 0.625),
        ("sapphire_sharpe_ratio", -1.5),
        ("sapphire_opinions_total{agent=\"vpin\",direction=\"Abstain\"}", 1.0),
        ("sapphire_opinions_total{agent=\"trend\",direction=\"Long\"}", 0.0),
        ("sapphire_agent_weight_ratio{agent=\"trend\"}", 0.23),
        ("sapphire_rounds_total{outcome=\"Hold\"}", 1.0),
        ("sapphire_orders{state=\"Created\"}", 0.0),
        ("sapphire_orders{state=\"Approved\"}", 1.0),
        ("sapphire_orders_submitted_total{purpose=\"TakeProfit\"}", 1.0),
        ("sapphire_fills_total{side=\"Sell\"}", 1.0),
        ("sapphire_order_denials_total{rule=\"DataAge\"}", 2.0),
        ("sapphire_trading_state{state=\"Reducing\"}", 1.0),
        ("sapphire_trading_state{state=\"Active\"}", 0.0),
        ("sapphire_policy_generation", 3.0),
        ("sapphire_journal_commit_duration_seconds_bucket{le=\"0.001\"}", 1.0),
        ("sapphire_journal_commit_duration_seconds_bucket{le=\"0.0005\"}", 0.0),
        ("sapphire_http_streams", 1.0),
    ] {
        assert!((value(&text, series) - expected).abs() < 1e-9, "{series} is not {expected}");
    }
    assert!(value(&text, "process_start_time_seconds") > 1.6e9);
    assert!(text.contains("sapphire_build_info{commit="));
}

#[test]
fn an_unverified_position_leaves_the_portfolios_value_alone() {
    let (metrics, desk) = Metrics::new(&[], &[]).unwrap();
    desk.account(&account());
    desk.account(&Account { equity: Amount::whole(1), verified: false, ..account() });
    let text = metrics.render().unwrap();
    assert!((value(&text, "sapphire_portfolio_value_quote") - 10_250.5).abs() < 1e-9);
    assert!((value(&text, "sapphire_equity_quote") - 1.0).abs() < 1e-9);
}

#[test]
fn a_feeds_age_grows_until_its_next_event() {
    let (metrics, desk) = Metrics::new(&["BTCUSD".to_owned(), "ETHUSD".to_owned()], &[]).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    desk.feed_event(SymbolId(0), Instant::now());
    let text = metrics.render().unwrap();
    let age =
        |symbol: &str| value(&text, &format!("sapphire_feed_age_seconds{{symbol=\"{symbol}\"}}"));
    assert!(age("ETHUSD") >= 0.03, "never heard of: its age is that of the process");
    assert!(age("BTCUSD") < age("ETHUSD"));
}

#[test]
fn what_is_beyond_the_lists_is_not_counted_and_not_fatal() {
    let (metrics, desk) = Metrics::new(&[], &[]).unwrap();
    desk.feed_event(SymbolId(7), Instant::now());
    desk.feed_error(SymbolId(7));
    desk.opinion(AgentId(7), SpokenView::Long);
    assert!(!metrics.render().unwrap().contains("sapphire_opinions_total{"));
}

/// Prometheus' naming rules (<https://prometheus.io/docs/practices/naming/>), as far as a text shows.
fn lint(text: &str) -> Vec<String> {
    const FOREIGN_UNITS: [&str; 8] = [
        "milliseconds",
        "microseconds",
        "micros",
        "millis",
        "ms",
        "minutes",
        "percent",
        "kilobytes",
    ];
    let mut wrong = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let mut complain = |what: &str| wrong.push(format!("{name} ({kind}): {what}"));
        if !name.starts_with("sapphire_") && !name.starts_with("process_") {
            complain("no namespace");
        }
        if (kind == "counter") != name.ends_with("_total") {
            complain("`_total` is for counters, and for all of them");
        }
        if kind == "histogram" && !name.ends_with("_seconds") {
            complain("a histogram without its unit");
        }
        if name.bytes().any(|b| !(b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')) {
            complain("not in snake case");
        }
        if name.split('_').any(|word| FOREIGN_UNITS.contains(&word)) {
            complain("not a base unit");
        }
        if ["_count", "_sum", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
            complain("a suffix of histograms");
        }
        if !text.contains(&format!("# HELP {name} ")) {
            complain("no help");
        }
    }
    wrong
}

#[test]
fn names_keep_prometheus_rules() {
    let text = everything().render().unwrap();
    assert!(text.matches("# TYPE ").count() > 35, "the fixture misses series:\n{text}");
    assert_eq!(lint(&text), Vec::<String>::new());
    assert_eq!(
        lint("# HELP x_ms y\n# TYPE x_ms counter\n").len(),
        3,
        "the lint itself finds faults"
    );
}

/// Prometheus' own checker, where it is installed (Debian: `prometheus`); the lint above always runs.
#[test]
fn promtool_has_nothing_to_say() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!(
            "promtool is not installed: `apt-get install prometheus` to have it check the names too"
        );
        return;
    };
    let text = everything().render().unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// `make docs` writes it anew.
#[test]
fn the_reference_lists_every_series() {
    let text = everything().render().unwrap();
    let mut said = String::from(
        "# Metrics\n\nWhat `/metrics` tells, written from the code by `make docs`. `_quote` is the \
         account's quote currency.\n\n| series | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for (name, kind) in text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split_once(' ')) {
        let help = text.lines().find_map(|l| l.strip_prefix(&format!("# HELP {name} "))).unwrap();
        let labels = labels_of(&text, name).join(", ");
        said.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
    }
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/metrics.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &said).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == said,
        "docs/reference/metrics.md is not what the code says: run `make docs`"
    );
}

/// The labels of a series' first sample, a histogram's `le` aside.
fn labels_of(text: &str, name: &str) -> Vec<String> {
    let sample = text.lines().find(|line| line.starts_with(name)).unwrap();
    let Some((_, labels)) = sample.split_once('{') else { return Vec::new() };
    let names = labels.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name);
    names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect()
}
