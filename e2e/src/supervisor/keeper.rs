//! The supervisor's own side: one thread that starts, signals and buries.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal as Number, kill_process_group};

use super::protocol::{Answer, Order, Program, Signal};

/// Makes this executable run another one that does not outlive its parent.
const LEASHED: &str = "--leashed";

/// The supervisor's whole life. Its argument is the folder that it works in and removes at the end.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprintln!("usage: {} FOLDER (tests start it; it reads orders)", super::PROGRAM);
        return ExitCode::from(2);
    };
    if first == LEASHED {
        let error = run_leashed(arguments.collect());
        eprintln!("cannot run: {error}");
        return ExitCode::FAILURE;
    }
    let folder = PathBuf::from(first);
    let _living = match super::lock_folder(&folder) {
        Ok(lock) => lock,
        Err(error) => {
            eprintln!("{}: cannot lock {}: {error}", super::PROGRAM, folder.display());
            return ExitCode::FAILURE;
        }
    };
    let mut keeper = Keeper { folder: folder.clone(), children: BTreeMap::new() };
    let outcome = keeper.obey();
    keeper.bury_all();
    let removed = fs::remove_dir_all(&folder);
    match outcome.and(removed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", super::PROGRAM);
            ExitCode::FAILURE
        }
    }
}

/// Binds this process's life to its parent's, then becomes the program. It returns only on failure.
fn run_leashed(arguments: Vec<std::ffi::OsString>) -> io::Error {
    let [parent, program, rest @ ..] = arguments.as_slice() else {
        return io::Error::other("a parent and a program are needed");
    };
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(Number::KILL)) {
        return error.into();
    }
    // The parent may have died before the line above.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    if parent.to_str() != now.as_deref() {
        return io::Error::other("the parent is gone");
    }
    Command::new(program).args(rest).exec()
}

struct Keeper {
    folder: PathBuf,
    children: BTreeMap<String, Child>,
}

impl Keeper {
    fn obey(&mut self) -> io::Result<()> {
        for line in io::stdin().lock().lines() {
            let answer = match serde_json::from_str(&line?) {
                Ok(order) => self.answer(order),
                Err(error) => Answer::Refused { message: format!("not an order: {error}") },
            };
            let mut text = serde_json::to_string(&answer)?;
            text.push('\n');
            let mut out = io::stdout().lock();
            // Nobody reads any more: the test is gone.
            if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn answer(&mut self, order: Order) -> Answer {
        let done = match order {
            Order::Start(program) => self.start(&program).map(|pid| Answer::Running { pid }),
            Order::Signal { name, signal } => self.signal(&name, signal).map(|()| Answer::Done),
            Order::Stop { name, patience } => self
                .stop(&name, Duration::from_millis(patience))
                .map(|status| Answer::Ended { how: status.to_string() }),
            Order::Look { name } => self.look(&name),
        };
        done.unwrap_or_else(|error| Answer::Refused { message: error.to_string() })
    }

    fn start(&mut self, program: &Program) -> io::Result<u32> {
        if let Ok(Answer::Running { .. }) = self.look(&program.name) {
            return Err(io::Error::other(format!("{} runs already", program.name)));
        }
        let log = log_file(&self.folder, &program.name)?;
        let child = Command::new(std::env::current_exe()?)
            .arg(LEASHED)
            .arg(std::process::id().to_string())
            .arg(&program.path)
            .args(&program.arguments)
            .envs(&program.environment)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let pid = child.id();
        self.children.insert(program.name.clone(), child);
        Ok(pid)
    }

    fn child(&mut self, name: &str) -> io::Result<&mut Child> {
        self.children
            .get_mut(name)
            .ok_or_else(|| io::Error::other(format!("no {name} was started")))
    }

    fn look(&mut self, name: &str) -> io::Result<Answer> {
        let child = self.child(name)?;
        Ok(match child.try_wait()? {
            None => Answer::Running { pid: child.id() },
            Some(status) => Answer::Ended { how: status.to_string() },
        })
    }

    fn signal(&mut self, name: &str, signal: Signal) -> io::Result<()> {
        let child = self.child(name)?;
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("{name} has ended ({status})")));
        }
        let number = match signal {
            Signal::Terminate => Number::TERM,
            Signal::Kill => Number::KILL,
            Signal::Pause => Number::STOP,
            Signal::Continue => Number::CONT,
        };
        send(child, number)
    }

    fn stop(&mut self, name: &str, patience: Duration) -> io::Result<ExitStatus> {
        let child = self.child(name)?;
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        send(child, Number::TERM)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(10));
        }
        send(child, Number::KILL)?;
        child.wait()
    }

    /// Nothing of what runs here is worth a farewell: its folder goes with it.
    fn bury_all(&mut self) {
        for child in self.children.values_mut() {
            if matches!(child.try_wait(), Ok(None)) && send(child, Number::KILL).is_ok() {
                let _ = child.wait();
            }
        }
    }
}

fn send(child: &Child, number: Number) -> io::Result<()> {
    let raw = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = raw.ok_or_else(|| io::Error::other("no such process"))?;
    Ok(kill_process_group(pid, number)?)
}

/// A program that starts again goes on in its log.
fn log_file(folder: &Path, name: &str) -> io::Result<File> {
    let logs = folder.join("logs");
    fs::create_dir_all(&logs)?;
    File::options().create(true).append(true).open(logs.join(format!("{name}.log")))
}
