//! The Dockerfile against the repository: what can be said of it without building it.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).unwrap()
}

/// An instruction and its arguments.
type Instruction = (String, String);

/// A stage: its base, and what is done in it.
#[derive(Default)]
struct Stage {
    base: String,
    instructions: Vec<Instruction>,
}

impl Stage {
    fn all(&self, name: &str) -> Vec<&str> {
        let found = self.instructions.iter().filter(|(instruction, _)| instruction == name);
        found.map(|(_, arguments)| arguments.as_str()).collect()
    }
}

/// Instructions, with continued lines joined.
fn instructions() -> Vec<Instruction> {
    let text = read("Dockerfile");
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let words = joined.lines().filter(|line| !line.is_empty()).map(|line| {
        let (instruction, arguments) = line.split_once(' ').unwrap();
        (instruction.to_owned(), arguments.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    words.collect()
}

/// The arguments before the first stage with their defaults, and the stages by name.
fn parsed() -> (BTreeMap<String, String>, BTreeMap<String, Stage>) {
    let (mut arguments, mut stages) = (BTreeMap::new(), BTreeMap::<String, Stage>::new());
    let mut current: Option<String> = None;
    for (instruction, rest) in instructions() {
        match (instruction.as_str(), &current) {
            ("FROM", _) => {
                let (base, name) = rest.split_once(" AS ").unwrap_or_else(|| panic!("{rest}"));
                stages.insert(name.into(), Stage { base: base.into(), ..Stage::default() });
                current = Some(name.to_owned());
            }
            ("ARG", None) => {
                let (name, default) = rest.split_once('=').unwrap();
                arguments.insert(name.to_owned(), default.to_owned());
            }
            (_, None) => panic!("{instruction} stands before every stage"),
            (_, Some(stage)) => {
                stages.get_mut(stage).unwrap().instructions.push((instruction, rest));
            }
        }
    }
    (arguments, stages)
}

#[test]
fn every_base_image_can_be_replaced_and_has_a_default_with_a_tag() {
    let (arguments, stages) = parsed();
    assert_eq!(stages.keys().collect::<Vec<_>>(), ["operator", "page", "programs", "trader"]);
    for (name, stage) in &stages {
        let argument = stage.base.strip_prefix("${").and_then(|base| base.strip_suffix('}'));
        let default = argument.and_then(|argument| arguments.get(argument));
        let image = default.unwrap_or_else(|| panic!("{name}: {} is no argument", stage.base));
        let tag = image.rsplit('/').next().unwrap().split_once(':');
        assert!(tag.is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest"), "{image}");
    }
}

#[test]
fn the_toolchains_are_those_that_the_repository_asks_for() {
    let (arguments, _) = parsed();
    let manifest = read("Cargo.toml");
    let rust = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(arguments["RUST_IMAGE"].contains(&format!(":{rust}-")), "{arguments:?}");
    // Programs run on the C library that they were built with, or a newer one.
    assert!(arguments["RUST_IMAGE"].ends_with("bookworm"), "{arguments:?}");
    assert!(arguments["BASE_IMAGE"].contains("debian12"), "{arguments:?}");
}

#[test]
fn what_is_copied_is_there() {
    let (_, stages) = parsed();
    let ignored: Vec<String> = read(".dockerignore")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.trim_start_matches('/').to_owned())
        .collect();
    let mut copied = 0;
    for stage in stages.values() {
        for arguments in stage.all("COPY") {
            let mut words: Vec<&str> = arguments.split(' ').collect();
            words.pop().unwrap();
            copied += 1;
            if let Some(from) = words[0].strip_prefix("--from=") {
                let written = stages[from].instructions.iter().any(|(_, rest)| {
                    let (folder, _) = words[1].rsplit_once('/').unwrap();
                    rest.contains(folder)
                });
                assert!(written, "{from} makes no {}", words[1]);
                continue;
            }
            for source in words {
                assert!(repository().join(source).exists(), "{source} is not in the repository");
                let first = source.split('/').next().unwrap();
                assert!(!ignored.iter().any(|name| name == first), "{source} is ignored");
            }
        }
    }
    assert!(copied >= 9, "{copied}");
    let members = read("Cargo.toml");
    let members = members.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    for member in members.split(',').map(|word| word.trim().trim_matches('"')) {
        let folder = member.split('/').next().unwrap();
        let programs = stages["programs"].all("COPY");
        let found = programs.iter().any(|copy| copy.split(' ').next() == Some(folder));
        assert!(member.is_empty() || found, "{member} is no part of the build");
    }
}

#[test]
fn each_image_runs_its_program_as_nobody_in_particular() {
    let (_, stages) = parsed();
    let built = stages["programs"].all("RUN").join(" ");
    for target in ["operator", "trader"] {
        let (program, stage) = (format!("sapphire-{target}"), &stages[target]);
        assert!(read(&format!("{target}/Cargo.toml")).contains(&format!("name = \"{program}\"")));
        assert!(built.contains(&format!("--package {program}")), "{built}");
        let path = format!("/usr/local/bin/{program}");
        let copy = format!("--from=programs /programs/{program} {path}");
        assert_eq!(stage.all("COPY"), [copy.as_str()]);
        assert_eq!(stage.all("ENTRYPOINT"), [format!("[\"{path}\"]")]);
        // As a number: the kubelet cannot tell of a name whether it is root's.
        assert_eq!(stage.all("USER"), ["65532:65532"]);
        assert!(stage.all("RUN").is_empty(), "a distroless image has nothing to run");
        let labels = stage.all("LABEL").join(" ");
        for label in ["title", "description", "url", "licenses", "version", "revision"] {
            assert!(labels.contains(&format!("org.opencontainers.image.{label}=")), "{label}");
        }
        assert!(labels.contains(&format!("title=\"{program}\"")), "{labels}");
        let values = read("charts/sapphire/values.yaml");
        assert!(values.contains(&format!("repository: {program}\n")), "the chart names it so");
    }
    assert!(read("scripts/image.sh").contains("sapphire-$target:${TAG:-$release}"));
}
