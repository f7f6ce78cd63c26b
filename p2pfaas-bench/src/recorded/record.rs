//! Makes a trace of a recorded run: one file with a row an arrival.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use p2pfaas_sim::arrivals::{RecordedJob, Recording, TraceError};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{RecordedRun, Speeds, Wanted, names};
use crate::results::csv;

/// Rows in memory before they are written.
const ROW_GROUP: usize = 65_536;
/// The columns, in this order. Seconds count from the start of the run; `service_s` is at speed 1, and null
/// where the job was not run; `deadline_s` is null without one.
const COLUMNS: [(&str, Physical); 6] = [
    ("at_s", Physical::DOUBLE),
    ("node", Physical::INT32),
    ("task_type", Physical::INT32),
    ("task_type_name", Physical::BYTE_ARRAY),
    ("service_s", Physical::DOUBLE),
    ("deadline_s", Physical::DOUBLE),
];

/// A trace that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The run cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// There is something already.
    #[error("{0} is there already; give another name with --out")]
    Exists(PathBuf),
    /// The trace cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl RecordError {
    /// Whether what was asked for is wrong.
    pub fn is_input(&self) -> bool {
        !matches!(self, RecordError::Write { .. })
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// Label of the policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// Jobs, in the order of their instants.
    pub jobs: u64,
    /// Jobs whose service times are known, since they were run.
    pub with_service: u64,
    /// Task types and nodes that have jobs.
    pub task_types: usize,
    /// Nodes that have jobs.
    pub nodes: usize,
    /// The first and the last instant, seconds.
    pub span_s: (f64, f64),
}

/// Writes the trace of a run of a results folder (or jobs file): CSV if the name ends in `.csv`, else
/// Parquet; without a name, `trace.parquet` beside the jobs. Nothing is overwritten. `each` hears of every
/// job, with the number of all.
///
/// # Errors
/// The run cannot be read, or the trace not be written; then there is none.
pub fn record(
    results: &Path,
    wanted: &Wanted,
    out: Option<&Path>,
    each: impl FnMut(u64),
) -> Result<Written, RecordError> {
    let run = RecordedRun::check(results, wanted, usize::MAX, usize::MAX, &Speeds::default())?;
    let path = out.map_or_else(|| run.path.with_file_name("trace.parquet"), Path::to_path_buf);
    if path.exists() {
        return Err(RecordError::Exists(path));
    }
    let names = names::beside(&run.path)?;
    // A file under its own name is whole.
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |source| RecordError::Write { path: path.clone(), source };
    let rows = Rows { run: &run, names: &names };
    let written = rows.write(&part, is_csv(&path), each);
    let ended = written.and_then(|written| {
        fs::rename(&part, &path).map_err(Failure::from)?;
        Ok(written)
    });
    if ended.is_err() {
        // What cannot be taken away is told by its name.
        let _ = fs::remove_file(&part);
    }
    match ended {
        Ok(written) => Ok(Written { path, ..written }),
        Err(Failure::Trace(error)) => Err(error.into()),
        Err(Failure::Write(source)) => Err(failed(source)),
    }
}

/// Whether a name is that of a CSV file.
fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

enum Failure {
    Trace(TraceError),
    Write(io::Error),
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Self {
        Failure::Trace(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Write(error)
    }
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Failure::Write(io::Error::other(error))
    }
}

struct Rows<'a> {
    run: &'a RecordedRun,
    names: &'a [String],
}

impl Rows<'_> {
    fn write(&self, part: &Path, as_csv: bool, mut each: impl FnMut(u64)) -> Result<Written, Failure> {
        let mut file = if as_csv { Format::csv(part)? } else { Format::parquet(part)? };
        let (mut rows, mut nodes, mut task_types) = (Vec::new(), HashSet::new(), HashSet::new());
        let (mut jobs, mut with_service, mut last_s) = (0, 0, self.run.first_s());
        for job in self.run.open()? {
            let job = job?;
            nodes.insert(job.node);
            task_types.insert(job.task_type);
            jobs += 1;
            with_service += u64::from(job.service_s.is_some());
            last_s = job.at_s;
            rows.push(job);
            if rows.len() == ROW_GROUP {
                file.write(self, &rows)?;
                rows.clear();
            }
            each(self.run.count());
        }
        if !rows.is_empty() {
            file.write(self, &rows)?;
        }
        file.finish()?;
        Ok(Written {
            path: part.into(),
            policy: self.run.policy.clone(),
            seed: self.run.seed,
            jobs,
            with_service,
            task_types: task_types.len(),
            nodes: nodes.len(),
            span_s: (self.run.first_s(), last_s),
        })
    }

    fn name(&self, job: &RecordedJob) -> String {
        let task_type = usize::from(number(job));
        self.names.get(task_type).cloned().unwrap_or_else(|| names::of(task_type))
    }

    fn deadline_s(&self, job: &RecordedJob) -> Option<f64> {
        self.run.deadlines_s.get(&number(job)).copied()
    }

    fn line(&self, job: &RecordedJob) -> String {
        csv::line([
            job.at_s.to_string(),
            job.node.to_string(),
            number(job).to_string(),
            csv::quoted(&self.name(job)),
            csv::number(job.service_s),
            csv::number(self.deadline_s(job)),
        ])
    }

    fn group(
        &self,
        jobs: &[RecordedJob],
        mut group: SerializedRowGroupWriter<'_, File>,
    ) -> Result<(), ParquetError> {
        column::<DoubleType>(&mut group, jobs, |job| Some(job.at_s))?;
        column::<Int32Type>(&mut group, jobs, |job| i32::try_from(job.node).ok())?;
        column::<Int32Type>(&mut group, jobs, |job| Some(i32::from(number(job))))?;
        column::<ByteArrayType>(&mut group, jobs, |job| Some(ByteArray::from(self.name(job).into_bytes())))?;
        column::<DoubleType>(&mut group, jobs, |job| job.service_s)?;
        column::<DoubleType>(&mut group, jobs, |job| self.deadline_s(job))?;
        group.close()?;
        Ok(())
    }
}

/// A run knows the task type of each of its jobs.
fn number(job: &RecordedJob) -> u16 {
    job.task_type.unwrap_or(0)
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    jobs: &[RecordedJob],
    value: impl Fn(&RecordedJob) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else { return Ok(()) };
    let cells: Vec<_> = jobs.iter().map(value).collect();
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<_> = cells.into_iter().flatten().collect();
    writer.typed::<T>().write_batch(&values, Some(&present), None)?;
    writer.close()
}

enum Format {
    Csv(BufWriter<File>),
    Parquet(Box<SerializedFileWriter<File>>),
}

impl Format {
    fn csv(path: &Path) -> Result<Format, Failure> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(csv::line(COLUMNS.map(|(name, _)| name.to_string())).as_bytes())?;
        Ok(Format::Csv(file))
    }

    fn parquet(path: &Path) -> Result<Format, Failure> {
        let field = |(name, physical): (&str, Physical)| {
            let text = (physical == Physical::BYTE_ARRAY).then_some(LogicalType::String);
            let builder = Type::primitive_type_builder(name, physical);
            builder.with_repetition(Repetition::OPTIONAL).with_logical_type(text).build().map(Arc::new)
        };
        let fields = COLUMNS.into_iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("arrivals").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("p2pfaas ", env!("CARGO_PKG_VERSION")).to_string());
        let (schema, properties) = (Arc::new(schema), Arc::new(properties.build()));
        let writer = SerializedFileWriter::new(File::create(path)?, schema, properties)?;
        Ok(Format::Parquet(Box::new(writer)))
    }

    fn write(&mut self, rows: &Rows<'_>, jobs: &[RecordedJob]) -> Result<(), Failure> {
        match self {
            Format::Csv(file) => {
                for job in jobs {
                    file.write_all(rows.line(job).as_bytes())?;
                }
                Ok(())
            }
            Format::Parquet(writer) => Ok(rows.group(jobs, writer.next_row_group()?)?),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Format::Csv(mut file) => Ok(file.flush()?),
            Format::Parquet(writer) => {
                writer.close()?;
                Ok(())
            }
        }
    }
}
