//! How a desk comes back: it works through the same data again, with the same inputs at the same
//! places, until its journal ends.

use super::input::PastInput;
use super::kernel::{Desk, Witness};
use super::retrace::Retrace;
use crate::store::{JournalSink, StoreError};
use crate::venue::Venue;

/// Works through the data until the stored journal ends, bringing `past` in at its places, and
/// comparing every record. `progress` is told how many events of the feed were taken.
///
/// # Errors
/// [`StoreError::Diverged`] at the first record that is not the stored one.
pub fn bring_back<V: Venue, J: JournalSink, W: Witness>(
    desk: &mut Desk<V, Retrace<J>, W>,
    past: &[PastInput],
    mut progress: impl FnMut(u64),
) -> Result<(), StoreError> {
    const TOLD_EVERY: u64 = 4096;
    let mut past = past.iter().peekable();
    while desk.journal().is_behind() {
        let taken = desk.feed().position();
        if taken.is_multiple_of(TOLD_EVERY) {
            progress(taken);
        }
        if let Some(next) = past.next_if(|next| next.events <= taken) {
            desk.inject(next.at, &next.input)?;
        } else if !desk.advance()? {
            return Err(desk.journal().missing());
        }
    }
    desk.flush()
}
