//! A control plane of a scenario's own, on which Helm installs.

use std::sync::Arc;

use kube::Client;
use sapphire_e2e::command::Outcome;
use sapphire_e2e::{Case, Cluster, ControlPlane, Parts, Tool, players};
use tokio::sync::{Mutex, MutexGuard, oneshot};

/// The namespace that the operator is installed in.
pub(crate) const HOME: &str = "sapphire-system";
/// The chart with the definitions.
pub(crate) const DEFINITIONS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire-crds");
/// The chart with the operator.
pub(crate) const OPERATOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire");

/// A control plane on which nothing is installed yet. Two at a time would be slower than one after the
/// other.
pub(crate) struct Installation {
    plane: Arc<ControlPlane>,
    helm: Tool,
    stop: Option<oneshot::Sender<()>>,
    players: Option<std::thread::JoinHandle<()>>,
    _turn: MutexGuard<'static, ()>,
}

impl Installation {
    pub(crate) async fn nothing() -> Self {
        Self::nothing_by(Tool::Helm).await
    }

    /// One on which this Helm will install.
    pub(crate) async fn nothing_by(helm: Tool) -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let plane = Arc::new(ControlPlane::start(Parts::All).await.unwrap());
        let (stop, stopped) = oneshot::channel();
        let played = plane.clone();
        // A runtime of their own: a test's waits for nobody while it blocks.
        let players = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    Err(error) = players::play(&played) => panic!("{error}"),
                    _ = stopped => {}
                }
            });
        });
        Self { plane, helm, stop: Some(stop), players: Some(players), _turn: turn }
    }

    /// One with both charts.
    pub(crate) async fn of(values: &[&str]) -> Self {
        let installation = Self::nothing().await;
        installation.definitions().await.ok().unwrap();
        installation.operator(values).await.ok().unwrap();
        installation
    }

    pub(crate) fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.plane.cluster()
    }

    pub(crate) async fn client(&self) -> Client {
        self.cluster().client().await.unwrap()
    }

    pub(crate) async fn case(&self, name: &str) -> Case<'_> {
        Case::new(self.cluster(), name).await.unwrap()
    }

    /// `helm upgrade --install` of the definitions, as the README has it.
    pub(crate) async fn definitions(&self) -> Outcome {
        let install = ["upgrade", "--install", "sapphire-crds", DEFINITIONS, "--wait"];
        self.helm(&install).await
    }

    /// `helm upgrade --install` of the operator, as the README has it, with more flags.
    pub(crate) async fn operator(&self, more: &[&str]) -> Outcome {
        let install = ["upgrade", "--install", "sapphire", OPERATOR, "--namespace", HOME];
        let rest = ["--create-namespace", "--wait", "--timeout=60s"];
        self.helm(&[&install[..], &rest, more].concat()).await
    }

    pub(crate) async fn helm(&self, arguments: &[&str]) -> Outcome {
        self.cluster().helm_of(self.helm, arguments).await.unwrap()
    }

    /// kubectl; what it said.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> String {
        self.cluster().kubectl(arguments).await.unwrap().ok().unwrap()
    }

    /// The names of the operator's pods, sorted.
    pub(crate) async fn operator_pods(&self) -> Vec<String> {
        let label = "app.kubernetes.io/name=sapphire-operator";
        let names = "jsonpath={.items[*].metadata.name}";
        let said = self.kubectl(&["-n", HOME, "get", "pods", "-l", label, "-o", names]).await;
        let mut names: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// The log of an operator's pod.
    pub(crate) fn log(&self, pod: &str) -> String {
        self.plane.log(&sapphire_e2e::operators::process_name(pod)).unwrap_or_default()
    }

    /// The logs of all operators that ran here so far.
    pub(crate) fn logs(&self) -> String {
        let folder = self.cluster().folder().join("logs");
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let ours = entries.filter(|e| e.file_name().to_string_lossy().starts_with("operator-"));
        ours.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(players) = self.players.take() {
            // A test that fails already should say why itself.
            let ended = players.join();
            assert!(ended.is_ok() || std::thread::panicking(), "a player broke");
        }
    }
}
