//! Policies that know more than a node can: the marks against which others are measured.
//!
//! They are ordinary [`Policy`] values, one a node, that decide where a job goes when it arrives; queues,
//! hops and answers are the node's business as ever. What they have beyond others is a [`Board`] with the
//! loads of all nodes, now and free of charge, and a [`ClusterModel`] with slots, speeds and traffic. A job that
//! has been forwarded stays where it comes. Full nodes, and those that cannot be reached, are no candidates;
//! among equally good ones the own node comes first, then chance decides.
//!
//! None of them is a bound but the [`Optimum`](Reference::Optimum), and that one only where its model is exact.

mod best_node;
mod board;
mod chain;
mod cluster;
mod evaluate;
mod in_time;
mod kinds;
mod optimum;
mod scores;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use p2pfaas_core::policy::{Descriptor, Policy};

use best_node::{BestNode, Sight};
use optimum::OptimalDispatch;
use scores::{Measure, Scores};

pub use board::Board;
pub use chain::{MAX_STATES, MAX_SWEEPS, PRECISION};
pub use cluster::{ClusterModel, NodeModel, TypeModel};
pub use in_time::in_time;
pub use kinds::ReferenceKind;
pub use optimum::Optimum;
pub use p2pfaas_core::offers::{Harm, harm};
pub use scores::MAX_ROOM;

/// A reference policy with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// To the node with the fewest jobs.
    JoinShortestQueue,
    /// To the node where the job is expected to end first.
    LeastExpectedCompletion,
    /// To the node where the job is most likely to be in time.
    MostLikelyInTime,
    /// One step of policy improvement over a balanced random split: to the node where the job's chance to be in
    /// time exceeds what it takes from later jobs most, rejected where that is positive nowhere.
    PolicyImprovement {
        /// Random peers to probe; 0: all nodes are seen, free of charge.
        probes: u32,
    },
    /// The optimal central dispatcher, by dynamic programming.
    Optimum,
}

/// A reference policy that cannot be had for a cluster.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// A node holds too many jobs.
    #[error("node {node} has room for {room} jobs; reference policies take at most {most}: reduce its queue")]
    TooMuchRoom {
        /// Its number.
        node: usize,
        /// Its slots and places in the queue.
        room: u32,
        /// The bound.
        most: u32,
    },
    /// The model of the optimum is not this cluster's.
    #[error("dynamic programming needs {needs}, and {found}")]
    NotItsModel {
        /// What it needs.
        needs: &'static str,
        /// What there is instead.
        found: String,
    },
    /// Too many combinations of loads.
    #[error(
        "dynamic programming would have {states} states, of at most {most}: take fewer nodes, slots or places in queues"
    )]
    TooManyStates {
        /// The product of (slots + queue + 1) over the nodes.
        states: usize,
        /// The bound.
        most: usize,
    },
    /// The values have not settled.
    #[error("dynamic programming has not settled after {sweeps} sweeps: its bounds are {spread:e} apart")]
    NotSolved {
        /// Sweeps over all states.
        sweeps: u32,
        /// Relative distance of the bounds of the share of jobs in time.
        spread: f64,
    },
}

impl Reference {
    /// Its name and parameters; [`ReferenceKind::from_wire`] makes the same policy of them.
    pub fn descriptor(&self) -> Descriptor {
        match self {
            Reference::JoinShortestQueue => Descriptor::new("JoinShortestQueue", []),
            Reference::LeastExpectedCompletion => Descriptor::new("LeastExpectedCompletion", []),
            Reference::MostLikelyInTime => Descriptor::new("MostLikelyInTime", []),
            Reference::PolicyImprovement { probes } => {
                Descriptor::new("PolicyImprovement", [probes.to_string().as_str()])
            }
            Reference::Optimum => Descriptor::new("Optimum", []),
        }
    }

    /// Works out what the policy needs to know of a cluster: once for any number of runs.
    ///
    /// # Errors
    /// A cluster that the policy's tables do not take; for the optimum, one that its model does not fit.
    pub fn plan(&self, cluster: &ClusterModel) -> Result<Plan, ReferenceError> {
        let peers = cluster.nodes.iter().map(|node| node.peers.as_slice().into()).collect();
        let plan = |known| Plan { reference: *self, peers, known };
        let measure = match self {
            Reference::JoinShortestQueue => Measure::FewJobs,
            Reference::LeastExpectedCompletion => Measure::EarlyCompletion,
            Reference::MostLikelyInTime => Measure::InTime,
            Reference::PolicyImprovement { .. } => Measure::Improvement,
            Reference::Optimum => return Ok(plan(Known::Optimum(Arc::new(Optimum::solve(cluster)?)))),
        };
        Ok(plan(Known::Scores(Arc::new(Scores::new(measure, cluster)?))))
    }
}

/// A reference policy for one cluster. It may be used by many runs at once.
#[derive(Debug, Clone)]
pub struct Plan {
    reference: Reference,
    peers: Vec<Arc<[u32]>>,
    known: Known,
}

#[derive(Debug, Clone)]
enum Known {
    Scores(Arc<Scores>),
    Optimum(Arc<Optimum>),
}

impl Plan {
    /// The policies of the nodes of one run, in the order of their numbers. They read this board.
    pub fn policies(&self, board: &Board) -> Vec<Box<dyn Policy>> {
        let policy = |(own, peers): (usize, &Arc<[u32]>)| -> Box<dyn Policy> {
            let (descriptor, peers) = (self.reference.descriptor(), Arc::clone(peers));
            match &self.known {
                Known::Optimum(optimum) => {
                    let (optimum, board) = (Arc::clone(optimum), board.clone());
                    Box::new(OptimalDispatch { descriptor, own, peers, optimum, board })
                }
                Known::Scores(scores) => {
                    let (scores, sight) = (Arc::clone(scores), self.sight(board));
                    Box::new(BestNode { descriptor, own, peers, scores, sight })
                }
            }
        };
        self.peers.iter().enumerate().map(policy).collect()
    }

    fn sight(&self, board: &Board) -> Sight {
        match self.reference {
            Reference::PolicyImprovement { probes } if probes > 0 => Sight::Probes(probes),
            _ => Sight::All(board.clone()),
        }
    }

    /// The policy's exact share of jobs in time in this cluster, without simulation: where the
    /// [`Optimum`]'s model fits.
    ///
    /// # Errors
    /// Where it does not, and for a policy that probes.
    pub fn in_time_share(&self, cluster: &ClusterModel) -> Result<f64, ReferenceError> {
        match (&self.known, self.reference) {
            (_, Reference::PolicyImprovement { probes }) if probes > 0 => Err(ReferenceError::NotItsModel {
                needs: "a policy that sees all nodes",
                found: format!("this one probes {probes}"),
            }),
            (Known::Optimum(optimum), _) => Ok(optimum.in_time()),
            (Known::Scores(scores), _) => evaluate::in_time_share(cluster, scores),
        }
    }
}
