//! The rows of a trace that `p2pfaas record` has written, or anybody else in that form.

use std::fs::File;
use std::path::{Path, PathBuf};

use p2pfaas_sim::arrivals::{Lines, RecordedJob, TraceError};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::rows::{seconds, whole};
use crate::damaged::survived;
use crate::traces::values;

/// What is read; the last may be missing.
const COLUMNS: [&str; 4] = ["at_s", "node", "task_type", "service_s"];
const NEEDED: usize = 3;

/// A job with its row: in CSV the line.
pub type Row = Result<(RecordedJob, u64), TraceError>;

/// Whether a Parquet file has these columns.
pub fn has_columns(path: &Path) -> Result<bool, TraceError> {
    Ok(places(&open(path)?).is_ok())
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, TraceError> {
    let file = File::open(path).map_err(|error| TraceError::unreadable(path, error))?;
    survived(|| SerializedFileReader::new(file)).map_err(|error| TraceError::unreadable(path, error))
}

/// Where the columns are; or the name of one that is missing.
fn places(reader: &SerializedFileReader<File>) -> Result<[Option<usize>; 4], &'static str> {
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let find = |name: &str| fields.iter().position(|field| field.name() == name);
    let places = COLUMNS.map(find);
    match COLUMNS.iter().zip(places).take(NEEDED).find(|(_, place)| place.is_none()) {
        Some((name, _)) => Err(name),
        None => Ok(places),
    }
}

/// Reads Parquet, one row group in memory at a time.
pub struct ParquetRows {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    places: [Option<usize>; 4],
    groups: usize,
    group: Group,
    taken: usize,
    number: u64,
}

#[derive(Default)]
struct Group {
    rows: usize,
    at_s: Vec<Option<f64>>,
    node: Vec<Option<i64>>,
    task_type: Vec<Option<i64>>,
    service_s: Vec<Option<f64>>,
}

impl ParquetRows {
    /// # Errors
    /// It cannot be read, or is not a trace.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let reader = open(path)?;
        let missing = |name| TraceError::File {
            path: path.into(),
            reason: format!("there is no column {name:?}, which `p2pfaas record` writes"),
        };
        let places = places(&reader).map_err(missing)?;
        let path = path.into();
        Ok(ParquetRows { path, reader, places, groups: 0, group: Group::default(), taken: 0, number: 0 })
    }

    fn read_group(&self, group: usize) -> Result<Group, ParquetError> {
        let reader: Box<dyn RowGroupReader> = self.reader.get_row_group(group)?;
        let rows = usize::try_from(reader.metadata().num_rows()).unwrap_or(0);
        let [at_s, node, task_type, service_s] =
            self.places.map(|place| place.map(|place| reader.get_column_reader(place)).transpose());
        let of_seconds = |column| {
            Ok::<_, ParquetError>(match column {
                Some(column) => seconds(column, rows)?,
                None => Vec::new(),
            })
        };
        let of_numbers = |column| {
            Ok::<_, ParquetError>(match column {
                Some(column) => whole(column, rows)?,
                None => Vec::new(),
            })
        };
        Ok(Group {
            rows,
            at_s: of_seconds(at_s?)?,
            node: of_numbers(node?)?,
            task_type: of_numbers(task_type?)?,
            service_s: of_seconds(service_s?)?,
        })
    }

    fn take(&mut self) -> Row {
        let at = self.taken;
        self.taken += 1;
        self.number += 1;
        let checked = Checked { path: &self.path, line: self.number };
        let Group { at_s, node, task_type, service_s, .. } = &self.group;
        let seconds = |column: &[Option<f64>]| column.get(at).copied().flatten();
        let number = |column: &[Option<i64>]| column.get(at).copied().flatten();
        checked.job(seconds(at_s), number(node), number(task_type), seconds(service_s))
    }
}

impl Iterator for ParquetRows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        while self.taken == self.group.rows {
            if self.groups == self.reader.num_row_groups() {
                return None;
            }
            match survived(|| self.read_group(self.groups)) {
                Ok(group) => (self.group, self.taken) = (group, 0),
                Err(error) => {
                    self.groups = self.reader.num_row_groups();
                    return Some(Err(TraceError::unreadable(&*self.path, error)));
                }
            }
            self.groups += 1;
        }
        Some(self.take())
    }
}

/// Reads CSV line by line.
pub struct CsvRows {
    lines: Lines,
    path: PathBuf,
    places: [Option<usize>; 4],
    columns: usize,
}

impl CsvRows {
    /// # Errors
    /// It cannot be read, or is not a trace.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let mut lines = Lines::open(path)?;
        let refused = |reason: String| TraceError::File { path: path.into(), reason };
        let header = lines.next()?.and_then(|line| values(line.text.trim_start_matches('\u{feff}')));
        let header = header.ok_or_else(|| refused("its first line does not name columns".into()))?;
        let places = COLUMNS.map(|name| header.iter().position(|column| column.trim() == name));
        if let Some((name, _)) = COLUMNS.iter().zip(places).take(NEEDED).find(|(_, place)| place.is_none()) {
            let reason = format!("there is no column {name:?}, which `p2pfaas record` writes");
            return Err(refused(reason));
        }
        Ok(CsvRows { lines, path: path.into(), places, columns: header.len() })
    }

    fn read(&mut self) -> Result<Option<(RecordedJob, u64)>, TraceError> {
        let Some(line) = self.lines.next_with_text()? else { return Ok(None) };
        let checked = Checked { path: &self.path, line: line.number };
        let cells = values(line.text).ok_or_else(|| checked.refused("a quote is not closed".into()))?;
        if cells.len() != self.columns {
            return Err(checked.refused(format!(
                "{} cells, but the header has {}",
                cells.len(),
                self.columns
            )));
        }
        let [at_s, node, task_type, service_s] =
            self.places.map(|place| place.map_or("", |place| cells[place].trim()));
        let service = match service_s {
            "" => None,
            text => Some(text.parse().unwrap_or(f64::NAN)),
        };
        checked.job(at_s.parse().ok(), node.parse().ok(), task_type.parse().ok(), service).map(Some)
    }
}

impl Iterator for CsvRows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        self.read().transpose()
    }
}

/// The place of a row.
struct Checked<'a> {
    path: &'a Path,
    line: u64,
}

impl Checked<'_> {
    fn refused(&self, reason: String) -> TraceError {
        TraceError::Line { path: self.path.into(), line: self.line, reason }
    }

    fn wrong(&self, column: &str, reason: &str) -> TraceError {
        TraceError::Cell {
            path: self.path.into(),
            line: self.line,
            column: column.into(),
            reason: reason.into(),
        }
    }

    fn job(
        &self,
        at_s: Option<f64>,
        node: Option<i64>,
        task_type: Option<i64>,
        service_s: Option<f64>,
    ) -> Row {
        const NUMBER: &str = "a whole number, 0 or more, is missing";
        let at_s = at_s.filter(|at_s| at_s.is_finite());
        if service_s.is_some_and(|service_s| !(service_s.is_finite() && service_s >= 0.0)) {
            return Err(self.wrong("service_s", "not a time in seconds, 0 or more"));
        }
        let node = node.and_then(|node| node.try_into().ok());
        let task_type = task_type.and_then(|number| number.try_into().ok());
        let job = RecordedJob {
            at_s: at_s.ok_or_else(|| self.wrong("at_s", "a time in seconds is missing"))?,
            node: node.ok_or_else(|| self.wrong("node", NUMBER))?,
            task_type: Some(task_type.ok_or_else(|| self.wrong("task_type", NUMBER))?),
            service_s,
        };
        Ok((job, self.line))
    }
}
