//! What is simulated: nodes, what they can do and when they fail, the kinds of jobs, network and traffic.

use std::time::Duration;

use crate::arrivals::Traffic;
use crate::network::NetworkSpec;
use crate::service::Service;

/// A whole scenario. Policy and seed come on top of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// Task types; the index is the task type.
    pub jobs: Vec<JobSpec>,
    /// The arrivals from clients: those that task types share, and those that they have for themselves.
    pub traffic: Vec<Traffic>,
    /// What lies between the nodes.
    pub network: NetworkSpec,
    /// How long it takes until peers notice that a node has gone or come.
    pub detection: Duration,
    /// A job that is not answered by then fails; `None` for no limit.
    pub job_timeout: Option<Duration>,
    /// Seconds at the start of a run that are not counted.
    pub warmup_s: f64,
    /// Seconds that are counted.
    pub duration_s: f64,
}

impl Scenario {
    /// Seconds of one run, warm-up included.
    pub fn horizon_s(&self) -> f64 {
        self.warmup_s + self.duration_s
    }

    /// Whether the set of nodes changes while it goes on.
    pub fn has_churn(&self) -> bool {
        self.nodes
            .iter()
            .any(|node| node.faults.is_some() || node.joins_s.is_some() || node.leaves_s.is_some())
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// Jobs run at once.
    pub slots: u32,
    /// Jobs that may wait.
    pub queue: u32,
    /// Service times are divided by it.
    pub speed: f64,
    /// Drop on arrival what cannot finish in time.
    pub deadline_aware: bool,
    /// How the jobs that run share the node's processor.
    pub discipline: Discipline,
    /// Functions that it offers, by [`JobSpec::function`]; `None`: all.
    pub functions: Option<Vec<u32>>,
    /// When it breaks down.
    pub faults: Option<Faults>,
    /// Seconds of the run at which it joins; until then it is not there.
    pub joins_s: Option<f64>,
    /// Seconds of the run at which it leaves: it takes no new jobs and finishes those that it has.
    pub leaves_s: Option<f64>,
    /// Instances of functions that must be started; `None`: everything is always warm.
    pub instances: Option<InstanceSpec>,
}

impl Default for NodeSpec {
    fn default() -> Self {
        NodeSpec {
            slots: p2pfaas_core::defaults::SLOTS,
            queue: p2pfaas_core::defaults::QUEUE,
            speed: 1.0,
            deadline_aware: false,
            discipline: Discipline::Fifo,
            functions: None,
            faults: None,
            joins_s: None,
            leaves_s: None,
            instances: None,
        }
    }
}

/// How jobs that run at the same time share a node's processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Discipline {
    /// Each slot is a processor of its own; who waits is served in the order of arrival.
    #[default]
    Fifo,
    /// All jobs that run share one processor evenly.
    ProcessorSharing,
}

/// Exponential times to failure and to repair. A node that fails loses the jobs that it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Mean time between a repair and the next failure, seconds.
    pub mtbf_s: f64,
    /// Mean time to repair, seconds.
    pub mttr_s: f64,
}

/// Function instances (fact sheet DFaaS, 4.6, times in seconds): a job takes the idle instance that was
/// used last, else it starts a new one; an instance that has been idle for too long is gone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InstanceSpec {
    /// What a job takes longer that starts an instance, seconds on this node.
    pub cold_start_s: f64,
    /// How long an idle instance is kept, seconds.
    pub idle_timeout_s: f64,
    /// Instances of all functions that the node has room for; one more takes the place of the one that has
    /// been idle longest.
    pub max_instances: u32,
}

/// A kind of job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSpec {
    /// The function that it calls; task types may share one.
    pub function: u32,
    /// What a job takes on a device of speed 1.
    pub service: Service,
    /// Time from its arrival at the first node.
    pub deadline: Option<Duration>,
    /// Size of what goes with it to a peer.
    pub payload_bytes: u64,
    /// Size of its answer.
    pub answer_bytes: u64,
}
