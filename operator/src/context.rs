//! What every reconcile works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::Timestamp;
use kube::Client;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};

use crate::makers::Makers;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::reconcile::child::{ChildRef, Controller, Live};
use crate::reconcile::children::Children;
use crate::reconcile::events::Events;
use crate::reconcile::key::Key;
use crate::reconcile::mirror::Mirror;
use crate::reconcile::pace::Pace;
use crate::reconcile::queue::Queue;
use crate::reconcile::revert::RevertLog;
use crate::reconcile::revisions::Revisions;
use crate::reconcile::sights::Sights;
use crate::reports::{self, Made, PodReport, Reports, TraderPods};
use crate::risk::generations::Generations;
use crate::settings::Settings;
use crate::system::by_hand::ByHand;
use crate::system::limits::LastSeen;
use crate::system::migration::Disruptions;
use crate::system::protection::Protection;
use crate::system::turns::Turns;
use crate::version::Definitions;

/// What every reconcile works with: the API server, what is known of it, and where to tell things.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What the process was told.
    pub settings: Settings,
    /// What of the cluster has been read.
    pub progress: Progress,
    /// All TradingSystems.
    pub systems: Mirror<TradingSystem>,
    /// All TradingAgents.
    pub agents: Mirror<TradingAgent>,
    /// All RiskPolicies.
    pub policies: Mirror<RiskPolicy>,
    /// All objects that bear our label.
    pub children: Children,
    /// What trader pods report.
    pub reports: Reports,
    /// Which Deployments made the pods of which that is in doubt.
    pub makers: Makers,
    /// What ControllerRevisions hold.
    pub revisions: Revisions,
    /// What was set back when.
    pub reverts: RevertLog,
    /// Which systems may roll out.
    pub turns: Turns,
    /// Which migration pods were taken away.
    pub disruptions: Disruptions,
    /// Under which policies the desks are.
    pub limits: LastSeen,
    /// What people restarted by hand.
    pub by_hand: ByHand,
    /// Where people are told things.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Which release the installed definitions are of.
    pub definitions: Definitions,
    /// Whether the cluster has ServiceMonitors.
    pub service_monitors: AtomicBool,
    /// How often statuses may follow what others say.
    pub pace: Paces,
    /// When the generations of policies were first seen.
    pub generations: Generations,
    /// Since when deletions have been seen.
    pub sights: Sights,
    /// Which namespaces are labelled as holding an exposed desk.
    pub protection: Protection,
    /// Who is to be woken; filled only while this process leads.
    pub queues: Queues,
    /// Since when this process leads, in seconds since 1970.
    leads_since: AtomicI64,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// How often statuses may follow what others say.
#[derive(Debug, Default)]
pub struct Paces {
    /// Of TradingSystems.
    pub systems: Pace,
    /// Of RiskPolicies.
    pub policies: Pace,
}

/// The queues of the three controllers.
#[derive(Debug, Default)]
pub struct Queues {
    /// Of TradingSystems.
    pub systems: Arc<Queue<Key>>,
    /// Of TradingAgents.
    pub agents: Arc<Queue<Key>>,
    /// Of RiskPolicies.
    pub policies: Arc<Queue<Key>>,
}

impl Context {
    /// A context that knows nothing yet.
    pub fn new(client: Client, settings: Settings, metrics: Metrics) -> Self {
        let events = Events::new(client.clone(), settings.identity.clone());
        Self {
            client,
            progress: Progress::default(),
            systems: Mirror::default(),
            agents: Mirror::default(),
            policies: Mirror::default(),
            children: Children::default(),
            reports: Reports::new(settings.bounds.report_silence),
            makers: Makers::default(),
            revisions: Revisions::default(),
            reverts: RevertLog::default(),
            turns: Turns::default(),
            disruptions: Disruptions::default(),
            limits: LastSeen::default(),
            by_hand: ByHand::default(),
            events,
            metrics,
            definitions: Definitions::default(),
            service_monitors: AtomicBool::new(false),
            pace: Paces::default(),
            generations: Generations::default(),
            sights: Sights::default(),
            protection: Protection::default(),
            queues: Queues::default(),
            leads_since: AtomicI64::new(Timestamp::now().as_second()),
            settings,
        }
    }

    /// From here on this process leads.
    pub fn leads(&self) {
        self.leads_since.store(Timestamp::now().as_second(), Ordering::Relaxed);
    }

    /// Since when this process leads, by its own clock.
    pub fn leads_since(&self) -> Timestamp {
        let second = self.leads_since.load(Ordering::Relaxed);
        Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
    }

    /// The trader pods of a desk, whether they report or not.
    pub fn trader_pods(&self, system: &Key) -> Vec<(ChildRef, Arc<Live>)> {
        self.traders(system).own
    }

    /// The ReplicaSets of those pods that may be of a former desk of that name, and the uids of all that made
    /// its pods.
    pub(crate) fn doubtful_pods(&self, system: &Key) -> (Vec<Controller>, Vec<String>) {
        let TraderPods { own, doubtful } = self.traders(system);
        let by = |(_, live): &(ChildRef, Arc<Live>)| live.controller.clone();
        let doubtful: Vec<Controller> = doubtful.iter().filter_map(by).collect();
        let all = own.iter().filter_map(by).chain(doubtful.iter().cloned());
        let all = all.map(|controller| controller.uid).collect();
        (doubtful, all)
    }

    fn traders(&self, system: &Key) -> TraderPods {
        reports::trader_pods(&self.children, &self.makers, system, self.made(system).as_ref())
    }

    /// What the trader pods of a desk report.
    pub fn reports_of(&self, system: &Key) -> Vec<PodReport> {
        let made = self.made(system);
        self.reports.of_desk(&self.children, &self.makers, system, made.as_ref())
    }

    fn made(&self, system: &Key) -> Option<Made> {
        let read = self.systems.read(system)?;
        let metadata =
            read.as_ref().map_or_else(|invalid| &invalid.metadata, |system| &system.metadata);
        Some(Made { uid: metadata.uid.clone()?, at: metadata.creation_timestamp.as_ref()?.0 })
    }

    /// Whether ServiceMonitors can be made.
    pub fn has_service_monitors(&self) -> bool {
        self.service_monitors.load(Ordering::Relaxed)
    }
}
