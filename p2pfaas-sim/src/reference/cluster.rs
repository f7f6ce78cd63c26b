//! What reference policies know of a cluster beforehand.

/// A cluster and its traffic, as far as a reference policy's model goes. All numbers are positive and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterModel {
    /// The nodes, in the order of their numbers.
    pub nodes: Vec<NodeModel>,
    /// The task types, in the order of their numbers.
    pub types: Vec<TypeModel>,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeModel {
    /// Jobs that run at once, at least 1.
    pub slots: u32,
    /// Jobs that may wait.
    pub queue: u32,
    /// Service times are divided by it.
    pub speed: f64,
    /// Jobs that clients bring to it in a second; may be 0.
    pub rate_per_s: f64,
    /// Number of the node that is this node's peer `PeerId(k)`, at place k.
    pub peers: Vec<u32>,
    /// Its jobs share one processor, instead of a slot for each. Those that would wait count as sharing it, too.
    pub processor_sharing: bool,
}

/// One task type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeModel {
    /// Its share of the jobs; shares add up to 1.
    pub share: f64,
    /// Mean service time at speed 1, seconds.
    pub mean_service_s: f64,
    /// Whether its service times are exponential. All policies reckon as if they were; only the optimum insists.
    pub exponential: bool,
    /// Its deadline, seconds from arrival.
    pub deadline_s: Option<f64>,
}

impl NodeModel {
    /// Jobs that it can hold.
    pub fn room(&self) -> u32 {
        self.slots.saturating_add(self.queue)
    }

    /// Processors that it has.
    pub fn processors(&self) -> u32 {
        if self.processor_sharing { 1 } else { self.slots }
    }

    /// How much work it can do at once, in processors of speed 1.
    pub fn strength(&self) -> f64 {
        f64::from(self.processors()) * self.speed
    }

    /// How much of a processor each job gets when there are `jobs`: 1 while there is one for each.
    pub(super) fn processor_each(&self, jobs: u32) -> f64 {
        f64::from(self.processors().min(jobs)) / f64::from(jobs.max(1))
    }
}

impl ClusterModel {
    /// Jobs that arrive in a second, everywhere.
    pub fn rate_per_s(&self) -> f64 {
        self.nodes.iter().map(|node| node.rate_per_s).sum()
    }

    /// Mean service time of all jobs at speed 1, seconds.
    pub fn mean_service_s(&self) -> f64 {
        self.types.iter().map(|task| task.share * task.mean_service_s).sum()
    }

    /// A node's share of all jobs when they are spread in proportion to what nodes can do, jobs in a second.
    pub fn balanced_rate_per_s(&self, node: &NodeModel) -> f64 {
        let strength: f64 = self.nodes.iter().map(NodeModel::strength).sum();
        self.rate_per_s() * node.strength() / strength
    }
}
