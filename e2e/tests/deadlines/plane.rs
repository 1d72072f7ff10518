//! One control plane for all tests of this program, and an operator for each.

use std::time::Duration;

use sapphire_crds::TradingSystem;
use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, ControlPlane, Traders, definitions, ports, until};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::run;
use sapphire_operator::settings::{Flags, Settings};
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;

const HOME: &str = "deadlines-system";
const ACCOUNT: &str = "deadlines";

/// A successor need not wait long for an operator that was stopped.
const TERMS: Terms = Terms {
    duration: Duration::from_secs(6),
    renew_deadline: Duration::from_secs(4),
    retry: Duration::from_millis(500),
};

/// Whether a user of the API server is an operator.
pub(crate) fn is_operator(user: &str) -> bool {
    user == format!("system:serviceaccount:{HOME}:{ACCOUNT}")
}

pub(crate) async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    let prepare = || async {
        let plane = ControlPlane::shared().await.unwrap();
        let cluster = plane.cluster();
        definitions::install(cluster).await.unwrap();
        let _ = cluster.kubectl(&["create", "namespace", HOME]).await.unwrap();
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire");
        let mut template = vec!["template", ACCOUNT, chart, "--namespace", HOME];
        for file in [
            "templates/access.yaml",
            "templates/serviceaccount.yaml",
            "templates/admission-policies.yaml",
        ] {
            template.extend(["--show-only", file]);
        }
        // Deletions come through to the finalizers.
        template.extend(["--set", "admissionPolicies.refuseDeletion=false"]);
        template.extend(["--set", "namespaceProtection.enabled=true"]);
        let rules = cluster.helm(&template).await.unwrap().ok().unwrap();
        let apply = ["apply", "-n", HOME, "-f", "-"];
        cluster.kubectl_with(&apply, &rules).await.unwrap().ok().unwrap();
        plane
    };
    PLANE.get_or_init(prepare).await
}

/// A namespace with an operator that works in it alone.
pub(crate) struct Operated {
    pub(crate) case: Case<'static>,
    /// Where its Lease is: the operator outlives the namespace that it works in.
    home: Case<'static>,
    flags: Vec<String>,
    operator: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
    address: String,
}

impl Drop for Operated {
    fn drop(&mut self) {
        if let Some((operator, _)) = &self.operator {
            operator.abort();
        }
        self.case.forsake();
    }
}

/// Starts one, with these flags.
pub(crate) async fn operated(name: &str, flags: &[&str]) -> Operated {
    let cluster = plane().await.cluster();
    let case = Case::new(cluster, name).await.unwrap();
    let home = Case::new(cluster, &format!("{name}-home")).await.unwrap();
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let mut operated = Operated { case, home, flags, operator: None, address: String::new() };
    operated.start().await;
    operated
}

impl Operated {
    /// Starts the operator, which is another process to everybody else.
    pub(crate) async fn start(&mut self) {
        let cluster = self.case.cluster();
        let kubeconfig = cluster.service_account_kubeconfig(HOME, ACCOUNT).await.unwrap();
        let client = client_of(&kubeconfig).await.unwrap();
        self.address = format!("127.0.0.1:{}", ports::free());
        let settings = self.settings();
        let (stop, stopped) = oneshot::channel();
        let until_stopped = async {
            let _ = stopped.await;
        };
        let operator = tokio::spawn(async move {
            run(client, settings, TERMS, until_stopped).await.unwrap();
        });
        self.operator = Some((operator, stop));
    }

    /// Stops the operator as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        let (operator, stop) = self.operator.take().unwrap();
        let _ = stop.send(());
        operator.await.unwrap();
    }

    fn settings(&self) -> Settings {
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
        let (works_in, home) = (self.case.namespace(), self.home.namespace());
        let own = ["operator", "--namespaces", works_in, "--lease-namespace", home];
        let more = ["--listen", &self.address, "--trader-image", "sapphire-trader:test"];
        let flags = own.into_iter().chain(more).chain(self.flags.iter().map(String::as_str));
        let command = <Command as clap::Parser>::try_parse_from(flags).unwrap();
        Settings::try_from(command.flags).unwrap()
    }

    /// The operator's metrics.
    pub(crate) async fn metrics(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.address)).await.unwrap();
        answer.text().await.unwrap()
    }

    /// Who plays the traders, reporting twice a second.
    pub(crate) async fn traders(&self) -> Traders {
        let case = &self.case;
        let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
        traders.conduct(case.namespace(), "desk", |desk| desk.rhythm = Duration::from_millis(500));
        traders
    }

    /// Waits until the operator has looked at the desk once more.
    pub(crate) async fn reconciles(&self, word: &str) {
        let note = format!("sapphiretrade.xyz/reconcile-now={word}");
        crate::desk::kubectl(&self.case, &["annotate", "--overwrite", "tsys/desk", &note]).await;
        let systems = self.case.api::<TradingSystem>();
        until("the desk to be looked at", || async {
            let handled = systems.get("desk").await.unwrap().status?.handled?;
            handled.reconcile_now.filter(|handled| handled.as_str() == word)
        })
        .await;
    }
}
