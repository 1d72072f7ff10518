use super::*;
use crate::market::recording::Tape;
use crate::market::tests::{btc, instrument, read_file, read_text};
use proptest::prelude::*;
use rstest::rstest;
use sapphire_engine::market::Book;
use sapphire_engine::time::Span;
use std::path::Path;

fn depth(at: u64, first: u64, last: u64, previous: u64) -> String {
    format!(
        "{at} {{\"stream\":\"btcusdt@depth@0ms\",\"data\":{{\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"U\":{first},\"u\":{last},\"pu\":{previous},\"b\":[[\"{last}.0\",\"1\"]],\"a\":[]}}}}\n"
    )
}

fn snapshot(at: u64, number: u64) -> String {
    format!(
        "{at} {{\"lastUpdateId\":{number},\"bids\":[[\"1.0\",\"1\"]],\"asks\":[[\"9000.0\",\"1\"]]}}\n"
    )
}

fn trade(at: u64, id: u64, price: &str, quantity: &str) -> String {
    format!(
        "{at} {{\"data\":{{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":{id},\"p\":\"{price}\",\"q\":\"{quantity}\",\"m\":true}}}}\n"
    )
}

fn quote(at: u64, update: u64) -> String {
    format!(
        "{at} {{\"data\":{{\"e\":\"bookTicker\",\"s\":\"BTCUSDT\",\"u\":{update},\"b\":\"1.0\",\"B\":\"1\",\"a\":\"2.0\",\"A\":\"1\"}}}}\n"
    )
}

/// Times in nanoseconds of 2024, so that they are read as such.
const START: u64 = 1_700_000_000_000_000_000;

fn tape(lines: &[String]) -> (Vec<String>, Quality) {
    let recording = read_text(lines.concat().as_bytes(), &btc(), Span::ZERO).unwrap();
    let Tape::Stream(tape) = &recording.tape else { panic!("a stream") };
    let told = (0..tape.len()).map(|index| {
        let at = tape.at(index).unwrap().0 - START as i64;
        match tape.event(index) {
            MarketEvent::Depth(update) => {
                assert_eq!(update.bids[0].price.0 as u64, update.last * 10);
                format!("{at} depth {}", update.last)
            }
            MarketEvent::DepthSnapshot { last_update, .. } => {
                format!("{at} snapshot {last_update}")
            }
            MarketEvent::Trade(trade) => format!("{at} trade {}", trade.id),
            MarketEvent::Quote(quote) => format!("{at} quote {}", quote.update),
            other => format!("{at} {other:?}"),
        }
    });
    (told.collect(), recording.quality().clone())
}

#[test]
fn updates_before_the_snapshot_wait_for_it_and_older_ones_are_dropped() {
    let (told, quality) = tape(&[
        depth(START + 1, 1, 10, 0),
        depth(START + 2, 11, 20, 10),
        depth(START + 3, 21, 30, 20),
        quote(START + 4, 31),
        snapshot(START + 5, 15),
        depth(START + 6, 31, 40, 30),
    ]);
    let expected = ["4 quote 31", "5 snapshot 15", "5 depth 20", "5 depth 30", "6 depth 40"];
    assert_eq!(told, expected);
    assert_eq!((quality.unsynchronised, quality.sequence_gaps), (1, 0));
}

#[test]
fn lost_updates_break_the_feed_until_the_next_snapshot_while_trades_go_on() {
    let (told, quality) = tape(&[
        snapshot(START, 10),
        depth(START + 1, 8, 12, 7),
        depth(START + 2, 21, 30, 20), // 13 to 20 are lost
        trade(START + 3, 1, "5.0", "1"),
        depth(START + 4, 31, 40, 30),
        snapshot(START + 5, 35),
        depth(START + 6, 41, 50, 40),
    ]);
    let expected = [
        "0 snapshot 10",
        "1 depth 12",
        "2 Broken",
        "3 trade 1",
        "5 Restored",
        "5 snapshot 35",
        "5 depth 40",
        "6 depth 50",
    ];
    assert_eq!(told, expected);
    assert_eq!((quality.unsynchronised, quality.sequence_gaps), (1, 1));
}

#[test]
fn a_snapshot_older_than_what_was_kept_is_of_no_use() {
    let (told, quality) =
        tape(&[depth(START, 20, 30, 19), snapshot(START + 1, 10), snapshot(START + 2, 25)]);
    assert_eq!(told, ["2 snapshot 25", "2 depth 30"]);
    assert_eq!(quality.sequence_gaps, 1);
}

#[test]
fn a_snapshot_of_a_book_in_sequence_changes_nothing() {
    let (told, quality) = tape(&[
        snapshot(START, 10),
        depth(START + 1, 8, 20, 7),
        snapshot(START + 2, 15),
        depth(START + 3, 21, 30, 20),
    ]);
    assert_eq!(told, ["0 snapshot 10", "1 depth 20", "3 depth 30"]);
    assert_eq!(quality.duplicates, 1);
}

#[test]
fn what_was_said_before_is_dropped_and_counted() {
    let (told, quality) = tape(&[
        snapshot(START, 10),
        depth(START + 1, 8, 20, 7),
        depth(START + 1, 8, 20, 7),
        trade(START + 2, 5, "5.0", "1"),
        trade(START + 3, 5, "5.0", "1"),
        trade(START + 4, 4, "5.0", "1"),
        quote(START + 5, 9),
        quote(START + 6, 8),
    ]);
    assert_eq!(told, ["0 snapshot 10", "1 depth 20", "2 trade 5", "5 quote 9"]);
    assert_eq!(quality.duplicates, 4);
}

#[test]
fn jumps_and_dust_are_counted() {
    let (told, quality) = tape(&[
        trade(START, 1, "100.0", "1"),
        trade(START + 1, 2, "131.0", "0.0001"),
        trade(START + 2, 3, "100.04", "1"),
    ]);
    assert_eq!(told, ["0 trade 1", "2 trade 3"]);
    assert_eq!((quality.jumps, quality.below_lot, quality.off_tick), (1, 1, 1));
}

#[test]
fn time_never_goes_back() {
    let mut lines: Vec<String> = (0..200).map(|n| trade(START + 10 * n, n, "5.0", "1")).collect();
    lines[100] = trade(START + 985, 100, "5.0", "1");
    let (told, quality) = tape(&lines);
    assert_eq!(told[99..102], ["990 trade 99", "990 trade 100", "1010 trade 101"]);
    assert_eq!(quality.out_of_order, 1);
}

#[rstest]
#[case::cut(&trade(START, 2, "5.0", "1")[..60], "data.csv:2: EOF while parsing")]
#[case::junk("hello\n", "data.csv:2: is not `<receive time in ns> <JSON message>`")]
#[case::other(&trade(START, 2, "5.0", "1").replace("BTCUSDT", "ETHUSDT"), "data.csv:2: is of ETHUSDT, but")]
#[case::zero(&trade(START, 2, "0", "1"), "data.csv:2: p is 0: a price must be above zero")]
fn a_line_that_cannot_be_read_refuses_the_file(#[case] bad: &str, #[case] says: &str) {
    let text = format!("{}{bad}", trade(START, 1, "5.0", "1"));
    let error = read_text(text.as_bytes(), &btc(), Span::ZERO).unwrap_err();
    assert!(error.contains(says), "{error}");
}

#[test]
fn a_line_received_years_after_the_one_before_is_refused() {
    let year = 366 * 24 * 3_600 * 1_000_000_000;
    let text = |gap| trade(START, 1, "5.0", "1") + &trade(START + gap, 2, "5.0", "1");
    let read = |gap| read_text(text(gap).as_bytes(), &btc(), Span::ZERO);
    assert!(read(year).is_ok());
    let error = read(2 * year).unwrap_err();
    assert!(error.contains("data.csv:2: nothing for 732 days before this row: "), "{error}");
}

#[test]
fn a_shuffled_stream_is_refused() {
    let text = [0, 5, 3, 4, 1].map(|n| trade(START + n, n, "5.0", "1")).concat();
    let error = read_text(text.as_bytes(), &btc(), Span::ZERO).unwrap_err();
    assert!(error.contains("data.csv:3: the rows are in neither order"), "{error}");
}

/// Replays the book of a real excerpt; the best prices must be those of the exchange's own
/// `bookTicker` of the same update.
#[rstest]
#[case("btcusdt", instrument("BTCUSDT", 10_000_000, 100_000), 10_766)]
#[case("ethusdt", instrument("ETHUSDT", 1_000_000, 100_000), 9_507)]
fn the_book_of_a_real_stream_agrees_with_its_quotes(
    #[case] name: &str,
    #[case] instrument: Instrument,
    #[case] rows: u64,
) {
    let path = format!("../examples/data/{name}-usdm-20240808.jsonl.gz");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let recording = read_file(&path, &instrument, Span::ZERO).unwrap();
    let quality = recording.quality();
    assert_eq!((quality.rows, quality.sequence_gaps, quality.off_tick), (rows, 0, 0));
    let Tape::Stream(tape) = &recording.tape else { panic!("a stream") };
    let mut book = Book::default();
    let mut quotes = std::collections::BTreeMap::new();
    let mut compared = 0;
    for index in 0..tape.len() {
        match tape.event(index) {
            MarketEvent::Quote(quote) => drop(quotes.insert(quote.update, quote)),
            MarketEvent::DepthSnapshot { last_update, bids, asks } => {
                book.reset(last_update, bids, asks);
            }
            MarketEvent::Depth(update) => {
                assert_eq!(book.update(&update), Ok(true));
                let Some(quote) = quotes.get(&update.last) else { continue };
                assert_eq!(book.best(Side::Buy), Some(quote.bid));
                assert_eq!(book.best(Side::Sell), Some(quote.ask));
                compared += 1;
            }
            _ => {}
        }
    }
    assert!(book.is_live() && compared > 50, "{compared} quotes were compared");
}

proptest! {
    #[test]
    fn no_stream_makes_the_reader_panic_and_what_it_says_is_always_a_book(
        messages in prop::collection::vec((0..2_u8, 1..60_u64, 0..9_u64, 0..60_u64), 1..60),
    ) {
        let lines: String = messages.iter().map(|&(kind, last, span, previous)| match kind {
            0 => depth(START, last.saturating_sub(span), last, previous),
            _ => snapshot(START, last),
        }).collect();
        let recording = read_text(lines.as_bytes(), &btc(), Span::ZERO).unwrap();
        let Tape::Stream(tape) = &recording.tape else { panic!("a stream") };
        let mut book = Book::default();
        for index in 0..tape.len() {
            match tape.event(index) {
                MarketEvent::DepthSnapshot { last_update, bids, asks } => book.reset(last_update, bids, asks),
                MarketEvent::Depth(update) => prop_assert_eq!(book.update(&update), Ok(true)),
                MarketEvent::Broken => book.invalidate(),
                _ => {}
            }
        }
    }
}
