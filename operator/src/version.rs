//! Which release the installed definitions are of, and what follows where it is not this one.
//!
//! *Older*: what a newer operator remembers in a status may be cut off by the definition's schema, and
//! what is forgotten is done again. So no revision is recorded, and with it no pod is made or restarted,
//! until the definitions are upgraded; what is released already is kept as it is, limits included.
//! *Newer*: objects may hold what this release does not know. It works with what it knows; an object that
//! it cannot read is left alone, and says why.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::annotations::CRDS_VERSION;
use sapphire_crds::{RELEASE, custom_resource_definitions};

use crate::context::Context;
use crate::reconcile::outcome::Hold;
use crate::wake;

/// How often the definitions are looked at while they are of this release.
const PACE: Duration = Duration::from_secs(300);
/// How often while they are not, or could not be read.
const IMPATIENCE: Duration = Duration::from_secs(15);
/// How long the API server may take to answer. Nothing waits for it longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the definitions' release stands to this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Skew {
    /// They could not be read, or say no release.
    #[default]
    Unknown,
    /// They are of this release.
    None,
    /// They, or one of them, are of this older release.
    Older(String),
    /// They, or one of them, are of this newer release.
    Newer(String),
}

/// What is known of the definitions.
#[derive(Debug, Default)]
pub struct Definitions {
    skew: Mutex<Skew>,
}

impl Definitions {
    /// How they stand to this release.
    pub fn skew(&self) -> Skew {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why nothing may be recorded now, where so.
    pub fn hold(&self) -> Option<Hold> {
        match self.skew() {
            Skew::Older(release) => Some(Hold::stalled(Reason::CrdsOutdated, older(&release))),
            _ => None,
        }
    }

    /// Why an object cannot be read, where its definition is the newer.
    pub fn excuse(&self) -> Option<String> {
        match self.skew() {
            Skew::Newer(release) => Some(newer(&release)),
            _ => None,
        }
    }

    /// Remembers it; whether it is news.
    fn remember(&self, skew: &Skew) -> bool {
        let mut known = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *known != *skew;
        known.clone_from(skew);
        news
    }
}

fn older(release: &str) -> String {
    format!(
        "the chart sapphire-crds is of release {release} and this operator of {RELEASE}: no pod is made or \
         restarted until it is upgraded (helm upgrade --install sapphire-crds …); what runs is kept as it is"
    )
}

fn newer(release: &str) -> String {
    format!(
        "the chart sapphire-crds is of release {release} and this operator of {RELEASE}: it works with what \
         it knows; upgrade the chart sapphire (helm upgrade --install sapphire …)"
    )
}

/// Looks at the definitions for as long as the process runs.
pub async fn follow(context: &Context) -> Infallible {
    loop {
        let pace = if context.definitions.skew() == Skew::None { PACE } else { IMPATIENCE };
        tokio::time::sleep(pace).await;
        look(context).await;
    }
}

/// Looks at the definitions now. Who waits for them is woken by a change.
pub async fn look(context: &Context) {
    let found = match tokio::time::timeout(PATIENCE, read(context)).await {
        Ok(Ok(releases)) => of_releases(&releases),
        Ok(Err(error)) => {
            tracing::debug!(%error, "cannot read which release the definitions are of");
            return;
        }
        Err(_) => return,
    };
    context.metrics.definitions_skew.set(match &found {
        Skew::Older(_) => -1,
        Skew::Newer(_) => 1,
        Skew::None | Skew::Unknown => 0,
    });
    if !context.definitions.remember(&found) {
        return;
    }
    match &found {
        Skew::Older(release) => tracing::warn!(release, "{}", older(release)),
        Skew::Newer(release) => tracing::warn!(release, "{}", newer(release)),
        Skew::None => tracing::info!(release = RELEASE, "the definitions are of this release"),
        Skew::Unknown => tracing::info!("the definitions do not say which release they are of"),
    }
    wake::all(context);
}

/// The release that each definition says, or that it says none.
async fn read(context: &Context) -> Result<Vec<Option<String>>, kube::Error> {
    let definitions: Api<CustomResourceDefinition> = Api::all(context.client.clone());
    let mut releases = Vec::new();
    for ours in custom_resource_definitions() {
        let name = ours.metadata.name.unwrap_or_default();
        let metadata = definitions.get_metadata(&name).await?.metadata;
        releases.push(metadata.annotations.and_then(|mut notes| notes.remove(CRDS_VERSION)));
    }
    Ok(releases)
}

/// The oldest counts: each definition can be the one that cuts something off.
fn of_releases(releases: &[Option<String>]) -> Skew {
    let mut newest = Skew::None;
    for release in releases {
        let Some(release) = release else { return Skew::Unknown };
        match compare(release, RELEASE) {
            None => return Skew::Unknown,
            Some(Ordering::Less) => return Skew::Older(release.clone()),
            Some(Ordering::Greater) => newest = Skew::Newer(release.clone()),
            Some(Ordering::Equal) => {}
        }
    }
    newest
}

/// As Semantic Versioning orders releases; a pre-release comes before its release, and two of one release
/// by their words. `None` where one is no release.
fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (parse(one)?, parse(other)?);
    let numbers = one.0.cmp(&other.0);
    // None sorts before Some, and a release after its pre-releases.
    let finished = one.1.is_none().cmp(&other.1.is_none());
    Some(numbers.then(finished).then(one.1.cmp(&other.1)))
}

fn parse(release: &str) -> Option<([u64; 3], Option<&str>)> {
    let release = release.split('+').next()?;
    let (numbers, before) = match release.split_once('-') {
        Some((numbers, before)) => (numbers, Some(before)),
        None => (release, None),
    };
    let mut parts = numbers.split('.').map(str::parse::<u64>);
    let mut next = || parts.next()?.ok();
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some((numbers, before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.1.0", "0.1.0", Ordering::Equal)]
    #[case("0.9.0", "0.10.0", Ordering::Less)]
    #[case("1.0.0", "0.99.99", Ordering::Greater)]
    #[case("1.0.0-rc.1", "1.0.0", Ordering::Less)]
    #[case("1.0.0-rc.1", "1.0.0-rc.2", Ordering::Less)]
    #[case("1.0.0+build", "1.0.0", Ordering::Equal)]
    fn releases_are_ordered(#[case] one: &str, #[case] other: &str, #[case] order: Ordering) {
        assert_eq!(compare(one, other), Some(order));
        assert_eq!(compare(other, one), Some(order.reverse()));
    }

    #[rstest]
    #[case("")]
    #[case("1.0")]
    #[case("1.0.0.0")]
    #[case("latest")]
    fn what_is_no_release_is_not_judged(#[case] word: &str) {
        assert_eq!(of_releases(&[Some(RELEASE.into()), Some(word.into())]), Skew::Unknown);
    }

    #[test]
    fn the_oldest_definition_counts() {
        let of = |releases: &[&str]| {
            let releases: Vec<_> = releases.iter().map(|word| Some((*word).to_owned())).collect();
            of_releases(&releases)
        };
        assert_eq!(of(&[RELEASE, RELEASE, RELEASE]), Skew::None);
        assert_eq!(of(&[RELEASE, "99.0.0", "0.0.1"]), Skew::Older("0.0.1".into()));
        assert_eq!(of(&[RELEASE, "99.0.0", RELEASE]), Skew::Newer("99.0.0".into()));
        assert_eq!(of_releases(&[Some(RELEASE.into()), None]), Skew::Unknown);
    }
}
