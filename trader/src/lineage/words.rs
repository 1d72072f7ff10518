//! A record in words, for people.

use std::fmt::Write as _;

use sapphire_engine::ids::AgentId;
use sapphire_engine::instrument::{Instrument, PriceTicks, SymbolId};
use sapphire_engine::journal::{
    DecisionAction, DecisionRecord, IntentRecord, Record, RoundRecord, RunStarted, Vote,
};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::opinion::{Direction, View};
use sapphire_engine::order::{OrderRequest, OrderType, Side};
use sapphire_engine::risk::{RuleId, RuleResult, RuleValue};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Fill, SubmitOutcome, VenueReport};

use crate::report::shown::{money, number, percent, percent_to};

/// Tells what records say; it knows the run's symbols, agents and units.
#[derive(Debug, Clone)]
pub struct Narrator {
    started: RunStarted,
}

impl Narrator {
    /// For the run that began with `started`.
    #[must_use]
    pub const fn new(started: RunStarted) -> Self {
        Self { started }
    }

    /// The run's first record.
    #[must_use]
    pub const fn started(&self) -> &RunStarted {
        &self.started
    }

    /// A record, in a sentence.
    #[must_use]
    pub fn tell(&self, record: &Record) -> String {
        match record {
            Record::RunStarted(started) => {
                format!("run {} of {} began", started.config.run, started.system)
            }
            Record::Restarted { engine } => format!("the process came back (engine {engine})"),
            Record::RunFinished { reason } => format!("the run ended: {reason}"),
            Record::Cursor { events } => format!("after {events} events of the feed"),
            Record::Stopping => "the process was told to leave".to_owned(),
            Record::Continuing => "the process is back: entries are allowed again".to_owned(),
            Record::PolicyReceived(change) => {
                format!("policy {} arrived (hash {})", change.generation, change.hash)
            }
            Record::PolicyEnforced { generation } => format!("policy {generation} acts whole"),
            Record::PolicyLost { reason } => reason.clone(),
            Record::PolicyFound => "the RiskPolicy is seen again".to_owned(),
            Record::Command(request) => {
                format!("{} ordered {:?}: {}", request.who, request.command, request.reason)
            }
            Record::CommandRefused { id, reason } => format!("command {id} was refused: {reason}"),
            Record::Round(round) => self.round(round),
            Record::Decision(decision) => self.decision(decision),
            Record::Intent(intent) => self.intent(intent),
            Record::CancelIntent { order, reason } => format!("asks to cancel {order}: {reason}"),
            Record::Venue(report) => self.report(report),
            Record::ProofFailed { order, believed } => {
                format!(
                    "the venue filled {order}, which was {believed}: that was wrong, the fill counts"
                )
            }
            Record::PositionChecked { symbol, expected, reported, verified } => format!(
                "{}: the venue reports a position of {}, we count {}: {}",
                self.name(*symbol),
                self.quantity(*symbol, *reported),
                self.quantity(*symbol, *expected),
                if *verified { "verified" } else { "not verified" }
            ),
            Record::TradingState { state, source, reason } => {
                format!("trading is {state:?} ({source:?}): {reason}")
            }
            Record::DayStarted { equity, high_water_mark } => {
                let (equity, high_water_mark) = (quote(*equity), quote(*high_water_mark));
                format!("a new UTC day: equity {equity}, high-water mark {high_water_mark}")
            }
            Record::Flat => "nothing is open any more".to_owned(),
            Record::Alert(alert) => alert.message.clone(),
        }
    }

    fn round(&self, round: &RoundRecord) -> String {
        let mut text = format!("bar {} of {}: ", round.bar, self.name(round.symbol));
        let _ = match (round.outcome, round.approval) {
            (Some(outcome), Some(approval)) => {
                write!(text, "{outcome:?} wins with {} of the weight cast", share(approval))
            }
            (None, Some(approval)) => {
                write!(text, "nothing wins; the most had {}", share(approval))
            }
            _ => write!(text, "nobody voted"),
        };
        let _ = write!(text, ", {} agreeing", round.agreeing);
        if round.timed_out {
            text.push_str(", closed by its time-out");
        }
        for vote in &round.votes {
            let _ = write!(text, "\n{}", self.vote(vote));
        }
        text
    }

    fn vote(&self, vote: &Vote) -> String {
        let said = match &vote.view {
            None => "did not answer in time".to_owned(),
            Some(View::Abstain) => "abstains".to_owned(),
            Some(View::Opinion { direction, confidence }) => {
                let confidence = percent_to(*confidence, 0);
                format!("says {direction:?} with confidence {confidence}")
            }
        };
        let reason = vote.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let weight = percent_to(vote.weight, 1);
        format!("{} (weight {weight}) {said}{reason}", self.agent(vote.agent))
    }

    fn decision(&self, decision: &DecisionRecord) -> String {
        let side = match decision.direction {
            Direction::Long => "long",
            Direction::Short => "short",
            Direction::Flat => "flat",
        };
        let what = match decision.action {
            DecisionAction::Enter => format!("enter {side}"),
            DecisionAction::Exit => "exit".to_owned(),
            DecisionAction::Reverse => format!("reverse to {side}"),
        };
        let who = match (decision.round, decision.agent) {
            (Some(round), _) => format!(" by {round}"),
            (None, Some(agent)) => format!(" by {} alone", self.agent(agent)),
            (None, None) => String::new(),
        };
        let DecisionRecord { id, symbol, bar, reason, .. } = decision;
        format!("{id}: {what} {} after bar {bar}{who}: {reason}", self.name(*symbol))
    }

    fn intent(&self, intent: &IntentRecord) -> String {
        let verdict = &intent.verdict;
        let mut text = self.order(&intent.request);
        if verdict.approved {
            let _ = write!(text, "; approved, size bound by {:?}", verdict.bound);
            return text;
        }
        text.push_str("; denied");
        for denial in verdict.denials() {
            let _ = write!(text, "; {}", self.denial(intent.request.symbol, denial));
        }
        text
    }

    /// Why a rule denied an intent on `symbol`.
    #[must_use]
    pub fn denial(&self, symbol: SymbolId, denial: &RuleResult) -> String {
        let RuleResult { rule, input, limit, .. } = *denial;
        let shown = |whole| [input, limit].map(|value| self.value(symbol, rule, value, whole));
        let rounded = shown(false);
        let [input, limit] = if rounded[0] == rounded[1] { shown(true) } else { rounded };
        format!("{rule}: {input} against {limit}")
    }

    /// What a rule looked at, in the units that people count in; rounded, or to the last place.
    fn value(&self, symbol: SymbolId, rule: RuleId, value: RuleValue, whole: bool) -> String {
        match (rule, value) {
            (_, RuleValue::Amount(amount)) if whole => amount.to_string(),
            (RuleId::Leverage, RuleValue::Ratio(multiple)) if whole => format!("{multiple} ×"),
            (_, RuleValue::Ratio(share)) if whole => {
                format!("{} %", Ratio(share.0.saturating_mul(100)))
            }
            (_, RuleValue::Amount(amount)) => quote(amount),
            (RuleId::Leverage, RuleValue::Ratio(multiple)) => format!("{} ×", number(multiple)),
            (_, RuleValue::Ratio(share)) => percent(share),
            (_, RuleValue::Lots(lots)) => {
                format!("{} {}", self.quantity(symbol, lots), self.name(symbol))
            }
            (RuleId::LiquidationDistance, RuleValue::Count(ticks)) => {
                self.instrument(symbol).map_or_else(
                    || format!("{ticks} ticks"),
                    |i| i.price(PriceTicks(ticks)).to_string(),
                )
            }
            (_, RuleValue::Flag(flag)) => if flag { "yes" } else { "no" }.to_owned(),
            (_, value) => value.to_string(),
        }
    }

    fn order(&self, request: &OrderRequest) -> String {
        let OrderRequest { id, symbol, side, quantity, purpose, .. } = *request;
        let price = |ticks| self.instrument(symbol).map(|i| i.price(ticks).to_string());
        let kind = match request.kind {
            OrderType::Market => "at market".to_owned(),
            OrderType::Limit { price: limit, time_in_force } => {
                format!("at {} ({time_in_force:?})", price(limit).unwrap_or_default())
            }
            OrderType::StopMarket { trigger } => {
                format!("stop at {}", price(trigger).unwrap_or_default())
            }
            OrderType::TakeProfitMarket { trigger } => {
                format!("take-profit at {}", price(trigger).unwrap_or_default())
            }
        };
        let (side, quantity) = (verb(side), self.quantity(symbol, quantity));
        format!("{id}: {purpose}, {side} {quantity} {} {kind}", self.name(symbol))
    }

    fn report(&self, report: &VenueReport) -> String {
        match report {
            VenueReport::Submit { order, outcome } => match outcome {
                SubmitOutcome::Accepted => format!("the venue has {order}"),
                SubmitOutcome::Refused(code) => format!("the venue refused {order}: {}", code.0),
                SubmitOutcome::NotSent => format!("{order} was not sent"),
                SubmitOutcome::Unknown(cause) => {
                    format!("whether the venue has {order} is unknown: {cause:?}")
                }
            },
            VenueReport::Fill(fill) => self.fill(fill),
            VenueReport::Removed { order, removal, .. } => {
                format!("{order} left the book: {removal:?}")
            }
            VenueReport::CancelRefused { order, code } => {
                format!("the cancel of {order} was refused: {}", code.0)
            }
            VenueReport::OrderStatus { order, state, .. } => {
                format!("asked about {order}, the venue says {state:?}")
            }
            VenueReport::Position { symbol, quantity, .. } => format!(
                "the venue reports {} {}",
                self.quantity(*symbol, *quantity),
                self.name(*symbol)
            ),
            VenueReport::Funding { symbol, amount } => {
                format!("{}: funding {}", self.name(*symbol), quote(*amount))
            }
            VenueReport::SymbolStatus { symbol, trading } => {
                let name = self.name(*symbol);
                if *trading {
                    format!("the venue trades {name} again")
                } else {
                    format!("the venue does not trade {name} at present")
                }
            }
            VenueReport::Transfer { amount } => format!("{} came into the account", quote(*amount)),
        }
    }

    fn fill(&self, fill: &Fill) -> String {
        let Fill { symbol, trade, side, price, quantity, fee, maker, .. } = *fill;
        let price = self.instrument(symbol).map(|i| i.price(price).to_string());
        let whose = match fill.order {
            Some(order) => format!("{order} "),
            None => String::new(),
        };
        format!(
            "{trade}: {whose}{} {} {} at {} as {}, fee {}",
            verb(side),
            self.quantity(symbol, quantity),
            self.name(symbol),
            price.unwrap_or_default(),
            if maker { "maker" } else { "taker" },
            quote(fee),
        )
    }

    /// When a round's bar closed, as far as its record tells.
    #[must_use]
    pub fn bar_close(&self, at: Timestamp) -> Timestamp {
        let interval = self.started.config.bar_interval.0.max(1);
        Timestamp(at.0.div_euclid(interval) * interval)
    }

    fn instrument(&self, symbol: SymbolId) -> Option<&Instrument> {
        self.started.config.instruments.get(symbol.index())
    }

    fn name(&self, symbol: SymbolId) -> String {
        self.instrument(symbol)
            .map_or_else(|| format!("symbol {}", symbol.0), |i| i.symbol.to_string())
    }

    fn quantity(&self, symbol: SymbolId, lots: sapphire_engine::instrument::QtyLots) -> String {
        self.instrument(symbol)
            .map_or_else(|| format!("{} lots", lots.0), |i| i.quantity(lots).to_string())
    }

    fn agent(&self, agent: AgentId) -> &str {
        let agents = &self.started.config.agents;
        agents.get(usize::from(agent.0)).map_or("an unknown agent", |agent| agent.name.as_str())
    }
}

/// A share of the weight cast, rounded down: what just misses a threshold does not look like it.
fn share(approval: Ratio) -> String {
    percent_to(Ratio::percent(approval.0 / Ratio::percent(1).0), 0)
}

/// Quote currency: to the cent, but what is less than one of it whole.
fn quote(amount: Amount) -> String {
    if amount.0.unsigned_abs() < Amount::whole(1).0.unsigned_abs() {
        amount.to_string()
    } else {
        money(amount)
    }
}

const fn verb(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_engine::ids::RoundId;
    use sapphire_engine::opinion::Reason;

    #[test]
    fn what_a_rule_compared_reads_in_the_units_of_people() {
        let narrator = Narrator::new(crate::report::tests::started());
        let told = |rule, input, limit| {
            narrator.denial(SymbolId(0), &RuleResult { rule, input, limit, passed: false })
        };
        let amount = |text: &str| RuleValue::Amount(text.parse().unwrap());
        for (rule, input, limit, expected) in [
            (
                RuleId::NetExposure,
                amount("1234567.89123"),
                amount("0.000125"),
                "NetExposure: 1,234,567.89 against 0.000125",
            ),
            (
                RuleId::DailyLoss,
                RuleValue::Ratio(Ratio(5_123_456)),
                RuleValue::Ratio(Ratio::percent(5)),
                "DailyLoss: 5.12 % against 5.00 %",
            ),
            (
                RuleId::Leverage,
                RuleValue::Ratio(Ratio::percent(1_050)),
                RuleValue::Ratio(Ratio::percent(1_000)),
                "Leverage: 10.50 × against 10.00 ×",
            ),
            (
                RuleId::PriceCollar,
                RuleValue::Ratio(Ratio(1_004_000)),
                RuleValue::Ratio(Ratio::percent(1)),
                "PriceCollar: 1.004 % against 1 %",
            ),
            (
                RuleId::OrderNotional,
                amount("5000.001"),
                amount("5000"),
                "OrderNotional: 5000.001 against 5000.00",
            ),
            (
                RuleId::Leverage,
                RuleValue::Ratio(Ratio(1_000_100_000)),
                RuleValue::Ratio(Ratio::percent(1_000)),
                "Leverage: 10.001 × against 10 ×",
            ),
            (
                RuleId::FeedGap,
                RuleValue::Flag(false),
                RuleValue::Flag(true),
                "FeedGap: no against yes",
            ),
        ] {
            assert_eq!(told(rule, input, limit), expected);
        }
        let lots = told(
            RuleId::Size,
            RuleValue::Lots(sapphire_engine::instrument::QtyLots(0)),
            RuleValue::Lots(sapphire_engine::instrument::QtyLots(1)),
        );
        assert!(lots.starts_with("Size: 0") && !lots.contains("lots"), "{lots}");
        let ticks = told(RuleId::LiquidationDistance, RuleValue::Count(7), RuleValue::Unknown);
        assert!(ticks.ends_with(" against unknown") && !ticks.contains(": 7 "), "{ticks}");
    }

    /// A round of three: two that agree, one that abstains.
    fn told(approval: Ratio, outcome: Option<Direction>) -> String {
        let vote = |agent: u16, weight: i64, view: Option<View>, reason: &'static str| Vote {
            agent: AgentId(agent),
            weight: Ratio(weight),
            view,
            reason: Some(Reason::fixed(reason)),
        };
        let short = |confidence| View::Opinion {
            direction: Direction::Short,
            confidence: Ratio(confidence),
        };
        let round = RoundRecord {
            id: RoundId(228),
            symbol: SymbolId(0),
            bar: 227,
            votes: vec![
                vote(0, 19_530_001, Some(short(51_602_973)), "the trend stands"),
                vote(1, 40_134_999, Some(short(49_490_000)), "flow sells"),
                vote(2, 40_335_000, Some(View::Abstain), "has learnt too little"),
            ],
            outcome,
            approval: Some(approval),
            agreeing: 2,
            timed_out: false,
        };
        let narrator = Narrator::new(crate::report::tests::started());
        narrator.tell(&Record::Round(Box::new(round)))
    }

    #[test]
    fn a_round_is_told_vote_by_vote_in_percent() {
        let told = told(Ratio::ONE, Some(Direction::Short));
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "bar 227 of BTCUSDT: Short wins with 100 % of the weight cast, 2 agreeing",
                "trend (weight 19.5 %) says Short with confidence 52 %: the trend stands",
                "<b>vpin</b> (weight 40.1 %) says Short with confidence 49 %: flow sells",
                "silent (weight 40.3 %) abstains: has learnt too little",
            ]
        );
    }

    #[test]
    fn a_share_that_just_misses_the_threshold_does_not_read_as_if_it_reached_it() {
        assert!(told(Ratio(66_999_999), None).contains("nothing wins; the most had 66 %"));
    }
}
