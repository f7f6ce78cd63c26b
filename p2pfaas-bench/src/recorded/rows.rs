//! The rows of a jobs file that matter for playing it again, one row group in memory at a time.

use std::fs::File;
use std::path::{Path, PathBuf};

use p2pfaas_sim::arrivals::TraceError;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::damaged::survived;

/// What is read, in the order of [`Rows::columns`].
const COLUMNS: [&str; 9] =
    ["policy", "seed", "node", "job", "task_type", "scheduled_s", "execution_s", "executed_by", "deadline_s"];

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its row in the file, from 1.
    pub number: u64,
    /// Label of the policy.
    pub policy: String,
    /// The seed of its run.
    pub seed: u64,
    /// The node that it came to.
    pub node: u32,
    /// Its number in its run.
    pub job: u64,
    /// Its task type.
    pub task_type: u16,
    /// When it was due.
    pub scheduled_s: f64,
    /// How long it ran, and on which node; `None` where it did not.
    pub ran: Option<(f64, usize)>,
    /// Seconds that it had.
    pub deadline_s: Option<f64>,
}

/// Reads a jobs file.
pub struct Rows {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    columns: [usize; 9],
    /// Row groups that were read.
    groups: usize,
    /// Rows of the last of them, and how many of these were taken.
    group: Group,
    taken: usize,
    number: u64,
}

#[derive(Default)]
struct Group {
    rows: usize,
    policy: Vec<Option<String>>,
    whole: [Vec<Option<i64>>; 5],
    seconds: [Vec<Option<f64>>; 3],
}

impl Rows {
    /// # Errors
    /// The file cannot be read, or is not a jobs file.
    pub fn open(path: &Path) -> Result<Rows, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::unreadable(path, error))?;
        let reader = survived(|| SerializedFileReader::new(file))
            .map_err(|error| TraceError::unreadable(path, error))?;
        let fields = reader.metadata().file_metadata().schema().get_fields();
        let mut columns = [0; 9];
        for (column, name) in columns.iter_mut().zip(COLUMNS) {
            let found = fields.iter().position(|field| field.name() == name);
            let missing = || TraceError::File {
                path: path.into(),
                reason: format!("there is no column {name:?}, which `p2pfaas run` writes"),
            };
            *column = found.ok_or_else(missing)?;
        }
        let path = path.into();
        Ok(Rows { path, reader, columns, groups: 0, group: Group::default(), taken: 0, number: 0 })
    }

    fn read_group(&mut self) -> Result<(), TraceError> {
        let group =
            survived(|| self.reader.get_row_group(self.groups).and_then(|reader| self.columns_of(&*reader)));
        self.group = group.map_err(|error| TraceError::unreadable(&*self.path, error))?;
        self.groups += 1;
        self.taken = 0;
        Ok(())
    }

    fn columns_of(&self, reader: &dyn RowGroupReader) -> Result<Group, ParquetError> {
        let rows = usize::try_from(reader.metadata().num_rows()).unwrap_or(0);
        let column = |at: usize| reader.get_column_reader(self.columns[at]);
        Ok(Group {
            rows,
            policy: texts(column(0)?, rows)?,
            whole: [
                whole(column(1)?, rows)?,
                whole(column(2)?, rows)?,
                whole(column(3)?, rows)?,
                whole(column(4)?, rows)?,
                whole(column(7)?, rows)?,
            ],
            seconds: [seconds(column(5)?, rows)?, seconds(column(6)?, rows)?, seconds(column(8)?, rows)?],
        })
    }

    fn take(&mut self) -> Result<Row, TraceError> {
        let at = self.taken;
        self.taken += 1;
        self.number += 1;
        let (path, number) = (&self.path, self.number);
        let wrong = |column: &str, what: &str| TraceError::Cell {
            path: path.clone(),
            line: number,
            column: column.into(),
            reason: what.into(),
        };
        let Group {
            policy,
            whole: [seed, node, job, task_type, executed_by],
            seconds: [due, took, deadline],
            ..
        } = &mut self.group;
        let count = |column: &[Option<i64>], name| {
            let value = column.get(at).copied().flatten();
            value.ok_or_else(|| wrong(name, "a whole number is missing"))
        };
        let no_number = |name| move |_| wrong(name, "not a number that a run can have");
        let policy = policy.get_mut(at).and_then(Option::take);
        let scheduled_s = due.get(at).copied().flatten().filter(|at_s| at_s.is_finite());
        let took_s = took.get(at).copied().flatten();
        if took_s.is_some_and(|took_s| !(took_s.is_finite() && took_s >= 0.0)) {
            return Err(wrong("execution_s", "not a time in seconds, 0 or more"));
        }
        let by = executed_by.get(at).copied().flatten().map(usize::try_from).transpose();
        Ok(Row {
            number,
            policy: policy.ok_or_else(|| wrong("policy", "a label is missing"))?,
            seed: count(seed, "seed")? as u64,
            node: count(node, "node")?.try_into().map_err(no_number("node"))?,
            job: count(job, "job")?.try_into().map_err(no_number("job"))?,
            task_type: count(task_type, "task_type")?.try_into().map_err(no_number("task_type"))?,
            scheduled_s: scheduled_s.ok_or_else(|| wrong("scheduled_s", "a time in seconds is missing"))?,
            ran: took_s.zip(by.map_err(no_number("executed_by"))?),
            deadline_s: deadline.get(at).copied().flatten(),
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.taken == self.group.rows {
            if self.groups == self.reader.num_row_groups() {
                return None;
            }
            if let Err(error) = self.read_group() {
                self.groups = self.reader.num_row_groups();
                return Some(Err(error));
            }
        }
        Some(self.take())
    }
}

fn cells<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut present, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader.read_records(rows - read, Some(&mut present), None, &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    // A column that is always there says nothing about presence.
    if present.is_empty() {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(present.iter().map(|present| if *present > 0 { values.next() } else { None }).collect())
}

fn another_type() -> ParquetError {
    ParquetError::General("a column is of another type than `p2pfaas run` writes".into())
}

pub(super) fn whole(reader: ColumnReader, rows: usize) -> Result<Vec<Option<i64>>, ParquetError> {
    match reader {
        ColumnReader::Int64ColumnReader(reader) => cells(reader, rows),
        ColumnReader::Int32ColumnReader(reader) => {
            Ok(cells(reader, rows)?.into_iter().map(|cell| cell.map(i64::from)).collect())
        }
        _ => Err(another_type()),
    }
}

pub(super) fn seconds(reader: ColumnReader, rows: usize) -> Result<Vec<Option<f64>>, ParquetError> {
    match reader {
        ColumnReader::DoubleColumnReader(reader) => cells(reader, rows),
        _ => Err(another_type()),
    }
}

fn texts(reader: ColumnReader, rows: usize) -> Result<Vec<Option<String>>, ParquetError> {
    let ColumnReader::ByteArrayColumnReader(reader) = reader else { return Err(another_type()) };
    let text = |cell: parquet::data_type::ByteArray| Ok(cell.as_utf8()?.to_string());
    cells(reader, rows)?.into_iter().map(|cell| cell.map(text).transpose()).collect()
}
