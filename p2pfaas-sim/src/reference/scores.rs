//! How good each node is for a job, by the load that it would find there.

use rand::{Rng, RngExt};

use super::ReferenceError;
use super::cluster::{ClusterModel, NodeModel, TypeModel};
use super::in_time::in_time;
use p2pfaas_core::offers::harm;

/// Jobs that a node may hold where reference policies decide: their tables have an entry for each load.
pub const MAX_ROOM: u32 = 10_000;

/// What makes a node good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    FewJobs,
    EarlyCompletion,
    InTime,
    Improvement,
}

/// Scores by task type, node and load. Nodes that are alike share their scores.
#[derive(Debug)]
pub(super) struct Scores {
    /// By task type, then by kind of node.
    by_load: Vec<Vec<Vec<f64>>>,
    kinds: Vec<u32>,
    /// A job whose best score is not larger is rejected.
    pub floor: f64,
}

impl Scores {
    pub fn new(measure: Measure, cluster: &ClusterModel) -> Result<Self, ReferenceError> {
        let mut different: Vec<&NodeModel> = Vec::new();
        let mut kinds = Vec::new();
        for (number, node) in cluster.nodes.iter().enumerate() {
            if node.room() > MAX_ROOM {
                return Err(ReferenceError::TooMuchRoom { node: number, room: node.room(), most: MAX_ROOM });
            }
            let kind = different.iter().position(|other| alike(other, node)).unwrap_or_else(|| {
                different.push(node);
                different.len() - 1
            });
            kinds.push(kind as u32);
        }
        let mut by_load = vec![Vec::new(); cluster.types.len()];
        for node in different {
            for (scores, of_type) in by_load.iter_mut().zip(of_node(measure, cluster, node)) {
                scores.push(of_type);
            }
        }
        let floor = if measure == Measure::Improvement { 0.0 } else { f64::NEG_INFINITY };
        Ok(Scores { by_load, kinds, floor })
    }

    /// The score of a node for a job that finds this load there; `None` when it is full or there is no such node.
    pub fn of(&self, task_type: u16, node: usize, load: u32) -> Option<f64> {
        // A node counts jobs of types beyond its bound as type 0.
        let scores = self.by_load.get(usize::from(task_type)).or(self.by_load.first())?;
        scores.get(*self.kinds.get(node)? as usize)?.get(load as usize).copied()
    }
}

fn alike(one: &NodeModel, other: &NodeModel) -> bool {
    (one.slots, one.queue, one.processor_sharing) == (other.slots, other.queue, other.processor_sharing)
        && one.speed == other.speed
}

/// Scores by task type and load.
fn of_node(measure: Measure, cluster: &ClusterModel, node: &NodeModel) -> Vec<Vec<f64>> {
    let room = node.room();
    let rate_per_s = cluster.balanced_rate_per_s(node);
    let in_time = |task: &TypeModel| in_time(cluster, node, task, rate_per_s);
    let types = &cluster.types;
    match measure {
        Measure::FewJobs => vec![(0..room).map(|load| -f64::from(load)).collect(); types.len()],
        Measure::EarlyCompletion => types.iter().map(|task| early(cluster, node, task)).collect(),
        Measure::InTime => types.iter().map(in_time).collect(),
        Measure::Improvement => {
            let mut scores: Vec<_> = types.iter().map(in_time).collect();
            let mean = |load: usize| types.iter().zip(&scores).map(|(task, of)| task.share * of[load]).sum();
            let reward: Vec<f64> = (0..room as usize).map(mean).collect();
            let one_leaves_per_s = node.speed / cluster.mean_service_s();
            let leaving: Vec<_> =
                (1..=room).map(|jobs| one_leaves_per_s * f64::from(jobs.min(node.processors()))).collect();
            let harm = harm(rate_per_s, &leaving, &reward);
            for of_type in &mut scores {
                of_type.iter_mut().zip(&harm.by_load).for_each(|(score, harm)| *score -= harm);
            }
            scores
        }
    }
}

/// Expected time to completion, negative. Under processor sharing as if nobody else came or left.
fn early(cluster: &ClusterModel, node: &NodeModel, task: &TypeModel) -> Vec<f64> {
    let own_s = task.mean_service_s / node.speed;
    let turn_s = cluster.mean_service_s() / node.strength();
    let time_s = |load: u32| {
        if node.processor_sharing {
            own_s / node.processor_each(load + 1)
        } else {
            own_s + turn_s * f64::from((load + 1).saturating_sub(node.slots))
        }
    };
    (0..node.room()).map(|load| -time_s(load)).collect()
}

/// The best of several candidates: the own node before others, others at random among equals.
#[derive(Debug)]
pub(super) struct Best<T> {
    score: f64,
    equals: u32,
    own: bool,
    pub chosen: Option<T>,
}

impl<T> Best<T> {
    /// Nobody yet.
    pub fn new() -> Self {
        Best { score: f64::NEG_INFINITY, equals: 0, own: false, chosen: None }
    }

    /// Offers the own node; before all others.
    pub fn offer_own(&mut self, score: f64, own: T) {
        *self = Best { score, equals: 1, own: true, chosen: Some(own) };
    }

    /// Whether a candidate with this score could be chosen.
    pub fn beaten_by(&self, score: f64) -> bool {
        score > self.score || score == self.score && !self.own
    }

    /// Offers another candidate.
    pub fn offer(&mut self, score: f64, candidate: T, rng: &mut dyn Rng) {
        if !self.beaten_by(score) {
            return;
        }
        self.equals = if score > self.score { 1 } else { self.equals + 1 };
        self.score = score;
        self.own = false;
        if self.equals == 1 || rng.random_range(0..self.equals) == 0 {
            self.chosen = Some(candidate);
        }
    }

    /// The score of the chosen one.
    pub fn score(&self) -> f64 {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Purpose, generator};

    #[test]
    fn the_own_node_wins_ties_and_others_share_them() {
        let mut rng = generator(1, Purpose::Node, 0);
        let mut counts = [0; 4];
        for _ in 0..3_000 {
            let mut best = Best::new();
            for (candidate, score) in [(0, 1.0), (1, 2.0), (2, 2.0), (3, 2.0)] {
                best.offer(score, candidate, &mut rng);
            }
            counts[best.chosen.unwrap()] += 1;
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count: &i32| count.abs_diff(1_000) < 120), "{counts:?}");

        let mut best = Best::new();
        best.offer_own(2.0, 9);
        best.offer(2.0, 1, &mut rng);
        assert_eq!(best.chosen, Some(9));
        best.offer(2.5, 1, &mut rng);
        assert_eq!((best.chosen, best.score()), (Some(1), 2.5));
    }
}
