//! Calls per minute and function, in the format of the Azure Functions trace of 2019 (Shahrad et al.,
//! "Serverless in the Wild", USENIX ATC 2020): `HashOwner,HashApp,HashFunction,Trigger,1,2,...,1440`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use rand::RngExt;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::durations::{Durations, Quantiles};
use super::lines::{Line, Lines};
use super::{LeftOut, TraceError};

/// The columns before the minutes.
const COLUMNS: [&str; 4] = ["HashOwner", "HashApp", "HashFunction", "Trigger"];

/// A trace of counts. Each row is a function; its calls in a minute are exactly as many as the trace
/// says. Of the trace, 16 bytes a function (with durations 88) and 8 a minute are kept, the rest is read as time
/// goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Seconds that a minute of the trace takes; 60, or less to compress it.
    pub minute_s: f64,
    /// Where in the trace the run's second 0 is, in seconds that are as long as the run's.
    pub from_s: f64,
    /// Where in its minute a call is.
    pub within: Within,
    /// The node of each row; rows take them in turns.
    pub row_nodes: Vec<u32>,
    /// The task type of each row; rows take them in turns. None: drawn by the traffic's shares.
    pub row_task_types: Vec<u16>,
    path: Arc<Path>,
    rows: Arc<[Row]>,
    /// What each row's calls take; empty without durations.
    quantiles: Arc<[Option<Quantiles>]>,
    left_out: Vec<LeftOut>,
    /// All rows' calls by minute.
    minutes: Arc<[u64]>,
}

/// Where a row's counts are in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    /// Bytes before them.
    offset: u64,
    /// Its line, from 1.
    line: u64,
}

/// How a trace of counts is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Loading<'a> {
    /// What its functions take; a function that is not there takes what its task type does.
    pub durations: Option<&'a Durations>,
    /// Broken lines are counted and left out.
    pub skip_bad: bool,
}

/// Where in its minute a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Anywhere, all places as likely.
    Random,
    /// A row's calls in equal gaps; each row has a phase of its own.
    Even,
}

impl Counts {
    /// Reads a file once and keeps only what it is like. Minutes take 60 seconds, the run begins with
    /// the trace, calls are anywhere in their minutes, and rows go to the nodes in turns.
    ///
    /// # Errors
    /// A file, a line or a count that is not right.
    pub fn check(path: &Path, nodes: u32, loading: &Loading<'_>) -> Result<Counts, TraceError> {
        let mut lines = Lines::open(path)?;
        let minutes = match lines.next()? {
            Some(header) => check_header(path, &header)?,
            None => return Err(TraceError::File { path: path.into(), reason: "is empty".into() }),
        };
        let mut sums = vec![0_u64; minutes];
        let (mut rows, mut quantiles, mut broken) = (Vec::new(), Vec::new(), 0);
        let mut calls = Vec::with_capacity(minutes);
        loop {
            let row = match lines.next() {
                Ok(None) => break,
                Ok(Some(line)) => check_row(path, &line, minutes, &mut calls),
                Err(error) => Err(error),
            };
            match row {
                Ok((row, function)) => {
                    rows.push(row);
                    quantiles.extend(loading.durations.map(|durations| durations.of(function)));
                    sums.iter_mut().zip(&calls).for_each(|(sum, calls)| *sum += u64::from(*calls));
                }
                Err(error) if loading.skip_bad && error.is_of_a_line() => broken += 1,
                Err(error) => return Err(error),
            }
        }
        let mut left_out = vec![LeftOut { path: path.into(), lines: broken }];
        left_out.extend(loading.durations.map(|durations| durations.left_out().clone()));
        Ok(Counts {
            minute_s: 60.0,
            from_s: 0.0,
            within: Within::Random,
            row_nodes: (0..nodes).collect(),
            row_task_types: Vec::new(),
            path: path.into(),
            rows: rows.into(),
            quantiles: quantiles.into(),
            left_out,
            minutes: sums.into(),
        })
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.rows.len()
    }

    /// How many of them have durations.
    pub fn with_durations(&self) -> usize {
        self.quantiles.iter().flatten().count()
    }

    /// Calls of all functions, by minute.
    pub fn minutes(&self) -> &[u64] {
        &self.minutes
    }

    /// What is broken in the files.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What the calls of a row take.
    pub(super) fn quantiles(&self, row: usize) -> Option<Quantiles> {
        self.quantiles.get(row).copied().flatten()
    }

    /// How long the trace takes, seconds.
    pub fn lasts_s(&self) -> f64 {
        self.minutes.len() as f64 * self.minute_s
    }

    /// Calls between two seconds of the run; of minutes that are only partly within, a part.
    pub(super) fn calls(&self, begins_s: f64, ends_s: f64) -> f64 {
        let part = |(minute, calls): (usize, &u64)| {
            let minute_begins_s = minute as f64 * self.minute_s - self.from_s;
            let within_s = (minute_begins_s + self.minute_s).min(ends_s) - minute_begins_s.max(begins_s);
            within_s.max(0.0) / self.minute_s * *calls as f64
        };
        self.minutes.iter().enumerate().map(part).sum()
    }

    pub(super) fn open(&self) -> Result<Arc<File>, TraceError> {
        File::open(&self.path).map(Arc::new).map_err(|error| TraceError::unreadable(&*self.path, error))
    }

    pub(super) fn row(
        &self,
        row: usize,
        file: &Arc<File>,
        mut draws: Xoshiro256PlusPlus,
        begins_s: f64,
        ends_s: f64,
    ) -> CountedCalls {
        let phase = if self.within == Within::Even { draws.random() } else { 0.0 };
        let cells = Cells {
            file: Arc::clone(file),
            path: Arc::clone(&self.path),
            line: self.rows[row].line,
            offset: self.rows[row].offset,
            ahead: Vec::new(),
        };
        CountedCalls {
            cells,
            minutes: self.minutes.len(),
            minute_s: self.minute_s,
            from_s: self.from_s,
            begins_s,
            ends_s,
            within: self.within,
            phase,
            draws,
            minute: 0,
            of: 0,
            left: 0,
            rest: 1.0,
        }
    }
}

/// How many minutes there are.
fn check_header(path: &Path, line: &Line<'_>) -> Result<usize, TraceError> {
    let mut expected =
        COLUMNS.iter().map(|name| (*name).to_string()).chain((1..).map(|m: u32| m.to_string()));
    let mut columns = 0;
    for name in line.text.split(',') {
        let expected = expected.next().unwrap_or_default();
        if name.trim() != expected {
            let reason = format!("the header has {name:?} where {expected:?} should be");
            return Err(TraceError::Line { path: path.into(), line: line.number, reason });
        }
        columns += 1;
    }
    if columns <= COLUMNS.len() {
        let reason = "the header has no minutes 1,2,...".into();
        return Err(TraceError::Line { path: path.into(), line: line.number, reason });
    }
    Ok(columns - COLUMNS.len())
}

/// Reads a row's counts, so many; returns where they are, and the owner, app and name of the function.
fn check_row<'a>(
    path: &Path,
    line: &Line<'a>,
    minutes: usize,
    calls: &mut Vec<u32>,
) -> Result<(Row, [&'a str; 3]), TraceError> {
    let mut cells = line.text.split(',');
    let names: Vec<&str> = cells.by_ref().take(COLUMNS.len()).collect();
    calls.clear();
    let mut minute = 0;
    for cell in cells {
        if minute < minutes {
            calls.push(count(cell.as_bytes()).ok_or_else(|| not_a_count(path, line.number, minute, cell))?);
        }
        minute += 1;
    }
    let (&[owner, app, function, _], true) = (&names[..], minute == minutes) else {
        let reason =
            format!("{} cells, but the header has {}", names.len() + minute, COLUMNS.len() + minutes);
        return Err(TraceError::Line { path: path.into(), line: line.number, reason });
    };
    let before: u64 = names.iter().map(|name| name.len() as u64 + 1).sum();
    Ok((Row { offset: line.offset + before, line: line.number }, [owner, app, function]))
}

fn not_a_count(path: &Path, line: u64, minute: usize, cell: &str) -> TraceError {
    let reason = format!("{cell:?} is not a whole number from 0 to {}", u32::MAX);
    TraceError::Cell { path: path.into(), line, column: (minute + 1).to_string(), reason }
}

fn count(cell: &[u8]) -> Option<u32> {
    if cell.is_empty() || !cell.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(cell).ok()?.parse().ok()
}

/// The counts of a row, a few in memory.
#[derive(Debug)]
struct Cells {
    /// One for all rows.
    file: Arc<File>,
    path: Arc<Path>,
    line: u64,
    offset: u64,
    /// Last one first.
    ahead: Vec<u32>,
}

impl Cells {
    const CHUNK: usize = 128;

    /// The count of the next minute, which has this number.
    fn next(&mut self, minute: usize) -> Result<u32, TraceError> {
        if self.ahead.is_empty() {
            self.fill(minute)?;
        }
        self.ahead.pop().ok_or_else(|| not_a_count(&self.path, self.line, minute, ""))
    }

    fn fill(&mut self, minute: usize) -> Result<(), TraceError> {
        let unreadable = |error| TraceError::unreadable(&*self.path, error);
        let mut chunk = [0; Self::CHUNK];
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.offset)).map_err(unreadable)?;
        let mut filled = 0;
        while filled < chunk.len() {
            match file.read(&mut chunk[filled..]).map_err(unreadable)? {
                0 => break,
                read => filled += read,
            }
        }
        let chunk = &chunk[..filled];
        let ends = chunk.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let row_ends = ends.is_some() || filled < Self::CHUNK;
        let mut cells = &chunk[..ends.unwrap_or(filled)];
        // A count that the chunk cuts is left for the next one.
        if !row_ends {
            let cut = cells.iter().rposition(|byte| *byte == b',').unwrap_or(0);
            cells = &cells[..cut];
        }
        self.offset += cells.len() as u64 + 1;
        for (index, cell) in cells.split(|byte| *byte == b',').enumerate() {
            let wrong = || not_a_count(&self.path, self.line, minute + index, &String::from_utf8_lossy(cell));
            self.ahead.push(count(cell).ok_or_else(wrong)?);
        }
        self.ahead.reverse();
        Ok(())
    }
}

/// The calls of one function.
#[derive(Debug)]
pub(super) struct CountedCalls {
    cells: Cells,
    minutes: usize,
    minute_s: f64,
    from_s: f64,
    begins_s: f64,
    ends_s: f64,
    within: Within,
    phase: f64,
    draws: Xoshiro256PlusPlus,
    /// Minutes that were begun.
    minute: usize,
    /// Calls of the minute, and those to come.
    of: u32,
    left: u32,
    /// Part of the minute that is still to come.
    rest: f64,
}

impl CountedCalls {
    /// The next call; infinity after the last.
    pub fn next(&mut self) -> Result<f64, TraceError> {
        loop {
            while self.left == 0 {
                let next_begins_s = self.minute as f64 * self.minute_s - self.from_s;
                if self.minute == self.minutes || next_begins_s >= self.ends_s {
                    return Ok(f64::INFINITY);
                }
                let calls = self.cells.next(self.minute)?;
                self.minute += 1;
                if next_begins_s + self.minute_s > self.begins_s {
                    (self.of, self.left, self.rest) = (calls, calls, 1.0);
                }
            }
            let at_s = self.call();
            if at_s >= self.begins_s {
                return Ok(at_s);
            }
        }
    }

    /// The next call of the minute.
    fn call(&mut self) -> f64 {
        let part = match self.within {
            Within::Even => (f64::from(self.of - self.left) + self.phase) / f64::from(self.of),
            Within::Random => {
                // The least of so many uniform draws from what is left of the minute.
                let draw: f64 = self.draws.sample(Exp1);
                self.rest *= (-draw / f64::from(self.left)).exp();
                1.0 - self.rest
            }
        };
        self.left -= 1;
        let begins_s = (self.minute - 1) as f64 * self.minute_s - self.from_s;
        let ends_s = self.minute as f64 * self.minute_s - self.from_s;
        (begins_s + part * self.minute_s).min(ends_s.next_down())
    }
}
