//! What is tried out in a world.

use std::sync::{Arc, OnceLock};

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
    plan: OnceLock<Plan>,
}

impl Contender {
    /// One that asks no agents.
    pub fn new(registry: &Arc<Registry>, descriptor: Descriptor) -> Self {
        Contender {
            registry: Arc::clone(registry),
            descriptor,
            agents: None,
            reward: Reward::default(),
            plan: OnceLock::new(),
        }
    }

    /// What a full-information policy knows; `None` for all others.
    pub(super) fn plan(&self, scenario: &Scenario, network: &Network) -> Result<Option<Plan>, WorldError> {
        let Some(kind) = ReferenceKind::find(&self.descriptor.name) else { return Ok(None) };
        if let Some(known) = self.plan.get() {
            return Ok(Some(known.clone()));
        }
        let plan = kind.from_wire(&self.descriptor.parameters)?.plan(&model(scenario, network))?;
        Ok(Some(match scenario.network.topology {
            Topology::Full => self.plan.get_or_init(|| plan).clone(),
            // Peers may be others under another seed.
            _ => plan,
        }))
    }
}

fn model(scenario: &Scenario, network: &Network) -> ClusterModel {
    let nodes = scenario.nodes.iter().enumerate().map(|(index, spec)| NodeModel {
        slots: spec.slots,
        queue: spec.queue,
        speed: spec.speed,
        rate_per_s: scenario.traffic.rates[index],
        peers: network.neighbours(index as u32).collect(),
        processor_sharing: spec.discipline == Discipline::ProcessorSharing,
    });
    let types = scenario.jobs.iter().zip(&scenario.traffic.shares).map(|(job, share)| TypeModel {
        share: *share,
        mean_service_s: job.service.mean_s(),
        exponential: matches!(job.service, Service::Exponential { .. }),
        deadline_s: job.deadline.map(|deadline| deadline.as_secs_f64()),
    });
    ClusterModel { nodes: nodes.collect(), types: types.collect() }
}
