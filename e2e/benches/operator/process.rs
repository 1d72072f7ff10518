//! What the kernel says of a process and of the machine.

use std::fs;
use std::time::Duration;

use crate::Failure;

/// Clock ticks a second, as Linux counts CPU time for user space on every architecture.
const TICKS: f64 = 100.0;

/// Resident memory of a process, in KiB.
pub(crate) fn resident(pid: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().next());
    Ok(words.ok_or("the kernel does not tell the process's memory")?.parse()?)
}

/// CPU time that a process has used.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold blanks.
    let rest = stat.rsplit_once(')').ok_or("the kernel does not tell the process's CPU time")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // utime and stime: fields 14 and 15 of proc_pid_stat(5), of which two stand before the parenthesis.
    let ticks: f64 = match (fields.get(11), fields.get(12)) {
        (Some(user), Some(system)) => user.parse::<f64>()? + system.parse::<f64>()?,
        _ => return Err("the kernel does not tell the process's CPU time".into()),
    };
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

/// The machine's load average of the last minute.
pub(crate) fn load() -> Result<String, Failure> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or("?").to_owned())
}

/// The processor, its cores and the memory.
pub(crate) fn machine() -> Result<String, Failure> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let named =
        |line: &str| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned());
    let name = processors.lines().find_map(named).unwrap_or_else(|| "unknown processor".into());
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let total = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    Ok(format!("{name}, {cores} cores, {} GiB", total.unwrap_or(0) >> 20))
}
