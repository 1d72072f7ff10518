//! A place to run the binary in: manifests, a cut of the real data, a journal.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use sapphire_trader::store::{JournalReader, StoreError};
use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_sapphire-trader");
/// How long anything may take before a test calls it lost.
pub(crate) const LOST: Duration = Duration::from_secs(30);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder with a desk in it.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// The quickstart's desk on the first `bars` hours of its data.
    pub(crate) fn quickstart(bars: usize) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let source = repository().join("examples");
        fs::create_dir(bench.path("desk")).unwrap();
        for entry in fs::read_dir(source.join("quickstart")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "yaml") {
                fs::copy(&path, bench.path("desk").join(path.file_name().unwrap())).unwrap();
            }
        }
        bench.edit("system.yaml", "../data/btcusd-coinbase-1h.csv.gz", "bars.csv");
        let file = fs::File::open(source.join("data/btcusd-coinbase-1h.csv.gz")).unwrap();
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        // A title, a header, then the newest first.
        let lines: Vec<&str> = text.lines().collect();
        let (titles, rows) = lines.split_at(2);
        let oldest = &rows[rows.len() - bars..];
        let cut = [titles, oldest].concat().join("\n") + "\n";
        fs::write(bench.path("desk/bars.csv"), cut).unwrap();
        bench
    }

    /// The example with raw streams, as it is.
    pub(crate) fn streams() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("journal.db")
    }

    /// Replaces a text in one of the desk's manifests.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path("desk").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    fn manifests(&self) -> PathBuf {
        let own = self.path("desk");
        if own.exists() { own } else { repository().join("examples/futures-stream") }
    }

    /// The binary with arguments; `DESK` stands for the manifests, `DB` for the journal.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(BINARY);
        for argument in arguments.split_whitespace() {
            match argument {
                "DESK" => command.arg(self.manifests()),
                "DB" => command.arg(self.db()),
                other => command.arg(other),
            };
        }
        for name in ["MAX_DRAWDOWN", "RISK_MULTIPLIER", "TRADING_SYMBOLS", "LOG_LEVEL"] {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn done(&self, arguments: &str) -> Done {
        Done(self.command(arguments).output().unwrap())
    }

    /// As [`run`](Self::run), after what a shell does first: a limit, a signal that is ignored.
    pub(crate) fn run_after(&self, first: &str, more: &str) -> Desk {
        self.run_by(&["sh", "-c", &format!("{first}; exec \"$@\""), "sh"], more)
    }

    /// Trades, watched, until it is told otherwise.
    pub(crate) fn run(&self, more: &str) -> Desk {
        // Under `nohup`, tests and what they start would ignore a terminal that closes. Only GNU's env can undo that.
        let by: &[&str] = match cfg!(target_os = "linux") {
            true => &["env", "--default-signal=HUP"],
            false => &["env"],
        };
        self.run_by(by, more)
    }

    fn run_by(&self, by: &[&str], more: &str) -> Desk {
        let inner = self.command(&format!("run -f DESK --db DB --listen 127.0.0.1:0 {more}"));
        let mut command = Command::new(by[0]);
        command.args(&by[1..]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        Desk::spawn(command)
    }

    /// What the newest run's journal holds, records about the process aside: moments and bytes.
    pub(crate) fn records(&self) -> Vec<(i64, String)> {
        let mut reader = JournalReader::open(&self.db()).unwrap();
        let run = reader.runs().unwrap().last().unwrap().run;
        let mut records = Vec::new();
        reader
            .each(run, |stored| {
                if !stored.record()?.is_about_process() {
                    records.push((stored.at.0, stored.text().into_owned()));
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        records
    }

    /// How often the newest run came back.
    pub(crate) fn restarts(&self) -> usize {
        let mut reader = JournalReader::open(&self.db()).unwrap();
        let run = reader.runs().unwrap().last().unwrap().run;
        let mut count = 0;
        reader
            .each(run, |stored| {
                count += usize::from(stored.record()?.is_about_process());
                Ok::<_, StoreError>(())
            })
            .unwrap();
        count
    }
}

/// What became of a command.
pub(crate) struct Done(Output);

impl Done {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }
    pub(crate) fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.out()))
    }
    /// It must have gone well.
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code(), 0, "{}{}", self.out(), self.complaint());
        self
    }
    /// It must have failed with this code, saying all of this.
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> Self {
        let said = self.complaint();
        assert_eq!(self.code(), code, "{said}");
        for word in words {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
        self
    }
}

/// A watched desk.
pub(crate) struct Desk {
    child: Child,
    said: Arc<Mutex<String>>,
    listeners: Vec<thread::JoinHandle<()>>,
}

impl Desk {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let listen = |source: Box<dyn Read + Send>| {
            let said = said.clone();
            thread::spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    let mut said = said.lock().unwrap();
                    said.push_str(&line);
                    said.push('\n');
                }
            })
        };
        let listeners = vec![
            listen(Box::new(child.stdout.take().unwrap())),
            listen(Box::new(child.stderr.take().unwrap())),
        ];
        Self { child, said, listeners }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        self.send("TERM");
    }

    /// Sends it a signal.
    pub(crate) fn send(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Its exit code, once it has left and all that it said was heard.
    pub(crate) fn left(&mut self) -> i32 {
        let until = Instant::now() + LOST;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.listeners.drain(..).for_each(|listener| listener.join().unwrap());
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not leave: {}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until what it says holds `words`.
    pub(crate) fn until_said(&mut self, words: &str) {
        let until = Instant::now() + LOST;
        while !self.said().contains(words) {
            assert!(Instant::now() < until, "never said `{words}`: {}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn link(&mut self) -> (SocketAddr, String) {
        self.until_said("#token=");
        let said = self.said();
        let link = said.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
        let (address, token) = link.split_once("/#token=").unwrap();
        (address.parse().unwrap(), token.to_owned())
    }

    fn ask(&mut self, request: &str, body: &str) -> Value {
        let (_, token) = self.link();
        let token = format!("authorization: Bearer {token}\r\n");
        let (head, body) = self.exchange(request, &token, body);
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {head}\n{body}"))
    }

    /// The answer's head and its body.
    fn exchange(&mut self, request: &str, headers: &str, body: &str) -> (String, String) {
        let (address, _) = self.link();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LOST)).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: {address}\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Asks for something small with these headers alone.
    pub(crate) fn without_token(&mut self, headers: &str) -> (String, String) {
        self.exchange("GET /api/risk", headers, "")
    }

    /// A desk whose journal failed: everything that tells a state tells the same one.
    pub(crate) fn says_that_it_is_halted(&mut self) {
        let status = self.until("/api/system-status", |answer| answer["phase"] == "Failed");
        assert_eq!(status["tradingState"], "Halted", "{status}");
        let reason = &status["tradingStateReasons"][0];
        assert_eq!(reason["state"], "Halted", "{status}");
        assert!(reason["reason"].as_str().unwrap().contains("nothing is sent"), "{reason}");
        let risk = self.until("/api/risk", |answer| answer["tradingState"] == "Halted");
        assert!(risk["haltedAt"].is_string(), "{risk}");
        let (_, metrics) = self.exchange("GET /metrics", "", "");
        assert!(metrics.contains("sapphire_trading_state{state=\"Halted\"} 1"), "{metrics}");
        assert!(metrics.contains("sapphire_trading_state{state=\"Active\"} 0"), "{metrics}");
        self.until_said("the desk is halted");
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.ask(&format!("GET {path}"), "")
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Value {
        self.ask(&format!("POST {path}"), body)
    }

    /// Asks again until `wanted` says that it is so.
    pub(crate) fn until(&mut self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + LOST;
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "{path} stays {answer}\n{}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Only a test that failed leaves one behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
