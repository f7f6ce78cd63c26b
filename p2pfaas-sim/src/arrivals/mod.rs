//! Arrivals: when which job comes to which node.

mod counts;
mod earliest;
mod flash_crowd;
pub(crate) mod lines;
mod mmpp;
mod modulated;
mod profile;
mod recorded;
mod schedule;
mod sinusoid;
mod source;
mod trace_error;

pub use counts::{Counts, Within};
pub use flash_crowd::FlashCrowd;
pub use mmpp::Mmpp;
pub use profile::Profile;
pub use recorded::{Recorded, RecordedJob, RecordedJobs, Recording};
pub use schedule::{Arrival, Schedule};
pub use sinusoid::Sinusoid;
pub use trace_error::TraceError;

/// The arrivals of some task types at all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// How arrivals follow each other.
    pub kind: ArrivalKind,
    /// Jobs per second, one a node. [`ArrivalKind::Counts`] and [`ArrivalKind::Recorded`] do not ask.
    pub rates: Vec<f64>,
    /// Shares of the task types, one a type; they add up to 1. [`ArrivalKind::Recorded`] does not ask.
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
    /// Those of an earlier run.
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
            ArrivalKind::Recorded(recorded) => recorded.recording.count() as f64,
        }
    }
}

#[cfg(test)]
mod tests;
