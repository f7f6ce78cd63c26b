//! How good a full-information policy is on a small cluster, without simulation.

use super::ReferenceError;
use super::chain::Chain;
use super::cluster::ClusterModel;
use super::scores::Scores;

/// The share of jobs in time when each goes to the node with the best score, on the same chain as the
/// [`Optimum`](super::Optimum)'s.
pub(super) fn in_time_share(cluster: &ClusterModel, scores: &Scores) -> Result<f64, ReferenceError> {
    let chain = Chain::new(cluster)?;
    let solution = chain.solve(|loads, state, values| {
        let score = |node: usize| scores.of(0, node, loads[node]);
        let best = (0..loads.len()).filter_map(score).fold(f64::NEG_INFINITY, f64::max);
        if best <= scores.floor {
            return values[state];
        }
        // Jobs that come to one of the best stay there; all others go to any of them.
        let (mut count, mut at_home, mut kept, mut shared) = (0.0, 0.0, 0.0, 0.0);
        for (node, place) in chain.places.iter().enumerate().filter(|(node, _)| score(*node) == Some(best)) {
            let value = place.reward[loads[node] as usize] + values[state + place.stride];
            count += 1.0;
            at_home += chain.origins[node];
            kept += chain.origins[node] * value;
            shared += value;
        }
        kept + (1.0 - at_home) * shared / count
    })?;
    Ok(solution.in_time)
}
