//! Keeps a control plane up to play with, until Ctrl-C.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sapphire_e2e::{Assets, ControlPlane, Error, Parts, players};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: cluster-api [--down]

Keeps a Kubernetes control plane up: etcd, API server, controller manager, scheduler, and kwok, which
plays a node and its pods. The pods of an operator that Helm installs are processes of this machine.
Ctrl-C takes it down; so does --down, from another terminal.";

/// How long a cluster that is taken down may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => up().await,
        ["--down"] => down(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster-api: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the cluster that is up is found: beside the build's output.
fn place() -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(Error::file("cannot find", "this executable"))?;
    let target = own.ancestors().nth(2).unwrap_or(Path::new("."));
    let place = target.join("cluster-api");
    fs::create_dir_all(&place).map_err(Error::file("cannot create", &place))?;
    Ok(place)
}

async fn up() -> Result<(), Error> {
    let place = place()?;
    let lock = place.join("lock");
    let held = File::options().create(true).truncate(false).write(true).open(&lock);
    let held = held.map_err(Error::file("cannot write", &lock))?;
    if held.try_lock().is_err() {
        let path = place.join("kubeconfig");
        say(&format!("One is up already: export KUBECONFIG={}", path.display()));
        return Ok(());
    }
    let mut interrupted = listen(SignalKind::interrupt())?;
    let mut terminated = listen(SignalKind::terminate())?;
    let stop = async {
        tokio::select! { _ = interrupted.recv() => {}, _ = terminated.recv() => {} }
    };
    let serve = async {
        say("Starting a control plane…");
        let plane = ControlPlane::start(Parts::All).await?;
        publish(&place, &plane)?;
        players::play(&plane).await
    };
    let outcome = tokio::select! { Err(error) = serve => Err(error), () = stop => Ok(()) };
    for name in ["kubeconfig", "pid", "logs"] {
        // What was not written yet is not there.
        let _ = fs::remove_file(place.join(name));
    }
    outcome
}

fn listen(kind: SignalKind) -> Result<tokio::signal::unix::Signal, Error> {
    signal(kind).map_err(Error::file("cannot listen to", "signals"))
}

/// Says where the cluster is, to people and to `--down`.
fn publish(place: &Path, plane: &ControlPlane) -> Result<(), Error> {
    let pid = place.join("pid");
    fs::write(&pid, std::process::id().to_string()).map_err(Error::file("cannot write", &pid))?;
    let kubeconfig = place.join("kubeconfig");
    let logs = place.join("logs");
    let folder = plane.cluster().folder();
    for (target, link) in
        [(plane.cluster().kubeconfig().to_owned(), &kubeconfig), (folder.join("logs"), &logs)]
    {
        let _ = fs::remove_file(link);
        std::os::unix::fs::symlink(target, link).map_err(Error::file("cannot write", link))?;
    }
    say(&format!(
        "\nA Kubernetes control plane is up, with a node that kwok plays. Sapphire is yours to install, from\n\
         another terminal in this folder:\n\n  \
           export KUBECONFIG={}\n  \
           export PATH={}:$PATH        # kubectl and helm, if you have none\n\n  \
           helm upgrade --install sapphire-crds charts/sapphire-crds\n  \
           helm upgrade --install sapphire charts/sapphire --namespace sapphire-system --create-namespace\n  \
           kubectl apply -f examples/policies -f examples/paper-desk\n  \
           kubectl wait --for=condition=Ready tsys/paper-desk --timeout=2m\n  \
           kubectl get tsys,tagent,rpol\n  \
           kubectl describe tsys paper-desk\n\n\
         What is real: the API server, Helm, and the operator. Each of its pods is a process of this machine,\n\
         with the chart's arguments, rules and Lease; delete one and another leads. What is played: all other\n\
         pods, their volumes, and what traders report. Nothing trades, and no image or Secret is looked at. To see\n\
         pods fail: an image whose tag is `missing` cannot be pulled (spec.image of a tsys), and a pod that runs\n\
         ends by kubectl annotate pod NAME play.sapphiretrade.xyz/as=crashes (or evicted). To see what deleting a\n\
         desk with positions does, under each deletionPolicy, give it some: kubectl annotate tsys NAME\n\
         play.sapphiretrade.xyz/open=BTCUSD (and play.sapphiretrade.xyz/open- takes them again).\n\n\
         Logs, the operator's among them, are in {}.\n\
         Ctrl-C here, or make cluster-down, takes all of it down.",
        kubeconfig.display(),
        Assets::from_environment().folder().display(),
        logs.display(),
    ));
    Ok(())
}

fn down() -> Result<(), Error> {
    let place = place()?;
    let lock = place.join("lock");
    let held = File::options().create(true).truncate(false).write(true).open(&lock);
    let held = held.map_err(Error::file("cannot write", &lock))?;
    let started = Instant::now();
    let mut asked = false;
    while held.try_lock().is_err() {
        let text = fs::read_to_string(place.join("pid")).unwrap_or_default();
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| !asked) {
            // It holds the lock, so the number is still its own.
            asked = kill_process(pid, Signal::TERM).is_ok();
        }
        if started.elapsed() > PATIENCE {
            let what = "the cluster to go down".to_owned();
            let seen = format!("process {} holds {}", text.trim(), lock.display());
            return Err(Error::TimedOut { what, seconds: PATIENCE.as_secs(), seen });
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    say(if asked { "The cluster is down." } else { "No cluster was up." });
    Ok(())
}

fn say(line: &str) {
    // Nobody to read it is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
}
