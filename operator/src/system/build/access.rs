//! Who a pod is, and what it may ask of the API server.

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::GROUP;
use sapphire_crds::names::Component;

use crate::labels;
use crate::system::validate::Valid;

/// The name of a role's account, Role and RoleBinding.
pub fn name(system: &str, component: Component) -> String {
    format!("{system}-{component}")
}

fn meta(desk: &Valid, component: Component) -> ObjectMeta {
    ObjectMeta {
        name: Some(name(&desk.key.name, component)),
        labels: Some(labels::of_component(&desk.key.name, component)),
        ..ObjectMeta::default()
    }
}

/// A role's ServiceAccount.
pub(super) fn account(desk: &Valid, component: Component) -> ServiceAccount {
    let overrides = desk.system.spec.pod_overrides.as_ref();
    let annotations = overrides.and_then(|o| o.service_account_annotations.as_ref());
    ServiceAccount {
        metadata: ObjectMeta {
            annotations: annotations.map(|annotations| {
                annotations.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
            }),
            ..meta(desk, component)
        },
        ..ServiceAccount::default()
    }
}

fn rule(group: &str, resource: &str, verbs: &[&str], names: &[&str]) -> PolicyRule {
    let owned = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        verbs: owned(verbs),
        resource_names: (!names.is_empty()).then(|| owned(names)),
        ..PolicyRule::default()
    }
}

const READ: &[&str] = &["get", "list", "watch"];

/// What a trader may ask.
pub(super) fn trader_role(desk: &Valid) -> Role {
    let policies: Vec<&str> = desk.limits.iter().map(|limit| limit.name.as_str()).collect();
    Role {
        metadata: meta(desk, Component::Trader),
        rules: Some(vec![
            // It sees its own deletion and the hand-over that it is asked for.
            rule(GROUP, "tradingsystems", READ, &[&desk.key.name]),
            // A policy acts without a restart.
            rule(GROUP, "riskpolicies", READ, &policies),
            // Agents come and go; a rule cannot select them by the system that they name.
            rule(GROUP, "tradingagents", READ, &[]),
            // Its report. Pods' names are not known beforehand; an admission policy confines each pod
            // to the Lease that bears its own.
            rule("coordination.k8s.io", "leases", &["get", "create", "update"], &[]),
            // The marker by which that policy knows the accounts of traders.
            rule(GROUP, "tradingsystems/report", &["create"], &[]),
        ]),
    }
}

/// What a coordinator may ask.
pub(super) fn coordinator_role(desk: &Valid) -> Role {
    Role {
        metadata: meta(desk, Component::Coordinator),
        rules: Some(vec![
            rule(GROUP, "tradingsystems", READ, &[&desk.key.name]),
            // Who votes, and with which share of its weight while it is a canary.
            rule(GROUP, "tradingagents", READ, &[]),
        ]),
    }
}

/// Gives a role to its account.
pub(super) fn binding(desk: &Valid, component: Component) -> RoleBinding {
    let metadata = meta(desk, component);
    let name = metadata.name.clone().unwrap_or_default();
    RoleBinding {
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".into(),
            kind: "Role".into(),
            name: name.clone(),
        },
        subjects: Some(vec![Subject {
            kind: "ServiceAccount".into(),
            name,
            namespace: Some(desk.key.namespace.clone()),
            api_group: None,
        }]),
        metadata,
    }
}
