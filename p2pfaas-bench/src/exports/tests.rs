use std::fs;
use std::io::Cursor;
use std::path::Path;

use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use prost::Message;
use rusqlite::Connection;
use serde_json::Value;

use super::*;
use crate::job::{JobRecord, Outcome, Phase};
use crate::results::{JobsFile, Row};
use crate::testing::record;

/// Three jobs of one policy under two seeds, one of them of the warm-up, and one of another policy.
fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut file = JobsFile::create(&folder.path().join("jobs.parquet"), "test").unwrap();
    let mut push = |policy: &str, seed, job: JobRecord| {
        file.push(Row { policy: policy.into(), seed, job }).unwrap();
    };
    let mut warm = record(0, 0.5, Outcome::Served, Some(0.75));
    warm.phase = Phase::Warmup;
    warm.status = Some(200);
    push("a b", 1, warm);
    let mut served = record(1, 2.0, Outcome::Served, Some(2.25));
    served.status = Some(200);
    served.executed_by = Some(3);
    served.report.forwarded = true;
    served.report.execution_s = Some(0.2);
    served.report.scheduling_s = Some(0.01);
    served.report.probing_s = Some(0.005);
    served.report.state = Some("1,2".into());
    served.report.action = Some(2);
    served.report.epsilon = Some(0.5);
    served.report.reward = Some(1.0);
    push("a b", 1, served);
    let mut dropped = record(2, 4.0, Outcome::Dropped, Some(4.5));
    (dropped.status, dropped.code) = (Some(500), Some(400));
    push("a b", 1, dropped);
    let mut lost = record(0, 3.0, Outcome::Failed, None);
    lost.error = Some("no answer within 30 s".into());
    push("a b", 2, lost);
    push("other", 1, record(0, 2.0, Outcome::Served, Some(3.0)));
    file.finish().unwrap();
    folder
}

fn export_one(results: &Path, format: Format) -> Vec<std::path::PathBuf> {
    export(results, &[format], None).unwrap()
}

#[test]
fn the_reference_scripts_find_their_tables_and_every_job() {
    let folder = results();
    let made = export_one(folder.path(), Format::ReferenceDb);
    let names: Vec<_> = made.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["a_b-seed1.db", "a_b-seed2.db", "other-seed1.db"]);
    // A second export takes the place of the first.
    export_one(folder.path(), Format::ReferenceDb);
    let database = Connection::open(&made[0]).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, f64>(0)).unwrap();
    assert_eq!(one("SELECT COUNT(*) FROM jobs"), 3.0);
    assert_eq!(one("SELECT time_total FROM jobs WHERE req_id = 1"), 0.25);
    assert_eq!(one("SELECT externally_executed FROM jobs WHERE req_id = 1"), 1.0);
    assert_eq!(one("SELECT learning_reward FROM jobs WHERE req_id = 1 AND learning_action = 2"), 1.0);
    assert_eq!(one("SELECT res_error_code FROM jobs WHERE res_status_code = 500"), 400.0);
    // Three jobs of node 0 between 0.5 and 4 s.
    assert!((one("SELECT MAX(requests_rate) FROM jobs") - 2.0 / 3.5).abs() < 1e-9);
    assert_eq!(one("SELECT time_value FROM timings WHERE time_type = 'probing'"), 0.005);
    let path: String = database
        .query_row("SELECT group_concat(value_value) FROM values_strings WHERE req_id = 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(path, "node-0,node-3");
    let lost = Connection::open(&made[1]).unwrap();
    let net_error: i64 = lost.query_row("SELECT req_net_error FROM jobs", [], |row| row.get(0)).unwrap();
    assert_eq!(net_error, 2);
}

#[test]
fn an_interval_log_holds_the_latencies_of_the_measured_jobs_by_seed() {
    let folder = results();
    let made = export_one(folder.path(), Format::Hlog);
    let text = fs::read(&made[0]).unwrap();
    let entries = IntervalLogIterator::new(&text).map(Result::unwrap);
    let intervals: Vec<_> = entries
        .filter_map(|entry| match entry {
            LogEntry::Interval(interval) => Some(interval),
            _ => None,
        })
        .collect();
    let [interval] = &intervals[..] else { panic!("{} intervals", intervals.len()) };
    assert_eq!(interval.tag().unwrap().as_str(), "seed-1");
    assert_eq!(interval.start_timestamp().as_secs(), 2);
    let bytes =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, interval.encoded_histogram()).unwrap();
    let histogram: hdrhistogram::Histogram<u64> =
        Deserializer::new().deserialize(&mut Cursor::new(bytes)).unwrap();
    assert_eq!(histogram.len(), 1);
    assert!(histogram.max().abs_diff(250_000) <= 250);
}

#[test]
fn a_load_summary_has_the_numbers_worked_out_by_hand() {
    let folder = results();
    let made = export_one(folder.path(), Format::Oha);
    let load: Value = serde_json::from_slice(&fs::read(&made[0]).unwrap()).unwrap();
    // Three measured jobs: served, dropped, lost; between 2 and 4 s under seed 1, at once under seed 2.
    assert_eq!(load["summary"]["successRate"], 1.0 / 3.0);
    assert_eq!(load["summary"]["total"], 2.0);
    assert_eq!(load["summary"]["requestsPerSec"], 1.5);
    assert_eq!(load["summary"]["average"], 0.375);
    assert_eq!(load["metrics"]["latency_ms"]["max"], 500.0);
    let p50 = load["latencyPercentiles"]["p50"].as_f64().unwrap();
    assert!((p50 - 0.25).abs() < 1e-3, "{p50}");
    assert_eq!(load["statusCodeDistribution"]["500"], 1);
    assert_eq!(load["errorDistribution"]["no answer within 30 s"], 1);
    let bars = load["responseTimeHistogram"].as_object().unwrap();
    assert_eq!(bars.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 2);
}

#[test]
fn learning_curves_become_events_whose_checksums_are_right() {
    let folder = results();
    let csv = "policy,seed,second,phase,offered,in_time,reward_mean,epsilon,td_error\n\
               \"learned, fast\",3,-1,training,4,0.5,0.25,0.9,0.125\n\"learned, fast\",3,0,measured,2,1,,,\n";
    fs::write(folder.path().join("learning.csv"), csv).unwrap();
    let made = export_one(folder.path(), Format::Tensorboard);
    assert!(made[0].ends_with("tensorboard/learned__fast-seed3/events.out.tfevents.0.p2pfaas"));
    let bytes = fs::read(&made[0]).unwrap();
    let (mut rest, mut events) = (&bytes[..], Vec::new());
    while let [_, ..] = rest {
        let (length, after) = rest.split_at(8);
        let (sum, after) = after.split_at(4);
        assert_eq!(sum, tensorboard::masked(length).to_le_bytes());
        let (event, after) = after.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
        let (sum, after) = after.split_at(4);
        assert_eq!(sum, tensorboard::masked(event).to_le_bytes());
        events.push(tensorboard::Event::decode(event).unwrap());
        rest = after;
    }
    assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
    let scalar = |event: &tensorboard::Event, tag: &str| {
        let values = &event.summary.as_ref().unwrap().values;
        values.iter().find(|scalar| scalar.tag == tag).and_then(|scalar| scalar.value)
    };
    assert_eq!((events.len(), events[1].step, events[2].step), (3, 4, 6));
    assert_eq!(scalar(&events[1], "charts/episodic_return"), Some(1.0));
    assert_eq!(scalar(&events[1], "losses/td_loss"), Some(0.125));
    assert_eq!(scalar(&events[1], "charts/SPS"), Some(4.0));
    assert_eq!(scalar(&events[2], "charts/SPS"), Some(3.0));
    assert_eq!(scalar(&events[2], "losses/td_loss"), None);
}

#[test]
fn the_checksum_is_the_published_one() {
    // RFC 3720, B.4: 32 bytes of zeros.
    assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(tensorboard::masked(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
}

#[test]
fn a_folder_without_jobs_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let error = export(folder.path(), &[Format::Oha], None).unwrap_err();
    assert!(error.to_string().ends_with("has no jobs.parquet; simulate once more with --jobs"), "{error}");
}
