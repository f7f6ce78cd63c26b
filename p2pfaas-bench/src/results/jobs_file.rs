//! `jobs.parquet`: one row a job, written while the run goes on.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use crate::job::{JobRecord, Phase};

/// Rows that are kept in memory before they are written.
const ROW_GROUP: usize = 16_384;

/// A jobs file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the jobs: {0}")]
pub struct JobsFileError(#[from] ParquetError);

impl From<std::io::Error> for JobsFileError {
    fn from(error: std::io::Error) -> Self {
        JobsFileError(error.into())
    }
}

/// A job with the run that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Label of the policy.
    pub policy: Arc<str>,
    /// The seed.
    pub seed: u64,
    /// The job.
    pub job: JobRecord,
}

/// The value that a column takes from a row; `None` is null.
enum Column {
    Text(fn(&Row) -> Option<&str>),
    Int(fn(&Row) -> Option<i32>),
    Long(fn(&Row) -> Option<i64>),
    Double(fn(&Row) -> Option<f64>),
    Bool(fn(&Row) -> Option<bool>),
}

use Column::{Bool, Double, Int, Long, Text};

/// Every column once: its name, its type and where its value comes from. Times of a run are seconds
/// since its start, so that training has times below 0. `warmup` marks all jobs that are not counted,
/// `phase` says why.
const COLUMNS: &[(&str, Column)] = &[
    ("policy", Text(|row| Some(&row.policy))),
    ("seed", Long(|row| Some(row.seed as i64))),
    ("node", Int(|row| Some(row.job.arrival.node as i32))),
    ("job", Long(|row| Some(row.job.arrival.number as i64))),
    ("task_type", Int(|row| Some(i32::from(row.job.arrival.task_type)))),
    ("warmup", Bool(|row| Some(row.job.phase != Phase::Measured))),
    ("scheduled_s", Double(|row| Some(row.job.arrival.at_s))),
    ("sent_s", Double(|row| row.job.sent_s)),
    ("answered_s", Double(|row| row.job.answered_s)),
    ("latency_s", Double(|row| row.job.latency_s())),
    ("status", Int(|row| row.job.status.map(i32::from))),
    ("code", Int(|row| row.job.code)),
    ("error", Text(|row| row.job.error.as_deref())),
    ("outcome", Text(|row| Some(row.job.outcome.name()))),
    ("in_time", Bool(|row| Some(row.job.in_time()))),
    ("deadline_s", Double(|row| row.job.deadline_s)),
    ("executed_by", Int(|row| row.job.executed_by.map(|node| node as i32))),
    ("forwarded", Bool(|row| Some(row.job.report.forwarded))),
    ("hops", Int(|row| Some(row.job.report.hops as i32))),
    ("probes", Int(|row| row.job.status.map(|_| row.job.report.probes as i32))),
    ("scheduling_s", Double(|row| row.job.report.scheduling_s)),
    ("probing_s", Double(|row| row.job.report.probing_s)),
    ("queue_s", Double(|row| row.job.report.queue_s)),
    ("execution_s", Double(|row| row.job.report.execution_s)),
    ("forwarding_s", Double(|row| row.job.report.forwarding_s)),
    ("total_s", Double(|row| row.job.report.total_s)),
    ("state", Text(|row| row.job.report.state.as_deref())),
    ("action", Int(|row| row.job.report.action)),
    ("epsilon", Double(|row| row.job.report.epsilon)),
    ("reward", Double(|row| row.job.report.reward)),
    ("learning_eid", Long(|row| row.job.report.eid.map(|eid| eid as i64))),
    ("learning_probability", Double(|row| row.job.report.probability)),
    ("phase", Text(|row| Some(row.job.phase.name()))),
];

/// The file while it is written. It can be read once [`JobsFile::finish`] was called.
#[derive(Debug)]
pub struct JobsFile {
    writer: SerializedFileWriter<File>,
    rows: Vec<Row>,
}

impl JobsFile {
    /// Makes the file.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, experiment: &str) -> Result<JobsFile, JobsFileError> {
        let key = KeyValue::new("experiment".to_string(), experiment.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("p2pfaas ", env!("CARGO_PKG_VERSION")).to_string())
            .set_key_value_metadata(Some(vec![key]));
        let writer = SerializedFileWriter::new(File::create(path)?, schema()?, Arc::new(properties.build()))?;
        Ok(JobsFile { writer, rows: Vec::new() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, row: Row) -> Result<(), JobsFileError> {
        self.rows.push(row);
        if self.rows.len() >= ROW_GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes what is in memory, as a row group.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> Result<(), JobsFileError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (_, column) in COLUMNS {
            if let Some(mut writer) = group.next_column()? {
                column.write(&self.rows, &mut writer)?;
                writer.close()?;
            }
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }

    /// Makes one file of several, with their rows in this order. Nothing is decoded: row groups are copied
    /// as they are, so that the same parts make the same bytes.
    ///
    /// # Errors
    /// A part cannot be read, or the file not be written.
    pub fn join(path: &Path, experiment: &str, parts: &[PathBuf]) -> Result<(), JobsFileError> {
        let mut whole = JobsFile::create(path, experiment)?;
        for part in parts {
            whole.append(&File::open(part)?)?;
        }
        whole.finish()
    }

    fn append(&mut self, part: &File) -> Result<(), JobsFileError> {
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(part)?;
        for (group, rows) in metadata.row_groups().iter().enumerate() {
            let mut copy = self.writer.next_row_group()?;
            for (number, column) in rows.columns().iter().enumerate() {
                let index = metadata.page_index();
                let close = ColumnCloseResult {
                    bytes_written: column.compressed_size().try_into().unwrap_or(0),
                    rows_written: rows.num_rows().try_into().unwrap_or(0),
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: index.and_then(|index| index.column_index(group, number)).cloned(),
                    offset_index: index.and_then(|index| index.offset_index(group, number)).cloned(),
                };
                copy.append_column(part, close)?;
            }
            copy.close()?;
        }
        Ok(())
    }

    /// Writes the rest and the footer.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<(), JobsFileError> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }
}

impl Column {
    fn physical(&self) -> Physical {
        match self {
            Text(_) => Physical::BYTE_ARRAY,
            Int(_) => Physical::INT32,
            Long(_) => Physical::INT64,
            Double(_) => Physical::DOUBLE,
            Bool(_) => Physical::BOOLEAN,
        }
    }

    fn write(&self, rows: &[Row], writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match self {
            Text(value) => batch::<ByteArrayType>(rows, |row| value(row).map(ByteArray::from), writer),
            Int(value) => batch::<Int32Type>(rows, value, writer),
            Long(value) => batch::<Int64Type>(rows, value, writer),
            Double(value) => batch::<DoubleType>(rows, value, writer),
            Bool(value) => batch::<BoolType>(rows, value, writer),
        }
    }
}

fn batch<T: DataType>(
    rows: &[Row],
    value: impl Fn(&Row) -> Option<T::T>,
    writer: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let cells: Vec<_> = rows.iter().map(value).collect();
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<_> = cells.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&values, Some(&present), None)?;
    Ok(())
}

fn schema() -> Result<Arc<Type>, ParquetError> {
    let field = |(name, column): &(&str, Column)| {
        let text = matches!(column, Text(_)).then_some(LogicalType::String);
        let field = Type::primitive_type_builder(name, column.physical())
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(text)
            .build()?;
        Ok(Arc::new(field))
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("job").with_fields(fields).build()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;
    use crate::testing::record;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    fn rows(count: u64) -> Vec<Row> {
        let row = |number| {
            let mut job = record(number, number as f64, Outcome::Served, Some(number as f64 + 0.25));
            job.deadline_s = Some(0.5);
            job.status = Some(200);
            job.executed_by = Some(3);
            job.report.forwarded = true;
            job.report.hops = 1;
            job.report.eid = Some(40 + number);
            job.report.probability = Some(0.75);
            if number % 2 == 1 {
                job.outcome = Outcome::Failed;
                job.answered_s = None;
                job.error = Some("connection refused".into());
            }
            Row { policy: "pow-2".into(), seed: 7, job }
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn what_was_written_is_read_back_in_several_row_groups() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.parquet");
        let mut file = JobsFile::create(&path, "test").unwrap();
        let written = rows(10);
        for row in &written[..6] {
            file.push(row.clone()).unwrap();
        }
        file.flush().unwrap();
        for row in &written[6..] {
            file.push(row.clone()).unwrap();
        }
        file.finish().unwrap();

        let reader = SerializedFileReader::try_from(path.as_path()).unwrap();
        assert_eq!(reader.num_row_groups(), 2);
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 10);
        let cell = |row: usize, name: &str| {
            let (_, value) = read[row].get_column_iter().find(|(column, _)| *column == name).unwrap();
            value.clone()
        };
        let names: Vec<_> = read[0].get_column_iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert_eq!(cell(2, "policy"), Field::Str("pow-2".into()));
        assert_eq!(cell(2, "seed"), Field::Long(7));
        assert_eq!(cell(2, "job"), Field::Long(2));
        assert_eq!(cell(2, "latency_s"), Field::Double(0.25));
        assert_eq!(cell(2, "in_time"), Field::Bool(true));
        assert_eq!(cell(2, "executed_by"), Field::Int(3));
        assert_eq!(cell(2, "outcome"), Field::Str("served".into()));
        assert_eq!(cell(2, "error"), Field::Null);
        assert_eq!(cell(2, "reward"), Field::Null);
        assert_eq!(cell(2, "learning_eid"), Field::Long(42));
        assert_eq!(cell(2, "learning_probability"), Field::Double(0.75));
        assert_eq!(cell(7, "outcome"), Field::Str("failed".into()));
        assert_eq!(cell(7, "latency_s"), Field::Null);
        assert_eq!(cell(7, "error"), Field::Str("connection refused".into()));
        assert_eq!(cell(7, "in_time"), Field::Bool(false));
    }

    #[test]
    fn joined_parts_have_the_rows_of_a_file_that_was_written_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let rows = rows(9);
        let mut at_once = JobsFile::create(&path("once.parquet"), "test").unwrap();
        let mut parts = Vec::new();
        for (number, chunk) in rows.chunks(4).enumerate() {
            parts.push(path(&format!("{number}.parquet")));
            let mut part = JobsFile::create(&parts[number], "test").unwrap();
            for row in chunk {
                part.push(row.clone()).unwrap();
                at_once.push(row.clone()).unwrap();
            }
            at_once.flush().unwrap();
            part.finish().unwrap();
        }
        at_once.finish().unwrap();
        JobsFile::join(&path("joined.parquet"), "test", &parts).unwrap();
        let read = |name: &str| {
            let reader = SerializedFileReader::try_from(path(name).as_path()).unwrap();
            assert_eq!(reader.num_row_groups(), 3);
            reader.get_row_iter(None).unwrap().map(Result::unwrap).collect::<Vec<_>>()
        };
        assert_eq!(read("joined.parquet"), read("once.parquet"));
    }

    #[test]
    fn a_file_without_jobs_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.parquet");
        JobsFile::create(&path, "test").unwrap().finish().unwrap();
        let reader = SerializedFileReader::try_from(path.as_path()).unwrap();
        assert_eq!(reader.get_row_iter(None).unwrap().count(), 0);
    }
}
