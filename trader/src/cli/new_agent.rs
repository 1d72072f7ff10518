//! `new-agent`: a strategy to start from.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::console;
use super::failure::Failure;
use super::registration;

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
pub(super) struct Name {
    /// `mean_reversion`.
    pub(super) module: String,
    /// `MeanReversion`.
    pub(super) type_name: String,
    /// `meanReversion`.
    pub(super) field: String,
}

/// Words that cannot name a module.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "template",
];

pub(super) fn name(text: &str) -> Result<Name, String> {
    let starts_well = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let legal = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let words: Vec<&str> = text.split('-').collect();
    if text.len() > 40 || !words.iter().all(|word| starts_well(word) && legal(word)) {
        return Err("write words in lower case with hyphens, such as mean-reversion".to_owned());
    }
    if KEYWORDS.contains(&text) {
        return Err(format!("{text} is a word of Rust itself; add another, such as {text}-agent"));
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
        let module = &self.name.module;
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
            let path = path.display();
            Failure::input(match error.kind() {
                std::io::ErrorKind::AlreadyExists => format!(
                    "{path}: is there already, and is left as it is: choose another name, or remove the \
                     file if it may go"
                ),
                _ => format!("{path}: cannot be made: {error}"),
            })
        };
        let mut file = fs::File::create_new(&path).map_err(refuse)?;
        std::io::Write::write_all(&mut file, self.source().as_bytes()).map_err(refuse)?;
        let Name { module, field, .. } = &self.name;
        console::print(&format!(
            "{path}: made, with its tests. Nothing names it yet; these lines do:\n\
             {steps}\n\
             Then run `cargo fmt --all`, `cargo test -p sapphire-agents {module}` and `make docs`, and let it \
             vote: add to examples/quickstart/agents.yaml\n\
             \n\
             ---\n\
             apiVersion: sapphiretrade.xyz/v1alpha1\n\
             kind: TradingAgent\n\
             metadata:\n  name: {resource}\n\
             spec:\n  systemRef:\n    name: quickstart\n  \
             strategy:\n    {field}:\n      period: 20\n  \
             authority:\n    consensus: {{}}\n\
             \n\
             and `make run`.",
            path = path.display(),
            steps = registration::told(&self.name),
            resource = module.replace('_', "-"),
        ))
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
        assert!(super::name("trait").unwrap_err().contains("trait-agent"));
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
