//! What a text must look like, and what to say when it does not.

use std::sync::OnceLock;

use regex::Regex;

use super::{decimal, quantity, text, time};

/// How one kind of text is written.
#[derive(Debug)]
pub struct Format {
    /// What the text is, in words: "a fraction between 0 and 1".
    pub what: &'static str,
    /// RE2 syntax, anchored; the API server matches the same one.
    pub pattern: &'static str,
    /// In characters; bounds what a rule over the text may cost the API server.
    pub max_length: u32,
    /// What to write instead.
    pub remedy: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

/// Amounts and times, whose units people get wrong.
static UNITS: &[&Format] = &[
    &decimal::POSITIVE,
    &decimal::SIZE,
    &decimal::STEP,
    &decimal::MULTIPLE,
    &decimal::FRACTION,
    &decimal::SHARE,
    &decimal::PROPORTION,
    &decimal::RATE,
    &decimal::RISK_MULTIPLIER,
    &time::DURATION,
    &time::DELAY,
    &quantity::QUANTITY,
];

/// All other formats.
static OTHERS: &[&Format] = &[
    &decimal::AMOUNT,
    &text::SYMBOL,
    &text::OBJECT_NAME,
    &text::CONTAINER_NAME,
    &text::KEY_NAME,
    &text::FILE_PATH,
    &text::URL,
    &text::IMAGE_REFERENCE,
    &text::ENV_NAME,
    &text::LABEL_KEY,
    &text::LABEL_VALUE,
    &text::VENUE_CODE,
    &text::DIGEST,
    &text::TEXT,
];

/// Every format of the API, for the reference page and for the remedy of a pattern.
pub fn formats() -> impl Iterator<Item = &'static Format> {
    UNITS.iter().chain(OTHERS).copied()
}

/// A text that is not written as its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is not {what}: {remedy}")]
pub struct FormatError {
    /// The text as given.
    pub value: String,
    /// What it should have been.
    pub what: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}

impl Format {
    pub(super) const fn new(
        what: &'static str,
        pattern: &'static str,
        max_length: u32,
        remedy: &'static str,
    ) -> Self {
        Self { what, pattern, max_length, remedy, compiled: OnceLock::new() }
    }

    /// Whether `text` has this format.
    pub fn admits(&self, text: &str) -> bool {
        let within = u32::try_from(text.chars().count()).is_ok_and(|n| n <= self.max_length);
        within
            && self
                .compiled
                .get_or_init(|| Regex::new(self.pattern).ok())
                .as_ref()
                .is_some_and(|regex| regex.is_match(text))
    }

    /// `text` itself when it has this format.
    ///
    /// # Errors
    /// Says what the text should have been and what to write instead.
    pub fn check<'t>(&self, text: &'t str) -> Result<&'t str, FormatError> {
        if self.admits(text) { Ok(text) } else { Err(self.refuse(text)) }
    }

    pub(super) fn refuse(&self, text: &str) -> FormatError {
        FormatError { value: text.to_owned(), what: self.what, remedy: self.remedy }
    }

    /// The format with this pattern, if it is one of the API's.
    pub fn of_pattern(pattern: &str) -> Option<&'static Format> {
        formats().find(|f| f.pattern == pattern)
    }

    /// The format of a schema's text, by its pattern or by the rule in its place.
    pub fn of_schema(schema: &serde_json::Value) -> Option<&'static Format> {
        let rules = schema["x-kubernetes-validations"].as_array();
        let says = |format: &Format| {
            schema["pattern"] == format.pattern
                || rules.is_some_and(|rules| rules.iter().any(|r| r["rule"] == format.rule()))
        };
        formats().find(|format| says(format))
    }

    /// Whether it is an amount or a time. The API server judges those by a rule with words.
    pub(crate) fn has_unit(&self) -> bool {
        UNITS.iter().any(|format| format.pattern == self.pattern)
    }

    /// The pattern as a rule, which the API server refuses in [`Format::words`].
    pub(crate) fn rule(&self) -> String {
        let matches = format!("self.matches(r'{}')", self.pattern);
        if self.pattern == quantity::QUANTITY.pattern {
            // One may be written as a number, too.
            return format!("type(self) == int ? self >= 0 : {matches}");
        }
        matches
    }

    /// What is wrong, and what to write instead.
    pub(crate) fn words(&self) -> String {
        format!("is not {}; {}", self.what, self.remedy)
    }
}

/// Serialize as the displayed text, deserialize by parsing, and describe as a string of the format.
macro_rules! written_as {
    ($type:ident, $format:expr) => {
        impl $type {
            /// How this text is written.
            pub const FORMAT: &'static crate::values::Format = &$format;
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": Self::FORMAT.pattern,
                    "maxLength": Self::FORMAT.max_length,
                })
            }
        }
    };
}
pub(super) use written_as;

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::string::string_regex;

    use super::*;
    use crate::values::{
        Amount, Delay, Duration, Fraction, Multiple, Positive, Proportion, Rate, RiskMultiplier,
        Share, Size, Step,
    };

    /// Whatever the pattern admits is read, and written in a form that is read as the same.
    fn every_text_of_the_pattern_is_read<T>(format: &Format) -> Result<(), TestCaseError>
    where
        T: FromStr<Err = FormatError> + Display + Debug + PartialEq,
    {
        let pattern = format.pattern.trim_start_matches('^').trim_end_matches('$');
        let texts = string_regex(pattern).unwrap();
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        for _ in 0..500 {
            let text = texts.new_tree(&mut runner).unwrap().current();
            if text.len() > format.max_length as usize {
                continue;
            }
            let value: T =
                text.parse().map_err(|e: FormatError| TestCaseError::fail(e.to_string()))?;
            let canonical = value.to_string();
            prop_assert_eq!(&canonical.parse::<T>().unwrap(), &value, "{} as {}", text, canonical);
            prop_assert_eq!(canonical.parse::<T>().unwrap().to_string(), canonical);
        }
        Ok(())
    }

    #[test]
    fn what_the_api_server_admits_the_types_read() -> Result<(), TestCaseError> {
        every_text_of_the_pattern_is_read::<Positive>(Positive::FORMAT)?;
        every_text_of_the_pattern_is_read::<Size>(Size::FORMAT)?;
        every_text_of_the_pattern_is_read::<Step>(Step::FORMAT)?;
        every_text_of_the_pattern_is_read::<Multiple>(Multiple::FORMAT)?;
        every_text_of_the_pattern_is_read::<Share>(Share::FORMAT)?;
        every_text_of_the_pattern_is_read::<Fraction>(Fraction::FORMAT)?;
        every_text_of_the_pattern_is_read::<Proportion>(Proportion::FORMAT)?;
        every_text_of_the_pattern_is_read::<Rate>(Rate::FORMAT)?;
        every_text_of_the_pattern_is_read::<RiskMultiplier>(RiskMultiplier::FORMAT)?;
        every_text_of_the_pattern_is_read::<Amount>(Amount::FORMAT)?;
        every_text_of_the_pattern_is_read::<Duration>(Duration::FORMAT)?;
        every_text_of_the_pattern_is_read::<Delay>(Delay::FORMAT)
    }

    #[test]
    fn every_pattern_compiles_and_is_anchored() {
        for format in formats() {
            assert!(Regex::new(format.pattern).is_ok(), "{}", format.pattern);
            assert!(format.pattern.starts_with('^') && format.pattern.ends_with('$'));
        }
    }
}
