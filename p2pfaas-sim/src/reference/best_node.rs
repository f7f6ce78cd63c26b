//! The policy that sends a job to the best node that it sees.

use std::sync::Arc;

use p2pfaas_core::PeerId;
use p2pfaas_core::policy::{Decision, Descriptor, Policy, ProbeReply, Rng, Situation};

use super::board::Board;
use super::scores::{Best, Scores};

/// One node's part of a full-information policy.
pub(super) struct BestNode {
    pub descriptor: Descriptor,
    /// This node's number.
    pub own: usize,
    /// The number of the node that is `PeerId(k)`.
    pub peers: Arc<[u32]>,
    pub scores: Arc<Scores>,
    pub sight: Sight,
}

/// What of the others' loads it sees.
pub(super) enum Sight {
    /// All, now and free of charge.
    All(Board),
    /// What so many probed peers tell.
    Probes(u32),
}

impl BestNode {
    fn choose(
        &self,
        situation: &Situation<'_>,
        others: impl Iterator<Item = (PeerId, u32)>,
        rng: &mut dyn Rng,
    ) -> Decision {
        let task_type = situation.job.task_type;
        let mut best = Best::new();
        if let Some(score) = self.scores.of(task_type, self.own, situation.slots.load()) {
            best.offer_own(score, None);
        }
        for (peer, load) in others {
            let Some(node) = self.peers.get(peer.0 as usize) else { continue };
            let Some(score) = self.scores.of(task_type, *node as usize, load) else { continue };
            if best.beaten_by(score) && situation.peers.contains(peer) {
                best.offer(score, Some(peer), rng);
            }
        }
        match best.chosen {
            // Everybody is full: the node drops it.
            None => Decision::Local,
            Some(_) if best.score() <= self.scores.floor => Decision::Reject,
            Some(None) => Decision::Local,
            Some(Some(peer)) => Decision::Forward(peer),
        }
    }
}

impl Policy for BestNode {
    fn descriptor(&self) -> Descriptor {
        self.descriptor.clone()
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.job.hops > 0 {
            return Decision::Local;
        }
        match &self.sight {
            Sight::All(board) => {
                let loads =
                    self.peers.iter().zip(0..).filter_map(|(node, peer)| {
                        board.load(*node as usize).map(|load| (PeerId(peer), load))
                    });
                self.choose(situation, loads, rng)
            }
            Sight::Probes(count) => {
                let peers = situation.peers.sample(*count, rng);
                if peers.is_empty() {
                    self.choose(situation, std::iter::empty(), rng)
                } else {
                    Decision::Probe(peers)
                }
            }
        }
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let loads = replies.iter().filter_map(|reply| reply.load.map(|load| (reply.peer, load.total())));
        self.choose(situation, loads, rng)
    }
}
