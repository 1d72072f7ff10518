use super::*;
use crate::market::tests::{btc, gzip, instrument, read_text};
use crate::market::{Oddity, Reading, Recording};
use proptest::prelude::*;
use rstest::rstest;
use sapphire_engine::instrument::PriceTicks;
use std::fmt::Write;
use std::path::Path;

const HEADER: &str = "timestamp,open,high,low,close,volume\n";
const MINUTE: Span = Span::secs(60);

fn read_bars(text: &str) -> Result<Recording, String> {
    read_text(text.as_bytes(), &btc(), MINUTE)
}

fn row(minute: i64, close: i64) -> String {
    format!("{},{close},{},{},{close}.0,1.5\n", 1_640_995_200 + 60 * minute, close + 1, close - 1)
}

fn rows(minutes: impl IntoIterator<Item = i64>) -> String {
    minutes.into_iter().map(|minute| row(minute, 40_000)).collect()
}

#[test]
fn a_row_becomes_integers() {
    let recording = read_bars(&format!(
        "{HEADER}2022-01-01 03:03:00.000000,46821.75,46830.5,46809.0,46810.74,0.0019\n"
    ))
    .unwrap();
    let bar = recording.bars().unwrap()[0];
    assert_eq!(bar.open_time.to_string(), "2022-01-01T03:03:00.000Z");
    assert_eq!(
        [bar.open, bar.high, bar.low, bar.close],
        [468_218, 468_305, 468_090, 468_107].map(PriceTicks)
    );
    assert_eq!((bar.volume, bar.taker_buy_volume), (QtyLots(1), None));
    assert_eq!(recording.quality().off_tick, 2);
}

#[test]
fn volume_in_quote_currency_is_divided_by_the_typical_price() {
    let text = format!("{HEADER}1640995200,100,120,80,100,1000\n");
    let file = crate::market::tests::file(text.as_bytes(), "quote.csv");
    let unit = VolumeUnit::Quote;
    let reading = Reading { instrument: &btc(), bar_interval: MINUTE, volume_unit: unit };
    let recording = Recording::read(&file.path(), &reading).unwrap();
    assert_eq!(recording.bars().unwrap()[0].volume, QtyLots(10_000)); // 1000 / 100 = 10
}

#[test]
fn either_order_reads_alike() {
    let oldest_first = read_bars(&format!("{HEADER}{}", rows(0..50))).unwrap();
    let newest_first = read_bars(&format!("{HEADER}{}", rows((0..50).rev()))).unwrap();
    assert_eq!(oldest_first.bars(), newest_first.bars());
    assert_eq!(newest_first.quality().out_of_order, 0);
}

#[test]
fn duplicates_gaps_and_jumps_are_counted_and_traded_through() {
    let mut text = format!("{HEADER}{}", rows(0..3));
    text += &row(2, 40_000); // again
    text += &row(6, 60_000); // three are missing, and half as much again
    text += &rows(7..9); // and back
    let recording = read_bars(&text).unwrap();
    let quality = recording.quality();
    assert_eq!((quality.rows, quality.duplicates, quality.missing), (7, 1, 3));
    assert_eq!((quality.jumps, quality.longest_gap), (2, Span::secs(180)));
    let first = |oddity| quality.firsts[&oddity].to_string();
    let minute = |minute: i64| Timestamp((1_640_995_200 + 60 * minute) * 1_000_000_000).to_string();
    assert_eq!(first(Oddity::Duplicates), format!("line 5, {}", minute(2)));
    assert_eq!(
        first(Oddity::Missing),
        format!("line 6, {}", minute(3)),
        "the first that is missing"
    );
    assert_eq!(first(Oddity::Jumps), format!("line 6, {}", minute(6)));
    assert_eq!(quality.oddities().count(), 3);
    let closes: Vec<i64> = recording.bars().unwrap().iter().map(|bar| bar.close.0).collect();
    assert_eq!(closes, [400_000, 400_000, 400_000, 600_000, 400_000, 400_000]);
}

#[rstest]
#[case::oldest_first(false)]
#[case::newest_first(true)]
fn the_first_duplicate_in_the_file_is_kept(#[case] newest_first: bool) {
    let mut minutes: Vec<i64> = (0..5).collect();
    if newest_first {
        minutes.reverse();
    }
    let text: String = minutes.iter().map(|&m| row(m, 40_000) + &row(m, 50_000)).collect();
    let recording = read_bars(&format!("{HEADER}{text}")).unwrap();
    let quality = recording.quality();
    assert_eq!((quality.duplicates, quality.contradictions), (0, 5), "they are not equal");
    assert!(!quality.is_clean() && Oddity::Contradictions.is_suspicious());
    assert!(recording.bars().unwrap().iter().all(|bar| bar.close == PriceTicks(400_000)));
}

#[test]
fn a_stutter_of_the_recorder_is_sorted_and_counted() {
    let mut minutes: Vec<i64> = (0..400).collect();
    minutes.swap(100, 101);
    let recording = read_bars(&format!("{HEADER}{}", rows(minutes))).unwrap();
    assert_eq!(recording.quality().out_of_order, 1);
    assert_eq!(recording.quality().firsts[&Oddity::OutOfOrder].line, Some(103));
    assert!(recording.bars().unwrap().is_sorted_by_key(|bar| bar.open_time));
}

#[test]
fn title_lines_blank_lines_and_windows_line_ends_are_no_obstacle() {
    let body = rows(0..3).replace('\n', "\r\n\r\n");
    let text = format!("Prices in USD\r\n\r\n# https://example.com\r\n{HEADER}{body}");
    assert_eq!(read_bars(&text).unwrap().bars().unwrap().len(), 3);
}

#[test]
fn a_file_without_volumes_says_so() {
    let recording = read_bars("date,open,high,low,close\n2021-01-01,1,1,1,1\n").unwrap();
    assert_eq!(recording.quality().notes, ["there is no volume column: volumes are 0"]);
}

#[rstest]
#[case::empty("", "data.csv: holds no data")]
#[case::blank("\n\n \n", "data.csv: holds no data")]
#[case::header_only("timestamp,open,high,low,close,volume\n", "data.csv: holds no data")]
#[case::no_header("a,b,c\n1,2,3\n", "data.csv: no line among the first 10 names the columns")]
#[case::no_time("open,high,low,close\n", "data.csv:1: the header has no column for the time")]
fn a_file_without_bars_is_refused(#[case] text: &str, #[case] says: &str) {
    let error = read_bars(text).unwrap_err();
    assert!(error.contains(says), "{error}");
}

#[rstest]
#[case::nan("1640995260,NaN,2,1,1,1\n", "open is `NaN`, not a number")]
#[case::infinite("1640995260,1,inf,1,1,1\n", "high is `inf`, not a number")]
#[case::blank("1640995260,1,2,,1,1\n", "low is ``, not a number")]
#[case::zero("1640995260,1,2,0.0,1,1\n", "low is 0.0: a price must be above zero")]
#[case::negative("1640995260,-1,2,1,1,1\n", "open is -1: a price must be above zero")]
#[case::less_than_half_a_tick(
    "1640995260,1,2,0.04,1,1\n",
    "low is 0.04: a price must be above zero"
)]
#[case::high_below_low("1640995260,2,1,2,2,1\n", "the high is not the highest price")]
#[case::low_above_close("1640995260,2,2,2,1,1\n", "the high is not the highest price")]
#[case::negative_volume("1640995260,1,2,1,1,-1\n", "volume is -1: it cannot be negative")]
#[case::slightly_negative_volume(
    "1640995260,1,2,1,1,-1e-12\n",
    "volume is -1e-12: it cannot be negative"
)]
#[case::too_large(
    "1640995260,1,99999999999999999999,1,1,1\n",
    "high is 99999999999999999999, beyond"
)]
#[case::no_time("soon,1,2,1,1,1\n", "`soon` is no time")]
#[case::too_few("1640995260,1,2,1,1\n", "5 fields where the header has 6")]
#[case::too_many("1640995260,1,2,1,1,1,1\n", "7 fields where the header has 6")]
#[case::cut_in_a_field("1640995260,1,2,1,1", "stops in the middle of a line")]
#[case::cut_in_the_last_number("1640995260,1,2,1,1,1", "stops in the middle of a line")]
fn a_bad_row_is_refused_with_its_line(#[case] bad: &str, #[case] says: &str) {
    let error = read_bars(&format!("{HEADER}{}{bad}", rows(0..1))).unwrap_err();
    assert!(error.contains("data.csv:3: ") && error.contains(says), "{error}");
}

#[test]
fn rows_in_neither_order_are_refused_with_the_first_that_goes_astray() {
    let error = read_bars(&format!("{HEADER}{}", rows([0, 1, 5, 2, 4, 3, 6]))).unwrap_err();
    assert!(error.contains("data.csv:5: the rows are in neither order (2 of 6"), "{error}");
}

#[test]
fn bars_of_another_interval_are_refused() {
    let error = read_bars(&format!("{HEADER}{}", rows([0, 60, 120, 180]))).unwrap_err();
    assert!(error.contains("bars are 1h apart, but barInterval is 1m"), "{error}");
}

#[test]
fn a_gap_of_more_than_a_day_in_one_piece_is_told_from_when_to_when() {
    let day = 24 * 60;
    let within = read_bars(&format!("{HEADER}{}", rows((0..3).chain(day + 3..day + 6)))).unwrap();
    assert_eq!(within.quality().notes, Vec::<String>::new());
    let beyond = read_bars(&format!("{HEADER}{}", rows((0..3).chain(day + 4..day + 7)))).unwrap();
    let [note] = beyond.quality().notes.as_slice() else { panic!("{:?}", beyond.quality()) };
    assert!(
        note.contains("no bars from 2022-01-01T00:03:00.000Z to 2022-01-02T00:04:00.000Z"),
        "{note}"
    );
}

#[test]
fn a_bar_inside_another_is_refused() {
    let inside = format!("{HEADER}{}1640995410,1,1,1,1,1\n{}", rows(0..4), rows(4..6));
    let error = read_bars(&inside).unwrap_err();
    assert!(error.contains("data.csv:6: the bar opens 30s after the one before"), "{error}");
}

#[rstest]
#[case::late(5, 366, None)]
#[case::late(
    5,
    367,
    Some("data.csv:7: nothing for 367 days before this row (after line 6): correct")
)]
#[case::early(
    0,
    400,
    Some("data.csv:3: nothing for 400 days before this row (after line 2): correct")
)]
fn a_time_far_from_all_others_is_refused(
    #[case] row: usize,
    #[case] days: i64,
    #[case] says: Option<&str>,
) {
    // The first so many days too early, or the last too late.
    let mut minutes: Vec<i64> = (0..6).collect();
    let away = days * 24 * 60;
    minutes[row] += if row == 0 { -away } else { away };
    let told = read_bars(&format!("{HEADER}{}", rows(minutes))).err();
    assert_eq!(told.is_some(), says.is_some());
    assert!(told.iter().all(|told| told.contains(says.unwrap())), "{told:?}");
}

#[rstest]
#[case("BTCUSDT", true)]
#[case("btc/usdt", true)]
#[case("ETHUSDT", false)]
fn a_row_of_another_symbol_is_refused(#[case] symbol: &str, #[case] good: bool) {
    let text = format!("date,symbol,open,high,low,close\n2021-01-01,{symbol},1,1,1,1\n");
    let read = read_bars(&text);
    assert_eq!(read.is_ok(), good);
    if let Err(error) = read {
        let told =
            "data.csv:2: is of ETHUSDT, but the TradingSystem trades BTCUSDT on this file: name";
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_cut_gzip_is_refused_with_the_line() {
    let mut text = String::from(HEADER);
    for minute in 0..20_000 {
        let _ = write!(text, "{}", row(minute, 30_000 + minute * 7919 % 1000));
    }
    let whole = gzip(text.as_bytes());
    let error = read_text(&whole[..whole.len() / 2], &btc(), MINUTE).unwrap_err();
    let line = error.split(':').nth(1).and_then(|line| line.parse::<u64>().ok());
    assert!(error.contains("the gzip stream ends too early"), "{error}");
    assert!(line.is_some_and(|line| (5_000..15_000).contains(&line)), "{error}");
}

#[test]
fn the_hourly_coinbase_file_reads_whole_and_in_order() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/btcusd-coinbase-1h.csv.gz");
    let instrument = instrument("BTCUSD", 1_000_000, 1000); // 0.01, 0.00001
    let unit = VolumeUnit::Base;
    let reading =
        Reading { instrument: &instrument, bar_interval: Span::hours(1), volume_unit: unit };
    let recording = Recording::read(&path, &reading).unwrap();
    let (bars, quality) = (recording.bars().unwrap(), recording.quality());
    assert_eq!((bars.len(), quality.rows), (20_111, 20_111));
    assert_eq!(quality.first.unwrap().to_string(), "2017-07-01T11:00:00.000Z");
    assert_eq!(quality.last.unwrap().to_string(), "2019-10-17T10:00:00.000Z");
    // On 2017-11-12 the recorder wrote five bars of the night twice, five hours apart.
    assert_eq!((quality.missing, quality.duplicates, quality.out_of_order), (0, 0, 5));
    assert_eq!((quality.off_tick, quality.jumps), (0, 0));
    assert_eq!(bars[0].volume, QtyLots(11_460_000)); // 114.6 BTC, not 287,000 USD
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_text(&bytes, &btc(), MINUTE);
    }

    #[test]
    fn no_table_makes_the_reader_panic(cells in prop::collection::vec("[0-9.eE:-]{0,12}|NaN|,|\n", 0..200)) {
        let _ = read_bars(&format!("{HEADER}{}", cells.join(",")));
    }
}
