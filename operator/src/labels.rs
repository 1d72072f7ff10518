//! The labels of children; the names themselves are the API's.

use std::collections::BTreeMap;

pub use sapphire_crds::names::Component;
pub use sapphire_crds::names::labels::{
    AGENT, COMPONENT, INSTANCE, MANAGED_BY, MANAGED_BY_VALUE, NAME, NAME_VALUE, REVISION, SYSTEM,
};

/// Labels of everything that is made for a desk.
pub fn of_desk(system: &str) -> BTreeMap<String, String> {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    BTreeMap::from([
        label(NAME, NAME_VALUE),
        label(INSTANCE, system),
        label(MANAGED_BY, MANAGED_BY_VALUE),
        label(SYSTEM, system),
    ])
}

/// Labels of what is made for one role of a desk.
pub fn of_component(system: &str, component: Component) -> BTreeMap<String, String> {
    let mut labels = of_desk(system);
    labels.insert(COMPONENT.to_owned(), component.to_string());
    labels
}

/// What selects the pods of a role: labels that never change, since a Deployment's selector cannot.
pub fn selector(system: &str, component: Component) -> BTreeMap<String, String> {
    BTreeMap::from([
        (SYSTEM.to_owned(), system.to_owned()),
        (COMPONENT.to_owned(), component.to_string()),
    ])
}

/// The label selector of every watch on children.
pub fn watched() -> String {
    format!("{MANAGED_BY}={MANAGED_BY_VALUE},{SYSTEM}")
}
