//! Runs on nodes that are there already, on machines of their own: `p2pfaas run FILE --on hosts.txt`.
//!
//! Every node is looked at before anything is changed, and gets back what it had when the run is over,
//! however it ends. What that was stands in the results folder before the first change.

mod api;
mod before;
mod hosts;
mod preflight;

use std::cell::Cell;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use p2pfaas_learner::checkpoint::CheckpointError;
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::curve::Glimpse;
use crate::emulate::DeviceCounts;
use crate::experiment::{Experiment, NodeSpec, PolicySpec};
use crate::payload::{self, PayloadError};
use crate::progress::Progress;
use crate::results::{Folder, WriteError};
use crate::run::{RunError, run_on};
use crate::site::{Nodes, Site, SiteError};
use crate::summary::{LearningSummary, Summary};
use api::Api;
pub use api::{Token, TokenError};
use preflight::{Found, Functions, NodeFound};

pub use before::NotRestored;
pub use hosts::{Hosts, HostsError};

/// What the nodes had is written here, in the results folder.
pub const BEFORE: &str = "fleet-before.json";
/// For a node to take a policy: an old scheduler refuses while it has jobs.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
/// For the nodes of a fleet that has just been started to find each other.
const ACQUAINTANCE: Duration = Duration::from_secs(10);

/// A fleet that cannot be run on, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The threads cannot be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] std::io::Error),
    /// A payload cannot be had.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// Nodes that cannot take part. Nothing was changed.
    #[error("the fleet is not ready; nothing was changed:\n{}", .0.join("\n"))]
    NotReady(Vec<String>),
    /// Nodes that did not take what they were told.
    #[error("the fleet cannot be changed to {what}:\n{}", .reasons.join("\n"))]
    NotChanged {
        /// What they were told.
        what: String,
        /// Which, and why not.
        reasons: Vec<String>,
    },
}

/// A fleet that is ready.
pub struct Fleet<'a> {
    experiment: &'a Experiment,
    api: Arc<Api>,
    nodes: Vec<NodeFound>,
    warnings: Vec<String>,
    runtime: Runtime,
    /// Something was changed that has not been changed back.
    changed: Cell<bool>,
}

impl<'a> Fleet<'a> {
    /// Looks at all nodes at once, and changes nothing; the token is for nodes that ask for one. Nodes that do not know each
    /// other yet have a while to become acquainted. Blocks.
    ///
    /// # Errors
    /// Nodes are not there, not alike, or not fit for the experiment: all that is wrong, at once.
    pub fn check(
        experiment: &'a Experiment,
        hosts: &Hosts,
        token: Option<&Token>,
    ) -> Result<Fleet<'a>, FleetError> {
        let functions = functions(experiment)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let api = Arc::new(Api::new(token));
        let until = Instant::now() + ACQUAINTANCE;
        let found = runtime.block_on(async {
            loop {
                let found = look(experiment, hosts, &api, &functions).await;
                if !found.problems.is_empty() || found.unacquainted.is_empty() || Instant::now() >= until {
                    return found;
                }
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        });
        let Found { nodes, mut problems, unacquainted, warnings } = found;
        problems.extend(unacquainted);
        if !problems.is_empty() {
            return Err(FleetError::NotReady(problems));
        }
        Ok(Fleet { experiment, api, nodes, warnings, runtime, changed: Cell::new(false) })
    }

    /// What should be known of it, although it is ready.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Runs all policies and seeds, leaves the results in a folder, and the nodes as they were. Blocks.
    ///
    /// # Errors
    /// As [`run_on`]; and nodes that could not be given back what they had.
    pub fn run(
        self,
        folder: &Folder,
        cancel: &CancellationToken,
        progress: &Progress,
    ) -> Result<Summary, RunError> {
        self.write_before(folder)?;
        let summary = run_on(&self, self.experiment, folder, cancel, progress);
        match (summary, self.restore()) {
            (summary, Ok(())) => summary,
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(first), Err(error)) => Err(NotRestored { after: Some(first.to_string()), ..error }.into()),
        }
    }

    /// Unless it is there: after a run that was killed, the nodes have now what that one gave them.
    fn write_before(&self, folder: &Folder) -> Result<(), WriteError> {
        if folder.path().join(BEFORE).is_file() {
            return Ok(());
        }
        folder.write(BEFORE, &before::to_json(self.nodes.iter().map(|node| &node.before)))
    }

    /// Gives all nodes back what they had, if anything was changed.
    fn restore(&self) -> Result<(), NotRestored> {
        if !self.changed.replace(false) {
            return Ok(());
        }
        let restored =
            self.on_all(|api, node, _| async move { node.before.restore(&api, node.scheduler).await });
        let (mut reasons, mut commands) = (Vec::new(), Vec::new());
        for (node, restored) in self.nodes.iter().zip(restored) {
            if let Err(error) = restored {
                reasons.push(format!("{}: {error}", node.before.host));
                commands.extend(node.before.commands());
            }
        }
        if reasons.is_empty() { Ok(()) } else { Err(NotRestored { after: None, reasons, commands }) }
    }

    fn set(&self, policy: &PolicySpec) -> Result<(), FleetError> {
        self.changed.set(true);
        let descriptor = policy.descriptor.clone();
        let set = self.on_all(move |api, node, spec| {
            let descriptor = descriptor.clone();
            async move {
                let until = Instant::now() + PATIENCE;
                while let Err(error) = api.set_policy(node.scheduler, &descriptor).await {
                    if Instant::now() >= until {
                        return Err(error);
                    }
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                match capacity(&spec) {
                    Some(change) => api.set_configuration(node.scheduler, &change).await,
                    None => Ok(()),
                }
            }
        });
        let refused = self.nodes.iter().zip(set).filter_map(|(node, set)| Some((node, set.err()?)));
        let reasons: Vec<_> = refused.map(|(node, error)| format!("{}: {error}", node.before.host)).collect();
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(FleetError::NotChanged { what: policy.descriptor.to_string(), reasons }),
        }
    }

    /// Does the same with all nodes at once.
    fn on_all<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        work: impl Fn(Arc<Api>, NodeFound, NodeSpec) -> F,
    ) -> Vec<T> {
        let nodes = self.nodes.iter().zip(&self.experiment.nodes);
        self.runtime
            .block_on(all(nodes.map(|(node, spec)| work(self.api.clone(), node.clone(), spec.clone()))))
    }
}

impl Drop for Fleet<'_> {
    /// When a run ends in a panic.
    fn drop(&mut self) {
        if let Err(error) = self.restore() {
            eprintln!("error: {error}");
        }
    }
}

impl Site for Fleet<'_> {
    fn on(&self) -> &'static str {
        "fleet"
    }

    fn cores(&self) -> Option<usize> {
        None
    }

    fn notes(&self) -> Vec<String> {
        self.warnings.clone()
    }

    fn start(&self, policy: &PolicySpec, _seed: u64) -> Result<Box<dyn Nodes + '_>, SiteError> {
        self.set(policy)?;
        Ok(Box::new(Running(self)))
    }
}

/// The nodes during one run.
struct Running<'a>(&'a Fleet<'a>);

impl Nodes for Running<'_> {
    fn names(&self) -> Vec<(String, String)> {
        let name = |node: &NodeFound| (node.machine_id.clone(), node.scheduler.to_string());
        self.0.nodes.iter().map(name).collect()
    }

    fn end_training(&self, _policy: &PolicySpec) {}

    /// Of those that count them.
    fn fallbacks(&self) -> u64 {
        let counts = self.0.on_all(|api, node, _| async move { api.fallbacks(node.scheduler).await });
        counts.into_iter().flatten().sum()
    }

    fn devices(&self) -> Option<&DeviceCounts> {
        None
    }

    fn glimpse(&self) -> Option<Glimpse> {
        None
    }

    fn learned(&self, _policy: &PolicySpec) -> Option<LearningSummary> {
        None
    }

    fn keep_agents(&self, _file: &dyn Fn(usize) -> PathBuf) -> Result<(), CheckpointError> {
        Ok(())
    }

    fn end(self: Box<Self>) {}
}

/// Asks all nodes all that has to be known.
async fn look(experiment: &Experiment, hosts: &Hosts, api: &Arc<Api>, functions: &[Functions]) -> Found {
    let addresses = hosts.addresses();
    let mut found = Found::default();
    let asking = addresses.iter().zip(functions).map(|(host, functions)| {
        let (api, host, functions) = (api.clone(), host.clone(), functions.clone());
        async move { preflight::ask(&api, &host, functions).await }
    });
    for answer in all(asking).await {
        match answer {
            Ok(node) => found.nodes.push(node),
            Err(problems) => found.problems.extend(problems),
        }
    }
    preflight::compare(addresses, experiment, &mut found);
    found
}

/// The functions that each node must have.
fn functions(experiment: &Experiment) -> Result<Vec<Functions>, PayloadError> {
    let mut all = Functions::new();
    for job in &experiment.jobs {
        if !all.iter().any(|(function, _)| *function == job.function) {
            let payload = payload::load(&job.payload)?.into_iter().next().unwrap_or_default();
            all.push((job.function.clone(), payload));
        }
    }
    let of = |node: &NodeSpec| all.iter().filter(|(function, _)| node.offers(function)).cloned().collect();
    Ok(experiment.nodes.iter().map(of).collect())
}

/// What the file says of slots and queue, as a node is told it.
fn capacity(spec: &NodeSpec) -> Option<Value> {
    let mut change = Map::new();
    if spec.given.slots {
        change.insert("parallel_running_functions_max".into(), spec.slots.into());
    }
    if spec.given.queue {
        change.insert("queue_length_max".into(), spec.queue.into());
        change.insert("queue_enabled".into(), (spec.queue > 0).into());
    }
    (!change.is_empty()).then_some(Value::Object(change))
}

/// Awaits all at once; the results in their order.
async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for (place, work) in work.enumerate() {
        tasks.spawn(async move { (place, work.await) });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}
