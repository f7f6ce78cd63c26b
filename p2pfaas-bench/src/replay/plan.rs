//! What of a results folder is replayed, and how.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use p2pfaas_sim::arrivals::{ArrivalKind, Recorded, Traffic};
use p2pfaas_sim::reference::ReferenceKind;

use super::Replay;
use super::engine::Run;
use crate::beside::{Measured, MeasuredError, MeasuredPolicy};
use crate::experiment::{AgentSpec, Experiment, Known, PolicySpec};
use crate::recorded::{RecordedRun, Speeds, Wanted};

/// A results folder that is about to be replayed.
#[derive(Debug)]
pub struct Plan {
    /// What was measured.
    pub measured: Measured,
    /// The experiment with what can be replayed of it: its policies and seeds.
    pub experiment: Experiment,
    /// What there is to say about it.
    pub notes: Vec<String>,
    runs: BTreeMap<(String, u64), Run>,
}

impl Plan {
    /// Looks through a results folder.
    ///
    /// # Errors
    /// It is none, or a file of it is not right.
    pub fn new(folder: &Path, known: &Known<'_>) -> Result<Plan, MeasuredError> {
        let measured = Measured::open(folder, known)?;
        let mut experiment = measured.experiment.clone();
        experiment.seeds = measured.seeds.clone();
        let notes = measured.give_times(&mut experiment)?;
        let mut plan = Plan { measured, experiment, notes, runs: BTreeMap::new() };
        for policy in std::mem::take(&mut plan.experiment.policies) {
            // Of what was not measured the comparison tells.
            let there = plan.measured.policies.iter().find(|there| there.label == policy.label).cloned();
            if let Some(policy) = there.map(|there| plan.policy(policy, &there)).transpose()?.flatten() {
                plan.experiment.policies.push(policy);
            }
        }
        Ok(plan)
    }

    /// The engine that replays it: `engine` with what was recorded.
    pub fn engine<E>(&self, engine: E) -> Replay<'_, E> {
        Replay { engine, runs: &self.runs }
    }

    /// Prepares the runs of a policy; `None` where it cannot be replayed, which is then told.
    fn policy(
        &mut self,
        mut policy: PolicySpec,
        there: &MeasuredPolicy,
    ) -> Result<Option<PolicySpec>, MeasuredError> {
        let label = policy.label.clone();
        if ReferenceKind::find(&policy.descriptor.name).is_some() {
            self.notes.push(format!("{label}: plans as if the jobs were spread evenly over nodes and types"));
        }
        let agent = policy.agent.take();
        for seed in there.seeds() {
            if let Some(known) = agent.as_ref().filter(|agent| agent.knows()) {
                let Some(kept) = self.kept(&policy.file_name, known, seed) else {
                    let agents = self.measured.folder.join("agents");
                    self.notes
                        .push(format!("{label}: left out, since {} has no agents of it", agents.display()));
                    return Ok(None);
                };
                policy.agent = Some(kept);
            } else {
                policy.agent.clone_from(&agent);
            }
            let run = Run { traffic: self.traffic(&label, seed)?, agent: policy.agent.clone() };
            self.runs.insert((label.clone(), seed), run);
        }
        if let Some(agent) = agent.filter(|agent| agent.knows()) {
            let how = match agent.keep_learning {
                true => "begin with what they knew at the end of the measured run, and learn on as there",
                false => "only act, as the measured run kept them",
            };
            self.notes.push(format!("{label}: agents {how}"));
        }
        Ok(Some(policy))
    }

    /// Agents as they were kept; those that did not learn are where their file says.
    fn kept(&self, file_name: &str, agent: &AgentSpec, seed: u64) -> Option<AgentSpec> {
        let name = format!("{file_name}-seed{seed}-node{{node}}.ckpt");
        let kept = AgentSpec {
            config: None,
            checkpoint: match agent.learns() {
                true => Some(self.measured.folder.join("agents").join(name)),
                false => agent.checkpoint.clone(),
            },
            frozen: !agent.keep_learning,
            train_s: 0.0,
            warnings: Vec::new(),
            ..agent.clone()
        };
        let nodes = if agent.shared { 1 } else { self.experiment.nodes.len() };
        let there = |node| kept.checkpoint_of(node).is_some_and(|path| path.is_file());
        (0..nodes).all(there).then_some(kept)
    }

    fn traffic(&self, label: &str, seed: u64) -> Result<Traffic, MeasuredError> {
        let wanted = Wanted { policy: Some(label.into()), seed: Some(seed), skip_bad: false };
        let Experiment { nodes, jobs, .. } = &self.experiment;
        let speeds = Speeds::new(nodes.iter().map(|node| node.speed).collect());
        let run = RecordedRun::check(&self.measured.folder, &wanted, nodes.len(), jobs.len(), &speeds)?;
        let kind = ArrivalKind::Recorded(Recorded { recording: Arc::new(run), from_s: 0.0 });
        Ok(Traffic { kind, rates: Vec::new(), shares: Vec::new() })
    }
}
