//! Runs an experiment on real nodes: for each policy and seed the same arrivals, and a summary of what
//! came of them. Agents that learn are trained first, by jobs of their own that are not counted. Where
//! the nodes are is a [`Site`]'s business.

use std::sync::Arc;

use p2pfaas_core::policy::Registry;
use p2pfaas_learner::checkpoint::CheckpointError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::curve::Curve;
use crate::experiment::{Experiment, PolicySpec};
use crate::fleet::NotRestored;
use crate::job::JobRecord;
use crate::kept::{Kept, Ran};
use crate::load::{Driven, LoadError, Session, Targets, Usage, drive, function_uri};
use crate::local::Local;
use crate::payload::{self, PayloadError};
use crate::progress::{Live, Progress};
use crate::report::Report;
use crate::results::{Folder, JobsFile, JobsFileError, Row, WriteError};
use crate::series::{PolicySeries, RunSeries, Seen};
use crate::site::{Nodes, Site, SiteError};
use crate::stage::{Counted, Stage};
use crate::summary::{PolicyRuns, RunMeasured, Summary};
use crate::tally::{self, Tally};

/// Batches of records on their way to the file; more wait in the load generator.
const BATCHES: usize = 256;

/// How to run it on embedded nodes.
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
    /// Nodes cannot be had.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// A function's name cannot stand in an address.
    #[error("cannot address a function: {0}")]
    Address(#[from] http::Error),
    /// The results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The jobs cannot be written.
    #[error(transparent)]
    Jobs(#[from] JobsFileError),
    /// Nodes elsewhere were left changed.
    #[error(transparent)]
    NotRestored(#[from] NotRestored),
    /// Jobs cannot be sent any more.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An agent cannot be kept.
    #[error("cannot keep an agent: {0}")]
    Agent(#[from] CheckpointError),
}

/// Runs all policies and seeds on embedded clusters and leaves the results in a folder.
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
    if options.event_logs {
        folder.create_event_logs()?;
    }
    let site = Local::new(experiment, registry, options.event_logs.then_some(folder))?;
    run_on(&site, experiment, folder, cancel, progress)
}

/// The same on other nodes.
///
/// # Errors
/// As [`run`].
pub fn run_on(
    site: &dyn Site,
    experiment: &Experiment,
    folder: &Folder,
    cancel: &CancellationToken,
    progress: &Progress,
) -> Result<Summary, RunError> {
    let mut bench = Bench::new(site, experiment, folder, cancel, progress)?;
    let mut policies = Vec::new();
    let ended = bench.policies(&mut policies);
    progress.finish();
    let interrupted = cancel.is_cancelled() || ended.is_err();
    let mut summary = Summary::of(experiment, site.on(), site.cores(), interrupted, &policies);
    summary.warnings.splice(0..0, site.notes());
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
    site: &'a dyn Site,
    experiment: &'a Experiment,
    cancel: &'a CancellationToken,
    progress: &'a Progress,
    payloads: Vec<Vec<bytes::Bytes>>,
    folder: &'a Folder,
    kept: Kept,
    curves: Vec<Curve>,
    /// One a policy.
    series: Vec<PolicySeries>,
    runs: usize,
}

impl<'a> Bench<'a> {
    fn new(
        site: &'a dyn Site,
        experiment: &'a Experiment,
        folder: &'a Folder,
        cancel: &'a CancellationToken,
        progress: &'a Progress,
    ) -> Result<Self, RunError> {
        let payloads = experiment.jobs.iter().map(|job| payload::load(&job.payload));
        Ok(Bench {
            site,
            experiment,
            cancel,
            progress,
            payloads: payloads.collect::<Result<_, _>>()?,
            folder,
            kept: Kept::of(folder)?,
            curves: Vec::new(),
            series: Vec::new(),
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

    /// One policy under one seed.
    fn once(&self, run: usize, policy: &PolicySpec, seed: u64) -> Result<Ran, RunError> {
        let live = Arc::new(Live::default());
        let progress = self.progress.run(run, policy, seed, Arc::clone(&live));
        let nodes = self.site.start(policy, seed)?;
        let targets = self.targets(&*nodes)?;
        let mut stage = Stage::new(progress, &*nodes, self.experiment);
        let mut curve = policy.learns().then(|| Curve::new(&policy.label, seed));

        let mut jobs = JobsFile::create(&self.kept.draft(run), &self.experiment.name)?;
        let (sender, records) = mpsc::channel(BATCHES);
        let stop = self.cancel.child_token();
        let mut series = RunSeries::new(self.experiment, policy);
        let (into_jobs, label) = (&mut jobs, policy.label.as_str().into());
        let tally = Tally::new(self.experiment.measured_s());
        let counts = Counting { tally, series: &mut series, curve: &mut curve };
        let mut failure = None;
        let (tally, driven) = std::thread::scope(|scope| {
            let stop_on_error = stop.clone();
            let collector = scope.spawn(move || {
                let collected = collect(records, counts, into_jobs, label, seed, &live);
                if collected.is_err() {
                    stop_on_error.cancel();
                }
                collected
            });
            let traffic = |session, stage: &mut Stage<'_>| {
                drive(self.experiment, session, &targets, &stop, sender.clone(), stage)
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
            nodes.end_training(policy);
            let mut driven = Driven { ended_s: 0.0, usage: Usage::default() };
            if !stop.is_cancelled() {
                match traffic(Session::run(self.experiment, seed), &mut stage) {
                    Ok(run) => driven = run,
                    Err(error) => failure = Some(error),
                }
            }
            // The collector ends when nobody can send any more.
            drop(sender);
            (collector.join(), driven)
        });
        let Counted { cost, fallbacks } = stage.counted();
        stage.progress.done();
        if let Some(curve) = &mut curve {
            stage.tell(curve);
        }
        let learning = nodes.learned(policy);
        let kept = self.keep(&*nodes, policy, seed);
        nodes.end();
        // Also on failure: the jobs until then are there.
        let closed = jobs.finish();
        let tally = tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        closed?;
        kept?;
        failure.map_or(Ok(()), Err)?;
        let measured_s = self.experiment.counted_s(driven.ended_s);
        let interrupted = stop.is_cancelled();
        let generator = Some(driven.usage);
        let measured =
            RunMeasured { seed, tally, measured_s, interrupted, fallbacks, cost, generator, learning };
        Ok(Ran { measured, curve, series: Some(series) })
    }

    /// Keeps what the agents have learned.
    fn keep(&self, nodes: &dyn Nodes, policy: &PolicySpec, seed: u64) -> Result<(), CheckpointError> {
        match policy.learns() {
            true => nodes.keep_agents(&|node| self.folder.agent(&policy.file_name, seed, node)),
            false => Ok(()),
        }
    }

    fn targets(&self, nodes: &dyn Nodes) -> Result<Targets, http::Error> {
        let jobs = &self.experiment.jobs;
        let functions = |host: &str| jobs.iter().map(|job| function_uri(host, &job.function)).collect();
        let (node_ids, hosts): (Vec<_>, Vec<_>) = nodes.names().into_iter().unzip();
        Ok(Targets {
            node_ids,
            functions: hosts.iter().map(|host| functions(host)).collect::<Result<_, _>>()?,
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
            curve.add(&tally::Counted::from(job), job.report.reward);
        }
    }
}

/// Takes the records of a run as they come.
fn collect(
    mut records: mpsc::Receiver<Vec<JobRecord>>,
    mut counts: Counting<'_>,
    jobs: &mut JobsFile,
    policy: Arc<str>,
    seed: u64,
    live: &Live,
) -> Result<Tally, JobsFileError> {
    while let Some(batch) = records.blocking_recv() {
        for job in batch {
            counts.add(&job);
            live.add(&job);
            jobs.push(Row { policy: Arc::clone(&policy), seed, job })?;
        }
    }
    Ok(counts.tally)
}
