//! What the process is told: flags and environment, checked all at once.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

/// Flags of `run`.
#[derive(Debug, Clone, Args)]
pub struct Flags {
    /// Namespaces to work in, separated by commas. Empty: all.
    #[arg(long, env = "SAPPHIRE_NAMESPACES", value_name = "NAMES", default_value = "")]
    pub namespaces: String,
    /// The image of desks that name none; pinned when a desk is created.
    #[arg(long, env = "SAPPHIRE_TRADER_IMAGE", value_name = "IMAGE", default_value_t = default_image())]
    pub trader_image: String,
    /// Where /healthz, /readyz and /metrics are.
    #[arg(long, env = "SAPPHIRE_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: String,
    /// The namespace of the leader's Lease. [default: that of the kubeconfig or the pod]
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME")]
    pub lease_namespace: Option<String>,
    /// Name of this process in the leader's Lease and in events; no other operator may have it. [default: the host's name and a number]
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: Option<String>,
    /// How many objects of a kind are worked on at once.
    #[arg(long, env = "SAPPHIRE_CONCURRENCY", value_name = "N", default_value_t = 16)]
    pub concurrency: usize,
    /// How many TradingSystems may roll a change out at once.
    #[arg(long, env = "SAPPHIRE_MAX_CONCURRENT_ROLLOUTS", value_name = "N", default_value_t = 10)]
    pub max_concurrent_rollouts: usize,
    /// How long a step of a rollout may take where spec.rollout.stepDeadline of the system says nothing. A
    /// step that is not done by then is undone.
    #[arg(long, env = "SAPPHIRE_STEP_DEADLINE", value_name = "DURATION", default_value = "10m")]
    pub step_deadline: String,
    /// How long deleting a TradingSystem with `deletionPolicy: Flatten` may take until people are told that
    /// it does not get on. It goes on trying.
    #[arg(long, env = "SAPPHIRE_FLATTEN_DEADLINE", value_name = "DURATION", default_value = "10m")]
    pub flatten_deadline: String,
    /// How long the deletion of a namespace waits for a desk in it that is not proven flat.
    #[arg(
        long,
        env = "SAPPHIRE_NAMESPACE_DELETION_DEADLINE",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub namespace_deletion_deadline: String,
    /// Label namespaces that hold an exposed desk, for the admission policy that refuses to delete them.
    #[arg(long, env = "SAPPHIRE_NAMESPACE_PROTECTION")]
    pub namespace_protection: bool,
    /// A trader pod that is silent for longer is not believed any more.
    #[arg(
        long,
        env = "SAPPHIRE_REPORT_SILENCE",
        value_name = "DURATION",
        default_value = "90s",
        hide = true
    )]
    pub report_silence: String,
}

impl Flags {
    /// The flags of a command line without any: the environment's, else the defaults.
    pub fn of_environment() -> Self {
        #[derive(clap::Parser)]
        struct Empty {
            #[command(flatten)]
            flags: Flags,
        }
        <Empty as clap::Parser>::parse_from(["sapphire-operator"]).flags
    }
}

/// The image of this release.
pub(crate) fn default_image() -> String {
    format!("sapphire-trader:{}", env!("CARGO_PKG_VERSION"))
}

/// What the process is told, as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Namespaces to work in; none means all.
    pub namespaces: Vec<String>,
    /// The image of desks that name none.
    pub trader_image: String,
    /// Where the process answers.
    pub listen: SocketAddr,
    /// The namespace of the leader's Lease, unless it is the client's own.
    pub lease_namespace: Option<String>,
    /// Name of this process.
    pub identity: String,
    /// How many objects of a kind are worked on at once.
    pub concurrency: usize,
    /// How many systems may roll at once.
    pub max_concurrent_rollouts: usize,
    /// How long it waits for others.
    pub bounds: Bounds,
    /// Whether namespaces that hold an exposed desk are labelled.
    pub namespace_protection: bool,
}

/// How long the operator waits for others before it says or does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// A trader pod that is silent for longer is not believed any more.
    pub report_silence: Duration,
    /// So long a step of a rollout may take where the system does not say.
    pub step: Duration,
    /// So long a deletion with `Flatten` may take until people are told.
    pub flatten: Duration,
    /// So long a namespace's deletion waits for a desk that is not proven flat.
    pub namespace_deletion: Duration,
}

impl Default for Bounds {
    /// Three reports of a pod are missing after 90 seconds; ten minutes to roll a step out or to close; five
    /// for a namespace.
    fn default() -> Self {
        Self {
            report_silence: Duration::from_secs(90),
            step: Duration::from_secs(600),
            flatten: Duration::from_secs(600),
            namespace_deletion: Duration::from_secs(300),
        }
    }
}

/// Every fault of the flags.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Those of a process that only reads.
    ///
    /// # Errors
    /// Every fault of what is given and of the environment.
    pub fn reader(namespaces: &[String], trader_image: &str) -> Result<Self, SettingsError> {
        Self::try_from(Flags {
            namespaces: namespaces.join(","),
            trader_image: trader_image.to_owned(),
            ..Flags::of_environment()
        })
    }
}

impl TryFrom<Flags> for Settings {
    type Error = SettingsError;

    fn try_from(flags: Flags) -> Result<Self, SettingsError> {
        let mut faults = Vec::new();
        let listed = flags.namespaces.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut namespaces: Vec<String> = listed.map(str::to_owned).collect();
        namespaces.sort();
        namespaces.dedup();
        for name in &namespaces {
            if !is_label(name) {
                faults.push(format!(
                    "--namespaces: \"{name}\" is no namespace: write lower-case letters, digits and '-'"
                ));
            }
        }
        if flags.trader_image.parse::<sapphire_crds::values::ImageReference>().is_err() {
            faults.push(format!(
                "--trader-image: \"{}\" is no image with a tag or digest, such as registry.example/sapphire-trader:0.1.0",
                flags.trader_image
            ));
        }
        let listen = flags.listen.parse::<SocketAddr>();
        if listen.is_err() {
            faults.push(format!(
                "--listen: \"{}\" is no address with a port, such as 0.0.0.0:8080",
                flags.listen
            ));
        }
        if flags.identity.as_deref() == Some("") {
            // As a holder's name it would say that nobody holds the Lease.
            faults.push("--identity: it is empty; leave it out, or name this process".into());
        }
        if let Some(name) = flags.lease_namespace.as_deref().filter(|name| !is_label(name)) {
            faults.push(format!(
                "--lease-namespace: \"{name}\" is no namespace: write lower-case letters, digits and '-'"
            ));
        }
        if !(1..=256).contains(&flags.concurrency) {
            faults.push(format!("--concurrency: {} is not from 1 to 256", flags.concurrency));
        }
        if flags.max_concurrent_rollouts == 0 {
            faults.push(
                "--max-concurrent-rollouts: 0 would let no change out; write 1 or more".into(),
            );
        }
        let mut span =
            |flag: &str, text: &str| match text.parse::<sapphire_crds::values::Duration>() {
                Ok(span) => span.as_std(),
                Err(error) => {
                    faults.push(format!("{flag}: {error}"));
                    Duration::ZERO
                }
            };
        let bounds = Bounds {
            report_silence: span("--report-silence", &flags.report_silence),
            step: span("--step-deadline", &flags.step_deadline),
            flatten: span("--flatten-deadline", &flags.flatten_deadline),
            namespace_deletion: span(
                "--namespace-deletion-deadline",
                &flags.namespace_deletion_deadline,
            ),
        };
        match listen {
            Ok(listen) if faults.is_empty() => Ok(Self {
                namespaces,
                trader_image: flags.trader_image,
                listen,
                lease_namespace: flags.lease_namespace,
                identity: flags.identity.unwrap_or_else(identity),
                concurrency: flags.concurrency,
                max_concurrent_rollouts: flags.max_concurrent_rollouts,
                bounds,
                namespace_protection: flags.namespace_protection,
            }),
            _ => Err(SettingsError(faults)),
        }
    }
}

/// RFC 1123 label, as the API server wants a namespace's name.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Two processes on one host must differ, and so must a process and its successor: the number is drawn.
fn identity() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "operator".to_owned());
    format!("{host}-{:08x}", getrandom::u32().unwrap_or(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> Flags {
        Flags {
            namespaces: String::new(),
            trader_image: default_image(),
            listen: "127.0.0.1:0".into(),
            lease_namespace: None,
            identity: Some("one".into()),
            concurrency: 16,
            max_concurrent_rollouts: 10,
            step_deadline: "10m".into(),
            flatten_deadline: "10m".into(),
            namespace_deletion_deadline: "5m".into(),
            namespace_protection: false,
            report_silence: "90s".into(),
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = Settings::try_from(flags()).unwrap();
        assert!(settings.namespaces.is_empty());
        assert_eq!(settings.identity, "one");
        assert_eq!(settings.bounds, Bounds::default());
    }

    #[test]
    fn namespaces_are_listed_once() {
        let settings =
            Settings::try_from(Flags { namespaces: "b, a,b".into(), ..flags() }).unwrap();
        assert_eq!(settings.namespaces, ["a", "b"]);
    }

    #[test]
    fn all_faults_come_at_once() {
        let error = Settings::try_from(Flags {
            namespaces: "Bad_Name".into(),
            trader_image: "no-tag".into(),
            listen: "8080".into(),
            concurrency: 0,
            max_concurrent_rollouts: 0,
            flatten_deadline: "soon".into(),
            identity: Some(String::new()),
            lease_namespace: Some(String::new()),
            ..flags()
        })
        .unwrap_err();
        assert_eq!(error.0.len(), 8, "{error}");
    }
}
