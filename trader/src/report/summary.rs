//! What a run amounts to, as data: the JSON of the report. Amounts, prices, quantities and ratios
//! are decimal strings, times RFC 3339.

use std::collections::BTreeMap;
use std::time::Duration;

use sapphire_engine::ids::{AgentId, RunId};
use sapphire_engine::instrument::{Instrument, PriceTicks, Symbol, SymbolId};
use sapphire_engine::journal::{Hash, StateSource};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderState, Purpose, Side};
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;
use sapphire_engine::time::{Span, Timestamp};
use serde::Serialize;

use super::attribution::by_voter;
use super::builder::{FillMark, ReportBuilder, Standing};
use super::curve::{Fall, Point, float};
use super::ledger::Trade;
use crate::market::stamp::{rfc3339, rfc3339_or_null};
use crate::market::{Quality, Recording};

/// A return over less than this many days is not annualised: it would say nothing.
const DAYS_TO_ANNUALISE: f64 = 7.0;
const DAYS_A_YEAR: f64 = 365.0;

/// What a report cannot see in the journal and the prices.
#[derive(Debug, Clone, Default)]
pub struct Surroundings<'a> {
    /// The journal's last sequence and hash.
    pub journal: Option<(u64, Hash)>,
    /// The recordings, in the desk's order.
    pub recordings: Vec<&'a Recording>,
    /// How long the run took, and how many market events it took in.
    pub speed: Option<(Duration, u64)>,
}

/// A run, summed up.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The desk's name.
    pub system: String,
    /// The run.
    pub run_id: RunId,
    /// The engine's version.
    pub engine: String,
    /// Why it ended; `None` while it runs.
    pub ending: Option<String>,
    /// From the first bar's open to the last event; `None` before the first bar.
    pub period: Option<Period>,
    /// Length of a bar.
    pub bar_interval: String,
    /// Bars of all symbols.
    pub bars: u64,
    /// What became of the money.
    pub performance: Performance,
    /// What buying all symbols in equal parts at the first price, and holding, would have brought.
    pub buy_and_hold: BuyAndHoldFigures,
    /// What the gain is made of.
    pub breakdown: BreakdownFigures,
    /// Closed trades in figures.
    pub trades: TradeFigures,
    /// Closed trades' gains by agent: each by its weight among those that agreed on the entry.
    pub voters: Vec<VoterFigures>,
    /// By symbol.
    pub symbols: Vec<SymbolFigures>,
    /// How many orders ended in each state.
    pub orders: BTreeMap<String, u64>,
    /// How often each rule of the gate denied an intent.
    pub denials: BTreeMap<String, u64>,
    /// When the desk might not trade freely, and why.
    pub restrictions: Vec<Restriction>,
    /// The journal's head: what `journal verify` checks against.
    pub journal: Option<JournalHead>,
    /// How fast it ran; differs from run to run.
    pub speed: Option<Speed>,
    /// The curve, thinned to a few thousand points.
    pub curve: Vec<CurvePoint>,
    /// Every closed trade, in the order of their ends, then those that are open.
    pub round_trips: Vec<RoundTrip>,
    #[serde(skip)]
    pub(super) charts: Charts,
}

/// What only the page draws.
#[derive(Debug, Clone, Default)]
pub(super) struct Charts {
    pub points: Vec<Point>,
    pub instruments: Vec<Instrument>,
    pub prices: Vec<Vec<(Timestamp, PriceTicks)>>,
    pub fills: Vec<FillMark>,
}

/// A span of event time.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// Its beginning.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// Its end.
    #[serde(serialize_with = "rfc3339")]
    pub to: Timestamp,
}

/// What became of the money.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// Balance at the start.
    pub initial_balance: Amount,
    /// Marked equity at the end.
    pub final_equity: Amount,
    /// The difference, transfers aside.
    pub gain: Amount,
    /// The gain over the initial balance.
    pub total_return: Option<Ratio>,
    /// The return a year, compounded, at 365 days; `None` under 7 days.
    pub annual_return: Option<Ratio>,
    /// The deepest fall of marked equity, measured at bars' closes.
    pub max_drawdown: Option<Drawdown>,
    /// Of the returns per UTC day, annualised at 365 days, without a risk-free rate.
    pub sharpe: Option<Ratio>,
    /// The same against losing days alone.
    pub sortino: Option<Ratio>,
    /// Sample deviation of daily returns, annualised.
    pub volatility: Option<Ratio>,
    /// The share of bars that closed with a position.
    pub exposure: Option<Ratio>,
    /// Value of all fills.
    pub turnover: Amount,
}

/// The deepest fall from a highest point.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawdown {
    /// As a share of the highest point.
    pub depth: Ratio,
    /// When the highest point was.
    #[serde(serialize_with = "rfc3339")]
    pub peak: Timestamp,
    /// When it was deepest.
    #[serde(serialize_with = "rfc3339")]
    pub trough: Timestamp,
}

impl From<Fall> for Drawdown {
    fn from(Fall { depth, peak, trough }: Fall) -> Self {
        Self { depth, peak, trough }
    }
}

/// What doing nothing clever would have brought.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BuyAndHoldFigures {
    /// Its worth at the end.
    pub final_equity: Amount,
    /// Its gain over the initial balance.
    pub total_return: Option<Ratio>,
    /// Its deepest fall.
    pub max_drawdown: Option<Drawdown>,
}

/// What the gain is made of: `price - slippage - fees + funding + unexplained = gain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakdownFigures {
    /// What positions gained by price, had each fill had the price expected of it.
    pub price: Amount,
    /// What fills cost beyond the price expected when the order was made (a market order's far
    /// touch or mark, a stop's trigger); negative is better than expected.
    pub slippage: Amount,
    /// Fees paid; negative is a rebate.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
    /// What the fills do not explain: anything but zero is an error in the accounts.
    pub unexplained: Amount,
    /// All of it.
    pub gain: Amount,
    /// Money that came in (positive) or left; no part of the gain.
    pub transfers: Amount,
}

/// Closed trades in figures. A trade is a position's life from flat to flat, fees and funding
/// included.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeFigures {
    /// All.
    pub count: u64,
    /// Those with a gain.
    pub wins: u64,
    /// Those with a loss.
    pub losses: u64,
    /// Wins over all.
    pub win_rate: Option<Ratio>,
    /// Mean gain of wins.
    pub average_win: Option<Amount>,
    /// Mean loss of losses, negative.
    pub average_loss: Option<Amount>,
    /// Gains of wins over losses of losses; `None` without a loss.
    pub profit_factor: Option<Ratio>,
    /// Largest gain.
    pub best: Option<Amount>,
    /// Largest loss, or smallest gain.
    pub worst: Option<Amount>,
    /// Mean time from the first fill to the last, in seconds.
    pub average_seconds: Option<i64>,
}

/// What trades brought to one agent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoterFigures {
    /// Its name; `None` for what no agent decided.
    pub agent: Option<String>,
    /// Its strategy.
    pub strategy: Option<String>,
    /// Closed trades that it agreed on.
    pub trades: u64,
    /// Of them, with a gain.
    pub wins: u64,
    /// Its share of their gains.
    pub gain: Amount,
}

/// One symbol.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolFigures {
    /// Which.
    pub symbol: Symbol,
    /// Closed trades.
    pub trades: u64,
    /// Their gain.
    pub gain: Amount,
    /// What is still open.
    pub open: Option<OpenPosition>,
    /// The file, and what was odd about it.
    pub data: Option<DataFigures>,
}

/// A position that is open at the end.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPosition {
    /// The side that it is on.
    pub side: Side,
    /// How much is held.
    pub quantity: Amount,
    /// The last price.
    pub mark: Option<Amount>,
    /// What its trade would gain if it were closed there, without the closing fee.
    pub gain: Amount,
}

/// Where the data came from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFigures {
    /// Of the file's raw bytes.
    pub sha256: Hash,
    /// What was odd.
    pub quality: Quality,
}

/// A time in which the desk might not trade freely.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restriction {
    /// Since when.
    #[serde(serialize_with = "rfc3339")]
    pub from: Timestamp,
    /// Until when; `None` when it was so at the end.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub to: Option<Timestamp>,
    /// What it was allowed.
    pub state: TradingState,
    /// Whose word it was.
    pub source: StateSource,
    /// Why.
    pub reason: String,
}

/// The end of the journal.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalHead {
    /// The last record's number.
    pub sequence: u64,
    /// The chain's hash there.
    pub hash: Hash,
}

/// How fast a run was.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Speed {
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Market events taken in.
    pub events: u64,
    /// Market events a second.
    pub events_per_second: f64,
    /// Bars a second.
    pub bars_per_second: f64,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub t: Timestamp,
    /// Marked equity.
    pub equity: Amount,
    /// What buying and holding would be worth.
    pub buy_and_hold: Amount,
}

/// A trade.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundTrip {
    /// The instrument.
    pub symbol: Symbol,
    /// The side that it was on.
    pub side: Side,
    /// Its first fill.
    #[serde(serialize_with = "rfc3339")]
    pub opened: Timestamp,
    /// Its last fill; `None` while it is open.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub closed: Option<Timestamp>,
    /// All that was bought (long) or sold (short).
    pub quantity: Amount,
    /// Average price of the entries.
    pub entry_price: Amount,
    /// Average price of the exits; of an open trade, what is left counts at the last price.
    pub exit_price: Amount,
    /// Gain by price, slippage included.
    pub gross: Amount,
    /// Fees paid.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
    /// What fills cost beyond the prices expected of them.
    pub slippage: Amount,
    /// `gross - fees + funding`.
    pub net: Amount,
    /// What closed it; `None` for a liquidation, or while it is open.
    pub exit: Option<Purpose>,
    /// The decision that opened it: `why` tells its lineage.
    pub decision: Option<u64>,
    /// Who agreed on that decision.
    pub agents: Vec<String>,
}

impl ReportBuilder {
    /// Sums up the run as it stands.
    #[must_use]
    pub fn report(&self, standing: &Standing, surroundings: &Surroundings<'_>) -> Report {
        let mut whole = self.clone();
        whole.settle(standing);
        let gain = standing.equity - whole.initial() - whole.transfers;
        let curve = whole.curve.finished();
        let hold = whole.hold.value();
        let points = curve.points();
        let config = &whole.started.config;
        let measures = curve.measures();
        Report {
            system: whole.started.system.clone(),
            run_id: config.run,
            engine: whole.started.engine.clone(),
            ending: whole.ending.clone(),
            period: whole.begins.map(|from| Period { from, to: standing.at }),
            bar_interval: config.bar_interval.to_string(),
            bars: whole.bars,
            performance: Performance {
                initial_balance: whole.initial(),
                final_equity: standing.equity,
                gain,
                total_return: gain.ratio_of(whole.initial()),
                annual_return: whole.annual_return(standing, gain),
                max_drawdown: curve.equity_fall().map(Into::into),
                sharpe: measures.sharpe.map(to_places),
                sortino: measures.sortino.map(to_places),
                volatility: measures.volatility.map(to_places),
                exposure: curve.exposure(),
                turnover: whole.ledger.turnover(),
            },
            buy_and_hold: BuyAndHoldFigures {
                final_equity: hold,
                total_return: (hold - whole.initial()).ratio_of(whole.initial()),
                max_drawdown: curve.hold_fall().map(Into::into),
            },
            breakdown: whole.breakdown(gain),
            trades: TradeFigures::of(whole.ledger.closed()),
            voters: whole.voters(),
            symbols: whole.symbols(surroundings),
            orders: named(whole.orders.by_state().iter(), OrderState::to_string),
            denials: named(whole.denials.iter(), RuleId::to_string),
            restrictions: whole.restrictions(),
            journal: surroundings.journal.map(|(sequence, hash)| JournalHead { sequence, hash }),
            speed: surroundings.speed.map(|(time, events)| whole.speed(time, events)),
            curve: points.iter().map(CurvePoint::from).collect(),
            round_trips: whole.round_trips(),
            charts: Charts {
                points,
                instruments: config.instruments.clone(),
                prices: whole.prices.iter().map(|line| line.kept().to_vec()).collect(),
                fills: whole.fills.iter().copied().collect(),
            },
        }
    }

    /// Brings prices and curve up to where the engine stands: fills may have followed the last bar.
    fn settle(&mut self, standing: &Standing) {
        for (symbol, mark) in (0..).zip(&standing.marks) {
            if let Some(mark) = *mark {
                let symbol = SymbolId(symbol);
                self.ledger.set_price(symbol, mark);
                self.hold.observe(symbol, mark);
            }
        }
        if self.bars > 0 {
            let Standing { at, equity, .. } = *standing;
            let point = Point { at, equity, hold: self.hold.value() };
            self.curve.observe(point, self.ledger.is_exposed());
        }
    }

    const fn initial(&self) -> Amount {
        self.started.config.balance
    }

    #[allow(clippy::cast_precision_loss)]
    fn annual_return(&self, standing: &Standing, gain: Amount) -> Option<Ratio> {
        let days = (standing.at - self.begins?).0 as f64 / Span::hours(24).0 as f64;
        let growth = 1.0 + float(gain) / float(self.initial());
        let annual = growth.powf(DAYS_A_YEAR / days) - 1.0;
        (days >= DAYS_TO_ANNUALISE && annual.is_finite()).then(|| to_places(annual))
    }

    fn breakdown(&self, gain: Amount) -> BreakdownFigures {
        let parts = self.ledger.breakdown();
        BreakdownFigures {
            price: parts.price,
            slippage: parts.slippage,
            fees: parts.fees,
            funding: parts.funding,
            unexplained: gain - parts.total(),
            gain,
            transfers: self.transfers,
        }
    }

    fn voters(&self) -> Vec<VoterFigures> {
        let mut credits = by_voter(self.ledger.closed().iter());
        let agents = &self.started.config.agents;
        let mut voters: Vec<VoterFigures> = (0..)
            .zip(agents)
            .map(|(id, agent)| {
                let id = Some(AgentId(id));
                let credit = credits.remove(&id).unwrap_or_default();
                VoterFigures {
                    agent: Some(agent.name.clone()),
                    strategy: Some(agent.strategy.clone()),
                    trades: credit.trades,
                    wins: credit.wins,
                    gain: credit.gain,
                }
            })
            .collect();
        voters.extend(credits.into_values().map(|credit| VoterFigures {
            agent: None,
            strategy: None,
            trades: credit.trades,
            wins: credit.wins,
            gain: credit.gain,
        }));
        voters
    }

    fn symbols(&self, surroundings: &Surroundings<'_>) -> Vec<SymbolFigures> {
        let figures = (0_u16..).zip(&self.started.config.instruments).map(|(id, instrument)| {
            let id = SymbolId(id);
            let closed = || self.ledger.closed().iter().filter(move |trade| trade.symbol == id);
            let open = self.ledger.open().find(|trade| trade.symbol == id);
            let recording = surroundings.recordings.get(id.index());
            SymbolFigures {
                symbol: instrument.symbol,
                trades: closed().count() as u64,
                gain: closed().map(Trade::net).sum(),
                open: open.map(|trade| OpenPosition {
                    side: trade.side,
                    quantity: instrument.quantity(self.ledger.position(id).abs()),
                    mark: self.ledger.price(id).map(|price| instrument.price(price)),
                    gain: trade.net(),
                }),
                data: recording.map(|recording| DataFigures {
                    sha256: recording.sha256(),
                    quality: recording.quality().clone(),
                }),
            }
        });
        figures.collect()
    }

    fn restrictions(&self) -> Vec<Restriction> {
        let ends = self.states.iter().skip(1).map(|next| Some(next.at)).chain([None]);
        let all = self.states.iter().zip(ends);
        let restricted = all.filter(|(change, _)| change.state != TradingState::Active);
        restricted
            .map(|(change, to)| Restriction {
                from: change.at,
                to,
                state: change.state,
                source: change.source,
                reason: change.reason.clone(),
            })
            .collect()
    }

    #[allow(clippy::cast_precision_loss)]
    fn speed(&self, time: Duration, events: u64) -> Speed {
        let seconds = time.as_secs_f64();
        let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let (events_per_second, bars_per_second) = (rate(events), rate(self.bars));
        Speed { seconds, events, events_per_second, bars_per_second }
    }

    fn round_trips(&self) -> Vec<RoundTrip> {
        let config = &self.started.config;
        let name =
            |id: AgentId| config.agents.get(usize::from(id.0)).map(|agent| agent.name.clone());
        let round_trip = |trade: &Trade| {
            let instrument = &config.instruments[trade.symbol.index()];
            RoundTrip {
                symbol: instrument.symbol,
                side: trade.side,
                opened: trade.opened,
                closed: trade.closed,
                quantity: instrument.quantity(trade.quantity),
                entry_price: trade.entry_price(instrument),
                exit_price: trade.exit_price(instrument),
                gross: trade.gross,
                fees: trade.fees,
                funding: trade.funding,
                slippage: trade.slippage,
                net: trade.net(),
                exit: trade.exit,
                decision: trade.decision.map(|decision| decision.0),
                agents: trade.backers.iter().filter_map(|(agent, _)| name(*agent)).collect(),
            }
        };
        let open: Vec<Trade> = self.ledger.open().collect();
        self.ledger.closed().iter().chain(&open).map(round_trip).collect()
    }
}

impl TradeFigures {
    fn of(trades: &[Trade]) -> Self {
        let nets = || trades.iter().map(Trade::net);
        let wins: Vec<Amount> = nets().filter(|net| *net > Amount::ZERO).collect();
        let losses: Vec<Amount> = nets().filter(|net| *net < Amount::ZERO).collect();
        let (won, lost): (Amount, Amount) =
            (wins.iter().copied().sum(), losses.iter().copied().sum());
        let (count, wins, losses) = (trades.len() as u64, wins.len() as u64, losses.len() as u64);
        let mean = |sum: Amount, count: u64| {
            (count > 0).then(|| Amount(sum.0.div_euclid(i128::from(count))))
        };
        let held = |trade: &Trade| trade.closed.map_or(0, |closed| (closed - trade.opened).0);
        let time: i128 = trades.iter().map(|trade| i128::from(held(trade))).sum();
        Self {
            count,
            wins,
            losses,
            win_rate: Amount(wins.into()).ratio_of(Amount(count.into())),
            average_win: mean(won, wins),
            average_loss: mean(lost, losses),
            profit_factor: won.ratio_of(-lost),
            best: nets().max(),
            worst: nets().min(),
            average_seconds: mean(Amount(time), count)
                .and_then(|mean| i64::try_from(mean.0 / 1_000_000_000).ok()),
        }
    }
}

impl From<&Point> for CurvePoint {
    fn from(&Point { at, equity, hold }: &Point) -> Self {
        Self { t: at, equity, buy_and_hold: hold }
    }
}

fn named<'a, K: 'a>(
    counts: impl Iterator<Item = (&'a K, &'a u64)>,
    name: impl Fn(&K) -> String,
) -> BTreeMap<String, u64> {
    counts.map(|(key, count)| (name(key), *count)).collect()
}

/// A measure to four places: more would be noise.
fn to_places(measure: f64) -> Ratio {
    Ratio::from_f64((measure * 1e4).round() / 1e4)
}
