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
