//! One round: a control plane, so many desks, and what the operator takes for them.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use sapphire_crds::TradingSystem;
use sapphire_e2e::audit::Request;
use sapphire_e2e::supervisor::{Program, Signal};
use sapphire_e2e::{ControlPlane, Parts, definitions, ports, volumes};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::desks::{self, NAMESPACE};
use crate::floor;
use crate::found::{Edits, Found, Idle, Takeover, Times, Writes};
use crate::process;
use crate::watched::{MARK, Watched};

/// Where the operator is.
const HOME: &str = "sapphire-system";
/// How the API server knows it.
const USER: &str = "system:serviceaccount:sapphire-system:sapphire";
/// The leader's Lease.
const LEASE: &str = "sapphire-operator";
/// When nothing was written for so long, all was.
const QUIET: Duration = Duration::from_secs(5);
/// When nothing changed for so long, what an edit brought about is over.
const SETTLED: Duration = Duration::from_secs(1);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a round is about.
pub(crate) struct Plan<'a> {
    pub(crate) operator: &'a Path,
    pub(crate) systems: usize,
    pub(crate) idle: Duration,
    pub(crate) edits: usize,
}

/// An operator's process.
struct Operator {
    name: &'static str,
    pid: u32,
    address: String,
}

/// Runs the round.
pub(crate) async fn run(plan: &Plan<'_>) -> Result<Found, Failure> {
    let systems = plan.systems;
    println!("{systems} systems: starting a control plane…");
    let plane = ControlPlane::start(Parts::All).await?;
    let client = plane.cluster().client().await?;
    prepare(&plane).await?;
    let kubeconfig = plane.cluster().service_account_kubeconfig(HOME, "sapphire").await?;
    let provided = tokio::spawn(volumes::provide(client.clone()));
    let first = start(&plane, plan, &kubeconfig, "first")?;
    leader(&client, "first").await?;
    // What a process that has just begun to lead still does.
    sleep(QUIET).await;
    let before = process::resident(first.pid)?;

    let mark = plane.audit().mark(&client).await?;
    let watched = Watched::start(&client);
    println!("{systems} systems: creating them…");
    let begun = Instant::now();
    let applied = tokio::spawn(last_child(first.address.clone(), systems));
    desks::create(&client, systems).await?;
    let created = begun.elapsed();
    let ready = watched.all_ready(systems, PATIENCE).await?.duration_since(begun);
    let applied = applied.await??.duration_since(begun);
    println!("{systems} systems: last child after {applied:.1?}, all Ready after {ready:.1?}");
    let requests = plane.audit().since(&client, mark).await?;
    let writes = count(&requests);

    println!("{systems} systems: nothing happens for {:?}…", plan.idle);
    sleep(QUIET).await;
    let idle = idle(&plane, &client, first.pid, plan.idle).await?;
    let after = process::resident(first.pid)?;
    println!("{systems} systems: {} edits, each when the one before has settled…", plan.edits);
    let settled = edits(&client, &watched, plan, SETTLED).await?;
    println!("{systems} systems: {} edits in a row…", plan.edits);
    let in_a_row = edits(&client, &watched, plan, Duration::ZERO).await?;
    println!("{systems} systems: takeover…");
    let takeover = takeover(&plane, &client, plan, &kubeconfig, &first).await?;
    let children = floor::Children::of(&client, desks::name(0)).await?;
    provided.abort();
    drop(plane);
    println!("{systems} systems: the same children without an operator…");
    let floor = floor::measure(systems, &children).await?;
    Ok(Found {
        systems,
        created,
        applied,
        floor,
        ready,
        writes,
        idle,
        edits: Edits { settled, in_a_row },
        memory: (before, after),
        takeover,
    })
}

/// Our kinds, the operator's account and rules, and where the desks go.
pub(crate) async fn prepare(plane: &ControlPlane) -> Result<(), Failure> {
    let cluster = plane.cluster();
    definitions::install(cluster).await?;
    for namespace in [HOME, NAMESPACE] {
        cluster.kubectl(&["create", "namespace", namespace]).await?.ok()?;
    }
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/sapphire");
    let mut template = vec!["template", "sapphire", chart, "--namespace", HOME];
    for part in ["templates/access.yaml", "templates/serviceaccount.yaml"] {
        template.extend(["--show-only", part]);
    }
    let rules = cluster.helm(&template).await?.ok()?;
    cluster.kubectl_with(&["apply", "-n", HOME, "-f", "-"], &rules).await?.ok()?;
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "recordings", "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    cluster.kubectl_with(&["apply", "-f", "-"], &claim.to_string()).await?.ok()?;
    Ok(())
}

fn start(
    plane: &ControlPlane,
    plan: &Plan<'_>,
    kubeconfig: &Path,
    name: &'static str,
) -> Result<Operator, Failure> {
    let address = format!("127.0.0.1:{}", ports::free());
    let program = Program::new(name, plan.operator)
        .arguments(["run", "--listen", &address, "--lease-namespace", HOME, "--identity", name])
        .environment("KUBECONFIG", kubeconfig.display().to_string())
        .environment("LOG_LEVEL", "warn");
    let pid = plane.run(&program)?;
    Ok(Operator { name, pid, address })
}

/// Waits until the Lease is somebody's.
async fn leader(client: &Client, name: &str) -> Result<Instant, Failure> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), HOME);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let lease = leases.get_opt(LEASE).await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        if holder.as_deref() == Some(name) {
            return Ok(Instant::now());
        }
        if Instant::now() > deadline {
            return Err(format!("{name} does not lead, but {holder:?}").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// When the last child was written: the operator's own count, once it stands still.
async fn last_child(address: String, systems: usize) -> Result<Instant, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = (0.0, Instant::now());
    loop {
        let written = written(&address).await?;
        if written > last.0 {
            last = (written, Instant::now());
        }
        // Every desk has more children than one.
        if written > systems as f64 && last.1.elapsed() > QUIET {
            return Ok(last.1);
        }
        if Instant::now() > deadline {
            return Err("children are still being written".into());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn written(address: &str) -> Result<f64, Failure> {
    let text = reqwest::get(format!("http://{address}/metrics")).await?.text().await?;
    let lines = text.lines().filter(|l| l.starts_with("sapphire_operator_child_writes_total{"));
    Ok(lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}

fn is_ours(request: &Request) -> bool {
    request.is_write() && request.user == USER && request.resource != "leases"
}

fn count(requests: &[Request]) -> Writes {
    let mut writes = Writes::default();
    for request in requests.iter().filter(|request| is_ours(request)) {
        match request.resource.as_str() {
            "events" => writes.events += 1,
            resource if resource.ends_with("/status") => writes.statuses += 1,
            _ => writes.children += 1,
        }
    }
    writes
}

async fn idle(
    plane: &ControlPlane,
    client: &Client,
    pid: u32,
    period: Duration,
) -> Result<Idle, Failure> {
    let mark = plane.audit().mark(client).await?;
    let cpu = process::cpu(pid)?;
    sleep(period).await;
    let cpu = process::cpu(pid)?.saturating_sub(cpu);
    let requests = plane.audit().since(client, mark).await?;
    let writes = requests.iter().filter(|request| is_ours(request)).count();
    Ok(Idle { period, writes, cpu })
}

/// Edits that change a pod, one after the other, each on another desk and after so long a quiet.
async fn edits(
    client: &Client,
    watched: &Watched,
    plan: &Plan<'_>,
    quiet: Duration,
) -> Result<Times, Failure> {
    let systems: Api<TradingSystem> = Api::namespaced(client.clone(), NAMESPACE);
    let mut times = Vec::with_capacity(plan.edits);
    for number in 0..plan.edits {
        let desk = desks::name(number % plan.systems);
        let mark = format!("{number} after {quiet:?}");
        watched.quiet(quiet).await;
        let spec = json!({"spec": {"podOverrides": {"env": [{"name": MARK, "value": mark}]}}});
        systems.patch(&desk, &PatchParams::default(), &Patch::Merge(spec)).await?;
        let answered = Instant::now();
        let seen = watched.marked(&format!("{desk}-trader"), &mark).await?;
        times.push(seen.saturating_duration_since(answered));
    }
    Ok(Times(times))
}

async fn takeover(
    plane: &ControlPlane,
    client: &Client,
    plan: &Plan<'_>,
    kubeconfig: &Path,
    first: &Operator,
) -> Result<Takeover, Failure> {
    let second = start(plane, plan, kubeconfig, "second")?;
    knows_all(&second).await?;
    let told = Instant::now();
    plane.signal(first.name, Signal::Terminate)?;
    let told = leader(client, second.name).await?.duration_since(told);
    let third = start(plane, plan, kubeconfig, "third")?;
    knows_all(&third).await?;
    let killed = Instant::now();
    plane.signal(second.name, Signal::Kill)?;
    let killed = leader(client, third.name).await?.duration_since(killed);
    Ok(Takeover { told, killed })
}

/// Waits until a process could lead.
async fn knows_all(operator: &Operator) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let url = format!("http://{}/readyz", operator.address);
    loop {
        if reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) {
            // It asks for the Lease every two seconds; a moment more, and it waits for it.
            sleep(Duration::from_secs(4)).await;
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{} is not ready", operator.name).into());
        }
        sleep(Duration::from_millis(100)).await;
    }
}
