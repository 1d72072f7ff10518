//! Alerts ask for what the operator counts.

use crate::rendering::{documents, template};

const METRICS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../operator/src/metrics.rs"));

fn words_after<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts = text.split(mark).skip(1);
    parts.map(|rest| rest.split(|c| !is_word(c)).next().unwrap_or_default()).collect()
}

/// Labels that the ServiceMonitor gives to everything it finds.
const OF_THE_TARGET: [&str; 2] = ["namespace", "job"];

fn labels_asked_for(expression: &str) -> impl Iterator<Item = &str> {
    let lists = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    lists.flat_map(|list| list.split(", "))
}

#[tokio::test]
async fn every_alert_asks_for_a_metric_and_labels_that_there_are() {
    let rendered = template(&["--set", "prometheusRule.enabled=true"]).await.ok().unwrap();
    let rules = documents(&rendered).into_iter().find(|d| d["kind"] == "PrometheusRule").unwrap();
    let rules = rules["spec"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() >= 5);
    for rule in rules {
        let (alert, expression) = (rule["alert"].as_str().unwrap(), rule["expr"].as_str().unwrap());
        let names = words_after(expression, "sapphire_operator_");
        assert!(!names.is_empty(), "{alert}");
        for name in names {
            let defined = format!("\"sapphire_operator_{name}\"");
            let at = METRICS.find(&defined).unwrap_or_else(|| panic!("{alert}: {defined}"));
            // A metric's labels follow its name and help.
            let definition = METRICS[at..].split(")?").next().unwrap();
            for label in labels_asked_for(expression) {
                let there = definition.contains(&format!("\"{label}\""));
                assert!(there || OF_THE_TARGET.contains(&label), "{alert}: {label}");
            }
        }
        let texts = rule["annotations"].to_string();
        for label in words_after(&texts, "$labels.") {
            assert!(labels_asked_for(expression).any(|by| by == label), "{alert}: {label}");
        }
        assert!(rule["annotations"]["description"].as_str().unwrap().ends_with('.'), "{alert}");
    }
}
