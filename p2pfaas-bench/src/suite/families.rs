//! The policies that are tuned: families, each with a grid of parameters.

use std::collections::BTreeMap;

use p2pfaas_core::policy::{Descriptor, PolicyError, Registry};
use p2pfaas_sim::reference::ReferenceKind;
use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;

/// What a policy is told of the cluster beyond what a node sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Nothing: loads of those that it probes.
    Nothing,
    /// Rates, speeds and service times of all nodes; loads of those that it probes.
    Model,
    /// The same, and the loads of all nodes, at once and free of charge.
    Everything,
}

/// Policies that differ in their parameters only.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// What it is called.
    pub name: &'static str,
    /// What its policies are told.
    pub told: Told,
    /// The grid.
    pub candidates: Vec<Candidate>,
}

/// A policy with its parameters, and the option of the nodes that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The policy.
    pub descriptor: Descriptor,
    /// The nodes drop on arrival what cannot finish in time.
    pub deadline_aware: bool,
}

impl Candidate {
    /// What it is called.
    pub fn label(&self) -> String {
        let aware = if self.deadline_aware { " + deadline_aware" } else { "" };
        format!("{}{aware}", self.descriptor)
    }
}

/// Peers that are probed.
const FAN_OUTS: [usize; 5] = [1, 2, 3, 5, 8];
/// The same for the policy whose answers grow old: it is never better for more.
const TAU_FAN_OUTS: [usize; 2] = [1, 3];
/// Ages of answers, in mean service times.
const TAUS: [f64; 2] = [0.05, 0.2];

/// What a grid depends on.
struct Size {
    /// Most peers that a node has.
    peers: usize,
    /// Most jobs that a node holds.
    room: u32,
    mean_s: f64,
}

impl Size {
    fn of(experiment: &Experiment) -> Size {
        let mean_s: f64 = experiment
            .jobs
            .iter()
            .map(|job| job.share * job.service.as_ref().map_or(0.0, |service| service.mean_s()))
            .sum();
        Size {
            peers: experiment.nodes.len().saturating_sub(1),
            room: experiment.nodes.iter().map(|node| node.slots + node.queue).max().unwrap_or(1),
            mean_s,
        }
    }

    /// Numbers of peers to probe: all at last.
    fn fan_outs(&self) -> Vec<usize> {
        let some = FAN_OUTS.into_iter().filter(|fan_out| *fan_out < self.peers);
        some.chain((self.peers > 0).then_some(self.peers)).collect()
    }
}

/// How a policy that is told nothing can be combined.
#[derive(Clone, Copy)]
enum Combined {
    Alone,
    DeadlineAware,
    Shed,
}

/// Both at once are left out: on a node that is aware of deadlines, shedding adds nothing.
const COMBINED: [Combined; 3] = [Combined::Alone, Combined::DeadlineAware, Combined::Shed];

type Pairs<'a> = Vec<(&'a str, String)>;

/// All families for an instance. A policy with a model is taken in if it has a parameter `probes`: one that can only see all
/// nodes is no policy of a node.
///
/// # Errors
/// A registry that builds one of them with other parameters.
pub fn families(experiment: &Experiment, registry: &Registry) -> Result<Vec<Family>, PolicyError> {
    let size = Size::of(experiment);
    let grid = |name: &str, all: Vec<Pairs<'_>>| -> Result<Vec<Candidate>, PolicyError> {
        let mut candidates = Vec::new();
        for parameters in &all {
            for how in COMBINED {
                candidates.push(candidate(registry, name, parameters, how)?);
            }
        }
        Ok(candidates)
    };
    let told_nothing = |name, candidates| Family { name, told: Told::Nothing, candidates };
    let text = |number: usize| number.to_string();
    let none = ["false", "true"].map(|loss| vec![("loss", loss.to_string())]);
    let forward = [1, 2].map(|hops| vec![("max_hops", text(hops))]);
    let mut power_of_n = Vec::new();
    for fan_out in size.fan_outs() {
        for threshold in 0..=size.room {
            power_of_n.push(vec![("fan_out", text(fan_out)), ("threshold", threshold.to_string())]);
        }
    }
    let mut old = Vec::new();
    for fan_out in TAU_FAN_OUTS.into_iter().filter(|fan_out| *fan_out <= size.peers) {
        for threshold in (1..=size.room).step_by(2) {
            for tau in TAUS {
                // A whole number, and at least 1.
                let tau_ms = (1e3 * tau * size.mean_s).round().max(1.0);
                let tau = format!("{tau_ms}ms");
                old.push(vec![
                    ("fan_out", text(fan_out)),
                    ("threshold", threshold.to_string()),
                    ("tau", tau),
                ]);
            }
        }
    }
    let mut families = vec![
        told_nothing("no co-operation", grid("NoScheduler", none.into())?),
        told_nothing("forward", grid("ForwardScheduler", forward.into())?),
        told_nothing("power of n", grid("PowerOfNScheduler", power_of_n)?),
        told_nothing("power of n, tau", grid("PowerOfNSchedulerTau", old)?),
    ];
    for (name, kind) in MODEL {
        let candidates = probing(kind, &size)?;
        if !candidates.is_empty() {
            families.push(Family { name, told: Told::Model, candidates });
        }
    }
    let mut all = Vec::new();
    for kind in EVERYTHING {
        all.extend(both(reference(kind, &BTreeMap::new())?));
    }
    families.push(Family { name: "full information", told: Told::Everything, candidates: all });
    Ok(families)
}

/// Policies that reckon with a model, by what they are called as a family.
const MODEL: [(&str, &str); 3] = [
    ("least expected completion", "LeastExpectedCompletion"),
    ("most likely in time", "MostLikelyInTime"),
    ("policy improvement", "PolicyImprovement"),
];
const EVERYTHING: [&str; 4] =
    ["JoinShortestQueue", "LeastExpectedCompletion", "MostLikelyInTime", "PolicyImprovement"];

fn candidate(
    registry: &Registry,
    name: &str,
    parameters: &Pairs<'_>,
    how: Combined,
) -> Result<Candidate, PolicyError> {
    let mut typed: BTreeMap<String, String> =
        parameters.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect();
    if matches!(how, Combined::Shed) {
        typed.insert("shed".into(), "late".into());
    }
    let descriptor = registry.build_typed(name, &typed)?.descriptor();
    Ok(Candidate { descriptor, deadline_aware: matches!(how, Combined::DeadlineAware) })
}

/// A policy with a model that probes so many peers; none if it cannot.
fn probing(kind: &str, size: &Size) -> Result<Vec<Candidate>, PolicyError> {
    let can = ReferenceKind::find(kind)
        .is_some_and(|kind| kind.parameters.iter().any(|parameter| parameter.name == "probes"));
    let mut candidates = Vec::new();
    for fan_out in size.fan_outs().into_iter().filter(|_| can) {
        let typed = BTreeMap::from([("probes".to_string(), fan_out.to_string())]);
        candidates.extend(both(reference(kind, &typed)?));
    }
    Ok(candidates)
}

fn both(descriptor: Descriptor) -> [Candidate; 2] {
    [false, true].map(|deadline_aware| Candidate { descriptor: descriptor.clone(), deadline_aware })
}

fn reference(kind: &str, typed: &BTreeMap<String, String>) -> Result<Descriptor, PolicyError> {
    match ReferenceKind::find(kind) {
        Some(kind) => Ok(kind.from_typed(typed)?.descriptor()),
        None => Err(PolicyError::UnknownName { name: kind.into(), known: EVERYTHING.join(", ") }),
    }
}

/// What all are compared with, without any tuning.
///
/// # Errors
/// A registry that has no such policies.
pub fn fixed(registry: &Registry) -> Result<[(&'static str, Candidate); 2], PolicyError> {
    let power = vec![("fan_out", "1".to_string()), ("threshold", "2".to_string())];
    Ok([
        ("none", candidate(registry, "NoScheduler", &Vec::new(), Combined::Alone)?),
        ("PowerOfN(1, 2)", candidate(registry, "PowerOfNScheduler", &power, Combined::Alone)?),
    ])
}
