//! One text for one meaning, so that equal settings hash equally wherever they are read.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON with sorted members and no spaces.
///
/// The types of this crate serialise decimals, durations and defaults in one form each, so two specs
/// that mean the same have the same text.
///
/// # Errors
/// When the value has no JSON form; those of this crate all have one.
pub fn canonical_json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    write(&serde_json::to_value(value)?, &mut text);
    Ok(text)
}

/// SHA-256 of [`canonical_json`], as 64 hexadecimal digits.
///
/// # Errors
/// As [`canonical_json`].
pub fn canonical_hash<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let digest = Sha256::digest(canonical_json(value)?);
    Ok(digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

// Sorted here and not left to the map's own order, which a feature of serde_json that any other crate
// can switch on would change.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (position, (name, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::from(name.as_str()));
                write(member, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        scalar => {
            let _ = write!(text, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RiskPolicySpec;
    use serde_json::json;

    #[test]
    fn members_are_sorted_at_every_depth() {
        let value = json!({"b": [{"d": 1, "c": "x\"y"}], "a": null});
        assert_eq!(canonical_json(&value).unwrap(), r#"{"a":null,"b":[{"c":"x\"y","d":1}]}"#);
    }

    #[test]
    fn the_hash_is_sha_256_of_the_text() {
        assert_eq!(
            canonical_hash(&json!({})).unwrap(),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }

    fn hash(spec: serde_json::Value) -> String {
        let spec: RiskPolicySpec = serde_json::from_value(spec).unwrap();
        spec.hash().unwrap()
    }

    #[test]
    fn a_policy_that_spells_out_a_default_means_the_same() {
        let spelled = json!({
            "limits": {"maxDrawdown": "0.250", "maxDataAge": "60s", "orderRate": {"burst": 10}},
            "exits": {"stop": {"atr": {"multiple": "2.0"}}},
            "tradingState": "Active",
        });
        assert_eq!(hash(json!({})), hash(spelled));
    }

    #[test]
    fn any_other_value_means_something_else() {
        let changes = [
            json!({"limits": {"maxDrawdown": "0.2"}}),
            json!({"limits": {"maxOrderNotional": "1000"}}),
            json!({"exits": {"stop": {"disabled": {}}}}),
            json!({"tradingState": "Halted"}),
            json!({"onHalt": "Flatten"}),
            json!({"staleAfter": "61s"}),
        ];
        let mut hashes: Vec<String> = changes.into_iter().map(hash).collect();
        hashes.push(hash(json!({})));
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 7);
    }
}
