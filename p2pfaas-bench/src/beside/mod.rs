//! Simulation beside reality: what a results folder measured, and what the simulator makes of the same
//! experiment, policy by policy.

mod csv;
mod measured;
mod picture;
mod table;

use p2pfaas_sim::reference::ReferenceKind;
use serde::{Deserialize, Serialize};

use crate::results::{Folder, WriteError};
use crate::summary::{PolicySummary, Summary};

pub use measured::{Measured, MeasuredError, MeasuredPolicy};
pub(crate) use table::render as table;

/// Both sides of every policy that both have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    /// The folder in which the measured side is.
    pub folder: String,
    /// Where it was measured.
    pub on: String,
    /// The policies, in the order of the simulation.
    pub policies: Vec<Pair>,
    /// What a reader should know before comparing.
    pub notes: Vec<String>,
}

/// One policy on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// What it is called.
    pub label: String,
    /// As measured.
    pub measured: Values,
    /// As simulated.
    pub simulated: Values,
    /// Simulated less measured.
    pub difference: Values,
}

/// What is compared. Fractions are of the offered jobs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Fraction served within the deadline.
    pub in_time: f64,
    /// Fraction given to a peer.
    pub forwarded: f64,
    /// Fraction for which there was no room.
    pub dropped: f64,
    /// Mean latency of served jobs, seconds; `None` when none was.
    pub latency_mean_s: Option<f64>,
}

impl Values {
    fn of(policy: &PolicySummary) -> Values {
        Values {
            in_time: policy.in_time,
            forwarded: policy.forwarded,
            dropped: policy.dropped,
            latency_mean_s: policy.latency_s.mean,
        }
    }

    fn less(&self, other: &Values) -> Values {
        let latency = self.latency_mean_s.zip(other.latency_mean_s);
        Values {
            in_time: self.in_time - other.in_time,
            forwarded: self.forwarded - other.forwarded,
            dropped: self.dropped - other.dropped,
            latency_mean_s: latency.map(|(here, there)| here - there),
        }
    }
}

impl Beside {
    /// Compares what was measured with a simulation, by the labels of the policies; `notes` come first
    /// among what is to be known.
    pub fn of(measured: &Measured, simulated: &Summary, mut notes: Vec<String>) -> Beside {
        notes.extend(measured.notes());
        if measured.seeds != simulated.seeds {
            let seeds = |seeds: &[u64]| {
                let seeds: Vec<_> = seeds.iter().map(u64::to_string).collect();
                seeds.join(", ")
            };
            let (there, here) = (seeds(&measured.seeds), seeds(&simulated.seeds));
            notes.push(format!(
                "measured under the seeds {there}, simulated under {here}: these are other jobs"
            ));
        }
        let mut policies = Vec::new();
        for policy in &simulated.policies {
            let Some(there) = measured.policies.iter().find(|there| there.label == policy.label) else {
                // Marks that every simulation has, and no real node can reach.
                let mark = policy.name.split('(').next().and_then(ReferenceKind::find);
                notes.extend(mark.is_none().then(|| format!("{}: simulated, not measured", policy.label)));
                continue;
            };
            if there.name != policy.name {
                notes.push(format!("{}: measured {}, simulated {}", policy.label, there.name, policy.name));
            }
            let (measured, simulated) = (there.values(), Values::of(policy));
            let difference = simulated.less(&measured);
            policies.push(Pair { label: policy.label.clone(), measured, simulated, difference });
        }
        for there in &measured.policies {
            if simulated.policies.iter().all(|policy| policy.label != there.label) {
                notes.push(format!("{}: measured, not simulated", there.label));
            }
        }
        let folder = measured.folder.display().to_string();
        Beside { folder, on: measured.on.clone(), policies, notes }
    }

    /// The largest difference, without its sign; `None` where there is no policy.
    fn largest(&self, value: fn(&Values) -> f64) -> Option<f64> {
        self.policies.iter().map(|pair| value(&pair.difference).abs()).reduce(f64::max)
    }

    /// What the measured side is called.
    fn measured_name(&self) -> &'static str {
        if self.on == crate::simulate::ON { "recorded" } else { "real" }
    }
}

/// Puts a comparison into the summary of the simulation, and writes it with it: `summary.json`,
/// `beside.csv` and `beside.svg`.
///
/// # Errors
/// They cannot be written.
pub fn write(folder: &Folder, summary: &Summary) -> Result<(), WriteError> {
    let Some(beside) = &summary.beside else { return Ok(()) };
    folder.write_summary(summary)?;
    folder.write("beside.csv", &csv::render(beside))?;
    let failed = |error: String| WriteError {
        path: folder.path().join("beside.svg"),
        source: std::io::Error::other(error),
    };
    folder.write("beside.svg", &picture::render(&summary.experiment, beside).map_err(failed)?)
}

#[cfg(test)]
mod tests;
