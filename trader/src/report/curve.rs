//! The curve of equity beside that of buying and holding, and what is measured on them.

use sapphire_engine::indicators::{sharpe, sortino};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::time::Timestamp;

use super::running_sharpe::RunningSharpe;
use super::thinned::Thinned;

/// Days a year: crypto markets never close.
pub(super) const DAYS: f64 = 365.0;

/// A moment of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    /// When.
    pub at: Timestamp,
    /// Marked equity.
    pub equity: Amount,
    /// What buying and holding would be worth.
    pub hold: Amount,
}

/// The deepest fall from a highest point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fall {
    /// As a share of the highest point: 0 to 1, more when more than all was lost.
    pub depth: Ratio,
    /// When the highest point was.
    pub peak: Timestamp,
    /// When it was deepest.
    pub trough: Timestamp,
}

/// Follows a curve's highest point and deepest fall.
#[derive(Debug, Clone, Copy)]
struct FallWatch {
    peak: (Timestamp, Amount),
    deepest: f64,
    fall: Fall,
}

impl FallWatch {
    const fn new(at: Timestamp, value: Amount) -> Self {
        let fall = Fall { depth: Ratio::ZERO, peak: at, trough: at };
        Self { peak: (at, value), deepest: 0.0, fall }
    }

    fn see(&mut self, at: Timestamp, value: Amount) {
        let (peak_at, peak) = self.peak;
        if value >= peak {
            self.peak = (at, value);
            return;
        }
        let depth = 1.0 - float(value) / float(peak);
        if depth > self.deepest {
            self.deepest = depth;
            self.fall = Fall { depth: Ratio::from_f64(depth), peak: peak_at, trough: at };
        }
    }
}

/// The curves of a run.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    initial: Amount,
    points: Thinned<Point>,
    exposed: u64,
    /// The moment that is not over: several symbols' bars close at once.
    current: Option<(Point, bool)>,
    /// The last moment, once the curve is finished.
    last: Option<Point>,
    equity: Option<FallWatch>,
    hold: Option<FallWatch>,
    /// Equity at the end of each UTC day that is over.
    days: Vec<Amount>,
    sharpe: RunningSharpe,
}

/// Measures of a run's daily returns.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measures {
    pub sharpe: Option<f64>,
    pub sortino: Option<f64>,
    pub volatility: Option<f64>,
}

impl Curve {
    pub(super) fn new(initial: Amount) -> Self {
        Self {
            initial,
            points: Thinned::default(),
            exposed: 0,
            current: None,
            last: None,
            equity: None,
            hold: None,
            days: Vec::new(),
            sharpe: RunningSharpe::default(),
        }
    }

    /// Takes a moment; a later call for the same one replaces it.
    pub(super) fn observe(&mut self, point: Point, exposed: bool) {
        if let Some((last, was_exposed)) = self.current
            && last.at < point.at
        {
            self.commit(last, was_exposed);
            if day_of(last.at) < day_of(point.at) {
                self.end_day(last.equity);
            }
        }
        self.current = Some((point, exposed));
    }

    fn commit(&mut self, point: Point, exposed: bool) {
        let Point { at, equity, hold } = point;
        self.equity.get_or_insert_with(|| FallWatch::new(at, self.initial)).see(at, equity);
        self.hold.get_or_insert_with(|| FallWatch::new(at, self.initial)).see(at, hold);
        self.exposed += u64::from(exposed);
        self.points.push(point);
    }

    /// The curve with its last moment counted.
    pub(super) fn finished(&self) -> Self {
        let mut whole = self.clone();
        if let Some((last, exposed)) = whole.current.take() {
            whole.commit(last, exposed);
            whole.end_day(last.equity);
            whole.last = Some(last);
        }
        whole
    }

    /// Points for charts, thinned evenly; the last moment is always there.
    pub(super) fn points(&self) -> Vec<Point> {
        let last = self.last.filter(|last| self.points.kept().last() != Some(last));
        self.points.kept().iter().copied().chain(last).collect()
    }

    pub(super) fn equity_fall(&self) -> Option<Fall> {
        self.equity.map(|watch| watch.fall)
    }

    pub(super) fn hold_fall(&self) -> Option<Fall> {
        self.hold.map(|watch| watch.fall)
    }

    /// The share of moments with a position.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn exposure(&self) -> Option<Ratio> {
        let moments = self.points.seen();
        (moments > 0).then(|| Ratio::from_f64(self.exposed as f64 / moments as f64))
    }

    /// Sharpe of a curve that goes on: its last moment ends an unfinished day.
    pub(super) fn sharpe_so_far(&self) -> Option<f64> {
        let mut sharpe = self.sharpe;
        if let Some((today, _)) = self.current {
            sharpe.take(self.day_return(today.equity));
        }
        sharpe.value()
    }

    /// The return of a day that ends with `equity`, after those that are over.
    fn day_return(&self, equity: Amount) -> f64 {
        float(equity) / float(self.days.last().copied().unwrap_or(self.initial)) - 1.0
    }

    fn end_day(&mut self, equity: Amount) {
        self.sharpe.take(self.day_return(equity));
        self.days.push(equity);
    }

    /// Sharpe, Sortino and volatility of the returns per UTC day.
    pub(super) fn measures(&self) -> Measures {
        let mut before = self.initial;
        let mut returns = Vec::with_capacity(self.days.len());
        for equity in &self.days {
            returns.push(float(*equity) / float(before) - 1.0);
            before = *equity;
        }
        Measures {
            sharpe: sharpe(&returns, DAYS),
            sortino: sortino(&returns, DAYS),
            volatility: volatility(&returns),
        }
    }
}

/// The UTC day that a moment ends: midnight belongs to the day before.
const fn day_of(at: Timestamp) -> i64 {
    Timestamp(at.0 - 1).utc_day()
}

/// Annualised sample deviation of daily returns; `None` for fewer than two.
#[allow(clippy::cast_precision_loss)]
fn volatility(returns: &[f64]) -> Option<f64> {
    let count = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / count;
    let squares: f64 = returns.iter().map(|r| (r - mean) * (r - mean)).sum();
    let deviation = (squares / (count - 1.0)).sqrt() * DAYS.sqrt();
    (returns.len() >= 2 && deviation.is_finite()).then_some(deviation)
}

/// An amount as a float, in its own units: for ratios.
#[allow(clippy::cast_precision_loss)]
pub(super) const fn float(amount: Amount) -> f64 {
    amount.0 as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_engine::time::Span;

    fn point(hour: i64, equity: i64) -> Point {
        let equity = Amount::whole(equity);
        Point { at: Timestamp(Span::hours(hour).0), equity, hold: Amount::whole(100) }
    }

    fn curve(points: &[(i64, i64)]) -> Curve {
        let mut curve = Curve::new(Amount::whole(100));
        points.iter().for_each(|&(hour, equity)| curve.observe(point(hour, equity), hour % 2 == 0));
        curve.finished()
    }

    #[test]
    fn the_deepest_fall_has_its_dates() {
        let curve = curve(&[(0, 100), (1, 120), (2, 90), (3, 130), (4, 110)]);
        let fall = curve.equity_fall().unwrap();
        assert_eq!(fall.depth, Ratio::percent(25));
        assert_eq!((fall.peak, fall.trough), (point(1, 0).at, point(2, 0).at));
        assert_eq!(curve.hold_fall().unwrap().depth, Ratio::ZERO);
    }

    #[test]
    fn a_fall_counts_from_the_initial_balance() {
        assert_eq!(curve(&[(5, 80), (6, 90)]).equity_fall().unwrap().depth, Ratio::percent(20));
    }

    #[test]
    fn of_one_moment_the_last_word_counts() {
        let curve = curve(&[(1, 50), (1, 100), (3, 100)]);
        assert_eq!(curve.equity_fall().unwrap().depth, Ratio::ZERO);
        assert_eq!(curve.points().len(), 2);
    }

    #[test]
    fn returns_are_those_of_utc_days() {
        // Days end at 110, 99 and, unfinished, 108.9: +10 %, -10 %, +10 %.
        let mut curve = Curve::new(Amount::whole(100));
        for (hour, units) in [(5, 105), (24, 110), (25, 120), (47, 99), (50, 100)] {
            curve.observe(point(hour, units), true);
        }
        let last = Point { equity: "108.9".parse().unwrap(), ..point(60, 0) };
        curve.observe(last, true);
        let measures = curve.finished().measures();
        assert!((curve.sharpe_so_far().unwrap() - measures.sharpe.unwrap()).abs() < 1e-9);
        let returns = [0.1, -0.1, 0.1];
        assert!((measures.sharpe.unwrap() - sharpe(&returns, 365.0).unwrap()).abs() < 1e-9);
        assert!((measures.sortino.unwrap() - sortino(&returns, 365.0).unwrap()).abs() < 1e-9);
        let deviation = (4.0_f64 / 300.0).sqrt() * 365.0_f64.sqrt();
        assert!((measures.volatility.unwrap() - deviation).abs() < 1e-9);
    }

    #[test]
    fn a_day_has_no_measures() {
        let one = curve(&[(1, 100), (2, 120)]);
        assert_eq!((one.measures(), one.sharpe_so_far()), (Measures::default(), None));
    }

    /// It is asked for several times a second, for as long as a desk runs.
    #[test]
    fn the_sharpe_ratio_so_far_costs_the_same_after_many_days() {
        let mut curve = Curve::new(Amount::whole(100));
        (1..20_000).for_each(|day| curve.observe(point(24 * day, 100 + day % 7), true));
        let began = std::time::Instant::now();
        for _ in 0..20_000 {
            assert!(curve.sharpe_so_far().is_some());
        }
        // Milliseconds; to walk over all the days each time would take a minute.
        let took = began.elapsed();
        assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    }

    #[test]
    fn points_are_thinned_and_keep_the_last() {
        let many: Vec<(i64, i64)> = (0..100_001).map(|hour| (hour, 100 + hour % 7)).collect();
        let curve = curve(&many);
        let points = curve.points();
        assert_eq!(points.last().unwrap().at, point(100_000, 0).at);
        let step = points[1].at - points[0].at;
        assert!(points[..points.len() - 1].windows(2).all(|pair| pair[1].at - pair[0].at == step));
        assert_eq!(curve.exposure().unwrap().to_string(), "0.500005"); // 50,001 of 100,001
    }
}
