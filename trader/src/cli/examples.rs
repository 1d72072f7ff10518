//! What a person may type, for `--help`. A test reads every line as the shell would pass it on.

/// Of the program itself.
pub(super) const ALL: &str = "\
Examples:
  sapphire-trader run -f examples/quickstart          trade two years of bitcoin in three minutes
  sapphire-trader run -f examples/quickstart --speed max --exit
  sapphire-trader backtest -f examples/quickstart --report reports
  sapphire-trader backtest -f examples/quickstart --sweep policy.limits.riskPerTrade=0.005,0.01,0.02
  sapphire-trader replay -f examples/quickstart       make the run's journal again, byte for byte
  sapphire-trader why d12                             where a decision came from
  sapphire-trader journal verify                      is the journal what was written?
  sapphire-trader new-agent mean-reversion            a strategy to start from

Exit codes: 0 done; 1 it failed, or the journal is not what was written; 2 wrong input or usage.
Each command has examples in its own --help.";

pub(super) const RUN: &str = "\
Examples:
  sapphire-trader run -f examples/quickstart
  sapphire-trader run -f examples/quickstart --speed max --exit --report reports
  sapphire-trader run -f examples/futures-stream --speed realtime
  sapphire-trader run -f examples/quickstart --listen 127.0.0.1:8081 --db desk2.db    a second desk
  sapphire-trader run -f examples/quickstart --listen 0.0.0.0:8080 --allowed-host trader.lan

The same command goes on with a run that was left unfinished, and after a finished one begins anew.
A change of the RiskPolicy's file acts at once; one of any other manifest at the next start.";

pub(super) const BACKTEST: &str = "\
Examples:
  sapphire-trader backtest -f examples/quickstart
  sapphire-trader backtest -f examples/quickstart --report reports
  sapphire-trader backtest -f examples/quickstart -o json
  sapphire-trader backtest -f examples/quickstart --journal backtest.db
  sapphire-trader backtest -f examples/quickstart \
--sweep system.consensus.minAgents=2,3
  sapphire-trader backtest -f examples/quickstart --sweep vpin.horizon=3,6 --sweep vpin.participation=0.3,0.5

What the files of --report hold: docs/reference/report.md.";

pub(super) const REPLAY: &str = "\
Examples:
  sapphire-trader replay -f examples/quickstart
  sapphire-trader replay -f examples/quickstart --run 74fc8e97baf8d689
  sapphire-trader replay -f examples/quickstart --db backtest.db

A journal names its manifests and data by their hashes, not by where they are: give the -f that the
run had.";

pub(super) const JOURNAL: &str = "\
Examples:
  sapphire-trader journal verify
  sapphire-trader journal export";

pub(super) const VERIFY: &str = "\
Examples:
  sapphire-trader journal verify
  sapphire-trader journal verify --db backtest.db -o json
  sapphire-trader journal verify --run 74fc8e97baf8d689
  sapphire-trader journal verify --head \
120:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Exit codes: 0 whole; 1 not what was written, or nothing is left; 2 there is no such journal.";

pub(super) const EXPORT: &str = "\
Examples:
  sapphire-trader journal export
  sapphire-trader journal export --db backtest.db --run 74fc8e97baf8d689";

pub(super) const WHY: &str = "\
Examples:
  sapphire-trader why d12                             a decision: its votes, orders and fills
  sapphire-trader why o34                             an order: which decision wanted it, what came of it
  sapphire-trader why t56 --run 74fc8e97baf8d689
  sapphire-trader why r41 -o json";

pub(super) const NEW_AGENT: &str = "\
Examples:
  sapphire-trader new-agent mean-reversion
  sapphire-trader new-agent mean-reversion --agents trader/agents";

pub(super) const COMPLETIONS: &str = "\
Examples:
  sapphire-trader completions bash      once: source <(sapphire-trader completions bash)
  sapphire-trader completions zsh
  sapphire-trader completions fish";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{Command, CommandFactory, Parser};

    use crate::cli::Cli;

    /// The commands of a text: what follows the program's name, up to two spaces or the line's end.
    fn commands(text: &str) -> Vec<Vec<&str>> {
        text.lines()
            .filter_map(|line| line.trim().strip_prefix("sapphire-trader "))
            .map(|line| line.split("  ").next().unwrap_or(line).split_whitespace().collect())
            .collect()
    }

    fn reads(arguments: &[&str]) {
        let read = Cli::try_parse_from(["sapphire-trader"].iter().chain(arguments));
        if let Err(error) = read {
            assert!(!error.use_stderr(), "{arguments:?}: {error}"); // --help is no error
        }
    }

    fn each(command: &Command, path: &str, visit: &mut impl FnMut(&str, &Command)) {
        visit(path, command);
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            each(below, format!("{path} {}", below.get_name()).trim(), visit);
        }
    }

    #[test]
    fn every_command_shows_examples_of_itself_that_can_be_typed() {
        let mut seen = 0;
        each(&Cli::command(), "", &mut |path, command| {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = commands(&help);
            assert!(help.starts_with("Examples:") && !examples.is_empty(), "`{path}`: {help}");
            for example in examples {
                assert!(
                    example.join(" ").starts_with(path),
                    "{example:?} is no example of `{path}`"
                );
                reads(&example);
                seen += 1;
            }
            assert!(help.lines().all(|line| line.chars().count() <= 110), "{help}");
        });
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn what_the_documents_tell_people_to_type_can_be_typed() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut seen = 0;
        for name in ["README.md", "CONTRIBUTING.md", "docs/reference/report.md"] {
            let text = std::fs::read_to_string(repository.join(name)).unwrap();
            for quoted in text.split('`') {
                for command in commands(quoted) {
                    reads(&command);
                    seen += 1;
                }
            }
        }
        assert!(seen > 5, "{seen}");
    }
}
