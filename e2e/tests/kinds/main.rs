//! What the API server says of our kinds. `KUBECONFIG` may name one that is there.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod corpus;
mod definitions;
mod examples;
mod transitions;

use sapphire_e2e::Cluster;
use tokio::sync::OnceCell;

/// The shared cluster, which has our kinds.
async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<&'static Cluster> = OnceCell::const_new();
    let prepare = || async {
        let cluster = Cluster::shared().await.unwrap();
        sapphire_e2e::definitions::install(cluster).await.unwrap();
        cluster
    };
    CLUSTER.get_or_init(prepare).await
}
