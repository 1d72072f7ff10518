//! How desks and policies are read from disk.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use sapphire_crds::conditions::TradingState;
use sapphire_crds::manifest::{self, Desk, FaultCode, ManifestFaults, Request, check, load};
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use serde::Serialize;
use tempfile::TempDir;

fn system(name: &str) -> String {
    format!(
        r#"apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {{name: {name}}}
spec:
  venue:
    paper:
      balance: "100000"
      data: {{file: {{path: data/bars.csv}}}}
      instruments: [{{symbol: BTCUSD, tickSize: "0.01", lotSize: "0.001", makerFee: "0", takerFee: "0"}}]
  symbols: {{all: {{}}}}
  barInterval: 1h
  riskPolicyRef: {{name: policy}}
  consensus: {{minAgents: 1}}
"#
    )
}

fn agent(name: &str, system: &str) -> String {
    format!(
        "apiVersion: sapphiretrade.xyz/v1alpha1\nkind: TradingAgent\nmetadata: {{name: {name}}}\n\
         spec: {{systemRef: {{name: {system}}}, strategy: {{vpin: {{}}}}, authority: {{consensus: {{}}}}}}\n"
    )
}

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: sapphiretrade.xyz/v1alpha1\nkind: RiskPolicy\nmetadata: {{name: policy}}\nspec: {spec}\n"
    )
}

fn directory(files: &[(&str, String)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("data")).unwrap();
    fs::write(directory.path().join("data/bars.csv"), "time,open").unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn load_policy(path: &Path, name: &str) -> Result<RiskPolicy, ManifestFaults> {
    manifest::read(path).and_then(|source| manifest::policy_in(&source, name))
}

fn desk_of(paths: &[PathBuf], system: Option<&str>) -> Result<Desk, ManifestFaults> {
    let request = Request { system, strategies: &["vpin"], venues: &["paper.data.file"] };
    load(paths, request)
}

fn three_files() -> TempDir {
    directory(&[
        ("system.yaml", system("desk")),
        ("agents.yml", [agent("b", "desk"), agent("a", "desk")].join("---\n")),
        ("policy.yaml", policy("{}")),
        ("notes.txt", "not: [a manifest".into()),
    ])
}

#[test]
fn a_manifest_may_be_json() {
    let directory = three_files();
    fs::remove_file(directory.path().join("policy.yaml")).unwrap();
    let policy = "{\"apiVersion\": \"sapphiretrade.xyz/v1alpha1\", \"kind\": \"RiskPolicy\",\n\
                  \t\"metadata\": {\"name\": \"policy\"}, \"spec\": {}}\n";
    fs::write(directory.path().join("policy.json"), policy).unwrap();
    let desk = desk_of(&[directory.path().into()], None).unwrap();
    assert_eq!(desk.policy_file, directory.path().join("policy.json"));
}

/// A document as an item of a list.
fn item(document: &str) -> String {
    let lines: Vec<&str> = document.lines().collect();
    format!("- {}\n", lines.join("\n  "))
}

#[test]
fn the_items_of_a_list_are_read_as_documents_are() {
    let items = [item(&system("a")), item(&agent("one", "a")), item(&policy("{}"))].concat();
    let list = |items: &str| format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let all = directory(&[("all.yaml", list(&items))]);
    let desk = desk_of(&[all.path().join("all.yaml")], None).unwrap();
    assert_eq!((desk.system.metadata.name.as_deref(), desk.agents.len()), (Some("a"), 1));
    assert!(load_policy(&all.path().join("all.yaml"), "policy").is_ok());

    let wrong = directory(&[("all.yaml", list(&items.replace("barInterval", "barIntervall")))]);
    let faults = desk_of(&[wrong.path().join("all.yaml")], None).unwrap_err().to_string();
    assert!(faults.contains("barIntervall") && faults.contains("TradingSystem a"), "{faults}");
}

#[test]
fn a_directory_is_read_in_the_order_of_names_and_only_its_manifests() {
    let directory = three_files();
    let desk = desk_of(&[directory.path().into()], None).unwrap();
    let names: Vec<_> =
        desk.sources.iter().map(|s| s.path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["agents.yml", "policy.yaml", "system.yaml"]);
    let agents: Vec<_> = desk.agents.iter().filter_map(|a| a.metadata.name.as_deref()).collect();
    assert_eq!(agents, ["a", "b"]);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let directory = three_files();
    let paths = [directory.path().into(), directory.path().join("policy.yaml")];
    assert_eq!(desk_of(&paths, None).unwrap().sources.len(), 3);
}

#[test]
fn paths_are_relative_to_the_systems_manifest() {
    let directory = three_files();
    let desk = desk_of(&[directory.path().into()], None).unwrap();
    assert_eq!(desk.directory, directory.path());
    assert_eq!(desk.market_data()[0].path, directory.path().join("data/bars.csv"));
    assert_eq!(desk.policy_file, directory.path().join("policy.yaml"));
}

#[test]
fn the_flag_picks_one_of_several_systems_with_its_own_agents() {
    let directory = directory(&[
        ("a.yaml", [system("one"), system("two"), policy("{}")].join("---\n")),
        ("b.yaml", [agent("first", "one"), agent("second", "two")].join("---\n")),
    ]);
    let paths = [directory.path().to_owned()];
    let desk = desk_of(&paths, Some("two")).unwrap();
    assert_eq!(desk.system.metadata.name.as_deref(), Some("two"));
    assert_eq!(desk.agents[0].metadata.name.as_deref(), Some("second"));
    assert_eq!(desk.agents.len(), 1);
    let faults = desk_of(&paths, None).unwrap_err();
    assert!(faults.to_string().contains("--system one or --system two"), "{faults}");
    let faults = desk_of(&paths, Some("tow")).unwrap_err();
    assert!(faults.to_string().contains("did you mean two?"), "{faults}");
}

#[test]
fn what_cannot_be_read_is_said_beside_all_other_faults() {
    let directory = directory(&[("bad.yaml", policy("{limits: 1}"))]);
    fs::write(directory.path().join("latin1.yaml"), [b'#', 0xe9]).unwrap();
    let paths = [
        directory.path().to_owned(),
        directory.path().join("nowhere.yaml"),
        directory.path().join("data"),
    ];
    let faults = desk_of(&paths, None).unwrap_err();
    let codes: Vec<_> = faults.into_iter().map(|fault| fault.code).collect();
    // What cannot be read first, in the order of their files: data, latin1.yaml, nowhere.yaml.
    assert_eq!(
        codes,
        [FaultCode::Unreadable, FaultCode::NotYaml, FaultCode::Unreadable, FaultCode::WrongType]
    );
}

/// A slip in one manifest of a good desk, and the one fault that is told.
#[rstest]
#[case::tab("system.yaml", "  venue:", "\tvenue:", FaultCode::NotYaml, "tab")]
#[case::brace("system.yaml", "{name: desk}", "{name: desk", FaultCode::NotYaml, "is not YAML")]
#[case::systems_kind(
    "system.yaml",
    "TradingSystem",
    "TradingSytem",
    FaultCode::UnknownKind,
    "did you mean TradingSystem?"
)]
#[case::systems_name(
    "system.yaml",
    "metadata: {name: desk}",
    "metadata: {}",
    FaultCode::Missing,
    "name"
)]
#[case::agents_kind(
    "agents.yml",
    "TradingAgent",
    "TradingAgnt",
    FaultCode::UnknownKind,
    "did you mean TradingAgent?"
)]
#[case::agents_version("agents.yml", "v1alpha1", "v1", FaultCode::UnknownKind, "v1alpha1")]
#[case::agents_system(
    "agents.yml",
    "{name: desk}",
    "{name: dsek}",
    FaultCode::NotFound,
    "did you mean desk?"
)]
#[case::policys_kind(
    "policy.yaml",
    "RiskPolicy",
    "RiskPolcy",
    FaultCode::UnknownKind,
    "did you mean RiskPolicy?"
)]
#[case::policys_name(
    "policy.yaml",
    "name: policy",
    "nam: policy",
    FaultCode::UnknownField,
    "did you mean name?"
)]
fn one_slip_is_told_without_what_follows_from_it(
    #[case] file: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: FaultCode,
    #[case] words: &str,
) {
    let directory = directory(&[
        ("system.yaml", system("desk")),
        ("agents.yml", agent("a", "desk")),
        ("policy.yaml", policy("{}")),
    ]);
    let path = directory.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
    for system in [None, Some("desk")] {
        let faults = desk_of(&[directory.path().into()], system).unwrap_err();
        let codes: Vec<FaultCode> = faults.into_iter().map(|fault| fault.code).collect();
        // A name that is misspelt is missing, too.
        let told = |code: &FaultCode| *code == expected || *code == FaultCode::Missing;
        assert!(codes.contains(&expected) && codes.iter().all(told), "{faults}");
        assert!(faults.to_string().contains(words), "{faults}");
    }
}

#[test]
fn a_folder_of_folders_names_those_that_hold_manifests() {
    let directory = directory(&[]);
    for name in ["one", "two"] {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::write(directory.path().join(name).join("desk.yaml"), system("desk")).unwrap();
    }
    let faults = desk_of(&[directory.path().into()], None).unwrap_err().to_string();
    assert!(faults.contains("its folders do"), "{faults}");
    for name in ["one", "two"] {
        assert!(faults.contains(&directory.path().join(name).display().to_string()), "{faults}");
    }
    assert!(!faults.contains("data"), "{faults}");
}

#[test]
fn an_empty_file_is_no_desk() {
    let directory = directory(&[("empty.yaml", "# nothing\n---\n".into())]);
    let faults = desk_of(&[directory.path().into()], None).unwrap_err();
    assert_eq!(faults.as_slice().len(), 1);
    assert!(faults.to_string().contains("holds no TradingSystem"), "{faults}");
}

#[test]
fn the_hash_is_of_the_meaning_and_not_of_the_text() {
    let directory = three_files();
    let before = desk_of(&[directory.path().into()], None).unwrap().hash().unwrap();
    let policy_file = directory.path().join("policy.yaml");
    fs::write(&policy_file, policy("{tradingState: Active} # the default")).unwrap();
    let reworded = desk_of(&[directory.path().into()], None).unwrap().hash().unwrap();
    assert_eq!(before, reworded);
    fs::write(&policy_file, policy("{tradingState: Reducing}")).unwrap();
    let changed = desk_of(&[directory.path().into()], None).unwrap().hash().unwrap();
    assert_ne!(before, changed);
}

#[test]
fn a_policy_is_read_again_from_among_other_documents() {
    let text = [system("desk"), policy("{tradingState: Halted, onHalt: Flatten}")].join("---\n");
    let directory = directory(&[("desk.yaml", text)]);
    let policy = load_policy(&directory.path().join("desk.yaml"), "policy").unwrap();
    assert_eq!(policy.spec.trading_state, TradingState::Halted);
}

#[test]
fn a_policy_is_judged_without_its_neighbours() {
    let text = ["kind: Nonsense\n".into(), policy("{}")].join("---\n");
    let directory = directory(&[("desk.yaml", text)]);
    assert!(load_policy(&directory.path().join("desk.yaml"), "policy").is_ok());
}

#[test]
fn a_bad_or_vanished_or_doubled_policy_is_refused() {
    let cases = [
        (policy("{limits: {maxDrawdown: \"25\"}}"), FaultCode::WrongValue),
        (policy("{limits: {maxDailyLoss: \"0.5\", maxDrawdown: \"0.1\"}}"), FaultCode::Rule),
        (policy("{}").replace("name: policy", "name: other"), FaultCode::NotFound),
        (String::new(), FaultCode::NotFound),
        ([policy("{}"), policy("{}")].join("---\n"), FaultCode::Duplicate),
        (policy("{limits: {"), FaultCode::NotYaml),
    ];
    for (text, expected) in cases {
        let directory = directory(&[("policy.yaml", text.clone())]);
        let path = directory.path().join("policy.yaml");
        let faults = load_policy(&path, "policy").unwrap_err();
        assert_eq!(faults.as_slice()[0].code, expected, "{text}");
    }
    let faults = load_policy(Path::new("nowhere.yaml"), "policy").unwrap_err();
    assert_eq!(faults.as_slice()[0].code, FaultCode::Unreadable);
}

#[test]
fn faults_read_the_same_as_json() {
    let directory = directory(&[("policy.yaml", policy("{limits: {maxDrawdown: 0.25}}"))]);
    let path = directory.path().join("policy.yaml");
    let faults = check(&[&path]).unwrap_err();
    let expected = serde_json::json!([{
        "file": path,
        "document": 1,
        "line": 4,
        "column": 17,
        "object": "RiskPolicy policy",
        "field": "spec.limits.maxDrawdown",
        "value": "0.25",
        "code": "WrongType",
        "message": "is a number, where a text is expected",
        "remedy": "put it in quotes: \"0.25\"",
    }]);
    assert_eq!(serde_json::to_value(&faults).unwrap(), expected);
}

#[test]
fn what_the_types_write_is_itself_a_good_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("written.yaml");
    let mut seen = 0;
    for entry in fs::read_dir("corpus/good").unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("yaml-as-people-write-it.yaml") {
            continue; // its nulls are gone before the types see an object
        }
        let text = fs::read_to_string(path).unwrap();
        for document in text.split("\n---\n") {
            let written = if document.contains("kind: TradingSystem") {
                again::<TradingSystem>(document)
            } else if document.contains("TradingAgent") {
                again::<TradingAgent>(document)
            } else if document.contains("kind: RiskPolicy") {
                again::<RiskPolicy>(document)
            } else {
                continue;
            };
            fs::write(&file, &written).unwrap();
            check(&[&file]).unwrap_or_else(|faults| panic!("{written}\n{faults}"));
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

fn again<K: Serialize + serde::de::DeserializeOwned>(document: &str) -> String {
    let object: K = serde_saphyr::from_str(document).unwrap_or_else(|e| panic!("{document}\n{e}"));
    serde_saphyr::to_string(&object).unwrap()
}

#[test]
fn only_regular_files_of_a_manifests_size_are_read() {
    let directory = directory(&[("desk.yaml", policy("{}"))]);
    let pipe = directory.path().join("pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, words) in [(pipe.as_path(), "a pipe"), (Path::new("/dev/zero"), "a device")] {
        let faults = check(&[path]).unwrap_err();
        assert_eq!(faults.as_slice()[0].code, FaultCode::Unreadable);
        assert!(faults.to_string().contains(words), "{faults}");
    }
    let large = directory.path().join("large.yaml");
    fs::write(&large, policy("{}") + &"# padding\n".repeat(500_000)).unwrap();
    let faults = manifest::read(&large).unwrap_err();
    assert!(faults.to_string().contains("longer than 4 MiB"), "{faults}");
}

/// A document of a list with `items`, and as many `aliases` of it.
fn aliases(items: usize, aliases: usize) -> String {
    let (items, aliases) = (vec!["a"; items].join(","), vec!["*l"; aliases].join(","));
    format!("apiVersion: v1\nkind: Secret\nlist: &l [{items}]\nagain: [{aliases}]\n")
}

#[test]
fn aliases_are_bounded_over_all_documents_of_a_text() {
    let few = vec![aliases(9, 5); 190].join("---\n") + "---\n" + &policy("{}");
    let directory = directory(&[("few.yaml", few), ("policy.yaml", policy("{}"))]);
    assert!(check(&[&directory.path().join("few.yaml")]).is_ok(), "they stand for 9,500 values");

    let many = directory.path().join("many.yaml");
    for text in [vec![aliases(99, 95); 1500].join("---\n"), aliases(99, 101)] {
        fs::write(&many, &text).unwrap();
        let faults = check(&[&many]).unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{faults}") };
        assert_eq!(fault.code, FaultCode::NotYaml);
        assert!(fault.message.contains("more than 10000 values"), "{fault}");
        assert!(fault.remedy.contains("write out what they stand for"), "{fault}");
    }
    // The first document has 9,500 of them; the sixth alias of the second is too many.
    fs::write(&many, vec![aliases(99, 95); 3].join("---\n")).unwrap();
    let faults = manifest::read(&many).and_then(|source| manifest::policy_in(&source, "policy"));
    let faults = faults.unwrap_err();
    let fault = &faults.as_slice()[0];
    assert_eq!((fault.document, fault.line, fault.column), (Some(2), Some(9), Some(24)), "{fault}");
}
