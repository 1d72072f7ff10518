//! A desk's children, pure: a file a kind of thing, and one list that none can be left out of.
//!
//! Two parts. What shapes pods is *rendered*, once per revision, and stored there. Everything else is
//! built anew in every reconcile.

pub mod access;
pub mod autoscaler;
pub mod backends;
pub(crate) mod budget;
mod coordinator;
mod deployment;
pub(crate) mod manifests;
pub mod migration_pod;
mod monitor;
mod network;
pub mod pod;
mod readers;
#[cfg(test)]
mod reference;
mod service;
pub mod trader;
mod volume;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::Component;

use super::limit::Limit;
use super::validate::{Shape, Valid};
use crate::reconcile::desired::{Desired, Replicas};
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use backends::Backends;
use monitor::ServiceMonitor;
use pod::{COORDINATOR, HTTP};

/// Why a child could not be written as JSON; none of Kubernetes' types fails at it.
pub(crate) fn unwritable(error: &serde_json::Error) -> Hold {
    Hold::stalled(Reason::InvalidSpec, format!("a child cannot be written: {error}"))
}

/// What shapes the pod of an embedded desk.
struct EmbeddedPods {
    manifests: ConfigMap,
    trader: Deployment,
}

impl EmbeddedPods {
    /// In the order of applying: what a pod reads comes before it.
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self { manifests, trader } = self;
        Ok(vec![
            Desired::new(Kind::ConfigMap, &manifests, Replicas::None)?,
            // Scaling to zero is the emergency stop of many runbooks, and stays. That two never run is
            // settled by [`one_trader`]: how many is no part of a revision.
            Desired::new(Kind::Deployment, &trader, Replicas::Initially(1))?,
        ])
    }
}

/// What an embedded desk has beside its pod.
struct EmbeddedRest {
    account: ServiceAccount,
    role: Role,
    binding: RoleBinding,
    policy: ConfigMap,
    volume: PersistentVolumeClaim,
    service: Service,
    network: NetworkPolicy,
    budget: PodDisruptionBudget,
    monitor: Option<ServiceMonitor>,
}

impl EmbeddedRest {
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self { account, role, binding, policy, volume, service, network, budget, monitor } =
            self;
        let mut ordered = vec![
            Desired::new(Kind::ServiceAccount, &account, Replicas::None)?,
            Desired::new(Kind::Role, &role, Replicas::None)?,
            Desired::new(Kind::RoleBinding, &binding, Replicas::None)?,
            Desired::new(Kind::ConfigMap, &policy, Replicas::None)?,
            Desired::new(Kind::PersistentVolumeClaim, &volume, Replicas::None)?,
            Desired::new(Kind::Service, &service, Replicas::None)?,
            Desired::new(Kind::NetworkPolicy, &network, Replicas::None)?,
            Desired::new(Kind::PodDisruptionBudget, &budget, Replicas::None)?,
        ];
        if let Some(monitor) = monitor {
            ordered.push(Desired::new(Kind::ServiceMonitor, &monitor, Replicas::None)?);
        }
        Ok(ordered)
    }
}

/// What shapes the pods of a desk over PostgreSQL and Redis. Its agents' pods are the TradingAgents'.
struct ClusteredPods {
    manifests: ConfigMap,
    migration: Pod,
    trader: Deployment,
    coordinator: Deployment,
    api: Deployment,
}

impl ClusteredPods {
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self { manifests, migration, trader, coordinator, api } = self;
        Ok(vec![
            Desired::new(Kind::ConfigMap, &manifests, Replicas::None)?,
            Desired::new(Kind::Pod, &migration, Replicas::None)?,
            // A leader and its standby; from then on whoever scales them.
            Desired::new(Kind::Deployment, &trader, Replicas::Initially(2))?,
            // One: two would count the same votes twice. Its successor takes over within a round.
            Desired::new(Kind::Deployment, &coordinator, Replicas::Exactly(1))?,
            // Settled by [`readers`] at each reconcile: how many is no part of a revision.
            Desired::new(Kind::Deployment, &api, Replicas::Initially(READERS))?,
        ])
    }
}

/// An embedded desk's trader is alone: two would open one journal.
pub fn one_trader(desk: &Valid, children: &mut [Desired]) {
    if matches!(desk.shape, Shape::Embedded(_)) {
        let traders = children.iter_mut().filter(|child| child.kind == Kind::Deployment);
        traders.for_each(|child| child.replicas = Replicas::AtMost(1));
    }
}

/// Readers of a desk that says nothing of their number.
const READERS: i32 = 2;

/// Whose the readers' number is: the autoscaler's where there is one, else the spec's.
pub fn readers(desk: &Valid, children: &mut [Desired]) {
    let api = desk.system.spec.api.as_ref();
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let rule =
        match (api.and_then(|api| api.autoscaling.as_ref()), api.and_then(|api| api.replicas)) {
            (Some(autoscaling), _) => Replicas::Initially(number(autoscaling.min_replicas)),
            (None, Some(replicas)) => Replicas::Exactly(number(replicas)),
            (None, None) => Replicas::Exactly(READERS),
        };
    let name = readers::name(&desk.key.name);
    let is_readers = |child: &&mut Desired| child.kind == Kind::Deployment && child.name == name;
    if let Some(child) = children.iter_mut().find(is_readers) {
        child.replicas = rule;
    }
}

/// What a desk over PostgreSQL and Redis has beside its pods.
struct ClusteredRest {
    /// One a role, agents' included.
    accounts: [ServiceAccount; 5],
    trader_role: Role,
    trader_binding: RoleBinding,
    coordinator_role: Role,
    coordinator_binding: RoleBinding,
    policy: ConfigMap,
    trader_service: Service,
    coordinator_service: Service,
    api_service: Service,
    networks: [NetworkPolicy; 5],
    trader_budget: PodDisruptionBudget,
    api_budget: PodDisruptionBudget,
    autoscaler: Option<HorizontalPodAutoscaler>,
    monitor: Option<ServiceMonitor>,
}

impl ClusteredRest {
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self {
            accounts,
            trader_role,
            trader_binding,
            coordinator_role,
            coordinator_binding,
            policy,
            trader_service,
            coordinator_service,
            api_service,
            networks,
            trader_budget,
            api_budget,
            autoscaler,
            monitor,
        } = self;
        let none = Replicas::None;
        let mut ordered = Vec::new();
        for account in &accounts {
            ordered.push(Desired::new(Kind::ServiceAccount, account, none)?);
        }
        for (role, binding) in
            [(&trader_role, &trader_binding), (&coordinator_role, &coordinator_binding)]
        {
            ordered.push(Desired::new(Kind::Role, role, none)?);
            ordered.push(Desired::new(Kind::RoleBinding, binding, none)?);
        }
        ordered.push(Desired::new(Kind::ConfigMap, &policy, none)?);
        for service in [&trader_service, &coordinator_service, &api_service] {
            ordered.push(Desired::new(Kind::Service, service, none)?);
        }
        for network in &networks {
            ordered.push(Desired::new(Kind::NetworkPolicy, network, none)?);
        }
        for budget in [&trader_budget, &api_budget] {
            ordered.push(Desired::new(Kind::PodDisruptionBudget, budget, none)?);
        }
        if let Some(autoscaler) = &autoscaler {
            ordered.push(Desired::new(Kind::HorizontalPodAutoscaler, autoscaler, none)?);
        }
        if let Some(monitor) = &monitor {
            ordered.push(Desired::new(Kind::ServiceMonitor, monitor, none)?);
        }
        Ok(ordered)
    }
}

/// Renders what shapes pods, for an image and the revision's hash.
///
/// # Errors
/// Stalled where the desk cannot be written.
pub fn render(desk: &Valid, image: &str, hash: &str) -> Result<Vec<Desired>, Hold> {
    let revision = Rendering { image, hash };
    let manifests = manifests::desk(desk, &revision)?;
    let ordered = match &desk.shape {
        Shape::Embedded(_) => {
            EmbeddedPods { manifests, trader: trader::embedded(desk, &revision) }.ordered()
        }
        Shape::Clustered { postgres, redis } => {
            let backends = Backends { postgres, redis };
            let pods = ClusteredPods {
                manifests,
                migration: migration_pod::pod(desk, &revision, &backends),
                trader: trader::clustered(desk, &revision, &backends),
                coordinator: coordinator::deployment(desk, &revision, &backends),
                api: readers::deployment(desk, &revision, &backends),
            };
            pods.ordered()
        }
    };
    ordered.map_err(|error| unwritable(&error))
}

/// The ConfigMap of a desk's limits.
pub fn limits_of(system: &Key) -> Key {
    system.beside(manifests::limits_name(&system.name).as_str())
}

/// The file in which pods read their limits.
pub const LIMITS: &str = manifests::LIMITS;

/// Builds the limits alone.
///
/// # Errors
/// As [`render`].
pub fn limits(system: &Key, limits: &[Limit]) -> Result<Desired, Hold> {
    let limits = manifests::limits(system, limits)?;
    Desired::new(Kind::ConfigMap, &limits, Replicas::None).map_err(|error| unwritable(&error))
}

/// Builds everything else.
///
/// # Errors
/// As [`render`].
pub fn build(desk: &Valid) -> Result<Vec<Desired>, Hold> {
    use Component::{Agent, Api, Coordinator, Migration, Trader};
    let policy = manifests::limits(&desk.key, &desk.limits)?;
    let monitor = desk.service_monitors.then(|| monitor::desk(desk));
    let ordered = match &desk.shape {
        Shape::Embedded(volume) => EmbeddedRest {
            account: access::account(desk, Trader),
            role: access::trader_role(desk),
            binding: access::binding(desk, Trader),
            policy,
            volume: volume::claim(desk, volume),
            service: service::api(desk, Trader),
            network: network::ingress(desk, Trader, &[HTTP]),
            budget: budget::one_at_a_time(desk, Trader),
            monitor,
        }
        .ordered(),
        Shape::Clustered { .. } => ClusteredRest {
            accounts: Component::ALL.map(|component| access::account(desk, component)),
            trader_role: access::trader_role(desk),
            trader_binding: access::binding(desk, Trader),
            coordinator_role: access::coordinator_role(desk),
            coordinator_binding: access::binding(desk, Coordinator),
            policy,
            trader_service: service::trader(desk),
            coordinator_service: service::coordinator(desk),
            api_service: service::api(desk, Api),
            networks: [
                network::ingress(desk, Trader, &[HTTP]),
                network::ingress(desk, Coordinator, &[COORDINATOR]),
                network::ingress(desk, Api, &[HTTP]),
                network::ingress(desk, Agent, &[HTTP]),
                network::ingress(desk, Migration, &[]),
            ],
            trader_budget: budget::one_at_a_time(desk, Trader),
            api_budget: budget::one_at_a_time(desk, Api),
            autoscaler: autoscaler::readers(desk),
            monitor,
        }
        .ordered(),
    };
    ordered.map_err(|error| unwritable(&error))
}

/// What a rendering depends on beside the desk.
#[derive(Debug, Clone, Copy)]
pub struct Rendering<'a> {
    /// The image of the desk's own containers.
    pub image: &'a str,
    /// The revision's hash, in names and labels.
    pub hash: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::Stored;
    use crate::system::examples::{clustered, system, valid};
    use rstest::rstest;
    use sapphire_crds::TradingSystem;
    use serde_json::{Value, json};
    use std::sync::Arc;

    type Example = fn(Value) -> Arc<Stored<TradingSystem>>;

    fn written(children: &[Desired]) -> Value {
        children.iter().map(Desired::store).collect()
    }

    fn all(system: Arc<Stored<TradingSystem>>) -> Vec<Desired> {
        let desk = valid(system);
        let rendered = render(&desk, "sapphire-trader:1", "0123456789").unwrap();
        [build(&desk).unwrap(), rendered].concat()
    }

    fn aster() -> Value {
        json!({"venue": {"paper": null, "aster": {
            "network": "Mainnet", "credentials": {"secretName": "keys"}}}, "live": true})
    }

    #[rstest]
    #[case("embedded", system(json!({})))]
    #[case("clustered", clustered(aster()))]
    fn a_desk_as_yaml(#[case] shape: &str, #[case] system: Arc<Stored<TradingSystem>>) {
        let desk = valid(system);
        let rendered = render(&desk, "sapphire-trader:1", "0123456789").unwrap();
        // Whether maps keep their order is a feature that any crate of a build may switch on.
        insta::with_settings!({sort_maps => true}, {
            insta::assert_yaml_snapshot!(format!("{shape}_pods"), written(&rendered));
            insta::assert_yaml_snapshot!(format!("{shape}_rest"), written(&build(&desk).unwrap()));
        });
    }

    #[rstest]
    #[case(system(json!({})))]
    #[case(clustered(json!({})))]
    fn no_two_children_have_one_name(#[case] system: Arc<Stored<TradingSystem>>) {
        let all = all(system);
        let names: std::collections::BTreeSet<(Kind, &str)> =
            all.iter().map(|child| (child.kind, child.name.as_str())).collect();
        assert_eq!(names.len(), all.len());
    }

    /// Every pod template among the children, with the child's name.
    fn pods(children: &[Desired]) -> Vec<(&str, &Value)> {
        let spec = |child: &'_ Desired| match child.kind {
            Kind::Pod => Some("/spec"),
            Kind::Deployment => Some("/spec/template/spec"),
            _ => None,
        };
        children
            .iter()
            .filter_map(|child| Some((child.name.as_str(), child.content.pointer(spec(child)?)?)))
            .collect()
    }

    #[rstest]
    #[case(1, system as Example)]
    #[case(4, clustered as Example)]
    fn overrides_reach_every_pod(#[case] count: usize, #[case] example: Example) {
        let all = all(example(json!({"podOverrides": {
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "desks", "operator": "Exists", "effect": "NoSchedule"}],
            "imagePullSecrets": [{"name": "pull"}],
            "env": [{"name": "EXTRA", "value": "1"},
                {"name": "ENABLE_PAPER_TRADING", "value": "1"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "priorityClassName": "first",
            "nativeSidecars": [{"name": "proxy", "image": "proxy:1", "args": ["--db"], "readyPort": 5432}],
        }})));
        let pods = pods(&all);
        assert_eq!(pods.len(), count);
        for (name, pod) in pods {
            assert_eq!(pod["nodeSelector"]["disk"], "fast", "{name}");
            assert_eq!(pod["tolerations"][0]["key"], "desks", "{name}");
            assert_eq!(pod["imagePullSecrets"][0]["name"], "pull", "{name}");
            assert_eq!(pod["priorityClassName"], "first", "{name}");
            let sidecar = &pod["initContainers"][0];
            assert_eq!(sidecar["restartPolicy"], "Always", "{name}");
            assert_eq!(sidecar["startupProbe"]["tcpSocket"]["port"], 5432, "{name}");
            let env = pod["containers"][0]["env"].as_array().unwrap();
            let of = |wanted: &str| env.iter().filter(|v| v["name"] == wanted).collect::<Vec<_>>();
            assert_eq!(of("EXTRA")[0]["value"], "1", "{name}");
            assert_eq!(of("ENABLE_PAPER_TRADING").len(), 1, "{name}");
            assert_eq!(of("ENABLE_PAPER_TRADING")[0]["value"], "1", "{name}");
            assert_eq!(of("TOKEN")[0]["valueFrom"]["secretKeyRef"]["name"], "s", "{name}");
        }
    }

    #[rstest]
    #[case(system(json!({})))]
    #[case(clustered(json!({})))]
    fn every_pod_is_confined(#[case] system: Arc<Stored<TradingSystem>>) {
        let all = all(system);
        for (name, pod) in pods(&all) {
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
            assert_eq!(
                pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
                "{name}"
            );
            let container = &pod["containers"][0]["securityContext"];
            assert_eq!(container["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(container["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(container["capabilities"]["drop"][0], "ALL", "{name}");
            // Only who asks the API server has a token, and only he a Role.
            let asks = pod["automountServiceAccountToken"] == true;
            let account = pod["serviceAccountName"].as_str().unwrap();
            let has_role = all.iter().any(|c| c.kind == Kind::Role && c.name == account);
            assert_eq!(asks, has_role, "{name}");
        }
    }

    #[rstest]
    #[case(json!({}), Replicas::Exactly(2), 0)]
    #[case(json!({"api": {"replicas": 5}}), Replicas::Exactly(5), 0)]
    #[case(json!({"api": {"autoscaling": {"minReplicas": 3, "maxReplicas": 9, "targetCpuPercent": 70}}}),
        Replicas::Initially(3), 1)]
    fn readers_are_the_autoscalers_or_the_specs(
        #[case] patch: Value,
        #[case] rule: Replicas,
        #[case] autoscalers: usize,
    ) {
        let desk = valid(clustered(patch));
        let mut rendered = render(&desk, "sapphire-trader:1", "0123456789").unwrap();
        readers(&desk, &mut rendered);
        let api = rendered.iter().find(|child| child.name == "desk-api").unwrap();
        assert_eq!(api.replicas, rule);
        let rest = build(&desk).unwrap();
        let scaled = rest.iter().filter(|c| c.kind == Kind::HorizontalPodAutoscaler).count();
        assert_eq!(scaled, autoscalers);
    }

    #[rstest]
    #[case(system(json!({})), Replicas::AtMost(1))]
    #[case(clustered(json!({})), Replicas::Initially(2))]
    fn an_embedded_trader_is_alone_whenever_it_was_rendered(
        #[case] system: Arc<Stored<TradingSystem>>,
        #[case] rule: Replicas,
    ) {
        let desk = valid(system);
        let mut rendered = render(&desk, "sapphire-trader:1", "0123456789").unwrap();
        let stored =
            |all: &[Desired]| all.iter().any(|c| matches!(c.replicas, Replicas::AtMost(_)));
        assert!(!stored(&rendered), "no part of a revision");
        one_trader(&desk, &mut rendered);
        let mut traders = rendered.iter().filter(|child| child.name.starts_with("desk-trader"));
        assert!(traders.any(|trader| trader.replicas == rule));
    }

    #[test]
    fn real_money_takes_the_second_lock_off() {
        let lock = |system| {
            let all = all(system);
            pods(&all).iter().all(|(_, pod)| {
                let env = pod["containers"][0]["env"].as_array().unwrap();
                env.iter().any(|v| v["name"] == "ENABLE_PAPER_TRADING" && v["value"] == "true")
            })
        };
        assert!(lock(clustered(json!({}))));
        assert!(!lock(clustered(aster())));
    }
}
