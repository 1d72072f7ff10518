//! Holds a document against its kind's CEL rules, with the evaluator that the operator's library
//! brings.

use std::collections::BTreeSet;

use kube::core::cel::{CompiledSchema, ErrorKind, Validator};
use serde_json::Value as Json;

use super::Faults;
use super::document::Document;
use super::fault::{FaultCode, ManifestFault};

/// Evaluates every rule over `object`, which is the document without what the schema does not know.
///
/// A rule that speaks of a map with an unknown or missing member is left out: the fault of the member
/// says it better. So is one that cannot be evaluated because something below has the wrong type.
pub(super) fn check(
    document: &Document<'_>,
    schema: &CompiledSchema,
    object: &Json,
    shape_faults: &[ManifestFault],
    faults: &mut Faults,
) {
    let incomplete: BTreeSet<&str> = shape_faults
        .iter()
        .filter(|fault| matches!(fault.code, FaultCode::UnknownField | FaultCode::Missing))
        .map(|fault| parent(&fault.field))
        .collect();
    let Err(failures) = Validator::new().validate_compiled(schema, object, None) else {
        return;
    };
    for failure in failures {
        if incomplete.contains(failure.field_path.as_str()) {
            continue;
        }
        match failure.kind {
            ErrorKind::ValidationFailure => {
                let (message, remedy) = failure
                    .message
                    .split_once("; ")
                    .unwrap_or((failure.message.as_str(), "see the rule in the reference"));
                faults.push(document.fault(
                    FaultCode::Rule,
                    &failure.field_path,
                    message.to_owned(),
                    remedy.to_owned(),
                ));
            }
            _ if shape_faults.is_empty() => faults.push(document.fault(
                FaultCode::Rule,
                &failure.field_path,
                format!("cannot be judged: {}", failure.message),
                format!("simplify the value; the rule is {}", failure.rule),
            )),
            _ => {}
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(parent, _)| parent)
}
