//! The columns of a CSV of bars, found by what their names mean.

use sapphire_engine::instrument::Symbol;

use super::decimal::Decimal;
use super::error::Problem;
use super::stamp;

/// What a plain `volume` column counts. Exchanges differ and the data do not say; a name such as
/// `volume_btc` or `quote_volume` overrules it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VolumeUnit {
    /// Base currency.
    #[default]
    Base,
    /// Quote currency: divided by the bar's typical price (high + low + close) / 3.
    Quote,
}

/// A column of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VolumeColumn {
    pub index: usize,
    pub unit: VolumeUnit,
}

/// Where each value stands in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub delimiter: u8,
    pub width: usize,
    pub time: usize,
    /// Open, high, low, close.
    pub prices: [usize; 4],
    pub volume: Option<VolumeColumn>,
    pub taker_buy: Option<VolumeColumn>,
    pub symbol: Option<usize>,
}

/// What a line turned out to be, before the columns are known.
pub(super) enum Heading {
    /// A title, a licence, a web address: skip it.
    Title,
    /// The names of the columns.
    Header(Columns),
    /// No header: this is the first row already, in the order of the exchange's own files.
    Row(Columns),
}

/// Names of the opening time, the surest first.
const TIME: [&str; 9] =
    ["opentime", "timestamp", "datetime", "date", "time", "unix", "unixtime", "ts", "t"];
const PRICES: [[&str; 3]; 4] = [
    ["open", "openprice", "o"],
    ["high", "highprice", "h"],
    ["low", "lowprice", "l"],
    ["close", "closeprice", "c"],
];
const SYMBOL: [&str; 4] = ["symbol", "ticker", "pair", "instrument"];
const BASE_VOLUME: [&str; 4] = ["basevolume", "volumebase", "basevol", "volumebaseasset"];
const QUOTE_VOLUME: [&str; 8] = [
    "quotevolume",
    "volumequote",
    "quoteassetvolume",
    "quotevol",
    "turnover",
    "quoteav",
    "volumequoteasset",
    "amount",
];
const PLAIN_VOLUME: [&str; 3] = ["volume", "vol", "v"];
const TAKER_BUY_BASE: [&str; 5] =
    ["takerbuyvolume", "takerbuybasevolume", "takerbuybaseassetvolume", "takerbuybase", "tbbaseav"];

impl Columns {
    /// Says what a line is.
    ///
    /// # Errors
    /// A header without a column for the time.
    pub(super) fn of(line: &[u8], symbol: &Symbol, plain: VolumeUnit) -> Result<Heading, Problem> {
        let delimiter = delimiter(line);
        let fields: Vec<&[u8]> = fields(line, delimiter).collect();
        let names: Vec<String> = fields.iter().map(|field| normalised(field)).collect();
        let find = |meanings: &[&str]| {
            meanings.iter().find_map(|meaning| names.iter().position(|name| name == meaning))
        };
        let prices = PRICES.map(|meanings| find(&meanings));
        if let [Some(open), Some(high), Some(low), Some(close)] = prices {
            let time = find(&TIME).ok_or(Problem::NoColumn {
                meaning: "the time",
                names: "`timestamp`, `open_time` or `date`",
            })?;
            let base = |index| VolumeColumn { index, unit: VolumeUnit::Base };
            return Ok(Heading::Header(Self {
                delimiter,
                width: fields.len(),
                time,
                prices: [open, high, low, close],
                volume: volume(&names, symbol, plain),
                taker_buy: find(&TAKER_BUY_BASE).map(base),
                symbol: find(&SYMBOL),
            }));
        }
        Ok(Self::headless(&fields, delimiter, plain).map_or(Heading::Title, Heading::Row))
    }

    /// The order of the exchanges' own files: time, open, high, low, close, volume; with twelve
    /// columns, the taker's buys are the tenth.
    fn headless(fields: &[&[u8]], delimiter: u8, plain: VolumeUnit) -> Option<Self> {
        let is_row = fields.len() >= 5
            && stamp::parse(fields[0]).is_some()
            && fields[1..5].iter().all(|field| Decimal::parse(field).is_some());
        let twelve = fields.len() == 12;
        let volume = VolumeColumn { index: 5, unit: if twelve { VolumeUnit::Base } else { plain } };
        is_row.then(|| Self {
            delimiter,
            width: fields.len(),
            time: 0,
            prices: [1, 2, 3, 4],
            volume: (fields.len() > 5).then_some(volume),
            taker_buy: twelve.then_some(VolumeColumn { index: 9, unit: VolumeUnit::Base }),
            symbol: None,
        })
    }
}

/// The volume to read: one in base currency where there is one, else what a plain name means, else
/// one in quote currency. Beside a column such as `volume_btc`, a plain `volume` is the quote's.
fn volume(names: &[String], symbol: &Symbol, plain: VolumeUnit) -> Option<VolumeColumn> {
    let symbol = normalised(symbol.as_str().as_bytes());
    let asset = |name: &str| {
        let rest = name.strip_prefix("volume").unwrap_or_default();
        (!rest.is_empty()).then(|| rest.to_owned())
    };
    let is_base = |name: &String| {
        BASE_VOLUME.contains(&name.as_str())
            || asset(name).is_some_and(|asset| symbol.starts_with(&asset))
    };
    let is_quote = |name: &String| {
        QUOTE_VOLUME.contains(&name.as_str())
            || asset(name).is_some_and(|asset| symbol.ends_with(&asset))
    };
    let is_plain = |name: &String| PLAIN_VOLUME.contains(&name.as_str());
    let column = |index, unit| VolumeColumn { index, unit };
    let find = |is: &dyn Fn(&String) -> bool| names.iter().position(is);
    find(&is_base)
        .map(|index| column(index, VolumeUnit::Base))
        .or_else(|| {
            // `volume_usd` beside a plain `volume`: the plain one is the base's.
            let quote_is_named = find(&is_quote).is_some();
            let unit = if quote_is_named { VolumeUnit::Base } else { plain };
            find(&is_plain).map(|index| column(index, unit))
        })
        .or_else(|| find(&is_quote).map(|index| column(index, VolumeUnit::Quote)))
}

/// A name without case and punctuation: `Taker_Buy Volume`, `<CLOSE>` → `takerbuyvolume`, `close`.
pub(super) fn normalised(name: &[u8]) -> String {
    let kept = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    kept.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The delimiter that occurs most.
fn delimiter(line: &[u8]) -> u8 {
    let count = |delimiter| line.iter().filter(|&&byte| byte == delimiter).count();
    [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

/// The fields of a row, without blanks and quotes around them.
pub(super) fn fields(line: &[u8], delimiter: u8) -> impl Iterator<Item = &[u8]> {
    line.split(move |&byte| byte == delimiter).map(|field| {
        let field = field.trim_ascii();
        match field {
            [b'"', inner @ .., b'"'] => inner.trim_ascii(),
            _ => field,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn header(line: &str, symbol: &str) -> Columns {
        let symbol = Symbol::new(symbol).unwrap();
        match Columns::of(line.as_bytes(), &symbol, VolumeUnit::Base).unwrap() {
            Heading::Header(columns) => columns,
            _ => panic!("{line} is a header"),
        }
    }

    #[rstest]
    #[case::coinbase("date,symbol,open,high,low,close,volume_btc,volume", "BTCUSD", 0, Some((6, VolumeUnit::Base)))]
    #[case::newer("unix,date,symbol,open,high,low,close,Volume USD,Volume BTC", "BTCUSD", 1, Some((8, VolumeUnit::Base)))]
    #[case::plain("timestamp,open,high,low,close,volume", "BTCUSDT", 0, Some((5, VolumeUnit::Base)))]
    #[case::beside_quote("open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore", "BTCUSDT", 0, Some((5, VolumeUnit::Base)))]
    #[case::only_quote("time;open;high;low;close;turnover", "BTCUSDT", 0, Some((5, VolumeUnit::Quote)))]
    #[case::none("<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>", "BTCUSDT", 0, None)]
    fn columns_are_found_by_meaning(
        #[case] line: &str,
        #[case] symbol: &str,
        #[case] time: usize,
        #[case] volume: Option<(usize, VolumeUnit)>,
    ) {
        let columns = header(line, symbol);
        assert_eq!(columns.time, time);
        assert_eq!(columns.volume.map(|column| (column.index, column.unit)), volume);
    }

    #[test]
    fn the_takers_buys_are_found() {
        let columns =
            header("open_time,open,high,low,close,volume,taker_buy_base_asset_volume", "X");
        assert_eq!(columns.taker_buy, Some(VolumeColumn { index: 6, unit: VolumeUnit::Base }));
    }

    #[test]
    fn a_file_without_a_header_is_read_in_the_exchanges_order() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let row = b"1640995200000,46216.93,46271.08,46208.37,46250.00,40.57,1640995259999,1876000.1,1000,20.5,948000.0,0";
        let heading = Columns::of(row, &symbol, VolumeUnit::Quote).unwrap();
        let Heading::Row(columns) = heading else { panic!("a row is a row") };
        assert_eq!(columns.volume, Some(VolumeColumn { index: 5, unit: VolumeUnit::Base }));
        assert_eq!(columns.taker_buy, Some(VolumeColumn { index: 9, unit: VolumeUnit::Base }));
    }

    #[test]
    fn a_title_is_no_header() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let title = b"Timestamps are UTC timezone,https://www.CryptoDataDownload.com";
        assert!(matches!(Columns::of(title, &symbol, VolumeUnit::Base), Ok(Heading::Title)));
    }

    #[test]
    fn a_header_without_a_time_is_refused() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let heading = Columns::of(b"open,high,low,close", &symbol, VolumeUnit::Base);
        assert!(matches!(heading, Err(Problem::NoColumn { meaning: "the time", .. })));
    }

    #[test]
    fn quotes_around_fields_are_no_part_of_them() {
        let all: Vec<&[u8]> = fields(b"\"2021-01-01\", 1.5 ,\"2\"", b',').collect();
        assert_eq!(all, [&b"2021-01-01"[..], b"1.5", b"2"]);
    }
}
