//! A control plane of processes.

mod arguments;
mod sharing;
mod waiting;

pub(crate) use sharing::new_folder;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::assets::{Assets, Tool};
use crate::audit::Audit;
use crate::certificates;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubeconfig;
use crate::ports;
use crate::supervisor::{Program, Signal, Supervisor};

/// The name of etcd's process and log.
pub const ETCD: &str = "etcd";
/// The name of the API server's process and log.
pub const API_SERVER: &str = "kube-apiserver";
/// The name of the controller manager's process and log.
pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";
/// The name of the scheduler's process and log.
pub const SCHEDULER: &str = "kube-scheduler";
/// The name of kwok's process and log.
pub const KWOK: &str = "kwok";

/// How long a part may take to its first answer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often a plane is started anew because somebody took its port in the meantime.
const ATTEMPTS: u32 = 3;

/// What a control plane is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parts {
    /// etcd and API server: objects are stored and checked, nothing acts on them.
    Api,
    /// Controller manager and scheduler too, and kwok, which plays a node and its pods.
    #[default]
    All,
}

/// A running control plane. It ends when this is dropped, or the process ends.
#[derive(Debug)]
pub struct ControlPlane {
    // The processes end before anything else of this is dropped.
    supervisor: Supervisor,
    cluster: Cluster,
    api_server: Program,
}

impl ControlPlane {
    /// Starts a control plane of one's own. It is ready when this returns: the API server answers,
    /// and with [`Parts::All`] the node is Ready.
    ///
    /// # Errors
    /// When a program is missing and cannot be built, or a part does not come up.
    pub async fn start(parts: Parts) -> Result<Self, Error> {
        for _ in 1..ATTEMPTS {
            match Self::attempt(parts).await {
                Err(Error::Part { log, .. }) if log.contains("address already in use") => {}
                outcome => return outcome,
            }
        }
        Self::attempt(parts).await
    }

    async fn attempt(parts: Parts) -> Result<Self, Error> {
        let assets = Assets::from_environment();
        let folder = new_folder()?;
        let supervisor = Supervisor::start(&folder)?;
        certificates::write(&folder)?;
        let server = format!("https://127.0.0.1:{}", ports::free());
        let admin = folder.join("admin.kubeconfig");
        kubeconfig::write_for_certificate(&admin, &server, &folder, certificates::ADMINISTRATOR)?;
        arguments::write_files(&folder)?;

        let etcd = Program::new(ETCD, assets.path(Tool::Etcd)?).arguments(arguments::etcd(&folder));
        let api_server = Program::new(API_SERVER, assets.path(Tool::KubeApiserver)?)
            .arguments(arguments::api_server(&folder, &server));
        supervisor.run(&etcd)?;
        supervisor.run(&api_server)?;
        let mut cluster = Cluster::new(admin, folder.clone(), assets);
        cluster.logs = Some(folder.join("logs"));
        let plane = Self { supervisor, cluster, api_server };
        plane.wait_until_ready().await?;
        if parts == Parts::All {
            plane.start_controllers(&folder, &server)?;
            plane.wait_for_node().await?;
        }
        Ok(plane)
    }

    fn start_controllers(&self, folder: &Path, server: &str) -> Result<(), Error> {
        type Arguments = fn(&Path, &Path) -> Vec<String>;
        let parts: [(&str, Tool, certificates::Pair, Arguments); 3] = [
            (
                CONTROLLER_MANAGER,
                Tool::KubeControllerManager,
                certificates::CONTROLLER_MANAGER,
                arguments::controller_manager,
            ),
            (SCHEDULER, Tool::KubeScheduler, certificates::SCHEDULER, arguments::scheduler),
            (KWOK, Tool::Kwok, certificates::NODES, arguments::kwok),
        ];
        for (name, tool, identity, arguments) in parts {
            let kubeconfig = folder.join(format!("{name}.kubeconfig"));
            kubeconfig::write_for_certificate(&kubeconfig, server, folder, identity)?;
            let path = self.cluster.assets().path(tool)?;
            self.run(&Program::new(name, path).arguments(arguments(folder, &kubeconfig)))?;
        }
        Ok(())
    }

    /// What a test talks to.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Who asked the API server for what.
    pub fn audit(&self) -> Audit {
        Audit::new(self.cluster.folder().join(arguments::AUDIT_LOG))
    }

    /// Runs a program beside the control plane, with its log among the others; it ends with them.
    /// Its process id.
    ///
    /// # Errors
    /// When it cannot be started or one of its name runs already.
    pub fn run(&self, program: &Program) -> Result<u32, Error> {
        self.supervisor.run(program)
    }

    /// Sends a signal to a part or a program that runs beside.
    ///
    /// # Errors
    /// When no program of that name runs.
    pub fn signal(&self, name: &str, signal: Signal) -> Result<(), Error> {
        self.supervisor.signal(name, signal)
    }

    /// Ends a program: SIGTERM, and SIGKILL when `patience` is over; how it ended, as
    /// "exit status: 0".
    ///
    /// # Errors
    /// When no program of that name was started.
    pub fn stop(&self, name: &str, patience: Duration) -> Result<String, Error> {
        self.supervisor.stop(name, patience)
    }

    /// How a program ended, or `None` while it runs.
    ///
    /// # Errors
    /// When no program of that name was started.
    pub fn ended(&self, name: &str) -> Result<Option<String>, Error> {
        self.supervisor.ended(name)
    }

    /// What a program has written so far.
    ///
    /// # Errors
    /// When it has no log.
    pub fn log(&self, name: &str) -> Result<String, Error> {
        let path = self.log_path(name);
        std::fs::read_to_string(&path).map_err(Error::file("cannot read", path))
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.cluster.folder().join("logs").join(format!("{name}.log"))
    }

    /// Kills the API server. Connections break, and new ones are refused.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill_api_server(&self) -> Result<(), Error> {
        self.supervisor.signal(API_SERVER, Signal::Kill)?;
        self.supervisor.stop(API_SERVER, Duration::ZERO).map(drop)
    }

    /// Makes the API server stand still: connections stay open and nothing is answered.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause_api_server(&self) -> Result<(), Error> {
        self.supervisor.signal(API_SERVER, Signal::Pause)
    }

    /// Makes a paused API server go on, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn resume_api_server(&self) -> Result<(), Error> {
        self.supervisor.signal(API_SERVER, Signal::Continue)?;
        self.wait_until_ready().await
    }

    /// Starts a killed API server on its old port with its old data, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start_api_server(&self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.supervisor.run(&self.api_server)?;
            match self.wait_until_ready().await {
                // The old one's port may be a moment in closing.
                Err(Error::Part { log, .. })
                    if log.contains("address already in use") && Instant::now() < deadline => {}
                outcome => return outcome,
            }
        }
    }
}
