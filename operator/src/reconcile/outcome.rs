//! Why a reconcile does not go on, and who ends that.

use std::fmt;
use std::time::Duration;

use sapphire_crds::conditions::Reason;

/// Why a reconcile does not go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Hold {
    /// Only a person can go on: the object, or something else that a person made, is wrong. No retry
    /// until it changes.
    #[error("{reason}: {message}")]
    Stalled {
        /// The condition's reason.
        reason: Reason,
        /// What is wrong, where, and what to do.
        message: String,
        /// When to look again, where what is wrong is nothing that is watched.
        again: Option<Duration>,
    },
    /// Something else must happen first. Its own event wakes the object.
    #[error("{reason}: {message}")]
    Waiting {
        /// The condition's reason.
        reason: Reason,
        /// For what.
        message: String,
        /// When to look again although nothing woke the object, such as at a deadline.
        again: Option<Duration>,
    },
    /// Trying again helps: with growing pauses, for ever.
    #[error("{0}")]
    Transient(Transient),
}

/// What trying again may get over.
#[derive(Debug, Clone, PartialEq)]
pub struct Transient {
    /// What was tried.
    pub action: String,
    /// The API server's code, 0 where it did not answer.
    pub code: u16,
    /// Its words.
    pub message: String,
    /// How long it asks to be left alone (Retry-After).
    pub after: Option<Duration>,
}

impl fmt::Display for Transient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            0 => write!(f, "cannot {}: {}", self.action, self.message),
            code => {
                write!(
                    f,
                    "cannot {}: the API server answered {code}: {}",
                    self.action, self.message
                )
            }
        }
    }
}

impl Hold {
    /// A hold that a person ends.
    pub fn stalled(reason: Reason, message: impl Into<String>) -> Self {
        Self::Stalled { reason, message: message.into(), again: None }
    }

    /// A hold that something else ends.
    pub fn waiting(reason: Reason, message: impl Into<String>) -> Self {
        Self::Waiting { reason, message: message.into(), again: None }
    }

    /// What a failed call means. `action` continues "cannot": "apply Deployment a/b".
    pub fn of_call(action: &str, error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else {
            let message = describe(error);
            return Self::transient(action, 0, message, None);
        };
        let after = status.details.as_ref().map(|details| details.retry_after_seconds);
        let after = after.filter(|s| *s > 0).map(|s| Duration::from_secs(s.into()));
        match status.code {
            // Asking again with the same words gets the same answer.
            400 | 405 | 413 | 415 | 422 => Self::stalled(
                Reason::Refused,
                format!("cannot {action}: the API server refuses it: {}", status.message),
            ),
            403 if status.message.contains("exceeded quota") => Self::Waiting {
                reason: Reason::QuotaExceeded,
                message: format!("cannot {action}: {}; raise the quota", status.message),
                // A quota has no event that would wake us.
                again: Some(Duration::from_secs(60)),
            },
            403 if status.message.contains("being terminated") => Self::waiting(
                Reason::NamespaceTerminating,
                format!("cannot {action}: the namespace is being deleted"),
            ),
            code => Self::transient(action, code, status.message.clone(), after),
        }
    }

    /// What is wanted became another thing while `action` was under way, as where the API server says 409.
    pub fn changed(action: &str, message: &str) -> Self {
        Self::transient(action, 409, message.to_owned(), None)
    }

    fn transient(action: &str, code: u16, message: String, after: Option<Duration>) -> Self {
        Self::Transient(Transient { action: action.to_owned(), code, message, after })
    }

    /// When to look again although nothing woke the object; with growing pauses where that is not told.
    pub const fn again(&self) -> Option<Duration> {
        match self {
            Self::Stalled { again, .. } | Self::Waiting { again, .. } => *again,
            Self::Transient(_) => None,
        }
    }

    /// The same hold, looked at again after `pause` at the latest. What is tried again anyway has pauses
    /// of its own.
    #[must_use]
    pub fn no_later_than(mut self, pause: Option<Duration>) -> Self {
        if let Self::Stalled { again, .. } | Self::Waiting { again, .. } = &mut self {
            *again = [*again, pause].into_iter().flatten().min();
        }
        self
    }

    /// Whether it is worth a line in the log at level warn.
    pub fn is_loud(&self) -> bool {
        // A conflict is two writers at once, and solved by reading again.
        !matches!(self, Self::Transient(Transient { code: 409, .. }) | Self::Waiting { .. })
    }

    /// A word for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stalled { .. } => "stalled",
            Self::Waiting { .. } => "waiting",
            Self::Transient(_) => "transient",
        }
    }
}

/// An error with its causes, which kube's own words leave out.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;
    use rstest::rstest;

    fn answered(code: u16, message: &str) -> Hold {
        let status = Status::failure(message, "").with_code(code).boxed();
        Hold::of_call("apply Deployment a/b", &kube::Error::Api(status))
    }

    #[rstest]
    #[case(422, "spec.replicas: Invalid value", "stalled")]
    #[case(400, "unknown field", "stalled")]
    #[case(403, "pods \"x\" is forbidden: exceeded quota: q", "waiting")]
    #[case(
        403,
        "unable to create new content in namespace n because it is being terminated",
        "waiting"
    )]
    #[case(403, "User cannot patch resource", "transient")]
    #[case(404, "the server could not find the requested resource", "transient")]
    #[case(409, "the object has been modified", "transient")]
    #[case(410, "too old resource version", "transient")]
    #[case(429, "too many requests", "transient")]
    #[case(500, "etcdserver: leader changed", "transient")]
    fn a_refusal_of_the_words_is_not_repeated(
        #[case] code: u16,
        #[case] message: &str,
        #[case] kind: &str,
    ) {
        assert_eq!(answered(code, message).kind(), kind);
    }

    #[test]
    fn a_hold_is_looked_at_again_at_the_earlier_of_two_times() {
        let (short, long) = (Some(Duration::from_secs(1)), Some(Duration::from_secs(9)));
        let again = |hold| match hold {
            Hold::Stalled { again, .. } | Hold::Waiting { again, .. } => again,
            Hold::Transient(_) => None,
        };
        let waiting = Hold::waiting(Reason::PolicyMissing, "none");
        assert_eq!(again(waiting.clone().no_later_than(None)), None);
        assert_eq!(again(waiting.clone().no_later_than(long)), long);
        assert_eq!(again(waiting.no_later_than(long).no_later_than(short)), short);
    }

    #[test]
    fn the_servers_code_survives_into_the_words() {
        assert_eq!(
            answered(500, "etcdserver: leader changed").to_string(),
            "cannot apply Deployment a/b: the API server answered 500: etcdserver: leader changed"
        );
    }
}
