//! Of which program, and on which machine, results are.

use std::fs;

use serde::Serialize;

use crate::cost::cores;

/// The program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built of; `-dirty` behind it tells of changes since.
pub const COMMIT: &str = env!("P2PFAAS_COMMIT");

/// What stands in the table `[provenance]` of the experiment in a results folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provenance {
    /// The program's version.
    version: &'static str,
    /// The commit that it was built of.
    commit: &'static str,
    /// Where it ran, and with which options.
    command: String,
    /// The operating system.
    os: &'static str,
    /// The processor's kind and, where it tells it, its name.
    cpu: String,
    /// Cores that the program may use.
    cores: usize,
    /// Memory of the machine in MiB; 0 where it is not known.
    memory_mib: u64,
}

impl Provenance {
    /// Of this program on this machine; `command` tells where the experiment runs and with which options.
    pub fn here(command: String) -> Self {
        let arch = std::env::consts::ARCH;
        let cpu = line_of("/proc/cpuinfo", "model name");
        let memory = line_of("/proc/meminfo", "MemTotal");
        let kib = memory.and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
        Provenance {
            version: VERSION,
            commit: COMMIT,
            command,
            os: std::env::consts::OS,
            cpu: cpu.map_or_else(|| arch.into(), |name| format!("{arch}, {name}")),
            cores: cores(),
            memory_mib: kib.unwrap_or_default() / 1024,
        }
    }
}

/// What stands behind a name and a colon in one of the kernel's files.
fn line_of(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    value.map(|value| value.trim().to_string())
}
