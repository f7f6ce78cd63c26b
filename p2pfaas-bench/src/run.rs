//! Runs an experiment on an embedded cluster: for each policy and seed a fresh cluster, the same
//! arrivals, and a summary of what came of them. Agents that learn are trained first, by jobs of their
//! own that are not counted.

use std::sync::Arc;

use p2pfaas_core::policy::Registry;
use p2pfaas_learner::checkpoint::CheckpointError;
use p2pfaas_sim::arrivals::TraceError;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::client::function_uri;
use crate::cost::cores;
use crate::curve::Curve;
use crate::embedded::{Cluster, node_id};
use crate::experiment::{Experiment, PolicySpec};
use crate::job::JobRecord;
use crate::kept::{Kept, Ran};
use crate::load::{Session, Targets, drive};
use crate::payload::{self, PayloadError};
use crate::progress::{Live, Progress};
use crate::report::Report;
use crate::results::{Folder, JobsFile, JobsFileError, Row, WriteError};
use crate::series::{PolicySeries, RunSeries, Seen};
use crate::stage::Stage;
use crate::summary::{PolicyRuns, RunMeasured, Summary};
use crate::tally::{Counted, Tally};

/// Records on their way to the file; jobs wait with delivering theirs when it is full.
const RECORDS: usize = 4_096;

/// How to run it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Every node writes its event log into the results folder.
    pub event_logs: bool,
}

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
    /// A trace cannot be read any more.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// An agent cannot be kept.
    #[error("cannot keep an agent: {0}")]
    Agent(#[from] CheckpointError),
}

/// Runs all policies and seeds and leaves the results in a folder.
///
/// # Errors
/// Something could not be started or written. What had been measured by then is kept.
pub fn run(
    experiment: &Experiment,
    registry: Registry,
    folder: &Folder,
    options: Options,
    cancel: &CancellationToken,
    progress: &Progress,
) -> Result<Summary, RunError> {
    let mut bench = Bench::new(experiment, registry, folder, cancel, progress)?;
    if options.event_logs {
        folder.create_event_logs()?;
        bench.event_logs = true;
    }
    let mut policies = Vec::new();
    let ended = bench.policies(&mut policies);
    progress.finish();
    let interrupted = cancel.is_cancelled() || ended.is_err();
    let summary = Summary::of(experiment, "local", Some(cores()), interrupted, &policies);
    // All are tried: whichever can be kept, is.
    let count = experiment.policies.len() * experiment.seeds.len();
    let jobs = bench.kept.join(folder, &experiment.name, count);
    let written = folder.write_summary(&summary);
    let learning = folder.write_learning(&bench.curves, &summary);
    let report = Report { experiment, summary: &summary, runs: &policies, series: &bench.series };
    let reported = report.write(folder);
    ended?;
    jobs?;
    written?;
    learning?;
    reported?;
    bench.kept.tidy(count)?;
    Ok(summary)
}

struct Bench<'a> {
    experiment: &'a Experiment,
    registry: Arc<Registry>,
    cancel: &'a CancellationToken,
    progress: &'a Progress,
    payloads: Vec<Vec<bytes::Bytes>>,
    folder: &'a Folder,
    kept: Kept,
    curves: Vec<Curve>,
    /// One a policy.
    series: Vec<PolicySeries>,
    event_logs: bool,
    nodes: Runtime,
    clients: Runtime,
    runs: usize,
}

impl<'a> Bench<'a> {
    fn new(
        experiment: &'a Experiment,
        registry: Registry,
        folder: &'a Folder,
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
            folder,
            kept: Kept::of(folder)?,
            curves: Vec::new(),
            series: Vec::new(),
            event_logs: false,
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

    fn policies(&mut self, policies: &mut Vec<PolicyRuns>) -> Result<(), RunError> {
        for policy in &self.experiment.policies {
            let mut runs = PolicyRuns::default();
            self.series.push(PolicySeries::default());
            let ended = self.seeds(policy, &mut runs);
            policies.push(runs);
            ended?;
        }
        Ok(())
    }

    fn seeds(&mut self, policy: &PolicySpec, runs: &mut PolicyRuns) -> Result<(), RunError> {
        for (place, seed) in self.experiment.seeds.iter().enumerate() {
            if self.cancel.is_cancelled() {
                break;
            }
            let run = self.runs;
            self.runs += 1;
            let ran = match self.kept.get(run) {
                Some(ran) => ran,
                None => {
                    let ran = self.once(run, policy, *seed)?;
                    if !ran.measured.interrupted {
                        self.kept.keep(run, &ran)?;
                    }
                    ran
                }
            };
            self.curves.extend(ran.curve);
            if let (Some(all), Some(series)) = (self.series.last_mut(), ran.series) {
                all.add(place, series);
            }
            runs.add(place, ran.measured);
        }
        Ok(())
    }

    /// One policy under one seed, on a cluster of its own.
    fn once(&self, run: usize, policy: &PolicySpec, seed: u64) -> Result<Ran, RunError> {
        let live = Arc::new(Live::default());
        let progress = self.progress.run(run, policy, seed, Arc::clone(&live));
        let event_logs = self.event_logs.then_some(self.folder);
        let start = Cluster::start(self.experiment, policy, seed, &self.registry, event_logs);
        let cluster = self.nodes.block_on(start)?;
        let targets = self.targets(&cluster)?;
        let mut stage = Stage::new(progress, &cluster, self.experiment.warmup_s);
        let mut curve = policy.learns().then(|| Curve::new(&policy.label, seed));

        let mut jobs = JobsFile::create(&self.kept.draft(run), &self.experiment.name)?;
        let (sender, records) = mpsc::channel(RECORDS);
        let stop = self.cancel.child_token();
        let mut series = RunSeries::new(self.experiment, policy);
        let (into_jobs, label) = (&mut jobs, policy.label.as_str().into());
        let tally = Tally::new(self.experiment.measured_s());
        let counts = Counting { tally, series: &mut series, curve: &mut curve };
        let mut failure = None;
        let (tally, ended_s) = std::thread::scope(|scope| {
            let stop_on_error = stop.clone();
            let collector = scope.spawn(move || {
                let collected = collect(records, counts, into_jobs, label, seed, &live);
                if collected.is_err() {
                    stop_on_error.cancel();
                }
                collected
            });
            let clients = self.clients.handle();
            let traffic = |session, stage: &mut Stage<'_>| {
                let (targets, sender) = (targets.clone(), sender.clone());
                drive(self.experiment, session, targets, clients, &stop, sender, stage)
            };
            let train_s = policy.train_s();
            if train_s > 0.0 {
                stage.training = true;
                if let Err(error) = traffic(Session::training(self.experiment, seed, train_s), &mut stage) {
                    failure = Some(error);
                    stop.cancel();
                }
                stage.training = false;
            }
            cluster.end_training(policy);
            let mut ended_s = 0.0;
            if !stop.is_cancelled() {
                match traffic(Session::run(self.experiment, seed), &mut stage) {
                    Ok(second) => ended_s = second,
                    Err(error) => failure = Some(error),
                }
            }
            // The collector ends when nobody can send any more.
            drop(sender);
            (collector.join(), ended_s)
        });
        let (cost, fallbacks) = (Some(stage.cost()), stage.fallbacks());
        stage.progress.done();
        if let Some(curve) = &mut curve {
            stage.tell(curve);
        }
        let learning = cluster.learned(policy);
        let kept = self.keep(&cluster, policy, seed);
        self.nodes.block_on(cluster.shutdown());
        // Also on failure: the jobs until then are there.
        let closed = jobs.finish();
        let tally = tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        closed?;
        kept?;
        failure.map_or(Ok(()), Err)?;
        let measured_s = (ended_s - self.experiment.warmup_s).max(0.0);
        let interrupted = stop.is_cancelled();
        let measured = RunMeasured { seed, tally, measured_s, interrupted, fallbacks, cost, learning };
        Ok(Ran { measured, curve, series: Some(series) })
    }

    /// Keeps what the agents have learned.
    fn keep(&self, cluster: &Cluster, policy: &PolicySpec, seed: u64) -> Result<(), CheckpointError> {
        if !policy.learns() {
            return Ok(());
        }
        for (node, agent) in cluster.agents() {
            agent.checkpoint().save(&self.folder.agent(&policy.file_name, seed, node))?;
        }
        Ok(())
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

/// What is counted of a run while it goes on.
struct Counting<'a> {
    tally: Tally,
    series: &'a mut RunSeries,
    curve: &'a mut Option<Curve>,
}

impl Counting<'_> {
    fn add(&mut self, job: &JobRecord) {
        self.tally.add_record(job);
        self.series.add(&Seen::from(job));
        if let Some(curve) = &mut self.curve {
            curve.add(&Counted::from(job), job.report.reward);
        }
    }
}

/// Takes the records of a run as they come.
fn collect(
    mut records: mpsc::Receiver<JobRecord>,
    mut counts: Counting<'_>,
    jobs: &mut JobsFile,
    policy: Arc<str>,
    seed: u64,
    live: &Live,
) -> Result<Tally, JobsFileError> {
    while let Some(job) = records.blocking_recv() {
        counts.add(&job);
        live.add(&job);
        jobs.push(Row { policy: Arc::clone(&policy), seed, job })?;
    }
    Ok(counts.tally)
}
