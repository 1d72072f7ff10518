//! What is wrong with a manifest: where, what, and what to do.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The kinds of fault, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum FaultCode {
    /// The path cannot be read, or a directory holds no manifest.
    Unreadable,
    /// The text is not YAML, or has a key twice.
    NotYaml,
    /// `apiVersion` or `kind` is none of ours.
    UnknownKind,
    /// The field is none of its object's.
    UnknownField,
    /// A required field is absent.
    Missing,
    /// A number where a text is expected, and the like.
    WrongType,
    /// The text is not written as its field demands, or is none of the words it may be.
    WrongValue,
    /// A number, or the size of a text or list, is beyond its bounds.
    OutOfRange,
    /// Two objects of a name, or two items of a key.
    Duplicate,
    /// A rule over several fields of one object does not hold.
    Rule,
    /// What is referred to does not exist.
    NotFound,
    /// Two objects contradict each other.
    Conflict,
    /// This program cannot run it, though a manifest may say it.
    Unsupported,
}

impl FaultCode {
    /// How much must be right before this can be wrong: a text, an object by itself, objects together.
    /// A fault may follow from one of less depth, never the other way round.
    const fn depth(self) -> u8 {
        match self {
            Self::Unreadable | Self::NotYaml => 0,
            Self::UnknownKind
            | Self::UnknownField
            | Self::Missing
            | Self::WrongType
            | Self::WrongValue
            | Self::OutOfRange
            | Self::Duplicate
            | Self::Rule => 1,
            Self::NotFound | Self::Conflict | Self::Unsupported => 2,
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestFault {
    /// The manifest; empty for an object that is in memory.
    pub file: PathBuf,
    /// Which of its documents, from 1; empty ones do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Kind and name, as far as known: `TradingSystem quickstart`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Path of the field: `spec.venue.paper.instruments[0].tickSize`. Empty for a whole document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The value as written; never one that may be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What kind of fault.
    pub code: FaultCode,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl ManifestFault {
    /// A fault of a whole file.
    pub(super) fn of_file(
        code: FaultCode,
        path: &Path,
        message: String,
        remedy: String,
    ) -> ManifestFault {
        ManifestFault {
            file: path.to_owned(),
            document: None,
            line: None,
            column: None,
            object: None,
            field: String::new(),
            value: None,
            code,
            message,
            remedy,
        }
    }

    /// Where: `file:line:column`.
    fn place(&self) -> String {
        let mut place = self.file.display().to_string();
        for position in [self.line, self.column].into_iter().flatten() {
            let _ = write!(place, ":{position}");
        }
        place
    }

    /// What stands there: the field and its value.
    fn subject(&self) -> String {
        match (&self.field, &self.value) {
            (field, None) => field.clone(),
            (field, Some(value)) if field.is_empty() => value.clone(),
            (field, Some(value)) => format!("{field}: {value}"),
        }
    }
}

/// On one line, for logs.
impl fmt::Display for ManifestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        let subject = self.subject();
        if !subject.is_empty() {
            write!(f, "{subject} ")?;
        }
        write!(f, "{}; {}", self.message, self.remedy)
    }
}

/// All faults of all files: first what is no YAML, then what is wrong with an object by itself, then
/// what is wrong between objects; each in the order of files, documents and lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ManifestFaults(Vec<ManifestFault>);

impl ManifestFaults {
    pub(super) fn new(mut faults: Vec<ManifestFault>) -> Self {
        faults.sort_by(|a, b| {
            let key =
                |fault: &ManifestFault| (fault.document, fault.line, fault.column, fault.code);
            (a.code.depth(), &a.file, key(a), &a.field, &a.message).cmp(&(
                b.code.depth(),
                &b.file,
                key(b),
                &b.field,
                &b.message,
            ))
        });
        faults.dedup();
        Self(faults)
    }

    /// The faults.
    pub fn as_slice(&self) -> &[ManifestFault] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a ManifestFaults {
    type Item = &'a ManifestFault;
    type IntoIter = std::slice::Iter<'a, ManifestFault>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl std::error::Error for ManifestFaults {}

/// For people: a paragraph a fault.
impl fmt::Display for ManifestFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let (faults, is) = if count == 1 { ("fault", "is") } else { ("faults", "are") };
        writeln!(f, "there {is} {count} {faults} in the manifests")?;
        for fault in &self.0 {
            let place = Some(fault.place()).filter(|place| !place.is_empty());
            let document = fault.document.map(|document| format!("document {document}"));
            let head = [place, document, fault.object.clone()];
            writeln!(f, "\n{}", head.into_iter().flatten().collect::<Vec<_>>().join("  "))?;
            let subject = fault.subject();
            if !subject.is_empty() {
                writeln!(f, "  {subject}")?;
            }
            writeln!(f, "  {}", fault.message)?;
            writeln!(f, "  → {}", fault.remedy)?;
        }
        Ok(())
    }
}
