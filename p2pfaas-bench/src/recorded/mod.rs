//! Recorded runs as traffic and as service times: the jobs file of a results folder is played again.

mod job_times;
mod names;
mod record;
mod rows;
mod speeds;
mod trace_file;
mod trace_rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2pfaas_sim::arrivals::{InOrder, Lateness, LeftOut, RecordedJob, RecordedJobs, Recording, TraceError};
use p2pfaas_sim::service::{Times, TimesError};

pub use job_times::JobTimes;
pub use record::{RecordError, Written, record};
use rows::{Row, Rows};
pub use speeds::Speeds;
pub use trace_file::TraceFile;

/// Which run of a jobs file is meant; the first one that fits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Label of its policy.
    pub policy: Option<String>,
    /// Its seed.
    pub seed: Option<u64>,
    /// Broken rows are counted and left out.
    pub skip_bad: bool,
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
    /// A job is written when it is answered: one that was due earlier may come later.
    lateness: Lateness,
    /// What each task type had.
    deadlines_s: BTreeMap<u16, f64>,
    skip_bad: bool,
    left_out: LeftOut,
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
        let path = &jobs_of(path)?;
        let mut run: Option<RecordedRun> = None;
        let mut broken = 0;
        for row in Rows::open(path)? {
            let row = match row {
                Err(error) if wanted.skip_bad && error.is_of_a_line() => {
                    broken += 1;
                    continue;
                }
                row => row?,
            };
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
                    lateness: Lateness::default(),
                    deadlines_s: BTreeMap::new(),
                    skip_bad: wanted.skip_bad,
                    left_out: LeftOut { path: path.clone(), lines: 0 },
                }),
            };
            run.count += 1;
            run.first_s = run.first_s.min(row.scheduled_s);
            run.lateness.add(row.scheduled_s);
            run.deadlines_s.extend(row.deadline_s.map(|deadline_s| (row.task_type, deadline_s)));
        }
        let run = run.map(|run| RecordedRun { left_out: LeftOut { lines: broken, ..run.left_out }, ..run });
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
        let rows = Rows::open(&self.path)?;
        let (policy, seed, speeds) = (self.policy.clone(), self.seed, self.speeds.clone());
        let skip_bad = self.skip_bad;
        let jobs = rows.filter_map(move |row| match row {
            Ok(row) if row.seed == seed && row.policy == policy => {
                let service_s = row.ran.map(|(took_s, by)| took_s * speeds.of(by));
                let Row { scheduled_s: at_s, node, task_type, job, .. } = row;
                Some(Ok((RecordedJob { at_s, node, task_type: Some(task_type), service_s }, job)))
            }
            Ok(_) => None,
            Err(error) if skip_bad && error.is_of_a_line() => None,
            Err(error) => Some(Err(error)),
        });
        Ok(Box::new(InOrder::new(jobs, self.path.clone(), self.lateness)))
    }

    fn count(&self) -> u64 {
        self.count
    }

    fn first_s(&self) -> f64 {
        self.first_s
    }

    fn left_out(&self) -> Option<&LeftOut> {
        Some(&self.left_out)
    }
}

/// What can be played: a run of a jobs file or results folder, or a file that `p2pfaas record` has written.
///
/// # Errors
/// The file or a row is not right, there is no such run, or a run is asked for of a file that has only one.
pub fn open(
    path: &Path,
    wanted: &Wanted,
    nodes: usize,
    task_types: usize,
    speeds: &Speeds,
) -> Result<Arc<dyn Recording>, TraceError> {
    let path = &jobs_of(path)?;
    if !TraceFile::is_one(path)? {
        return Ok(Arc::new(RecordedRun::check(path, wanted, nodes, task_types, speeds)?));
    }
    if wanted.policy.is_some() || wanted.seed.is_some() {
        let reason = "has a single run, of which neither policy nor seed can be asked for".into();
        return Err(TraceError::File { path: path.clone(), reason });
    }
    Ok(Arc::new(TraceFile::check(path, nodes, task_types, wanted.skip_bad)?))
}

/// What jobs took, brought to a device of speed 1: of a task type in all runs of a results folder or jobs
/// file, or from a file with a number a line.
///
/// # Errors
/// The file, a row or a line is not right, or there is no time of this task type.
pub fn service_times(path: &Path, task_type: usize, speeds: &Speeds) -> Result<Times, TraceError> {
    let path = &jobs_of(path)?;
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
    let path = &jobs_of(folder)?;
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
fn jobs_of(path: &Path) -> Result<PathBuf, TraceError> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    let jobs = path.join("jobs.parquet");
    if jobs.is_file() {
        return Ok(jobs);
    }
    let reason = "has no jobs.parquet; a run on the simulator writes it with --jobs".into();
    Err(TraceError::File { path: path.into(), reason })
}

#[cfg(test)]
mod tests;
