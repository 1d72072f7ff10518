//! The trader's Deployment.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, KeyToPath, PersistentVolumeClaimVolumeSource, SecretVolumeSource,
    Volume, VolumeMount,
};
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::{AsterCredentials, VenueChoice};

use super::backends::Backends;
use super::deployment::{self, Form};
use super::pod::{Amounts, HTTP, Part};
use super::{Rendering, manifests};
use crate::labels;
use crate::system::validate::{Valid, recordings};

/// Where a pod finds the desk's manifests.
pub(crate) const DESK: &str = "/etc/sapphire/desk";
/// Where it finds the policy, which changes without a restart.
const POLICY: &str = "/etc/sapphire/policy";
/// Where its recordings are: beside the manifests, since their paths are relative to these.
const DATA: &str = "/etc/sapphire/data";
/// Where the journal is.
const JOURNAL: &str = "/var/lib/sapphire";

/// Where the venue's keys are: `user`, `signer` and `privateKey`.
const CREDENTIALS: &str = "/etc/sapphire/credentials";

/// What a trader asks for by default: DESIGN's budget is 100 MB.
const AMOUNTS: Amounts = Amounts { cpu: "100m", memory: "128Mi", memory_limit: "512Mi" };

/// All of a desk in one pod: journal on a volume, agents inside.
pub(super) fn embedded(desk: &Valid, rendering: &Rendering<'_>) -> Deployment {
    let system = &desk.key.name;
    let mut mounts = mounts(desk, rendering);
    mounts.push(claim("journal", &super::volume::name(system), JOURNAL, false));
    let part = Part {
        args: arguments(system, &["--db", &format!("{JOURNAL}/desk.db")]),
        ..part(desk, mounts)
    };
    let form = Form {
        // Two pods cannot share the journal's file.
        strategy: Some("Recreate"),
        ..Form::of_role(system, Component::Trader)
    };
    deployment::deployment(desk, rendering, form, part)
}

/// A leader and a warm standby of one revision. The next revision's stand beside them until they lead.
pub(super) fn clustered(
    desk: &Valid,
    rendering: &Rendering<'_>,
    backends: &Backends<'_>,
) -> Deployment {
    let system = &desk.key.name;
    let mut mounts = mounts(desk, rendering);
    if let Ok(VenueChoice::Aster(aster)) = desk.system.spec.venue.choice() {
        mounts.push(credentials(&aster.credentials));
    }
    let part = Part {
        args: arguments(system, &["--store", "postgres", "--bus", "redis"]),
        env: backends.variables(),
        ..part(desk, mounts)
    };
    let mut selector = labels::selector(system, Component::Trader);
    selector.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    let name = revisioned_name(system, rendering.hash);
    deployment::deployment(desk, rendering, Form { name, selector, strategy: None }, part)
}

fn part(desk: &Valid, mounts: Vec<(Volume, VolumeMount)>) -> Part {
    Part {
        component: Component::Trader,
        args: Vec::new(),
        env: Vec::new(),
        ports: vec![("http", HTTP)],
        mounts,
        resources: desk.system.spec.trader.as_ref().and_then(|trader| trader.resources.clone()),
        default_resources: AMOUNTS,
        grace: 30,
        serves: true,
        asks: true,
    }
}

fn arguments(system: &str, store: &[&str]) -> Vec<String> {
    let listen = format!("0.0.0.0:{HTTP}");
    let common = ["run", "-f", DESK, POLICY, "--system", system, "--listen", &listen];
    let limits = ["--requests-per-minute", "600"];
    [&common[..], store, &limits].concat().into_iter().map(str::to_owned).collect()
}

/// Manifests, policy and recordings.
fn mounts(desk: &Valid, rendering: &Rendering<'_>) -> Vec<(Volume, VolumeMount)> {
    let system = &desk.key.name;
    let mut mounts = vec![
        manifests::of_desk(desk, rendering),
        config_map("policy", &manifests::limits_name(system), POLICY, &[manifests::LIMITS]),
    ];
    let mut claims: Vec<String> = recordings(&desk.system)
        .into_iter()
        .filter_map(|(_, volume)| volume.map(|volume| volume.claim_name.to_string()))
        .collect();
    claims.sort();
    claims.dedup();
    for (index, name) in claims.iter().enumerate() {
        mounts.push(claim(&format!("data-{index}"), name, &format!("{DATA}/{name}"), true));
    }
    mounts
}

/// The venue's keys, as files: an environment shows in more places than a file does.
fn credentials(credentials: &AsterCredentials) -> (Volume, VolumeMount) {
    let keys = &credentials.keys;
    let files = [("user", &keys.user), ("signer", &keys.signer), ("privateKey", &keys.private_key)];
    let items = files.map(|(file, key)| KeyToPath {
        key: key.to_string(),
        path: file.to_owned(),
        mode: None,
    });
    let source = SecretVolumeSource {
        secret_name: Some(credentials.secret_name.to_string()),
        items: Some(items.to_vec()),
        // Readable for the pod's group, and for nobody else.
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    };
    let volume =
        Volume { name: "credentials".to_owned(), secret: Some(source), ..Volume::default() };
    (volume, mount("credentials", CREDENTIALS, true))
}

/// The name of a revision's Deployment.
pub fn revisioned_name(system: &str, hash: &str) -> String {
    format!("{system}-trader-{hash}")
}

/// The name of an embedded desk's Deployment.
pub fn name(system: &str) -> String {
    format!("{system}-trader")
}

/// These files of a ConfigMap, and no other that somebody may put beside them: what reads the folder would take it
/// for a manifest.
pub(crate) fn config_map(
    volume: &str,
    name: &str,
    path: &str,
    files: &[&str],
) -> (Volume, VolumeMount) {
    let item =
        |file: &&str| KeyToPath { key: (*file).to_owned(), path: (*file).to_owned(), mode: None };
    let source = ConfigMapVolumeSource {
        name: name.to_owned(),
        items: Some(files.iter().map(item).collect()),
        ..ConfigMapVolumeSource::default()
    };
    let named = Volume { name: volume.to_owned(), config_map: Some(source), ..Volume::default() };
    (named, mount(volume, path, true))
}

fn claim(volume: &str, name: &str, path: &str, read_only: bool) -> (Volume, VolumeMount) {
    let source = PersistentVolumeClaimVolumeSource {
        claim_name: name.to_owned(),
        read_only: read_only.then_some(true),
    };
    let named = Volume {
        name: volume.to_owned(),
        persistent_volume_claim: Some(source),
        ..Volume::default()
    };
    (named, mount(volume, path, read_only))
}

fn mount(volume: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}
