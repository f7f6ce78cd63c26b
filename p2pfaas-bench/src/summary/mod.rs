//! The results of an experiment in numbers: what `summary.json` holds.
//!
//! Fractions are of offered jobs after the warm-up, times are seconds, latencies those of served
//! jobs from the instant when they were due. [`crate::statistics`] says what the intervals mean.

mod comparison;
mod policy;
mod runs;
mod warmup;

use serde::Serialize;

use crate::beside::Beside;
use crate::experiment::Experiment;
use crate::warnings;

pub use comparison::{Comparison, Difference, Measure, PairedBy, Verdict};
pub use policy::{CostSummary, Intervals, Lag, Latency, LearningSummary, Method, PolicySummary, SeedSummary};
pub use runs::{PolicyRuns, RunMeasured};
pub use warmup::Warmup;

/// All policies of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The experiment.
    pub experiment: String,
    /// Where it ran.
    pub on: &'static str,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Whether it was ended before it was over; then some jobs or policies are missing.
    pub interrupted: bool,
    /// Cores that it could use; `None` where that makes no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// Version of the program.
    pub version: &'static str,
    /// What its reader should know before believing it.
    pub warnings: Vec<String>,
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySummary>,
    /// Full-information policies beside them, as marks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<PolicySummary>,
    /// Every two of the policies, under the same jobs.
    pub comparisons: Vec<Comparison>,
    /// Which differences between these may be nothing but chance, in words.
    pub not_significant: Vec<String>,
    /// The same policies as they were measured elsewhere, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

impl Summary {
    /// Puts together what was measured of each policy of an experiment, in the order of the file. `cores`
    /// says on how many it ran, where that makes a difference.
    pub fn of(
        experiment: &Experiment,
        on: &'static str,
        cores: Option<usize>,
        interrupted: bool,
        runs: &[PolicyRuns],
    ) -> Summary {
        let (mut policies, mut references) = (Vec::new(), Vec::new());
        let mut told = warnings::about_traffic(experiment);
        let mut compared = Vec::new();
        for (policy, runs) in experiment.policies.iter().zip(runs) {
            let summary = PolicySummary::of(&policy.label, &policy.descriptor.to_string(), runs);
            let Some(mut summary) = summary else { continue };
            summary.warmup = Warmup::of(experiment, runs);
            summary.generator = runs.generator(experiment);
            told.extend(warnings::about(experiment, policy, &summary, cores, runs.first_failure()));
            if policy.reference {
                references.push(summary);
            } else {
                compared.push((policy.label.as_str(), runs));
                policies.push(summary);
            }
        }
        let comparisons = Comparison::all(&compared, &experiment.seeds);
        told.extend(warnings::warmup(&policies));
        told.extend(warnings::left_out(&comparisons));
        Summary {
            experiment: experiment.name.clone(),
            on,
            seeds: experiment.seeds.clone(),
            interrupted,
            cores,
            version: env!("CARGO_PKG_VERSION"),
            warnings: told,
            policies,
            references,
            not_significant: warnings::not_significant(&comparisons),
            comparisons,
            beside: None,
        }
    }

    /// The text of `summary.json`.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail: all keys are texts, and numbers that are not finite become null.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The policy with the largest share of jobs in time; of equals the first.
    pub fn best(&self) -> Option<&PolicySummary> {
        self.policies.iter().reduce(|best, other| if other.in_time > best.in_time { other } else { best })
    }
}

#[cfg(test)]
mod tests;
