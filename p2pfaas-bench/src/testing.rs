//! What tests share.

use std::path::Path;

use p2pfaas_core::policy::Registry;

use crate::experiment::{Experiment, Known, Place, Problems};
use crate::job::{JobRecord, NodeReport, Outcome, Phase};
use crate::summary::{CostSummary, PolicyRuns, PolicySummary, RunMeasured, Summary};
use crate::tally::Tally;
use p2pfaas_sim::arrivals::Arrival;

/// Parses the text of an experiment file for an embedded cluster.
pub fn parse(text: &str) -> Result<Experiment, Problems> {
    parse_on(Place::Local, text)
}

/// Parses the text of an experiment file.
pub fn parse_on(place: Place, text: &str) -> Result<Experiment, Problems> {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    Experiment::parse(Path::new("test.toml"), text.into(), place, &known)
}

/// Parses the text of an experiment file that is right.
pub fn experiment(text: &str) -> Experiment {
    parse(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A job of node 0 that was due at a moment and answered at another.
pub fn record(number: u64, at_s: f64, outcome: Outcome, answered_s: Option<f64>) -> JobRecord {
    JobRecord {
        arrival: Arrival { number, at_s, node: 0, task_type: 0, payload: 0, service_s: None },
        phase: Phase::Measured,
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

/// Ten jobs a second apart, deadline 0.5 s: 6 served (of which 4 in time), 2 dropped, 1 rejected, 1 failed.
pub fn run(seed: u64, latency_s: f64) -> RunMeasured {
    let mut tally = Tally::new(0.0..10.0);
    for number in 0..10 {
        let at_s = number as f64;
        let (outcome, latency_s) = match number {
            0..4 => (Outcome::Served, latency_s),
            4 | 5 => (Outcome::Served, 0.75),
            6 | 7 => (Outcome::Dropped, 0.01),
            8 => (Outcome::Rejected, 0.01),
            _ => (Outcome::Failed, 0.01),
        };
        let mut job = record(number, at_s, outcome, Some(at_s + latency_s));
        job.deadline_s = Some(0.5);
        job.sent_s = Some(at_s + if number == 3 { 0.02 } else { 0.0 });
        job.report.forwarded = number < 3;
        job.report.probes = u32::from(number < 5);
        tally.add_record(&job);
    }
    let mut early = record(99, 0.0, Outcome::Failed, None);
    early.phase = Phase::Warmup;
    tally.add_record(&early);
    let cost = CostSummary { cpu_s: 1.5, machine_busy: 0.5, executions: 6, overruns: 1 };
    RunMeasured {
        seed,
        tally,
        measured_s: 10.0,
        interrupted: false,
        fallbacks: 0,
        cost: Some(cost),
        learning: None,
    }
}

/// Such runs, in this order.
pub fn runs(measured: impl IntoIterator<Item = RunMeasured>) -> PolicyRuns {
    let mut runs = PolicyRuns::default();
    measured.into_iter().enumerate().for_each(|(place, run)| runs.add(place, run));
    runs
}

/// A summary of such a run.
pub fn summary() -> Summary {
    Summary {
        experiment: "test".into(),
        on: "local",
        seeds: vec![1],
        interrupted: false,
        cores: Some(2),
        version: "0",
        warnings: vec!["beware".into()],
        policies: PolicySummary::of("a", "A(1)", &runs([run(1, 0.25)])).into_iter().collect(),
    }
}
