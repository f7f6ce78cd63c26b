//! What stands in a row.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;
use parquet::schema::types::Type;

use super::Row;
use crate::job::{JobRecord, Phase};

/// The value that a column takes from a row; `None` is null.
pub(super) enum Column {
    Text(fn(&Row) -> Option<&str>),
    Int(fn(&Row) -> Option<i32>),
    Long(fn(&Row) -> Option<i64>),
    Double(fn(&Row) -> Option<f64>),
    Bool(fn(&Row) -> Option<bool>),
}

use Column::{Bool, Double, Int, Long, Text};

/// Every column once: its name, its type and where its value comes from. What they mean is in `columns.md`.
pub(super) const COLUMNS: &[(&str, Column)] = &[
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
    ("probes", Int(|row| probes(&row.job))),
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

    pub(super) fn write(
        &self,
        rows: &[Row],
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        match self {
            Text(value) => batch::<ByteArrayType>(rows, |row| value(row).map(ByteArray::from), writer),
            Int(value) => batch::<Int32Type>(rows, value, writer),
            Long(value) => batch::<Int64Type>(rows, value, writer),
            Double(value) => batch::<DoubleType>(rows, value, writer),
            Bool(value) => batch::<BoolType>(rows, value, writer),
        }
    }
}

/// Known when a node has answered; those of a job that nobody answered may be known all the same.
fn probes(job: &JobRecord) -> Option<i32> {
    let answered = job.answered_s.is_some() && job.error.is_none();
    (answered || job.report.probes > 0).then_some(job.report.probes as i32)
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

/// What is written at the end of a file.
pub(super) fn schema() -> Result<Arc<Type>, ParquetError> {
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
    use crate::results::COLUMNS_TEXT;

    #[test]
    fn what_is_written_of_the_columns_names_them_all_in_their_order_with_their_types() {
        let written = COLUMNS_TEXT.lines().skip(2).map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 7, "{line}");
            assert!(!cells[4].is_empty() && !cells[5].is_empty(), "{line}");
            (cells[1].trim_matches('`'), cells[2])
        });
        let types = COLUMNS.iter().map(|(name, column)| {
            let arrow = match column {
                Text(_) => "Utf8",
                Int(_) => "Int32",
                Long(_) => "Int64",
                Double(_) => "Float64",
                Bool(_) => "Boolean",
            };
            (*name, arrow)
        });
        assert_eq!(written.collect::<Vec<_>>(), types.collect::<Vec<_>>());
    }

    #[test]
    fn probes_are_null_only_where_nobody_told_of_any() {
        let mut job = crate::testing::record(0, 0.0, crate::job::Outcome::Served, Some(0.1));
        assert_eq!(probes(&job), Some(0), "in virtual time there is no status");
        job.error = Some("no connection".into());
        assert_eq!(probes(&job), None);
        job.answered_s = None;
        job.report.probes = 2;
        assert_eq!(probes(&job), Some(2));
    }
}
