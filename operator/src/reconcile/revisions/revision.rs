//! A revision: what it holds, what is wanted of one, and what the present inputs come to.

use std::sync::Arc;

use sapphire_crds::conditions::Reason;
use sapphire_crds::values::ObjectName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Recording;
use crate::reconcile::desired::Desired;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;

/// A revision that exists at the API server.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The ControllerRevision's name.
    pub name: String,
    /// The hash in it, which labels pods.
    pub hash: String,
    /// Their order, from 1.
    pub number: i64,
    /// What it holds.
    pub data: Arc<RevisionData>,
}

impl Revision {
    /// The children as they were rendered.
    ///
    /// # Errors
    /// A [`Hold`] when somebody made a ControllerRevision of our name that we cannot read.
    pub fn rendered(&self) -> Result<Vec<Desired>, Hold> {
        self.data.children(&self.name)
    }
}

/// What a revision holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionData {
    /// The part of the spec that shapes pods.
    pub inputs: Value,
    /// The image of the desk's own containers.
    pub image: String,
    /// The release of the operator that rendered it.
    pub builder: String,
    /// The children, as [`Desired::store`] writes them.
    pub rendered: Vec<Value>,
}

impl RevisionData {
    pub(super) fn children(&self, revision: &str) -> Result<Vec<Desired>, Hold> {
        let children = self.rendered.iter().map(Desired::restore);
        let children: Option<_> = children.collect();
        children.ok_or_else(|| unreadable(revision, "a child of it is unknown"))
    }
}

/// Renders what shapes pods, for an image and a revision's hash.
pub type Render<'a> = dyn Fn(&str, &str) -> Result<Vec<Desired>, Hold> + Sync + 'a;

/// What is wanted of revisions in one reconcile.
pub struct Wish<'a> {
    /// The label that tells whose revisions these are beside the system's: empty for the system, the
    /// agent's name for an agent.
    pub agent: Option<&'a str>,
    /// The desk.
    pub system: &'a Key,
    /// What shapes pods.
    pub inputs: Value,
    /// The image that the spec asks for. `None`: pinned from the former revision, or the default.
    pub image: Option<String>,
    /// A request to render anew that was not acted upon yet: the annotation's value.
    pub adopt: Option<&'a str>,
    /// Renders the children for an image and a revision's hash.
    pub render: &'a Render<'a>,
}

impl std::fmt::Debug for Wish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wish")
            .field("system", self.system)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

/// The revision of the current inputs, and how it stands to today's operator.
#[derive(Debug, Clone)]
pub struct Found {
    /// The revision.
    pub revision: Revision,
    /// How that compares with what today's operator would render.
    pub today: Today,
}

/// How what a revision holds compares with what today's operator would render.
#[derive(Debug, Clone, PartialEq)]
pub enum Today {
    /// It would render the same.
    Same,
    /// It would render otherwise: the first difference, in words.
    Differs(String),
    /// It cannot render it, and this is why.
    Unknown(Hold),
}

/// What the present inputs come to.
#[derive(Debug, Clone)]
pub enum Foreseen {
    /// A revision of them is kept.
    Kept(Found),
    /// None is; this would be recorded.
    New(Recording),
}

impl Foreseen {
    /// The revision's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Kept(found) => &found.revision.name,
            Self::New(recording) => &recording.name,
        }
    }

    /// The same, as statuses hold it.
    ///
    /// # Errors
    /// Stalled where it is no name: that of its object is too long.
    pub fn object_name(&self) -> Result<ObjectName, Hold> {
        let words = |error| Hold::stalled(Reason::InvalidSpec, format!("{}: {error}", self.name()));
        self.name().parse().map_err(words)
    }

    /// What it holds, or would.
    pub fn data(&self) -> &RevisionData {
        match self {
            Self::Kept(found) => &found.revision.data,
            Self::New(recording) => &recording.data,
        }
    }

    /// The children as they are or would be rendered.
    ///
    /// # Errors
    /// As [`Revision::rendered`].
    pub fn rendered(&self) -> Result<Vec<Desired>, Hold> {
        self.data().children(self.name())
    }
}

pub(super) fn unreadable(name: &str, why: &str) -> Hold {
    Hold::stalled(
        Reason::NotOurs,
        format!("ControllerRevision {name} is not one of this operator: {why}; delete it"),
    )
}
