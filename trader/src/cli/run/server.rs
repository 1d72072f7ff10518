//! The API beside the desk, on threads of its own, and the signals that tell the process to leave.

use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::Failure;
use crate::api::{self, Api};
use crate::live::Message;

/// The server's thread, and how to end it.
pub(super) struct Server {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    pub(super) fn start(
        runtime: Runtime,
        listener: TcpListener,
        api: Api,
        inbox: SyncSender<Message>,
    ) -> Result<Self, Failure> {
        let (stop, stopped) = oneshot::channel();
        let signals = {
            let _entered = runtime.enter();
            Signals::listen().map_err(Failure::run)?
        };
        let serve = move || {
            runtime.spawn(signals.forward(inbox));
            let stopped = async {
                let _ = stopped.await;
            };
            if let Err(error) = runtime.block_on(api::serve(listener, api, stopped)) {
                tracing::error!("the API ended: {error}");
            }
            runtime.shutdown_timeout(Duration::from_millis(200));
        };
        let thread = std::thread::Builder::new().name("api".to_owned()).spawn(serve);
        Ok(Self { stop, thread: thread.map_err(Failure::run)? })
    }

    pub(super) fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// What tells a process to leave.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where it is ignored, as under `nohup`.
    hangup: Option<Signal>,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let hangup = (!is_hangup_ignored()).then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: hangup.transpose()?,
        })
    }

    async fn forward(mut self, inbox: SyncSender<Message>) {
        loop {
            let signal = tokio::select! {
                _ = self.interrupt.recv() => "Ctrl-C",
                _ = self.terminate.recv() => "SIGTERM",
                () = received(self.hangup.as_mut()) => "SIGHUP",
            };
            let inbox = inbox.clone();
            // The queue may be full for a moment; a signal waits for its place.
            let sent = tokio::task::spawn_blocking(move || inbox.send(Message::Stop(signal))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether whoever began this process wants it to outlive its terminal, as far as the kernel tells: SIGHUP is
/// the first bit of `SigIgn` in proc_pid_status(5).
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    ignored.is_some_and(|signals| signals & 1 == 1)
}
