//! The exact chain of a small cluster: LL(F, T) between nodes, and the shortest of d queues.

use super::balanced::{Balanced, Choice, PowerOfN};
use super::chain::{self, Dispatch, Fate};
use super::error::{TheoryError, at_least_one, positive, require};
use super::occupancy::MAX_STATES;
use super::station::{Station, mean};

impl PowerOfN {
    /// The steady state of `nodes` equal nodes, each with `arrivals_per_s`, solved as the Markov chain of
    /// how many nodes have how many jobs (fact sheet, anchors B6.4).
    ///
    /// # Errors
    /// No nodes, no slots, rates that are not finite numbers above 0; more than [`MAX_STATES`] states.
    pub fn exact(&self, nodes: u32, station: &Station, arrivals_per_s: f64) -> Result<Balanced, TheoryError> {
        solve(nodes, station, arrivals_per_s, self)
    }
}

/// `nodes` equal nodes behind one dispatcher that sends each job to the shortest of `choices` random ones
/// (distinct, ties at random), with `arrivals_per_s` a node. All nodes: join the shortest queue. Two: SQ(2),
/// without replacement. It probes `choices` nodes a job and forwards none.
///
/// # Errors
/// As [`PowerOfN::exact`]; no choices or more than nodes.
pub fn shortest_of(
    nodes: u32,
    choices: u32,
    station: &Station,
    arrivals_per_s: f64,
) -> Result<Balanced, TheoryError> {
    at_least_one("the number of choices", choices)?;
    require(choices <= nodes, "the number of choices", f64::from(choices), "at most the number of nodes")?;
    solve(nodes, station, arrivals_per_s, &ShortestOf { choices })
}

fn solve(
    nodes: u32,
    station: &Station,
    arrivals_per_s: f64,
    dispatch: &impl Dispatch,
) -> Result<Balanced, TheoryError> {
    at_least_one("the number of nodes", nodes)?;
    station.check(MAX_STATES as u32, "at most 2000000")?;
    positive("the arrival rate", arrivals_per_s)?;
    let rate_per_s: Vec<_> = (0..=station.places()).map(|jobs| station.rate_per_s(jobs)).collect();
    let solution = chain::solve(nodes, f64::from(nodes) * arrivals_per_s, &rate_per_s, dispatch)?;
    let served_per_s: f64 = solution.probabilities.iter().zip(&rate_per_s).map(|(p, rate)| p * rate).sum();
    let mean_number = mean(&solution.probabilities, 0);
    Ok(Balanced {
        blocking: solution.blocking,
        forwarded: solution.forwarded,
        probes_per_job: solution.probes_per_job,
        mean_number,
        mean_response_s: mean_number / served_per_s,
        residual: solution.residual,
        probabilities: solution.probabilities,
    })
}

/// P(all of `drawn` distinct ones out of `all` are among `some` of them).
fn all_among(some: u32, drawn: u32, all: u32) -> f64 {
    if some < drawn {
        return 0.0;
    }
    (0..drawn).map(|draw| f64::from(some - draw) / f64::from(all - draw)).product()
}

impl Dispatch for PowerOfN {
    fn dispatch(&self, nodes_with: &[u32], joins: &mut [f64]) -> Fate {
        let nodes: u32 = nodes_with.iter().sum();
        let others = nodes - 1;
        let drawn = self.fan_out.min(others);
        let mut fate = Fate::default();
        for (own, count) in nodes_with.iter().enumerate().filter(|(_, count)| **count > 0) {
            let arrives = f64::from(*count) / f64::from(nodes);
            if own < self.threshold as usize {
                joins[own] += arrives;
                continue;
            }
            fate.probes += arrives * f64::from(drawn);
            // Other nodes with at least this many jobs.
            let mut at_least = others;
            // P(all drawn have at least this many).
            let mut all_have = 1.0;
            let not_more: u32 = nodes_with[..=own].iter().sum::<u32>() - 1;
            let some_not_more = 1.0 - all_among(others - not_more, drawn, others);
            let mut to_less = 0.0;
            for (load, nodes_with) in nodes_with[..own].iter().enumerate() {
                at_least -= nodes_with;
                let before = std::mem::replace(&mut all_have, all_among(at_least, drawn, others));
                let goes = match self.choice {
                    Choice::LeastLoaded => before - all_have,
                    // By symmetry the one that is drawn is any of those that could be.
                    Choice::RandomAmongNotMoreLoaded if *nodes_with > 0 => {
                        some_not_more * f64::from(*nodes_with) / f64::from(not_more)
                    }
                    Choice::RandomAmongNotMoreLoaded => 0.0,
                };
                joins[load] += arrives * goes;
                to_less += goes;
            }
            // What is neither lost to a less loaded node ends at one with as many jobs: its own or another.
            joins[own] += arrives * (1.0 - to_less).max(0.0);
            fate.forwarded += arrives * (1.0 - all_have);
        }
        fate
    }
}

struct ShortestOf {
    choices: u32,
}

impl Dispatch for ShortestOf {
    fn dispatch(&self, nodes_with: &[u32], joins: &mut [f64]) -> Fate {
        let nodes: u32 = nodes_with.iter().sum();
        let mut at_least = nodes;
        let mut all_have = 1.0;
        for (joins, nodes_with) in joins.iter_mut().zip(nodes_with) {
            at_least -= nodes_with;
            let before = std::mem::replace(&mut all_have, all_among(at_least, self.choices, nodes));
            *joins = before - all_have;
        }
        Fate { forwarded: 0.0, probes: f64::from(self.choices) }
    }
}

#[cfg(test)]
mod tests;
