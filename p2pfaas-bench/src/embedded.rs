//! An embedded cluster: complete node services on this machine's loopback, each with ports and a
//! seed of its own, on emulated devices.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::{Capacity, NodeConfig, defaults};
use p2pfaas_node::{Function, NodeService, Settings, StartError, builtin};

use crate::emulate::{Device, DeviceCounts};
use crate::experiment::{Experiment, NodeSpec};
use crate::service::Service;
use crate::streams::{Purpose, stream_seed};

/// The load generator has all its answers before a cluster ends, unless it was interrupted.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// A running cluster.
pub struct Cluster {
    nodes: Vec<NodeService>,
    counts: Arc<DeviceCounts>,
}

impl Cluster {
    /// Starts all nodes and makes them each other's peers.
    ///
    /// # Errors
    /// A node cannot start; those that had started are stopped.
    pub async fn start(
        experiment: &Experiment,
        policy: &Descriptor,
        seed: u64,
        registry: &Arc<Registry>,
    ) -> Result<Cluster, StartError> {
        let mut cluster =
            Cluster { nodes: Vec::with_capacity(experiment.nodes.len()), counts: Arc::default() };
        let services: Arc<[Option<Service>]> = experiment.jobs.iter().map(|job| job.service).collect();
        for (index, spec) in experiment.nodes.iter().enumerate() {
            let functions = cluster.functions(experiment, spec, &services, seed);
            let settings = Settings {
                machine_id: node_id(index),
                policy: policy.clone(),
                seed: stream_seed(seed, Purpose::Node, index as u64),
                core: config(experiment, spec),
                discovery_listen: Some(loopback()),
                learner_listen: Some(loopback()),
                functions,
                shutdown_grace: SHUTDOWN_GRACE,
                ..Settings::default()
            };
            match NodeService::start(settings, Arc::clone(registry)).await {
                Ok(node) => cluster.nodes.push(node),
                Err(error) => {
                    cluster.shutdown().await;
                    return Err(error);
                }
            }
        }
        cluster.introduce();
        Ok(cluster)
    }

    fn functions(
        &self,
        experiment: &Experiment,
        spec: &NodeSpec,
        services: &Arc<[Option<Service>]>,
        seed: u64,
    ) -> Vec<Function> {
        let function = |name: &str| {
            let device = Device {
                function: builtin(name)?,
                services: Arc::clone(services),
                speed: spec.speed,
                seed,
                counts: Arc::clone(&self.counts),
            };
            Some(Function { name: name.into(), executor: Arc::new(device), deadline: None })
        };
        experiment.functions().into_iter().filter_map(function).collect()
    }

    /// Every node's peers are all others. The ports are known only now.
    fn introduce(&self) {
        let names: Vec<_> = self.nodes.iter().map(name).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            let others = names.iter().enumerate().filter(|(other, _)| *other != index);
            node.set_peers(others.map(|(_, name)| name.clone()).collect());
        }
    }

    /// Where the nodes listen, in the order of the experiment.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.nodes.iter().map(NodeService::address)
    }

    /// What the emulated devices have done.
    pub fn counts(&self) -> &DeviceCounts {
        &self.counts
    }

    /// Decisions that the fallback policy took.
    pub fn fallbacks(&self) -> u64 {
        self.nodes.iter().map(|node| node.counters().fallbacks).sum()
    }

    /// Stops all nodes.
    pub async fn shutdown(self) {
        let mut stopping = tokio::task::JoinSet::new();
        for node in self.nodes {
            stopping.spawn(node.shutdown());
        }
        stopping.join_all().await;
    }
}

/// The id under which a node shows itself.
pub fn node_id(index: usize) -> String {
    format!("node-{index}")
}

fn name(node: &NodeService) -> String {
    match node.discovery_address() {
        Some(discovery) => format!("{}:{}", node.address(), discovery.port()),
        None => node.address().to_string(),
    }
}

fn config(experiment: &Experiment, spec: &NodeSpec) -> NodeConfig {
    let task_types = u16::try_from(experiment.jobs.len()).unwrap_or(u16::MAX);
    NodeConfig {
        capacity: Capacity { slots: spec.slots, queue: spec.queue },
        deadline_aware: spec.deadline_aware,
        task_types: task_types.max(defaults::TASK_TYPES),
        ..NodeConfig::default()
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
