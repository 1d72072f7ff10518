//! Names, references and other texts with a shape.

use std::fmt;
use std::str::FromStr;

use super::format::{Format, FormatError, written_as};

macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $format:ident = ($what:literal, $pattern:literal, $max:literal, $remedy:literal)) => {
        pub(super) static $format: Format = Format::new($what, $pattern, $max, $remedy);

        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = FormatError;
            fn from_str(text: &str) -> Result<Self, FormatError> {
                $format.check(text).map(|text| Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        written_as!($type, $format);
    };
}

text! {
    /// An instrument's symbol at its venue, such as `BTCUSDT`.
    Symbol, SYMBOL = (
        "a symbol",
        r"^[A-Z0-9]{2,20}$",
        20,
        "write the venue's symbol in capitals and digits without separator, such as BTCUSDT"
    )
}

text! {
    /// The name of a Kubernetes object (a DNS subdomain, RFC 1123).
    ObjectName, OBJECT_NAME = (
        "the name of an object",
        r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$",
        253,
        "write lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit"
    )
}

text! {
    /// The name of a container within its pod (a DNS label, RFC 1123).
    ContainerName, CONTAINER_NAME = (
        "the name of a container",
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        63,
        "write at most 63 lower-case letters, digits and '-', beginning and ending with a letter or digit"
    )
}

text! {
    /// A key inside a Secret or ConfigMap.
    KeyName, KEY_NAME = (
        "a key of a Secret",
        r"^[-._a-zA-Z0-9]+$",
        253,
        "write letters, digits, '-', '_' and '.'"
    )
}

text! {
    /// Path of a file, relative to the manifest's directory (locally) or to the volume's root (on a cluster).
    FilePath, FILE_PATH = (
        "a relative path of a file",
        r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$",
        512,
        "write a path relative to this manifest, such as ../data/btcusd.csv.gz; absolute paths exist on one machine only"
    )
}

text! {
    /// An http, https, ws or wss address.
    Url, URL = (
        "an address",
        r"^(https?|wss?)://[^\x00-\x20/?#]+[^\x00-\x20]*$",
        512,
        "write it whole, such as http://127.0.0.1:9000"
    )
}

text! {
    /// A container image: registry, repository, and a tag or digest.
    ImageReference, IMAGE_REFERENCE = (
        "an image with a tag or digest",
        r"^[a-z0-9][-._a-z0-9/:]*(:[_a-zA-Z0-9][-._a-zA-Z0-9]{0,127}|@sha256:[0-9a-f]{64})$",
        512,
        "name the tag or digest as well, such as registry.example/sapphire-trader:0.1.0"
    )
}

text! {
    /// The name of an environment variable.
    EnvName, ENV_NAME = (
        "the name of an environment variable",
        r"^[A-Za-z_][A-Za-z0-9_]*$",
        128,
        "write letters, digits and '_', not beginning with a digit"
    )
}

text! {
    /// A key of a label or annotation, with its optional prefix.
    LabelKey, LABEL_KEY = (
        "a key of a label or annotation",
        r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        317,
        "write it as name or prefix/name, such as topology.kubernetes.io/zone"
    )
}

text! {
    /// A label's value.
    LabelValue, LABEL_VALUE = (
        "a label's value",
        r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
        63,
        "write at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    )
}

text! {
    /// A code with which a venue refuses, such as `-2019`.
    VenueCode, VENUE_CODE = (
        "a venue's error code",
        r"^-?[0-9]{1,6}$",
        7,
        "write the code as a number in quotes, such as \"-2019\""
    )
}

text! {
    /// SHA-256 in hexadecimal.
    Digest, DIGEST = (
        "a SHA-256 digest",
        r"^[0-9a-f]{64}$",
        64,
        "write 64 hexadecimal digits in lower case"
    )
}

text! {
    /// Any text of one line.
    Text, TEXT = (
        "a text of one line",
        r"^[^\x00-\x1f]*$",
        1024,
        "write one line of at most 1,024 characters"
    )
}

impl Text {
    /// The text in one line and at its greatest length: what is too long is cut and ends in `…`,
    /// line ends and other control characters become spaces. For words that come from elsewhere.
    pub fn fitted(text: &str) -> Self {
        Self::fitted_to(usize::try_from(TEXT.max_length).unwrap_or(usize::MAX), text)
    }

    /// As [`fitted`](Self::fitted), at most so many characters.
    pub(crate) fn fitted_to(limit: usize, text: &str) -> Self {
        let line = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut fitted: String = line.clone().take(limit).collect();
        if line.count() > limit {
            fitted.pop();
            fitted.push('…');
        }
        Self(fitted)
    }
}

impl KeyName {
    /// A key that the code itself names.
    pub(crate) fn fixed(key: &'static str) -> Self {
        Self(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_elsewhere_are_made_to_fit() {
        assert_eq!(
            Text::fitted(" exit status 1\nno such table\t\u{7f}\n").as_str(),
            "exit status 1 no such table  "
        );
        let long = Text::fitted(&"ä".repeat(5_000));
        assert!(long.as_str().ends_with("ä…"));
        assert_eq!(long.as_str().parse::<Text>().unwrap(), long);
    }
}
