//! One control plane for all tests of this program, and an operator for each.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{ObjectMeta, PostParams};
use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, ControlPlane, FaultProxy, definitions};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::run;
use sapphire_operator::settings::{Flags, Settings};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

const ACCOUNT: &str = "operator";

/// Whether a user of the API server is an operator: each has an account in its own namespace.
pub(crate) fn is_operator(user: &str) -> bool {
    let account = user.strip_prefix("system:serviceaccount:");
    account.and_then(|account| account.split_once(':')).is_some_and(|(_, name)| name == ACCOUNT)
}

pub(crate) async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    let prepare = || async {
        let plane = ControlPlane::shared().await.unwrap();
        definitions::install(plane.cluster()).await.unwrap();
        plane
    };
    PLANE.get_or_init(prepare).await
}

/// A namespace with an operator that works in it alone, with the chart's rules for that.
pub(crate) struct Operated {
    pub(crate) case: Case<'static>,
    /// What lies between the operator and the API server.
    pub(crate) proxy: FaultProxy,
    operator: JoinHandle<()>,
    settings: Settings,
}

impl Operated {
    /// Kills the operator: whatever it was doing ends in the middle.
    pub(crate) async fn kill(&mut self) {
        self.operator.abort();
        let _ = (&mut self.operator).await;
    }

    /// Starts another one, of another release.
    pub(crate) async fn start_as(&mut self, tell: impl FnOnce(&mut Settings)) {
        tell(&mut self.settings);
        self.start().await;
    }

    /// Starts another one.
    pub(crate) async fn start(&mut self) {
        let client = client_of(self.proxy.kubeconfig()).await.unwrap();
        self.operator = start(client, self.settings.clone());
    }
}

fn start(client: kube::Client, settings: Settings) -> JoinHandle<()> {
    tokio::spawn(async move {
        run(client, settings, Terms::default(), std::future::pending()).await.unwrap();
    })
}

impl Drop for Operated {
    fn drop(&mut self) {
        self.operator.abort();
        self.case.forsake();
    }
}

/// Starts one.
pub(crate) async fn operated(name: &str) -> Operated {
    operated_with(name, |_| ()).await
}

/// Starts one that is told something else.
pub(crate) async fn operated_with(name: &str, tell: impl FnOnce(&mut Settings)) -> Operated {
    let cluster = plane().await.cluster();
    let case = Case::new(cluster, name).await.unwrap();
    let namespace = case.namespace().to_owned();
    let account = ServiceAccount {
        metadata: ObjectMeta { name: Some(ACCOUNT.into()), ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    case.api().create(&PostParams::default(), &account).await.unwrap();
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire");
    let watched = format!("watchNamespaces={{{namespace}}}");
    let template = [
        "template",
        // Some rules are cluster-wide, and bear the release's name.
        namespace.as_str(),
        chart,
        "--namespace",
        &namespace,
        "--set",
        &watched,
        "--set",
        "serviceAccount.create=false,serviceAccount.name=operator",
        "--show-only",
        "templates/access.yaml",
    ];
    let rules = cluster.helm(&template).await.unwrap().ok().unwrap();
    let apply = ["apply", "-n", &namespace, "-f", "-"];
    cluster.kubectl_with(&apply, &rules).await.unwrap().ok().unwrap();
    let direct = cluster.service_account_kubeconfig(&namespace, ACCOUNT).await.unwrap();
    let proxy = FaultProxy::start(&direct).await.unwrap();
    let client = client_of(proxy.kubeconfig()).await.unwrap();
    let mut settings = settings(&namespace);
    tell(&mut settings);
    let operator = start(client, settings.clone());
    Operated { case, proxy, operator, settings }
}

/// What an operator of one namespace is told.
pub(crate) fn settings(namespace: &str) -> Settings {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        flags: Flags,
    }
    // What it says is part of what a failed test leaves; the second call finds it there.
    let _ = sapphire_operator::telemetry::start(&sapphire_operator::telemetry::Flags {
        log_level: "info".into(),
        ..Default::default()
    });
    let flags = [
        "operator",
        "--namespaces",
        namespace,
        "--lease-namespace",
        namespace,
        // Any port: who is started again does not wait for the one that a killed one had.
        "--listen",
        "127.0.0.1:0",
        "--identity",
        "alone",
        "--trader-image",
        "sapphire-trader:test",
    ];
    let command = <Command as clap::Parser>::try_parse_from(flags).unwrap();
    Settings::try_from(command.flags).unwrap()
}
