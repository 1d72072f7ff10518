//! A server on a free port, with a desk behind it that shows what a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use futures::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Response};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, Symbol};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_trader::api::commands::{CommandSender, PendingCommand};
use sapphire_trader::api::lineage::{LineageError, LineageId, LineageSource};
use sapphire_trader::api::published::{DeskFacts, Publisher};
use sapphire_trader::api::token::Token;
use sapphire_trader::api::{Api, ApiConfig, Page, bind, serve, view};
use sapphire_trader::telemetry::metrics::Metrics;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take before a test calls it lost.
pub(crate) const LOST: Duration = Duration::from_secs(20);

pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) publisher: Option<Publisher>,
    pub(crate) inbox: Option<Receiver<PendingCommand>>,
    pub(crate) token: Token,
    pub(crate) client: Client,
    pub(crate) metrics: Arc<Metrics>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Desk {
    /// A server with the default settings and a token, whose desk has shown everything once.
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    pub(crate) async fn open_with(set: impl FnOnce(&mut ApiConfig)) -> Self {
        let mut desk = Self::silent(set, page()).await;
        desk.show_everything();
        desk
    }

    /// A server that does not wait long for the desk's answers.
    pub(crate) async fn impatient(set: impl FnOnce(&mut ApiConfig)) -> Self {
        let mut desk = Self::start(set, page(), Duration::from_millis(300)).await;
        desk.show_everything();
        desk
    }

    /// A desk that has not shown anything yet.
    pub(crate) async fn silent(set: impl FnOnce(&mut ApiConfig), page: Page) -> Self {
        Self::start(set, page, LOST).await
    }

    async fn start(set: impl FnOnce(&mut ApiConfig), page: Page, patience: Duration) -> Self {
        let token = Token::generate().unwrap();
        let mut config = ApiConfig { token: Some(token.clone()), ..ApiConfig::default() };
        set(&mut config);
        let (publisher, published) = Publisher::new(facts());
        let (sender, inbox) = sync_channel::<PendingCommand>(4);
        let (metrics, _) = Metrics::new(&["BTCUSD".to_owned()], &["trend".to_owned()]).unwrap();
        let metrics = Arc::new(metrics);
        let api = Api {
            published,
            commands: CommandSender::new(sender, patience),
            lineage: Arc::new(Journal),
            metrics: metrics.clone(),
            page,
            config,
        };
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve(listener, api, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            publisher: Some(publisher),
            inbox: Some(inbox),
            token,
            client: Client::builder().no_proxy().build().unwrap(),
            metrics,
            stop: Some(stop),
            served,
        }
    }

    pub(crate) fn publisher(&mut self) -> &mut Publisher {
        self.publisher.as_mut().unwrap()
    }

    pub(crate) fn show_everything(&mut self) {
        let publisher = self.publisher();
        publisher.journal_head(10);
        publisher.due_now();
        publisher.status(status());
        publisher.health(health());
        publisher.portfolio(summary(10_000));
        publisher.positions(view::Positions::default());
        publisher.orders(view::Orders::default());
        publisher.agents(view::Agents::default());
        publisher.decisions(view::Decisions::default());
        publisher.risk(risk());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// A body of what must have been answered with 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// A command, with the token.
    pub(crate) fn command(&self, name: &str) -> RequestBuilder {
        let url = self.url(&format!("/api/commands/{name}"));
        self.client.post(url).bearer_auth(self.token.reveal())
    }

    /// What comes back for these very bytes, until the server closes or has nothing to add.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            let patience = if answer.is_empty() { LOST } else { Duration::from_millis(200) };
            let read = tokio::time::timeout(patience, socket.read_buf(&mut answer)).await;
            if !matches!(read, Ok(Ok(1..))) {
                return String::from_utf8_lossy(&answer).into_owned();
            }
        }
    }

    /// Tells the server to stop, and says how long it took.
    pub(crate) async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.stop.take().unwrap().send(()).unwrap();
        let served = tokio::time::timeout(LOST, &mut self.served).await;
        served.expect("the server does not stop").unwrap().unwrap();
        began.elapsed()
    }
}

/// Asserts the contract's error body, and gives back its message.
pub(crate) async fn error(response: Response, status: u16, code: &str) -> String {
    let id = response.headers()["x-correlation-id"].to_str().unwrap().to_owned();
    let answered = response.status();
    let media_type = response.headers()["content-type"].clone();
    let body: Value = response.json().await.unwrap();
    assert_eq!(answered, status, "{body}");
    assert_eq!(media_type, "application/json");
    assert_eq!(body["error"]["code"], code, "{body}");
    assert_eq!(body["error"]["correlationId"], id);
    assert_eq!(body["error"].as_object().unwrap().len(), 3);
    body["error"]["message"].as_str().unwrap().to_owned()
}

/// Knows decision d7 and nothing else; asked for d666 its file is broken.
struct Journal;

impl LineageSource for Journal {
    fn lineage(&self, id: LineageId) -> BoxFuture<'_, Result<Option<view::Lineage>, LineageError>> {
        Box::pin(async move {
            match id.number {
                666 => Err(LineageError("record 3 does not match its hash".into())),
                7 => Ok(Some(view::Lineage {
                    id: id.to_string(),
                    kind: "Decision".into(),
                    lineage: vec![view::LineageStep {
                        sequence: 5,
                        at: Timestamp(0).into(),
                        kind: "decision".into(),
                        summary: "enter long".into(),
                        record: serde_json::json!({ "id": 7 }),
                    }],
                })),
                _ => Ok(None),
            }
        })
    }
}

pub(crate) fn page() -> Page {
    let file =
        |path: &str, text: &'static str| (path.to_owned(), Bytes::from_static(text.as_bytes()));
    Page::new([
        file("index.html", "<!doctype html><title>Mission Control</title>"),
        file("assets/index-4f3c0b1A.js", "export {};"),
        file("assets/index-9a1b0b1A.css", "body{}"),
        file("assets/sapphire-77aa0b1A.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        file("assets/licenses.txt", "MIT"),
        file("secret.txt", "not a part of the page"),
    ])
}

pub(crate) fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSD").unwrap(),
        tick: 1_000_000, // 0.01
        lot: 1_000_000,  // 0.01
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::whole(5),
        maker_fee: Ratio(20_000),
        taker_fee: Ratio(40_000),
        initial_margin: Ratio::percent(10),
        maintenance_margin: Ratio::percent(5),
        liquidation_fee: Ratio(500_000),
    }
}

fn facts() -> DeskFacts {
    let ether = Instrument { symbol: Symbol::new("ETHUSD").unwrap(), ..instrument() };
    DeskFacts {
        instruments: vec![instrument(), ether],
        agents: vec!["trend".into(), "vpin".into()],
        bar_interval: Span::hours(1),
    }
}

pub(crate) fn bar(number: i64) -> sapphire_engine::market::Bar {
    sapphire_engine::market::Bar {
        open_time: Timestamp(Span::hours(number).0),
        open: PriceTicks(6_000_000 + number),
        high: PriceTicks(6_000_100 + number),
        low: PriceTicks(5_999_900 + number),
        close: PriceTicks(6_000_010 + number),
        volume: QtyLots(250),
        taker_buy_volume: None,
    }
}

pub(crate) fn status() -> view::SystemStatus {
    view::SystemStatus {
        system: "quickstart".into(),
        version: "0.1.0".into(),
        run_id: "00000000000000ab".into(),
        mode: "Paper".into(),
        venue: "paper".into(),
        phase: view::Phase::Running,
        trading_state: view::TradingState::Active,
        trading_state_reasons: vec![],
        event_time: Some(Timestamp(0).into()),
        started_wall_time: SystemTime::UNIX_EPOCH.into(),
        progress: Some(view::Progress::new(1, 4)),
        bar_interval: "1h".into(),
        symbols: vec![],
        storage: "embedded".into(),
        bus: "embedded".into(),
        notes: vec![],
        journal: view::JournalHead { sequence: 10, hash: "00ff".into() },
        report: Some(view::Report {
            text: "Equity 10,000".into(),
            headline: "quickstart: 12.35 % in 2 trades".into(),
            sections: vec![view::ReportSection {
                title: "Result".into(),
                wide: false,
                facts: vec![view::ReportFact { name: "Gain".into(), value: "+95.11".into() }],
            }],
            figures: BTreeMap::from([("sharpe".to_owned(), "1.2".to_owned())]),
        }),
    }
}

/// A status that differs from every other number's.
pub(crate) fn status_number(number: u64) -> view::SystemStatus {
    view::SystemStatus { progress: Some(view::Progress::new(number, 1_000_000)), ..status() }
}

fn health() -> view::Health {
    view::Health {
        uptime_seconds: 1.5,
        events_total: 100,
        events_per_second: 66.7,
        journal: view::JournalHealth::default(),
        last_error: None,
        feed_errors: 0,
        data_quality: view::DataQuality::default(),
    }
}

pub(crate) fn summary(equity: i64) -> view::PortfolioSummary {
    view::PortfolioSummary {
        equity: Amount::whole(equity).into(),
        wallet_balance: Amount::whole(10_000).into(),
        cash: Amount::whole(10_000).into(),
        realized_pnl: Amount::ZERO.into(),
        unrealized_pnl: Amount::ZERO.into(),
        fees: Amount::ZERO.into(),
        funding: Amount::ZERO.into(),
        initial_balance: Amount::whole(10_000).into(),
        high_water_mark: Amount::whole(10_000).into(),
        drawdown: Ratio::ZERO.into(),
        daily_loss: Ratio::ZERO.into(),
        drawdown_state: view::DrawdownState::Normal,
        buy_and_hold: Amount::whole(10_000).into(),
        as_of: None,
        verified: true,
    }
}

fn risk() -> view::Risk {
    view::Risk {
        policy: view::PolicyInForce {
            name: "careful".into(),
            generation: 1,
            hash: "abcd".into(),
            acknowledged_at: None,
            acknowledged_wall_time: Some((UNIX_EPOCH + Duration::from_secs(1)).into()),
            delay_millis: None,
            file: "risk.yaml".into(),
            stale_after: "1m".to_owned(),
            lost: None,
            last_refused: None,
        },
        trading_state: view::TradingState::Active,
        on_halt: view::OnHalt::Flatten,
        flat: true,
        flat_since: None,
        halted_at: None,
        limits: vec![],
        pending: None,
    }
}

pub(crate) fn order(number: u64, state: view::OrderState) -> view::Order {
    view::Order {
        id: format!("o{number}"),
        client_order_id: format!("sph-1-{number}-1"),
        symbol: "BTCUSD".into(),
        side: view::Side::Buy,
        kind: view::OrderType::Market,
        purpose: view::Purpose::Entry,
        quantity: Amount::whole(1).into(),
        filled_quantity: Amount::ZERO.into(),
        price: None,
        stop_price: None,
        average_price: None,
        state,
        pending: None,
        reduce_only: false,
        close_position: false,
        created_at: Timestamp(0).into(),
        updated_at: Timestamp(0).into(),
        reason: None,
        decision_id: None,
    }
}
