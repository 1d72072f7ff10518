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
        // Its record comes after all that are there by now.
        let from = Mark(std::fs::metadata(&self.path).map_or(0, |file| file.len()));
        let name = ask_for_nothing(client).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.text_after(from)?;
            if let Some(end) = line_with(&text, &name) {
                return Ok(Mark(from.0 + end as u64));
            }
            if Instant::now() > deadline {
                let what = format!("a request's record in {}", self.path.display());
                let seen = format!("{} bytes more", text.len());
                return Err(Error::TimedOut { what, seconds: PATIENCE.as_secs(), seen });
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The requests since a mark, up to now.
    ///
    /// # Errors
    /// When the record cannot be read or does not move.
    pub async fn since(&self, client: &Client, mark: Mark) -> Result<Vec<Request>, Error> {
        self.those(client, mark, |_| true).await
    }

    /// All requests about a namespace, up to now.
    ///
    /// # Errors
    /// When the record cannot be read or does not move.
    pub async fn of_namespace(&self, client: &Client, name: &str) -> Result<Vec<Request>, Error> {
        // Of a record of thousands few lines are read as what they are.
        let mut requests = self.those(client, Mark::default(), |line| line.contains(name)).await?;
        requests.retain(|request| request.namespace == name);
        Ok(requests)
    }

    async fn those(
        &self,
        client: &Client,
        mark: Mark,
        some: impl Fn(&str) -> bool,
    ) -> Result<Vec<Request>, Error> {
        let end = self.mark(client).await?;
        let text = self.text_after(mark)?;
        let length = usize::try_from(end.0.saturating_sub(mark.0)).unwrap_or(usize::MAX);
        let lines = text.get(..length).unwrap_or(&text).lines().filter(|line| some(line));
        Ok(lines.filter_map(parse).filter(not_a_mark).collect())
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

/// A request is recorded a moment after its answer. So one is made that can be told from all others, and whose
/// record is waited for: the deletion of what does not exist, which writes nothing. Its object's name.
async fn ask_for_nothing(client: &Client) -> Result<String, Error> {
    let name = format!("audit-mark-{:016x}", random(0));
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    match maps.delete(&name, &Default::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(name),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(name),
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
