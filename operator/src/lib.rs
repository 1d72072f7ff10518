//! Sapphire's operator: TradingSystems, TradingAgents and RiskPolicies become workloads, and what
//! these report becomes status.
//!
//! `dereference` (all reads) → `validate` (pure) → `build` (pure, a file a child) → `apply` → `status`;
//! the types make the order.

pub mod agent;
pub mod api_server;
pub mod census;
pub mod cli;
pub mod context;
pub mod diff;
pub mod election;
pub mod http;
pub mod labels;
pub mod makers;
pub mod metrics;
pub mod operator;
pub mod progress;
pub mod reconcile;
pub mod reports;
pub mod risk;
pub mod settings;
pub mod system;
pub mod telemetry;
pub mod version;
pub mod wake;
pub mod watches;
