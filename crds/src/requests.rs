//! What people ask for by annotation, and what was done about it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::values::Text;

/// The values of annotations that the operator acted upon, so that each acts once. An annotation with
/// another value asks anew; one that was removed is forgotten.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Handled {
    /// Of `sapphiretrade.xyz/reconcile-now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile_now: Option<Text>,
    /// Of `sapphiretrade.xyz/adopt-defaults`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt_defaults: Option<Text>,
    /// Of `sapphiretrade.xyz/migrate`, where it is `true`: one `true` lets one rollout migrate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrate: Option<Text>,
    /// Of `sapphiretrade.xyz/promote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promote: Option<Text>,
    /// Of `sapphiretrade.xyz/abandon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandon: Option<Text>,
}
