//! An embedded cluster: complete node services on this machine's loopback, each with ports and a
//! seed of its own, on emulated devices.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use p2pfaas_core::policy::Registry;
use p2pfaas_core::{Capacity, NodeConfig, defaults};
use p2pfaas_learner::{Counters, Online, Stats};
use p2pfaas_node::{AgentSettings, Function, LearnerPlace, NodeService, Settings, StartError, builtin};

use crate::curve::Glimpse;
use crate::emulate::{Device, DeviceCounts};
use crate::experiment::{Experiment, NodeSpec, PolicySpec};
use crate::results::Folder;
use crate::statistics::mean;
use crate::summary::LearningSummary;
use p2pfaas_sim::service::Service;
use p2pfaas_sim::streams::{Purpose, stream_seed};

/// The load generator has all its answers before a cluster ends, unless it was interrupted.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// A running cluster.
pub struct Cluster {
    nodes: Vec<NodeService>,
    counts: Arc<DeviceCounts>,
    /// Experiences of all nodes' agents when they started, and when their training was over.
    known: u64,
    trained: OnceLock<u64>,
}

impl Cluster {
    /// Starts all nodes and makes them each other's peers; they write event logs if there is a folder for them.
    ///
    /// # Errors
    /// A node cannot start; those that had started are stopped.
    pub async fn start(
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        registry: &Arc<Registry>,
        event_logs: Option<&Folder>,
    ) -> Result<Cluster, StartError> {
        let mut cluster = Cluster {
            nodes: Vec::with_capacity(experiment.nodes.len()),
            counts: Arc::default(),
            known: 0,
            trained: OnceLock::new(),
        };
        let services: Arc<[Option<Service>]> =
            experiment.jobs.iter().map(|job| job.service.clone()).collect();
        for (index, spec) in experiment.nodes.iter().enumerate() {
            let functions = cluster.functions(experiment, spec, &services, seed);
            let settings = Settings {
                machine_id: node_id(index),
                policy: policy.descriptor.clone(),
                learner: learner(policy, index),
                seed: stream_seed(seed, Purpose::Node, index as u64),
                core: config(experiment, spec, policy),
                discovery_listen: Some(loopback()),
                learner_listen: Some(loopback()),
                functions,
                event_log: event_logs.map(|folder| folder.event_log(&policy.file_name, seed, index)),
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
        cluster.introduce(policy.agent.is_some());
        cluster.known = cluster.experiences();
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
            Some(Function::new(name, Arc::new(device)))
        };
        let offered = experiment.functions().into_iter().filter(|name| spec.offers(name));
        offered.filter_map(function).collect()
    }

    /// Every node's peers are all others. The ports are known only now.
    ///
    /// A node numbers its peers as it meets them, and those that it meets at once by their names, which
    /// here are ports, different in each run. Where agents give numbers a meaning, nodes meet one by one
    /// in the order of the experiment: what was learned in one run can then be used in another.
    fn introduce(&self, one_by_one: bool) {
        let names: Vec<_> = self.nodes.iter().map(name).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            let others = names.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<_> = others.map(|(_, name)| name.clone()).collect();
            let first = if one_by_one { 1 } else { others.len() };
            for known in first..=others.len() {
                node.set_peers(others[..known].to_vec());
            }
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

    /// The agents, with the numbers of their nodes.
    pub fn agents(&self) -> impl Iterator<Item = (usize, &Arc<Online>)> + '_ {
        self.nodes.iter().enumerate().filter_map(|(node, service)| Some((node, service.agent()?)))
    }

    /// What the agents say of themselves, on average; `None` where there are none.
    pub fn glimpse(&self) -> Option<Glimpse> {
        let counters: Vec<_> = self.agents().map(|(_, agent)| agent.stats().counters).collect();
        let mean = |of: fn(&Counters) -> f64| mean(&counters.iter().map(of).collect::<Vec<_>>());
        let epsilon = mean(|counters| counters.epsilon)?;
        Some(Glimpse { epsilon, td_error: mean(|counters| counters.mean_error)? })
    }

    /// The training is over: all that has been experienced is learned, and from now on agents only act,
    /// unless they are to go on. Blocks.
    pub fn end_training(&self, policy: &PolicySpec) {
        let Some(spec) = &policy.agent else { return };
        for (_, agent) in self.agents() {
            agent.settle();
            agent.freeze(!spec.keep_learning);
        }
        self.trained.get_or_init(|| self.experiences());
    }

    fn experiences(&self) -> u64 {
        self.agents().map(|(_, agent)| agent.stats().counters.trained).sum()
    }

    /// What the agents have learned until now; `None` where they are not meant to.
    pub fn learned(&self, policy: &PolicySpec) -> Option<LearningSummary> {
        if !policy.learns() {
            return None;
        }
        let trained = self.trained.get().copied().unwrap_or(self.known);
        // What an inbox loses is missing in the order of experiences later on.
        let lost = |stats: Stats| stats.lost.max(stats.counters.episodes.gaps);
        Some(LearningSummary {
            training_s: policy.train_s(),
            experiences: trained.saturating_sub(self.known),
            experiences_after_training: self.experiences().saturating_sub(trained),
            experiences_lost: self.agents().map(|(_, agent)| lost(agent.stats())).sum(),
        })
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

fn learner(policy: &PolicySpec, node: usize) -> LearnerPlace {
    let Some(agent) = &policy.agent else { return LearnerPlace::Nowhere };
    LearnerPlace::Here(Box::new(AgentSettings {
        config: agent.config.clone(),
        start: agent.checkpoint_of(node),
        frozen: !policy.learns(),
        ..AgentSettings::default()
    }))
}

fn config(experiment: &Experiment, spec: &NodeSpec, policy: &PolicySpec) -> NodeConfig {
    let task_types = u16::try_from(experiment.jobs.len()).unwrap_or(u16::MAX);
    NodeConfig {
        capacity: Capacity { slots: spec.slots, queue: spec.queue },
        deadline_aware: spec.deadline_aware,
        job_timeout: experiment.cluster.job_timeout_s.map(Duration::from_secs_f64),
        task_types: task_types.max(defaults::TASK_TYPES),
        reward: policy.reward.clone(),
        ..NodeConfig::default()
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
