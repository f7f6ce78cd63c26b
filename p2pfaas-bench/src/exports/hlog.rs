//! HdrHistogram interval logs (format 1.3, V2 deflate): the latencies of served jobs, in microseconds, one
//! interval a stretch of the run, one tag a seed. Latencies count from the instant when a job was due.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::{ExportError, Jobs, file_name};

/// Intervals of a run at most; each is a whole number of seconds.
const MOST_INTERVALS: f64 = 120.0;
/// Significant digits, and the longest latency that is told from others.
const DIGITS: u8 = 3;
const LONGEST_US: u64 = 3_600_000_000;
/// Values are in microseconds; a reader's default is a million a unit of the maximum.
const US_A_SECOND: f64 = 1e6;

/// The latencies of one run, interval by interval.
type Intervals = BTreeMap<u64, Histogram<u64>>;

/// One file a policy.
pub(super) fn write(results: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let interval_s = interval_s(results)?;
    let mut policies: BTreeMap<String, BTreeMap<i64, Intervals>> = BTreeMap::new();
    for job in Jobs::open(results)? {
        let job = job?;
        if job.phase != "measured" || job.outcome != "served" {
            continue;
        }
        let Some(latency_s) = job.latency_s else { continue };
        let runs = policies.entry(job.run.policy).or_default();
        let histogram = runs
            .entry(job.run.seed)
            .or_default()
            .entry((job.scheduled_s / interval_s) as u64)
            .or_insert(new_histogram(out)?);
        histogram.saturating_record(((latency_s * US_A_SECOND).round() as u64).clamp(1, LONGEST_US));
    }
    let mut made = Vec::new();
    for (policy, runs) in policies {
        let path = out.join(format!("{}.hlog", file_name(&policy)));
        log(&path, &policy, &runs, interval_s).map_err(|reason| ExportError::write(&path, reason))?;
        made.push(path);
    }
    Ok(made)
}

fn new_histogram(out: &Path) -> Result<Histogram<u64>, ExportError> {
    Histogram::new_with_max(LONGEST_US, DIGITS).map_err(|error| ExportError::write(out, error))
}

/// The length of an interval: as few seconds as give no more than the most.
fn interval_s(results: &Path) -> Result<f64, ExportError> {
    let mut ends_s: f64 = 0.0;
    for job in Jobs::open(results)? {
        ends_s = ends_s.max(job?.scheduled_s);
    }
    Ok((ends_s / MOST_INTERVALS).ceil().max(1.0))
}

fn log(
    path: &Path,
    policy: &str,
    runs: &BTreeMap<i64, Intervals>,
    interval_s: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(&format!(
            "p2pfaas: latencies of {policy}, in microseconds, from the instants when jobs were due"
        ))
        // Instants count from the start of the run, so that the same run gives the same file.
        .with_start_time(UNIX_EPOCH)
        .with_base_time(UNIX_EPOCH)
        .with_max_value_divisor(US_A_SECOND)
        .begin_log_with(&mut file, &mut serializer)?;
    for (seed, intervals) in runs {
        let tag = format!("seed-{seed}");
        let tag = Tag::new(&tag);
        for (interval, histogram) in intervals {
            let begins = Duration::from_secs_f64(*interval as f64 * interval_s);
            log.write_histogram(histogram, begins, Duration::from_secs_f64(interval_s), tag)?;
        }
    }
    Ok(())
}
