//! The part of a desk's spec that shapes its pods: what a revision is the revision of.

use serde_json::{Value, json};

use super::validate::{Shape, Valid};

/// Fields of a TradingSystem that shape no pod.
const SYSTEM: [&str; 4] = ["suspend", "deletionPolicy", "rollout", "migrations"];
/// Fields of a TradingAgent that shape no embedded pod: its size and number are those of pods of its
/// own.
const AGENT: [&str; 3] = ["replicas", "autoscaling", "tier"];

/// The inputs of a desk's revision: from the specs as they are stored, so that no default of a later
/// release makes them others.
pub fn inputs(desk: &Valid) -> Value {
    let mut system = desk.system.written_spec();
    remove(&mut system, &SYSTEM);
    if let Some(api) = system.get_mut("api") {
        // How many readers there are is no part of what one looks like.
        remove(api, &["replicas", "autoscaling"]);
    }
    match desk.shape {
        Shape::Embedded(_) => json!({"system": system, "agents": agents(desk)}),
        Shape::Clustered { .. } => json!({"system": system}),
    }
}

/// In the order of their names. One that cannot be read is an input as it was when it could be.
fn agents(desk: &Valid) -> Vec<Value> {
    let readable = desk.agents.iter().map(|agent| (&agent.metadata.name, agent.written_spec()));
    let others = desk.unreadable.iter().map(|agent| (&agent.metadata.name, agent.written_spec()));
    let mut agents: Vec<_> = readable.chain(others).collect();
    agents.sort_by_key(|(name, _)| *name);
    let agents = agents.into_iter().map(|(name, mut spec)| {
        remove(&mut spec, &AGENT);
        json!({"name": name, "spec": spec})
    });
    agents.collect()
}

fn remove(object: &mut Value, names: &[&str]) {
    if let Value::Object(members) = object {
        for name in names {
            members.remove(*name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::Wire;
    use crate::system::examples::{clustered, system, valid};
    use rstest::rstest;
    use sapphire_crds::TradingAgent;
    use std::sync::Arc;

    fn of(patch: Value) -> Value {
        inputs(&valid(system(patch)))
    }

    #[rstest]
    #[case(json!({"suspend": true}))]
    #[case(json!({"deletionPolicy": "Orphan"}))]
    #[case(json!({"migrations": "Manual"}))]
    #[case(json!({"rollout": {"stepDeadline": "5m"}}))]
    fn what_shapes_no_pod_is_no_input(#[case] patch: Value) {
        assert_eq!(of(patch), of(json!({})));
    }

    #[rstest]
    #[case(json!({"barInterval": "5m"}))]
    #[case(json!({"image": {"reference": "x/y:1"}}))]
    #[case(json!({"trader": {"resources": {"limits": {"memory": "2Gi"}}}}))]
    #[case(json!({"podOverrides": {"nodeSelector": {"a": "b"}}}))]
    fn what_shapes_a_pod_is_an_input(#[case] patch: Value) {
        assert_ne!(of(patch), of(json!({})));
    }

    #[test]
    fn replicas_are_no_input() {
        let of = |patch| inputs(&valid(clustered(patch)));
        let scaled = json!({"api": {"replicas": 5, "resources": {"limits": {"cpu": "1"}}}});
        let auto = json!({"api": {"autoscaling": {"minReplicas": 1, "maxReplicas": 3, "targetCpuPercent": 70},
            "resources": {"limits": {"cpu": "1"}}}});
        assert_eq!(of(scaled), of(auto));
    }

    #[test]
    fn an_agent_that_cannot_be_read_any_more_is_the_same_input() {
        let whole = valid(system(json!({})));
        let one = whole.agents.iter().find(|agent| agent.metadata.name.as_deref() == Some("one"));
        let object = json!({"metadata": {"name": "one"}, "spec": one.unwrap().written_spec(),
            "status": {"canary": "of another release"}});
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        let mut downgraded = whole.clone();
        downgraded.agents.retain(|agent| agent.metadata.name.as_deref() != Some("one"));
        assert_ne!(inputs(&downgraded), inputs(&whole));
        downgraded.unreadable.push(Arc::new(wire.0.unwrap_err()));
        assert_eq!(inputs(&downgraded), inputs(&whole));
    }

    #[test]
    fn agents_shape_the_pod_only_where_they_are_in_it() {
        assert!(of(json!({})).get("agents").is_some());
        assert!(inputs(&valid(clustered(json!({})))).get("agents").is_none());
    }
}
