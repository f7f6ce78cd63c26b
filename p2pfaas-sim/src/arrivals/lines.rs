//! Lines of a text file, one after the other, with their numbers and places.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::TraceError;

/// No trace has longer lines: a file of another kind must not fill the memory.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads a text file line by line; one line is in memory, of at most a megabyte.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    offset: u64,
}

/// One line without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// What it says.
    pub text: &'a str,
    /// From 1.
    pub number: u64,
    /// Bytes before it in the file.
    pub offset: u64,
}

impl Lines {
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Lines, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::unreadable(path, error))?;
        Ok(Lines { path: path.into(), reader: BufReader::new(file), line: Vec::new(), number: 0, offset: 0 })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next line; `None` at the end of the file. After a line that is refused the next one can be read.
    ///
    /// # Errors
    /// The file cannot be read, or the line is too long or not a text.
    #[expect(clippy::should_implement_trait, reason = "a line borrows from its reader")]
    pub fn next(&mut self) -> Result<Option<Line<'_>>, TraceError> {
        self.offset += self.line.len() as u64;
        self.number += 1;
        self.read()?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let too_long = self.line.len() as u64 == LONGEST_LINE;
        // The rest of it is not a line of its own.
        while self.line.len() as u64 == LONGEST_LINE && self.line.last() != Some(&b'\n') {
            self.offset += LONGEST_LINE;
            self.read()?;
        }
        let wrong = |reason: &str| TraceError::Line {
            path: self.path.clone(),
            line: self.number,
            reason: reason.to_string(),
        };
        if too_long {
            return Err(wrong("the line is too long"));
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| wrong("not a text in UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(Some(Line { text, number: self.number, offset: self.offset }))
    }

    /// The next line that is not blank.
    ///
    /// # Errors
    /// As [`Lines::next`].
    pub fn next_with_text(&mut self) -> Result<Option<Line<'_>>, TraceError> {
        loop {
            match self.next()? {
                None => return Ok(None),
                Some(line) if line.text.trim().is_empty() => {}
                Some(_) => break,
            }
        }
        // Once more, since the borrow checker does not let a line out of the loop.
        let text = std::str::from_utf8(&self.line).unwrap_or_default().trim_end_matches(['\n', '\r']);
        Ok(Some(Line { text, number: self.number, offset: self.offset }))
    }

    fn read(&mut self) -> Result<(), TraceError> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let read = limited.read_until(b'\n', &mut self.line);
        read.map(|_| ()).map_err(|error| TraceError::unreadable(&self.path, error))
    }
}
