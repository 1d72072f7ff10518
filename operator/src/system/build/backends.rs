//! Where the pods of a desk find their store and their bus.

use k8s_openapi::api::core::v1::EnvVar;
use sapphire_crds::references::SecretKeyReference;

use super::pod::secret;

/// The keys of Secrets that hold the URLs. The kubelet reads them; the operator has no right to.
#[derive(Debug, Clone, Copy)]
pub struct Backends<'a> {
    /// PostgreSQL's.
    pub postgres: &'a SecretKeyReference,
    /// Redis'.
    pub redis: &'a SecretKeyReference,
}

impl Backends<'_> {
    /// Both, as variables.
    pub fn variables(&self) -> Vec<EnvVar> {
        vec![self.store(), self.bus()]
    }

    /// The store's.
    pub fn store(&self) -> EnvVar {
        secret("DATABASE_URL", self.postgres)
    }

    /// The bus'.
    pub fn bus(&self) -> EnvVar {
        secret("REDIS_URL", self.redis)
    }
}
