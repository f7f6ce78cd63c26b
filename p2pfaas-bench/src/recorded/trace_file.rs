//! A trace in a file of its own, as `p2pfaas record` writes it.

use std::path::{Path, PathBuf};

use p2pfaas_sim::arrivals::{InOrder, Lateness, LeftOut, RecordedJobs, Recording, TraceError};

use super::is_parquet;
use super::trace_rows::{CsvRows, ParquetRows, Row, has_columns};

/// A trace: Parquet or CSV with the columns `at_s,node,task_type` and, where it is known, `service_s`.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    parquet: bool,
    skip_bad: bool,
    left_out: LeftOut,
    count: u64,
    first_s: f64,
    lateness: Lateness,
}

impl TraceFile {
    /// Whether a file is such a trace and not the jobs of a run: everything is that is not Parquet.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_one(path: &Path) -> Result<bool, TraceError> {
        Ok(!is_parquet(path)? || has_columns(path)?)
    }

    /// Reads a trace once. Nodes and task types have to be below these numbers. With `skip_bad`, broken lines
    /// are counted and left out.
    ///
    /// # Errors
    /// The file or a row is not right, or there is no job.
    pub fn check(
        path: &Path,
        nodes: usize,
        task_types: usize,
        skip_bad: bool,
    ) -> Result<TraceFile, TraceError> {
        let mut trace = TraceFile {
            path: path.into(),
            parquet: is_parquet(path)?,
            skip_bad,
            left_out: LeftOut { path: path.into(), lines: 0 },
            count: 0,
            first_s: f64::INFINITY,
            lateness: Lateness::default(),
        };
        for row in trace.rows()? {
            let (job, line) = match row {
                Err(error) if skip_bad && error.is_of_a_line() => {
                    trace.left_out.lines += 1;
                    continue;
                }
                row => row?,
            };
            let beyond = |column: &str, reason| TraceError::Cell {
                path: path.into(),
                line,
                column: column.into(),
                reason,
            };
            let task_type = job.task_type.map_or(0, usize::from);
            if job.node as usize >= nodes {
                return Err(beyond("node", format!("node {} of {nodes} nodes", job.node)));
            }
            if task_type >= task_types {
                return Err(beyond("task_type", format!("task type {task_type} of {task_types} task types")));
            }
            trace.count += 1;
            trace.first_s = trace.first_s.min(job.at_s);
            trace.lateness.add(job.at_s);
        }
        match trace.count {
            0 => Err(TraceError::File { path: path.into(), reason: "there is no job".into() }),
            _ => Ok(trace),
        }
    }

    fn rows(&self) -> Result<Box<dyn Iterator<Item = Row> + Send>, TraceError> {
        Ok(match self.parquet {
            true => Box::new(ParquetRows::open(&self.path)?),
            false => Box::new(CsvRows::open(&self.path)?),
        })
    }
}

impl Recording for TraceFile {
    fn open(&self) -> Result<RecordedJobs, TraceError> {
        let skip_bad = self.skip_bad;
        let broken = move |row: &Row| row.as_ref().is_err_and(TraceError::is_of_a_line);
        let rows = self.rows()?.filter(move |row| !(skip_bad && broken(row)));
        Ok(Box::new(InOrder::new(rows, self.path.clone(), self.lateness)))
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
