//! The shape of a day in the format of the reference client: lines `index,value` with values from 0 to 1.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lines::{Line, Lines};
use super::modulated::Segment;
use super::{LeftOut, TraceError};

/// A node's rate is multiplied by the values of its file: they are spread evenly over the period, with
/// straight lines between them, and begin again after it (the reference's `dynamic` traffic model).
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Seconds that all points of a file take.
    pub period_s: f64,
    files: Vec<ProfileFile>,
}

#[derive(Debug, Clone, PartialEq)]
struct ProfileFile {
    path: Arc<Path>,
    points: u64,
    mean: f64,
    /// The first value that is right.
    first: f64,
    skip_bad: bool,
    /// Points that are broken.
    broken: u64,
}

impl Profile {
    /// Reads all files once, one a node, and keeps only what they are like. With `skip_bad`, a point whose
    /// line is broken keeps its time and takes the value of the one before it.
    ///
    /// # Errors
    /// A file or a line that is not right.
    pub fn check(files: &[PathBuf], period_s: f64, skip_bad: bool) -> Result<Profile, TraceError> {
        let files = files.iter().map(|path| ProfileFile::check(path, skip_bad)).collect::<Result<_, _>>()?;
        Ok(Profile { period_s, files })
    }

    /// Broken lines; a file that several nodes have is counted once.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let mut all: Vec<LeftOut> = Vec::new();
        for file in &self.files {
            if all.iter().all(|known| known.path != *file.path) {
                all.push(LeftOut { path: file.path.to_path_buf(), lines: file.broken });
            }
        }
        all
    }

    /// The values of a node's file.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn values(&self, node: usize) -> Result<Vec<f64>, TraceError> {
        let file = &self.files[node];
        let mut points = file.open();
        (0..file.points).map(|_| points.next()).collect()
    }

    /// The value of a node's file, averaged over its points.
    pub fn mean(&self, node: usize) -> f64 {
        self.files[node].mean
    }

    pub(super) fn rates(&self, node: usize, begins_s: f64) -> Result<ProfileRates, TraceError> {
        let file = &self.files[node];
        let step_s = self.period_s / file.points as f64;
        let number = (begins_s / step_s).floor();
        let skipped = number.rem_euclid(file.points as f64) as u64;
        let mut points = file.open();
        for _ in 0..skipped {
            points.next()?;
        }
        let value = points.next()?;
        Ok(ProfileRates { points, value, number, step_s })
    }
}

impl ProfileFile {
    fn check(path: &Path, skip_bad: bool) -> Result<ProfileFile, TraceError> {
        let mut lines = Lines::open(path)?;
        let (mut points, mut broken, mut sum) = (0, 0, 0.0);
        let (mut first, mut held, mut leading) = (None, 0.0, 0);
        loop {
            let read = match lines.next() {
                Ok(None) => break,
                Ok(Some(line)) if line.text.len() >= Points::CHUNK => {
                    let reason = "the line is too long".into();
                    return Err(TraceError::Line { path: path.into(), line: line.number, reason });
                }
                Ok(Some(line)) => value(path, &line),
                Err(error) => Err(error),
            };
            match read {
                Ok(value) => {
                    first.get_or_insert(value);
                    held = value;
                }
                Err(error) if skip_bad && error.is_of_a_line() => {
                    broken += 1;
                    leading += u64::from(first.is_none());
                }
                Err(error) => return Err(error),
            }
            sum += held;
            points += 1;
        }
        let Some(first) = first else {
            return Err(TraceError::File { path: path.into(), reason: "there is no point".into() });
        };
        let mean = (sum + leading as f64 * first) / points as f64;
        Ok(ProfileFile { path: path.into(), points, mean, first, skip_bad, broken })
    }

    fn open(&self) -> Points {
        let (path, skip_bad) = (Arc::clone(&self.path), self.skip_bad);
        Points { path, skip_bad, first: self.first, held: self.first, offset: 0, line: 0, ahead: Vec::new() }
    }
}

/// The value of a line, whose index is its place in the file.
fn value(path: &Path, line: &Line<'_>) -> Result<f64, TraceError> {
    let Some((index, value)) = line.text.split_once(',') else {
        let reason = "not of the form index,value".into();
        return Err(TraceError::Line { path: path.into(), line: line.number, reason });
    };
    let wrong = |column: &str, reason: String| TraceError::Cell {
        path: path.into(),
        line: line.number,
        column: column.into(),
        reason,
    };
    if index.trim().parse() != Ok(line.number - 1) {
        return Err(wrong("index", format!("{index:?} instead of {}", line.number - 1)));
    }
    let read = value.trim().parse().ok().filter(|value| (0.0..=1.0).contains(value));
    read.ok_or_else(|| wrong("value", format!("{value:?} is not a number from 0 to 1")))
}

/// The points of a file over and over, a few in memory.
#[derive(Debug)]
struct Points {
    path: Arc<Path>,
    skip_bad: bool,
    /// The value of a broken point at the beginning, and of one that is next.
    first: f64,
    held: f64,
    offset: u64,
    line: u64,
    /// Last one first.
    ahead: Vec<f64>,
}

impl Points {
    const CHUNK: usize = 4096;

    fn next(&mut self) -> Result<f64, TraceError> {
        if self.ahead.is_empty() {
            self.fill()?;
        }
        let changed = || TraceError::File { path: self.path.to_path_buf(), reason: "has changed".into() };
        self.ahead.pop().ok_or_else(changed)
    }

    fn fill(&mut self) -> Result<(), TraceError> {
        let unreadable = |error| TraceError::unreadable(&*self.path, error);
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let mut chunk = Vec::with_capacity(Self::CHUNK);
        for _ in 0..2 {
            file.seek(SeekFrom::Start(self.offset)).map_err(unreadable)?;
            (&mut file).take(Self::CHUNK as u64).read_to_end(&mut chunk).map_err(unreadable)?;
            if !chunk.is_empty() {
                break;
            }
            (self.offset, self.line, self.held) = (0, 0, self.first);
        }
        // A line that the chunk cuts is left for the next one; the file's last line may have no end.
        let whole = match chunk.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if chunk.len() == Self::CHUNK => end + 1,
            _ => chunk.len(),
        };
        let text = String::from_utf8_lossy(&chunk[..whole]);
        for text in text.lines() {
            self.line += 1;
            match value(&self.path, &Line { text, number: self.line, offset: 0 }) {
                Ok(value) => self.held = value,
                Err(_) if self.skip_bad => {}
                Err(error) => return Err(error),
            }
            self.ahead.push(self.held);
        }
        self.offset += whole as u64;
        self.ahead.reverse();
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct ProfileRates {
    points: Points,
    value: f64,
    /// Steps since second 0; less than 0 in a training.
    number: f64,
    step_s: f64,
}

impl ProfileRates {
    pub fn next(&mut self) -> Result<Segment, TraceError> {
        let (from, to) = (self.value, self.points.next()?);
        self.value = to;
        let begins_s = self.number * self.step_s;
        self.number += 1.0;
        let ends_s = self.number * self.step_s;
        Ok(Segment { begins_s, ends_s, factor: from, slope: (to - from) / self.step_s })
    }
}
