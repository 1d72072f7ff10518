//! The chart `sapphire-crds`: the definitions as templates, so that Helm upgrades them. (Helm installs
//! what lies in a chart's `crds` directory once, and never again.)

use serde_json::{Value, json};

use super::{GeneratedFile, GenerationError, sorted, yaml};
use crate::RELEASE;

const DIRECTORY: &str = "charts/sapphire-crds";
const NOTE: &str =
    "# Written by `cargo run -p sapphire-crds` from the types in crds/src; edit those.\n";

pub(super) fn files(definitions: &[Value]) -> Result<Vec<GeneratedFile>, GenerationError> {
    let mut files = vec![GeneratedFile { path: format!("{DIRECTORY}/Chart.yaml"), text: chart() }];
    for definition in definitions {
        let plural = definition["spec"]["names"]["plural"].as_str().unwrap_or_default();
        files.push(GeneratedFile {
            path: format!("{DIRECTORY}/templates/{plural}.yaml"),
            text: template(definition)?,
        });
    }
    Ok(files)
}

fn chart() -> String {
    format!(
        "{NOTE}apiVersion: v2\n\
         name: sapphire-crds\n\
         description: \"Sapphire's API: TradingSystem, TradingAgent and RiskPolicy\"\n\
         type: application\n\
         version: {RELEASE}\n\
         appVersion: \"{RELEASE}\"\n\
         kubeVersion: \">=1.33.0-0\"\n\
         home: https://sapphiretrade.xyz\n\
         keywords: [trading, operator, crd]\n"
    )
}

fn template(definition: &Value) -> Result<String, GenerationError> {
    let mut definition = definition.clone();
    let metadata = &mut definition["metadata"];
    // Deleting a definition deletes every object of its kind: uninstalling the chart must not.
    metadata["annotations"]["helm.sh/resource-policy"] = json!("keep");
    metadata["labels"]["app.kubernetes.io/name"] = json!("sapphire-crds");
    metadata["labels"]["app.kubernetes.io/part-of"] = json!("sapphire");
    Ok(format!("{NOTE}{}", yaml(&sorted(definition))?))
}
