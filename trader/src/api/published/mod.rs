//! What the desk thread shows, and what the handlers read.
//!
//! The desk thread owns the [`Publisher`]; everybody else holds a [`Published`], which is cheap to
//! clone. Each section (status, orders, …) is one immutable value behind an atomic pointer: the
//! desk swaps in a new one and never waits for a reader, readers never see half of a change.
//!
//! # How a desk uses it
//! ```
//! use std::time::Instant;
//! use sapphire_trader::api::published::{DeskFacts, Publisher, Sections};
//! use sapphire_trader::api::view;
//! # use sapphire_engine::time::Span;
//! # let facts = DeskFacts { instruments: vec![], agents: vec![], bar_interval: Span::hours(1) };
//! # let (sequence, records) = (1, Vec::<sapphire_engine::journal::Record>::new());
//! # let mut running = true;
//! let (mut publisher, published) = Publisher::new(facts); // `published` goes to the server
//! while running {
//!     publisher.beat(); // every turn, at least once a second: liveness rests on it
//!     // … one step of the desk, then say what it touched: this only sets bits.
//!     publisher.journal_head(sequence);
//!     for record in &records {
//!         publisher.mark(Sections::touched_by(record));
//!     }
//!     // At most ten times a second `due` is not empty, and only what was marked is built.
//!     let due = publisher.due(Instant::now());
//!     if due.contains(Sections::POSITIONS) {
//!         publisher.positions(view::Positions::default());
//!     }
//!     publisher.settle(); // readers that want sections of one moment wait for it
//! #   running = false;
//! }
//! publisher.finish(); // an orderly end; dropped without it, /healthz says that the desk died
//! # assert!(published.positions.current().is_some());
//! ```
//! A market event marks [`Sections::MARKED_TO_MARKET`]. Bars, fills and points of the equity curve
//! are handed over as they happen ([`Publisher::bar`], [`Publisher::fill`],
//! [`Publisher::equity_point`]): a copy of some 60 bytes each, turned into decimals only when
//! somebody reads. `due` publishes the markets by itself. At the end of a run call
//! [`Publisher::due_now`] once more, so that the last state is shown.

mod curve;
mod life;
mod publisher;
mod section;
mod sections;
mod series;

pub use curve::{CURVE_POINTS_MAX, Curve, CurvePoint};
pub use life::Liveness;
pub use publisher::{DeskFacts, PUBLISH_INTERVAL, PortfolioState, Published, Publisher};
pub use section::{Edition, Section};
pub use sections::Sections;
pub use series::{BARS_MAX, FILLS_MAX, FillPoint, MarketSeries};
