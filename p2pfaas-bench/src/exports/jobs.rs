//! The jobs of a results folder, as far as other programs ask for them.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::SerializedFileReader;
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};

use super::ExportError;
use crate::damaged::survived;

/// One policy under one seed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Label of the policy.
    pub policy: String,
    /// The seed.
    pub seed: i64,
}

/// One job. Times are seconds since the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Whose job it was.
    pub run: Run,
    /// The node to which it came.
    pub node: i64,
    /// Its number in the run.
    pub number: i64,
    /// Its task type.
    pub task_type: i64,
    /// `training`, `warmup`, `measured`.
    pub phase: String,
    /// When it was due.
    pub scheduled_s: f64,
    /// When it was sent.
    pub sent_s: Option<f64>,
    /// When its answer was there.
    pub answered_s: Option<f64>,
    /// From the instant when it was due to its answer.
    pub latency_s: Option<f64>,
    /// How it ended.
    pub outcome: String,
    /// HTTP status.
    pub status: Option<i64>,
    /// Code of the error.
    pub code: Option<i64>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The node that ran it.
    pub executed_by: Option<i64>,
    /// Given to a peer.
    pub forwarded: bool,
    /// Until it was decided where it runs.
    pub scheduling_s: Option<f64>,
    /// Waiting for answers to probes.
    pub probing_s: Option<f64>,
    /// Running.
    pub execution_s: Option<f64>,
    /// What an agent saw.
    pub state: Option<String>,
    /// What it chose.
    pub action: Option<i64>,
    /// Its epsilon.
    pub epsilon: Option<f64>,
    /// What its choice was worth.
    pub reward: Option<f64>,
}

/// Reads `jobs.parquet`, a few rows at a time.
pub struct Jobs {
    path: PathBuf,
    rows: RowIter<'static>,
}

impl Jobs {
    /// Of this results folder.
    ///
    /// # Errors
    /// It has no jobs, or they cannot be read.
    pub fn open(results: &Path) -> Result<Jobs, ExportError> {
        let path = results.join("jobs.parquet");
        if !path.is_file() {
            return Err(ExportError::NoJobs(results.into()));
        }
        let file = File::open(&path).map_err(|error| ExportError::read(&path, error))?;
        let reader =
            survived(|| SerializedFileReader::new(file)).map_err(|error| ExportError::read(&path, error))?;
        Ok(Jobs { path, rows: RowIter::from_file_into(Box::new(reader)) })
    }

    fn job(&self, row: &Row) -> Result<Job, ExportError> {
        let missing = |name: &str| ExportError::read(&self.path, format!("column {name:?} has no value"));
        let text = |name: &str| match cell(row, name) {
            Some(Field::Str(text)) => Some(text.clone()),
            _ => None,
        };
        let whole = |name: &str| match cell(row, name) {
            Some(Field::Long(number)) => Some(*number),
            Some(Field::Int(number)) => Some(i64::from(*number)),
            _ => None,
        };
        let seconds = |name: &str| match cell(row, name) {
            Some(Field::Double(number)) => Some(*number),
            _ => None,
        };
        let needed_text = |name: &str| text(name).ok_or_else(|| missing(name));
        let needed_whole = |name: &str| whole(name).ok_or_else(|| missing(name));
        Ok(Job {
            run: Run { policy: needed_text("policy")?, seed: needed_whole("seed")? },
            node: needed_whole("node")?,
            number: needed_whole("job")?,
            task_type: needed_whole("task_type")?,
            phase: needed_text("phase")?,
            scheduled_s: seconds("scheduled_s").ok_or_else(|| missing("scheduled_s"))?,
            sent_s: seconds("sent_s"),
            answered_s: seconds("answered_s"),
            latency_s: seconds("latency_s"),
            outcome: needed_text("outcome")?,
            status: whole("status"),
            code: whole("code"),
            error: text("error"),
            executed_by: whole("executed_by"),
            forwarded: cell(row, "forwarded") == Some(&Field::Bool(true)),
            scheduling_s: seconds("scheduling_s"),
            probing_s: seconds("probing_s"),
            execution_s: seconds("execution_s"),
            state: text("state"),
            action: whole("action"),
            epsilon: seconds("epsilon"),
            reward: seconds("reward"),
        })
    }
}

fn cell<'a>(row: &'a Row, name: &str) -> Option<&'a Field> {
    row.get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field)
}

impl Iterator for Jobs {
    type Item = Result<Job, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = survived(|| self.rows.next().transpose()).transpose()?;
        Some(row.map_err(|error| ExportError::read(&self.path, error)).and_then(|row| self.job(&row)))
    }
}
