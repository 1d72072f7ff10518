//! One YAML document, and whose it is.

use serde_saphyr::{Error, Location, UserMessageFormatter};

use super::Faults;
use super::fault::{FaultCode, ManifestFault};
use super::files::ManifestFile;
use super::hidden::Hidden;
use super::suggestion::{nearest, remedy};
use super::yaml::{self, Content, Node};
use crate::{API_VERSION, GROUP};

/// What a document is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    TradingSystem,
    TradingAgent,
    RiskPolicy,
    /// Another API's: a Secret beside a desk is the cluster's business.
    Foreign(String),
}

impl Kind {
    const OURS: [&'static str; 3] = ["TradingSystem", "TradingAgent", "RiskPolicy"];

    fn of_ours(name: &str) -> Option<Self> {
        match name {
            "TradingSystem" => Some(Self::TradingSystem),
            "TradingAgent" => Some(Self::TradingAgent),
            "RiskPolicy" => Some(Self::RiskPolicy),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::TradingSystem => "TradingSystem",
            Self::TradingAgent => "TradingAgent",
            Self::RiskPolicy => "RiskPolicy",
            Self::Foreign(kind) => kind,
        }
    }
}

/// One document of a manifest.
#[derive(Debug)]
pub(super) struct Document<'f> {
    pub(super) file: &'f ManifestFile,
    /// From 1, empty documents not counted; none of an object that is in memory.
    pub(super) number: Option<usize>,
    pub(super) kind: Kind,
    pub(super) root: Node,
}

/// Parses all files; what is neither ours nor plainly another's is a fault. What may stand behind one
/// is noted as hidden.
pub(super) fn parse_all<'f>(
    files: &'f [ManifestFile],
    faults: &mut Faults,
    hidden: &mut Hidden,
) -> Vec<Document<'f>> {
    let mut documents = Vec::new();
    for file in files {
        for (index, parsed) in yaml::parse(&file.text).into_iter().enumerate() {
            let number = index + 1;
            match parsed {
                Ok(root) => documents.extend(
                    objects(root)
                        .into_iter()
                        .filter_map(|object| identify(file, number, object, faults, hidden)),
                ),
                Err(error) => {
                    hidden.anything();
                    faults.push(not_yaml(file, number, &error));
                }
            }
        }
    }
    documents
}

/// The objects of a document: of a `List`, as `kubectl get -o yaml` prints one, its items.
pub(super) fn objects(root: Node) -> Vec<Node> {
    let says = |name: &str, text: &str| {
        root.value.get(name).and_then(|node| node.value.as_text()) == Some(text)
    };
    if !(says("apiVersion", "v1") && says("kind", "List")) {
        return vec![root];
    }
    root.value.get("items").map(|items| items.value.items().to_vec()).unwrap_or_default()
}

fn not_yaml(file: &ManifestFile, number: usize, error: &Error) -> ManifestFault {
    let location = error.location();
    let (message, remedy) = if yaml::is_of_aliases(error) {
        (
            format!("its aliases (*name) stand for more than {} values", yaml::REPLAYED),
            "write out what they stand for, or put the documents into several files",
        )
    } else {
        let words = error.render_with_formatter(&UserMessageFormatter);
        // The place has fields of its own.
        let words = words.split(" at line ").next().unwrap_or_default();
        let remedy = if words.starts_with("tabs ") {
            "write spaces in place of the tab"
        } else {
            "correct the text at this place"
        };
        (format!("is not YAML: {words}"), remedy)
    };
    let mut fault = ManifestFault::of_file(FaultCode::NotYaml, &file.path, message, remedy.into());
    fault.document = Some(number);
    fault.line = location.map(|location| location.line());
    fault.column = location.map(|location| location.column());
    fault
}

fn identify<'f>(
    file: &'f ManifestFile,
    number: usize,
    root: Node,
    faults: &mut Faults,
    hidden: &mut Hidden,
) -> Option<Document<'f>> {
    let text = |name: &str| {
        let node = root.value.get(name);
        node.and_then(|node| node.value.as_text()).unwrap_or_default()
    };
    let (api_version, kind) = (text("apiVersion").to_owned(), text("kind").to_owned());
    let ours = Kind::of_ours(&kind);
    let group = api_version.split('/').next().unwrap_or_default();
    let resembles = nearest(group, [GROUP]).is_some() || nearest(&kind, Kind::OURS).is_some();
    let found = match ours {
        Some(ours) if api_version == API_VERSION => Ok(ours),
        Some(_) => Err("apiVersion"),
        None if resembles || kind.is_empty() || api_version.is_empty() => Err("kind"),
        None => Ok(Kind::Foreign(kind.clone())),
    };
    let document = |kind| Document { file, number: Some(number), kind, root };
    if found.is_err() {
        hidden.one_of(nearest(&kind, Kind::OURS).and_then(Kind::of_ours));
    }
    match found {
        Ok(kind) => Some(document(kind)),
        Err("apiVersion") => {
            let document = document(Kind::Foreign(kind));
            let mut fault = document.fault(
                FaultCode::UnknownKind,
                "apiVersion",
                format!("is not the version of a {}", document.kind.name()),
                format!("write apiVersion: {API_VERSION}"),
            );
            if api_version.is_empty() {
                fault.message = "is missing".into();
            }
            faults.push(fault);
            None
        }
        Err(_) => {
            let document = document(Kind::Foreign(kind.clone()));
            let otherwise = format!("write one of {}", Kind::OURS.join(", "));
            faults.push(document.fault(
                FaultCode::UnknownKind,
                "kind",
                if kind.is_empty() {
                    "is missing".into()
                } else {
                    "is not a kind of Sapphire's".into()
                },
                remedy(&kind, &Kind::OURS, &otherwise),
            ));
            None
        }
    }
}

impl Document<'_> {
    fn metadata(&self, name: &str) -> Option<&str> {
        self.root.value.get("metadata")?.value.get(name)?.value.as_text()
    }

    /// `metadata.name`.
    pub(super) fn name(&self) -> Option<&str> {
        self.metadata("name")
    }

    /// `metadata.namespace`, where none is written `default`.
    pub(super) fn namespace(&self) -> &str {
        self.metadata("namespace").unwrap_or("default")
    }

    /// Kind and name, as far as known.
    pub(super) fn label(&self) -> Option<String> {
        match (self.kind.name(), self.name()) {
            ("", None) => None,
            (kind, None) => Some(kind.to_owned()),
            (kind, Some(name)) => Some(format!("{kind} {name}").trim_start().to_owned()),
        }
    }

    /// A fault of the field at `path`, or of the nearest that exists above it.
    pub(super) fn fault(
        &self,
        code: FaultCode,
        path: &str,
        message: String,
        remedy: String,
    ) -> ManifestFault {
        let (location, content) = self.find(path);
        // A whole document is no value that a person could look for.
        let content = content.filter(|_| !path.is_empty());
        self.fault_at(location, path, content, code, message, remedy)
    }

    /// A fault of a node that is at hand.
    pub(super) fn fault_at(
        &self,
        location: Location,
        path: &str,
        content: Option<&Content>,
        code: FaultCode,
        message: String,
        remedy: String,
    ) -> ManifestFault {
        let known = location.line() > 0;
        ManifestFault {
            file: self.file.path.clone(),
            document: self.number,
            line: known.then(|| location.line()),
            column: known.then(|| location.column()),
            object: self.label(),
            field: path.to_owned(),
            value: content
                .filter(|_| !may_be_secret(path))
                .map(Content::excerpt)
                .filter(|text| !has_user_info(text)),
            code,
            message,
            remedy,
        }
    }

    /// Place and content of the field at `path`; without it, the place of what is nearest above.
    fn find(&self, path: &str) -> (Location, Option<&Content>) {
        let mut node = &self.root;
        let mut location = node.referenced;
        for segment in segments(path) {
            let next = match segment {
                Segment::Name(name) => {
                    let mut members = node.value.members().iter();
                    let member = members.find(|(key, _)| key.value == name);
                    member.map(|(key, node)| (key.referenced, node))
                }
                Segment::Index(index) => {
                    let item = node.value.items().get(index);
                    item.map(|node| (node.referenced, node))
                }
            };
            match next {
                Some(next) => (location, node) = next,
                None => return (location, None),
            }
        }
        (location, Some(&node.value))
    }
}

enum Segment<'p> {
    Name(&'p str),
    Index(usize),
}

/// `a.b[0]` is a, b, 0.
fn segments(path: &str) -> impl Iterator<Item = Segment<'_>> {
    path.split(['.', '[']).filter(|segment| !segment.is_empty()).map(|segment| {
        let index = segment.strip_suffix(']').and_then(|index| index.parse().ok());
        index.map_or(Segment::Name(segment), Segment::Index)
    })
}

/// Fields in which people put secrets, rightly or not: their values are never shown.
pub(super) fn may_be_secret(path: &str) -> bool {
    const HOLDERS: [&str; 6] =
        ["env", "args", "credentials", "secretRef", "secretKeyRef", "annotations"];
    segments(path).any(|segment| matches!(segment, Segment::Name(name) if HOLDERS.contains(&name)))
}

/// `redis://user:password@host`.
fn has_user_info(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}
