//! The steady state of a cluster as a Markov chain on its occupancies.
//!
//! Each event changes the number of jobs in the cluster by one, so the states fall into levels, and only
//! neighbouring levels exchange flow. A round of the solver balances level after level (Gauss-Seidel) and
//! then gives the levels the weights of the birth-death chain that they form together (aggregation and
//! disaggregation), which settles at once what plain sweeps would take long to carry from end to end.

use std::ops::Range;

use super::error::TheoryError;
use super::occupancy::Occupancy;
use super::station::birth_death;

/// Rounds after which the solver gives up.
const MAX_ROUNDS: u32 = 20_000;
/// Rounds between looks at whether the solution is good enough.
const ROUNDS_A_LOOK: u32 = 8;
/// Share of the flow that may be out of balance in a solution.
const TOLERANCE: f64 = 1e-13;

/// What happens to a job that arrives in a state.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Fate {
    /// P(it is sent to another node).
    pub forwarded: f64,
    /// Nodes probed for it.
    pub probes: f64,
}

/// Where jobs go. Writes into `joins[i]` the probability that a job which arrives at the cluster goes to
/// a node with i jobs, given that `nodes_with[i]` nodes have so many. At a full node it is lost.
pub(super) trait Dispatch {
    fn dispatch(&self, nodes_with: &[u32], joins: &mut [f64]) -> Fate;
}

/// What is found of the chain.
pub(super) struct Solution {
    /// P(a node has i jobs).
    pub probabilities: Vec<f64>,
    pub blocking: f64,
    pub forwarded: f64,
    pub probes_per_job: f64,
    pub residual: f64,
}

/// Solves it: `arrivals_per_s` in all, `rate_per_s[i]` of a node with i jobs, i up to `places`.
pub(super) fn solve(
    nodes: u32,
    arrivals_per_s: f64,
    rate_per_s: &[f64],
    dispatch: &impl Dispatch,
) -> Result<Solution, TheoryError> {
    let places = rate_per_s.len() as u32 - 1;
    let empty = Occupancy::empty(nodes, places)?;
    let chain = Chain::build(empty.clone(), arrivals_per_s, rate_per_s, dispatch);
    let (law, residual) = chain.steady()?;
    let mut solution = Solution {
        probabilities: vec![0.0; rate_per_s.len()],
        blocking: 0.0,
        forwarded: 0.0,
        probes_per_job: 0.0,
        residual,
    };
    let mut joins = vec![0.0; rate_per_s.len()];
    let mut state = empty;
    loop {
        let p = law[chain.places[state.number()] as usize];
        joins.fill(0.0);
        let fate = dispatch.dispatch(state.nodes_with(), &mut joins);
        solution.blocking += p * joins[places as usize];
        solution.forwarded += p * fate.forwarded;
        solution.probes_per_job += p * fate.probes;
        for (sum, nodes_with) in solution.probabilities.iter_mut().zip(state.nodes_with()) {
            *sum += p * f64::from(*nodes_with) / f64::from(nodes);
        }
        if !state.advance() {
            return Ok(solution);
        }
    }
}

/// The transitions, states in the order of their levels. An edge joins a state with one of the next level.
struct Chain {
    /// Where each state is, by its number.
    places: Vec<u32>,
    /// Where each level begins; one more at the end.
    levels: Vec<usize>,
    /// Rates at which jobs are taken in, and at which they end, in each state.
    accepts: Vec<f64>,
    ends: Vec<f64>,
    /// Where the edges of each state begin; one more at the end.
    edges: Vec<usize>,
    upper: Vec<u32>,
    up: Vec<f64>,
    down: Vec<f64>,
}

impl Chain {
    fn build(empty: Occupancy, arrivals_per_s: f64, rate_per_s: &[f64], dispatch: &impl Dispatch) -> Self {
        let mut chain = Chain::layout(empty.clone(), rate_per_s.len() - 1);
        let mut joins = vec![0.0; rate_per_s.len()];
        let mut state = empty;
        loop {
            joins.fill(0.0);
            dispatch.dispatch(state.nodes_with(), &mut joins);
            let place = chain.places[state.number()] as usize;
            let loads = state.nodes_with().iter().zip(rate_per_s);
            chain.ends[place] = loads.map(|(nodes, rate)| f64::from(*nodes) * rate).sum();
            for (edge, (load, number)) in (chain.edges[place]..).zip(state.one_more()) {
                chain.upper[edge] = chain.places[number];
                chain.up[edge] = arrivals_per_s * joins[load];
                chain.down[edge] = f64::from(state.nodes_with()[load + 1] + 1) * rate_per_s[load + 1];
                chain.accepts[place] += chain.up[edge];
            }
            if !state.advance() {
                return chain;
            }
        }
    }

    /// Finds a place for each state and each edge.
    fn layout(mut state: Occupancy, places: usize) -> Self {
        let mut levels = vec![0; state.nodes() * places + 2];
        // First the level of each state.
        let (mut places, mut degrees) = (Vec::new(), Vec::new());
        loop {
            let level = state.jobs();
            levels[level + 1] += 1;
            places.push(level as u32);
            degrees.push(state.one_more().count());
            if !state.advance() {
                break;
            }
        }
        for level in 1..levels.len() {
            levels[level] += levels[level - 1];
        }
        let mut next = levels.clone();
        let mut edges = vec![0; places.len() + 1];
        for (place, degree) in places.iter_mut().zip(degrees) {
            let level = *place as usize;
            *place = next[level] as u32;
            edges[next[level] + 1] = degree;
            next[level] += 1;
        }
        for state in 1..edges.len() {
            edges[state] += edges[state - 1];
        }
        let (states, all) = (places.len(), edges[places.len()]);
        Chain {
            places,
            levels,
            accepts: vec![0.0; states],
            ends: vec![0.0; states],
            edges,
            upper: vec![0; all],
            up: vec![0.0; all],
            down: vec![0.0; all],
        }
    }

    fn edges(&self, state: usize) -> impl Iterator<Item = (usize, f64, f64)> {
        let range = self.edges[state]..self.edges[state + 1];
        let rates = self.up[range.clone()].iter().zip(&self.down[range.clone()]);
        self.upper[range].iter().zip(rates).map(|(upper, (up, down))| (*upper as usize, *up, *down))
    }

    /// The stationary law and what is out of balance in it.
    fn steady(&self) -> Result<(Vec<f64>, f64), TheoryError> {
        let mut law = vec![1.0; self.ends.len()];
        let mut inflow = vec![0.0; law.len()];
        let mut residual = f64::INFINITY;
        for round in 1..=MAX_ROUNDS {
            self.sweep(&mut law, &mut inflow);
            self.weigh_levels(&mut law);
            if round % ROUNDS_A_LOOK == 0 {
                residual = self.residual(&law, &mut inflow);
                if residual <= TOLERANCE {
                    return Ok((law, residual));
                }
            }
        }
        Err(TheoryError::NotSettled { rounds: MAX_ROUNDS, residual })
    }

    /// Balances each state against its neighbours, from the empty cluster up.
    fn sweep(&self, law: &mut [f64], inflow: &mut [f64]) {
        inflow.fill(0.0);
        for state in 0..law.len() {
            let from_above: f64 = self.edges(state).map(|(upper, _, down)| law[upper] * down).sum();
            let p = (inflow[state] + from_above) / (self.accepts[state] + self.ends[state]);
            law[state] = p;
            for (upper, up, _) in self.edges(state) {
                inflow[upper] += p * up;
            }
        }
    }

    /// Gives the levels the weights with which the flow between them is in balance.
    fn weigh_levels(&self, law: &mut [f64]) {
        let ranges: Vec<_> = self.levels.windows(2).map(|ends| ends[0]..ends[1]).collect();
        let masses: Vec<f64> = ranges.iter().map(|range| law[range.clone()].iter().sum()).collect();
        // Levels that are too improbable for a number, at either end, keep what they have.
        let known = |mass: &f64| *mass >= f64::MIN_POSITIVE;
        let first = masses.iter().position(known).unwrap_or(0);
        let last = first + masses[first..].iter().take_while(|mass| known(mass)).count();
        let mean = |rates: &[f64]| -> Vec<f64> {
            let flow = |range: &Range<usize>| -> f64 {
                law[range.clone()].iter().zip(&rates[range.clone()]).map(|(p, rate)| p * rate).sum()
            };
            (first..last).map(|level| flow(&ranges[level]) / masses[level]).collect()
        };
        let (up, down) = (mean(&self.accepts), mean(&self.ends));
        let weights =
            birth_death((last - first) as u32 - 1, |level| up[level as usize], |level| down[level as usize]);
        for (level, weight) in (first..last).zip(weights) {
            law[ranges[level].clone()].iter_mut().for_each(|p| *p *= weight / masses[level]);
        }
    }

    /// Share of the flow by which what comes into the states differs from what leaves them.
    fn residual(&self, law: &[f64], inflow: &mut [f64]) -> f64 {
        inflow.fill(0.0);
        for state in 0..law.len() {
            for (upper, up, down) in self.edges(state) {
                inflow[upper] += law[state] * up;
                inflow[state] += law[upper] * down;
            }
        }
        let (mut wrong, mut all) = (0.0, 0.0);
        for (state, (p, inflow)) in law.iter().zip(inflow).enumerate() {
            let outflow = p * (self.accepts[state] + self.ends[state]);
            wrong += (*inflow - outflow).abs();
            all += outflow;
        }
        wrong / all
    }
}
