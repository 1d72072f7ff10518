use sapphire_crds::RiskPolicySpec;
use sapphire_engine::config::{AgentConfig, Authority, ConsensusConfig, EngineConfig, VenueConfig};
use sapphire_engine::event::PolicyChange;
use sapphire_engine::ids::{AgentId, ClientOrderId, DecisionId, OrderId, RoundId, RunId, TradeId};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::journal::{
    DecisionAction, DecisionRecord, Hash, IntentRecord, Record, RoundRecord, RunStarted,
    StateSource, Vote,
};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::{Direction, Reason, View};
use sapphire_engine::order::{OrderRequest, OrderType, Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::portfolio::Portfolio;
use sapphire_engine::risk::{Bound, RuleId, RuleResult, RuleValue, Verdict};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Fill, SubmitOutcome, VenueReport};

use crate::config::policy_change;

use super::{Report, ReportBuilder, Standing, Surroundings, boxed, page, plain, trades_csv};

/// A tick of a lot is 0.01: whole coins, in ticks of a cent.
pub(super) fn btc() -> Instrument {
    let lot = 100_000_000;
    crate::market::tests::instrument("BTCUSDT", 1_000_000, lot)
}

pub(super) fn fill(trade: u64, side: Side, price: i64, lots: i64, fee: i128) -> Fill {
    Fill {
        symbol: SymbolId(0),
        trade: TradeId(trade),
        order: None,
        side,
        price: PriceTicks(price),
        quantity: QtyLots(lots),
        fee: Amount(fee),
        maker: false,
        at: Timestamp(Span::secs(trade.cast_signed()).0),
    }
}

pub(super) fn fill_of(order: u64, lots: i64) -> Fill {
    Fill { order: Some(OrderId(order)), ..fill(1, Side::Buy, 100, lots, 0) }
}

/// An entry that expires at 5 s.
pub(super) fn intent(order: u64, side: Side, lots: i64, approved: bool) -> IntentRecord {
    let id = OrderId(order);
    let rule = RuleResult {
        rule: RuleId::Leverage,
        input: RuleValue::Count(11),
        limit: RuleValue::Count(10),
        passed: approved,
    };
    IntentRecord {
        request: OrderRequest {
            id,
            client_id: ClientOrderId { run: RunId(1), order: id, attempt: 1 },
            symbol: SymbolId(0),
            side,
            quantity: QtyLots(lots),
            kind: OrderType::Market,
            reduce_only: false,
            close_position: false,
            purpose: Purpose::Entry,
            decision: None,
            expires: Timestamp(Span::secs(5).0),
        },
        verdict: Verdict { approved, bound: Bound::RiskBudget, rules: vec![rule] },
    }
}

/// A desk of two symbols and three agents with 10,000 in quote currency, on hourly bars.
pub(crate) fn started() -> RunStarted {
    let coin = btc();
    let ether = crate::market::tests::instrument("ETHUSDT", 1_000_000, 100_000_000);
    let agent = |name: &str, strategy: &str| AgentConfig {
        name: name.to_owned(),
        strategy: strategy.to_owned(),
        authority: Authority::Consensus { symbols: vec![SymbolId(0), SymbolId(1)] },
        horizon: 1,
        participation: Ratio::ONE,
    };
    let config = EngineConfig {
        run: RunId(0xfeed),
        instruments: vec![coin, ether],
        bar_interval: Span::hours(1),
        agents: vec![
            agent("trend", "trendMomentum"),
            agent("<b>vpin</b>", "vpin"),
            agent("silent", "emaCross"),
        ],
        consensus: ConsensusConfig {
            min_agents: 2,
            approval: Ratio::percent(67),
            timeout: Span::secs(30),
            max_weight: Ratio::percent(40),
        },
        policy: policy(),
        balance: Amount::whole(10_000),
        venue: VenueConfig {
            request_ttl: Span::secs(5),
            absence_grace: Span::secs(1),
            resolve_interval: Span::secs(1),
            verify_interval: Span::secs(1),
            check_interval: None,
            single_close_position_stop: true,
            slippage: Ratio::ZERO,
            orders_per_minute: 1200,
        },
        live: false,
    };
    RunStarted {
        engine: "0.1.0".into(),
        system: "story".into(),
        config,
        manifests: Hash([1; 32]),
        data: vec![Hash([2; 32]), Hash([3; 32])],
        seed: 7,
    }
}

/// The policy of an empty manifest.
fn policy() -> PolicyChange {
    policy_change(&RiskPolicySpec::default(), 1).unwrap()
}

/// Tells a builder a story of three days, hour by hour: prices swing, trades are won and lost, one
/// order is denied, one trade is stopped out, one stays open, and the desk halts.
struct Story {
    builder: ReportBuilder,
    portfolio: Portfolio,
    hour: i64,
    orders: u64,
}

const BEGINNING: i64 = 1_700_006_400; // 2023-11-15 00:00 UTC

impl Story {
    fn new() -> Self {
        let started = started();
        let mut builder = ReportBuilder::new(&started);
        let portfolio = Portfolio::new(started.config.balance, 2);
        let begins = Timestamp(Span::secs(BEGINNING).0);
        builder.take(begins, &Record::RunStarted(Box::new(started)), None);
        Self { builder, portfolio, hour: 0, orders: 0 }
    }

    fn now(&self) -> Timestamp {
        Timestamp(Span::secs(BEGINNING + 3600 * self.hour).0)
    }

    fn tell(&mut self, record: &Record) {
        self.builder.take(self.now(), record, None);
    }

    /// Both symbols' bars close, `coin` in cents.
    fn bars(&mut self, coin: i64, ether: i64) {
        self.hour += 1;
        for (symbol, price) in [(0, coin), (1, ether)] {
            let (symbol, price) = (SymbolId(symbol), PriceTicks(price));
            let instrument = &self.builder.started.config.instruments[symbol.index()].clone();
            self.portfolio.mark(symbol, instrument, price);
            self.builder.on_bar(self.now(), symbol, price, self.portfolio.equity());
        }
    }

    /// The agents' weights are their votes for `direction`; those of none abstain.
    fn decide(&mut self, symbol: u16, direction: Direction, weights: [i64; 3]) -> DecisionId {
        let id = self.orders + 1;
        let vote = |(agent, weight): (u16, i64)| {
            let opinion = View::Opinion { direction, confidence: Ratio::percent(60) };
            let view = if weight > 0 { opinion } else { View::Abstain };
            Vote {
                agent: AgentId(agent),
                weight: Ratio::percent(weight),
                view: Some(view),
                reason: None,
            }
        };
        self.tell(&Record::Round(Box::new(RoundRecord {
            id: RoundId(id),
            symbol: SymbolId(symbol),
            bar: 0,
            votes: (0..).zip(weights).map(vote).collect(),
            outcome: Some(direction),
            approval: Some(Ratio::ONE),
            agreeing: 2,
            timed_out: false,
        })));
        self.tell(&Record::Decision(Box::new(DecisionRecord {
            id: DecisionId(id),
            symbol: SymbolId(symbol),
            bar: 0,
            round: Some(RoundId(id)),
            agent: None,
            action: DecisionAction::Enter,
            direction,
            reason: Reason::fixed("they agree"),
        })));
        DecisionId(id)
    }

    fn order(&mut self, decision: DecisionId, purpose: Purpose, approved: bool, fill: Fill) {
        self.orders += 1;
        let id = OrderId(self.orders);
        let mut intent = intent(self.orders, fill.side, fill.quantity.0, approved);
        intent.request.symbol = fill.symbol;
        intent.request.purpose = purpose;
        intent.request.decision = Some(decision);
        intent.request.expires = self.now() + Span::secs(5);
        self.tell(&Record::Intent(Box::new(intent)));
        if approved {
            self.tell(&Record::Venue(VenueReport::Submit {
                order: id,
                outcome: SubmitOutcome::Accepted,
            }));
            let at = self.now();
            let fill = Fill { order: Some(id), trade: TradeId(self.orders), at, ..fill };
            self.filled(fill);
        }
    }

    fn filled(&mut self, fill: Fill) {
        let instrument = &self.builder.started.config.instruments[fill.symbol.index()].clone();
        self.portfolio.apply(instrument, &fill);
        self.tell(&Record::Venue(VenueReport::Fill(fill)));
    }

    fn fund(&mut self, symbol: u16, amount: Amount) {
        let symbol = SymbolId(symbol);
        self.portfolio.fund(symbol, amount);
        self.tell(&Record::Venue(VenueReport::Funding { symbol, amount }));
    }

    fn report(&self) -> Report {
        let marks = (0..2).map(|symbol| self.portfolio.mark_price(SymbolId(symbol))).collect();
        let standing = Standing { at: self.now(), equity: self.portfolio.equity(), marks };
        let journal = Some((42, Hash([7; 32])));
        self.builder.report(&standing, &Surroundings { journal, ..Surroundings::default() })
    }
}

fn side(side: Side, lots: i64, price: i64) -> Fill {
    fill(0, side, price, lots, i128::from(price) * i128::from(lots) * 400)
}

fn story() -> Report {
    let mut story = Story::new();
    let swing = |n: i64| 10_000 + 150 * (n % 9) - 40 * (n % 5);
    (0..20).for_each(|n| story.bars(swing(n), 2_000 + n));
    let long = story.decide(0, Direction::Long, [20, 60, 0]);
    story.order(long, Purpose::Entry, true, side(Side::Buy, 10, swing(19) + 3));
    (20..26).for_each(|n| story.bars(swing(n), 2_000 + n));
    story.fund(0, -Amount(12_345_678));
    story.order(long, Purpose::Exit, true, side(Side::Sell, 10, swing(25) - 2));
    let short = story.decide(0, Direction::Short, [50, 0, 0]);
    story.order(short, Purpose::Entry, true, side(Side::Sell, 20, swing(25)));
    (26..40).for_each(|n| story.bars(swing(n) + 900, 2_000 + 3 * n));
    story.order(short, Purpose::Stop, true, side(Side::Buy, 20, swing(39) + 920));
    let denied = story.decide(1, Direction::Long, [0, 60, 0]);
    story.order(denied, Purpose::Entry, false, side(Side::Buy, 1, 2_000));
    story.tell(&Record::TradingState {
        state: TradingState::Reducing,
        source: StateSource::Engine,
        reason: "the daily loss limit is reached; until 00:00 UTC".into(),
    });
    (40..50).for_each(|n| story.bars(swing(n), 2_100 - n));
    story.tell(&Record::TradingState {
        state: TradingState::Active,
        source: StateSource::Engine,
        reason: "nothing restrains the desk any more".into(),
    });
    let open = story.decide(1, Direction::Long, [25, 25, 0]);
    let ether = Fill { symbol: SymbolId(1), ..side(Side::Buy, 30, 2_060) };
    story.order(open, Purpose::Entry, true, ether);
    (50..72).for_each(|n| story.bars(swing(n), 2_000 + 2 * n));
    story.tell(&Record::TradingState {
        state: TradingState::Halted,
        source: StateSource::Command,
        reason: "a person <said> so".into(),
    });
    story.tell(&Record::RunFinished { reason: "the data are over".into() });
    story.report()
}

#[test]
fn the_table_fits_eighty_columns() {
    let table = boxed(&story());
    assert!(table.lines().all(|line| line.chars().count() == 79), "{table}");
    insta::assert_snapshot!("table", table);
}

#[test]
fn without_a_terminal_the_table_is_plain_lines() {
    let text = plain(&story());
    assert!(!text.chars().any(|c| ('─'..='╿').contains(&c)));
    insta::assert_snapshot!("plain", text);
}

#[test]
fn several_rules_that_denied_one_intent_are_told_as_such() {
    const NOTE: &str = "several rules may deny one intent";
    let mut report = story();
    assert!(!plain(&report).contains(NOTE));
    report.denials.insert("NetExposure".to_owned(), 1);
    let told = plain(&report);
    let of_rules = told.find("Denied by NetExposure").unwrap();
    assert!(told[of_rules..].contains(NOTE), "{told}");
}

#[test]
fn the_json_is_exact() {
    let mut report = serde_json::to_value(story()).unwrap();
    // The ends tell enough of the curve.
    let curve = report["curve"].as_array().unwrap().clone();
    report["curve"] = serde_json::json!([curve.len(), curve.first(), curve.last()]);
    insta::assert_json_snapshot!("json", report);
}

#[test]
fn the_trades_are_a_csv() {
    let mut csv = Vec::new();
    trades_csv::write(&story(), &mut csv).unwrap();
    insta::assert_snapshot!("trades", String::from_utf8(csv).unwrap());
}

#[test]
fn what_the_gain_is_made_of_is_all_of_it() {
    let report = story();
    let parts = report.breakdown;
    assert_eq!(parts.unexplained, Amount::ZERO);
    assert_eq!(parts.price - parts.slippage - parts.fees + parts.funding, parts.gain);
    let voters: Amount = report.voters.iter().map(|voter| voter.gain).sum();
    let open: Amount = report.symbols.iter().filter_map(|symbol| symbol.open).map(|o| o.gain).sum();
    assert_eq!(voters + open, parts.gain);
}

#[test]
fn money_that_no_fill_explains_is_shown_as_unexplained() {
    let mut story = Story::new();
    story.bars(10_000, 2_000);
    story.portfolio.transfer(Amount::whole(5));
    let report = story.report();
    assert_eq!(report.breakdown.unexplained, Amount::whole(5));
    assert!(plain(&report).contains("UNEXPLAINED"));
    story.tell(&Record::Venue(VenueReport::Transfer { amount: Amount::whole(5) }));
    let report = story.report();
    assert_eq!(
        (report.breakdown.unexplained, report.performance.gain),
        (Amount::ZERO, Amount::ZERO)
    );
}

#[test]
fn a_run_without_a_bar_has_a_report() {
    let report = Story::new().report();
    assert_eq!(report.performance.total_return, Some(Ratio::ZERO));
    assert!(plain(&report).contains("Maximum drawdown               —"));
    assert!(page(&report).contains("</html>"));
}

#[test]
fn summing_up_changes_nothing() {
    let mut story = Story::new();
    story.bars(10_000, 2_000);
    let first = serde_json::to_string(&story.report()).unwrap();
    assert_eq!(serde_json::to_string(&story.report()).unwrap(), first);
}

#[test]
fn the_page_needs_no_other_host_and_takes_no_text_for_markup() {
    let html = page(&story());
    for foreign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("&lt;b&gt;vpin&lt;/b&gt;") && !html.contains("<b>vpin"));
    assert!(html.contains("a person &lt;said&gt; so"));
    assert!(!html.contains("NaN") && !html.contains("inf%"));
    // Two curves, two prices with their fills, two bar charts, and the open trade in the table.
    assert_eq!(html.matches("<figure>").count(), 6);
    assert_eq!(html.matches("class=\"line hold\"").count(), 2);
    assert!(html.contains("BTCUSDT with 4 fills") && html.contains("ETHUSDT with 1 fill<"));
    assert!(html.contains("still open"));
    for tag in ["figure", "section", "table", "dl", "div", "svg"] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
