//! Runs on embedded clusters: a fresh one for each policy and seed.

use std::path::PathBuf;
use std::sync::Arc;

use p2pfaas_core::policy::Registry;
use p2pfaas_learner::checkpoint::CheckpointError;
use tokio::runtime::{Builder, Runtime};

use crate::cost::cores;
use crate::curve::Glimpse;
use crate::embedded::{Cluster, node_id};
use crate::emulate::DeviceCounts;
use crate::experiment::{Experiment, PolicySpec};
use crate::results::Folder;
use crate::site::{Nodes, Site, SiteError};
use crate::summary::LearningSummary;

/// This machine.
#[derive(Debug)]
pub struct Local<'a> {
    experiment: &'a Experiment,
    registry: Arc<Registry>,
    /// Where nodes write their event logs, if they do.
    event_logs: Option<&'a Folder>,
    runtime: Runtime,
}

impl<'a> Local<'a> {
    /// Nodes with these policies.
    ///
    /// # Errors
    /// Their threads cannot be started.
    pub fn new(
        experiment: &'a Experiment,
        registry: Registry,
        event_logs: Option<&'a Folder>,
    ) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("node").enable_all().build()?;
        Ok(Local { experiment, registry: Arc::new(registry), event_logs, runtime })
    }
}

impl Site for Local<'_> {
    fn on(&self) -> &'static str {
        "local"
    }

    fn cores(&self) -> Option<usize> {
        Some(cores())
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    fn start(&self, policy: &PolicySpec, seed: u64) -> Result<Box<dyn Nodes + '_>, SiteError> {
        let start = Cluster::start(self.experiment, policy, seed, &self.registry, self.event_logs);
        let cluster = self.runtime.block_on(start)?;
        Ok(Box::new(Embedded { cluster, runtime: &self.runtime }))
    }
}

/// A cluster, and the runtime that it lives on.
struct Embedded<'a> {
    cluster: Cluster,
    runtime: &'a Runtime,
}

impl Nodes for Embedded<'_> {
    fn names(&self) -> Vec<(String, String)> {
        let named = |(index, address): (usize, std::net::SocketAddr)| (node_id(index), address.to_string());
        self.cluster.addresses().enumerate().map(named).collect()
    }

    fn end_training(&self, policy: &PolicySpec) {
        self.cluster.end_training(policy);
    }

    fn fallbacks(&self) -> u64 {
        self.cluster.fallbacks()
    }

    fn devices(&self) -> Option<&DeviceCounts> {
        Some(self.cluster.counts())
    }

    fn glimpse(&self) -> Option<Glimpse> {
        self.cluster.glimpse()
    }

    fn learned(&self, policy: &PolicySpec) -> Option<LearningSummary> {
        self.cluster.learned(policy)
    }

    fn keep_agents(&self, file: &dyn Fn(usize) -> PathBuf) -> Result<(), CheckpointError> {
        self.cluster.agents().try_for_each(|(node, agent)| agent.checkpoint().save(&file(node)))
    }

    fn end(self: Box<Self>) {
        self.runtime.block_on(self.cluster.shutdown());
    }
}
