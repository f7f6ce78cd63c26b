//! Recorded runs as traffic and as service times: the jobs file of a results folder is played again.

mod job_times;
mod rows;
mod speeds;

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use p2pfaas_sim::arrivals::{RecordedJob, RecordedJobs, Recording, TraceError};
use p2pfaas_sim::service::{Times, TimesError};

pub use job_times::JobTimes;
use rows::{Row, Rows};
pub use speeds::Speeds;

/// Which run of a jobs file is meant; the first one that fits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Label of its policy.
    pub policy: Option<String>,
    /// Its seed.
    pub seed: Option<u64>,
}

/// One run of a jobs file.
#[derive(Debug)]
pub struct RecordedRun {
    path: PathBuf,
    policy: String,
    seed: u64,
    speeds: Speeds,
    count: u64,
    /// The first instant.
    first_s: f64,
    /// A job is written when it is answered; by so many seconds may one that was due earlier come later.
    late_s: f64,
}

impl RecordedRun {
    /// Reads the jobs file of a results folder (or the file itself) once. Nodes and task types have to be
    /// below these numbers. `speeds` are taken where no experiment lies beside the file.
    ///
    /// # Errors
    /// The file or a row is not right, or there is no such run.
    pub fn check(
        path: &Path,
        wanted: &Wanted,
        nodes: usize,
        task_types: usize,
        speeds: &Speeds,
    ) -> Result<RecordedRun, TraceError> {
        let path = &jobs_of(path);
        let mut run: Option<RecordedRun> = None;
        let mut newest_s = f64::NEG_INFINITY;
        for row in Rows::open(path)? {
            let row = row?;
            let fits = match &run {
                Some(run) => run.has(&row),
                None => {
                    wanted.policy.as_ref().is_none_or(|policy| *policy == row.policy)
                        && wanted.seed.is_none_or(|seed| seed == row.seed)
                }
            };
            if !fits {
                continue;
            }
            let beyond = |column: &str, what: String| TraceError::Cell {
                path: path.clone(),
                line: row.number,
                column: column.into(),
                reason: what,
            };
            if row.node as usize >= nodes {
                return Err(beyond("node", format!("node {} of {nodes} nodes", row.node)));
            }
            if usize::from(row.task_type) >= task_types {
                let reason = format!("task type {} of {task_types} task types", row.task_type);
                return Err(beyond("task_type", reason));
            }
            let run = match &mut run {
                Some(run) => run,
                None => run.insert(RecordedRun {
                    path: path.clone(),
                    policy: row.policy.clone(),
                    seed: row.seed,
                    speeds: speeds::beside(path)?.unwrap_or_else(|| speeds.clone()),
                    count: 0,
                    first_s: f64::INFINITY,
                    late_s: 0.0,
                }),
            };
            run.count += 1;
            run.first_s = run.first_s.min(row.scheduled_s);
            newest_s = newest_s.max(row.scheduled_s);
            run.late_s = run.late_s.max(newest_s - row.scheduled_s);
        }
        run.ok_or_else(|| {
            let policy =
                wanted.policy.as_ref().map_or(String::new(), |policy| format!(" of policy {policy:?}"));
            let seed = wanted.seed.map_or(String::new(), |seed| format!(" with seed {seed}"));
            TraceError::File { path: path.clone(), reason: format!("there is no job{policy}{seed}") }
        })
    }

    fn has(&self, row: &Row) -> bool {
        row.seed == self.seed && row.policy == self.policy
    }
}

impl Recording for RecordedRun {
    fn open(&self) -> Result<RecordedJobs, TraceError> {
        Ok(Box::new(Ordered {
            rows: Rows::open(&self.path)?,
            policy: self.policy.clone(),
            seed: self.seed,
            speeds: self.speeds.clone(),
            // Differences are rounded.
            late_s: self.late_s * (1.0 + 1e-9) + 1e-9,
            newest_s: f64::NEG_INFINITY,
            ended: false,
            waiting: BinaryHeap::new(),
        }))
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn first_s(&self) -> f64 {
        self.first_s
    }
}

/// Puts the jobs of a run in order. Those wait in memory that are due within the lateness of the file.
struct Ordered {
    rows: Rows,
    policy: String,
    seed: u64,
    speeds: Speeds,
    late_s: f64,
    newest_s: f64,
    ended: bool,
    waiting: BinaryHeap<Reverse<Waiting>>,
}

impl Iterator for Ordered {
    type Item = Result<RecordedJob, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let due = |Reverse(first): &Reverse<Waiting>| first.job.at_s < self.newest_s - self.late_s;
            if self.ended || self.waiting.peek().is_some_and(due) {
                return self.waiting.pop().map(|Reverse(first)| Ok(first.job));
            }
            match self.rows.next() {
                None => self.ended = true,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(row)) if row.seed == self.seed && row.policy == self.policy => {
                    self.newest_s = self.newest_s.max(row.scheduled_s);
                    let service_s = row.ran.map(|(took_s, by)| took_s * self.speeds.of(by));
                    let Row { scheduled_s: at_s, node, task_type, .. } = row;
                    let job = RecordedJob { at_s, node, task_type, service_s };
                    self.waiting.push(Reverse(Waiting { job, number: row.job }));
                }
                Some(Ok(_)) => {}
            }
        }
    }
}

/// A job that another one may still come before.
struct Waiting {
    job: RecordedJob,
    number: u64,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.job.at_s.total_cmp(&other.job.at_s).then(self.number.cmp(&other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// What jobs took, brought to a device of speed 1: of a task type in all runs of a results folder or jobs
/// file, or from a file with a number a line.
///
/// # Errors
/// The file, a row or a line is not right, or there is no time of this task type.
pub fn service_times(path: &Path, task_type: usize, speeds: &Speeds) -> Result<Times, TraceError> {
    let path = &jobs_of(path);
    if !is_parquet(path)? {
        return Times::read(path);
    }
    let beside = speeds::beside(path)?;
    let speeds = beside.as_ref().unwrap_or(speeds);
    let mut times_s = Vec::new();
    for row in Rows::open(path)? {
        let row = row?;
        if let (true, Some((took_s, by))) = (usize::from(row.task_type) == task_type, row.ran) {
            times_s.push(took_s * speeds.of(by));
        }
    }
    let reason = |error| format!("task type {task_type}: {error}");
    Times::new(times_s).map_err(|error| TraceError::File { path: path.clone(), reason: reason(error) })
}

/// What jobs took, brought to a device of speed 1, for each task type: in all runs of a results folder that
/// has its experiment. `None` where no job of that type was run.
///
/// # Errors
/// The file or a row is not right.
pub fn all_service_times(folder: &Path, task_types: usize) -> Result<Vec<Option<Times>>, TraceError> {
    let path = &jobs_of(folder);
    let speeds = speeds::beside(path)?.unwrap_or_default();
    let mut times_s = vec![Vec::new(); task_types];
    for row in Rows::open(path)? {
        let row = row?;
        if let (Some(times_s), Some((took_s, by))) = (times_s.get_mut(usize::from(row.task_type)), row.ran) {
            times_s.push(took_s * speeds.of(by));
        }
    }
    let times = times_s.into_iter().enumerate().map(|(task_type, times_s)| match Times::new(times_s) {
        Ok(times) => Ok(Some(times)),
        Err(TimesError::Empty) => Ok(None),
        Err(error) => {
            let reason = format!("task type {task_type}: {error}");
            Err(TraceError::File { path: path.clone(), reason })
        }
    });
    times.collect()
}

fn is_parquet(path: &Path) -> Result<bool, TraceError> {
    use std::io::Read;
    let mut head = Vec::new();
    let file = std::fs::File::open(path);
    let read = file.and_then(|file| file.take(4).read_to_end(&mut head));
    read.map_err(|error| TraceError::unreadable(path, error))?;
    Ok(head == b"PAR1")
}

/// The jobs of a results folder; a file stands for itself.
fn jobs_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("jobs.parquet") } else { path.into() }
}

#[cfg(test)]
mod tests;
