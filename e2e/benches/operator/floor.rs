//! What a control plane takes at least: the same desks and children, created by a client that knows all of them
//! from the start.

use std::time::Duration;

use kube::api::{DynamicObject, ListParams, PostParams};
use kube::{Api, Client};
use sapphire_crds::GROUP;
use sapphire_crds::names::labels;
use sapphire_e2e::{ControlPlane, Parts, volumes};
use sapphire_operator::reconcile::kind::Kind;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Failure;
use crate::desks::{self, NAMESPACE};
use crate::round;

/// As many desks are under way at once as the operator and its client have together.
const AT_ONCE: usize = 32;

/// What the operator made for one desk.
#[derive(Debug)]
pub(crate) struct Children {
    desk: String,
    /// As they were sent, in the order in which they are made.
    objects: Vec<(Kind, String)>,
}

impl Children {
    /// Reads those of a desk.
    pub(crate) async fn of(client: &Client, desk: String) -> Result<Self, Failure> {
        let mine = ListParams::default().labels(&format!("{}={desk}", labels::SYSTEM));
        let mut objects = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_built_in() && *kind != Kind::Pod) {
            let api: Api<DynamicObject> =
                Api::namespaced_with(client.clone(), NAMESPACE, &kind.resource());
            for found in api.list(&mine).await? {
                objects.push((kind, as_sent(kind, serde_json::to_value(found)?).to_string()));
            }
        }
        Ok(Self { desk, objects })
    }

    /// The same for another desk.
    fn for_desk(&self, desk: &str) -> Result<Vec<(Kind, DynamicObject)>, Failure> {
        let other = |(kind, text): &(Kind, String)| {
            Ok((*kind, serde_json::from_str(&text.replace(&self.desk, desk))?))
        };
        self.objects.iter().map(other).collect()
    }
}

/// Without what the API server and other controllers added.
fn as_sent(kind: Kind, mut object: Value) -> Value {
    let metadata = &object["metadata"];
    let mut annotations = metadata["annotations"].clone();
    if let Some(all) = annotations.as_object_mut() {
        all.retain(|name, _| name.starts_with(GROUP));
    }
    object["metadata"] =
        json!({"name": metadata["name"], "labels": metadata["labels"], "annotations": annotations});
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.name().into();
    for added in ["clusterIP", "clusterIPs", "volumeName"] {
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove(added);
        }
    }
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
    }
    object
}

/// How long it takes to create so many desks and their children on a control plane of its own.
pub(crate) async fn measure(systems: usize, children: &Children) -> Result<Duration, Failure> {
    let plane = ControlPlane::start(Parts::All).await?;
    let client = plane.cluster().client().await?;
    round::prepare(&plane).await?;
    let provided = tokio::spawn(volumes::provide(client.clone()));
    let begun = Instant::now();
    desks::create_policy(&client).await?;
    desks::for_each(systems, AT_ONCE, |number| create(&client, number, children)).await?;
    let took = begun.elapsed();
    provided.abort();
    Ok(took)
}

async fn create(client: &Client, number: usize, children: &Children) -> Result<(), Failure> {
    desks::create_one(client, number).await?;
    for (kind, object) in children.for_desk(&desks::name(number))? {
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), NAMESPACE, &kind.resource());
        api.create(&PostParams::default(), &object).await?;
    }
    Ok(())
}
