//! What an agent's pods take from their system: from the revision that is released to them, never from
//! the spec as it is now.

use sapphire_crds::conditions::Reason;
use sapphire_crds::references::SecretKeyReference;
use sapphire_crds::trading_agent::Authority;
use sapphire_crds::values::ObjectName;
use sapphire_crds::{TradingAgent, TradingSystem, TradingSystemSpec};
use serde_json::{Value, json};

use crate::context::Context;
use crate::reconcile::desired::Owner;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::RevisionData;
use crate::reconcile::stored::Stored;
use crate::system::dereference::KIND;

/// Parts of the system that say nothing to an agent's pods: their change restarts no agent.
const OF_OTHERS: [&str; 3] = ["trader", "coordinator", "api"];
/// Parts of the agent that shape no pod. Coordinator and trader read `paused` from the API server, so
/// that pausing acts at once and restarts nothing.
const OF_NO_POD: [&str; 3] = ["replicas", "autoscaling", "paused"];

/// A system's revision as its agents need it.
#[derive(Debug, Clone)]
pub struct Release {
    /// The revision's name.
    pub name: ObjectName,
    /// The system's name.
    pub system: String,
    /// The system's spec as it was stored in the revision, without what concerns others.
    pub written: Value,
    /// The same, read.
    pub spec: TradingSystemSpec,
    /// The image.
    pub image: String,
}

impl Release {
    /// Reads a revision.
    ///
    /// # Errors
    /// Stalled where it cannot be read.
    pub fn read(name: &ObjectName, system: &str, data: &RevisionData) -> Result<Self, Hold> {
        let mut written = data.inputs.get("system").cloned().unwrap_or_default();
        remove(&mut written, &OF_OTHERS);
        let spec = serde_json::from_value(written.clone()).map_err(|error| {
            let words = format!(
                "revision {name} of TradingSystem {system} cannot be read by this release: {error}"
            );
            Hold::stalled(Reason::InvalidSpec, words)
        })?;
        let image = data.image.clone();
        Ok(Self { name: name.clone(), system: system.to_owned(), written, spec, image })
    }

    /// Where store and bus are.
    ///
    /// # Errors
    /// Stalled where the revision is one of an embedded desk.
    pub fn backends(&self) -> Result<(&SecretKeyReference, &SecretKeyReference), Hold> {
        let postgres = self.spec.storage.as_ref().and_then(|storage| storage.postgres.as_ref());
        let redis = self.spec.bus.as_ref().and_then(|bus| bus.redis.as_ref());
        match (postgres, redis) {
            (Some(postgres), Some(redis)) => Ok((&postgres.secret_ref, &redis.secret_ref)),
            _ => Err(Hold::stalled(
                Reason::InvalidSpec,
                format!("revision {} names no PostgreSQL or no Redis; set both", self.name),
            )),
        }
    }
}

/// Loads the revision that is released.
///
/// # Errors
/// A [`Hold`] when it is not there, or cannot be read.
pub async fn load(
    context: &Context,
    system: &Stored<TradingSystem>,
    released: &ObjectName,
) -> Result<Release, Hold> {
    let owner = Owner::of::<TradingSystem>(system, KIND);
    let found = context.revisions.named(context, &owner, released.as_str()).await?;
    let revision = found.ok_or_else(|| {
        Hold::waiting(
            Reason::WaitingForSystem,
            format!(
                "ControllerRevision {released} of the system is gone; its next release goes on"
            ),
        )
    })?;
    Release::read(released, &owner.key.name, &revision.data)
}

/// The agent's own part of a revision's inputs: its spec as stored.
pub fn own_part(agent: &Stored<TradingAgent>) -> Value {
    let mut part = agent.written_spec();
    remove(&mut part, &OF_NO_POD);
    part
}

/// The inputs of an agent's revision.
pub fn inputs(part: &Value, release: &Release) -> Value {
    json!({"agent": part, "system": release.written, "image": release.image})
}

/// The agent's own part of a revision. `None`: it is no agent's.
pub fn part_of(data: &RevisionData) -> Option<Value> {
    data.inputs.get("agent").cloned()
}

/// The authority that pods of an agent's revision run with. `None`: it is no agent's, or of another release.
pub fn authority_of(data: &RevisionData) -> Option<Authority> {
    let authority = part_of(data)?.get("authority")?.clone();
    serde_json::from_value(authority).ok()
}

fn remove(object: &mut Value, names: &[&str]) {
    if let Value::Object(members) = object {
        for name in names {
            members.remove(*name);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::system::examples::{agent, clustered, valid};
    use crate::system::inputs::inputs as system_inputs;
    use rstest::rstest;

    pub(crate) fn release(patch: Value, image: &str) -> Release {
        let data = RevisionData {
            inputs: system_inputs(&valid(clustered(patch))),
            image: image.to_owned(),
            builder: "0.1.0".to_owned(),
            rendered: Vec::new(),
        };
        Release::read(&"desk-1".parse().unwrap(), "desk", &data).unwrap()
    }

    fn of(patch: Value, image: &str) -> Value {
        inputs(&own_part(&agent("one", json!({"consensus": {}}))), &release(patch, image))
    }

    #[rstest]
    #[case(json!({"trader": {"resources": {"limits": {"memory": "2Gi"}}}}))]
    #[case(json!({"coordinator": {"resources": {"limits": {"memory": "2Gi"}}}}))]
    #[case(json!({"api": {"replicas": 7}}))]
    fn what_concerns_others_restarts_no_agent(#[case] patch: Value) {
        assert_eq!(of(patch, "a:1"), of(json!({}), "a:1"));
    }

    #[rstest]
    #[case(json!({"podOverrides": {"nodeSelector": {"a": "b"}}}), "a:1")]
    #[case(json!({"barInterval": "5m"}), "a:1")]
    #[case(json!({}), "a:2")]
    fn what_reaches_an_agents_pods_is_an_input(#[case] patch: Value, #[case] image: &str) {
        assert_ne!(of(patch, image), of(json!({}), "a:1"));
    }
}
