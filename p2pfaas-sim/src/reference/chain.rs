//! A small cluster as one Markov chain over the loads of all nodes.
//!
//! One type of jobs, exponential service, first come first served, and a dispatcher who sees all loads: then the
//! loads are the whole state, and what an admitted job is worth is its probability to be in time at the node
//! that it goes to (Puterman 1994, chapters 8 and 11: average reward, uniformisation, relative value
//! iteration).

use super::ReferenceError;
use super::cluster::ClusterModel;
use super::in_time::in_time;

/// States of a cluster that is solved: the product of (room + 1) over its nodes. A quarter of a million take
/// some ten seconds, the bound some minutes.
pub const MAX_STATES: usize = 4_000_000;

/// Sweeps over all states until a solution must have been found.
pub const MAX_SWEEPS: u32 = 200_000;

/// How closely the share of jobs in time is known: relative distance of its two bounds.
pub const PRECISION: f64 = 1e-9;

/// One sweep in so many only bounds the gain.
const SWEEPS_A_BOUND: u32 = 8;

/// The chain without its dispatcher.
#[derive(Debug)]
pub(super) struct Chain {
    pub places: Vec<Place>,
    /// Share of the jobs that come to each node.
    pub origins: Vec<f64>,
    arriving_per_s: f64,
    states: usize,
}

/// One node in the chain.
#[derive(Debug)]
pub(super) struct Place {
    /// How far apart in the order of states two loads are that differ by one job here.
    pub stride: usize,
    /// What a job is worth that finds this load; as many as there is room.
    pub reward: Vec<f64>,
    /// Jobs that leave in a second, by load.
    leaving_per_s: Vec<f64>,
}

impl Chain {
    /// # Errors
    /// What the chain does not model, and too many states.
    pub fn new(cluster: &ClusterModel) -> Result<Self, ReferenceError> {
        check(cluster)?;
        let task = &cluster.types[0];
        let mut stride = 1;
        let mut places = Vec::new();
        for node in &cluster.nodes {
            let per_s = node.speed / task.mean_service_s;
            let leaving = |load: u32| f64::from(load.min(node.slots)) * per_s;
            places.push(Place {
                stride,
                reward: in_time(cluster, node, task, 0.0),
                leaving_per_s: (0..=node.room()).map(leaving).collect(),
            });
            stride *= node.room() as usize + 1;
        }
        let arriving_per_s = cluster.rate_per_s();
        let origins = cluster.nodes.iter().map(|node| node.rate_per_s / arriving_per_s).collect();
        Ok(Chain { places, origins, arriving_per_s, states: stride })
    }

    /// The place of a load vector in the order of states; loads beyond a node's room count as full.
    pub fn state(&self, load: impl Fn(usize) -> u32) -> usize {
        let at =
            |(number, place): (usize, &Place)| (load(number) as usize).min(place.reward.len()) * place.stride;
        self.places.iter().enumerate().map(at).sum()
    }

    /// Solves the chain under a dispatcher. `arrival` is told a state's loads, its place in the order, and the
    /// values of all states, and says what an arrival is worth there: its reward and the value of the state
    /// that it leads to.
    ///
    /// # Errors
    /// No solution within [`MAX_SWEEPS`].
    pub fn solve(&self, arrival: impl Fn(&[u32], usize, &[f64]) -> f64) -> Result<Solution, ReferenceError> {
        let fastest: f64 = self.places.iter().map(|place| place.leaving_per_s[place.reward.len()]).sum();
        let events_per_s = self.arriving_per_s + fastest;
        let arriving = self.arriving_per_s / events_per_s;
        let leaving: Vec<Vec<f64>> = self
            .places
            .iter()
            .map(|place| place.leaving_per_s.iter().map(|per_s| per_s / events_per_s).collect())
            .collect();
        let mut values = vec![0.0; self.states];
        let mut loads = vec![0; self.places.len()];
        let mut gain = 0.0;
        let mut spread = f64::INFINITY;
        for sweep in 0..MAX_SWEEPS {
            // Gauss-Seidel in place is the quick way to better values. Whatever the values, the gain lies
            // between the smallest and the largest step that a simultaneous sweep would make.
            let bounding = sweep % SWEEPS_A_BOUND == 0;
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            loads.fill(0);
            for state in 0..self.states {
                let here = values[state];
                let mut value = arriving * arrival(&loads, state, &values);
                let mut moving = arriving;
                for ((load, place), leaving) in loads.iter().zip(&self.places).zip(&leaving) {
                    if *load > 0 {
                        let leaving = leaving[*load as usize];
                        value += leaving * values[state - place.stride];
                        moving += leaving;
                    }
                }
                if bounding {
                    let step = value - moving * here;
                    least = least.min(step);
                    most = most.max(step);
                } else {
                    values[state] = (value - gain) / moving;
                }
                for (load, place) in loads.iter_mut().zip(&self.places) {
                    *load += 1;
                    if *load as usize <= place.reward.len() {
                        break;
                    }
                    *load = 0;
                }
            }
            if bounding {
                gain = (least + most) / 2.0;
                spread = (most - least) / most.abs().max(f64::MIN_POSITIVE);
                if spread <= PRECISION {
                    return Ok(Solution { values, in_time: gain / arriving });
                }
                let base = values[0];
                values.iter_mut().for_each(|value| *value -= base);
            }
        }
        Err(ReferenceError::NotSolved { sweeps: MAX_SWEEPS, spread })
    }
}

/// A solved chain.
#[derive(Debug)]
pub(super) struct Solution {
    /// Relative values of the states, in jobs in time.
    pub values: Vec<f64>,
    /// Share of all jobs in time.
    pub in_time: f64,
}

fn check(cluster: &ClusterModel) -> Result<(), ReferenceError> {
    let not = |needs, found: String| Err(ReferenceError::NotItsModel { needs, found });
    let [task] = cluster.types.as_slice() else {
        return not("jobs of one type", format!("there are {}", cluster.types.len()));
    };
    if !task.exponential {
        return not("exponential service times", "the jobs have others".into());
    }
    if cluster.rate_per_s() <= 0.0 {
        return not("jobs that arrive", "none do".into());
    }
    let mut states: usize = 1;
    for (number, node) in cluster.nodes.iter().enumerate() {
        if node.processor_sharing {
            return not("first come, first served", format!("node {number} shares its processor"));
        }
        let reached = |other: usize| other == number || node.peers.contains(&(other as u32));
        if let Some(other) = (0..cluster.nodes.len()).find(|other| !reached(*other)) {
            return not(
                "peers that all know each other",
                format!("node {number} does not know node {other}"),
            );
        }
        states = states.saturating_mul(node.room() as usize + 1);
    }
    if states > MAX_STATES {
        return Err(ReferenceError::TooManyStates { states, most: MAX_STATES });
    }
    Ok(())
}
