//! What is due later: wake-ups that the engine asked for, and opinions on their way.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use sapphire_engine::event::Timer;
use sapphire_engine::opinion::Opinion;
use sapphire_engine::time::Timestamp;

/// Something that arrives at a known moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Due {
    Timer(Timer),
    Opinion(Opinion),
}

#[derive(Debug, Clone)]
struct Entry {
    at: Timestamp,
    number: u64,
    due: Due,
}

impl Ord for Entry {
    /// The earliest is the greatest; of one moment, the one that was put in first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Entry {}

/// What is due, by time; of one moment, in the order in which it was put in.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    entries: BinaryHeap<Entry>,
    added: u64,
}

impl Queue {
    pub(super) fn put(&mut self, at: Timestamp, due: Due) {
        self.added += 1;
        self.entries.push(Entry { at, number: self.added, due });
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.entries.peek().map(|entry| entry.at)
    }

    pub(super) fn take(&mut self) -> Option<(Timestamp, Due)> {
        self.entries.pop().map(|entry| (entry.at, entry.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_engine::instrument::SymbolId;

    #[test]
    fn what_is_due_comes_by_time_then_in_order() {
        let mut queue = Queue::default();
        let timer = |n| Due::Timer(Timer::Verify(SymbolId(n)));
        for (at, n) in [(5, 0), (3, 1), (5, 2), (4, 3), (3, 4)] {
            queue.put(Timestamp(at), timer(n));
        }
        assert_eq!(queue.next_due(), Some(Timestamp(3)));
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        let expected = [(3, 1), (3, 4), (4, 3), (5, 0), (5, 2)];
        assert_eq!(taken, expected.map(|(at, n)| (Timestamp(at), timer(n))));
        assert_eq!(queue.next_due(), None);
    }
}
