//! The kinds of children, one table: what they are called, and which are watched how.

use kube::api::ApiResource;

/// A kind of object that the operator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // Kubernetes' own names
pub enum Kind {
    ServiceAccount,
    Role,
    RoleBinding,
    ConfigMap,
    PersistentVolumeClaim,
    Service,
    NetworkPolicy,
    PodDisruptionBudget,
    Pod,
    Deployment,
    HorizontalPodAutoscaler,
    ServiceMonitor,
    ControllerRevision,
}

/// How a kind is called.
struct Names {
    kind: &'static str,
    plural: &'static str,
    group: &'static str,
    version: &'static str,
}

impl Kind {
    /// Every kind, in the order in which children are applied: what pods read and run as comes before
    /// the pods, what scales them after.
    pub const ALL: [Self; 13] = [
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Pod,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::ServiceMonitor,
        Self::ControllerRevision,
    ];

    fn names(self) -> Names {
        let (kind, plural, group) = match self {
            Self::ServiceAccount => ("ServiceAccount", "serviceaccounts", ""),
            Self::Role => ("Role", "roles", "rbac.authorization.k8s.io"),
            Self::RoleBinding => ("RoleBinding", "rolebindings", "rbac.authorization.k8s.io"),
            Self::ConfigMap => ("ConfigMap", "configmaps", ""),
            Self::PersistentVolumeClaim => ("PersistentVolumeClaim", "persistentvolumeclaims", ""),
            Self::Service => ("Service", "services", ""),
            Self::NetworkPolicy => ("NetworkPolicy", "networkpolicies", "networking.k8s.io"),
            Self::PodDisruptionBudget => ("PodDisruptionBudget", "poddisruptionbudgets", "policy"),
            Self::Pod => ("Pod", "pods", ""),
            Self::Deployment => ("Deployment", "deployments", "apps"),
            Self::HorizontalPodAutoscaler => {
                ("HorizontalPodAutoscaler", "horizontalpodautoscalers", "autoscaling")
            }
            Self::ServiceMonitor => ("ServiceMonitor", "servicemonitors", "monitoring.coreos.com"),
            Self::ControllerRevision => ("ControllerRevision", "controllerrevisions", "apps"),
        };
        let version = if self == Self::HorizontalPodAutoscaler { "v2" } else { "v1" };
        Names { kind, plural, group, version }
    }

    /// The name that manifests give it.
    pub fn name(self) -> &'static str {
        self.names().kind
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As the client needs it.
    pub fn resource(self) -> ApiResource {
        let Names { kind, plural, group, version } = self.names();
        let api_version =
            if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// Group and version as `apiVersion` writes them.
    pub fn api_version(self) -> String {
        self.resource().api_version
    }

    /// Whether every cluster has it. The others are asked for by discovery.
    pub fn is_built_in(self) -> bool {
        self != Self::ServiceMonitor
    }

    /// Whether only its metadata are watched. A revision's data are large, never change, and are read
    /// when they are needed.
    pub fn metadata_suffices(self) -> bool {
        self == Self::ControllerRevision
    }

    /// Whether it is removed when the operator no longer wants it. What keeps a journal goes with its
    /// owner only, revisions have a history of their own, and pods end by themselves.
    pub fn is_collected(self) -> bool {
        !matches!(self, Self::PersistentVolumeClaim | Self::ControllerRevision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(Kind::named("Secret"), None);
    }

    #[test]
    fn pods_come_after_what_they_read_and_before_what_scales_them() {
        let place = |wanted| Kind::ALL.iter().position(|kind| *kind == wanted).unwrap();
        for before in [Kind::ServiceAccount, Kind::RoleBinding, Kind::ConfigMap, Kind::Service] {
            assert!(place(before) < place(Kind::Deployment), "{before:?}");
        }
        assert!(place(Kind::Deployment) < place(Kind::HorizontalPodAutoscaler));
    }
}
