//! One control plane and one operator for all tests of this program.

use std::path::Path;

use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, Cluster, ControlPlane};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::run;
use sapphire_operator::settings::{Bounds, Settings};
use tokio::sync::OnceCell;

use crate::collector::Collector;

/// The namespace that the operator is installed in.
pub(crate) const HOME: &str = "sapphire-system";
/// How the API server knows the operator.
pub(crate) const OPERATOR: &str = "system:serviceaccount:sapphire-system:sapphire";

/// Whether a user of the API server is the operator.
pub(crate) fn is_operator(user: &str) -> bool {
    user == OPERATOR
}

/// The control plane, with our kinds installed and the operator at work.
pub(crate) async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    let prepare = || async {
        let plane = ControlPlane::shared().await.unwrap();
        prepare(plane.cluster(), &[]).await;
        let kubeconfig =
            plane.cluster().service_account_kubeconfig(HOME, "sapphire").await.unwrap();
        // On a thread of its own: every test has a runtime that ends with it.
        std::thread::spawn(move || operate(&kubeconfig));
        plane
    };
    PLANE.get_or_init(prepare).await
}

/// A namespace on it.
pub(crate) async fn case(name: &str) -> Case<'static> {
    Case::new(plane().await.cluster(), name).await.unwrap()
}

/// Installs our kinds, and the chart's rules and admission policies with these values.
pub(crate) async fn prepare(cluster: &Cluster, values: &[&str]) {
    sapphire_e2e::definitions::install(cluster).await.unwrap();
    let _ = cluster.kubectl(&["create", "namespace", HOME]).await.unwrap();
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire");
    let mut template = vec!["template", "sapphire", chart, "--namespace", HOME];
    for file in [
        "templates/access.yaml",
        "templates/serviceaccount.yaml",
        "templates/admission-policies.yaml",
    ] {
        template.extend(["--show-only", file]);
    }
    template.extend(values.iter().flat_map(|value| ["--set", value]));
    let rules = cluster.helm(&template).await.unwrap().ok().unwrap();
    let apply = ["apply", "-n", HOME, "-f", "-"];
    cluster.kubectl_with(&apply, &rules).await.unwrap().ok().unwrap();
}

/// Flags as a person gives them, and a short name.
pub(crate) fn settings(identity: &str) -> Settings {
    Settings {
        namespaces: Vec::new(),
        trader_image: "sapphire-trader:test".into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        lease_namespace: Some(HOME.into()),
        identity: identity.into(),
        concurrency: 8,
        max_concurrent_rollouts: 10,
        bounds: Bounds::default(),
        namespace_protection: false,
    }
}

fn operate(kubeconfig: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = client_of(kubeconfig).await.unwrap();
        let _ = sapphire_operator::telemetry::start(&sapphire_operator::telemetry::Flags {
            log_level: "info".into(),
            log_format: None,
            otlp_endpoint: Some(Collector::shared().endpoint.clone()),
        });
        run(client, settings("shared"), Terms::default(), std::future::pending()).await.unwrap();
    });
}
