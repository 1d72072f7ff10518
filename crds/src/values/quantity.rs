//! A Kubernetes resource quantity.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::format::{Format, FormatError};

pub(super) static QUANTITY: Format = Format::new(
    "a resource quantity",
    r"^([0-9]+(\.[0-9]+)?|\.[0-9]+)([KMGTPE]i|[mkMGTPE]|[eE][0-9]{1,2})?$",
    32,
    "write a Kubernetes quantity, such as 500m (CPU) or 256Mi (memory)",
);

/// An amount of CPU or memory as Kubernetes writes it: `2`, `500m`, `256Mi`.
///
/// Like Kubernetes' own, it may be written as a number or as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(String);

impl Quantity {
    /// How this text is written.
    pub const FORMAT: &'static Format = &QUANTITY;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Quantity {
    type Err = FormatError;
    fn from_str(text: &str) -> Result<Self, FormatError> {
        QUANTITY.check(text).map(|text| Self(text.to_owned()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "pattern": QUANTITY.pattern,
            "maxLength": QUANTITY.max_length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_quantities() {
        for written in [serde_json::json!(2), serde_json::json!("2")] {
            let quantity: Quantity = serde_json::from_value(written).unwrap();
            assert_eq!(quantity.as_str(), "2");
        }
        for text in ["500m", "256Mi", "0.5", "1e3"] {
            assert!(text.parse::<Quantity>().is_ok(), "{text}");
        }
        for text in ["256MB", "lots", "-1", ""] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }
}
