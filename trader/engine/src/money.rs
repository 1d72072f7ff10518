//! Money as integers: an [`Amount`] is a whole number of 1e-8 quote units, a [`Ratio`] of 1e-8.
//!
//! Decimals exist only as text at the edges ([`std::fmt::Display`], [`std::str::FromStr`]); nothing
//! between them can lose a cent.
//!
//! Arithmetic stops at the ends of its range: it neither wraps nor panics, and an amount that stopped
//! there passes no limit ([`Amount::is_saturated`]).

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal;

/// Units of an [`Amount`] in one unit of the quote currency, and of a [`Ratio`] in 1.
pub const SCALE: i64 = 100_000_000;
const PLACES: u32 = 8;
const DECIMALS: usize = PLACES as usize;
/// Places that an [`Amount`] is shown with at least.
const CENTS: u32 = 2;

/// Why a text is not a decimal of at most eight places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not of the form `-?[0-9]+(\.[0-9]+)?`.
    #[error("`{0}` is not a decimal number: write digits with at most one point, such as 1234.5")]
    Malformed(String),
    /// More than eight significant places after the point.
    #[error("`{0}` has more than 8 decimal places: round it to 8")]
    TooPrecise(String),
    /// Beyond what the integer behind it can hold.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// Parses a decimal into units of 1e-8. Trailing zeros beyond eight places are allowed.
///
/// # Errors
/// See [`DecimalError`].
pub fn parse_e8(text: &str) -> Result<i128, DecimalError> {
    let malformed = || DecimalError::Malformed(text.to_owned());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || fraction.is_some_and(|f| !all_digits(f)) {
        return Err(malformed());
    }
    let fraction = fraction.unwrap_or("");
    let kept = &fraction[..fraction.len().min(DECIMALS)];
    if fraction[kept.len()..].bytes().any(|b| b != b'0') {
        return Err(DecimalError::TooPrecise(text.to_owned()));
    }
    let mut value: i128 = 0;
    let padding = std::iter::repeat_n(b'0', DECIMALS - kept.len());
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(digit - b'0')))
            .ok_or_else(|| DecimalError::TooLarge(text.to_owned()))?;
    }
    Ok(if negative { -value } else { value })
}

/// An amount of quote currency, in units of 1e-8. Negative amounts are owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// What cannot be told from more: arithmetic that would go beyond it stays at it.
    pub const MAX: Self = Self(i128::MAX);

    /// Whether arithmetic may have stopped at an end of the range: what is compared with a limit is
    /// beyond it then, whatever the limit.
    #[must_use]
    pub const fn is_saturated(self) -> bool {
        self.0 == i128::MAX || self.0 <= -i128::MAX
    }

    /// A whole number of quote units.
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self(units as i128 * SCALE as i128)
    }

    fn text(self, buffer: &mut [u8; decimal::LONGEST]) -> &str {
        decimal::text::<PLACES>(self.0, CENTS, buffer)
    }

    /// The magnitude.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// `self × ratio`, rounded towards minus infinity.
    #[must_use]
    pub const fn times_floor(self, ratio: Ratio) -> Self {
        let (scale, ratio) = (SCALE as i128, ratio.0 as i128);
        match self.0.checked_mul(ratio) {
            Some(product) => Self(product.div_euclid(scale)),
            None => {
                // In two parts, the whole units and the rest, the same to the last digit.
                let whole = self.0.div_euclid(scale).saturating_mul(ratio);
                let rest = self.0.rem_euclid(scale) * ratio;
                Self(whole.saturating_add(rest.div_euclid(scale)))
            }
        }
    }

    /// `self × part ÷ whole`, rounded towards zero, for a part of at most the whole.
    #[must_use]
    pub const fn share(self, part: i64, whole: i64) -> Self {
        let (part, whole) = (part as i128, whole as i128);
        if whole <= 0 {
            return Self::ZERO;
        }
        // In two parts, so that no product leaves the range.
        Self((self.0 / whole).saturating_mul(part).saturating_add(self.0 % whole * part / whole))
    }

    /// `self × part ÷ whole`, rounded towards plus infinity, for a part of at most the whole.
    #[must_use]
    pub const fn share_ceil(self, part: i64, whole: i64) -> Self {
        let (part, whole) = (part as i128, whole as i128);
        if whole <= 0 {
            return Self::ZERO;
        }
        let rest = -(-(self.0.rem_euclid(whole) * part)).div_euclid(whole);
        Self(self.0.div_euclid(whole).saturating_mul(part).saturating_add(rest))
    }

    /// `self × ratio`, rounded towards plus infinity: for fees and margins, which round against us.
    #[must_use]
    pub const fn times_ceil(self, ratio: Ratio) -> Self {
        Self(Self(self.0.saturating_neg()).times_floor(ratio).0.saturating_neg())
    }

    /// `self ÷ other` as a ratio, rounded towards minus infinity; `None` when `other` is not
    /// positive or the quotient leaves the range of [`Ratio`].
    #[must_use]
    pub fn ratio_of(self, other: Self) -> Option<Ratio> {
        if other.0 <= 0 {
            return None;
        }
        let scaled = self.0.checked_mul(i128::from(SCALE))?.div_euclid(other.0);
        i64::try_from(scaled).ok().map(Ratio)
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}
impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}
impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_sub(other.0);
    }
}
impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; decimal::LONGEST]))
    }
}
impl FromStr for Amount {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        parse_e8(text).map(Self)
    }
}

/// A dimensionless number (a rate, a fraction, a multiple) in units of 1e-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ratio(pub i64);

impl Ratio {
    fn text(self, buffer: &mut [u8; decimal::LONGEST]) -> &str {
        decimal::text::<PLACES>(i128::from(self.0), 0, buffer)
    }

    /// 0.
    pub const ZERO: Self = Self(0);
    /// 1.
    pub const ONE: Self = Self(SCALE);

    /// `percent / 100`.
    #[must_use]
    pub const fn percent(percent: i64) -> Self {
        Self(percent * (SCALE / 100))
    }

    /// `self × other`, rounded towards minus infinity.
    #[must_use]
    pub const fn times(self, other: Self) -> Self {
        let product = (self.0 as i128 * other.0 as i128).div_euclid(SCALE as i128);
        if product > i64::MAX as i128 {
            Self(i64::MAX)
        } else if product < i64::MIN as i128 {
            Self(i64::MIN)
        } else {
            Self(product as i64)
        }
    }

    /// The nearest ratio to a finite float; not-a-number becomes 0, and what is beyond the range
    /// its nearest end. For measured fractions (probabilities, Kelly), never for money.
    #[must_use]
    #[allow(clippy::float_arithmetic, clippy::cast_possible_truncation)]
    pub fn from_f64(value: f64) -> Self {
        Self(libm::round(value * SCALE as f64) as i64)
    }

    /// As a float, for statistics and display.
    #[must_use]
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

impl Add for Ratio {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Ratio {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; decimal::LONGEST]))
    }
}
impl FromStr for Ratio {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let units = parse_e8(text)?;
        i64::try_from(units).map(Self).map_err(|_| DecimalError::TooLarge(text.to_owned()))
    }
}

macro_rules! serde_as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.text(&mut [0; decimal::LONGEST]))
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Amount, Ratio);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("0", 0)]
    #[case("1", 100_000_000)]
    #[case("-1.5", -150_000_000)]
    #[case("0.00000001", 1)]
    #[case("61800.10", 6_180_010_000_000)]
    #[case("1.000000000", 100_000_000)]
    fn decimals_parse_exactly(#[case] text: &str, #[case] units: i128) {
        assert_eq!(parse_e8(text), Ok(units));
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case(".5")]
    #[case("5.")]
    #[case("1e5")]
    #[case("1,000")]
    #[case("NaN")]
    #[case("+1")]
    #[case("0.000000001")]
    #[case("999999999999999999999999999999999999999")]
    fn what_is_no_decimal_is_refused(#[case] text: &str) {
        assert!(parse_e8(text).is_err());
    }

    #[test]
    fn fees_round_against_us_and_sizes_down() {
        let rate = Ratio(40_000); // 0.0004
        assert_eq!(Amount(1).times_ceil(rate), Amount(1));
        assert_eq!(Amount(1).times_floor(rate), Amount(0));
        assert_eq!(Amount(-1).times_floor(rate), Amount(-1));
    }

    #[test]
    fn what_is_too_large_to_count_stays_at_the_end_of_the_range() {
        assert_eq!(Amount::MAX + Amount(1), Amount::MAX);
        assert_eq!(Amount::MAX.times_floor(Ratio::percent(200)), Amount::MAX);
        assert!((-Amount::MAX - Amount(2)).is_saturated());
        assert!(Amount(i128::MIN).abs().is_saturated());
        assert!(!Amount::whole(i64::MAX).is_saturated());
        assert_eq!(Ratio(i64::MAX).times(Ratio(i64::MAX)), Ratio(i64::MAX));
        assert_eq!(Ratio(i64::MAX).times(Ratio(i64::MIN)), Ratio(i64::MIN));
    }

    #[test]
    fn a_product_beyond_the_range_on_the_way_is_exact_where_the_result_is_within() {
        // 10²² quote at 99.99999999: the product has 40 digits, the result 32.
        let large = Amount(10_i128.pow(30) + 7);
        let ratio = Ratio(9_999_999_999);
        assert_eq!(large.times_floor(ratio), Amount(99_999_999_990_000_000_000_000_000_000_699));
        assert_eq!(large.times_ceil(ratio), Amount(99_999_999_990_000_000_000_000_000_000_700));
    }

    proptest! {
        #[test]
        fn no_arithmetic_panics(a in any::<i128>(), b in any::<i128>(), r in any::<i64>(), s in any::<i64>()) {
            let (a, b, r) = (Amount(a), Amount(b), Ratio(r));
            let _ = (a + b, a - b, -a, a.abs(), a.times_floor(r), a.times_ceil(r), a.ratio_of(b));
            let _ = (r + Ratio(s), r - Ratio(s), r.times(Ratio(s)), a.share(r.0, s), a.share_ceil(r.0, s));
        }

        #[test]
        fn a_share_is_what_the_plain_product_says(a in -10i128.pow(18)..10i128.pow(18), whole in 1..i64::MAX, part in 0..i64::MAX) {
            let part = part % whole;
            let product = a * i128::from(part);
            prop_assert_eq!(Amount(a).share(part, whole).0, product / i128::from(whole));
            prop_assert_eq!(
                Amount(a).share_ceil(part, whole).0,
                -(-product).div_euclid(i128::from(whole))
            );
        }

        #[test]
        fn text_round_trips(units in -10i128.pow(30)..10i128.pow(30)) {
            prop_assert_eq!(Amount(units).to_string().parse(), Ok(Amount(units)));
        }

        #[test]
        fn floor_and_ceil_differ_by_at_most_one_unit(a in -10i128.pow(25)..10i128.pow(25), r in any::<i32>()) {
            let (low, high) = (Amount(a).times_floor(Ratio(r.into())), Amount(a).times_ceil(Ratio(r.into())));
            prop_assert!(low <= high && high.0 - low.0 <= 1);
        }
    }
}
