//! When a control plane is ready, and what is said when it is not.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::runtime::conditions::Condition;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{API_SERVER, CONTROLLER_MANAGER, ControlPlane, ETCD, KWOK, PATIENCE, SCHEDULER};
use crate::error::Error;

/// The one node, which kwok plays.
const NODE: &str = "node-1";
/// How much of a log goes into an error.
const LINES: usize = 15;

impl ControlPlane {
    pub(super) async fn wait_until_ready(&self) -> Result<(), Error> {
        let client = self.cluster.client().await?;
        let deadline = Instant::now() + PATIENCE;
        let mut seen = "no answer".to_owned();
        while Instant::now() < deadline {
            for part in [ETCD, API_SERVER] {
                if let Some(how) = self.ended(part)? {
                    return Err(self.failed(part, format!("ended ({how})")));
                }
            }
            match timeout(Duration::from_secs(2), ready(&client)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => seen = error.to_string(),
                Err(_) => "no answer within 2 s".clone_into(&mut seen),
            }
            sleep(Duration::from_millis(50)).await;
        }
        let seconds = PATIENCE.as_secs();
        Err(self.failed(API_SERVER, format!("is not ready after {seconds} s ({seen})")))
    }

    pub(super) async fn wait_for_node(&self) -> Result<(), Error> {
        let client = self.cluster.client().await?;
        let nodes: Api<Node> = Api::all(client);
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": NODE,
                "annotations": { "kwok.x-k8s.io/node": "fake" },
                "labels": {
                    "kubernetes.io/hostname": NODE,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    "topology.kubernetes.io/zone": "zone-1",
                },
            },
        });
        nodes.patch(NODE, &PatchParams::apply("sapphire-e2e"), &Patch::Apply(&node)).await?;
        let ready = await_condition(nodes, NODE, NodeIsReady);
        let seconds = PATIENCE.as_secs();
        let outcome = timeout(PATIENCE, ready).await;
        for part in [CONTROLLER_MANAGER, SCHEDULER, KWOK] {
            if let Some(how) = self.ended(part)? {
                return Err(self.failed(part, format!("ended ({how})")));
            }
        }
        match outcome {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(KWOK, format!("has no node to show ({error})"))),
            Err(_) => Err(self.failed(KWOK, format!("has no node Ready after {seconds} s"))),
        }
    }

    fn failed(&self, part: &str, what: String) -> Error {
        let log = self.log(part).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LINES)..].join("\n");
        Error::Part { part: part.to_owned(), what, log }
    }
}

async fn ready(client: &Client) -> Result<(), kube::Error> {
    let request = http::Request::get("/readyz").body(Vec::new());
    let request = request.map_err(kube::Error::HttpError)?;
    client.request_text(request).await.map(drop)
}

struct NodeIsReady;

impl Condition<Node> for NodeIsReady {
    fn matches_object(&self, node: Option<&Node>) -> bool {
        let conditions = node
            .and_then(|node| node.status.as_ref())
            .and_then(|status| status.conditions.as_ref());
        conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
    }
}
