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
mod cluster;
mod harm;
mod in_time;
mod kinds;
mod scores;

use std::sync::Arc;

use p2pfaas_core::policy::{Descriptor, Policy};

use best_node::{BestNode, Sight};
use scores::{Measure, Scores};

pub use board::Board;
pub use cluster::{ClusterModel, NodeModel, TypeModel};
pub use harm::{Harm, harm};
pub use in_time::in_time;
pub use kinds::ReferenceKind;
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
    /// The optimum's model is not this cluster's.
    #[error("the optimum needs {needs}, and {found}")]
    NotItsModel {
        /// What it needs.
        needs: &'static str,
        /// What there is instead.
        found: String,
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
        let measure = match self {
            Reference::JoinShortestQueue => Measure::FewJobs,
            Reference::LeastExpectedCompletion => Measure::EarlyCompletion,
            Reference::MostLikelyInTime => Measure::InTime,
            Reference::PolicyImprovement { .. } => Measure::Improvement,
            Reference::Optimum => {
                return Err(ReferenceError::NotItsModel {
                    needs: "a solver",
                    found: "it is still to come".into(),
                });
            }
        };
        let scores = Arc::new(Scores::new(measure, cluster)?);
        let peers = cluster.nodes.iter().map(|node| node.peers.as_slice().into()).collect();
        Ok(Plan { reference: *self, peers, scores })
    }
}

/// A reference policy for one cluster. It may be used by many runs at once.
#[derive(Debug, Clone)]
pub struct Plan {
    reference: Reference,
    peers: Vec<Arc<[u32]>>,
    scores: Arc<Scores>,
}

impl Plan {
    /// The policies of the nodes of one run, in the order of their numbers. They read this board.
    pub fn policies(&self, board: &Board) -> Vec<Box<dyn Policy>> {
        let policy = |(own, peers): (usize, &Arc<[u32]>)| -> Box<dyn Policy> {
            let sight = match self.reference {
                Reference::PolicyImprovement { probes } if probes > 0 => Sight::Probes(probes),
                _ => Sight::All(board.clone()),
            };
            let (peers, scores) = (Arc::clone(peers), Arc::clone(&self.scores));
            Box::new(BestNode { descriptor: self.reference.descriptor(), own, peers, scores, sight })
        };
        self.peers.iter().enumerate().map(policy).collect()
    }
}
