//! Decimal text to integers, without a float on the way.

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots};

use super::error::Problem;

/// A decimal number, in units of 1e-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// Truncated towards zero.
    e8: i128,
    /// Whether digits beyond the eighth place were cut.
    cut: bool,
}

const PLACES: i32 = 8;
/// No number in market data has more significant digits before they can only be noise.
const LARGEST: u128 = 10_u128.pow(30);

impl Decimal {
    /// Reads `-?digits[.digits][e±digits]`. `None` for everything else: NaN, infinities, blanks,
    /// thousands separators.
    #[inline]
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let (mut mantissa, mut places, mut after_point, mut any) = (0_u128, 0_i32, false, false);
        let (mut cut, mut exponent) = (false, 0);
        for (i, &byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if mantissa < LARGEST {
                        mantissa = mantissa * 10 + u128::from(byte - b'0');
                        places += i32::from(after_point);
                    } else if after_point {
                        cut |= byte != b'0';
                    } else {
                        return None;
                    }
                }
                b'.' if !after_point => after_point = true,
                b'e' | b'E' => {
                    exponent = parse_exponent(&digits[i + 1..])?;
                    break;
                }
                _ => return None,
            }
        }
        if !any {
            return None;
        }
        let shift = PLACES - places + exponent;
        let magnitude = if shift >= 0 {
            mantissa.checked_mul(10_u128.checked_pow(shift.unsigned_abs())?)?
        } else {
            let divisor = 10_u128.checked_pow(shift.unsigned_abs()).unwrap_or(u128::MAX);
            cut |= mantissa % divisor != 0;
            mantissa / divisor
        };
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(Self { e8: if negative { -magnitude } else { magnitude }, cut })
    }

    const fn is_negative(self) -> bool {
        self.e8 < 0
    }
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|e: &i32| e.abs() <= 30)
}

/// No price is higher than 10¹² quote units and no quantity larger than 10¹⁵ base units: within these
/// no value of a position leaves the integers of money.
const LARGEST_PRICE_E8: i128 = 10_i128.pow(20);
const LARGEST_QUANTITY_E8: i128 = 10_i128.pow(23);

/// A price as the nearest tick, and whether it was off the tick.
///
/// # Errors
/// Not a number, not above zero (after rounding), or too large.
#[inline]
pub(super) fn price(
    instrument: &Instrument,
    column: &'static str,
    text: &[u8],
) -> Result<(PriceTicks, bool), Problem> {
    let decimal = Decimal::parse(text).ok_or_else(|| not_a_number(column, text))?;
    let (ticks, off_tick) = instrument.nearest_tick(decimal.e8);
    if ticks.0 <= 0 {
        return Err(Problem::NotPositive { column, text: shown(text) });
    }
    if ticks.0 == i64::MAX || decimal.e8 > LARGEST_PRICE_E8 {
        return Err(Problem::TooLarge { column, text: shown(text) });
    }
    Ok((ticks, off_tick || decimal.cut))
}

/// A quantity of base currency as whole lots, rounded down.
///
/// # Errors
/// Not a number, negative, or too large.
#[inline]
pub(super) fn quantity(
    instrument: &Instrument,
    column: &'static str,
    text: &[u8],
) -> Result<QtyLots, Problem> {
    let quantity_e8 = non_negative(column, text)?;
    let lots = instrument.lots_floor(quantity_e8);
    if lots.0 == i64::MAX || quantity_e8 > LARGEST_QUANTITY_E8 {
        return Err(Problem::TooLarge { column, text: shown(text) });
    }
    Ok(lots)
}

/// A number of zero or above, in units of 1e-8, rounded down.
///
/// # Errors
/// Not a number, or negative.
#[inline]
pub(super) fn non_negative(column: &'static str, text: &[u8]) -> Result<i128, Problem> {
    let decimal = Decimal::parse(text).ok_or_else(|| not_a_number(column, text))?;
    if decimal.is_negative() || (decimal.cut && text.starts_with(b"-")) {
        return Err(Problem::Negative { column, text: shown(text) });
    }
    Ok(decimal.e8)
}

fn not_a_number(column: &'static str, text: &[u8]) -> Problem {
    Problem::NotANumber { column, text: shown(text) }
}

/// Foreign text, fit for a message.
pub(super) fn shown(text: &[u8]) -> String {
    const MOST: usize = 60;
    let mut shown: String = String::from_utf8_lossy(text).chars().take(MOST).collect();
    shown = shown.replace(char::is_control, "?");
    if text.len() > MOST {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("61800.10", 6_180_010_000_000, false)]
    #[case("0", 0, false)]
    #[case("-0.5", -50_000_000, false)]
    #[case("203889.11713750003", 20_388_911_713_750, true)]
    #[case("2.5e-05", 2_500, false)]
    #[case("1E3", 100_000_000_000, false)]
    #[case("1e-9", 0, true)]
    #[case(".5", 50_000_000, false)]
    fn decimals_become_integers(#[case] text: &str, #[case] e8: i128, #[case] cut: bool) {
        assert_eq!(Decimal::parse(text.as_bytes()), Some(Decimal { e8, cut }));
    }

    #[rstest]
    fn what_is_no_number_is_refused(
        #[values(
            "",
            "-",
            ".",
            "NaN",
            "nan",
            "inf",
            "-Infinity",
            "1,000",
            "1 0",
            "1.2.3",
            "1e",
            "1e99",
            "0x10",
            "--1",
            "+1"
        )]
        text: &str,
    ) {
        assert_eq!(Decimal::parse(text.as_bytes()), None);
    }

    #[rstest]
    #[case::a_price("0.1", "1000000000000.1")]
    #[case::a_price_of_a_coarse_tick("9999999", "1701411834604692317316873037158")]
    fn a_price_beyond_all_prices_is_refused(#[case] tick: &str, #[case] text: &str) {
        let mut btc = crate::market::tests::btc();
        btc.tick = i64::try_from(Decimal::parse(tick.as_bytes()).unwrap().e8).unwrap();
        let refused = price(&btc, "close", text.as_bytes()).unwrap_err();
        assert!(matches!(refused, Problem::TooLarge { .. }), "{refused}");
    }

    #[test]
    fn a_quantity_beyond_all_quantities_is_refused() {
        let btc = crate::market::tests::btc();
        assert!(quantity(&btc, "volume", b"1000000000000000").is_ok());
        let refused = quantity(&btc, "volume", b"1000000000000001").unwrap_err();
        assert!(refused.to_string().contains("10\u{b9}\u{2075}"), "{refused}");
    }

    proptest! {
        #[test]
        fn agrees_with_the_engines_own_parser(units in -10i128.pow(25)..10i128.pow(25)) {
            let text = sapphire_engine::money::Amount(units).to_string();
            prop_assert_eq!(Decimal::parse(text.as_bytes()), Some(Decimal { e8: units, cut: false }));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Decimal::parse(&bytes);
        }
    }
}
