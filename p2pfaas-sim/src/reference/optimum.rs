//! The optimal central dispatcher of a small cluster, by dynamic programming.

use std::sync::Arc;

use p2pfaas_core::PeerId;
use p2pfaas_core::policy::{Decision, Descriptor, Policy, Rng, Situation};

use super::ReferenceError;
use super::board::Board;
use super::chain::{Chain, Solution};
use super::cluster::ClusterModel;
use super::scores::Best;

/// What the best dispatcher does, and how well. No policy has a larger share of jobs in time where its model
/// is exact: jobs of one type that arrive as one Poisson process, exponential service, first come first
/// served, no latency, nodes that stay up.
#[derive(Debug)]
pub struct Optimum {
    chain: Chain,
    solution: Solution,
}

/// Values that differ by less are equal: they are known no better.
const EQUAL: f64 = 1e-9;

impl Optimum {
    /// Solves a cluster.
    ///
    /// # Errors
    /// What does not fit its model, and clusters of more than [`MAX_STATES`](super::MAX_STATES) states.
    pub fn solve(cluster: &ClusterModel) -> Result<Self, ReferenceError> {
        let chain = Chain::new(cluster)?;
        let solution = chain.solve(|loads, state, values| {
            let admitted = loads.iter().zip(&chain.places).filter_map(|(load, place)| {
                let reward = place.reward.get(*load as usize)?;
                Some(reward + values[state + place.stride])
            });
            admitted.fold(values[state], f64::max)
        })?;
        Ok(Optimum { chain, solution })
    }

    /// The share of jobs in time.
    pub fn in_time(&self) -> f64 {
        self.solution.in_time
    }

    /// What a job is worth at a node, over being rejected, when the loads are those; `None` when the node is
    /// full. Where it is negative the job is better rejected.
    pub fn worth(&self, node: usize, loads: &[u32]) -> Option<f64> {
        let state = self.chain.state(|number| loads.get(number).copied().unwrap_or(u32::MAX));
        self.worth_in(state, node, *loads.get(node)?)
    }

    fn worth_in(&self, state: usize, node: usize, load: u32) -> Option<f64> {
        let place = self.chain.places.get(node)?;
        let reward = place.reward.get(load as usize)?;
        Some(reward + self.solution.values[state + place.stride] - self.solution.values[state])
    }
}

/// One node's part of the dispatcher.
pub(super) struct OptimalDispatch {
    pub descriptor: Descriptor,
    /// This node's number.
    pub own: usize,
    /// The number of the node that is `PeerId(k)`.
    pub peers: Arc<[u32]>,
    pub optimum: Arc<Optimum>,
    pub board: Board,
}

impl Policy for OptimalDispatch {
    fn descriptor(&self) -> Descriptor {
        self.descriptor.clone()
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.job.hops > 0 {
            return Decision::Local;
        }
        let load = |node: usize| match node == self.own {
            true => situation.slots.load(),
            // Who is down is as good as full.
            false => self.board.load(node).unwrap_or(u32::MAX),
        };
        let state = self.optimum.chain.state(load);
        let rounded = |node: usize| {
            let worth = self.optimum.worth_in(state, node, load(node))?;
            Some((worth / EQUAL).round() * EQUAL)
        };
        let mut best = Best::new();
        if let Some(worth) = rounded(self.own) {
            best.offer_own(worth, None);
        }
        for (node, peer) in self.peers.iter().zip(0..) {
            let Some(worth) = rounded(*node as usize) else { continue };
            if best.beaten_by(worth) && situation.peers.contains(PeerId(peer)) {
                best.offer(worth, Some(PeerId(peer)), rng);
            }
        }
        match best.chosen {
            Some(_) if best.score() < 0.0 => Decision::Reject,
            // Also when everybody is full: the node drops it.
            None | Some(None) => Decision::Local,
            Some(Some(peer)) => Decision::Forward(peer),
        }
    }
}
