//! Single calls, in the format of the Azure Functions trace of 2021 (Zhang et al., "Faster and Cheaper
//! Serverless Computing on Harvested Resources", SOSP 2021): `app,func,end_timestamp,duration`, seconds.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::in_order::{InOrder, Lateness, MOST_WAITING};
use super::table::Table;
use super::{LeftOut, RecordedJob, RecordedJobs, Recording, TraceError};

/// Functions of one trace, some 200 bytes each.
const MOST_FUNCTIONS: usize = 1_000_000;
const COLUMNS: [&str; 4] = ["app", "func", "end_timestamp", "duration"];

/// A trace of calls: each is due when it began, and takes as long as it took. Rows are in the order of their
/// ends; of the trace, the names of the functions are kept, and while it is played the calls that began
/// within the longest time by which one comes too late.
#[derive(Debug, Clone)]
pub struct Invocations {
    /// The node of each function, in the order in which they come; functions take them in turns.
    pub nodes: Vec<u32>,
    /// The task type of each function; functions take them in turns. None: drawn by the traffic's shares.
    pub task_types: Vec<u16>,
    path: PathBuf,
    functions: Arc<HashMap<String, u32>>,
    apps: usize,
    skip_bad: bool,
    left_out: LeftOut,
    count: u64,
    first_s: f64,
    lateness: Lateness,
}

impl Invocations {
    /// Reads a file once; functions go to the nodes in turns. With `skip_bad`, broken lines are counted and
    /// left out.
    ///
    /// # Errors
    /// A file, a line or a value that is not right, or an order that cannot be put right in memory.
    pub fn check(path: &Path, nodes: u32, skip_bad: bool) -> Result<Invocations, TraceError> {
        let (mut functions, mut apps) = (HashMap::new(), HashSet::new());
        let mut calls = Calls { table: Table::open(path, COLUMNS)?, skip_bad, left_out: 0 };
        let (mut count, mut first_s, mut lateness) = (0, f64::INFINITY, Lateness::default());
        while let Some(call) = calls.next()? {
            if !functions.contains_key(&call.function) {
                if functions.len() == MOST_FUNCTIONS {
                    let reason = format!("there are more than {MOST_FUNCTIONS} functions");
                    return Err(TraceError::File { path: path.into(), reason });
                }
                let app = call.function.split(',').next().unwrap_or_default();
                apps.insert(app.to_string());
                let number = functions.len() as u32;
                functions.insert(call.function, number);
            }
            count += 1;
            first_s = first_s.min(call.at_s);
            lateness.add(call.at_s);
        }
        if count == 0 {
            return Err(TraceError::File { path: path.into(), reason: "there is no call".into() });
        }
        let trace = Invocations {
            nodes: (0..nodes).collect(),
            task_types: Vec::new(),
            path: path.into(),
            functions: Arc::new(functions),
            apps: apps.len(),
            skip_bad,
            left_out: LeftOut { path: path.into(), lines: calls.left_out },
            count,
            first_s,
            lateness,
        };
        if count > MOST_WAITING as u64 {
            // Whether so many have to wait shows only when they are put in order.
            trace.open()?.try_for_each(|job| job.map(|_| ()))?;
        }
        Ok(trace)
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// How many apps they belong to.
    pub fn apps(&self) -> usize {
        self.apps
    }

    fn job(&self, call: &Call) -> RecordedJob {
        // Only a file that has changed has another function.
        let function = self.functions.get(&call.function).copied().unwrap_or(0) as usize;
        RecordedJob {
            at_s: call.at_s,
            node: in_turns(&self.nodes, function).unwrap_or(0),
            task_type: in_turns(&self.task_types, function),
            service_s: Some(call.took_s),
        }
    }
}

/// What the `number`th takes of a list that all take in turns.
pub(super) fn in_turns<T: Copy>(list: &[T], number: usize) -> Option<T> {
    list.get(number % list.len().max(1)).copied()
}

impl Recording for Invocations {
    fn open(&self) -> Result<RecordedJobs, TraceError> {
        let table = Table::open(&self.path, COLUMNS)?;
        let mut calls = Calls { table, skip_bad: self.skip_bad, left_out: 0 };
        let trace = self.clone();
        let mut number = 0;
        let jobs = std::iter::from_fn(move || {
            number += 1;
            let call = calls.next().transpose()?;
            Some(call.map(|call| (trace.job(&call), number)))
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

/// One call.
struct Call {
    /// `app,func`.
    function: String,
    at_s: f64,
    took_s: f64,
}

/// The calls of a file.
struct Calls {
    table: Table<4>,
    skip_bad: bool,
    left_out: u64,
}

impl Calls {
    /// The next call; `None` at the end.
    fn next(&mut self) -> Result<Option<Call>, TraceError> {
        loop {
            match self.read() {
                Err(error) if self.skip_bad && error.is_of_a_line() => self.left_out += 1,
                other => return other,
            }
        }
    }

    fn read(&mut self) -> Result<Option<Call>, TraceError> {
        let Some(values) = self.table.next()? else { return Ok(None) };
        let [app, function, ..] = values.texts;
        if let Some(column) = [app, function].iter().position(|name| name.is_empty()) {
            return Err(values.wrong(column, "it is empty".into()));
        }
        let (ended_s, took_s) = (values.number(2)?, values.number(3)?);
        Ok(Some(Call { function: format!("{app},{function}"), at_s: ended_s - took_s, took_s }))
    }
}
