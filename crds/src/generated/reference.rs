//! The reference of the API, from the schemas: a page for people who write manifests.

mod fields;

use std::fmt::Write as _;

use serde_json::Value;

use super::GeneratedFile;
use crate::conditions::{ConditionType, Reason};
use crate::names::{annotations, finalizers};
use crate::risk_policy::RiskPolicyStatus;
use crate::trading_agent::TradingAgentStatus;
use crate::trading_system::TradingSystemStatus;
use crate::values;
use crate::{API_VERSION, custom_resource_definitions};
use fields::Sections;

const INTRODUCTION: &str = "\
# The API

Written by `cargo run -p sapphire-crds` from the types in crds/src; edit those.

Every kind is of `{version}` and lives in a namespace. What a manifest may say is said here field by
field: its type, whether it is required, its default and bounds, and the rules over several fields with
the words that refuse a manifest. The API server and the local run hold a manifest against the same schema
and rules. `kubectl explain tsys.spec` tells the same.

- A default is what holds when a field is left out. It is not written into the stored object, so that an
  object shows what a person chose.
- Money, prices, quantities and shares are decimals in quotes: they never pass through a float.
- A choice among several is an object with one member a choice; exactly one is set.
- A rule marked *on change* compares with the object as it was. It cannot refuse a new object.

[Why it is so](../decisions/api.md).
";

pub(super) fn file(definitions: &[Value]) -> GeneratedFile {
    let mut page = INTRODUCTION.replace("{version}", API_VERSION);
    let kinds = custom_resource_definitions().map(|definition| definition.spec.names.kind);
    let others = ["Conditions", "Annotations", "Formats"];
    for heading in kinds.iter().map(String::as_str).chain(others) {
        let _ = write!(page, "\n- [{heading}](#{})", heading.to_lowercase());
    }
    page.push('\n');
    for definition in definitions {
        kind(definition, &mut page);
    }
    conditions(&mut page);
    annotations_and_finalizers(&mut page);
    formats(&mut page);
    GeneratedFile { path: "docs/reference/api.md".to_owned(), text: page }
}

fn kind(definition: &Value, page: &mut String) {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let version = &spec["versions"][0];
    let schema = &version["schema"]["openAPIV3Schema"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = word(&names["kind"]);
    let _ = write!(page, "\n## {kind}\n\n{}\n\n", word(&schema["description"]));
    let _ = write!(
        page,
        "`kubectl get {}`, or `{}`; all kinds together: `kubectl get {}`. ",
        word(&names["plural"]),
        word(&names["shortNames"][0]),
        word(&names["categories"][0]),
    );
    let columns = |wide: bool| {
        let columns = version["additionalPrinterColumns"].as_array().into_iter().flatten();
        let of_width = columns.filter(|column| (column["priority"] == 1) == wide);
        of_width.map(|column| word(&column["name"])).collect::<Vec<_>>().join(", ")
    };
    let _ = write!(page, "It shows {}; with `-o wide` also {}. ", columns(false), columns(true));
    for field in version["selectableFields"].as_array().into_iter().flatten() {
        let path = word(&field["jsonPath"]);
        let path = path.trim_start_matches('.');
        let _ = write!(page, "`--field-selector {path}=NAME` selects. ");
    }
    if version["subresources"]["scale"].is_object() {
        let _ = write!(page, "`kubectl scale` and a HorizontalPodAutoscaler act on it. ");
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    let mut sections = Sections::default();
    sections.object("spec", &schema["properties"]["spec"], Some(schema));
    sections.object("status", &schema["properties"]["status"], None);
    page.push_str(&sections.written(&kind));
}

fn conditions(page: &mut String) {
    page.push_str(
        "\n## Conditions\n\nReady, Reconciling and Stalled are kstatus': `kubectl wait \
         --for=condition=Ready`, `helm upgrade --wait` and GitOps tools understand them.\n\n\
         | condition | of | True means |\n|---|---|---|\n",
    );
    let owners = [
        ("TradingSystem", TradingSystemStatus::CONDITIONS),
        ("TradingAgent", TradingAgentStatus::CONDITIONS),
        ("RiskPolicy", RiskPolicyStatus::CONDITIONS),
    ];
    for condition in ConditionType::ALL {
        let of: Vec<&str> = owners
            .iter()
            .filter(|(_, conditions)| conditions.contains(condition))
            .map(|(kind, _)| *kind)
            .collect();
        let _ = writeln!(page, "| {condition} | {} | {} |", of.join(", "), condition.meaning());
    }
    page.push_str("\n| reason | of | meaning |\n|---|---|---|\n");
    for reason in Reason::ALL {
        let of: Vec<&str> = reason.conditions().iter().map(|c| c.as_str()).collect();
        let _ = writeln!(page, "| {reason} | {} | {} |", of.join(", "), reason.meaning());
    }
}

fn annotations_and_finalizers(page: &mut String) {
    page.push_str(
        "\n## Annotations\n\nThose that ask for something act once a value; any text of one line will \
         do, a date for example. `status.handled` remembers it.\n\n| annotation | meaning |\n|---|---|\n",
    );
    for (name, meaning) in annotations::TABLE {
        let _ = writeln!(page, "| `{name}` |{meaning} |");
    }
    page.push_str("\n| finalizer | meaning |\n|---|---|\n");
    for (name, meaning) in finalizers::TABLE {
        let _ = writeln!(page, "| `{name}` |{meaning} |");
    }
}

fn formats(page: &mut String) {
    page.push_str("\n## Formats\n\nHow texts are written.\n\n| format | longest | how to write it | pattern |\n|---|---|---|---|\n");
    for format in values::formats() {
        let _ = writeln!(
            page,
            "| {} | {} | {} | `{}` |",
            format.what,
            format.max_length,
            format.remedy,
            format.pattern.replace('|', "\\|"),
        );
    }
}
