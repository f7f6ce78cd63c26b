//! Lines of a text file, one after the other, with their numbers and places.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::TraceError;

/// No trace has longer lines: a file of another kind must not fill the memory.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads a file line by line.
pub(crate) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    offset: u64,
}

/// One line without its end.
pub(crate) struct Line<'a> {
    pub text: &'a str,
    /// From 1.
    pub number: u64,
    /// Bytes before it in the file.
    pub offset: u64,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Lines, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::unreadable(path, error))?;
        Ok(Lines { path: path.into(), reader: BufReader::new(file), line: Vec::new(), number: 0, offset: 0 })
    }

    /// `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<Line<'_>>, TraceError> {
        self.offset += self.line.len() as u64;
        self.number += 1;
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut self.line);
        read.map_err(|error| TraceError::unreadable(&self.path, error))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let wrong = |reason: &str| TraceError::Line {
            path: self.path.clone(),
            line: self.number,
            reason: reason.to_string(),
        };
        if self.line.len() as u64 == LONGEST_LINE {
            return Err(wrong("the line is too long"));
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| wrong("not a text in UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(Some(Line { text, number: self.number, offset: self.offset }))
    }
}
