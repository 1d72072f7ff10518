//! The API server's own record of who asked for what.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::error::Error;
use crate::ports::random;

/// How long a request may take from its answer to the record.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that the API server answered: every write, and what service accounts read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asked, as `system:serviceaccount:NAMESPACE:NAME`; `test` is the administrator.
    pub user: String,
    /// The pod that the token is bound to, or empty.
    pub pod: String,
    /// When it arrived, as RFC 3339 in UTC with microseconds: texts in the order of the times.
    pub received: String,
    /// How the program calls itself.
    pub agent: String,
    /// The verb: `create`, `update`, `patch`, `delete`, `deletecollection`, `get`, `list`, `watch`.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The plural, with a subresource as `deployments/scale`.
    pub resource: String,
    /// The namespace, or empty.
    pub namespace: String,
    /// The object's name; empty where many were meant.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u16,
}

impl Request {
    /// Whether something was to change.
    pub fn is_write(&self) -> bool {
        matches!(&*self.verb, "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether the API server refused the user the right.
    pub fn is_forbidden(&self) -> bool {
        self.code == 403
    }
}

/// A place in the record; by default its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark(u64);

/// The record of a control plane.
#[derive(Debug, Clone)]
pub struct Audit {
    path: PathBuf,
}

impl Audit {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The record's end: what comes later is what a test did.
    ///
    /// # Errors
    /// When the record cannot be read or does not move.
    pub async fn mark(&self, client: &Client) -> Result<Mark, Error> {
        Ok(self.read_to_now(client, Mark(0)).await?.1)
    }

    /// The requests since a mark, up to now.
    ///
    /// # Errors
    /// When the record cannot be read or does not move.
    pub async fn since(&self, client: &Client, mark: Mark) -> Result<Vec<Request>, Error> {
        Ok(self.read_to_now(client, mark).await?.0)
    }

    /// A request is recorded a moment after its answer. So one is made that can be told from all
    /// others, and whose record is waited for: the deletion of what does not exist, which writes
    /// nothing.
    async fn read_to_now(
        &self,
        client: &Client,
        mark: Mark,
    ) -> Result<(Vec<Request>, Mark), Error> {
        let name = format!("audit-mark-{:016x}", random(mark.0));
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
        match maps.delete(&name, &Default::default()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text_after(mark)?;
            if let Some(end) = line_with(&text, &name) {
                let next = Mark(mark.0 + end as u64);
                return Ok((
                    text[..end].lines().filter_map(parse).filter(not_a_mark).collect(),
                    next,
                ));
            }
            if Instant::now() > deadline {
                let what = format!("a request's record in {}", self.path.display());
                let seen = format!("{} bytes", text.len());
                return Err(Error::TimedOut { what, seconds: PATIENCE.as_secs(), seen });
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn text_after(&self, mark: Mark) -> Result<String, Error> {
        let mut text = Vec::new();
        File::open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(mark.0))?;
                file.read_to_end(&mut text)
            })
            .map_err(Error::file("cannot read", &self.path))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Where the whole line ends that contains `name`.
fn line_with(text: &str, name: &str) -> Option<usize> {
    let at = text.find(name)?;
    Some(at + text[at..].find('\n')? + 1)
}

fn not_a_mark(request: &Request) -> bool {
    !request.name.starts_with("audit-mark-")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    verb: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    request_received_timestamp: String,
    object_ref: Option<Object>,
    response_status: Option<Status>,
}

#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

fn parse(line: &str) -> Option<Request> {
    let line: Line = serde_json::from_str(line).ok()?;
    let object = line.object_ref.unwrap_or_default();
    let mut resource = object.resource;
    if !object.subresource.is_empty() {
        resource = format!("{resource}/{}", object.subresource);
    }
    let pod = line.user.extra.get("authentication.kubernetes.io/pod-name");
    Some(Request {
        pod: pod.and_then(|names| names.first()).cloned().unwrap_or_default(),
        received: line.request_received_timestamp,
        user: line.user.username,
        agent: line.user_agent,
        verb: line.verb,
        group: object.api_group,
        resource,
        namespace: object.namespace,
        name: object.name,
        code: line.response_status.map_or(0, |status| status.code),
    })
}
