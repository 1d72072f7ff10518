//! Real control planes for tests: etcd, API server, controller manager and scheduler as processes of
//! this machine, with kwok playing the nodes.
//!
//! - [`Assets`] knows where the programs come from, and builds what is missing once.
//! - [`ControlPlane`] runs them in a folder of their own and takes them down, however the test ends.
//! - [`Cluster`] is what a test talks to: a client, kubectl, helm, kubeconfigs of service accounts.
//! - [`Play`] is what a pod does, [`Traders`] say what the traders in the pods would; [`operators`]
//!   runs the operator's pods as processes, [`volumes`] provides what claims ask for.
//! - [`Case`] is one test's namespace; when the test fails, logs and objects are kept. [`until`] waits.
//!
//! Nothing here needs a network namespace or root: there is no kubelet and no kube-proxy, so no
//! address but loopback's is used and no rule of the host's network is touched.

pub mod assets;
pub mod audit;
pub mod case;
pub mod certificates;
pub mod cluster;
pub mod command;
pub mod control_plane;
pub mod definitions;
pub mod error;
pub mod executables;
pub mod failure;
pub mod fault_proxy;
pub mod kubeconfig;
pub mod operators;
pub mod players;
pub mod plays;
pub mod ports;
pub mod supervisor;
pub mod traders;
pub mod until;
pub mod volumes;

pub use assets::{Assets, Tool};
pub use case::Case;
pub use cluster::Cluster;
pub use control_plane::{ControlPlane, Parts};
pub use error::Error;
pub use fault_proxy::{Fault, FaultProxy, Matching};
pub use plays::Play;
pub use traders::Traders;
pub use until::until;
