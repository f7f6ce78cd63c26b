//! What is kept of one policy on one instance.

use serde::{Deserialize, Serialize};

use super::families::Told;
use crate::simulate::CountedRun;

/// One policy on one instance, by the arrivals of the evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What it is called: a fixed policy, a family, or a learned policy.
    pub label: String,
    /// What it is.
    pub role: Role,
    /// The policy with its parameters.
    pub policy: String,
    /// How its parameters were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Tuning>,
    /// What came of it.
    pub measured: Measured,
}

/// What a policy is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Not tuned.
    Fixed,
    /// The best of a family.
    Tuned(Told),
    /// From the list of policies.
    Learned,
}

/// How a policy was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// Its mean share of jobs in time under the tuning's arrivals.
    pub score: f64,
    /// Among so many.
    pub candidates: usize,
    /// By so many runs.
    pub runs: u64,
}

/// Shares are of the jobs that were due after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Jobs that were due.
    pub offered: u64,
    /// Served within the deadline.
    pub in_time: f64,
    /// No room.
    pub dropped: f64,
    /// The policy said no.
    pub rejected: f64,
    /// Lost.
    pub failed: f64,
    /// Given to a peer.
    pub forwarded: f64,
    /// Probes a job.
    pub probes_per_job: f64,
    /// The share in time of the jobs that came to the node that fared worst.
    pub worst_node: f64,
    /// Jain's index of the nodes' shares in time: 1 where all fare the same.
    pub jain: f64,
    /// Of served jobs.
    pub p99_s: Option<f64>,
}

impl Measured {
    pub(super) fn of(run: &CountedRun) -> Measured {
        let counts = &run.tally.counts;
        let share = |count| counts.fraction(count);
        let shares =
            run.nodes.iter().filter(|(due, _)| *due > 0).map(|(due, in_time)| *in_time as f64 / *due as f64);
        let shares: Vec<f64> = shares.collect();
        Measured {
            offered: counts.offered,
            in_time: share(counts.in_time),
            dropped: share(counts.dropped),
            rejected: share(counts.rejected),
            failed: share(counts.failed),
            forwarded: share(counts.forwarded),
            probes_per_job: share(counts.probes),
            worst_node: shares.iter().copied().reduce(f64::min).unwrap_or(0.0),
            jain: jain(&shares),
            p99_s: run.tally.latencies().quantile(0.99),
        }
    }
}

/// Jain, Chiu and Hawe 1984; 1 where there is nothing to share.
fn jain(shares: &[f64]) -> f64 {
    let (sum, squares) =
        shares.iter().fold((0.0, 0.0), |(sum, squares), share| (sum + share, squares + share * share));
    if squares > 0.0 { sum * sum / (shares.len() as f64 * squares) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jains_index_is_one_where_all_fare_the_same_and_one_of_n_where_one_has_all() {
        assert!((jain(&[0.7; 5]) - 1.0).abs() < 1e-12);
        assert!((jain(&[0.9, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
        assert!((jain(&[1.0, 0.5]) - 2.25 / 2.5).abs() < 1e-12);
        assert_eq!(jain(&[]), 1.0);
    }
}
