//! The shape of a day in the format of the reference client: lines `index,value` with values from 0 to 1.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TraceError;
use super::lines::{Line, Lines};
use super::modulated::Segment;

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
}

impl Profile {
    /// Reads all files once, one a node, and keeps only what they are like.
    ///
    /// # Errors
    /// A file or a line that is not right.
    pub fn check(files: &[PathBuf], period_s: f64) -> Result<Profile, TraceError> {
        let files = files.iter().map(|path| ProfileFile::check(path)).collect::<Result<_, _>>()?;
        Ok(Profile { period_s, files })
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
        let mut points = Points { path: Arc::clone(&file.path), offset: 0, line: 0, ahead: Vec::new() };
        for _ in 0..skipped {
            points.next()?;
        }
        let value = points.next()?;
        Ok(ProfileRates { points, value, number, step_s })
    }
}

impl ProfileFile {
    fn check(path: &Path) -> Result<ProfileFile, TraceError> {
        let mut lines = Lines::open(path)?;
        let (mut points, mut sum) = (0, 0.0);
        while let Some(line) = lines.next()? {
            sum += value(path, &line)?;
            points += 1;
        }
        if points == 0 {
            return Err(TraceError::File { path: path.into(), reason: "there is no point".into() });
        }
        Ok(ProfileFile { path: path.into(), points, mean: sum / points as f64 })
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
            (self.offset, self.line) = (0, 0);
        }
        // A line that the chunk cuts is left for the next one; the file's last line may have no end.
        let whole = match chunk.iter().rposition(|byte| *byte == b'\n') {
            Some(end) if chunk.len() == Self::CHUNK => end + 1,
            _ => chunk.len(),
        };
        let text = String::from_utf8_lossy(&chunk[..whole]);
        for text in text.lines() {
            self.line += 1;
            self.ahead.push(value(&self.path, &Line { text, number: self.line, offset: 0 })?);
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
