//! What tests share.

use std::path::Path;

use p2pfaas_core::policy::Registry;

use crate::experiment::{Experiment, Known, Problems};
use crate::job::{JobRecord, NodeReport, Outcome};
use crate::schedule::Arrival;

/// Functions that the tests' experiments may call.
pub const FUNCTIONS: [&str; 4] = ["burn", "echo", "pigo", "sleep"];

/// Parses the text of an experiment file.
pub fn parse(text: &str) -> Result<Experiment, Problems> {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &FUNCTIONS };
    Experiment::parse(Path::new("test.toml"), text.into(), &known)
}

/// Parses the text of an experiment file that is right.
pub fn experiment(text: &str) -> Experiment {
    parse(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A job of node 0 that was due at a moment and answered at another.
pub fn record(number: u64, at_s: f64, outcome: Outcome, answered_s: Option<f64>) -> JobRecord {
    JobRecord {
        arrival: Arrival { number, at_s, node: 0, task_type: 0, payload: 0 },
        warmup: false,
        deadline_s: None,
        sent_s: Some(at_s),
        answered_s,
        outcome,
        status: None,
        code: None,
        error: None,
        executed_by: None,
        report: NodeReport::default(),
    }
}
