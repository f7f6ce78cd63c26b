//! Arrivals: when which job comes to which node.

mod counts;
mod durations;
mod earliest;
mod flash_crowd;
mod in_order;
mod invocations;
mod lines;
mod memory;
mod mmpp;
mod modulated;
mod profile;
mod recorded;
mod schedule;
mod sinusoid;
mod source;
mod stages;
mod table;
mod trace_error;

pub use counts::{Counts, Loading, Within};
pub use durations::{Durations, Quantiles};
pub use flash_crowd::FlashCrowd;
pub use in_order::{InOrder, Lateness, MOST_WAITING};
pub use invocations::Invocations;
pub use lines::{Line, Lines};
pub use memory::Memory;
pub use mmpp::Mmpp;
pub use profile::Profile;
pub use recorded::{Recorded, RecordedJob, RecordedJobs, Recording};
pub use schedule::{Arrival, Schedule};
pub use sinusoid::Sinusoid;
pub use stages::Stages;
pub use trace_error::{LeftOut, TraceError};

/// The arrivals of some task types at all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// How arrivals follow each other.
    pub kind: ArrivalKind,
    /// Jobs per second, one a node. [`ArrivalKind::Counts`], [`ArrivalKind::Stages`] and
    /// [`ArrivalKind::Recorded`] do not ask.
    pub rates: Vec<f64>,
    /// Shares of the task types, one a type; they add up to 1. Of no use where the arrivals bring their task types.
    pub shares: Vec<f64>,
}

/// How arrivals follow each other.
#[derive(Debug, Clone, PartialEq)]
pub enum ArrivalKind {
    /// Independent exponential gaps.
    Poisson,
    /// Equal gaps; each node has a phase of its own.
    Deterministic,
    /// Poisson arrivals, whose rate jumps at random.
    Mmpp(Mmpp),
    /// Poisson arrivals, whose rate swings.
    Sinusoid(Sinusoid),
    /// Poisson arrivals, and more of them for a while.
    FlashCrowd(FlashCrowd),
    /// Poisson arrivals, whose rate follows a file.
    Profile(Profile),
    /// As many as a file says in each minute.
    Counts(Counts),
    /// Poisson arrivals, whose rates a file gives by stages for each function and node.
    Stages(Stages),
    /// Those of an earlier run, or of a trace with every single call.
    Recorded(Recorded),
}

impl Traffic {
    /// How many jobs come on average between two seconds of the run. For a profile the average of a
    /// period is taken, and for a recording all of its jobs.
    pub fn expected_jobs(&self, begins_s: f64, ends_s: f64) -> f64 {
        let lasts_s = ends_s - begins_s;
        let sum = |area_s: &dyn Fn(usize) -> f64| {
            self.rates.iter().enumerate().map(|(node, rate)| rate * area_s(node)).sum::<f64>()
        };
        match &self.kind {
            ArrivalKind::Poisson | ArrivalKind::Deterministic => sum(&|_| lasts_s),
            ArrivalKind::Mmpp(chain) => sum(&|_| lasts_s * chain.mean_factor()),
            ArrivalKind::Sinusoid(wave) => sum(&|node| wave.area_s(node, begins_s, ends_s)),
            ArrivalKind::FlashCrowd(crowd) => {
                let added_s = crowd.added_s(begins_s, ends_s);
                sum(&|node| lasts_s + if crowd.comes_to(node as u32) { added_s } else { 0.0 })
            }
            ArrivalKind::Profile(profile) => sum(&|node| lasts_s * profile.mean(node)),
            ArrivalKind::Counts(counts) => counts.calls(begins_s, ends_s),
            ArrivalKind::Stages(stages) => stages.jobs(begins_s, ends_s),
            ArrivalKind::Recorded(recorded) => recorded.recording.count() as f64,
        }
    }

    /// Broken lines that were left out of its files.
    pub fn left_out(&self) -> Vec<LeftOut> {
        let mut all = match &self.kind {
            ArrivalKind::Counts(counts) => counts.left_out().to_vec(),
            ArrivalKind::Profile(profile) => profile.left_out(),
            ArrivalKind::Recorded(recorded) => recorded.recording.left_out().cloned().into_iter().collect(),
            _ => Vec::new(),
        };
        all.retain(|left_out| left_out.lines > 0);
        all
    }
}

#[cfg(test)]
mod tests;
