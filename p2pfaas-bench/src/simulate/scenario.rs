//! From an experiment to what the simulator takes.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::learning::AgentPlan;
use p2pfaas_sim::scenario::{InstanceSpec, JobSpec, NodeSpec, Scenario};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::world::Contender;

use crate::experiment::{self, Experiment, PolicySpec};

/// The scenario of an experiment.
pub(super) fn scenario(experiment: &Experiment) -> Scenario {
    let functions = experiment.functions();
    let number = |name: &str| functions.binary_search(&name).unwrap_or(0) as u32;
    let job = |job: &experiment::JobType| JobSpec {
        function: number(&job.function),
        // A file without service times is refused for this place.
        service: job.service.clone().unwrap_or(Service::Deterministic { mean_s: 0.0 }),
        deadline: job.deadline_s.map(seconds),
        payload_bytes: job.payload_bytes,
        answer_bytes: job.answer_bytes,
    };
    let node = |node: &experiment::NodeSpec| NodeSpec {
        slots: node.slots,
        queue: node.queue,
        speed: node.speed,
        deadline_aware: node.deadline_aware,
        discipline: node.discipline,
        functions: node.functions.as_ref().map(|names| names.iter().map(|name| number(name)).collect()),
        faults: node.faults,
        joins_s: (node.joins_s > 0.0).then_some(node.joins_s),
        leaves_s: node.leaves_s,
        instances: experiment.cluster.cold_starts.map(|cold| InstanceSpec {
            cold_start_s: cold.cold_start_s,
            idle_timeout_s: cold.idle_timeout_s,
            max_instances: cold.max_instances.unwrap_or(node.slots),
        }),
    };
    Scenario {
        nodes: experiment.nodes.iter().map(node).collect(),
        jobs: experiment.jobs.iter().map(job).collect(),
        traffic: experiment.traffic.clone(),
        network: experiment.network.clone(),
        detection: seconds(experiment.cluster.detect_s),
        job_timeout: experiment.cluster.job_timeout_s.map(seconds),
        warmup_s: experiment.warmup_s,
        duration_s: experiment.duration_s,
    }
}

/// A policy of an experiment.
pub(super) fn contender(experiment: &Experiment, policy: &PolicySpec, registry: &Arc<Registry>) -> Contender {
    let mut contender = Contender::new(registry, policy.descriptor.clone());
    contender.reward = policy.reward.clone();
    contender.agents = policy.agent.as_ref().map(|agent| AgentPlan {
        config: agent.config.clone(),
        checkpoints: (0..experiment.nodes.len()).map(|node| agent.checkpoint_of(node)).collect(),
        shared: agent.shared,
        frozen: !policy.learns(),
    });
    contender
}

/// Saturates: what takes longer than the clock lasts never ends.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
