//! Times as data files write them, and as reports do.

use sapphire_engine::time::{Span, Timestamp};
use serde::{Serialize, Serializer};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Reads a time in UTC:
/// - seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude (below
///   1e11, 1e14, 1e17 or above: each covers 1973 to 5138, and smaller numbers are seconds);
/// - `2017-07-01`, `2017-07-01 11:30`, `2017-07-01T11:30:00.123456Z`, with an offset such as
///   `+02:00` where there is one;
/// - a 12-hour clock: `2017-07-01 11-AM`, `2017-07-01 11:30:00 PM`.
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let text = text.trim_ascii();
    if text.iter().position(|b| !b.is_ascii_digit()).is_none_or(|i| i > 4 && text[i] == b'.') {
        return since_1970(text);
    }
    let (year, month, day, rest) = date(text)?;
    let midnight = days_from_civil(year, month, day)?.checked_mul(DAY)?;
    let rest = rest.trim_ascii();
    let rest = rest.strip_prefix(b"T").unwrap_or(rest);
    if rest.is_empty() {
        return Some(Timestamp(midnight));
    }
    let (in_day, rest) = clock(rest)?;
    let offset = zone(rest.trim_ascii())?;
    Some(Timestamp(midnight.checked_add(in_day)?) - offset)
}

fn since_1970(text: &[u8]) -> Option<Timestamp> {
    let (whole, fraction) = match text.iter().position(|&b| b == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &b""[..]),
    };
    let value = number(whole)?;
    let unit = if value < 100_000_000_000 {
        SECOND
    } else if value < 100_000_000_000_000 {
        1_000_000
    } else if value < 100_000_000_000_000_000 {
        1_000
    } else {
        1
    };
    let nanos = nanos_of_fraction(fraction)? / (SECOND / unit);
    Some(Timestamp(value.checked_mul(unit)?.checked_add(nanos)?))
}

/// `2017-07-01` or `2017/07/01`, and what follows.
fn date(text: &[u8]) -> Option<(i64, i64, i64, &[u8])> {
    let (head, rest) = text.split_at_checked(10)?;
    let [y @ .., s1, m1, m2, s2, d1, d2] = head else { return None };
    if s1 != s2 || !b"-/".contains(s1) {
        return None;
    }
    Some((number(y)?, number(&[*m1, *m2])?, number(&[*d1, *d2])?, rest))
}

/// `11-AM`, `11:30`, `11:30:00.123` or `11:30:00 PM`; nanoseconds of the day, and what follows.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (hour, mut rest) = two_digits(text)?;
    let (mut minute, mut second, mut nanos) = (0, 0, 0);
    if let Some(after) = rest.strip_prefix(b":") {
        (minute, rest) = two_digits(after)?;
        if let Some(after) = rest.strip_prefix(b":") {
            (second, rest) = two_digits(after)?;
            if let Some(after) = rest.strip_prefix(b".") {
                let end = after.iter().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
                nanos = nanos_of_fraction(&after[..end])?;
                rest = &after[end..];
            }
        }
    }
    let half = rest.strip_prefix(b"-").unwrap_or(rest).trim_ascii_start();
    let (hour, rest) = match half {
        [h @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm', after @ ..] if (1..=12).contains(&hour) => {
            (hour % 12 + if h.eq_ignore_ascii_case(&b'P') { 12 } else { 0 }, after)
        }
        _ => (hour, rest),
    };
    let legal = hour < 24 && minute < 60 && second < 60;
    legal.then(|| ((hour * 3600 + minute * 60 + second) * SECOND + nanos, rest))
}

/// Nothing, `Z`, `UTC`, `+00:00` or `+0200`: what to subtract.
fn zone(text: &[u8]) -> Option<Span> {
    let (sign, digits) = match text {
        b"" | b"Z" | b"z" | b"UTC" => return Some(Span::ZERO),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = two_digits(digits)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(b":").unwrap_or(rest))?;
    (rest.is_empty() && hours < 24 && minutes < 60)
        .then(|| Span::secs(sign * (hours * 3600 + minutes * 60)))
}

fn two_digits(text: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    Some((number(digits)?, rest))
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    digits
        .iter()
        .try_fold(0_i64, |value, b| value.checked_mul(10)?.checked_add(i64::from(b - b'0')))
}

/// The digits after a second's point, in nanoseconds; more than nine are cut.
fn nanos_of_fraction(digits: &[u8]) -> Option<i64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Some(padded.fold(0, |value, b| value * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 of a date that exists, by Howard Hinnant's algorithm
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    // Beyond these years nanoseconds leave the range of 64 bits.
    if !(1..=length).contains(&day) || !(1700..=2200).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Writes a moment as RFC 3339.
pub(crate) fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// Writes a moment as RFC 3339, and none as null.
#[allow(clippy::ref_option)] // serde's signature
pub(crate) fn rfc3339_or_null<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("2017-07-01 11-AM", "2017-07-01T11:00:00.000Z")]
    #[case("2017-07-01 12-PM", "2017-07-01T12:00:00.000Z")]
    #[case("2017-07-01 12-AM", "2017-07-01T00:00:00.000Z")]
    #[case("2017-07-01 01:30:05 pm", "2017-07-01T13:30:05.000Z")]
    #[case("2021-12-31 23:01:00.000000", "2021-12-31T23:01:00.000Z")]
    #[case("2021-12-31T23:01:00.123456789Z", "2021-12-31T23:01:00.123Z")]
    #[case("2021-12-31T23:01:00+02:00", "2021-12-31T21:01:00.000Z")]
    #[case("2022-01-01 00:01:00-0130", "2022-01-01T01:31:00.000Z")]
    #[case("2014-11-28", "2014-11-28T00:00:00.000Z")]
    #[case("2024/02/29 10:20", "2024-02-29T10:20:00.000Z")]
    #[case("1723161255", "2024-08-08T23:54:15.000Z")]
    #[case("1723161255.5", "2024-08-08T23:54:15.500Z")]
    #[case("1723161255030", "2024-08-08T23:54:15.030Z")]
    #[case("1723161255030314", "2024-08-08T23:54:15.030Z")]
    #[case("1723161255030314667", "2024-08-08T23:54:15.030Z")]
    fn times_in_common_forms_are_read(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), expected);
    }

    #[test]
    fn microseconds_are_kept() {
        assert_eq!(parse(b"1970-01-01 00:00:00.000001"), Some(Timestamp(1000)));
        assert_eq!(parse(b"1723161255030314667"), Some(Timestamp(1_723_161_255_030_314_667)));
    }

    #[rstest]
    fn what_is_no_time_is_refused(
        #[values(
            "",
            "yesterday",
            "2021-13-01",
            "2021-02-29",
            "2021-00-10",
            "2021-01-01 24:00:00",
            "2021-01-01 10:60",
            "2021-01-01 13-PM",
            "2021-01-01 10:00:00 CET",
            "2021-01-01x",
            "01/02/2021",
            "99999999999999999999",
            "-5",
            "1.5",
            "2021-01-01 00-AM"
        )]
        text: &str,
    ) {
        assert_eq!(parse(text.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_the_engine_prints_is_read_back(millis in -2_000_000_000_000i64..6_000_000_000_000) {
            let at = Timestamp(millis * 1_000_000);
            prop_assert_eq!(parse(at.to_string().as_bytes()), Some(at));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }
    }
}
