//! What the three kinds share: reading, applying, collecting, telling.

pub mod apply;
pub mod backoff;
pub mod children;
pub mod conditions;
pub mod conflict;
pub mod controller;
pub mod desired;
pub mod equality;
pub mod events;
pub mod health;
pub mod key;
pub mod kind;
pub mod mirror;
pub mod orphans;
pub mod outcome;
pub mod queue;
pub mod requests;
pub mod revert;
pub mod revisions;
pub mod status_writer;
pub mod stored;
pub mod undecodable;
pub mod version;
pub mod wording;
pub mod workload;
