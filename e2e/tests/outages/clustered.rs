//! A desk over PostgreSQL and Redis with agents that vote and one that trades by itself, to lose operators
//! over.

use std::collections::BTreeSet;

use sapphire_e2e::{Case, Traders};

use crate::desk::{
    BACKENDS, POLICY, RECORDINGS, apply, staying, system, volumes, wait, with_maker,
};

/// Its manifests; `more` are lines of the system's spec.
pub(crate) fn desk(more: &str) -> String {
    with_maker(&system(&format!("{BACKENDS}{more}")))
}

/// Applies it, plays its traders, and waits until it is ready.
pub(crate) async fn installed(case: &Case<'_>, more: &str) -> Traders {
    let traders = Traders::start(&case.client(), Some(case.namespace())).await.unwrap();
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", desk(more))).await;
    volumes(case).await;
    wait(case, "Ready", "True").await;
    traders
}

/// The uids of the desk's pods that stay, but for those of some components.
pub(crate) async fn pods(case: &Case<'_>, but: &str) -> BTreeSet<String> {
    staying(case, &format!("app.kubernetes.io/component notin (migration{but})")).await
}
