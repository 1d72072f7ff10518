//! Indicators equal TA-Lib's to 1e-9 (relative), warm-up included, on real bars of the repository.
//! `vectors/make.py` made the references with TA-Lib 0.8.2.

use std::collections::BTreeMap;

use sapphire_engine::indicators::{Atr, Bands, Bollinger, Ema, Macd, MacdValue, Rsi, Sma};

/// A table of numbers by column name; an empty cell is `None`: TA-Lib defines nothing there.
struct Table {
    columns: BTreeMap<&'static str, usize>,
    rows: Vec<Vec<&'static str>>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        Self {
            columns: header.into_iter().enumerate().map(|(at, name)| (name, at)).collect(),
            rows: lines.collect(),
        }
    }

    fn text(&self, row: usize, column: &str) -> &'static str {
        self.rows[row][self.columns[column]]
    }

    fn number(&self, row: usize, column: &str) -> Option<f64> {
        let text = self.text(row, column);
        (!text.is_empty()).then(|| text.parse().unwrap_or(f64::NAN))
    }
}

/// Both undefined, or equal to 1e-9 relative.
///
/// Differences of prices (MACD's lines, a lower band) pass through zero, where a relative error means
/// nothing; they may also differ by 1e-12 of the price that they came from. RSI and averages may not.
#[track_caller]
fn assert_agrees(name: &str, at: usize, got: Option<f64>, reference: Option<f64>, price: f64) {
    let is_difference = name.contains("macd") || name.contains("lower");
    let allowance = if is_difference { 1e-12 * price } else { 0.0 };
    let agrees = match (got, reference) {
        (None, None) => true,
        (Some(got), Some(reference)) => {
            (got - reference).abs() <= (1e-9 * reference.abs()).max(allowance)
        }
        _ => false,
    };
    assert!(agrees, "{name} at {at}: {got:?}, TA-Lib has {reference:?}");
}

/// One indicator's values over all bars, by the columns that they are compared with.
type Series = Vec<(&'static str, Vec<Option<f64>>)>;

fn single(name: &'static str, values: impl Iterator<Item = Option<f64>>) -> Series {
    vec![(name, values.collect())]
}

fn bands(names: [&'static str; 3], values: impl Iterator<Item = Option<Bands>>) -> Series {
    let values: Vec<_> = values.collect();
    let pick = |part: fn(Bands) -> f64| values.iter().map(|b| b.map(part)).collect();
    vec![
        (names[0], pick(|b| b.upper)),
        (names[1], pick(|b| b.middle)),
        (names[2], pick(|b| b.lower)),
    ]
}

fn macd(names: [&'static str; 3], values: impl Iterator<Item = Option<MacdValue>>) -> Series {
    let values: Vec<_> = values.collect();
    let pick = |part: fn(MacdValue) -> f64| values.iter().map(|m| m.map(part)).collect();
    vec![
        (names[0], pick(|m| m.macd)),
        (names[1], pick(|m| m.signal)),
        (names[2], pick(|m| m.histogram)),
    ]
}

#[test]
fn indicators_equal_ta_lib_on_5_000_hours_of_bitcoin() {
    let table = Table::read(include_str!("vectors/bars.csv"));
    let bars: Vec<[f64; 3]> = (0..table.rows.len())
        .map(|row| ["high", "low", "close"].map(|column| table.number(row, column).unwrap()))
        .collect();
    assert_eq!(bars.len(), 5_000);
    let closes = || bars.iter().map(|[_, _, close]| *close);

    let mut sma = Sma::new(20).unwrap();
    let (mut ema_10, mut ema_50) = (Ema::new(10).unwrap(), Ema::new(50).unwrap());
    let (mut rsi_14, mut rsi_2) = (Rsi::new(14).unwrap(), Rsi::new(2).unwrap());
    let (mut atr_14, mut atr_1) = (Atr::new(14).unwrap(), Atr::new(1).unwrap());
    let (mut wide, mut narrow) =
        (Bollinger::new(20, 2.0).unwrap(), Bollinger::new(5, 1.5).unwrap());
    let (mut usual, mut skewed) = (Macd::new(12, 26, 9).unwrap(), Macd::new(5, 35, 5).unwrap());
    let ours: Series = [
        single("sma_20", closes().map(|c| sma.update(c))),
        single("ema_10", closes().map(|c| ema_10.update(c))),
        single("ema_50", closes().map(|c| ema_50.update(c))),
        single("rsi_14", closes().map(|c| rsi_14.update(c))),
        single("rsi_2", closes().map(|c| rsi_2.update(c))),
        single("atr_14", bars.iter().map(|[h, l, c]| atr_14.update(*h, *l, *c))),
        single("atr_1", bars.iter().map(|[h, l, c]| atr_1.update(*h, *l, *c))),
        bands(
            ["bands_20_2_upper", "bands_20_2_middle", "bands_20_2_lower"],
            closes().map(|c| wide.update(c)),
        ),
        bands(
            ["bands_5_1.5_upper", "bands_5_1.5_middle", "bands_5_1.5_lower"],
            closes().map(|c| narrow.update(c)),
        ),
        macd(
            ["macd_12_26_9", "macd_12_26_9_signal", "macd_12_26_9_histogram"],
            closes().map(|c| usual.update(c)),
        ),
        macd(
            ["macd_5_35_5", "macd_5_35_5_signal", "macd_5_35_5_histogram"],
            closes().map(|c| skewed.update(c)),
        ),
    ]
    .concat();

    let references = Table::read(include_str!("vectors/indicators.csv"));
    assert_eq!(ours.len() + 1, references.columns.len(), "every reference column is compared");
    assert_eq!(references.rows.len(), 300 + 47 + 1);
    for row in 0..references.rows.len() {
        let at: usize = references.text(row, "index").parse().unwrap();
        for (name, values) in &ours {
            assert_agrees(name, at, values[at], references.number(row, name), bars[at][2]);
        }
    }
}

#[test]
fn edges_equal_ta_lib() {
    let table = Table::read(include_str!("vectors/edges.csv"));
    let (mut series, mut compared) = ("", 0);
    let new = || (Rsi::new(5).unwrap(), Atr::new(5).unwrap(), Bollinger::new(5, 2.0).unwrap());
    let (mut rsi, mut atr, mut bollinger) = new();
    for row in 0..table.rows.len() {
        if table.text(row, "series") != series {
            series = table.text(row, "series");
            (rsi, atr, bollinger) = new();
            compared += 1;
        }
        let [high, low, close] = ["high", "low", "close"].map(|c| table.number(row, c).unwrap());
        let bands = bollinger.update(close);
        for (column, got) in [
            ("rsi_5", rsi.update(close)),
            ("atr_5", atr.update(high, low, close)),
            ("upper", bands.map(|b| b.upper)),
            ("middle", bands.map(|b| b.middle)),
            ("lower", bands.map(|b| b.lower)),
        ] {
            let name = format!("{series} {column}");
            assert_agrees(&name, row, got, table.number(row, column), close);
        }
    }
    assert_eq!(compared, 8, "every series is compared");
}

#[test]
fn a_comparison_sees_an_error_of_one_in_a_hundred_million() {
    let caught = |got, reference| {
        std::panic::catch_unwind(|| assert_agrees("rsi_14", 0, got, reference, 100.0)).is_err()
    };
    assert!(caught(Some(100.000_001), Some(100.0)));
    assert!(caught(None, Some(100.0)));
    assert!(caught(Some(100.0), None));
    assert!(caught(Some(f64::NAN), Some(100.0)));
    assert!(!caught(Some(100.0), Some(100.0)));
}
