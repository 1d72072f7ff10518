//! The programs, their versions, and how each is built.

/// The version of Kubernetes that clusters are made of.
pub const KUBERNETES: &str = "1.36.4";

/// A program that a cluster, or a test of one, is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// The store of the API server.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// Deployments, ReplicaSets, namespaces, garbage collection, autoscalers.
    KubeControllerManager,
    /// Puts pods on nodes.
    KubeScheduler,
    /// The command line.
    Kubectl,
    /// Plays nodes and pods.
    Kwok,
    /// Installs charts.
    Helm,
    /// Installs charts for those who have not moved on to Helm 4.
    Helm3,
    /// Checks manifests against published schemas.
    Kubeconform,
}

/// How a program is built from its Go module.
pub(super) enum Source {
    /// A package of a module that must be the main module's requirement, for its replacements.
    Required { module_file: &'static str, package: &'static str },
    /// A package that `go install` takes as it is.
    Installed { package: &'static str },
}

impl Tool {
    /// Every program, in the order in which a cold cache is best filled.
    pub const ALL: [Self; 9] = [
        Self::KubeApiserver,
        Self::KubeControllerManager,
        Self::KubeScheduler,
        Self::Kubectl,
        Self::Etcd,
        Self::Kwok,
        Self::Helm,
        Self::Helm3,
        Self::Kubeconform,
    ];

    /// The name of the executable.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubectl => "kubectl",
            Self::Kwok => "kwok",
            Self::Helm => "helm",
            Self::Helm3 => "helm3",
            Self::Kubeconform => "kubeconform",
        }
    }

    /// The version in use, without a leading `v`.
    pub const fn version(self) -> &'static str {
        match self {
            // 3.4 is too old for the API server's streaming lists.
            Self::Etcd => "3.6.14",
            Self::Kwok => "0.8.0",
            Self::Helm => "4.2.4",
            Self::Helm3 => "3.22.0",
            Self::Kubeconform => "0.7.0",
            _ => KUBERNETES,
        }
    }

    /// How long a build takes with downloads, on two cores.
    pub(super) const fn patience(self) -> &'static str {
        match self {
            Self::KubeApiserver => "about 6 minutes",
            Self::KubeControllerManager | Self::Etcd => "about a minute",
            Self::Kwok | Self::Helm | Self::Helm3 => "about 2 minutes",
            _ => "less than a minute",
        }
    }

    pub(super) const fn version_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kubectl => &["version", "--client"],
            Self::Helm | Self::Helm3 => &["version", "--short"],
            Self::Kubeconform => &["-v"],
            _ => &["--version"],
        }
    }

    pub(super) fn source(self) -> Source {
        const KUBERNETES_MODULE: &str = include_str!("kubernetes.mod");
        const ETCD_MODULE: &str = include_str!("etcd.mod");
        let kubernetes = |package| Source::Required { module_file: KUBERNETES_MODULE, package };
        match self {
            Self::KubeApiserver => kubernetes("k8s.io/kubernetes/cmd/kube-apiserver"),
            Self::KubeControllerManager => {
                kubernetes("k8s.io/kubernetes/cmd/kube-controller-manager")
            }
            Self::KubeScheduler => kubernetes("k8s.io/kubernetes/cmd/kube-scheduler"),
            Self::Kubectl => kubernetes("k8s.io/kubernetes/cmd/kubectl"),
            Self::Etcd => {
                Source::Required { module_file: ETCD_MODULE, package: "go.etcd.io/etcd/server/v3" }
            }
            Self::Kwok => Source::Installed { package: "sigs.k8s.io/kwok/cmd/kwok" },
            Self::Helm => Source::Installed { package: "helm.sh/helm/v4/cmd/helm" },
            Self::Helm3 => Source::Installed { package: "helm.sh/helm/v3/cmd/helm" },
            Self::Kubeconform => {
                Source::Installed { package: "github.com/yannh/kubeconform/cmd/kubeconform" }
            }
        }
    }

    /// The variables that a release build sets, without which a program does not know its version
    /// (and the API server not its feature gates' defaults).
    pub(super) fn stamped(self) -> Vec<(&'static str, String)> {
        let version = format!("v{}", self.version());
        match self {
            Self::KubeApiserver
            | Self::KubeControllerManager
            | Self::KubeScheduler
            | Self::Kubectl => {
                let mut numbers = self.version().split('.');
                let mut next = || numbers.next().unwrap_or_default().to_owned();
                vec![
                    ("k8s.io/component-base/version.gitVersion", version.clone()),
                    ("k8s.io/component-base/version.gitMajor", next()),
                    ("k8s.io/component-base/version.gitMinor", next()),
                    ("k8s.io/component-base/version.gitTreeState", "clean".to_owned()),
                    ("k8s.io/client-go/pkg/version.gitVersion", version),
                ]
            }
            Self::Helm => vec![("helm.sh/helm/v4/internal/version.version", version)],
            Self::Helm3 => vec![("helm.sh/helm/v3/internal/version.version", version)],
            Self::Kubeconform => vec![("main.version", version)],
            Self::Etcd | Self::Kwok => Vec::new(),
        }
    }
}
