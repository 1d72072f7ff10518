//! What a desk did while it was measured: figures of a desk that did not trade say nothing.

use std::collections::BTreeMap;

use sapphire_engine::Engine;
use sapphire_engine::effect::Alert;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{Link, Record};
use sapphire_engine::market::MarketEvent;
use sapphire_engine::money::Amount;
use sapphire_engine::order::Purpose;
use sapphire_engine::risk::{Bound, RuleId};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::VenueReport;
use sapphire_trader::desk::Witness;

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    records: u64,
    entries: u64,
    orders: u64,
    denied: u64,
    /// How often each rule denied.
    denials: BTreeMap<RuleId, u64>,
    fills: u64,
    fees: Amount,
    /// The fewest rules that an entry was judged by.
    rules: Option<usize>,
    /// Entries whose size something else than the delegation bound.
    bound: u64,
}

impl Tally {
    /// As facts.
    pub(crate) fn facts(&self, engine: &Engine) -> BTreeMap<String, String> {
        let fact = |name: &str, value: String| (name.to_owned(), value);
        BTreeMap::from([
            fact("records", self.records.to_string()),
            fact("entries", self.entries.to_string()),
            fact("orders", self.orders.to_string()),
            fact("denied", self.denied.to_string()),
            fact("denials", self.denials()),
            fact("fills", self.fills.to_string()),
            fact("fees", self.fees.to_string()),
            fact("rules", self.rules.unwrap_or_default().to_string()),
            fact("bound", self.bound.to_string()),
            fact("equity", engine.portfolio().equity().to_string()),
        ])
    }
}

impl Tally {
    /// Which rules denied how often, in the order of the gate.
    fn denials(&self) -> String {
        let words: Vec<_> =
            self.denials.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
        words.join(", ")
    }
}

impl Witness for Tally {
    fn record(&mut self, _: Timestamp, _: Link, record: &Record, _: &Engine) {
        self.records += 1;
        match record {
            Record::Intent(intent) if !intent.verdict.approved => {
                self.denied += 1;
                for denial in intent.verdict.denials() {
                    *self.denials.entry(denial.rule).or_default() += 1;
                }
            }
            Record::Intent(intent) => {
                self.orders += 1;
                if intent.request.purpose == Purpose::Entry {
                    self.entries += 1;
                    let rules = intent.verdict.rules.len();
                    self.rules = Some(self.rules.map_or(rules, |least| least.min(rules)));
                    self.bound += u64::from(intent.verdict.bound != Bound::Delegation);
                }
            }
            Record::Venue(VenueReport::Fill(fill)) => {
                self.fills += 1;
                self.fees += fill.fee;
            }
            _ => {}
        }
    }
    fn market(&mut self, _: Timestamp, _: SymbolId, _: &MarketEvent<'_>, _: &Engine) {}
    fn bar(&mut self, _: Timestamp, _: SymbolId, _: &Engine) {}
    fn sends(&mut self) {}
    fn alert(&mut self, _: Timestamp, _: &Alert) {}
}
