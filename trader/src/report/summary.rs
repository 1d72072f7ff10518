//! Sums a run up.

use std::collections::BTreeMap;
use std::time::Duration;

use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::Hash;
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::OrderState;
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::RuleId;
use sapphire_engine::time::Span;

use super::attribution::by_voter;
use super::builder::{ReportBuilder, Standing};
use super::curve::{Point, float};
use super::figures::{
    BreakdownFigures, BuyAndHoldFigures, Charts, CurvePoint, DataFigures, JournalHead,
    OpenPosition, Performance, Period, Report, Restriction, RoundTrip, Speed, SymbolFigures,
    TradeFigures, VoterFigures,
};
use super::ledger::Trade;
use crate::market::Recording;

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

/// What the closed trades and the days of a run amount to so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TradingRecord {
    /// Trades that gained over all; none before the first.
    pub win_rate: Option<Ratio>,
    /// Of the returns per UTC day, the unfinished one included; none before it can be said.
    pub sharpe: Option<f64>,
}

impl ReportBuilder {
    /// The two figures of the report that people follow while a run goes on.
    #[must_use]
    pub fn record_so_far(&self) -> TradingRecord {
        TradingRecord { win_rate: self.ledger.win_rate(), sharpe: self.curve.sharpe_so_far() }
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
