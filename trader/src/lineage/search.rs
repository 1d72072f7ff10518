//! Finds everything that belongs to one decision, order, fill, round or command.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use sapphire_engine::ids::{
    ClientOrderId, CommandId, DecisionId, OrderId, RoundId, RunId, TradeId,
};
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::{ChainError, Record};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::VenueReport;

use super::words::Narrator;
use crate::store::{Followed, JournalReader, StoreError};

/// What can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `d7`.
    Decision(DecisionId),
    /// `o12`.
    Order(OrderId),
    /// `t9`.
    Fill(TradeId),
    /// `r41`.
    Round(RoundId),
    /// `c3`.
    Command(CommandId),
    /// `sph-…`, as the venue knows an order.
    Client(ClientOrderId),
}

/// Why a text names nothing that could be asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no id: write d7 (a decision), o12 (an order), t9 (a fill), r41 (a round), c3 (a command) \
     or an order's client id (sph-…)"
)]
pub struct SubjectError(String);

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let wrong = || SubjectError(text.chars().take(40).collect());
        if let Some(rest) = text.strip_prefix("sph-") {
            return client_id(rest).map(Self::Client).ok_or_else(wrong);
        }
        let mut characters = text.chars();
        let kind = characters.next().ok_or_else(wrong)?;
        let digits = characters.as_str();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        Ok(match kind {
            'd' => Self::Decision(DecisionId(number)),
            'o' => Self::Order(OrderId(number)),
            't' => Self::Fill(TradeId(number)),
            'r' => Self::Round(RoundId(number)),
            'c' => Self::Command(CommandId(number)),
            _ => return Err(wrong()),
        })
    }
}

/// `<run>-<order>-<attempt>`, the first two in base 36.
fn client_id(rest: &str) -> Option<ClientOrderId> {
    let mut parts = rest.split('-');
    let (run, order, attempt) = (parts.next()?, parts.next()?, parts.next()?);
    let id = ClientOrderId {
        run: RunId(u64::from_str_radix(run, 36).ok()?),
        order: OrderId(u64::from_str_radix(order, 36).ok()?),
        attempt: attempt.parse().ok()?,
    };
    // Only what we write ourselves: no signs, no capitals, no leading zeros.
    (parts.next().is_none() && id.to_string() == format!("sph-{rest}")).then_some(id)
}

impl Subject {
    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Decision(_) => "Decision",
            Self::Order(_) | Self::Client(_) => "Order",
            Self::Fill(_) => "Fill",
            Self::Round(_) => "Round",
            Self::Command(_) => "Command",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(id) => id.fmt(f),
            Self::Order(id) => id.fmt(f),
            Self::Fill(id) => id.fmt(f),
            Self::Round(id) => id.fmt(f),
            Self::Command(id) => id.fmt(f),
            Self::Client(id) => id.fmt(f),
        }
    }
}

/// One record of a lineage.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its number in the journal.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// The record.
    pub record: Record,
    /// In words; the first line is a sentence, more follow for votes.
    pub words: String,
}

/// Where something came from, and what came of it, in the journal's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Lineage {
    /// The run.
    pub run: RunId,
    /// Its records.
    pub steps: Vec<Step>,
    /// What is wrong with the run's chain, where it is not what was written: the records may be forged.
    pub damage: Option<ChainError>,
}

/// Why there is no lineage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It holds no run.
    #[error("the journal holds no run yet")]
    NoRun,
    /// It does not hold that run.
    #[error("the journal holds no run {0}")]
    NotThatRun(RunId),
}

/// Traces `subject` in `run`, or in the newest one. `None` when the run has no such thing.
///
/// # Errors
/// A [`LineageError`] when the journal cannot be read or has no such run.
pub fn trace(
    reader: &mut JournalReader,
    run: Option<RunId>,
    subject: Subject,
) -> Result<Option<Lineage>, LineageError> {
    let run = match subject {
        Subject::Client(id) => Some(id.run),
        _ => run,
    };
    let runs = reader.runs()?;
    let run = match run {
        Some(run) if runs.iter().any(|stored| stored.run == run) => run,
        Some(run) => return Err(LineageError::NotThatRun(run)),
        None => runs.last().ok_or(LineageError::NoRun)?.run,
    };
    let (mut records, mut followed) = (Vec::new(), Followed::new(reader.path(), run));
    reader.each(run, |stored| {
        followed.follow(&stored);
        let record = stored.record().map_err(|error| followed.explain(error))?;
        records.push((stored.link.sequence, stored.at, record));
        Ok::<_, StoreError>(())
    })?;
    let damage = followed.damage();
    let mut relations = Relations::of(subject);
    // An effect names its cause, which stands before it: each look goes one step further back.
    while records.iter().fold(false, |grew, (_, _, record)| relations.follow(record) || grew) {}
    if !relations.found {
        return Ok(None);
    }
    let Some((_, _, Record::RunStarted(started))) = records.first() else {
        return Err(LineageError::NoRun);
    };
    let narrator = Narrator::new((**started).clone());
    records.retain(|(_, at, record)| relations.take(*at, record));
    let step = |(sequence, at, record): (u64, Timestamp, Record)| Step {
        words: narrator.tell(&record),
        sequence,
        at,
        record,
    };
    Ok(Some(Lineage { run, steps: records.into_iter().map(step).collect(), damage }))
}

/// What belongs together.
#[derive(Debug)]
struct Relations {
    found: bool,
    rounds: BTreeSet<RoundId>,
    decisions: BTreeSet<DecisionId>,
    orders: BTreeSet<OrderId>,
    /// Only this fill of its order.
    fill: Option<TradeId>,
    /// Everything downstream of these counts, not only the way to the subject.
    whole: bool,
    command: Option<CommandId>,
    /// Symbols whose position waits for its check after a fill.
    unchecked: BTreeSet<SymbolId>,
    /// The moment of a command: what happens right there is its doing.
    commanded: Option<Timestamp>,
}

impl Relations {
    fn of(subject: Subject) -> Self {
        let mut relations = Self {
            found: false,
            rounds: BTreeSet::new(),
            decisions: BTreeSet::new(),
            orders: BTreeSet::new(),
            fill: None,
            whole: true,
            command: None,
            unchecked: BTreeSet::new(),
            commanded: None,
        };
        match subject {
            Subject::Decision(id) => drop(relations.decisions.insert(id)),
            Subject::Round(id) => drop(relations.rounds.insert(id)),
            Subject::Order(id) | Subject::Client(ClientOrderId { order: id, .. }) => {
                relations.orders.insert(id);
                relations.whole = false;
            }
            Subject::Fill(id) => {
                relations.fill = Some(id);
                relations.whole = false;
            }
            Subject::Command(id) => relations.command = Some(id),
        }
        relations
    }

    /// Follows the subject back (fill → order → decision → round), and forth where all of its
    /// effects count. Returns whether that led anywhere new.
    fn follow(&mut self, record: &Record) -> bool {
        let known = self.extent();
        match record {
            Record::Round(round) => self.found |= self.whole && self.rounds.contains(&round.id),
            Record::Decision(decision) => {
                let of_round = decision.round.is_some_and(|round| self.rounds.contains(&round));
                if self.decisions.contains(&decision.id) || (self.whole && of_round) {
                    self.found = true;
                    self.decisions.insert(decision.id);
                    self.rounds.extend(decision.round);
                }
            }
            Record::Intent(intent) => {
                let request = &intent.request;
                let of_decision = request.decision.is_some_and(|id| self.decisions.contains(&id));
                if self.orders.contains(&request.id) || (self.whole && of_decision) {
                    self.found = true;
                    self.orders.insert(request.id);
                    self.decisions.extend(request.decision);
                }
            }
            Record::Venue(VenueReport::Fill(fill)) if self.fill == Some(fill.trade) => {
                self.found = true;
                self.orders.extend(fill.order);
            }
            Record::Command(request) => self.found |= self.command == Some(request.id),
            _ => {}
        }
        self.extent() != known
    }

    fn extent(&self) -> (usize, usize, usize) {
        (self.rounds.len(), self.decisions.len(), self.orders.len())
    }

    fn take(&mut self, at: Timestamp, record: &Record) -> bool {
        match record {
            Record::Round(round) => self.rounds.contains(&round.id),
            Record::Decision(decision) => self.decisions.contains(&decision.id),
            Record::Intent(intent) => {
                self.orders.contains(&intent.request.id) || self.commanded == Some(at)
            }
            Record::CancelIntent { order, .. } | Record::ProofFailed { order, .. } => {
                self.orders.contains(order) || self.commanded == Some(at)
            }
            Record::Venue(report) => self.takes_report(report),
            Record::PositionChecked { symbol, .. } => self.unchecked.remove(symbol),
            Record::Command(request) => {
                let ours = self.command == Some(request.id);
                if ours {
                    self.commanded = Some(at);
                } else if self.commanded == Some(at) {
                    self.commanded = None;
                }
                ours
            }
            Record::CommandRefused { id, .. } => self.command == Some(*id),
            Record::TradingState { .. } | Record::Flat => self.commanded == Some(at),
            _ => false,
        }
    }

    fn takes_report(&mut self, report: &VenueReport) -> bool {
        let order = match report {
            VenueReport::Fill(fill) => {
                let ours = fill.order.is_some_and(|order| self.orders.contains(&order));
                let wanted = self.fill.is_none_or(|trade| trade == fill.trade);
                if ours && wanted {
                    self.unchecked.insert(fill.symbol);
                }
                return ours && wanted;
            }
            VenueReport::Submit { order, .. }
            | VenueReport::Removed { order, .. }
            | VenueReport::CancelRefused { order, .. }
            | VenueReport::OrderStatus { order, .. } => order,
            VenueReport::Position { .. }
            | VenueReport::Funding { .. }
            | VenueReport::SymbolStatus { .. }
            | VenueReport::Transfer { .. } => return false,
        };
        self.orders.contains(order)
    }
}
