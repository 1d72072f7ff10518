//! Holds a document against its kind's CEL rules, with the evaluator that the operator's library
//! brings.

use kube::core::cel::{CompiledSchema, ErrorKind, Validator};
use serde_json::Value as Json;

use super::Faults;
use super::document::Document;
use super::fault::{FaultCode, ManifestFault};
use super::suggestion::nearest;

/// Evaluates every rule over `object`, which is the document without what the schema does not know.
/// Rules on what may not change speak of `oldSelf`; without an `old` object they are left out, as on
/// creation.
///
/// A rule that speaks of a member which is missing or misspelt is left out: that fault says it better.
/// So is one that cannot be evaluated because something below has the wrong type.
pub(super) fn check(
    document: &Document<'_>,
    schema: &CompiledSchema,
    object: &Json,
    old: Option<&Json>,
    shape_faults: &[ManifestFault],
    faults: &mut Faults,
) {
    let Err(failures) = Validator::new().validate_compiled(schema, object, old) else {
        return;
    };
    for failure in failures {
        if explained(&failure.field_path, &failure.rule, shape_faults) {
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

/// Whether a fault of the shape says the same as a rule that failed at `path`.
fn explained(path: &str, rule: &str, shape_faults: &[ManifestFault]) -> bool {
    shape_faults.iter().any(|fault| match fault.code {
        FaultCode::UnknownField | FaultCode::Missing => {
            let (parent, name) = fault.field.rsplit_once('.').unwrap_or(("", &fault.field));
            path.starts_with(parent) && speaks_of(rule, name)
        }
        FaultCode::WrongType => path.starts_with(&fault.field),
        _ => false,
    })
}

/// Whether a rule names `member`, or something that `member` may be a slip of.
fn speaks_of(rule: &str, member: &str) -> bool {
    let words = rule.split(|c: char| !c.is_alphanumeric());
    nearest(member, words.filter(|word| word.len() > 1)).is_some()
}
