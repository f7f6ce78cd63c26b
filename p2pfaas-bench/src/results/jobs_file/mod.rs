//! `jobs.parquet`: one row a job, written while the run goes on, compressed by zstd.
//!
//! Types are those that Arrow (pandas, polars, DuckDB) reads; every column may be null as far as its type
//! goes.
//!
#![doc = include_str!("columns.md")]

mod columns;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use self::columns::{COLUMNS, schema};
use crate::job::JobRecord;

/// The columns of the file, one line each: name, Arrow type, unit, meaning, when null.
pub const COLUMNS_TEXT: &str = include_str!("columns.md");

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
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
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

#[cfg(test)]
mod tests;
