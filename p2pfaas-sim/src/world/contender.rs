//! What is tried out in a world.

use std::sync::{Arc, Mutex, PoisonError};

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::reward::Reward;

use super::WorldError;
use crate::learning::AgentPlan;
use crate::network::{Network, Topology};
use crate::reference::{ClusterModel, NodeModel, Plan, ReferenceKind, TypeModel};
use crate::scenario::{Discipline, Scenario};
use crate::service::Service;

/// A policy, and the agents that it asks. It is for one scenario, under any number of seeds.
#[derive(Debug, Clone)]
pub struct Contender {
    /// The policies that there are.
    pub registry: Arc<Registry>,
    /// The one to try, in its wire form; also a full-information policy.
    pub descriptor: Descriptor,
    /// The agents that it asks.
    pub agents: Option<AgentPlan>,
    /// What a finished job is worth to them.
    pub reward: Reward,
    /// What a full-information policy works out beforehand, where it is the same for all seeds.
    plan: Arc<Mutex<Option<Plan>>>,
}

impl Contender {
    /// One that asks no agents.
    pub fn new(registry: &Arc<Registry>, descriptor: Descriptor) -> Self {
        Contender {
            registry: Arc::clone(registry),
            descriptor,
            agents: None,
            reward: Reward::default(),
            plan: Arc::default(),
        }
    }

    /// What a full-information policy knows; `None` for all others.
    pub(super) fn plan(&self, scenario: &Scenario, network: &Network) -> Result<Option<Plan>, WorldError> {
        let Some(kind) = ReferenceKind::find(&self.descriptor.name) else { return Ok(None) };
        let work_out = || -> Result<Plan, WorldError> {
            Ok(kind.from_wire(&self.descriptor.parameters)?.plan(&model(scenario, network))?)
        };
        if scenario.network.topology != Topology::Full {
            // Peers may be others under another seed.
            return Ok(Some(work_out()?));
        }
        // Held while it is worked out: other runs wait for it, and do not work it out again.
        let mut known = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = match known.take() {
            Some(plan) => plan,
            None => work_out()?,
        };
        Ok(Some(known.insert(plan).clone()))
    }
}

/// Traffic that changes with time counts with its mean.
fn model(scenario: &Scenario, network: &Network) -> ClusterModel {
    let mut rates = vec![0.0; scenario.nodes.len()];
    let mut shares = vec![0.0; scenario.jobs.len()];
    let horizon_s = scenario.horizon_s();
    for traffic in &scenario.traffic {
        let mean_per_s = traffic.expected_jobs(0.0, horizon_s) / horizon_s;
        let sum: f64 = traffic.rates.iter().sum();
        for (node, rate) in rates.iter_mut().enumerate() {
            // What a trace has for each node is not known before.
            let part = traffic.rates.get(node).filter(|_| sum > 0.0);
            *rate += mean_per_s * part.map_or(1.0 / scenario.nodes.len() as f64, |part| part / sum);
        }
        for (task_type, share) in shares.iter_mut().enumerate() {
            *share += mean_per_s * traffic.shares.get(task_type).copied().unwrap_or(0.0);
        }
    }
    let all: f64 = shares.iter().sum();
    let nodes = scenario.nodes.iter().zip(rates).enumerate().map(|(index, (spec, rate_per_s))| NodeModel {
        slots: spec.slots,
        queue: spec.queue,
        speed: spec.speed,
        rate_per_s,
        peers: network.neighbours(index as u32).collect(),
        processor_sharing: spec.discipline == Discipline::ProcessorSharing,
    });
    let types = scenario.jobs.iter().zip(shares).map(|(job, share)| TypeModel {
        share: if all > 0.0 { share / all } else { 1.0 / scenario.jobs.len() as f64 },
        mean_service_s: job.service.mean_s(),
        exponential: matches!(job.service, Service::Exponential { .. }),
        deadline_s: job.deadline.map(|deadline| deadline.as_secs_f64()),
    });
    ClusterModel { nodes: nodes.collect(), types: types.collect() }
}
