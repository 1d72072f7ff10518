//! Records a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::RISK_POLICIES;
use serde_json::{Value, json};

use super::known::notes;
use super::{Found, Revision, RevisionData, Revisions, Today, Wish, observe, unreadable};
use crate::context::Context;
use crate::labels;
use crate::reconcile::desired::Owner;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;

/// Labels or annotations.
type Texts = BTreeMap<String, String>;

/// A revision that is not recorded yet.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The ControllerRevision's name.
    pub name: String,
    /// The hash in it, which labels pods.
    pub(super) key: String,
    /// The hash of the inputs.
    pub(super) inputs: String,
    /// Its place in the order, from 1.
    pub(super) number: i64,
    /// What it would hold.
    pub data: RevisionData,
}

/// The labels and notes that a stored revision lacks, without which it is not found, as a patch that puts
/// them back. It keeps its own number, and the image that was pinned.
fn lost(stored: &ObjectMeta, wanted: &ObjectMeta, image: &str) -> Option<Value> {
    let differing = |stored: &Option<Texts>, wanted: &Option<Texts>| -> Texts {
        let stored = stored.clone().unwrap_or_default();
        let mut wanted = wanted.clone().unwrap_or_default();
        if let Some(pinned) = wanted.get_mut(notes::PINNED_IMAGE) {
            *pinned = image.to_owned();
        }
        wanted.retain(|name, value| match stored.get(name) {
            Some(_) if name == notes::NUMBER => false,
            there => there != Some(value),
        });
        wanted
    };
    let labels = differing(&stored.labels, &wanted.labels);
    let annotations = differing(&stored.annotations, &wanted.annotations);
    (!labels.is_empty() || !annotations.is_empty()).then(
        || json!({"metadata": {"uid": stored.uid, "labels": labels, "annotations": annotations}}),
    )
}

/// Under which policies a rendered trader starts its pods.
fn risk_policies(rendered: &Value) -> Option<&str> {
    rendered.get("content")?.get("metadata")?.get("annotations")?.get(RISK_POLICIES)?.as_str()
}

async fn relabel(
    context: &Context,
    api: &Api<ControllerRevision>,
    key: &Key,
    patch: &Value,
) -> Result<(), Hold> {
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let patched = api.patch_metadata(&key.name, &params, &Patch::Merge(patch)).await;
    let patched = patched.map_err(|error| {
        Hold::of_call(&format!("put back the labels of ControllerRevision {key}"), &error)
    })?;
    context.metrics.writes.with_label_values(&["ControllerRevision", "patch"]).inc();
    observe(context, &patched.metadata);
    Ok(())
}

impl Revisions {
    pub(super) async fn record(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        recording: Recording,
    ) -> Result<Found, Hold> {
        let Recording { name, key, inputs, number, data } = recording;
        let mut own = labels::of_desk(&wish.system.name);
        own.insert(labels::REVISION.to_owned(), key.clone());
        if let Some(agent) = wish.agent {
            own.insert(labels::AGENT.to_owned(), agent.to_owned());
        }
        let mut annotations = BTreeMap::from([
            (notes::INPUTS.to_owned(), inputs),
            (notes::NUMBER.to_owned(), number.to_string()),
        ]);
        if wish.image.is_none() {
            annotations.insert(notes::PINNED_IMAGE.to_owned(), data.image.clone());
        }
        if let Some(policies) = data.rendered.iter().find_map(risk_policies) {
            annotations.insert(RISK_POLICIES.to_owned(), policies.to_owned());
        }
        let reference: OwnerReference = serde_json::from_value(owner.reference())
            .map_err(|error| unreadable(&name, &error.to_string()))?;
        let content =
            serde_json::to_value(&data).map_err(|error| unreadable(&name, &error.to_string()))?;
        let text = content.to_string();
        let object = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(owner.key.namespace.clone()),
                labels: Some(own),
                annotations: Some(annotations),
                owner_references: Some(vec![reference]),
                ..ObjectMeta::default()
            },
            revision: number,
            data: Some(RawExtension(content)),
        };
        let object_key = owner.key.beside(&name);
        let api: Api<ControllerRevision> =
            Api::namespaced(context.client.clone(), &owner.key.namespace);
        let params =
            PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        let data = match api.create(&params, &object).await {
            Ok(created) => {
                context.metrics.writes.with_label_values(&["ControllerRevision", "create"]).inc();
                self.hold(&object_key, created.metadata.uid.clone().unwrap_or_default(), text);
                observe(context, &created.metadata);
                Arc::new(data)
            }
            // Recorded by us a moment ago, or by a predecessor: what is stored holds.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let (data, stored) = self.fetch(context, owner, &object_key).await?;
                if let Some(patch) = lost(&stored, &object.metadata, &data.image) {
                    relabel(context, &api, &object_key, &patch).await?;
                }
                data
            }
            Err(error) => {
                return Err(Hold::of_call(
                    &format!("record ControllerRevision {object_key}"),
                    &error,
                ));
            }
        };
        let revision = Revision { name, hash: key, number, data };
        Ok(Found { revision, today: Today::Same })
    }
}
