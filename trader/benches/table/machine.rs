//! Where it was measured. Nothing of it names the machine.

use std::fs;

use crate::Failure;

/// A machine, as far as it matters.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The processor's name.
    pub(crate) processor: String,
    /// Processors.
    pub(crate) cores: usize,
    /// Memory, in KiB.
    pub(crate) memory_kib: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Result<Self, Failure> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let processor = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown processor", |(_, name)| name.trim());
        Ok(Self {
            processor: processor.to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory_kib: field("/proc/meminfo", "MemTotal:")?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

/// The one-minute load average.
pub(crate) fn load() -> Result<String, Failure> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or("unknown").to_owned())
}

/// The most memory of this process that was ever resident, in KiB.
pub(crate) fn peak_kib() -> Result<u64, Failure> {
    field("/proc/self/status", "VmHWM:")
}

/// A figure in KiB of a file of `/proc`.
pub(crate) fn field(path: &str, name: &str) -> Result<u64, Failure> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.ok_or_else(|| format!("{path} has no {name}"))?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
