//! YAML as a tree whose every node knows where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use serde_saphyr::{Error, Location, Options, Spanned};

/// A node and its place.
pub(super) type Node = Spanned<Content>;

/// What a node holds. Scalars are typed as kubectl types them (YAML 1.1).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Content {
    /// The type's name, with its article.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The members of a map; of anything else none.
    pub(super) fn members(&self) -> &[(Spanned<String>, Node)] {
        match self {
            Self::Map(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub(super) fn items(&self) -> &[Node] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// A member of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let mut members = self.members().iter();
        members.find(|(key, _)| key.value == name).map(|(_, node)| node)
    }

    /// The text of a text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A tree whose nodes stand nowhere.
    pub(super) fn of_json(json: &Json) -> Self {
        fn placeless<T>(value: T) -> Spanned<T> {
            Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
        }
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.clone()),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => {
                Self::List(items.iter().map(|item| placeless(Self::of_json(item))).collect())
            }
            Json::Object(members) => {
                let members = members.iter();
                let nodes = members.map(|(key, member)| {
                    (placeless(key.clone()), placeless(Self::of_json(member)))
                });
                Self::Map(nodes.collect())
            }
        }
    }

    /// Without places.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(number) => Json::Number(number.clone()),
            Self::Text(text) => Json::String(text.clone()),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Map(members) => Json::Object(
                members
                    .iter()
                    .map(|(key, node)| (key.value.clone(), node.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// As a person would write it on one line, cut where it gets long.
    pub(super) fn excerpt(&self) -> String {
        const LONGEST: usize = 60;
        let text = match self {
            Self::Map(members) => {
                let names: Vec<&str> = members.iter().map(|(key, _)| key.value.as_str()).collect();
                format!("{{{}}}", names.join(", "))
            }
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|item| item.value.excerpt()).collect();
                format!("[{}]", items.join(", "))
            }
            scalar => scalar.to_json().to_string(),
        };
        if text.chars().count() <= LONGEST {
            return text;
        }
        let mut cut: String = text.chars().take(LONGEST).collect();
        cut.push('…');
        cut
    }
}

/// Most nodes of a text that come by aliases: without a bound, a short one could fill the memory.
pub(super) const REPLAYED: usize = 10_000;

/// Parses every document of a text. What follows a document that cannot be parsed is read on where
/// the parser can find its feet again; what follows too many aliases is not read.
pub(super) fn parse(text: &str) -> Vec<Result<Node, Error>> {
    let mut options = Options::default();
    options.with_snippet = false;
    // The parser counts for each document anew.
    options.alias_limits.max_total_replayed_events = REPLAYED;
    let mut reader = text.as_bytes();
    let mut replayed = 0;
    let mut documents = Vec::new();
    for parsed in serde_saphyr::read_with_options::<_, Node>(&mut reader, options) {
        let document = parsed.and_then(|root| match count_replayed(&root, &mut replayed) {
            None => Ok(root),
            Some(location) => Err(Error::AliasReplayLimitExceeded {
                total_replayed_events: replayed,
                max_total_replayed_events: REPLAYED,
                location,
            }),
        });
        let is_too_much = document.as_ref().err().is_some_and(is_of_aliases);
        documents.push(document);
        if is_too_much {
            break;
        }
    }
    documents
}

/// Whether a text was refused because more nodes than [`REPLAYED`] come by aliases.
pub(super) fn is_of_aliases(error: &Error) -> bool {
    match error {
        Error::AliasReplayLimitExceeded { .. } => true,
        // As the parser wraps what it meets within an alias.
        Error::AliasError { error, .. } => is_of_aliases(error),
        _ => false,
    }
}

/// Adds the nodes that came by aliases to `replayed`. Gives the place of the first that is too many.
fn count_replayed(node: &Node, replayed: &mut usize) -> Option<Location> {
    *replayed += usize::from(node.referenced != node.defined);
    if *replayed > REPLAYED {
        return Some(node.referenced);
    }
    let mut items = node.value.items().iter();
    let mut members = node.value.members().iter();
    items
        .find_map(|item| count_replayed(item, replayed))
        .or_else(|| members.find_map(|(_, member)| count_replayed(member, replayed)))
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::Null)
            }
            fn visit_none<E>(self) -> Result<Content, E> {
                Ok(Content::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
                Ok(Content::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
                Ok(Content::Number(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
                Ok(Content::Number(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
                // kubectl sends JSON, where 3.0 is the integer 3, and which has no infinity.
                let whole = format!("{value:.0}").parse::<i64>();
                let number = match whole {
                    Ok(whole) if value.fract() == 0.0 => Some(Number::from(whole)),
                    _ => Number::from_f64(value),
                };
                Ok(number.map_or_else(|| Content::Text(value.to_string()), Content::Number))
            }
            fn visit_str<E>(self, value: &str) -> Result<Content, E> {
                Ok(Content::Text(value.to_owned()))
            }
            fn visit_string<E>(self, value: String) -> Result<Content, E> {
                Ok(Content::Text(value))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Content::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Content::Map(members))
            }
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}
