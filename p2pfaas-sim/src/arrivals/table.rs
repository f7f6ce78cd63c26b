//! Tables with a header: the places of the columns that are wanted, whatever else there is.

use std::path::{Path, PathBuf};

use super::TraceError;
use super::lines::{Line, Lines};

/// A file whose columns have names. Values are split at commas; there are no quotes.
pub(super) struct Table<const N: usize> {
    path: PathBuf,
    lines: Lines,
    /// What is wanted, and where it is.
    names: [&'static str; N],
    places: [usize; N],
    /// Columns of the header.
    columns: usize,
}

/// The wanted values of a line.
pub(super) struct Values<'a, const N: usize> {
    pub texts: [&'a str; N],
    names: [&'static str; N],
    path: &'a Path,
    line: u64,
}

impl<const N: usize> Table<N> {
    pub fn open(path: &Path, names: [&'static str; N]) -> Result<Self, TraceError> {
        let mut lines = Lines::open(path)?;
        let Some(header) = lines.next()? else {
            return Err(TraceError::File { path: path.into(), reason: "is empty".into() });
        };
        let found: Vec<&str> = header.text.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            // Not a line that could be left out.
            let missing = || {
                let reason = format!("the header has no column {name}; wanted are {}", names.join(","));
                TraceError::File { path: path.into(), reason }
            };
            *place = found.iter().position(|found| *found == name).ok_or_else(missing)?;
        }
        let columns = found.len();
        Ok(Table { path: path.into(), lines, names, places, columns })
    }

    /// The values of the next line that is not blank; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Values<'_, N>>, TraceError> {
        let (path, names) = (&*self.path, self.names);
        let Some(Line { text, number: line, .. }) = self.lines.next_with_text()? else { return Ok(None) };
        let cells = 1 + text.bytes().filter(|byte| *byte == b',').count();
        let mut values = Values { texts: [""; N], names, path, line };
        if cells != self.columns {
            return Err(values.refused(format!("{cells} cells, but the header has {}", self.columns)));
        }
        for (column, cell) in text.split(',').enumerate() {
            if let Some(wanted) = self.places.iter().position(|place| *place == column) {
                values.texts[wanted] = cell.trim();
            }
        }
        Ok(Some(values))
    }
}

impl<const N: usize> Values<'_, N> {
    /// A number, 0 or more.
    pub fn number(&self, wanted: usize) -> Result<f64, TraceError> {
        let text = self.texts[wanted];
        let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number.ok_or_else(|| self.wrong(wanted, format!("{text:?} is not a number, 0 or more")))
    }

    /// A value is not right.
    pub fn wrong(&self, wanted: usize, reason: String) -> TraceError {
        let column = self.names[wanted].into();
        TraceError::Cell { path: self.path.into(), line: self.line, column, reason }
    }

    /// The line is not right.
    pub fn refused(&self, reason: String) -> TraceError {
        TraceError::Line { path: self.path.into(), line: self.line, reason }
    }
}
