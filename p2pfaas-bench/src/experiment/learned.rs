//! `[policy.agent]` and `[policy.reward]`: agents that learn, and what for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::{LearningScheduler, Policy, PolicyKind};
use p2pfaas_core::reward::Reward;
use p2pfaas_core::{Capacity, Slots};
use p2pfaas_learner::checkpoint::Summary;
use p2pfaas_learner::{AgentConfig, ConfigError};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Place;
use super::file::{self, Pairs};
use super::problem::{At, Collector};
use super::suggest::did_you_mean;

/// Stands for the number of the node in the name of a checkpoint.
const NODE: &str = "{node}";

/// The agents of a policy, one a node.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSpec {
    /// Their parameters; `None`: those of the checkpoint.
    pub config: Option<AgentConfig>,
    /// Checkpoint to start from; `{node}` in its name is the number of the node.
    pub checkpoint: Option<PathBuf>,
    /// Only act, always by what they believe best.
    pub frozen: bool,
    /// Seconds of training traffic before each run.
    pub train_s: f64,
    /// Go on exploring and learning while the run is measured.
    pub keep_learning: bool,
    /// One agent for all nodes, instead of one each.
    pub shared: bool,
    /// What is accepted and should be known.
    pub warnings: Vec<String>,
}

impl AgentSpec {
    /// Whether they learn anything while the experiment goes on.
    pub fn learns(&self) -> bool {
        self.train_s > 0.0 || self.keep_learning
    }

    /// Whether they know, or come to know, what is in no experiment file.
    pub fn knows(&self) -> bool {
        self.learns() || self.checkpoint.is_some()
    }

    /// The checkpoint from which a node's agent starts.
    pub fn checkpoint_of(&self, node: usize) -> Option<PathBuf> {
        let path = self.checkpoint.as_ref()?;
        match path.to_str() {
            Some(text) if text.contains(NODE) => Some(text.replace(NODE, &node.to_string()).into()),
            _ => Some(path.clone()),
        }
    }
}

/// The agents of a policy, if it has a table for them.
pub(super) fn agent(
    raw: &file::Policy,
    policy: &dyn Policy,
    nodes: usize,
    path: &Path,
    place: Place,
    problems: &mut Collector<'_>,
) -> Option<AgentSpec> {
    let raw = raw.agent.as_ref()?;
    if !asks(&raw.parameters, policy, problems) {
        return None;
    }
    let checkpoint = raw.checkpoint.as_ref().map(|at| path.parent().unwrap_or(Path::new("")).join(&at.value));
    let train_s = raw.train_s.as_ref().map_or(0.0, |at| {
        if !(at.value.is_finite() && at.value >= 0.0) {
            problems.refused(at, "seconds of training before each run, 0 or more");
        }
        at.value
    });
    let spec = AgentSpec {
        config: None,
        checkpoint,
        frozen: raw.frozen.as_ref().is_some_and(|at| at.value),
        train_s,
        keep_learning: raw.keep_learning.as_ref().is_some_and(|at| at.value),
        shared: raw.shared.as_ref().is_some_and(|at| at.value),
        warnings: Vec::new(),
    };
    let learns = spec.train_s > 0.0 || spec.keep_learning;
    if let (true, true, Some(at)) = (spec.frozen, learns, &raw.frozen) {
        let reason = "a frozen agent does not learn, and here is train_s or keep_learning as well";
        problems.at(at, reason, "one of the two");
    }
    if !spec.frozen && !learns && spec.checkpoint.is_none() {
        let reason = "these agents know nothing and would never learn";
        let expected = "train_s = SECONDS, keep_learning = true or checkpoint = \"FILE\"; or frozen = true \
                        for agents that act at random";
        problems.add(&raw.parameters.path, &raw.parameters.span, reason, expected);
    }
    let mut known = None;
    // All of them are there, and the parameters are those of the last.
    // What was recorded has kept its agents in another place.
    let nodes = if place == Place::SimRecorded { 0 } else { nodes };
    let files: BTreeSet<_> = (0..nodes).filter_map(|node| spec.checkpoint_of(node)).collect();
    for file in files {
        known = Some(read(raw.checkpoint.as_ref()?, &file, problems)?);
    }
    let given = !raw.parameters.pairs.is_empty();
    let (config, warnings) = parameters(&raw.parameters, known.as_ref(), problems)?;
    if let (Some(known), Some(at)) = (&known, &raw.checkpoint) {
        let differences = known.differences(&config);
        if !differences.is_empty() {
            let reason = format!("the keys beside it ask for another agent: {}", differences.join("; "));
            problems.at(at, reason, "an agent of the same parts, or no keys that change them");
        }
    }
    Some(AgentSpec { config: (given || known.is_none()).then_some(config), warnings, ..spec })
}

/// What a finished job is worth; the default where there is no table for it.
pub(super) fn reward(raw: &file::Policy, policy: &dyn Policy, problems: &mut Collector<'_>) -> Reward {
    let Some(raw) = &raw.reward else { return Reward::default() };
    if !asks(raw, policy, problems) {
        return Reward::default();
    }
    let known = match serde_json::to_value(Reward::default()) {
        Ok(Value::Object(known)) => known,
        _ => Map::new(),
    };
    // One key at a time, so that each wrong one is named with its line.
    for (name, at) in &raw.pairs {
        if !known.contains_key(name) {
            let names = || known.keys().map(String::as_str);
            let expected = format!("one of {}", names().collect::<Vec<_>>().join(", "));
            problems.at(at, format!("unknown key{}", did_you_mean(name, names())), &expected);
            continue;
        }
        let alone = Map::from_iter([(name.clone(), at.value.clone())]);
        let read = Reward::deserialize(Value::Object(alone));
        let checked = read.map_err(|error| error.to_string());
        if let Err(reason) = checked.and_then(|reward| reward.check().map_err(|error| error.to_string())) {
            problems.at(at, reason, "");
        }
    }
    let all: Map<_, _> = raw.pairs.iter().map(|(name, at)| (name.clone(), at.value.clone())).collect();
    Reward::deserialize(Value::Object(all)).unwrap_or_default()
}

/// A policy that asks an agent tells what its states mean.
fn asks(table: &Pairs, policy: &dyn Policy, problems: &mut Collector<'_>) -> bool {
    let name = policy.descriptor().name;
    let slots = Slots::new(Capacity { slots: 1, queue: 0 }, 1);
    let asks = name == LearningScheduler::NAME || policy.state_space(&slots).is_some();
    if !asks {
        let reason = format!("{name} asks no agent");
        let expected = format!("such a table only where name = \"{}\"", LearningScheduler::NAME);
        problems.add(&table.path, &table.span, reason, &expected);
    }
    asks
}

fn read(at: &At<String>, file: &Path, problems: &mut Collector<'_>) -> Option<AgentConfig> {
    match Summary::load(file) {
        Ok(summary) => Some(summary.config),
        Err(error) => {
            let expected =
                "an agent's checkpoint (beside the experiment file), as in a results folder's agents/";
            problems.at(at, error.to_string(), expected);
            None
        }
    }
}

/// The agent's own parameters on top of those that its checkpoint has, else of the defaults.
fn parameters(
    raw: &Pairs,
    known: Option<&AgentConfig>,
    problems: &mut Collector<'_>,
) -> Option<(AgentConfig, Vec<String>)> {
    let mut pairs: Map<_, _> = raw.pairs.iter().map(|(name, at)| (name.clone(), at.value.clone())).collect();
    let mut good = true;
    loop {
        let mut config = known.cloned().unwrap_or_default();
        let outcome = config.set(&pairs).and_then(|warnings| config.check().map(|()| warnings));
        let error = match outcome {
            Ok(warnings) => {
                let warnings = warnings.into_iter().map(|warning| warning.0).collect();
                return good.then_some((config, warnings));
            }
            Err(error) => error,
        };
        let (name, reason, expected) = match &error {
            ConfigError::UnknownParameter { name, suggestion } => {
                (name, format!("an agent has no such parameter{suggestion}"), "")
            }
            ConfigError::BadValue { name, expected, found } => {
                (name, format!("{found} is not possible"), expected.as_str())
            }
            ConfigError::Mismatch(reason) => {
                // It may only be one because wrong keys have been left out.
                if good {
                    problems.add(&raw.path, &raw.span, reason.clone(), "");
                }
                return None;
            }
        };
        good = false;
        match raw.pairs.iter().find(|(key, _)| key == name) {
            Some((_, at)) => problems.at(at, reason, expected),
            None => problems.add(&raw.path, &raw.span, error.to_string(), ""),
        }
        // The rest is looked at without it: all that is wrong is told at once.
        pairs.remove(name)?;
    }
}
