//! A manifest's value, replaced: `policy.limits.riskPerTrade` = `0.02`.

use sapphire_crds::manifest::Desk as Manifests;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value as Json};

/// Why a value cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// The name begins with no object of the desk.
    #[error(
        "`{name}` names no object: begin with `policy.`, `system.` or an agent's name ({agents}), \
         then the path below its spec"
    )]
    Object {
        /// As given.
        name: String,
        /// What there is.
        agents: String,
    },
    /// No such field, or not such a value.
    #[error("`{name}` cannot be `{value}`: {why}")]
    Value {
        /// As given.
        name: String,
        /// As given.
        value: String,
        /// The manifest's reader's words.
        why: String,
    },
}

/// Replaces the value of `name`, a path whose first part is `policy`, `system` or an agent's name.
///
/// # Errors
/// An [`OverrideError`] for an object, field or value that there is not.
pub fn replace(manifests: &mut Manifests, name: &str, value: &str) -> Result<(), OverrideError> {
    let refuse = |why| OverrideError::Value { name: name.to_owned(), value: value.to_owned(), why };
    let (object, path) = name.split_once('.').unwrap_or((name, ""));
    match object {
        "policy" => set(&mut manifests.policy.spec, path, value).map_err(refuse),
        "system" => set(&mut manifests.system.spec, path, value).map_err(refuse),
        agent => {
            let is_it = |name: &Option<String>| name.as_deref() == Some(agent);
            match manifests.agents.iter_mut().find(|agent| is_it(&agent.metadata.name)) {
                Some(agent) => set(&mut agent.spec, path, value).map_err(refuse),
                None => {
                    let names = manifests.agents.iter().filter_map(|a| a.metadata.name.as_deref());
                    let agents = names.collect::<Vec<_>>().join(", ");
                    Err(OverrideError::Object { name: name.to_owned(), agents })
                }
            }
        }
    }
}

fn set<T: Serialize + DeserializeOwned>(
    spec: &mut T,
    path: &str,
    value: &str,
) -> Result<(), String> {
    let whole = serde_json::to_value(&*spec).map_err(|error| error.to_string())?;
    let mut refused = None;
    for typed in readings(&whole, path, value) {
        let mut changed = whole.clone();
        *place(&mut changed, path)? = typed;
        match serde_json::from_value(changed) {
            Ok(read) => {
                *spec = read;
                return Ok(());
            }
            Err(error) => refused = refused.or(Some(error.to_string())),
        }
    }
    Err(refused.unwrap_or_default())
}

/// What a text may mean: what is there now tells its type; where nothing is, it is tried.
fn readings(whole: &Json, path: &str, value: &str) -> Vec<Json> {
    let text = Json::String(value.to_owned());
    let number = value.parse::<Number>().ok().map(Json::Number);
    let truth = value.parse::<bool>().ok().map(Json::Bool);
    match whole.pointer(&format!("/{}", path.replace('.', "/"))) {
        Some(Json::String(_)) => vec![text],
        Some(Json::Number(_)) => number.into_iter().chain([text]).collect(),
        Some(Json::Bool(_)) => truth.into_iter().chain([text]).collect(),
        _ => [text].into_iter().chain(number).chain(truth).collect(),
    }
}

/// Where a path leads; what is missing on the way is made, so that the reader can say whether there
/// is such a field.
fn place<'j>(whole: &'j mut Json, path: &str) -> Result<&'j mut Json, String> {
    let mut here = whole;
    for part in path.split('.') {
        here = match here {
            Json::Array(items) => {
                let count = items.len();
                let index = part.parse::<usize>().ok();
                index.and_then(|index| items.get_mut(index)).ok_or_else(|| {
                    format!("`{part}` is no place in a list of {count}: count from 0")
                })?
            }
            Json::Object(members) => members.entry(part).or_insert(Json::Null),
            Json::Null => {
                *here = Json::Object(serde_json::Map::new());
                match here {
                    Json::Object(members) => members.entry(part).or_insert(Json::Null),
                    _ => return Err(format!("`{part}` leads nowhere")),
                }
            }
            _ => return Err(format!("there is nothing below `{part}`'s parent: it is a value")),
        };
    }
    Ok(here)
}
