//! Markets to test on: bars made up, and the repository's hours of bitcoin.

use std::io::Read;
use std::sync::OnceLock;

use sapphire_engine::instrument::{PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::market::Trade;
use sapphire_engine::opinion::Direction;
use sapphire_engine::order::Side;
use sapphire_engine::snapshot::Snapshot;
use sapphire_engine::time::{Span, Timestamp};

use crate::rule::{Call, Rule};

/// A bar that closes at `close`, 0.1 % to each side, of volume 10.
pub(crate) fn bar(n: i32, close: f64) -> Snapshot<'static> {
    let number = n.unsigned_abs().into();
    Snapshot {
        symbol: SymbolId(0),
        name: Symbol::new("BTCUSD").unwrap(),
        bar: number,
        at: Timestamp(0) + Span::hours(i64::from(n) + 1),
        interval: Span::hours(1),
        open: close,
        high: close * 1.001,
        low: close * 0.999,
        close,
        volume: 10.0,
        taker_buy_volume: None,
        book: None,
        trades: &[],
        lot: 1.0,
        tick: 0.01,
    }
}

/// A printed trade of so many lots.
pub(crate) fn trade(aggressor: Side, lots: i64) -> Trade {
    Trade { id: 1, price: PriceTicks(10_000), quantity: QtyLots(lots), aggressor, at: Timestamp(0) }
}

/// The `n`-th of a fixed sequence without pattern, −1 to 1 (Weyl's, with the golden ratio, folded).
pub(crate) fn noise(n: i32) -> f64 {
    let x =
        (f64::from(n) * 0.618_033_988_749_895 + f64::from(n * n) * 0.414_213_562_373_095).fract();
    2.0 * x - 1.0
}

/// A market that rises and falls by 10 % in waves of `length` bars, with some noise.
pub(crate) fn wave(bars: i32, length: f64) -> Vec<Snapshot<'static>> {
    let price = |n: i32| {
        let phase = std::f64::consts::TAU * f64::from(n) / length;
        1000.0 * (1.0 + 0.1 * phase.sin() + 0.004 * noise(n))
    };
    (0..bars).map(|n| bar(n, price(n))).collect()
}

/// The side of a claim, `None` for an abstention.
pub(crate) fn direction(call: &Call) -> Option<Direction> {
    match call {
        Call::Claim { direction, .. } => Some(*direction),
        Call::Abstain(_) => None,
    }
}

/// The sides that a rule claims on bars, abstentions left out.
pub(crate) fn directions_on(rule: &mut dyn Rule, bars: &[Snapshot<'_>]) -> Vec<Direction> {
    bars.iter().filter_map(|bar| direction(&rule.observe(bar))).collect()
}

/// 20,111 hours of BTCUSD, oldest first, from `examples/data`.
pub(crate) fn hours_of_bitcoin() -> &'static [Snapshot<'static>] {
    static BARS: OnceLock<Vec<Snapshot<'static>>> = OnceLock::new();
    BARS.get_or_init(|| {
        let path =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/btcusd-coinbase-1h.csv.gz");
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        // A title line, the header, then rows, newest first: date,symbol,open,high,low,close,volume,…
        let rows: Vec<Vec<&str>> = text.lines().skip(2).map(|l| l.split(',').collect()).collect();
        let bars: Vec<_> = rows
            .iter()
            .rev()
            .zip(0..)
            .map(|(row, n)| {
                let [open, high, low, close, volume] =
                    [row[2], row[3], row[4], row[5], row[6]].map(|x| x.parse().unwrap());
                Snapshot { open, high, low, close, volume, ..bar(n, close) }
            })
            .collect();
        assert_eq!(bars.len(), 20_111);
        bars
    })
}
