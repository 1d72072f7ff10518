//! The one table of legal order transitions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an order stands, in FIX terms. *Denied* is our own gate's word, *Rejected* the venue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderState {
    /// An intent, not yet judged.
    Created,
    /// The risk gate said no.
    Denied,
    /// The risk gate said yes; not yet sent.
    Approved,
    /// Its intent is durable and it was handed to the venue's connection.
    Submitted,
    /// The venue has it.
    Accepted,
    /// Some of it filled.
    PartiallyFilled,
    /// All of it filled.
    Filled,
    /// The venue refused it.
    Rejected,
    /// Taken away before it filled.
    Canceled,
    /// Its time ran out, or an immediate order found nothing (more).
    Expired,
    /// Nobody knows whether the venue has it. Never sent again, never assumed dead.
    Unknown,
    /// Proven never to have reached the venue.
    NotAccepted,
}

/// What moves an order from one state to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// The gate denied the intent.
    Deny,
    /// The gate approved it.
    Approve,
    /// It was handed to the connection.
    Submit,
    /// The connection failed before the first byte: proof that the venue never saw it.
    NeverSent,
    /// The venue has it, by acknowledgement or by its answer to a query.
    Accept,
    /// The venue refused it with a definitive code.
    Reject,
    /// The outcome cannot be told.
    LoseTrack,
    /// A fill that leaves a rest.
    FillPart,
    /// A fill that completes it.
    FillAll,
    /// The venue says it was cancelled.
    Cancel,
    /// The venue says it expired.
    Expire,
    /// Absent at the venue after its expiry and grace, without a trade: proof that it never arrived.
    ProveAbsent,
}

/// A move that the table does not hold; the order stays as it is and the desk raises an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot {trigger:?}")]
pub struct IllegalTransition {
    /// Where it stood.
    pub from: OrderState,
    /// What was to move it.
    pub trigger: Trigger,
}

impl OrderState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 12] = [
        Self::Created,
        Self::Denied,
        Self::Approved,
        Self::Submitted,
        Self::Accepted,
        Self::PartiallyFilled,
        Self::Filled,
        Self::Rejected,
        Self::Canceled,
        Self::Expired,
        Self::Unknown,
        Self::NotAccepted,
    ];

    /// The state after `trigger`: every legal transition is in this one match.
    ///
    /// # Errors
    /// [`IllegalTransition`] for all others.
    pub const fn next(self, trigger: Trigger) -> Result<Self, IllegalTransition> {
        use OrderState as S;
        use Trigger as T;
        Ok(match (self, trigger) {
            (S::Created, T::Deny) => S::Denied,
            (S::Created, T::Approve) => S::Approved,
            (S::Approved, T::Submit) => S::Submitted,
            // Its expiry passed between approval and the write, or the connection was down.
            (S::Approved | S::Submitted, T::NeverSent) => S::NotAccepted,

            (S::Submitted | S::Unknown, T::Accept) => S::Accepted,
            (S::Submitted | S::Unknown, T::Reject) => S::Rejected,
            (S::Submitted, T::LoseTrack) => S::Unknown,
            (S::Unknown, T::ProveAbsent) => S::NotAccepted,

            // A fill may overtake the acknowledgement, and it resolves an unknown order.
            (S::Submitted | S::Unknown | S::Accepted | S::PartiallyFilled, T::FillPart) => {
                S::PartiallyFilled
            }
            (S::Submitted | S::Unknown | S::Accepted | S::PartiallyFilled, T::FillAll) => S::Filled,
            // The acknowledgement that a fill overtook changes nothing.
            (S::PartiallyFilled, T::Accept) => S::PartiallyFilled,
            (S::Filled, T::Accept) => S::Filled,

            (S::Submitted | S::Unknown | S::Accepted | S::PartiallyFilled, T::Cancel) => {
                S::Canceled
            }
            (S::Submitted | S::Unknown | S::Accepted | S::PartiallyFilled, T::Expire) => S::Expired,

            // A fill that was under way when the order went: legal, and it counts.
            (S::Canceled, T::FillPart) => S::Canceled,
            (S::Expired, T::FillPart) => S::Expired,
            (S::Canceled | S::Expired, T::FillAll) => S::Filled,
            // A refusal or a proof of absence was wrong: the venue had it, and has what is left.
            (S::Rejected | S::NotAccepted, T::FillPart) => S::PartiallyFilled,
            (S::Rejected | S::NotAccepted, T::FillAll) => S::Filled,

            (from, trigger) => return Err(IllegalTransition { from, trigger }),
        })
    }

    /// Whether it may rest or fill at the venue: sent, and not proven over.
    #[must_use]
    pub const fn is_working(self) -> bool {
        matches!(self, Self::Submitted | Self::Accepted | Self::PartiallyFilled | Self::Unknown)
    }

    /// Whether nothing more is expected of it (a late fill aside).
    #[must_use]
    pub const fn is_closed(self) -> bool {
        !matches!(self, Self::Created | Self::Approved) && !self.is_working()
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::OrderState as S;
    use super::Trigger as T;
    use super::*;

    const TRIGGERS: [Trigger; 12] = [
        T::Deny,
        T::Approve,
        T::Submit,
        T::NeverSent,
        T::Accept,
        T::Reject,
        T::LoseTrack,
        T::FillPart,
        T::FillAll,
        T::Cancel,
        T::Expire,
        T::ProveAbsent,
    ];

    /// The legal moves, written a second time, by state.
    fn legal(from: S) -> Vec<(T, S)> {
        let from_sent = vec![
            (T::FillPart, S::PartiallyFilled),
            (T::FillAll, S::Filled),
            (T::Cancel, S::Canceled),
            (T::Expire, S::Expired),
        ];
        let with = |more: &[(T, S)]| [from_sent.clone(), more.to_vec()].concat();
        match from {
            S::Created => vec![(T::Deny, S::Denied), (T::Approve, S::Approved)],
            S::Approved => vec![(T::Submit, S::Submitted), (T::NeverSent, S::NotAccepted)],
            S::Submitted => with(&[
                (T::NeverSent, S::NotAccepted),
                (T::Accept, S::Accepted),
                (T::Reject, S::Rejected),
                (T::LoseTrack, S::Unknown),
            ]),
            S::Unknown => with(&[
                (T::Accept, S::Accepted),
                (T::Reject, S::Rejected),
                (T::ProveAbsent, S::NotAccepted),
            ]),
            S::Accepted => from_sent,
            S::PartiallyFilled => with(&[(T::Accept, S::PartiallyFilled)]),
            S::Filled => vec![(T::Accept, S::Filled)],
            S::Canceled => vec![(T::FillPart, S::Canceled), (T::FillAll, S::Filled)],
            S::Expired => vec![(T::FillPart, S::Expired), (T::FillAll, S::Filled)],
            S::Rejected | S::NotAccepted => {
                vec![(T::FillPart, S::PartiallyFilled), (T::FillAll, S::Filled)]
            }
            S::Denied => vec![],
        }
    }

    #[test]
    fn every_legal_move_is_made_and_every_other_is_refused() {
        for from in S::ALL {
            let legal = legal(from);
            for trigger in TRIGGERS {
                let expected = legal.iter().find(|(t, _)| *t == trigger).map(|(_, to)| *to);
                assert_eq!(from.next(trigger).ok(), expected, "{from} {trigger:?}");
            }
        }
    }

    #[test]
    fn an_unknown_order_is_neither_sent_again_nor_assumed_dead() {
        for refused in [T::Submit, T::NeverSent, T::Deny, T::LoseTrack] {
            assert!(S::Unknown.next(refused).is_err(), "{refused:?}");
        }
        assert!(S::Unknown.is_working());
    }

    #[test]
    fn what_is_proven_over_moves_no_more_but_for_a_late_fill() {
        for from in S::ALL.into_iter().filter(|s| s.is_closed()) {
            for trigger in TRIGGERS.into_iter().filter(|t| !matches!(t, T::FillPart | T::FillAll)) {
                let next = from.next(trigger);
                assert!(next.is_err() || next == Ok(from), "{from} {trigger:?}");
            }
        }
    }
}
