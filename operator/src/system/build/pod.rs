//! What all pods of a desk have in common, whatever their role; what people override, they override here.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
    HTTPGetAction, LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecretKeySelector,
    SecurityContext, TCPSocketAction, Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sapphire_crds::references::SecretKeyReference;
use sapphire_crds::trading_system::{
    EnvVar as DeskEnvVar, PodOverrides, PullPolicy, ResourceAmounts, Resources, Sidecar,
    TradingSystemSpec,
};
use serde::Serialize;

use super::Rendering;
use crate::labels::{self, Component};

/// The user that desks run as: that of distroless images.
const USER: i64 = 65_532;
/// Where the port of every role is that people and probes ask.
pub const HTTP: i32 = 8080;
/// Where the coordinator listens.
pub const COORDINATOR: i32 = 8081;
/// Where nothing is kept.
const SCRATCH: &str = "/tmp";
/// How much fits there. (Tests of upgrades need a release that renders desks otherwise.)
const SCRATCH_SIZE: &str = if cfg!(feature = "other-builder") { "128Mi" } else { "64Mi" };

/// One role's part of a pod.
#[derive(Debug, Clone)]
pub struct Part {
    /// The role.
    pub component: Component,
    /// Arguments of the image's entry point.
    pub args: Vec<String>,
    /// Environment variables beside those that every pod has.
    pub env: Vec<EnvVar>,
    /// Where it listens, by the port's name.
    pub ports: Vec<(&'static str, i32)>,
    /// What is mounted where.
    pub mounts: Vec<(Volume, VolumeMount)>,
    /// CPU and memory, where the desk asks for some.
    pub resources: Option<Resources>,
    /// CPU and memory otherwise.
    pub default_resources: Amounts,
    /// How long it may take to leave, in seconds.
    pub grace: i64,
    /// Whether it serves requests, and so has probes.
    pub serves: bool,
    /// Whether it asks the API server, and so has a token.
    pub asks: bool,
}

/// CPU and memory that a role asks for by default. No CPU limit: throttling a trading loop costs more
/// than it saves.
#[derive(Debug, Clone, Copy)]
pub struct Amounts {
    /// CPU request.
    pub cpu: &'static str,
    /// Memory request.
    pub memory: &'static str,
    /// Memory limit.
    pub memory_limit: &'static str,
}

/// A variable with a value.
pub fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into()), value_from: None }
}

/// A variable whose value a Secret holds; the kubelet reads it, nobody else.
pub fn secret(name: &str, reference: &SecretKeyReference) -> EnvVar {
    let selector = SecretKeySelector {
        name: reference.name.to_string(),
        key: reference.key.to_string(),
        optional: None,
    };
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(selector),
            ..EnvVarSource::default()
        }),
    }
}

/// A variable that tells the pod something of itself.
fn field(name: &str, path: &str) -> EnvVar {
    let selector = ObjectFieldSelector { field_path: path.to_owned(), api_version: None };
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(selector), ..EnvVarSource::default() }),
    }
}

/// The template of a role's pods.
pub fn template(
    system: &str,
    spec: &TradingSystemSpec,
    rendering: &Rendering<'_>,
    part: Part,
) -> PodTemplateSpec {
    let none = PodOverrides::default();
    let overrides = spec.pod_overrides.as_ref().unwrap_or(&none);
    let mut pod_labels = labels::of_component(system, part.component);
    pod_labels.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(pod_labels), ..ObjectMeta::default() }),
        spec: Some(pod(system, spec, overrides, rendering, part)),
    }
}

fn pod(
    system: &str,
    spec: &TradingSystemSpec,
    overrides: &PodOverrides,
    rendering: &Rendering<'_>,
    part: Part,
) -> PodSpec {
    let (mut volumes, mut mounts): (Vec<Volume>, Vec<VolumeMount>) =
        part.mounts.iter().cloned().unzip();
    volumes.push(Volume {
        name: "scratch".into(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(SCRATCH_SIZE.into())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    });
    mounts.push(VolumeMount {
        name: "scratch".into(),
        mount_path: SCRATCH.into(),
        ..VolumeMount::default()
    });
    let mut env = vec![
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("POD_UID", "metadata.uid"),
        variable("SAPPHIRE_SYSTEM", system),
        variable("SAPPHIRE_REVISION", rendering.hash),
    ];
    if !spec.live {
        // A second lock beside the manifest: with it no pod of this desk trades real money.
        env.push(variable("ENABLE_PAPER_TRADING", "true"));
    }
    env.extend(part.env.iter().cloned());
    // Last, so that they win: of two variables of one name the kubelet takes the later.
    for wanted in &overrides.env {
        env.retain(|own| own.name != wanted.name.as_str());
        env.push(override_variable(wanted));
    }
    let image = spec.image.as_ref();
    let main = Container {
        name: part.component.to_string(),
        image: Some(rendering.image.to_owned()),
        image_pull_policy: image.and_then(|image| image.pull_policy).map(pull_policy),
        args: Some(part.args.clone()),
        env: Some(env),
        ports: some(
            part.ports
                .iter()
                .map(|(name, port)| ContainerPort {
                    name: Some((*name).to_owned()),
                    container_port: *port,
                    protocol: Some("TCP".into()),
                    ..ContainerPort::default()
                })
                .collect(),
        ),
        volume_mounts: Some(mounts),
        resources: Some(
            part.resources
                .as_ref()
                .map_or_else(|| default_resources(part.default_resources), resources),
        ),
        startup_probe: part.serves.then(|| probe("/healthz", 10, 30)),
        readiness_probe: part
            .serves
            .then(|| Probe { initial_delay_seconds: Some(5), ..probe("/readyz", 10, 3) }),
        liveness_probe: part.serves.then(|| probe("/healthz", 10, 3)),
        security_context: Some(confined()),
        // Last words of a process that ended, where it left none in a file.
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..Container::default()
    };
    PodSpec {
        containers: vec![main],
        init_containers: some(overrides.native_sidecars.iter().map(sidecar).collect()),
        volumes: Some(volumes),
        automount_service_account_token: Some(part.asks),
        service_account_name: Some(format!("{system}-{}", part.component)),
        node_selector: overrides.node_selector.as_ref().map(|labels| {
            labels.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
        }),
        tolerations: some(overrides.tolerations.iter().map(toleration).collect()),
        image_pull_secrets: some(
            overrides
                .image_pull_secrets
                .iter()
                .map(|secret| LocalObjectReference { name: secret.name.to_string() })
                .collect(),
        ),
        priority_class_name: overrides.priority_class_name.as_ref().map(ToString::to_string),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".into(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        termination_grace_period_seconds: Some(part.grace),
        // Variables of all Services of the namespace are nothing that a desk asked for.
        enable_service_links: Some(false),
        ..PodSpec::default()
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn confined() -> SecurityContext {
    SecurityContext { read_only_root_filesystem: Some(true), ..restricted() }
}

/// What the Pod Security Standard `restricted` asks of every container, those of others included.
fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
        ..SecurityContext::default()
    }
}

fn probe(path: &str, period: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.into()),
            port: IntOrString::String("http".into()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        // A second, Kubernetes' default, is less than a busy machine may take.
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

fn default_resources(amounts: Amounts) -> ResourceRequirements {
    let quantity = |amount: &str| Quantity(amount.to_owned());
    ResourceRequirements {
        requests: Some(BTreeMap::from([
            ("cpu".to_owned(), quantity(amounts.cpu)),
            ("memory".to_owned(), quantity(amounts.memory)),
        ])),
        limits: Some(BTreeMap::from([("memory".to_owned(), quantity(amounts.memory_limit))])),
        ..ResourceRequirements::default()
    }
}

fn resources(asked: &Resources) -> ResourceRequirements {
    let amounts = |amounts: &ResourceAmounts| {
        let named = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
        let set = named.into_iter().filter_map(|(name, amount)| {
            Some((name.to_owned(), Quantity(amount.as_ref()?.as_str().to_owned())))
        });
        set.collect::<BTreeMap<_, _>>()
    };
    ResourceRequirements {
        requests: asked.requests.as_ref().map(amounts).filter(|set| !set.is_empty()),
        limits: asked.limits.as_ref().map(amounts).filter(|set| !set.is_empty()),
        ..ResourceRequirements::default()
    }
}

fn pull_policy(policy: PullPolicy) -> String {
    word(&policy)
}

/// The word that an enum is written as.
fn word<T: Serialize>(value: &T) -> String {
    let written = serde_json::to_value(value).ok();
    written.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn toleration(wanted: &sapphire_crds::trading_system::Toleration) -> Toleration {
    Toleration {
        key: wanted.key.as_ref().map(ToString::to_string),
        operator: wanted.operator.as_ref().map(word),
        value: wanted.value.as_ref().map(ToString::to_string),
        effect: wanted.effect.as_ref().map(word),
        toleration_seconds: wanted.toleration_seconds,
    }
}

fn override_variable(wanted: &DeskEnvVar) -> EnvVar {
    match &wanted.value_from {
        Some(source) => secret(wanted.name.as_str(), &source.secret_key_ref),
        None => variable(
            wanted.name.as_str(),
            wanted.value.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    }
}

/// An init container that restarts always: it is up before the main one, and cannot keep a pod that is
/// to complete from completing.
fn sidecar(wanted: &Sidecar) -> Container {
    Container {
        name: wanted.name.to_string(),
        image: Some(wanted.image.to_string()),
        args: some(wanted.args.iter().map(ToString::to_string).collect()),
        env: some(wanted.env.iter().map(override_variable).collect()),
        resources: wanted.resources.as_ref().map(resources),
        restart_policy: Some("Always".into()),
        startup_probe: wanted.ready_port.and_then(|port| i32::try_from(port).ok()).map(|port| {
            Probe {
                tcp_socket: Some(TCPSocketAction { port: IntOrString::Int(port), host: None }),
                period_seconds: Some(1),
                failure_threshold: Some(120),
                ..Probe::default()
            }
        }),
        security_context: Some(restricted()),
        ..Container::default()
    }
}
