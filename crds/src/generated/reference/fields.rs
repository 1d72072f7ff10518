//! Tables of fields, one an object.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use serde_json::Value;

use crate::values::Format;

/// The objects of a kind, outermost first. One that was shown already is not shown again.
#[derive(Default)]
pub(super) struct Sections {
    waiting: VecDeque<(String, Value)>,
    /// From what an object says to where it was said first.
    shown: BTreeMap<String, String>,
    text: String,
}

impl Sections {
    /// Adds the object at `path`. `above` may hold rules on the whole resource.
    pub(super) fn object(&mut self, path: &str, schema: &Value, above: Option<&Value>) {
        self.heading(path, schema);
        self.table(path, schema);
        self.rules(above.into_iter().chain([schema]));
        while let Some((path, schema)) = self.waiting.pop_front() {
            self.heading(&path, &schema);
            self.table(&path, &schema);
            self.rules([&schema]);
        }
    }

    /// The page of `kind`.
    pub(super) fn written(self, kind: &str) -> String {
        self.text.replace(KIND, kind).replace(ANCHOR, &kind.to_lowercase())
    }

    fn heading(&mut self, path: &str, schema: &Value) {
        let _ = write!(self.text, "\n### {KIND} {path}\n\n{}\n", described(schema).meaning);
    }

    fn table(&mut self, path: &str, schema: &Value) {
        let Some(members) = schema["properties"].as_object().filter(|members| !members.is_empty())
        else {
            return;
        };
        self.text.push_str("\n| field | type | default | meaning |\n|---|---|---|---|\n");
        let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
        let is_required = |name: &str| required.iter().any(|field| *field == name);
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|(name, _)| (!is_required(name), *name));
        for (name, member) in members {
            let Described { meaning, default } = described(member);
            let default = match default {
                _ if is_required(name) => "*required*".to_owned(),
                Some(default) => format!("`{default}`"),
                None => String::new(),
            };
            let kind = self.type_of(&format!("{path}.{name}"), member);
            let _ = writeln!(self.text, "| `{name}` | {kind} | {default} | {} |", cell(&meaning));
        }
    }

    fn rules<'s>(&mut self, schemas: impl IntoIterator<Item = &'s Value>) {
        let mut rules = schemas
            .into_iter()
            .flat_map(|schema| schema["x-kubernetes-validations"].as_array().into_iter().flatten());
        let Some(first) = rules.next() else {
            return;
        };
        self.text.push_str("\nRules:\n\n");
        for rule in std::iter::once(first).chain(rules) {
            let text = rule["rule"].as_str().unwrap_or_default();
            let message = rule["message"].as_str().map(str::to_owned);
            let message = message.unwrap_or_else(|| {
                // 'a ' + expression + ' b': the texts, with a gap where a value is put in.
                let expression = rule["messageExpression"].as_str().unwrap_or_default();
                let texts: Vec<&str> = expression.split('\'').skip(1).step_by(2).collect();
                let (first, last) = (texts.first(), texts.last());
                format!("{}…{}", first.unwrap_or(&""), last.unwrap_or(&""))
            });
            let on_change = if text.contains("oldSelf") { "*On change:* " } else { "" };
            let _ = writeln!(self.text, "- {on_change}{message}.<br>`{text}`");
        }
    }

    /// The type in words; an object gets a section of its own.
    fn type_of(&mut self, path: &str, schema: &Value) -> String {
        match schema["type"].as_str() {
            Some("object") if schema["additionalProperties"].is_object() => {
                let values = self.type_of(path, &schema["additionalProperties"]);
                format!("map of {values}{}", at_most(&schema["maxProperties"], "entries"))
            }
            Some("object") if schema["properties"].is_object() => self.section_of(path, schema),
            Some("object") => "`{}`".to_owned(),
            Some("array") if path.ends_with(".conditions") => {
                "[conditions](#conditions)".to_owned()
            }
            Some("array") => self.list(path, schema),
            Some("string") => string(schema),
            Some("integer") => integer(schema),
            Some(other) => other.to_owned(),
            None => format!("{} (or a number)", string(schema)),
        }
    }

    fn section_of(&mut self, path: &str, schema: &Value) -> String {
        let mut content = schema.clone();
        if let Some(content) = content.as_object_mut() {
            content.remove("description");
        }
        let first = self.shown.entry(content.to_string()).or_insert_with(|| {
            self.waiting.push_back((path.to_owned(), schema.clone()));
            path.to_owned()
        });
        let anchor: String = first.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        format!("[object](#{ANCHOR}-{anchor})")
    }

    fn list(&mut self, path: &str, schema: &Value) -> String {
        let items = self.type_of(&format!("{path}[]"), &schema["items"]);
        let keys = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
        let keys: Vec<&str> = keys.filter_map(Value::as_str).collect();
        let distinct = match schema["x-kubernetes-list-type"].as_str() {
            Some("map") => format!(", each with its own `{}`", keys.join(", ")),
            Some("set") => ", each once".to_owned(),
            _ => String::new(),
        };
        let least = schema["minItems"].as_u64();
        let least = least.map_or(String::new(), |least| format!(", at least {least}"));
        format!("list of {items}{least}{}{distinct}", at_most(&schema["maxItems"], ""))
    }
}

/// Stand for the kind until it is known.
const KIND: &str = "\u{1}kind";
const ANCHOR: &str = "\u{1}anchor";

struct Described {
    meaning: String,
    default: Option<String>,
}

/// A description without the note of its default, and the default.
fn described(schema: &Value) -> Described {
    let description = schema["description"].as_str().unwrap_or_default();
    let noted = description.rsplit_once("Default: ");
    let (meaning, noted) = match noted.map(|(before, note)| (before, note.strip_suffix('.'))) {
        Some((before, Some(note))) => (before.trim_end(), Some(note.to_owned())),
        _ => (description, None),
    };
    let default = schema.get("default").map(Value::to_string).or(noted);
    Described { meaning: meaning.to_owned(), default }
}

fn cell(text: &str) -> String {
    text.replace("\n\n", "<br>").replace('\n', " ").replace('|', "\\|")
}

fn string(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`"));
        return words.collect::<Vec<_>>().join(", ");
    }
    if schema["format"] == "date-time" {
        return "time".to_owned();
    }
    match Format::of_schema(schema) {
        Some(format) => format!("[{}](#formats)", format.what),
        None => "text".to_owned(),
    }
}

fn integer(schema: &Value) -> String {
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("whole number from {least} to {most}"),
        (Some(least), None) => format!("whole number of at least {least}"),
        _ => "whole number".to_owned(),
    }
}

fn at_most(bound: &Value, of: &str) -> String {
    let bound = bound.as_u64();
    bound.map_or(String::new(), |most| format!(", at most {most} {of}").trim_end().to_owned())
}
