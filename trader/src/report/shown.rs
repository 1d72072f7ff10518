//! Numbers and times as people read them. The exact ones are in the JSON.

use sapphire_engine::money::{Amount, Ratio, SCALE};
use sapphire_engine::order::Purpose;
use sapphire_engine::time::{Span, Timestamp};

/// What stands where there is no value.
pub(super) const NONE: &str = "—";

/// `-1,234.57`: to two places, half away from zero.
pub(crate) fn money(amount: Amount) -> String {
    fixed(amount.0, 2)
}

/// `+1,234.57`: as [`money`], with the sign of a gain.
pub(super) fn gain(amount: Amount) -> String {
    let text = money(amount);
    if amount > Amount::ZERO && text != "0.00" { format!("+{text}") } else { text }
}

/// `12.35 %`.
pub(crate) fn percent(ratio: Ratio) -> String {
    percent_to(ratio, 2)
}

/// `12.3 %`: to so many places, half away from zero.
pub(crate) fn percent_to(ratio: Ratio, places: u32) -> String {
    format!("{} %", fixed(i128::from(ratio.0) * 100, places))
}

/// `1.25`.
pub(crate) fn number(ratio: Ratio) -> String {
    fixed(i128::from(ratio.0), 2)
}

/// `1,234,567`.
pub(crate) fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// `1 trade`, `2,000 trades`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `2017-07-01 11:00`, in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.to_string()[..16].replacen('T', " ", 1)
}

/// `11:00:59`, in UTC.
pub(super) fn second(at: Timestamp) -> String {
    at.to_string()[11..19].to_owned()
}

/// `2017-07-01`, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.to_string()[..10].to_owned()
}

/// `838 days`, `5 h 44 min`, `12 s`: the two largest units, the second left out where it is nothing.
pub(super) fn duration(span: Span) -> String {
    let seconds = span.0 / 1_000_000_000;
    let two = |first: i64, unit: &str, second: i64, then: &str| match second {
        0 => format!("{first} {unit}"),
        _ => format!("{first} {unit} {second} {then}"),
    };
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        86_400..864_000 => two(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
        _ => format!("{} days", grouped(&(seconds / 86_400).to_string())),
    }
}

/// What closed a trade, by the purpose of the order that did: an entry on the other side closes what it
/// turns around.
pub(super) fn closed_by(purpose: Purpose) -> String {
    match purpose {
        Purpose::Entry => "reversal".to_owned(),
        other => other.to_string(),
    }
}

/// Of an optional value, or a dash.
pub(crate) fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), show)
}

/// Units of 1e-8 to `places`, half away from zero.
fn fixed(value: i128, places: u32) -> String {
    let unit = i128::from(SCALE) / 10_i128.pow(places);
    let rounded = (value.abs() + unit / 2) / unit;
    let scale = 10_i128.pow(places);
    let (whole, fraction) = (rounded / scale, rounded % scale);
    let sign = if value < 0 && rounded != 0 { "-" } else { "" };
    let whole = grouped(&whole.to_string());
    match places as usize {
        0 => format!("{sign}{whole}"),
        width => format!("{sign}{whole}.{fraction:0width$}"),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", "0.00")]
    #[case("1234567.894", "1,234,567.89")]
    #[case("-999.995", "-1,000.00")]
    #[case("-0.001", "0.00")]
    #[case("100", "100.00")]
    fn money_is_rounded_to_cents(#[case] exact: &str, #[case] shown: &str) {
        assert_eq!(money(exact.parse().unwrap()), shown);
    }

    #[test]
    fn a_gain_has_its_sign() {
        assert_eq!(gain(Amount::whole(5)), "+5.00");
        assert_eq!(gain(Amount::whole(-5)), "-5.00");
        assert_eq!(gain(Amount(1)), "0.00");
    }

    #[rstest]
    #[case(12, "12 s")]
    #[case(344, "5 min 44 s")]
    #[case(7_200, "2 h")]
    #[case(100_000, "1 d 3 h")]
    #[case(86_400 * 1838, "1,838 days")]
    fn a_duration_has_its_two_largest_units(#[case] seconds: i64, #[case] shown: &str) {
        assert_eq!(duration(Span::secs(seconds)), shown);
    }

    #[test]
    fn ratios_are_percents() {
        assert_eq!(percent(Ratio(12_345_678)), "12.35 %");
        assert_eq!(number(Ratio(-125_000_000)), "-1.25");
        assert_eq!(percent_to(Ratio(19_530_001), 1), "19.5 %");
        assert_eq!(percent_to(Ratio(51_602_973), 0), "52 %");
        assert_eq!(percent_to(Ratio::ONE, 0), "100 %");
    }
}
