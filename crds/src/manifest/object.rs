//! From documents to typed objects.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, compile_schema};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::Faults;
use super::document::{Document, Kind};
use super::fault::FaultCode;
use super::hidden::Hidden;
use super::{rules, shape};
use crate::{RiskPolicy, TradingAgent, TradingSystem};

/// A valid object and the document that it comes from.
#[derive(Debug)]
pub(super) struct Object<'d, K> {
    pub(super) document: &'d Document<'d>,
    pub(super) resource: K,
}

/// All valid objects, all documents of ours, valid or not, and what may be hidden besides.
#[derive(Debug)]
pub(super) struct Objects<'d> {
    pub(super) documents: &'d [Document<'d>],
    pub(super) hidden: Hidden,
    pub(super) systems: Vec<Object<'d, TradingSystem>>,
    pub(super) agents: Vec<Object<'d, TradingAgent>>,
    pub(super) policies: Vec<Object<'d, RiskPolicy>>,
}

pub(super) static SYSTEM: LazyLock<Definition> = LazyLock::new(Definition::of::<TradingSystem>);
pub(super) static AGENT: LazyLock<Definition> = LazyLock::new(Definition::of::<TradingAgent>);
pub(super) static POLICY: LazyLock<Definition> = LazyLock::new(Definition::of::<RiskPolicy>);

/// A kind's schema and its compiled rules.
pub struct Definition {
    schema: Json,
    rules: CompiledSchema,
}

impl Definition {
    fn of<K: CustomResourceExt>() -> Self {
        let mut schema = schema_of(&K::crd());
        schema["required"] = json!(["metadata", "spec"]);
        schema["properties"]["apiVersion"] = json!({ "type": "string" });
        schema["properties"]["kind"] = json!({ "type": "string" });
        schema["properties"]["metadata"] = metadata_schema();
        Self { rules: compile_schema(&schema), schema }
    }

    /// The document as the API server would keep it, and what is wrong with it. `old` is what it
    /// replaces, in the same form.
    pub(super) fn judge(&self, document: &Document<'_>, old: Option<&Json>) -> (Json, Faults) {
        let mut faults = Vec::new();
        shape::check(document, &self.schema, &mut faults);
        let object = shape::pruned(&self.schema, &document.root.value);
        let mut broken = Vec::new();
        rules::check(document, &self.rules, &object, old, &faults, &mut broken);
        faults.append(&mut broken);
        (object, faults)
    }

    /// The typed object, if the document is valid.
    fn read<K: DeserializeOwned>(&self, document: &Document<'_>, faults: &mut Faults) -> Option<K> {
        let (object, mut own) = self.judge(document, None);
        let resource = if own.is_empty() {
            match serde_json::from_value(object) {
                Ok(resource) => Some(resource),
                Err(error) => {
                    own.push(document.fault(
                        FaultCode::WrongValue,
                        "",
                        format!("passes the schema but cannot be read: {error}"),
                        "change the value that is named".into(),
                    ));
                    None
                }
            }
        } else {
            None
        };
        faults.append(&mut own);
        resource
    }
}

/// The schema of a definition's one version.
pub(super) fn schema_of(definition: &CustomResourceDefinition) -> Json {
    definition
        .spec
        .versions
        .first()
        .and_then(|version| version.schema.as_ref())
        .and_then(|schema| schema.open_api_v3_schema.as_ref())
        .and_then(|schema| serde_json::to_value(schema).ok())
        .unwrap_or_default()
}

/// What the API server itself demands of an object's metadata, as far as a manifest writes it.
fn metadata_schema() -> Json {
    let anything = json!({ "x-kubernetes-preserve-unknown-fields": true });
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "type": "object",
        "description": "The object's name, and what others say of it.",
        "required": ["name"],
        "properties": {
            "name": {
                "type": "string",
                "description": "The object's name.",
                "pattern": crate::values::ObjectName::FORMAT.pattern,
            },
            "namespace": {
                "type": "string",
                "pattern": crate::values::ObjectName::FORMAT.pattern,
            },
            "labels": {
                "type": "object",
                "additionalProperties": {
                    "type": "string",
                    "pattern": crate::values::LabelValue::FORMAT.pattern,
                },
            },
            "annotations": texts,
            "finalizers": { "type": "array", "items": { "type": "string" } },
            // Written by the API server; there in manifests that were exported from a cluster.
            "creationTimestamp": anything,
            "deletionTimestamp": anything,
            "deletionGracePeriodSeconds": anything,
            "generation": anything,
            "managedFields": anything,
            "ownerReferences": anything,
            "resourceVersion": anything,
            "selfLink": anything,
            "uid": anything,
        },
    })
}

/// Checks every document of ours.
pub(super) fn check_all<'d>(
    documents: &'d [Document<'d>],
    hidden: Hidden,
    faults: &mut Faults,
) -> Objects<'d> {
    let (systems, agents, policies) = (Vec::new(), Vec::new(), Vec::new());
    let mut objects = Objects { documents, hidden, systems, agents, policies };
    for document in documents {
        // Whose name cannot be read may be the one that another means.
        if document.name().is_none() {
            objects.hidden.one_of(Some(document.kind.clone()));
        }
        match document.kind {
            Kind::TradingSystem => {
                let read = SYSTEM.read(document, faults);
                objects.systems.extend(read.map(|resource| Object { document, resource }));
            }
            Kind::TradingAgent => {
                let read = AGENT.read(document, faults);
                objects.agents.extend(read.map(|resource| Object { document, resource }));
            }
            Kind::RiskPolicy => {
                let read = POLICY.read(document, faults);
                objects.policies.extend(read.map(|resource| Object { document, resource }));
            }
            Kind::Foreign(_) => {}
        }
    }
    objects
}

/// Checks one RiskPolicy.
pub(super) fn check_policy(document: &Document<'_>, faults: &mut Faults) -> Option<RiskPolicy> {
    POLICY.read(document, faults)
}
