//! Labels the namespaces that hold an exposed desk, so that an admission policy can refuse to delete them:
//! a finalizer could only hang such a deletion, with the pods already gone.

use std::collections::HashMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sapphire_crds::TradingSystem;
use sapphire_crds::names::{FIELD_MANAGER, labels};
use sapphire_crds::trading_system::DeletionPolicy;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::deletion::is_forced;
use crate::context::Context;
use crate::reconcile::deadline::in_time;
use crate::reconcile::outcome::Hold;

/// A label that somebody took away is put back after so long.
const TRUSTED: Duration = Duration::from_secs(60);
/// Which namespaces bear the label, as far as this process knows.
#[derive(Debug, Default)]
pub struct Protection {
    /// Locked while one is written: of two desks of a namespace the later word must be the last.
    known: Mutex<HashMap<String, (bool, Instant)>>,
}

/// Brings a namespace's label to what its desks say.
///
/// # Errors
/// When the namespace cannot be read or written.
pub(super) async fn keep(context: &Context, namespace: &str) -> Result<(), Hold> {
    if !context.settings.namespace_protection {
        return Ok(());
    }
    let mut known = context.protection.known.lock().await;
    let wanted = context.systems.any_in(namespace, |read| match read {
        Ok(system) => is_exposed(system),
        // What it has open is not known.
        Err(unreadable) => !is_forced(&unreadable.metadata),
    });
    if known.get(namespace).is_some_and(|(is, at)| *is == wanted && at.elapsed() < TRUSTED) {
        return Ok(());
    }
    let action = format!("label namespace {namespace}");
    match in_time(&action, bring_about(context, namespace, wanted)).await? {
        Ok(()) => {
            known.insert(namespace.to_owned(), (wanted, Instant::now()));
            Ok(())
        }
        Err(error) => Err(Hold::of_call(&action, &error)),
    }
}

async fn bring_about(context: &Context, name: &str, wanted: bool) -> Result<(), kube::Error> {
    let namespaces: Api<Namespace> = Api::all(context.client.clone());
    let Some(namespace) = namespaces.get_metadata_opt(name).await? else { return Ok(()) };
    let is = namespace.metadata.labels.is_some_and(|all| all.contains_key(labels::EXPOSED));
    if is == wanted {
        return Ok(());
    }
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let value = wanted.then_some("true");
    let patch = Patch::Merge(json!({"metadata": {"labels": {labels::EXPOSED: value}}}));
    tracing::info!(namespace = name, exposed = wanted, "labels the namespace");
    match namespaces.patch_metadata(name, &params, &patch).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        patched => patched.map(|_| ()),
    }
}

/// Whether losing this desk with its namespace could leave something open that nobody meant to leave.
fn is_exposed(system: &TradingSystem) -> bool {
    let status = system.status.as_ref();
    // A status that was lost knows of a report before it knows of a release.
    let released = status.is_some_and(|s| {
        s.report.is_some() || s.rollout.as_ref().is_some_and(|rollout| rollout.core.is_some())
    });
    let flat = status.and_then(|s| s.report.as_ref()).and_then(|report| report.flat);
    released
        && flat != Some(true)
        && system.spec.deletion_policy != DeletionPolicy::Orphan
        && !is_forced(&system.metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::examples;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::never_released(json!({}), Value::Null, false)]
    #[case::silent(json!({}), json!({"rollout": ROLLOUT}), true)]
    #[case::exposed(json!({}), json!({"rollout": ROLLOUT, "report": {"flat": false}}), true)]
    #[case::flat(json!({}), json!({"rollout": ROLLOUT, "report": {"flat": true}}), false)]
    #[case::of_a_lost_status(json!({}), json!({"report": {}}), true)]
    #[case::orphaned(json!({"deletionPolicy": "Orphan"}), json!({"rollout": ROLLOUT}), false)]
    fn a_namespace_is_protected_for_what_nobody_meant_to_leave(
        #[case] spec: Value,
        #[case] mut status: Value,
        #[case] exposed: bool,
    ) {
        let mut system = TradingSystem::clone(&examples::system(spec));
        if let Value::Object(members) = &mut status {
            members.insert("conditions".into(), json!([]));
            if members.get("rollout").is_some_and(|rollout| rollout == ROLLOUT) {
                members
                    .insert("rollout".into(), json!({"step": "Core", "target": "r", "core": "r"}));
            }
            if let Some(report) = members.get_mut("report") {
                report["observedAt"] = "2026-01-01T00:00:00Z".into();
                report["leader"] = "p".into();
                report["tradingState"] = "Active".into();
            }
            system.status = Some(serde_json::from_value(status).unwrap());
        }
        assert_eq!(is_exposed(&system), exposed);
    }

    const ROLLOUT: &str = "released";
}
