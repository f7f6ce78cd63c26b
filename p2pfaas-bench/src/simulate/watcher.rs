//! Watches one run: counts its jobs, keeps what is asked for, and says when to end.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::Gauge;
use crate::curve::{Curve, Glimpse};
use crate::experiment::{Experiment, PolicySpec};
use crate::job::{JobRecord, Phase};
use crate::results::{JobsFile, JobsFileError, Row};
use crate::series::{RunSeries, Seen};
use crate::tally::Tally;

/// Beside one run.
#[derive(Debug)]
pub struct Watcher<'a> {
    tally: Tally,
    curve: Option<Curve>,
    series: Option<RunSeries>,
    /// Jobs that were due at each node, and those of them that were in time; empty where nobody asks.
    nodes: Vec<(u64, u64)>,
    jobs: Option<Jobs>,
    gauge: Gauge<'a>,
    stop: &'a CancellationToken,
    stopped: bool,
    failed: Option<JobsFileError>,
}

#[derive(Debug)]
struct Jobs {
    file: JobsFile,
    policy: Arc<str>,
    seed: u64,
}

/// What a watcher has seen.
pub(super) struct Watched {
    pub tally: Tally,
    pub curve: Option<Curve>,
    pub series: Option<RunSeries>,
    pub nodes: Vec<(u64, u64)>,
    /// It has ended the run before it was over.
    pub stopped: bool,
}

impl<'a> Watcher<'a> {
    pub(super) fn new(
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        jobs: Option<&Path>,
        gauge: Gauge<'a>,
        stop: &'a CancellationToken,
    ) -> Result<Self, JobsFileError> {
        let jobs = jobs.map(|path| {
            let file = JobsFile::create(path, &experiment.name)?;
            Ok::<_, JobsFileError>(Jobs { file, policy: policy.label.as_str().into(), seed })
        });
        Ok(Watcher {
            tally: Tally::new(experiment.measured_s()),
            curve: policy.learns().then(|| Curve::new(&policy.label, seed)),
            series: None,
            nodes: Vec::new(),
            jobs: jobs.transpose()?,
            gauge,
            stop,
            stopped: false,
            failed: None,
        })
    }

    /// The same, with what charts need.
    pub(super) fn with_series(self, series: Option<RunSeries>) -> Self {
        Watcher { series, ..self }
    }

    /// The same, which also counts the jobs of each of so many nodes.
    pub(super) fn by_node(self, nodes: usize) -> Self {
        Watcher { nodes: vec![(0, 0); nodes], ..self }
    }

    /// A job has ended. Its record is only made when it is to be kept.
    pub fn finished(&mut self, job: &Seen, record: impl FnOnce() -> JobRecord) {
        self.tally.add(&job.counted);
        if let Some(curve) = &mut self.curve {
            curve.add(&job.counted, job.reward);
        }
        if let Some(series) = &mut self.series {
            series.add(job);
        }
        if let (Phase::Measured, Some((due, in_time))) =
            (job.counted.phase, self.nodes.get_mut(job.node as usize))
        {
            *due += 1;
            *in_time += u64::from(job.counted.in_time);
        }
        if let (Some(jobs), None) = (&mut self.jobs, &self.failed) {
            let row = Row { policy: Arc::clone(&jobs.policy), seed: jobs.seed, job: record() };
            self.failed = jobs.file.push(row).err();
        }
    }

    /// The run has reached this second, which is below 0 in a training, and its agents say this of
    /// themselves, if there are any. Says whether to go on.
    pub fn at(&mut self, second: f64, agents: Option<Glimpse>) -> bool {
        if let (Some(curve), Some(glimpse)) = (&mut self.curve, agents) {
            curve.note(second.floor() as i64, glimpse);
        }
        self.gauge.at(second, &self.tally.counts);
        self.stopped = self.stop.is_cancelled() || self.failed.is_some();
        !self.stopped
    }

    pub(super) fn finish(mut self) -> Result<Watched, JobsFileError> {
        if let (Some(jobs), None) = (self.jobs, &self.failed) {
            self.failed = jobs.file.finish().err();
        }
        self.gauge.done(&self.tally.counts, self.stopped);
        match self.failed {
            Some(error) => Err(error),
            None => Ok(Watched {
                tally: self.tally,
                curve: self.curve,
                series: self.series,
                nodes: self.nodes,
                stopped: self.stopped,
            }),
        }
    }
}
