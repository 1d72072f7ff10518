//! Runs the operator's pods.
//!
//! kwok only says that a pod runs. For each pod of the chart's Deployment that it says so of, a process
//! runs here: the operator's executable with the pod's arguments and environment and a token that is
//! bound to the pod, as the kubelet would mount it. So what `helm` installs is what works: the chart's
//! rules, its values, as many replicas as it says, elections between them. A pod that is deleted has its
//! process told to leave; one that ends by itself is started again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::Config;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use tokio::time::{Instant, interval};

use crate::control_plane::ControlPlane;
use crate::error::Error;
use crate::executables;
use crate::ports;
use crate::supervisor::{Program, Signal};

/// The label that the chart gives the operator's pods.
const PODS: &str = "app.kubernetes.io/name=sapphire-operator";
/// The executable. Of an image `sapphire-operator:TAG` it is `sapphire-operator-TAG`, where one was
/// built: another release to upgrade to.
const PROGRAM: &str = "sapphire-operator";
/// What builds it.
const BUILT_BY: &str = "scripts/operator-builds.sh";
/// How often processes are looked after when nothing happens to their pods.
const PACE: Duration = Duration::from_millis(500);
/// How long a process may take to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of a pod's process, and of its log.
pub fn process_name(pod: &str) -> String {
    format!("operator-{pod}")
}

/// Runs the operator's pods of a control plane until it is dropped.
///
/// # Errors
/// When the operator was not built, or cannot be started.
pub async fn run(plane: &ControlPlane) -> Result<Infallible, Error> {
    // Told now, not when the first pod comes.
    executables::find(PROGRAM, BUILT_BY)?;
    let pods: Api<Pod> = Api::all(plane.cluster().client().await?);
    let (store, writer) = reflector::store();
    let events = watcher(pods, Config::default().labels(PODS)).default_backoff().reflect(writer);
    let mut events = std::pin::pin!(events);
    let mut operators = Operators { plane, running: BTreeMap::new(), leaving: BTreeMap::new() };
    let mut pace = interval(PACE);
    loop {
        tokio::select! { _ = events.next() => {}, _ = pace.tick() => {} }
        operators.settle(&store).await?;
    }
}

struct Operators<'a> {
    plane: &'a ControlPlane,
    /// Processes by their pods' uids.
    running: BTreeMap<String, Program>,
    /// Names of processes that were told to leave, and when.
    leaving: BTreeMap<String, Instant>,
}

impl Operators<'_> {
    async fn settle(&mut self, store: &Store<Pod>) -> Result<(), Error> {
        let pods = store.state();
        let wanted: BTreeMap<String, &Pod> = pods
            .iter()
            .filter(|pod| is_running(pod))
            .filter_map(|pod| Some((pod.uid()?, &**pod)))
            .collect();
        let gone: Vec<String> =
            self.running.keys().filter(|uid| !wanted.contains_key(*uid)).cloned().collect();
        for program in gone.iter().filter_map(|uid| self.running.remove(uid)) {
            // It may have ended in this very moment.
            let _ = self.plane.signal(&program.name, Signal::Terminate);
            self.leaving.insert(program.name, Instant::now());
        }
        self.bury()?;
        for (uid, pod) in wanted {
            match self.running.get(&uid) {
                Some(program) if self.plane.ended(&program.name)?.is_none() => {}
                Some(program) => drop(self.plane.run(program)?),
                None => self.start(uid, pod).await?,
            }
        }
        Ok(())
    }

    fn bury(&mut self) -> Result<(), Error> {
        let mut left = Vec::new();
        for (name, since) in &self.leaving {
            if self.plane.ended(name)?.is_some() {
                left.push(name.clone());
            } else if since.elapsed() > PATIENCE {
                let _ = self.plane.signal(name, Signal::Kill);
            }
        }
        self.leaving.retain(|name, _| !left.contains(name));
        Ok(())
    }

    async fn start(&mut self, uid: String, pod: &Pod) -> Result<(), Error> {
        let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        let kubeconfig = match self.plane.cluster().pod_kubeconfig(&namespace, &name).await {
            Ok(kubeconfig) => kubeconfig,
            // The pod went in the meantime; the watch will tell.
            Err(Error::Api(kube::Error::Api(status))) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error),
        };
        let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice());
        let Some(container) = containers.unwrap_or_default().first() else { return Ok(()) };
        let mut program = Program::new(process_name(&name), executable(container)?)
            .arguments(container.args.clone().unwrap_or_default());
        for variable in container.env.iter().flatten() {
            program = program.environment(&variable.name, value(variable, pod));
        }
        // Pods have an address each; these share one.
        program = program
            .environment("SAPPHIRE_LISTEN", format!("127.0.0.1:{}", ports::free()))
            .environment("KUBECONFIG", kubeconfig.display().to_string());
        self.plane.run(&program)?;
        self.running.insert(uid, program);
        Ok(())
    }
}

fn is_running(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    phase == Some("Running") && pod.metadata.deletion_timestamp.is_none()
}

/// The executable of a container's image.
fn executable(container: &Container) -> Result<PathBuf, Error> {
    let image = container.image.as_deref().unwrap_or_default();
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    let of_release = executables::find(&format!("{PROGRAM}-{tag}"), BUILT_BY);
    of_release.or_else(|_| executables::find(PROGRAM, BUILT_BY))
}

/// A variable's value; of the pod's own fields, those that the chart uses.
fn value(variable: &EnvVar, pod: &Pod) -> String {
    let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
    match field.map(|field| field.field_path.as_str()) {
        Some("metadata.name") => pod.name_any(),
        Some("metadata.namespace") => pod.namespace().unwrap_or_default(),
        _ => variable.value.clone().unwrap_or_default(),
    }
}
