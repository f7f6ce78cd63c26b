//! What is told of a trace. What its format does not know is not there.

use serde::Serialize;

use super::Format;

/// A trace as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// The file as it was given.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Jobs; of rates, as many as come on average.
    pub jobs: Option<f64>,
    /// The first and the last instant of the trace, seconds.
    pub span_s: Option<[f64; 2]>,
    /// Functions, or task types of a recorded run.
    pub functions: Option<usize>,
    /// Apps that the functions belong to.
    pub apps: Option<usize>,
    /// Nodes that the trace names.
    pub nodes: Option<usize>,
    /// Jobs per second.
    pub rate: Option<Rate>,
    /// How unevenly the jobs come.
    pub burstiness: Option<Burstiness>,
    /// What jobs take.
    pub durations: Option<Durations>,
    /// What apps allocate.
    pub memory: Option<MemoryOfApps>,
    /// The rate over time.
    pub over_time: Option<Series>,
    /// Broken lines that were left out, over all files.
    pub broken_lines: u64,
    /// What one should know of these numbers.
    pub notes: Vec<String>,
}

impl Info {
    pub(super) fn new(file: String, format: Format) -> Info {
        Info {
            file,
            format,
            jobs: None,
            span_s: None,
            functions: None,
            apps: None,
            nodes: None,
            rate: None,
            burstiness: None,
            durations: None,
            memory: None,
            over_time: None,
            broken_lines: 0,
            notes: Vec::new(),
        }
    }
}

/// Jobs per second; of a profile, factors of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// Over the whole trace.
    pub mean: f64,
    /// In the minute (stage, point) with the most, where there is a whole one.
    pub peak: Option<f64>,
}

/// How unevenly jobs come; all are 1 for Poisson arrivals of a constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Burstiness {
    /// Variance over mean of the jobs a second.
    pub dispersion_per_second: Option<f64>,
    /// Variance over mean of the jobs a minute.
    pub dispersion_per_minute: Option<f64>,
    /// Standard deviation over mean of the gaps between jobs.
    pub gap_variation: Option<f64>,
}

/// What jobs take, seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Durations {
    /// What was counted: jobs, or functions.
    pub of: &'static str,
    /// How many of them have a duration.
    pub known: u64,
    /// How many there are.
    pub all: u64,
    /// The mean.
    pub mean_s: f64,
    /// Below which 5, 25, 50, 75, 95 and 99 % stay.
    pub quantiles_s: [f64; 6],
    /// The longest.
    pub max_s: f64,
    /// How many are in each range.
    pub histogram: Vec<Bar>,
}

/// Durations from one second to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bar {
    /// From here, seconds.
    pub from_s: f64,
    /// Below this, seconds.
    pub below_s: f64,
    /// So many.
    pub count: f64,
}

/// What apps allocate, megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MemoryOfApps {
    /// Apps.
    pub apps: usize,
    /// The mean of their averages.
    pub mean_mb: f64,
    /// The median of their averages.
    pub median_mb: f64,
    /// The highest average.
    pub highest_mb: f64,
    /// The highest 99th percentile.
    pub highest_p99_mb: f64,
}

/// Rates one after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The second at which it begins.
    pub begins_s: f64,
    /// Seconds of one value.
    pub step_s: f64,
    /// Jobs per second in each step; of a profile, factors.
    pub values: Vec<f64>,
}
