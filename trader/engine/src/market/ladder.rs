//! One side of a book.

use std::collections::BTreeMap;

use super::book::Level;
use crate::instrument::{PriceTicks, QtyLots};
use crate::order::Side;

/// Ticks in the window: 16,384 of 0.10 are 2.6 % of a price of 62,000, and 128 KiB.
const WIDTH: usize = 1 << 14;
const WORD: usize = u64::BITS as usize;

/// The levels of a side. Those in a window of prices that holds the best are found by their price
/// alone, whatever their number; the few beyond it are in a tree. On a recorded book of 5,000 levels
/// an update takes an eighth of what a tree alone does.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    side: Side,
    best: Option<PriceTicks>,
    /// The price of the window's first place.
    base: i64,
    /// Quantities by `price - base`; stale where no bit is set. Empty before the first level.
    near: Vec<QtyLots>,
    /// A bit for each level in the window.
    present: Vec<u64>,
    /// Levels outside of the window. As the best is inside, all of them are worse than those in it.
    far: BTreeMap<PriceTicks, QtyLots>,
}

/// Two ladders are equal when they hold the same levels, wherever their windows are.
impl PartialEq for Ladder {
    fn eq(&self, other: &Self) -> bool {
        self.side == other.side && self.levels().eq(other.levels())
    }
}
impl Eq for Ladder {}

impl Ladder {
    pub(super) const fn new(side: Side) -> Self {
        Self {
            side,
            best: None,
            base: 0,
            near: Vec::new(),
            present: Vec::new(),
            far: BTreeMap::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.best = None;
        self.present.fill(0);
        self.far.clear();
    }

    pub(super) fn best(&self) -> Option<Level> {
        self.best.map(|price| Level { price, quantity: self.at(price) })
    }

    pub(super) fn at(&self, price: PriceTicks) -> QtyLots {
        match self.place(price) {
            Some(place) if self.is_present(place) => self.near[place],
            Some(_) => QtyLots::ZERO,
            None => self.far.get(&price).copied().unwrap_or_default(),
        }
    }

    /// Best first.
    pub(super) fn levels(&self) -> impl Iterator<Item = Level> + '_ {
        let mut next = self.best.and_then(|price| self.place(price));
        let near = std::iter::from_fn(move || {
            let place = next?;
            next = self.behind(place);
            Some(Level { price: self.price(place), quantity: self.near[place] })
        });
        let (bids, asks) = match self.side {
            Side::Buy => (Some(self.far.iter().rev()), None),
            Side::Sell => (None, Some(self.far.iter())),
        };
        let far = bids.into_iter().flatten().chain(asks.into_iter().flatten());
        near.chain(far.map(|(&price, &quantity)| Level { price, quantity }))
    }

    /// Sets levels to absolute quantities; zero removes one.
    pub(super) fn apply(&mut self, changes: &[Level]) {
        for change in changes {
            if change.quantity.0 == 0 {
                self.remove(change.price);
            } else {
                self.set(*change);
            }
        }
    }

    fn set(&mut self, level: Level) {
        if self.best.is_none_or(|best| self.is_better(level.price, best)) {
            self.best = Some(level.price);
            if self.near.is_empty() || self.place(level.price).is_none() {
                self.move_window(level.price);
            }
        }
        match self.place(level.price) {
            Some(place) => {
                self.near[place] = level.quantity;
                self.present[place / WORD] |= 1 << (place % WORD);
            }
            None => {
                self.far.insert(level.price, level.quantity);
            }
        }
    }

    fn remove(&mut self, price: PriceTicks) {
        let Some(place) = self.place(price) else {
            self.far.remove(&price);
            return;
        };
        self.present[place / WORD] &= !(1 << (place % WORD));
        if self.best != Some(price) {
            return;
        }
        let next = self.behind(place);
        self.best = next.map(|next| self.price(next)).or_else(|| self.best_far());
        if let Some(best) = self.best
            && next.is_none_or(|next| !self.has_room_behind(next))
            && !self.far.is_empty()
        {
            self.move_window(best);
        }
    }

    /// Moves the window to where three quarters of it lie behind the best price.
    fn move_window(&mut self, best: PriceTicks) {
        if self.near.is_empty() {
            self.near = vec![QtyLots::ZERO; WIDTH];
            self.present = vec![0; WIDTH / WORD];
        }
        for word in 0..self.present.len() {
            let mut bits = std::mem::take(&mut self.present[word]);
            while bits != 0 {
                let place = word * WORD + bits.trailing_zeros() as usize;
                self.far.insert(self.price(place), self.near[place]);
                bits &= bits - 1;
            }
        }
        let before = match self.side {
            Side::Buy => 3 * WIDTH / 4,
            Side::Sell => WIDTH / 4,
        };
        self.base = best.0.saturating_sub_unsigned(before as u64);
        let mut inside = self.far.split_off(&PriceTicks(self.base));
        if let Some(end) = self.base.checked_add_unsigned(WIDTH as u64) {
            self.far.append(&mut inside.split_off(&PriceTicks(end)));
        }
        for (price, quantity) in inside {
            self.set(Level { price, quantity });
        }
    }

    /// Where a price is in the window.
    fn place(&self, price: PriceTicks) -> Option<usize> {
        let place = usize::try_from(price.0.checked_sub(self.base)?).ok()?;
        (place < self.near.len()).then_some(place)
    }

    #[allow(clippy::cast_possible_wrap)] // below WIDTH
    const fn price(&self, place: usize) -> PriceTicks {
        PriceTicks(self.base + place as i64)
    }

    fn is_present(&self, place: usize) -> bool {
        self.present[place / WORD] & (1 << (place % WORD)) != 0
    }

    fn is_better(&self, price: PriceTicks, other: PriceTicks) -> bool {
        match self.side {
            Side::Buy => price > other,
            Side::Sell => price < other,
        }
    }

    /// The next level in the window that is worse than `place`.
    fn behind(&self, place: usize) -> Option<usize> {
        let (word, bit) = (place / WORD, place % WORD);
        match self.side {
            Side::Buy => {
                let below = self.present[word] & ((1 << bit) - 1);
                let words = std::iter::once((word, below))
                    .chain((0..word).rev().map(|word| (word, self.present[word])));
                let (word, bits) = words.into_iter().find(|&(_, bits)| bits != 0)?;
                Some(word * WORD + (WORD - 1 - bits.leading_zeros() as usize))
            }
            Side::Sell => {
                let above = self.present[word] & (u64::MAX << bit << 1);
                let words = std::iter::once((word, above))
                    .chain((word + 1..self.present.len()).map(|word| (word, self.present[word])));
                let (word, bits) = words.into_iter().find(|&(_, bits)| bits != 0)?;
                Some(word * WORD + bits.trailing_zeros() as usize)
            }
        }
    }

    /// Whether a quarter of the window is still behind a place.
    const fn has_room_behind(&self, place: usize) -> bool {
        match self.side {
            Side::Buy => place >= WIDTH / 4,
            Side::Sell => place < 3 * WIDTH / 4,
        }
    }

    fn best_far(&self) -> Option<PriceTicks> {
        match self.side {
            Side::Buy => self.far.last_key_value(),
            Side::Sell => self.far.first_key_value(),
        }
        .map(|(&price, _)| price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a ladder must equal.
    #[derive(Default)]
    struct Tree(BTreeMap<i64, i64>);

    impl Tree {
        fn set(&mut self, price: i64, quantity: i64) {
            if quantity == 0 {
                self.0.remove(&price);
            } else {
                self.0.insert(price, quantity);
            }
        }

        fn levels(&self, side: Side) -> Vec<Level> {
            let level = |(&price, &quantity): (&i64, &i64)| Level {
                price: PriceTicks(price),
                quantity: QtyLots(quantity),
            };
            match side {
                Side::Buy => self.0.iter().rev().map(level).collect(),
                Side::Sell => self.0.iter().map(level).collect(),
            }
        }
    }

    fn side() -> impl Strategy<Value = Side> {
        prop::sample::select(vec![Side::Buy, Side::Sell])
    }

    /// Prices near one another, at the edges of windows, and far away.
    fn price() -> impl Strategy<Value = i64> {
        let width = i64::try_from(WIDTH).unwrap();
        prop_oneof![
            8 => 100_000_i64..100_040,
            2 => prop::sample::select(vec![
                100_000 - width / 4, 100_000 - width / 4 - 1, 100_000 + 3 * width / 4 - 1,
                100_000 + 3 * width / 4, 100_000 - 3 * width / 4, 100_000 + width / 4,
            ]),
            2 => 1_i64..300_000,
            1 => prop::sample::select(vec![1, i64::MAX, i64::MAX - 1]),
        ]
    }

    proptest! {
        #[test]
        fn a_ladder_is_a_sorted_map(
            side in side(),
            changes in prop::collection::vec((price(), 0_i64..3), 1..200),
        ) {
            let (mut ladder, mut tree) = (Ladder::new(side), Tree::default());
            for (price, quantity) in changes {
                let change = Level { price: PriceTicks(price), quantity: QtyLots(quantity) };
                ladder.apply(&[change]);
                tree.set(price, quantity);
                let expected = tree.levels(side);
                prop_assert_eq!(ladder.best(), expected.first().copied());
                prop_assert_eq!(ladder.at(PriceTicks(price)), QtyLots(quantity));
                prop_assert_eq!(ladder.levels().collect::<Vec<_>>(), expected);
            }
        }

        /// A market that drifts through many windows.
        #[test]
        fn a_window_follows_the_best(
            side in side(),
            steps in prop::collection::vec((-9_000_i64..9_000, 1_i64..9), 1..60),
        ) {
            let (mut ladder, mut tree) = (Ladder::new(side), Tree::default());
            let mut price = 10_000_000;
            for (step, quantity) in steps {
                price += step;
                // What is better is gone, as when a market moves.
                let gone: Vec<_> = tree
                    .levels(side)
                    .into_iter()
                    .filter(|level| (level.price.0 - price) * side.sign() > 0)
                    .map(|level| Level { quantity: QtyLots::ZERO, ..level })
                    .collect();
                ladder.apply(&gone);
                gone.iter().for_each(|level| tree.set(level.price.0, 0));
                ladder.apply(&[Level { price: PriceTicks(price), quantity: QtyLots(quantity) }]);
                tree.set(price, quantity);
                prop_assert_eq!(ladder.levels().collect::<Vec<_>>(), tree.levels(side));
                let inside = ladder.levels().filter(|l| ladder.place(l.price).is_some()).count();
                prop_assert!(inside > 0, "the best is outside of the window");
            }
        }

        #[test]
        fn equality_is_of_levels(
            changes in prop::collection::vec((price(), 0_i64..3), 1..60),
        ) {
            let mut one = Ladder::new(Side::Buy);
            let mut tree = Tree::default();
            for (price, quantity) in changes {
                one.apply(&[Level { price: PriceTicks(price), quantity: QtyLots(quantity) }]);
                tree.set(price, quantity);
            }
            let mut other = Ladder::new(Side::Buy);
            other.apply(&tree.levels(Side::Buy));
            prop_assert!(one == other);
            other.apply(&[Level { price: PriceTicks(77), quantity: QtyLots(77) }]);
            prop_assert!(one != other);
            one.clear();
            prop_assert_eq!(one.best(), None);
            prop_assert_eq!(one.levels().count(), 0);
        }
    }
}
