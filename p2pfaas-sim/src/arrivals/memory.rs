//! What apps allocate: the table `app_memory_percentiles` of the Azure Functions trace of 2019.

use std::path::Path;

use super::table::Table;
use super::{LeftOut, TraceError};

/// Apps of one table, 16 bytes each.
const MOST_APPS: usize = 1_000_000;
const COLUMNS: [&str; 11] = [
    "HashOwner",
    "HashApp",
    "SampleCount",
    "AverageAllocatedMb",
    "AverageAllocatedMb_pct1",
    "AverageAllocatedMb_pct5",
    "AverageAllocatedMb_pct25",
    "AverageAllocatedMb_pct50",
    "AverageAllocatedMb_pct75",
    "AverageAllocatedMb_pct95",
    "AverageAllocatedMb_pct99",
];
const SAMPLES: usize = 2;
const AVERAGE: usize = 3;

/// The memory of apps, megabytes. Nothing is simulated with it: it is checked, and shown.
#[derive(Debug)]
pub struct Memory {
    /// Average of each app, ascending.
    pub averages_mb: Vec<f64>,
    /// The highest 99th percentile of an app.
    pub highest_p99_mb: f64,
    /// Broken lines.
    pub left_out: LeftOut,
}

impl Memory {
    /// Reads a table. With `skip_bad`, broken lines are counted and left out.
    ///
    /// # Errors
    /// A file, a line or a value that is not right.
    pub fn read(path: &Path, skip_bad: bool) -> Result<Memory, TraceError> {
        let mut table = Table::open(path, COLUMNS)?;
        let left_out = LeftOut { path: path.into(), lines: 0 };
        let mut memory = Memory { averages_mb: Vec::new(), highest_p99_mb: 0.0, left_out };
        loop {
            match memory.add(&mut table) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if skip_bad && error.is_of_a_line() => memory.left_out.lines += 1,
                Err(error) => return Err(error),
            }
        }
        if memory.averages_mb.is_empty() {
            return Err(TraceError::File { path: path.into(), reason: "there is no app".into() });
        }
        memory.averages_mb.sort_by(f64::total_cmp);
        Ok(memory)
    }

    /// Reads a line; `false` at the end.
    fn add(&mut self, table: &mut Table<11>) -> Result<bool, TraceError> {
        let Some(values) = table.next()? else { return Ok(false) };
        values.number(SAMPLES)?;
        let average_mb = values.number(AVERAGE)?;
        let mut before_mb = 0.0;
        for column in AVERAGE + 1..COLUMNS.len() {
            let value_mb = values.number(column)?;
            if value_mb < before_mb {
                return Err(values.wrong(column, "less than the percentile before it".into()));
            }
            before_mb = value_mb;
        }
        if self.averages_mb.len() == MOST_APPS {
            let reason = format!("there are more than {MOST_APPS} apps");
            return Err(TraceError::File { path: self.left_out.path.clone(), reason });
        }
        self.averages_mb.push(average_mb);
        self.highest_p99_mb = self.highest_p99_mb.max(before_mb);
        Ok(true)
    }
}
