//! The readers of files that users bring, on any bytes. Only there for `cargo fuzz`, and for a test that gives them what
//! was kept of it; see `fuzz/`.

#[cfg(test)]
mod tests;

use std::path::Path;

use p2pfaas_core::policy::Registry;

use crate::experiment::{Experiment, Known, Place};
use crate::trace_info::{Asked, look};
use crate::{recorded, traces};

/// An experiment, for every place where it may run. Whatever else it names is not there.
pub fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let path = Path::new("/nowhere/experiment.toml");
    let _ = Experiment::varied(path, text);
    for place in [Place::Local, Place::Fleet(2), Place::Sim, Place::SimMeasured, Place::SimRecorded] {
        let _ = Experiment::parse(path, text.into(), place, &known);
    }
}

/// A trace, in whatever format it says that it is, and records of choices. A database is SQLite's business.
pub fn trace(bytes: &[u8]) {
    if bytes.starts_with(b"SQLite format 3") {
        return;
    }
    let path = std::env::temp_dir().join(format!("p2pfaas-fuzz-{}.csv", std::process::id()));
    if std::fs::write(&path, bytes).is_ok() {
        for skip_bad in [false, true] {
            let _ = look(&path, &Asked { skip_bad, ..Asked::default() }, &mut |_| {});
        }
        let _ = recorded::TraceFile::check(&path, 4, 4, true);
        let _ = traces::load(std::slice::from_ref(&path), None);
    }
    let _ = std::fs::remove_file(&path);
}
