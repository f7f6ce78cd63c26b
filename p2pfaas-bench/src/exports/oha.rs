//! Load summaries in the JSON shape of oha: success rate, requests per second, latency percentiles, histogram,
//! status codes and errors. Latencies count from the instants when jobs were due, over all of them that
//! were answered in the measured time of all seeds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::{ExportError, Jobs, file_name};

const PERCENTILES: [f64; 9] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];
/// Bars of the histogram.
const BARS: u64 = 11;
const US_A_SECOND: f64 = 1e6;
const LONGEST_US: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// What is counted of one policy.
struct Load {
    latencies: Histogram<u64>,
    sum_s: f64,
    slowest_s: f64,
    fastest_s: f64,
    jobs: u64,
    served: u64,
    /// First and last instant at which a job was due, by seed.
    spans_s: BTreeMap<i64, (f64, f64)>,
    statuses: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
}

/// One file a policy.
pub(super) fn write(results: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut policies: BTreeMap<String, Load> = BTreeMap::new();
    for job in Jobs::open(results)? {
        let job = job?;
        if job.phase != "measured" {
            continue;
        }
        let load = match policies.get_mut(&job.run.policy) {
            Some(load) => load,
            None => policies.entry(job.run.policy.clone()).or_insert(Load::new(out)?),
        };
        load.add(&job);
    }
    let mut made = Vec::new();
    for (policy, load) in policies {
        let path = out.join(format!("{}.oha.json", file_name(&policy)));
        let text = format!("{:#}\n", load.to_json());
        std::fs::write(&path, text).map_err(|error| ExportError::write(&path, error))?;
        made.push(path);
    }
    Ok(made)
}

impl Load {
    fn new(out: &Path) -> Result<Load, ExportError> {
        let latencies =
            Histogram::new_with_max(LONGEST_US, DIGITS).map_err(|error| ExportError::write(out, error))?;
        Ok(Load {
            latencies,
            sum_s: 0.0,
            slowest_s: 0.0,
            fastest_s: f64::INFINITY,
            jobs: 0,
            served: 0,
            spans_s: BTreeMap::new(),
            statuses: BTreeMap::new(),
            errors: BTreeMap::new(),
        })
    }

    fn add(&mut self, job: &super::Job) {
        self.jobs += 1;
        self.served += u64::from(job.outcome == "served");
        let due_s = job.scheduled_s;
        let span = self.spans_s.entry(job.run.seed).or_insert((due_s, due_s));
        *span = (span.0.min(due_s), span.1.max(due_s));
        match (&job.error, job.status) {
            (Some(error), _) => *self.errors.entry(error.clone()).or_default() += 1,
            (None, Some(status)) => *self.statuses.entry(status.to_string()).or_default() += 1,
            // In virtual time there is no HTTP.
            (None, None) => *self.statuses.entry(job.outcome.clone()).or_default() += 1,
        }
        let Some(latency_s) = job.latency_s else { return };
        self.sum_s += latency_s;
        self.slowest_s = self.slowest_s.max(latency_s);
        self.fastest_s = self.fastest_s.min(latency_s);
        self.latencies.saturating_record(((latency_s * US_A_SECOND).round() as u64).min(LONGEST_US));
    }

    fn to_json(&self) -> Value {
        let answered = self.latencies.len();
        let total_s: f64 = self.spans_s.values().map(|(begins_s, ends_s)| ends_s - begins_s).sum();
        let some = |value: f64| (answered > 0).then_some(value);
        let success_rate = if self.jobs > 0 { self.served as f64 / self.jobs as f64 } else { 0.0 };
        let per_s = if total_s > 0.0 { self.jobs as f64 / total_s } else { 0.0 };
        let average = some(self.sum_s / answered.max(1) as f64);
        let at_s = |percent: f64| some(self.latencies.value_at_percentile(percent) as f64 / US_A_SECOND);
        let ms = |seconds: Option<f64>| seconds.map(|seconds| 1e3 * seconds);
        let percentiles: Map<_, _> =
            PERCENTILES.iter().map(|percent| (format!("p{percent}"), json!(at_s(*percent)))).collect();
        json!({
            "summary": {
                "successRate": success_rate,
                "total": total_s,
                "slowest": some(self.slowest_s),
                "fastest": some(self.fastest_s),
                "average": average,
                "requestsPerSec": per_s,
                "totalData": null,
                "sizePerRequest": null,
                "sizePerSec": null,
            },
            "metrics": {
                "success_rate": success_rate,
                "requests_per_sec": per_s,
                "latency_ms": {
                    "min": ms(some(self.fastest_s)),
                    "mean": ms(average),
                    "p50": ms(at_s(50.0)),
                    "p95": ms(at_s(95.0)),
                    "p99": ms(at_s(99.0)),
                    "max": ms(some(self.slowest_s)),
                },
            },
            "responseTimeHistogram": self.bars(),
            "latencyPercentiles": percentiles,
            "statusCodeDistribution": self.statuses,
            "errorDistribution": self.errors,
        })
    }

    /// Equal stretches from the fastest to the slowest: where each begins, in seconds, and what is in it.
    fn bars(&self) -> Map<String, Value> {
        let (Some(low), Some(high)) = (self.lowest_us(), self.highest_us()) else { return Map::new() };
        let width = ((high - low) / BARS).max(1);
        let bar = |number: u64| {
            let begins = low + number * width;
            let ends = if number + 1 == BARS { high } else { begins + width - 1 };
            (format!("{}", begins as f64 / US_A_SECOND), json!(self.latencies.count_between(begins, ends)))
        };
        (0..BARS).take_while(|number| low + number * width <= high).map(bar).collect()
    }

    fn lowest_us(&self) -> Option<u64> {
        (!self.latencies.is_empty()).then(|| self.latencies.min())
    }

    fn highest_us(&self) -> Option<u64> {
        (!self.latencies.is_empty()).then(|| self.latencies.max())
    }
}
