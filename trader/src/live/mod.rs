//! A desk that somebody watches: paced by the wall clock, shown on a page, commanded by people,
//! its policy followed on disk, its journal durable and taken up again after a kill.

mod drive;
mod enforce;
mod exhibit;
mod inbox;
mod manifest_watch;
mod pace;
mod policy_sight;
mod policy_watch;
mod take_up;

pub use drive::{Driven, Ending, Hand, drive, serve_out, show_now};
pub use enforce::catch_up;
pub use exhibit::{About, Exhibit, Labels};
pub use inbox::{Message, PolicyFile};
pub use manifest_watch::{ManifestSource, ManifestWatch, watch_manifests};
pub use pace::{Pace, Speed, SpeedError};
pub use policy_watch::{PolicySource, PolicyWatch, watch};
pub use take_up::{TakeUpError, Taken, take_up};
