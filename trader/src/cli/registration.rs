//! Where a new strategy has to be named so that manifests can name it: lines to add, each below one that
//! is there. A test holds the lines that are there against the sources.

use std::fmt::Write;

use sapphire_agents::Strategy;

use super::new_agent::Name;

/// Lines to add to a file.
pub(super) struct Step {
    /// From the repository's root.
    pub(super) file: &'static str,
    /// How the place is found.
    pub(super) place: Place,
    /// What to write there.
    pub(super) add: String,
}

/// A place in a file.
pub(super) enum Place {
    /// On a line of its own, below this one.
    Below(&'static str),
    /// In a line, right after this.
    After(&'static str),
    /// In place of this.
    Instead(String),
    /// At the end.
    End,
}

const AGENTS: &str = "trader/agents/src/lib.rs";
const CATALOGUE: &str = "trader/agents/src/strategy.rs";
const KIND: &str = "crds/src/trading_agent/strategy.rs";
const PARAMETERS: &str = "crds/src/trading_agent/strategy/indicator.rs";
const CONVERSION: &str = "trader/src/config/agents.rs";

/// Every step, file by file.
pub(super) fn steps(name: &Name) -> Vec<Step> {
    let Name { module, type_name: kind, field } = name;
    let below = |file, line, add| Step { file, place: Place::Below(line), add };
    let known = Strategy::catalogue().len();
    vec![
        below(AGENTS, "mod agent;", format!("mod {module};")),
        below(
            AGENTS,
            "pub use agent::{Agent, Answer, Calibrated};",
            format!("pub use {module}::{{{kind}, {kind}Config}};"),
        ),
        below(
            CATALOGUE,
            "use crate::agent::{Agent, Calibrated};",
            format!("use crate::{module}::{{self, {kind}, {kind}Config}};"),
        ),
        below(
            CATALOGUE,
            "    EmaCross(EmaCrossConfig),",
            format!("    /// What it does, in a line.\n    {kind}({kind}Config),"),
        ),
        Step {
            file: CATALOGUE,
            place: Place::Instead(format!("-> [Self; {known}] {{")),
            add: format!("-> [Self; {}] {{", known + 1),
        },
        below(
            CATALOGUE,
            "            Self::EmaCross(EmaCrossConfig::default()),",
            format!("            Self::{kind}({kind}Config::default()),"),
        ),
        below(
            CATALOGUE,
            "            Self::EmaCross(_) => ema_cross::NAME,",
            format!("            Self::{kind}(_) => {module}::NAME,"),
        ),
        below(
            CATALOGUE,
            "            Self::EmaCross(config) => config.validate(),",
            format!("            Self::{kind}(config) => config.validate(),"),
        ),
        below(
            CATALOGUE,
            "            Self::EmaCross(config) => Box::new(Calibrated::new(EmaCross::new(config)?, horizon)),",
            format!(
                "            Self::{kind}(config) => Box::new(Calibrated::new({kind}::new(config)?, horizon)),"
            ),
        ),
        Step {
            file: PARAMETERS,
            place: Place::End,
            add: format!(
                "/// What it does, in a line.\n\
                 #[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]\n\
                 #[serde(rename_all = \"camelCase\", deny_unknown_fields)]\n\
                 pub struct {kind} {{\n    \
                     /// Bars of the average.\n    \
                     #[schemars(range(min = 2, max = 1000))]\n    \
                     #[serde(default = \"whole::<20>\")]\n    \
                     pub period: u32,\n\
                 }}"
            ),
        },
        Step { file: KIND, place: Place::After("pub use indicator::{"), add: format!("{kind}, ") },
        Step {
            file: KIND,
            place: Place::After("has(self.emaCross), "),
            add: format!("has(self.{field}), "),
        },
        below(
            KIND,
            "    pub ema_cross: Option<EmaCross>,",
            format!(
                "    /// What it does, in a line.\n    \
                 #[serde(default, skip_serializing_if = \"Option::is_none\")]\n    \
                 pub {module}: Option<{kind}>,"
            ),
        ),
        below(
            KIND,
            "        ema_cross => EmaCross(EmaCross),",
            format!("        {module} => {kind}({kind}),"),
        ),
        below(
            KIND,
            "            Self::EmaCross(_) => \"emaCross\",",
            format!("            Self::{kind}(_) => \"{field}\","),
        ),
        below(
            CONVERSION,
            "    Ok(match choice {",
            format!(
                "        StrategyChoice::{kind}(from) => S::{kind}(agents::{kind}Config {{ period: from.period }}),"
            ),
        ),
    ]
}

/// The steps as a person follows them.
pub(super) fn told(name: &Name) -> String {
    let mut text = String::new();
    let mut file = "";
    for step in steps(name) {
        if step.file != file {
            file = step.file;
            let _ = write!(text, "\n{file}\n");
        }
        let _ = match &step.place {
            Place::Below(line) => writeln!(text, "  below    {}", line.trim()),
            Place::After(words) => writeln!(text, "  after    {}", words.trim_end()),
            Place::Instead(words) => writeln!(text, "  for      {words}"),
            Place::End => writeln!(text, "  at the end"),
        };
        for (index, line) in step.add.lines().enumerate() {
            let verb = if index == 0 { "write" } else { "" };
            let _ = writeln!(text, "  {verb:<8} {}", line.trim_end());
        }
    }
    text
}

/// The steps taken.
#[cfg(test)]
fn take(step: &Step, text: &str) -> String {
    let (place, with) = match &step.place {
        Place::Below(line) => (format!("{line}\n"), format!("{line}\n{}\n", step.add)),
        Place::After(words) => ((*words).to_owned(), format!("{words}{}", step.add)),
        Place::Instead(words) => (words.clone(), step.add.clone()),
        Place::End => return format!("{text}\n{}\n", step.add),
    };
    assert_eq!(text.matches(&place).count(), 1, "`{place}` in {}", step.file);
    text.replace(&place, &with)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::new_agent::name;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// With `SAPPHIRE_REGISTER=DIR` the steps are taken there, so that what they lead to can be built.
    #[test]
    fn every_place_that_is_named_is_there_once() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let root = std::env::var("SAPPHIRE_REGISTER").map_or(repository, Into::into);
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for step in steps(&name("mean-reversion").unwrap()) {
            let text = files
                .entry(step.file)
                .or_insert_with(|| std::fs::read_to_string(root.join(step.file)).unwrap());
            *text = take(&step, text);
        }
        assert_eq!(files.len(), 5);
        if std::env::var_os("SAPPHIRE_REGISTER").is_some() {
            files.iter().for_each(|(file, text)| std::fs::write(root.join(file), text).unwrap());
        }
    }

    #[test]
    fn a_person_is_told_every_step() {
        let name = name("mean-reversion").unwrap();
        let told = told(&name);
        for step in steps(&name) {
            assert!(told.contains(step.file), "{told}");
            assert!(step.add.lines().all(|line| told.contains(line.trim_end())), "{told}");
        }
        assert!(told.contains("pub mean_reversion: Option<MeanReversion>,"), "{told}");
    }
}
