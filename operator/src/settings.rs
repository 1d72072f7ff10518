//! What the process is told: flags and environment, checked all at once.

use std::net::SocketAddr;

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
    /// Name of this process in the leader's Lease and in events. [default: the host's name and a number]
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub identity: Option<String>,
    /// How many objects of a kind are worked on at once.
    #[arg(long, env = "SAPPHIRE_CONCURRENCY", value_name = "N", default_value_t = 16)]
    pub concurrency: usize,
    /// How many TradingSystems may roll a change out at once.
    #[arg(long, env = "SAPPHIRE_MAX_CONCURRENT_ROLLOUTS", value_name = "N", default_value_t = 10)]
    pub max_concurrent_rollouts: usize,
}

fn default_image() -> String {
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
}

/// Every fault of the flags.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

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
        if !(1..=256).contains(&flags.concurrency) {
            faults.push(format!("--concurrency: {} is not from 1 to 256", flags.concurrency));
        }
        if flags.max_concurrent_rollouts == 0 {
            faults.push(
                "--max-concurrent-rollouts: 0 would let no change out; write 1 or more".into(),
            );
        }
        match listen {
            Ok(listen) if faults.is_empty() => Ok(Self {
                namespaces,
                trader_image: flags.trader_image,
                listen,
                lease_namespace: flags.lease_namespace,
                identity: flags.identity.unwrap_or_else(identity),
                concurrency: flags.concurrency,
                max_concurrent_rollouts: flags.max_concurrent_rollouts,
            }),
            _ => Err(SettingsError(faults)),
        }
    }
}

/// RFC 1123 label, as the API server wants a namespace's name.
fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 63 && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
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
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = Settings::try_from(flags()).unwrap();
        assert!(settings.namespaces.is_empty());
        assert_eq!(settings.identity, "one");
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
            ..flags()
        })
        .unwrap_err();
        assert_eq!(error.0.len(), 5, "{error}");
    }
}
