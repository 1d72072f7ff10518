//! Plays the traders: kwok's pods run nothing, so somebody must say what a trader in them would.
//!
//! For each trader pod that is Ready it writes the pod's Lease with a report, as the pod would: one of a
//! desk's pods leads, a leader hands over when the system asks for another revision, limits are
//! acknowledged as the files have them that the pod mounts, a desk that is told to close closes. What a
//! desk's traders do is its [`Conduct`], which a test changes while they run.

mod conduct;
mod desk;
mod files;
mod leases;
mod sight;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

pub use conduct::Conduct;
use desk::Desk;
use leases::Leases;
use sight::Sight;

use crate::error::Error;

/// How often the traders look around. A real one watches, and is quicker.
const PACE: Duration = Duration::from_millis(100);

/// Namespace and name of a system.
type Key = (String, String);
type Conducts = Arc<Mutex<BTreeMap<Key, Conduct>>>;

/// The traders of a namespace, or of all. They fall silent when this is dropped.
#[derive(Debug)]
pub struct Traders {
    conducts: Conducts,
    _tasks: JoinSet<()>,
}

impl Traders {
    /// Starts to play the traders of one namespace, or with `None` of all. Sapphire's kinds must be
    /// served.
    ///
    /// # Errors
    /// When the objects that traders look at cannot be listed.
    pub async fn start(client: &Client, namespace: Option<&str>) -> Result<Self, Error> {
        let mut tasks = JoinSet::new();
        let sight = Sight::open(client, namespace, &mut tasks).await?;
        let conducts = Conducts::default();
        tasks.spawn(play(sight, Leases::new(client.clone()), conducts.clone()));
        Ok(Self { conducts, _tasks: tasks })
    }

    /// Changes what the traders of a system do from here on.
    pub fn conduct(&self, namespace: &str, system: &str, change: impl FnOnce(&mut Conduct)) {
        let mut conducts = self.conducts.lock().unwrap_or_else(PoisonError::into_inner);
        change(conducts.entry((namespace.to_owned(), system.to_owned())).or_default());
    }
}

async fn play(mut sight: Sight, mut leases: Leases, conducts: Conducts) {
    let mut desks: BTreeMap<Key, Desk> = BTreeMap::new();
    let mut pace = interval(PACE);
    loop {
        pace.tick().await;
        let facts = sight.facts();
        desks.retain(|key, _| facts.contains_key(key));
        leases.forget_all_but(facts.values().flat_map(|facts| &facts.pods));
        for (key, facts) in facts {
            let conduct = {
                let conducts = conducts.lock().unwrap_or_else(PoisonError::into_inner);
                conducts.get(&key).cloned().unwrap_or_default()
            };
            let desk = desks.entry(key).or_default();
            let reports = desk.look(&facts, &conduct, Instant::now());
            for (pod, report) in facts.pods.iter().zip(reports) {
                if !conduct.silent {
                    leases.tell(pod, &report, &conduct).await;
                }
            }
        }
    }
}
