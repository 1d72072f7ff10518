//! A trader as a person starts it: how soon it is ready, and how much memory it takes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::machine::field;
use crate::measured::{Measured, Series, Unit};

const STARTS: usize = 9;
const MEMORIES: usize = 3;
const TOKEN: &str = "a-token-for-one-measurement-only";
/// How often it is asked whether it is ready: the resolution of the figure.
const ASK_EVERY: Duration = Duration::from_millis(1);
/// When to give up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the quickstart again and again.
pub(crate) fn measure() -> Result<Measured, Failure> {
    let (mut ready, mut fresh) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let trader = Trader::start("auto")?;
        ready.push(trader.until_ready()?.as_secs_f64());
        fresh.push(trader.memory("VmRSS:")?);
        trader.stop()?;
    }
    let (mut resident, mut peaks) = (Vec::new(), Vec::new());
    for _ in 0..MEMORIES {
        let trader = Trader::start("max")?;
        trader.until_finished()?;
        resident.push(trader.memory("VmRSS:")?);
        peaks.push(trader.memory("VmHWM:")?);
        trader.stop()?;
    }
    let peak = peaks.iter().copied().fold(0.0, f64::max) / 1024.0;
    let series = |what: &str, unit, values| Series { what: what.to_owned(), unit, values };
    Ok(Measured {
        series: vec![
            series("start to ready", Unit::Seconds, ready),
            series("memory when ready", Unit::Bytes, fresh),
            series("memory after all data", Unit::Bytes, resident),
        ],
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        peak_kib: Some(peak as u64),
        ..Measured::default()
    })
}

struct Trader {
    process: Child,
    began: Instant,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Trader {
    fn start(speed: &str) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart");
        let mut command = Command::new(env!("CARGO_BIN_EXE_sapphire-trader"));
        command
            .args(["run", "--speed", speed, "--listen", &address.to_string(), "-f"])
            .arg(manifests)
            .arg("--db")
            .arg(folder.path().join("journal.db"))
            // What the caller's environment says of limits and backends is not measured.
            .env_clear()
            .env("SAPPHIRE_API_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let began = Instant::now();
        let process = command.spawn()?;
        Ok(Self { process, began, address, _folder: folder })
    }

    fn until_ready(&self) -> Result<Duration, Failure> {
        while self.began.elapsed() < PATIENCE {
            if self.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(self.began.elapsed());
            }
            sleep(ASK_EVERY);
        }
        Err("the trader was not ready within a minute".into())
    }

    fn until_finished(&self) -> Result<(), Failure> {
        while self.began.elapsed() < PATIENCE {
            let answer = self.get("/api/system-status").unwrap_or_default();
            if answer.contains("\"phase\":\"Finished\"") {
                return Ok(());
            }
            sleep(100 * ASK_EVERY);
        }
        Err("the trader did not finish its data within a minute".into())
    }

    /// The answer to a request; nothing while nobody listens.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// A figure of its memory, in bytes.
    fn memory(&self, name: &str) -> Result<f64, Failure> {
        let kib = field(&format!("/proc/{}/status", self.process.id()), name)?;
        Ok(f64::from(u32::try_from(kib)?) * 1024.0)
    }

    /// Asks it to leave, and waits for that.
    fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Trader {
    fn drop(&mut self) {
        // Where a measurement failed it still runs; where it has left, this does nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
