//! Names, and which system is meant.

use std::collections::BTreeMap;

use crate::TradingSystem;
use crate::manifest::document::{Document, Kind};
use crate::manifest::fault::{FaultCode, ManifestFault};
use crate::manifest::object::{Object, Objects};
use crate::manifest::suggestion::remedy;
use crate::manifest::{Faults, Request};

/// Two objects of a kind, namespace and name are one object, and the second would overwrite the first.
pub(super) fn names_are_unique(objects: &Objects<'_>, _: Request<'_>, faults: &mut Faults) {
    let mut first = BTreeMap::new();
    for document in objects.documents {
        let (false, Some(name)) = (matches!(document.kind, Kind::Foreign(_)), document.name())
        else {
            continue;
        };
        let identity = (&document.kind, document.namespace(), name);
        if let Some(earlier) = first.insert(identity, document) {
            let kind = document.kind.name();
            faults.push(document.fault(
                FaultCode::Duplicate,
                "metadata.name",
                format!("is also the name of the {kind} in {}", place(earlier)),
                "give one of them another name, or remove it".into(),
            ));
        }
    }
}

fn place(document: &Document<'_>) -> String {
    let line = document.root.referenced.line();
    format!("{}:{line}", document.file.path.display())
}

/// A run has one system.
pub(super) fn one_system_is_meant(
    objects: &Objects<'_>,
    request: Request<'_>,
    faults: &mut Faults,
) {
    let documents: Vec<&Document<'_>> =
        objects.documents.iter().filter(|document| document.kind == Kind::TradingSystem).collect();
    let mut names: Vec<&str> = documents.iter().filter_map(|document| document.name()).collect();
    names.sort_unstable();
    names.dedup();
    match (request.system, documents.first()) {
        (Some(wanted), Some(document))
            if !names.contains(&wanted) && !objects.hidden.may_hold(&Kind::TradingSystem) =>
        {
            let otherwise = format!("pass --system with one of {}", names.join(", "));
            faults.push(ManifestFault::of_file(
                FaultCode::NotFound,
                &document.file.path,
                format!("there is no TradingSystem {wanted} in the manifests"),
                remedy(wanted, &names, &otherwise),
            ));
        }
        (None, Some(_)) if names.len() > 1 => {
            let choices: Vec<String> =
                names.iter().map(|name| format!("--system {name}")).collect();
            for document in documents.iter().skip(1) {
                faults.push(document.fault(
                    FaultCode::Conflict,
                    "metadata.name",
                    format!("is one of {} systems, and a run has one", names.len()),
                    format!("pass {}", choices.join(" or ")),
                ));
            }
        }
        _ => {}
    }
}

/// The system that the request means, if it is valid.
pub(super) fn meant<'o>(
    objects: &'o Objects<'o>,
    request: Request<'_>,
) -> Option<&'o Object<'o, TradingSystem>> {
    let mut systems = objects.systems.iter();
    match request.system {
        Some(wanted) => systems.find(|system| system.document.name() == Some(wanted)),
        None => systems.next(),
    }
}
