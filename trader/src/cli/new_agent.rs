//! `new-agent`: a strategy to start from.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::console;
use super::failure::Failure;

/// A strategy that is compiled and tested where it stands, under another name.
const TEMPLATE: &str = include_str!("../../agents/src/template.rs");

/// `new-agent`.
#[derive(Debug, Args)]
pub(super) struct NewAgent {
    /// Its name in lower case with hyphens, such as mean-reversion.
    #[arg(value_parser = name)]
    name: Name,
    /// The crate of the strategies.
    #[arg(long, value_name = "DIR", default_value = "trader/agents")]
    agents: PathBuf,
}

/// A name in the spellings that code needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// `mean_reversion`.
    module: String,
    /// `MeanReversion`.
    type_name: String,
    /// `meanReversion`.
    field: String,
}

fn name(text: &str) -> Result<Name, String> {
    let starts_well = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let legal = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let words: Vec<&str> = text.split('-').collect();
    if text.len() > 40 || !words.iter().all(|word| starts_well(word) && legal(word)) {
        return Err("write words in lower case with hyphens, such as mean-reversion".to_owned());
    }
    let capital = |word: &&str| word[..1].to_ascii_uppercase() + &word[1..];
    let type_name: String = words.iter().map(capital).collect();
    Ok(Name {
        module: words.join("_"),
        field: words[0].to_owned() + &type_name[words[0].len()..],
        type_name,
    })
}

impl NewAgent {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let Name { module, type_name, field } = &self.name;
        let sources = self.agents.join("src");
        if !sources.join("strategy.rs").is_file() {
            return Err(Failure::input(format!(
                "{}: is not the crate of the strategies: run this in the repository, or name it \
                 with --agents DIR",
                self.agents.display()
            )));
        }
        let path = sources.join(format!("{module}.rs"));
        let refuse = |error: std::io::Error| {
            Failure::input(format!("{}: cannot be made: {error}", path.display()))
        };
        let mut file = fs::File::create_new(&path).map_err(refuse)?;
        std::io::Write::write_all(&mut file, self.source().as_bytes()).map_err(refuse)?;
        console::print(&format!(
            "{path}: made, with its tests. To register it:\n\
             \n\
             in {lib}\n    mod {module};\n    pub use {module}::{{{type_name}, {type_name}Config}};\n\
             \n\
             Then `cargo test -p sapphire-agents {module}`. For manifests to name it, give it a \
             variant of Strategy in {strategy}\n\
             and its parameters a place under `{field}` in crds/src/trading_agent/strategy.rs and \
             trader/src/config/agents.rs.",
            path = path.display(),
            lib = sources.join("lib.rs").display(),
            strategy = sources.join("strategy.rs").display(),
        ));
        Ok(())
    }

    /// The template under the new name.
    fn source(&self) -> String {
        let Name { type_name, field, .. } = &self.name;
        let (_, code) = TEMPLATE.split_once("\n\n").unwrap_or(("", TEMPLATE));
        let code =
            code.replace("Template", type_name).replace("\"template\"", &format!("\"{field}\""));
        let doc = "//! Long above the average price of the last bars, short below it: replace this by \
                   your own rule.";
        format!("{doc}\n\n{code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelt_as_code_needs_it() {
        let name = name("mean-reversion-2").map_err(|_| ());
        assert!(name.is_err(), "a word begins with a letter");
        let name = super::name("mean-reversion2").unwrap();
        assert_eq!(name.module, "mean_reversion2");
        assert_eq!(name.type_name, "MeanReversion2");
        assert_eq!(name.field, "meanReversion2");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in ["", "-", "Mean", "mean_reversion", "mean--x", "2fast", "../x"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_template_keeps_nothing_of_its_own_name() {
        let agents = PathBuf::new();
        let source = NewAgent { name: name("mean-reversion").unwrap(), agents }.source();
        assert!(!source.to_lowercase().contains("template"), "{source}");
        assert!(source.contains("pub struct MeanReversionConfig"));
        assert!(source.contains("NAME: &str = \"meanReversion\""));
    }
}
