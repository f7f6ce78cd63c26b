//! What tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::{Arrival, Schedule};
use p2pfaas_sim::streams::{Purpose, generator, text_owner};
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::experiment::{Experiment, Known, Place, PolicySpec, Problems};
use crate::job::{JobRecord, NodeReport, Outcome, Phase};
use crate::series::Seen;
use crate::simulate::{Ended, Engine, EngineError, Watcher};
use crate::summary::{CostSummary, PolicyRuns, PolicySummary, RunMeasured, Summary};
use crate::tally::Tally;

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

/// The folder of the experiments that ship with the product.
pub fn experiments_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments")
}

/// All experiment files in it.
pub fn shipped_experiments() -> Vec<PathBuf> {
    fn within(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                within(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "toml")
                // A list of policies.
                && !path.ends_with("suite/policies.toml")
            {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    within(&experiments_folder(), &mut files);
    assert!(files.len() >= 8, "{files:?}");
    files
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
        generator: None,
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
        references: Vec::new(),
        comparisons: Vec::new(),
        not_significant: Vec::new(),
        beside: None,
    }
}

/// An experiment file for sweeps in virtual time: two policies, two seeds.
pub fn sweep_file() -> &'static str {
    "[cluster]\nnodes = 2\nslots = 1\n[traffic]\nkind = \"poisson\"\nrate = 2.0\n[[jobs]]\nfunction = \"echo\"\n\
     service = { kind = \"exponential\", mean_s = 0.3 }\ndeadline_s = 0.5\n[[policy]]\nlabel = \"none\"\n\
     name = \"NoScheduler\"\n[[policy]]\nlabel = \"pow\"\nname = \"PowerOfNScheduler\"\nthreshold = 1\n\
     [run]\nwarmup_s = 1\nduration_s = 20\nseeds = [1, 2]\n"
}

/// Stands for the simulator: what becomes of a job depends on experiment, policy, seed and job alone.
#[derive(Debug, Default)]
pub struct Pretended {
    /// Runs that were begun.
    pub begun: AtomicUsize,
    /// Cancels this when so many were begun.
    pub cancel_after: Option<(usize, CancellationToken)>,
}

impl Engine for Pretended {
    fn run(
        &self,
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        watcher: &mut Watcher<'_>,
    ) -> Result<Ended, EngineError> {
        let begun = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let slots = f64::from(experiment.nodes[0].slots);
        let mut draws = generator(seed, Purpose::Demand, text_owner(&policy.label));
        let mut second = 0.0;
        for arrival in Schedule::new(&experiment.traffic, seed, experiment.horizon_s()) {
            if let Some((runs, cancel)) = &self.cancel_after
                && begun == *runs
                && arrival.at_s > experiment.horizon_s() / 2.0
            {
                cancel.cancel();
            }
            if arrival.at_s > second + 0.5 {
                second = arrival.at_s;
                if !watcher.at(second, None) {
                    return Ok(Ended { ended_s: second, ..Ended::default() });
                }
            }
            let takes_s = draws.random::<f64>() / slots;
            let outcome = if takes_s > 0.8 { Outcome::Dropped } else { Outcome::Served };
            let mut job = record(arrival.number, arrival.at_s, outcome, Some(arrival.at_s + takes_s));
            job.arrival = arrival;
            job.sent_s = None;
            job.deadline_s = experiment.jobs[usize::from(arrival.task_type)].deadline_s;
            job.phase = experiment.phase(arrival.at_s);
            watcher.finished(&Seen::from(&job), || job.clone());
        }
        Ok(Ended { ended_s: experiment.horizon_s(), fallbacks: 3, ..Ended::default() })
    }
}
