//! How opinions become decisions.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::values::{Duration, Fraction, unless_decimal, whole};

/// How opinions become decisions.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new(concat!("!has(self.approval) || ", unless_decimal!("self.approval"), "double(self.approval) > 0.5"))
        .message("approval of a half or less would let two opposite directions win at once; set it above 0.5, such as \"0.67\"").field_path(".approval")
)]
pub struct Consensus {
    /// How many agents must agree on a direction.
    #[serde(default = "whole::<3>")]
    #[schemars(range(min = 1, max = 50))]
    pub min_agents: u32,
    /// Share of the weight cast that a direction needs to win.
    #[serde(default = "Fraction::constant::<67, 2>")]
    pub approval: Fraction,
    /// A round closes at the latest so long after its bar.
    #[serde(default = "Duration::constant::<30_000>")]
    pub timeout: Duration,
    /// Greatest share of all weight that one agent may have.
    #[serde(default = "Fraction::constant::<40, 2>")]
    pub max_weight: Fraction,
}

impl Default for Consensus {
    fn default() -> Self {
        Self {
            min_agents: 3,
            approval: Fraction::constant::<67, 2>(),
            timeout: Duration::constant::<30_000>(),
            max_weight: Fraction::constant::<40, 2>(),
        }
    }
}
