//! Prints it: for people as `kubectl diff` readers expect, or as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::Output;
use super::changes::Change;
use super::desk::{Child, Fate, Outlook};
use super::foreseen::{Foreseen, Outcome};

/// The longest value that is printed for people, in characters.
const LONGEST: usize = 120;

pub(super) fn print(
    out: &mut impl Write,
    output: Output,
    foreseen: &Foreseen,
    desks: &[Outlook],
    others: &[String],
) -> io::Result<()> {
    match output {
        Output::Human => human(out, foreseen, desks, others),
        Output::Json => {
            let objects: Vec<Value> = foreseen.outcomes.iter().map(object).collect();
            let all = json!({"objects": objects, "desks": desks, "othersNotLookedAt": others});
            writeln!(out, "{all:#}")
        }
    }
}

fn object(outcome: &Outcome) -> Value {
    json!({
        "kind": outcome.kind,
        "namespace": outcome.key.namespace,
        "name": outcome.key.name,
        "fate": match (outcome.is_new, outcome.changes.is_empty()) {
            (true, _) => "created",
            (false, false) => "changed",
            (false, true) => "unchanged",
        },
        "changes": outcome.changes,
    })
}

fn human(
    out: &mut impl Write,
    foreseen: &Foreseen,
    desks: &[Outlook],
    others: &[String],
) -> io::Result<()> {
    for outcome in &foreseen.outcomes {
        let Outcome { kind, key, is_new, changes } = outcome;
        match (is_new, changes.is_empty()) {
            (true, _) => writeln!(out, "+ {kind} {key}")?,
            (false, true) => writeln!(out, "  {kind} {key} stays as it is")?,
            (false, false) => writeln!(out, "~ {kind} {key}")?,
        }
        lines(out, changes)?;
    }
    for desk in desks {
        writeln!(out, "\nDesk {}/{}", desk.namespace, desk.system)?;
        for held in &desk.held {
            writeln!(out, "  would not go on: {held}")?;
        }
        if let Some(words) = &desk.halted_by_hand {
            writeln!(out, "  halted by hand: {words}")?;
        }
        match (&desk.rolls_out, &desk.revision) {
            (Some(next), Some(former)) => {
                writeln!(
                    out,
                    "  rolls out {next} in place of {former}: core, then agents, then execution"
                )?;
            }
            (Some(first), None) => writeln!(out, "  comes up at {first}")?,
            (None, _) if desk.held.is_empty() => writeln!(out, "  no pod restarts for it")?,
            (None, _) => {}
        }
        if let Some(words) = &desk.restarts {
            writeln!(out, "  restarts pods: {words}")?;
        }
        if let Some(words) = &desk.in_parts {
            writeln!(out, "  in parts: {words}")?;
        }
        family(out, &desk.children)?;
        for agent in &desk.agents {
            writeln!(out, "  TradingAgent {}", agent.name)?;
            if let Some(held) = &agent.held {
                writeln!(out, "  would not go on: {held}")?;
            }
            if let Some(words) = &agent.restarts {
                writeln!(out, "  restarts pods: {words}")?;
            }
            family(out, &agent.children)?;
        }
    }
    if !others.is_empty() {
        let mut kinds = others.to_vec();
        kinds.sort();
        kinds.dedup();
        writeln!(out, "\nNot looked at: {}; kubectl diff tells of them.", kinds.join(", "))?;
    }
    Ok(())
}

fn family(out: &mut impl Write, children: &[Child]) -> io::Result<()> {
    for child in children {
        let sign = match child.fate {
            Fate::Created => '+',
            Fate::Changed => '~',
            Fate::Deleted => '-',
        };
        writeln!(out, "  {sign} {} {}", child.kind, child.name)?;
        lines(out, &child.changes)?;
        if let Some(refused) = &child.refused {
            writeln!(out, "      the API server would refuse it: {refused}")?;
        }
    }
    Ok(())
}

fn lines(out: &mut impl Write, changes: &[Change]) -> io::Result<()> {
    for change in changes {
        let path = &change.path;
        match (&change.from, &change.to) {
            (Some(Value::String(from)), Some(Value::String(to))) if from.contains('\n') => {
                writeln!(out, "      {path}:")?;
                text(out, from, to)?;
            }
            (Some(from), Some(to)) => {
                writeln!(out, "      {path}: {} → {}", shown(from), shown(to))?;
            }
            (None, Some(to)) => writeln!(out, "    + {path}: {}", shown(to))?,
            (Some(from), None) => writeln!(out, "    - {path}: {}", shown(from))?,
            (None, None) => {}
        }
    }
    Ok(())
}

/// The lines in which two texts differ.
fn text(out: &mut impl Write, from: &str, to: &str) -> io::Result<()> {
    for change in TextDiff::from_lines(from, to).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => continue,
        };
        writeln!(out, "        {sign} {}", one_line(change.value().trim_end()))?;
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

/// One line, whatever a manifest holds.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_text_the_lines_are_told_that_differ() {
        let change = Change {
            path: "data.system.yaml".to_owned(),
            from: Some("spec:\n  barInterval: 1h\n  symbols:\n".into()),
            to: Some("spec:\n  barInterval: 5m\n  symbols:\n".into()),
        };
        let mut said = Vec::new();
        lines(&mut said, &[change]).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(
            said,
            "      data.system.yaml:\n        -   barInterval: 1h\n        +   barInterval: 5m\n"
        );
    }
}
