//! Decimals as text: money and ratios never pass through a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::format::{Format, FormatError, written_as};

macro_rules! decimal {
    ($(#[$doc:meta])* $type:ident, $format:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Decimal);

        impl $type {
            /// The value.
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl FromStr for $type {
            type Err = FormatError;
            fn from_str(text: &str) -> Result<Self, FormatError> {
                let value = Decimal::from_str_exact($format.check(text)?);
                value
                    .map(|decimal| Self(decimal.normalize()))
                    .map_err(|_| $format.refuse(text))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.normalize(), f)
            }
        }

        written_as!($type, $format);
    };
}

/// Eight digits that are not all zero; RE2 cannot look ahead, so each count of leading zeros is spelled
/// out. With eight decimals every value is a whole number of the 1e-8 that money is counted in.
/// The beginning of a rule that converts texts to numbers: what is none is refused by its own rule alone.
macro_rules! unless_decimal {
    ($($field:literal),+) => {
        concat!($("!", $field, ".matches('^[0-9]+([.][0-9]+)?$') || "),+)
    };
}
pub(crate) use unless_decimal;

macro_rules! some_digit {
    () => {
        "([1-9][0-9]{0,7}|0[1-9][0-9]{0,6}|00[1-9][0-9]{0,5}|000[1-9][0-9]{0,4}|0000[1-9][0-9]{0,3}|00000[1-9][0-9]{0,2}|000000[1-9][0-9]?|0000000[1-9])"
    };
}

/// Above zero, with at most so many more digits before the point than one.
macro_rules! above_zero {
    ($digits:literal) => {
        concat!(r"^([1-9][0-9]{0,", $digits, r"}(\.[0-9]{1,8})?|0\.", some_digit!(), ")$")
    };
}

pub(super) static POSITIVE: Format = Format::new(
    "a sum greater than zero",
    above_zero!("14"),
    24,
    "write a positive number in quotes with at most 15 digits before and 8 after the point, such as \"1000\" or \"0.01\"",
);
decimal! {
    /// A sum of money greater than zero, in quote currency.
    Positive, POSITIVE
}

pub(super) static SIZE: Format = Format::new(
    "a quantity greater than zero",
    above_zero!("9"),
    19,
    "write a positive number in quotes with at most 10 digits before and 8 after the point, such as \"0.01\"",
);
decimal! {
    /// A quantity greater than zero, in base currency.
    Size, SIZE
}

pub(super) static STEP: Format = Format::new(
    "a step greater than zero",
    above_zero!("6"),
    16,
    "write a positive number in quotes with at most 7 digits before and 8 after the point, such as \"0.01\"",
);
decimal! {
    /// The step of a price or a quantity, greater than zero.
    Step, STEP
}

pub(super) static MULTIPLE: Format = Format::new(
    "a multiple greater than zero",
    above_zero!("3"),
    13,
    "write a positive number below 10000 in quotes, such as \"10\" or \"2.5\"",
);
decimal! {
    /// How many times something: equity, an ATR, a spread. Above 0, below 10,000.
    Multiple, MULTIPLE
}

pub(super) static FRACTION: Format = Format::new(
    "a fraction above 0 and at most 1",
    concat!(r"^(0\.", some_digit!(), r"|1(\.0{1,8})?)$"),
    10,
    "write a share of one in quotes, not a percentage: 25 % is \"0.25\"",
);
decimal! {
    /// A share of one: above 0, at most 1. 25 % is `"0.25"`.
    Fraction, FRACTION
}

pub(super) static SHARE: Format = Format::new(
    "a share of at least 0 and below 1",
    r"^0(\.[0-9]{1,8})?$",
    10,
    "write a share of one in quotes, not a percentage nor basis points: 0.5 % is \"0.005\"",
);
decimal! {
    /// A share of one: 0 or more, below 1. 0.5 % is `"0.005"`.
    Share, SHARE
}

pub(super) static PROPORTION: Format = Format::new(
    "a proportion from 0 to 1",
    r"^(0(\.[0-9]{1,8})?|1(\.0{1,8})?)$",
    10,
    "write a share of one in quotes, from \"0\" to \"1\"",
);
decimal! {
    /// A share of one, nothing and all of it included; statuses report weights and scores so.
    Proportion, PROPORTION
}

pub(super) static RATE: Format = Format::new(
    "a rate between -1 and 1",
    r"^-?0(\.[0-9]{1,8})?$",
    11,
    "write a share of one in quotes, not a percentage nor basis points: 0.04 % (4 basis points) is \"0.0004\"",
);
decimal! {
    /// A signed share of one, below 1 in size: a fee (negative is a rebate) or funding. 4 basis points
    /// are `"0.0004"`.
    Rate, RATE
}

pub(super) static RISK_MULTIPLIER: Format = Format::new(
    "a multiplier between 1 and 2",
    r"^(1(\.[0-9]{1,8})?|2(\.0{1,8})?)$",
    10,
    "write a number from \"1\" to \"2\" in quotes, which scales the risk budget of a trade and never a limit",
);
decimal! {
    /// From 1 to 2; scales the risk budget of a trade, never a limit.
    RiskMultiplier, RISK_MULTIPLIER
}

pub(super) static AMOUNT: Format = Format::new(
    "a decimal",
    r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,8})?$",
    25,
    "write a number in quotes with at most 15 digits before and 8 after the point",
);
decimal! {
    /// A signed sum of money in quote currency, as statuses report it.
    Amount, AMOUNT
}

macro_rules! constant {
    ($($type:ident),+) => {$(
        impl $type {
            /// `MANTISSA` × 10^-`SCALE`, for defaults: `constant::<25, 2>` is 0.25.
            pub(crate) const fn constant<const MANTISSA: u32, const SCALE: u32>() -> Self {
                Self(Decimal::from_parts(MANTISSA, 0, 0, false, SCALE))
            }
        }
    )+};
}
constant!(Multiple, Fraction, Share, RiskMultiplier);

macro_rules! rounding {
    ($($type:ident),+) => {$(
        impl TryFrom<Decimal> for $type {
            type Error = FormatError;
            fn try_from(value: Decimal) -> Result<Self, FormatError> {
                value.normalize().to_string().parse()
            }
        }

        impl $type {
            /// Rounded to so many decimals (half to even), as a status shows it: who only looks needs
            /// no eighth decimal, and what does not change is not written.
            pub fn rounded(self, decimals: u32) -> Self {
                Self(self.0.round_dp(decimals).normalize())
            }
        }
    )+};
}
rounding!(Amount, Proportion);

impl Proportion {
    /// As people say it, such as `12.5 %`.
    pub fn percent(self) -> String {
        format!("{} %", (self.0 * Decimal::ONE_HUNDRED).normalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.25", "0.25")]
    #[case("0.250", "0.25")]
    #[case("1", "1")]
    #[case("1.00", "1")]
    #[case("0.00000001", "0.00000001")]
    fn a_fraction_has_one_canonical_text(#[case] written: &str, #[case] canonical: &str) {
        let fraction: Fraction = written.parse().unwrap();
        assert_eq!(fraction.to_string(), canonical);
    }

    #[rstest]
    #[case("0")]
    #[case("0.0")]
    #[case("25")]
    #[case("1.01")]
    #[case("-0.1")]
    #[case(".5")]
    #[case("0.5 ")]
    #[case("0,5")]
    #[case("5e-1")]
    #[case("25%")]
    #[case("")]
    fn what_is_no_fraction_is_refused_with_the_remedy(#[case] written: &str) {
        let error = written.parse::<Fraction>().unwrap_err();
        assert_eq!(error.value, written);
        assert!(error.to_string().contains("25 % is \"0.25\""), "{error}");
    }

    #[rstest]
    #[case("0.00000000")]
    #[case("0")]
    #[case("-1")]
    #[case("007")]
    #[case("1234567890123456")]
    #[case("1.123456789")]
    fn what_is_not_positive_or_too_fine_is_refused(#[case] written: &str) {
        assert!(written.parse::<Positive>().is_err());
    }

    #[rstest]
    #[case("999999999999999.99999999")]
    #[case("0.00000001")]
    #[case("100000")]
    fn the_ends_of_the_positive_range_are_exact(#[case] written: &str) {
        assert_eq!(written.parse::<Positive>().unwrap().to_string(), written);
    }

    #[test]
    fn the_largest_size_fits_an_i64_of_its_smallest_unit() {
        let size: Size = "9999999999.99999999".parse().unwrap();
        let units = (size.get() * Decimal::from(100_000_000)).normalize();
        assert_eq!(units.scale(), 0);
        assert!(i64::try_from(units.mantissa()).is_ok());
        assert!("10000000000".parse::<Size>().is_err());
    }

    #[rstest]
    #[case("0", true)]
    #[case("1.0", true)]
    #[case("0.12345678", true)]
    #[case("1.1", false)]
    #[case("-0.1", false)]
    fn a_proportion_goes_from_nothing_to_all(#[case] written: &str, #[case] legal: bool) {
        assert_eq!(written.parse::<Proportion>().is_ok(), legal);
    }

    #[test]
    fn rounding_drops_what_nobody_looks_at() {
        let amount: Amount = "100234.12345678".parse().unwrap();
        assert_eq!(amount.rounded(2).to_string(), "100234.12");
        let nothing: Amount = "-0.00000001".parse().unwrap();
        assert_eq!(nothing.rounded(2).to_string().parse::<Amount>().unwrap(), nothing.rounded(2));
        let share: Proportion = "0.99999999".parse().unwrap();
        assert_eq!(share.rounded(4).to_string(), "1");
    }

    #[rstest]
    #[case("-0.0001", true)]
    #[case("0.0004", true)]
    #[case("0", true)]
    #[case("4", false)]
    #[case("1", false)]
    fn a_rate_is_smaller_than_one(#[case] written: &str, #[case] legal: bool) {
        assert_eq!(written.parse::<Rate>().is_ok(), legal);
    }

    #[rstest]
    #[case("1", true)]
    #[case("1.5", true)]
    #[case("2.0", true)]
    #[case("2.1", false)]
    #[case("0.9", false)]
    fn the_risk_multiplier_goes_from_one_to_two(#[case] written: &str, #[case] legal: bool) {
        assert_eq!(written.parse::<RiskMultiplier>().is_ok(), legal);
    }
}
