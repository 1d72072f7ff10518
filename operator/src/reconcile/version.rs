//! Which of two states of an object is the newer.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// An object's identity and `metadata.resourceVersion`.
///
/// Resource versions of one kind can be compared as numbers (KEP-5504; the API server has always used
/// etcd's revision). Where one is not a number, nothing is newer and the last to arrive wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceVersion {
    uid: String,
    number: Option<u64>,
}

impl ResourceVersion {
    /// Of an object.
    pub fn of(meta: &ObjectMeta) -> Self {
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            number: meta.resource_version.as_deref().and_then(|text| text.parse().ok()),
        }
    }

    /// As the API server writes it, where it is a number.
    pub fn text(&self) -> Option<String> {
        self.number.map(|number| number.to_string())
    }

    /// Whether this state of an object came after `other` of the same object.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        match (self.number, other.number) {
            (Some(mine), Some(theirs)) => mine > theirs,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn version(text: &str) -> ResourceVersion {
        ResourceVersion::of(&ObjectMeta {
            resource_version: Some(text.into()),
            ..Default::default()
        })
    }

    #[rstest]
    #[case("10", "9", true)]
    #[case("9", "10", false)]
    #[case("9", "9", false)]
    #[case("opaque", "9", false)]
    fn versions_are_numbers(#[case] one: &str, #[case] other: &str, #[case] newer: bool) {
        assert_eq!(version(one).is_newer_than(&version(other)), newer);
    }
}
