//! Reads bars from CSV.

use sapphire_engine::instrument::{Instrument, QtyLots};
use sapphire_engine::market::{Bar, BarError};
use sapphire_engine::money::SCALE;
use sapphire_engine::time::{Span, Timestamp};

use super::columns::{Columns, Heading, VolumeColumn, VolumeUnit, fields, normalised};
use super::decimal::{non_negative, price, quantity, shown};
use super::error::Problem;
use super::quality::{LONGEST_GAP, Quality};
use super::source::Source;
use super::stamp;

/// A header stands within this many lines.
const HEADING_LINES: u64 = 10;

/// A gap that is longer is told by itself: no market that never closes pauses for more than a day.
const LONGEST_PAUSE: Span = Span::hours(24);

/// A row, and where it stood.
struct Row {
    bar: Bar,
    line: u64,
}

/// What went wrong, and in which line.
pub(super) type At<E> = (Option<u64>, E);

/// Reads bars of `interval`, in time order however the file is ordered.
///
/// A stamp is the bar's open. Of two bars of one stamp the first in the file is kept. Bars that are
/// missing stay missing: nothing is invented.
pub(super) fn read(
    source: &mut Source,
    instrument: &Instrument,
    interval: Span,
    plain: VolumeUnit,
) -> Result<(Vec<Bar>, Quality), At<Problem>> {
    let mut quality = Quality::default();
    let mut rows = read_rows(source, instrument, plain, &mut quality)?;
    quality.rows = rows.len() as u64;
    into_time_order(&mut rows, &mut quality)?;
    rows.dedup_by(|later, first| {
        let duplicate = later.bar.open_time == first.bar.open_time;
        if duplicate {
            if later.bar == first.bar {
                quality.duplicates += 1;
            } else {
                quality.contradictions += 1;
            }
            quality.remember(Some(later.line), later.bar.open_time);
        }
        duplicate
    });
    check_spacing(&rows, interval, &mut quality)?;
    survey(rows.iter().map(|row| (&row.bar, Some(row.line))), interval, &mut quality);
    let bars: Vec<Bar> = rows.into_iter().map(|row| row.bar).collect();
    quality.note_ticks(instrument);
    Ok((bars, quality))
}

fn read_rows(
    source: &mut Source,
    instrument: &Instrument,
    plain: VolumeUnit,
    quality: &mut Quality,
) -> Result<Vec<Row>, At<Problem>> {
    let mut columns: Option<Columns> = None;
    let mut rows = Vec::new();
    let mut headings = 0;
    loop {
        let number = source.line_number() + 1;
        let Some(line) = source.next_line().map_err(|problem| (Some(number), problem))? else {
            break;
        };
        let at = |problem| (Some(line.number), problem);
        let known = match &columns {
            Some(columns) => columns,
            None => {
                let heading = Columns::of(line.text, &instrument.symbol, plain).map_err(at)?;
                headings += 1;
                match heading {
                    Heading::Row(found) => columns.insert(found),
                    Heading::Header(found) => {
                        columns = Some(found);
                        continue;
                    }
                    Heading::Title if headings < HEADING_LINES => continue,
                    Heading::Title => return Err((None, Problem::NoHeader(HEADING_LINES))),
                }
            }
        };
        // A number that was cut in the middle looks like a number: only the line end tells.
        if !line.ended {
            return Err(at(Problem::CutOff));
        }
        let bar = parse_row(line.text, known, instrument, quality).map_err(at)?;
        quality.remember(Some(line.number), bar.open_time);
        rows.push(Row { bar, line: line.number });
    }
    match columns {
        None if headings > 0 => Err((None, Problem::NoHeader(HEADING_LINES))),
        _ if rows.is_empty() => Err((None, Problem::Empty)),
        Some(Columns { volume: None, .. }) => {
            quality.notes.push("there is no volume column: volumes are 0".into());
            Ok(rows)
        }
        _ => Ok(rows),
    }
}

fn parse_row(
    line: &[u8],
    columns: &Columns,
    instrument: &Instrument,
    quality: &mut Quality,
) -> Result<Bar, Problem> {
    const MOST_COLUMNS: usize = 64;
    const NAMES: [&str; 4] = ["open", "high", "low", "close"];
    let mut row: [&[u8]; MOST_COLUMNS] = [b""; MOST_COLUMNS];
    let mut found = 0;
    for field in fields(line, columns.delimiter) {
        if let Some(slot) = row.get_mut(found) {
            *slot = field;
        }
        found += 1;
    }
    if found != columns.width || found > MOST_COLUMNS {
        return Err(Problem::Fields { found, expected: columns.width });
    }
    if let Some(symbol) = columns.symbol {
        check_symbol(row[symbol], instrument)?;
    }
    let stamp = row[columns.time];
    let open_time = stamp::parse(stamp).ok_or_else(|| Problem::NoTime(shown(stamp)))?;
    let mut off_tick = 0;
    let mut prices = [sapphire_engine::instrument::PriceTicks(0); 4];
    for ((ticks, &column), name) in prices.iter_mut().zip(&columns.prices).zip(NAMES) {
        let (nearest, off) = price(instrument, name, row[column])?;
        *ticks = nearest;
        off_tick += u64::from(off);
    }
    let [open, high, low, close] = prices;
    let mut bar =
        Bar { open_time, open, high, low, close, volume: QtyLots::ZERO, taker_buy_volume: None };
    bar.validate().map_err(explain)?;
    if let Some(column) = columns.volume {
        bar.volume = volume(instrument, "volume", row[column.index], column, &bar)?;
    }
    if let Some(column) = columns.taker_buy {
        let bought = volume(instrument, "taker buy volume", row[column.index], column, &bar)?;
        bar.taker_buy_volume = Some(bought.min(bar.volume));
    }
    quality.off_tick += off_tick;
    Ok(bar)
}

const fn explain(error: BarError) -> Problem {
    match error {
        BarError::Inconsistent | BarError::NotPositive | BarError::NegativeVolume => {
            Problem::Inconsistent
        }
    }
}

fn volume(
    instrument: &Instrument,
    name: &'static str,
    text: &[u8],
    column: VolumeColumn,
    bar: &Bar,
) -> Result<QtyLots, Problem> {
    match column.unit {
        VolumeUnit::Base => quantity(instrument, name, text),
        VolumeUnit::Quote => {
            let quote = non_negative(name, text)?;
            let prices = i128::from(bar.high.0) + i128::from(bar.low.0) + i128::from(bar.close.0);
            let prices_e8 = prices * i128::from(instrument.tick);
            let base_e8 = quote.saturating_mul(3 * i128::from(SCALE)) / prices_e8;
            Ok(instrument.lots_floor(base_e8))
        }
    }
}

/// Whether a symbol in the data is the file's: case and punctuation aside (`BTC/USD` is `BTCUSD`).
pub(super) fn check_symbol(found: &[u8], instrument: &Instrument) -> Result<(), Problem> {
    let expected = instrument.symbol.as_str().as_bytes();
    if found.eq_ignore_ascii_case(expected) || normalised(found) == normalised(expected) {
        return Ok(());
    }
    Err(Problem::OtherSymbol { found: shown(found), expected: instrument.symbol })
}

/// Puts rows in time order. Most steps must go one way; at most one in a hundred may go against it
/// (recorders do stutter: the rows are sorted then, and counted).
fn into_time_order(rows: &mut [Row], quality: &mut Quality) -> Result<(), At<Problem>> {
    let open = |row: &Row| row.bar.open_time;
    let (mut forward, mut backward) = (0_u64, 0_u64);
    for pair in rows.windows(2) {
        forward += u64::from(open(&pair[0]) < open(&pair[1]));
        backward += u64::from(open(&pair[0]) > open(&pair[1]));
    }
    let newest_first = backward > forward;
    let (against, steps) = (forward.min(backward), forward + backward);
    let goes_against = |pair: &&[Row]| {
        let (first, second) = (open(&pair[0]), open(&pair[1]));
        if newest_first { first < second } else { first > second }
    };
    let first = rows.windows(2).find(goes_against).map(|pair| (pair[1].line, open(&pair[1])));
    if against * 100 > steps {
        return Err((first.map(|(line, _)| line), Problem::NeitherOrder { against, steps }));
    }
    quality.out_of_order = against;
    if let Some((line, at)) = first {
        quality.remember(Some(line), at);
    }
    if newest_first || against > 0 {
        rows.sort_by_key(|row| (row.bar.open_time, row.line));
    }
    Ok(())
}

/// Refuses bars of another interval, and bars that overlap.
fn check_spacing(rows: &[Row], interval: Span, quality: &mut Quality) -> Result<(), At<Problem>> {
    let distance = |pair: &[Row]| pair[1].bar.open_time - pair[0].bar.open_time;
    let mut distances: Vec<Span> = rows.windows(2).map(distance).collect();
    distances.sort_unstable();
    let most_common = distances
        .chunk_by(|a, b| a == b)
        .max_by_key(|run| (run.len(), std::cmp::Reverse(run[0])))
        .map_or(interval, |run| run[0]);
    if most_common != interval {
        return Err((None, Problem::Interval { found: most_common, expected: interval }));
    }
    check_distances(rows.iter().map(|row| (&row.bar, Some(row.line))), interval, quality)
}

/// Refuses bars that overlap, and counts those that are missing. Each comes with its line.
fn check_distances<'a>(
    bars: impl Iterator<Item = (&'a Bar, Option<u64>)>,
    interval: Span,
    quality: &mut Quality,
) -> Result<(), At<Problem>> {
    let mut last: Option<(Timestamp, Option<u64>)> = None;
    let mut hole = None;
    for (bar, line) in bars {
        if let Some((opened, last_line)) = last {
            let after = bar.open_time - opened;
            if after < interval {
                return Err((line.max(last_line), Problem::Overlap { after, interval }));
            }
            let gap = Span(after.0 - interval.0);
            if gap > LONGEST_GAP {
                return Err((line, Problem::Leap { gap, before: last_line }));
            }
            quality.missing += u64::try_from(after.0 / interval.0 - 1).unwrap_or(0);
            quality.remember(line, opened + interval);
            if gap > quality.longest_gap {
                quality.longest_gap = gap;
                hole = Some((opened + interval, bar.open_time));
            }
        }
        last = Some((bar.open_time, line));
    }
    if let Some((from, to)) = hole.filter(|(from, to)| *to - *from > LONGEST_PAUSE.max(interval)) {
        quality.notes.push(format!(
            "no bars from {from} to {to}, the longest gap: look whether the recording is whole"
        ));
    }
    Ok(())
}

/// Checks bars that are in memory as a file's would be.
///
/// # Errors
/// Bars that contradict themselves, overlap, or stand in another order than oldest first.
pub(super) fn check(bars: &[Bar], interval: Span) -> Result<Quality, Problem> {
    let mut quality = Quality { rows: bars.len() as u64, ..Quality::default() };
    for bar in bars {
        bar.validate().map_err(explain)?;
    }
    let in_memory = || bars.iter().map(|bar| (bar, None));
    check_distances(in_memory(), interval, &mut quality).map_err(|(_, problem)| problem)?;
    survey(in_memory(), interval, &mut quality);
    Ok(quality)
}

/// Takes the period, and counts jumps. Each bar comes with its line.
fn survey<'a>(
    bars: impl Iterator<Item = (&'a Bar, Option<u64>)>,
    interval: Span,
    quality: &mut Quality,
) {
    let mut last = None;
    for (bar, line) in bars {
        quality.first.get_or_insert(bar.open_time);
        quality.last = Some(close_time(bar, interval));
        quality.see_price(last, &[bar.open, bar.high, bar.low, bar.close]);
        quality.remember(line, bar.open_time);
        last = Some(bar.close);
    }
}

/// When a bar closes.
pub(super) fn close_time(bar: &Bar, interval: Span) -> Timestamp {
    bar.open_time + interval
}

#[cfg(test)]
mod tests;
