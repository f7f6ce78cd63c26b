//! Runs an experiment on an embedded cluster: for each policy and seed a fresh cluster, the same
//! arrivals, and a summary of what came of them.

use std::path::Path;
use std::sync::Arc;

use p2pfaas_core::policy::Registry;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::function_uri;
use crate::cost::{Meter, cores};
use crate::embedded::{Cluster, node_id};
use crate::experiment::{Experiment, PolicySpec};
use crate::job::JobRecord;
use crate::load::{Targets, Watch, drive};
use crate::payload::{self, PayloadError};
use crate::progress::{Live, Progress, RunProgress};
use crate::results::{Folder, JobsFile, JobsFileError, Row, WriteError};
use crate::summary::{CostSummary, PolicySummary, RunMeasured, Summary};
use crate::tally::Tally;
use crate::warnings;

/// Records on their way to the file; jobs wait with delivering theirs when it is full.
const RECORDS: usize = 4_096;

/// A run that ended early. What was measured until then is in the results folder.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The threads cannot be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] std::io::Error),
    /// A payload cannot be had.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A node cannot start.
    #[error("cannot start the cluster: {0}")]
    Start(#[from] p2pfaas_node::StartError),
    /// A function's name cannot stand in an address.
    #[error("cannot address a function: {0}")]
    Address(#[from] http::Error),
    /// The results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The jobs cannot be written.
    #[error(transparent)]
    Jobs(#[from] JobsFileError),
}

/// Runs all policies and seeds and leaves the results in a folder.
///
/// # Errors
/// Something could not be started or written. What had been measured by then is kept.
pub fn run(
    experiment: &Experiment,
    registry: Registry,
    folder: &Folder,
    cancel: &CancellationToken,
    progress: &Progress,
) -> Result<Summary, RunError> {
    let mut bench = Bench::new(experiment, registry, &folder.jobs(), cancel, progress)?;
    let mut policies = Vec::new();
    let mut told = Vec::new();
    let ended = bench.policies(&mut policies, &mut told);
    progress.finish();
    let summary = Summary {
        experiment: experiment.name.clone(),
        on: "local",
        seeds: experiment.seeds.clone(),
        interrupted: cancel.is_cancelled() || ended.is_err(),
        cores: cores(),
        version: env!("CARGO_PKG_VERSION"),
        warnings: told,
        policies,
    };
    // All three are tried: whichever can be kept, is.
    let jobs = bench.jobs.finish();
    let written = folder.write_summary(&summary);
    ended?;
    jobs?;
    written?;
    Ok(summary)
}

struct Bench<'a> {
    experiment: &'a Experiment,
    registry: Arc<Registry>,
    cancel: &'a CancellationToken,
    progress: &'a Progress,
    payloads: Vec<Vec<bytes::Bytes>>,
    jobs: JobsFile,
    nodes: Runtime,
    clients: Runtime,
    runs: usize,
}

impl<'a> Bench<'a> {
    fn new(
        experiment: &'a Experiment,
        registry: Registry,
        jobs: &Path,
        cancel: &'a CancellationToken,
        progress: &'a Progress,
    ) -> Result<Self, RunError> {
        let payloads = experiment.jobs.iter().map(|job| payload::load(&job.payload));
        Ok(Bench {
            experiment,
            registry: Arc::new(registry),
            cancel,
            progress,
            payloads: payloads.collect::<Result<_, _>>()?,
            jobs: JobsFile::create(jobs, &experiment.name)?,
            nodes: Builder::new_multi_thread().thread_name("node").enable_all().build()?,
            // Apart from the nodes', so that a busy node does not make the generator late.
            clients: Builder::new_multi_thread()
                .thread_name("client")
                .worker_threads(1)
                .enable_all()
                .build()?,
            runs: 0,
        })
    }

    fn policies(
        &mut self,
        policies: &mut Vec<PolicySummary>,
        told: &mut Vec<String>,
    ) -> Result<(), RunError> {
        for policy in &self.experiment.policies {
            let mut runs = Vec::new();
            let ended = self.seeds(policy, &mut runs);
            let name = policy.descriptor.to_string();
            if let Some(summary) = PolicySummary::of(&policy.label, &name, &runs) {
                let failure = runs.iter().find_map(|run| run.tally.first_failure.as_deref());
                told.extend(warnings::about(self.experiment, &summary, cores(), failure));
                policies.push(summary);
            }
            ended?;
        }
        Ok(())
    }

    fn seeds(&mut self, policy: &PolicySpec, runs: &mut Vec<RunMeasured>) -> Result<(), RunError> {
        for seed in &self.experiment.seeds {
            if self.cancel.is_cancelled() {
                break;
            }
            runs.push(self.once(policy, *seed)?);
        }
        Ok(())
    }

    /// One policy under one seed, on a cluster of its own.
    fn once(&mut self, policy: &PolicySpec, seed: u64) -> Result<RunMeasured, RunError> {
        let live = Arc::new(Live::default());
        let progress = self.progress.run(self.runs, &policy.label, seed, Arc::clone(&live));
        self.runs += 1;
        let start = Cluster::start(self.experiment, &policy.descriptor, seed, &self.registry);
        let cluster = self.nodes.block_on(start)?;
        let targets = self.targets(&cluster)?;
        let mut stage =
            Stage { progress, cluster: &cluster, warmup_s: self.experiment.warmup_s, counted: None };

        let (sender, records) = mpsc::channel(RECORDS);
        let stop = self.cancel.child_token();
        let (jobs, label) = (&mut self.jobs, policy.label.as_str().into());
        let (tally, took_place_s) = std::thread::scope(|scope| {
            let stop_on_error = stop.clone();
            let collector = scope.spawn(move || {
                let collected = collect(records, jobs, label, seed, &live);
                if collected.is_err() {
                    stop_on_error.cancel();
                }
                collected
            });
            let clients = self.clients.handle();
            let took_place_s = drive(self.experiment, seed, targets, clients, &stop, sender, &mut stage);
            (collector.join(), took_place_s)
        });
        let cost = stage.cost();
        stage.progress.done();
        self.nodes.block_on(cluster.shutdown());
        let tally = tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let measured_s = (took_place_s - self.experiment.warmup_s).max(0.0);
        Ok(RunMeasured { seed, tally, measured_s, cost })
    }

    fn targets(&self, cluster: &Cluster) -> Result<Targets, http::Error> {
        let jobs = &self.experiment.jobs;
        let functions = |address| jobs.iter().map(|job| function_uri(address, &job.function)).collect();
        Ok(Targets {
            node_ids: (0..self.experiment.nodes.len()).map(node_id).collect(),
            functions: cluster.addresses().map(functions).collect::<Result<_, _>>()?,
            payloads: self.payloads.clone(),
        })
    }
}

/// Takes the records of a run as they come.
fn collect(
    mut records: mpsc::Receiver<JobRecord>,
    jobs: &mut JobsFile,
    policy: Arc<str>,
    seed: u64,
    live: &Live,
) -> Result<Tally, JobsFileError> {
    let mut tally = Tally::default();
    while let Some(job) = records.blocking_recv() {
        tally.add(&job);
        live.add(&job);
        jobs.push(Row { policy: Arc::clone(&policy), seed, job })?;
    }
    jobs.flush()?;
    Ok(tally)
}

/// Begins to count the cost when the warm-up is over.
struct Stage<'a> {
    progress: RunProgress<'a>,
    cluster: &'a Cluster,
    warmup_s: f64,
    counted: Option<(Meter, CostSummary)>,
}

impl Stage<'_> {
    fn counts(&self) -> CostSummary {
        let devices = self.cluster.counts();
        CostSummary {
            executions: devices.executions(),
            overruns: devices.overruns(),
            fallbacks: self.cluster.fallbacks(),
            ..CostSummary::default()
        }
    }

    fn cost(&self) -> CostSummary {
        let Some((meter, before)) = &self.counted else { return CostSummary::default() };
        let (spent, now) = (meter.read(), self.counts());
        CostSummary {
            cpu_s: spent.cpu_s,
            machine_busy: spent.busy,
            executions: now.executions - before.executions,
            overruns: now.overruns - before.overruns,
            fallbacks: now.fallbacks - before.fallbacks,
        }
    }
}

impl Watch for Stage<'_> {
    fn at(&mut self, second: f64) {
        if self.counted.is_none() && second >= self.warmup_s {
            self.counted = Some((Meter::start(), self.counts()));
        }
        self.progress.at(second);
    }
}
