//! The last 24 hours of a symbol, for people: change and volume.

use std::collections::VecDeque;

use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::money::{Ratio, SCALE};
use sapphire_engine::time::{Span, Timestamp};

const DAY: Span = Span::hours(24);
const BUCKET: Span = Span::secs(60);

/// What was traded in a minute.
#[derive(Debug, Clone, Copy)]
struct Minute {
    starts: Timestamp,
    /// The last price in it.
    price: PriceTicks,
    volume: QtyLots,
}

/// Change and volume of the last 24 hours, to the minute: at most 1,440 buckets, whatever comes.
#[derive(Debug, Clone, Default)]
pub struct DayWindow {
    minutes: VecDeque<Minute>,
    volume: QtyLots,
    /// The last price before the window; `None` until there are 24 hours.
    base: Option<PriceTicks>,
    last: Option<PriceTicks>,
}

impl DayWindow {
    /// Takes a trade, or a bar at its close. Moments do not go back.
    pub fn observe(&mut self, at: Timestamp, price: PriceTicks, volume: QtyLots) {
        let starts = Timestamp(at.0 - at.0.rem_euclid(BUCKET.0));
        while let Some(oldest) = self.minutes.front() {
            if oldest.starts + DAY > starts {
                break;
            }
            self.base = Some(oldest.price);
            self.volume -= oldest.volume;
            self.minutes.pop_front();
        }
        self.volume += volume;
        self.last = Some(price);
        match self.minutes.back_mut() {
            Some(minute) if minute.starts >= starts => {
                minute.price = price;
                minute.volume += volume;
            }
            _ => self.minutes.push_back(Minute { starts, price, volume }),
        }
    }

    /// The last price over the one 24 hours before, less 1; `None` until there are 24 hours.
    #[must_use]
    pub fn change(&self) -> Option<Ratio> {
        let (last, base) = (self.last?, self.base?);
        let scaled = (i128::from(last.0) - i128::from(base.0)) * i128::from(SCALE);
        i64::try_from(scaled.checked_div_euclid(i128::from(base.0))?).ok().map(Ratio)
    }

    /// Traded quantity of the last 24 hours, or of what there is of them.
    #[must_use]
    pub const fn volume(&self) -> QtyLots {
        self.volume
    }

    /// The last price.
    #[must_use]
    pub const fn last_price(&self) -> Option<PriceTicks> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp(Span::hours(hours).0)
    }

    #[test]
    fn the_change_is_against_the_price_a_day_before() {
        let mut day = DayWindow::default();
        for hour in 0..24 {
            day.observe(hours(hour), PriceTicks(1000 + hour), QtyLots(1));
            assert_eq!(day.change(), None);
        }
        day.observe(hours(24), PriceTicks(1100), QtyLots(1));
        assert_eq!(day.change(), Some(Ratio::percent(10)));
        assert_eq!(day.volume(), QtyLots(24));
    }

    #[test]
    fn a_long_silence_empties_the_volume_and_keeps_the_price() {
        let mut day = DayWindow::default();
        day.observe(hours(0), PriceTicks(1000), QtyLots(5));
        day.observe(hours(100), PriceTicks(500), QtyLots(1));
        assert_eq!((day.change(), day.volume()), (Some(Ratio::percent(-50)), QtyLots(1)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut day = DayWindow::default();
        for second in 0..200_000 {
            day.observe(Timestamp(Span::secs(second).0), PriceTicks(7), QtyLots(1));
        }
        assert!(day.minutes.len() <= 1440);
        assert_eq!(day.volume(), QtyLots(86_400 - 60 + 200_000 % 60));
    }
}
