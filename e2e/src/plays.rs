//! What a pod on the played node does.
//!
//! A pod runs and is Ready unless its annotation [`AS`] says otherwise; a migration pod completes; an
//! image whose tag is `missing` cannot be pulled. A test sets the annotation on a pod that exists, or
//! on all that a component will have ([`crate::Case::play`]).

use std::time::Duration;

/// The annotation that says what a pod does: a [`Play`]'s word.
pub const AS: &str = "play.sapphiretrade.xyz/as";
/// The annotation with the last words of a pod that fails or crashes.
pub const WORDS: &str = "play.sapphiretrade.xyz/words";
/// The annotation with the time from running to the end, as `3s`; 200 ms without it.
pub const AFTER: &str = "play.sapphiretrade.xyz/after";
/// The annotation with the time that a deleted pod takes to go, as `3s`; none without it.
pub const LEAVES_AFTER: &str = "play.sapphiretrade.xyz/leaves-after";

/// The annotation of a TradingSystem that gives its desk positions, as `BTCUSD,ETHUSD`: what
/// [`crate::Conduct::exposed`] is to tests. Told to close, its traders do; without it they have none again.
pub const OPEN: &str = "play.sapphiretrade.xyz/open";

/// What `$PLAY` in the stages stands for.
pub(crate) const EXPRESSION: &str = concat!(
    r#".metadata.annotations["play.sapphiretrade.xyz/as"] // "#,
    r#"(if any(.spec.containers[].image; endswith(":missing")) then "image-missing" "#,
    r#"elif .metadata.labels["app.kubernetes.io/component"] == "migration" then "completes" "#,
    r#"else "runs" end)"#
);

/// What a pod does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Play {
    /// Runs and is Ready.
    Runs,
    /// Waits for an image that is not there.
    ImageMissing,
    /// Waits for a key that its Secret lacks.
    SecretKeyMissing,
    /// Crashes again and again; its last words.
    Crashes(String),
    /// Ends with exit code 0 after a while.
    Completes(Duration),
    /// Ends with exit code 1; its last words.
    Fails(String),
    /// Is evicted by its node.
    Evicted,
}

impl Play {
    /// The annotations that make a pod play so.
    pub fn annotations(&self) -> Vec<(&'static str, String)> {
        let (word, more) = match self {
            Self::Runs => ("runs", None),
            Self::ImageMissing => ("image-missing", None),
            Self::SecretKeyMissing => ("secret-key-missing", None),
            Self::Crashes(words) => ("crashes", Some((WORDS, words.clone()))),
            Self::Completes(after) => {
                ("completes", Some((AFTER, format!("{}ms", after.as_millis()))))
            }
            Self::Fails(words) => ("fails", Some((WORDS, words.clone()))),
            Self::Evicted => ("evicted", None),
        };
        [(AS, word.to_owned())].into_iter().chain(more).collect()
    }
}
