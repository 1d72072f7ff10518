//! What people ask for by annotation: each value acts once.

use std::collections::BTreeMap;

use sapphire_crds::names::annotations::{ADOPT_DEFAULTS, RECONCILE_NOW};
use sapphire_crds::requests::Handled;
use sapphire_crds::values::Text;

/// The value of an annotation that was not acted upon yet.
pub fn pending<'a>(
    annotations: Option<&'a BTreeMap<String, String>>,
    name: &str,
    handled: Option<&Text>,
) -> Option<&'a str> {
    let value = annotations?.get(name)?;
    let known = handled.is_some_and(|handled| handled.as_str() == Text::fitted(value).as_str());
    (!known).then_some(value)
}

/// As [`pending`], of today's defaults. A first revision has them already; and a status that was lost forgot
/// what was adopted, so it adopts nothing either. `begun` says whether the status knows of a revision.
pub fn adoption<'a>(
    annotations: Option<&'a BTreeMap<String, String>>,
    handled: &Handled,
    begun: bool,
) -> Option<&'a str> {
    pending(annotations, ADOPT_DEFAULTS, handled.adopt_defaults.as_ref()).filter(|_| begun)
}

/// What a reconcile that came through has handled. An annotation that was removed is forgotten.
pub fn handled(
    annotations: Option<&BTreeMap<String, String>>,
    before: &Handled,
) -> Option<Handled> {
    let value = |name: &str| annotations.and_then(|a| a.get(name)).map(|value| Text::fitted(value));
    let handled = Handled {
        reconcile_now: value(RECONCILE_NOW),
        adopt_defaults: value(ADOPT_DEFAULTS),
        ..before.clone()
    };
    (handled != Handled::default()).then_some(handled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(ADOPT_DEFAULTS.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_value_acts_once_and_another_one_again() {
        let first = annotated("2026-01-01");
        assert_eq!(pending(Some(&first), ADOPT_DEFAULTS, None), Some("2026-01-01"));
        let done = handled(Some(&first), &Handled::default()).unwrap();
        assert_eq!(pending(Some(&first), ADOPT_DEFAULTS, done.adopt_defaults.as_ref()), None);
        let second = annotated("2026-02-01");
        assert_eq!(
            pending(Some(&second), ADOPT_DEFAULTS, done.adopt_defaults.as_ref()),
            Some("2026-02-01")
        );
        assert_eq!(handled(None, &done), None, "removed is forgotten");
    }

    #[test]
    fn a_status_that_was_lost_adopts_nothing() {
        let (note, lost) = (annotated("2026-01-01"), Handled::default());
        assert_eq!(adoption(Some(&note), &lost, false), None);
        assert_eq!(adoption(Some(&note), &lost, true), Some("2026-01-01"));
        let done = handled(Some(&note), &lost).unwrap();
        assert_eq!(adoption(Some(&note), &done, true), None);
    }
}
