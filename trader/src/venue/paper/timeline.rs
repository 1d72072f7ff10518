//! What is under way, by when it arrives.

use std::collections::VecDeque;

use sapphire_engine::time::Timestamp;

/// A queue by (time, order of entry). Few things are under way at once, and most arrive last, so a
/// sorted ring beats a heap, and two can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Timeline<T> {
    items: VecDeque<(Timestamp, T)>,
}

impl<T> Timeline<T> {
    pub(super) const fn new() -> Self {
        Self { items: VecDeque::new() }
    }

    /// Enters something that arrives at `due`, after all that arrives by then.
    pub(super) fn push(&mut self, due: Timestamp, item: T) {
        let place = self.items.partition_point(|&(other, _)| other <= due);
        self.items.insert(place, (due, item));
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.items.front().map(|&(due, _)| due)
    }

    /// The next thing, if it has arrived by `now`.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, T)> {
        if self.next_due()? > now {
            return None;
        }
        self.items.pop_front()
    }

    /// Everything that arrives after `due`, in order.
    pub(super) fn after(&self, due: Timestamp) -> impl Iterator<Item = &T> {
        let place = self.items.partition_point(|&(other, _)| other <= due);
        self.items.range(place..).map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_by_time_and_then_by_entry() {
        let mut timeline = Timeline::new();
        for (due, item) in [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b'), (9, 'e')] {
            timeline.push(Timestamp(due), item);
        }
        let order: String =
            std::iter::from_fn(|| timeline.pop_due(Timestamp(5))).map(|x| x.1).collect();
        assert_eq!(order, "abcd");
        assert_eq!(timeline.next_due(), Some(Timestamp(9)));
    }
}
