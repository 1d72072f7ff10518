//! `run`: a desk that trades while somebody watches.

mod address;
mod journaled;
mod server;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use clap::Args;
use sapphire_crds::manifest::Desk as Manifests;
use sapphire_engine::Engine;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::policy::TradingState;
use sapphire_engine::risk::Word;
use sapphire_engine::time::Span;
use tokio::runtime::Runtime;

use super::backtest::write_report;
use super::console;
use super::desk::DeskArgs;
use super::failure::Failure;
use crate::api::commands::CommandSender;
use crate::api::token::Token;
use crate::api::view::Phase;
use crate::api::{self, Api, ApiConfig, Page};
use crate::config::Environment;
use crate::desk::Assembly;
use crate::live::{
    Driven, Ending, Exhibit, Hand, Labels, Pace, PolicySource, Speed, catch_up, drive, serve_out,
    show_now, take_up, watch, watch_manifests,
};
use crate::report::{self, Surroundings};
use crate::store::{self, Head, SqliteJournal};
use crate::telemetry::metrics::Metrics;
use address::{exposure, host_name, link, listen_address};
use journaled::Journaled;
use server::Server;

/// Messages that may wait for the desk thread.
const INBOX: usize = 256;
/// How long a person waits for the desk's answer to a command.
const PATIENCE: Duration = Duration::from_secs(5);

/// `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    desk: DeskArgs,
    /// How fast recorded data pass: auto (all in three minutes), max, realtime, a factor such as 60x, or
    /// how long all of them are to take, such as 90s, 3m or 1h.
    #[arg(long, default_value_t, overrides_with = "speed", allow_hyphen_values = true)]
    speed: Speed,
    /// Leaves when the data are over. Otherwise the page stays, until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Where the page and the API are; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        value_parser = listen_address,
        overrides_with = "listen"
    )]
    listen: SocketAddr,
    /// The journal's database.
    /// [default: ${XDG_STATE_HOME:-~/.local/state}/sapphire/<system>.db]
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
    /// Writes report.html, report.json and trades.csv into this directory at the end.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// What commands need. [default: a new one, in the link that is printed]
    #[arg(long, env = "SAPPHIRE_API_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// Requests a minute from one address without a token; 0 is no limit.
    #[arg(long, value_name = "N", default_value_t = 60, allow_negative_numbers = true)]
    requests_per_minute: u32,
    /// Origins of other pages that may read the API.
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<api::Origin>,
    /// Names under which the API may be asked, besides its loopback names.
    #[arg(long, value_name = "HOST", value_parser = host_name)]
    allowed_host: Vec<String>,
    /// Proxies in front of the API, such as 10.0.0.0/8: of what comes from them, the caller that
    /// `x-forwarded-for` names is counted. Several are separated by commas.
    #[arg(long, env = "SAPPHIRE_TRUSTED_PROXIES", value_name = "NETWORK", value_delimiter = ',')]
    trusted_proxy: Vec<api::Network>,
}

impl Run {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let token = match &self.token {
            Some(text) => Token::new(text).map_err(|error| {
                Failure::input(format!("--token or SAPPHIRE_API_TOKEN: {error}"))
            })?,
            None => Token::generate().map_err(Failure::run)?,
        };
        let runtime = Runtime::new().map_err(Failure::run)?;
        // Before anything slow: a port in use is told at once.
        let listener = runtime.block_on(api::bind(self.listen)).map_err(Failure::input)?;
        let (manifests, assembly) = self.desk.assembly()?;
        let path = match &self.db {
            Some(path) => path.clone(),
            None => store::make_default_folder()
                .and_then(|()| store::default_path(&assembly.plan.system))
                .map_err(Failure::store)?,
        };
        let journal = SqliteJournal::open(&path).map_err(Failure::store)?;

        let symbols: Vec<String> =
            assembly.plan.engine.instruments.iter().map(|i| i.symbol.to_string()).collect();
        let agents: Vec<String> =
            assembly.plan.engine.agents.iter().map(|agent| agent.name.clone()).collect();
        let (metrics, desk_metrics) = Metrics::new(&symbols, &agents).map_err(Failure::run)?;
        let labels = labels(&manifests, &assembly);
        let mut readers = None;
        let waiting = console::progress("taking the run up again", events(&assembly));
        let taken = take_up(
            &assembly,
            journal,
            |started| {
                let (exhibit, published) = Exhibit::new(started, labels, desk_metrics);
                readers = Some(published);
                exhibit
            },
            |done| waiting.set_position(done),
        );
        waiting.finish_and_clear();
        let taken = taken.map_err(Failure::run)?;
        let published = readers.ok_or_else(|| Failure::run("the run has no beginning"))?;
        taken.notes.iter().for_each(|note| tracing::warn!("{note}"));
        let mut desk = taken.desk;

        let run = desk.engine().config().run;
        let (sender, inbox) = sync_channel(INBOX);
        let mut hand = Hand { inbox, commands: taken.commands };
        let api = Api {
            published,
            commands: CommandSender::new(sender.clone(), PATIENCE),
            lineage: Arc::new(Journaled { path: path.clone(), run }),
            metrics: Arc::new(metrics),
            page: Page::embedded(),
            config: self.api_config(token.clone()),
        };
        let link = link(&listener, &token, self.token.is_some())?;
        let exposed = exposure(listener.local_addr().map_err(Failure::run)?);
        let server = Server::start(runtime, listener, api, sender.clone())?;
        greet(&link, &path, &desk, taken.continued);
        exposed.iter().for_each(|words| tracing::warn!("{words}"));

        let (exhibit, engine, _) = desk.witness_and_view();
        exhibit.begin(engine);
        let source = policy_source(manifests.clone())?;
        catch_up(&mut desk, &assembly.plan.engine.policy, &source).map_err(Failure::run)?;
        tell_restraint(desk.engine());
        let (started, lost) = (assembly.plan.engine.policy.clone(), desk.engine().lost_policy());
        let _watch =
            watch(source, started, lost.is_some(), sender.clone()).map_err(Failure::run)?;
        let others = watch_manifests(self.desk.watched(manifests), sender);
        let _others = others.map_err(Failure::run)?;
        let outcome = self.work(&mut desk, &assembly, &mut hand);
        let left = leave(desk);
        server.stop();
        outcome?;
        left
    }

    /// Trades until the data are over or the process is told to leave.
    fn work(&self, desk: &mut Driven, assembly: &Assembly, hand: &mut Hand) -> Result<(), Failure> {
        let began = Instant::now();
        let from = desk.next_time().unwrap_or_default();
        let pace = Pace::begin(self.speed, from, span(assembly));
        let ending = match drive(desk, pace, hand) {
            Ok(ending) => ending,
            Err(error) => {
                // Nothing was sent that is not durable. The page says so until somebody looks.
                let (exhibit, engine, _) = desk.witness_and_view();
                exhibit.stands(engine, &error.to_string());
                show_now(desk);
                tracing::error!("the desk is halted, nothing is sent any more: {error}");
                if !self.exit {
                    serve_out(
                        desk,
                        hand,
                        "the desk is halted, since its journal failed: see lastError in /api/health-metrics",
                    );
                }
                return Err(Failure::run(error));
            }
        };
        match ending {
            Ending::Told(signal) => {
                console::complain(&format!("{signal}: leaving; {}", open_things(desk)));
                Ok(())
            }
            Ending::DataOver => {
                self.report(desk, assembly, began.elapsed())?;
                if !self.exit {
                    console::complain("the page stays; Ctrl-C leaves");
                    serve_out(desk, hand, "the run is over: start the desk again");
                }
                Ok(())
            }
        }
    }

    fn report(
        &self,
        desk: &mut Driven,
        assembly: &Assembly,
        took: Duration,
    ) -> Result<(), Failure> {
        desk.witness_mut().enter(Phase::Finished);
        let events = desk.feed().position();
        let (exhibit, engine, journal) = desk.witness_and_view();
        let head = crate::store::JournalSink::head(journal);
        let surroundings = Surroundings {
            journal: Some((head.sequence, head.hash)),
            recordings: assembly.recordings.iter().map(AsRef::as_ref).collect(),
            speed: Some((took, events)),
        };
        let report = exhibit.sum_up(engine, &surroundings);
        exhibit.reported(report::plain(&report), &report);
        show_now(desk);
        let table =
            if console::is_watched() { report::boxed(&report) } else { report::plain(&report) };
        console::print(&table)?;
        console::print(&format!("journal head {}", Head(head)))?;
        self.report.as_deref().map_or(Ok(()), |folder| write_report(folder, &report))
    }

    fn api_config(&self, token: Token) -> ApiConfig {
        ApiConfig {
            token: Some(token),
            requests_per_minute: std::num::NonZeroU32::new(self.requests_per_minute),
            cors_origins: self.cors_origin.clone(),
            allowed_hosts: self.allowed_host.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
            // With the desk's own farewell it stays below a second.
            shutdown_grace: Duration::from_millis(250),
            ..ApiConfig::default()
        }
    }
}

/// The policy's file as it was when the manifests were read.
fn policy_source(manifests: Manifests) -> Result<PolicySource, Failure> {
    let Manifests { sources, policy_file, policy, .. } = manifests;
    let loaded = sources
        .into_iter()
        .find(|source| source.path == policy_file)
        .ok_or_else(|| Failure::run("the RiskPolicy was read from no file"))?;
    let name = policy.metadata.name.unwrap_or_default();
    let environment = Environment::of_process().map_err(Failure::input)?;
    Ok(PolicySource { loaded, name, environment })
}

/// Makes everything durable, and lets the page show how it ended.
fn leave(mut desk: Driven) -> Result<(), Failure> {
    show_now(&mut desk);
    let flushed = desk.flush().map_err(Failure::run);
    let (journal, exhibit) = desk.into_journal_and_witness();
    exhibit.finish();
    flushed?;
    journal.into_journal().close().map(|_| ()).map_err(Failure::run)
}

fn labels(manifests: &Manifests, assembly: &Assembly) -> Labels {
    Labels {
        notes: assembly.plan.notes.clone(),
        policy: manifests.policy.metadata.name.clone().unwrap_or_default(),
        policy_file: manifests.policy_file.display().to_string(),
        quality: assembly.recordings.iter().map(|recording| recording.quality().clone()).collect(),
        events: events(assembly),
    }
}

fn events(assembly: &Assembly) -> u64 {
    crate::market::MarketFeed::new(assembly.recordings.iter().cloned()).len()
}

/// How much event time the data span.
fn span(assembly: &Assembly) -> Span {
    let first = assembly.recordings.iter().filter_map(|recording| recording.quality().first).min();
    let last = assembly.recordings.iter().filter_map(|recording| recording.quality().last).max();
    first.zip(last).map_or(Span::ZERO, |(first, last)| last - first)
}

fn greet(link: &str, path: &std::path::Path, desk: &Driven, continued: bool) {
    let run = desk.engine().config().run;
    let how = if continued { "goes on" } else { "begins" };
    console::complain(&format!("Mission Control: {link}"));
    console::complain(&format!("run {run} {how}; journal {}", path.display()));
}

/// Says what keeps the desk from trading as it may, so that nobody waits for a fill.
fn tell_restraint(engine: &Engine) {
    for (source, word) in engine.state_words() {
        let Word { state, reason, .. } = word;
        if *state != TradingState::Active {
            console::complain(&format!("trading is {state:?}: {source:?} says so: {reason}"));
        }
    }
}

/// What is still open, for who leaves.
fn open_things(desk: &Driven) -> String {
    let engine = desk.engine();
    let mut open = Vec::new();
    for (place, instrument) in (0_u16..).zip(&engine.config().instruments) {
        let Some(shown) = engine.symbol_view(SymbolId(place)) else { continue };
        if shown.position.0 != 0 {
            let side = if shown.position.0 > 0 { "long" } else { "short" };
            let stop = match shown.stop {
                Some(stop) => format!("its stop at {} stays", instrument.price(stop)),
                None => "without a stop".to_owned(),
            };
            let quantity = instrument.quantity(shown.position.abs());
            open.push(format!("{side} {quantity} {}, {stop}", instrument.symbol));
        }
    }
    let orders = engine.working_orders().count();
    match open.as_slice() {
        [] => format!("no position is open, {orders} orders work; the same command goes on"),
        _ => format!(
            "still open: {}; {orders} orders work; the same command goes on",
            open.join("; ")
        ),
    }
}
