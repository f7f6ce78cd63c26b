//! Experiment files: what is run, where the jobs come from, and under which policies.
//!
//! Reading is in two steps that do not know each other's concerns: [`file`] turns TOML into values
//! that remember where they stood and finds keys that do not exist; `resolve` checks meanings and
//! fills in defaults. Both collect [`Problems`] instead of stopping at the first.

mod as_run;
mod cluster;
mod file;
mod fleet;
mod jobs;
mod learned;
mod local;
mod network;
mod problem;
mod reader;
mod resolve;
pub mod schema;
mod service;
mod suggest;
mod traffic;
mod vary;

use std::ops::Range;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::reward::Reward;

use p2pfaas_sim::arrivals::Traffic;
use p2pfaas_sim::network::NetworkSpec;
use p2pfaas_sim::service::Service;

use crate::job::Phase;

pub use as_run::{as_run, with_provenance};
pub use cluster::{ClusterSpec, ColdStarts, Discipline, Faults, Given, NodeSpec};
pub use learned::AgentSpec;
pub use problem::{Problem, Problems};
pub use vary::{Choice, Product, Vary, VaryError};

/// A checked experiment: every default filled in, every number in its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The file's name without its ending.
    pub name: String,
    /// The file as it was read.
    pub source: String,
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// What the nodes have in common.
    pub cluster: ClusterSpec,
    /// What lies between them.
    pub network: NetworkSpec,
    /// The arrivals: those that task types share, then those that a task type has for itself.
    pub traffic: Vec<Traffic>,
    /// Task types; the index is the task type.
    pub jobs: Vec<JobType>,
    /// The policies to compare, in the order of the file.
    pub policies: Vec<PolicySpec>,
    /// Seconds at the start of each run that are not counted.
    pub warmup_s: f64,
    /// Seconds that are counted.
    pub duration_s: f64,
    /// Seconds after them in which jobs go on coming and are not counted.
    pub cooldown_s: f64,
    /// One run a seed and policy.
    pub seeds: Vec<u64>,
    /// What a sweep varies; a run takes the values that stand in the file.
    pub vary: Vec<Vary>,
}

impl Experiment {
    /// Reads a file and checks it for the place where it is to run.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn load(path: &Path, place: Place, known: &Known<'_>) -> Result<Experiment, Problems> {
        let source = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
        Experiment::parse(path, source, place, known)
    }

    /// Checks the text of a file; `path` names it and is where relative files are looked for.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn parse(
        path: &Path,
        source: String,
        place: Place,
        known: &Known<'_>,
    ) -> Result<Experiment, Problems> {
        let mut problems = problem::Collector::new(&source);
        let experiment = file::File::read(&source, &mut problems).and_then(|file| {
            match place {
                Place::Local => local::refuse(&file, &mut problems),
                Place::Fleet(_) => fleet::refuse(&file, &mut problems),
                Place::Sim | Place::SimMeasured | Place::SimRecorded => {}
            }
            resolve::resolve(&file, path, &source, place, known, &mut problems)
        });
        let problems = problems.finish(path);
        match experiment {
            Some(experiment) if problems.is_empty() => Ok(experiment),
            _ => Err(problems),
        }
    }

    /// What the text of a file varies, whatever else is wrong with it.
    ///
    /// # Errors
    /// All that is wrong with what it varies, at once.
    pub fn varied(path: &Path, source: &str) -> Result<Vec<Vary>, Problems> {
        let mut problems = problem::Collector::new(source);
        let varied = file::File::read(source, &mut problems).and_then(|file| file.run).map(|run| run.vary);
        let mut problems = problems.finish(path);
        problems.problems.retain(|problem| problem.key.starts_with(file::VARY));
        if problems.is_empty() { Ok(varied.unwrap_or_default()) } else { Err(problems) }
    }

    /// Seconds of one run, warm-up and cool-down included.
    pub fn horizon_s(&self) -> f64 {
        self.warmup_s + self.duration_s + self.cooldown_s
    }

    /// The seconds of one run that are counted.
    pub fn measured_s(&self) -> Range<f64> {
        self.warmup_s..self.warmup_s + self.duration_s
    }

    /// Seconds that were counted in a run that ended at a second.
    pub fn counted_s(&self, ended_s: f64) -> f64 {
        (ended_s - self.warmup_s).clamp(0.0, self.duration_s)
    }

    /// What a job is sent for that is due at a second of the run.
    pub fn phase(&self, at_s: f64) -> Phase {
        match at_s {
            at_s if at_s < 0.0 => Phase::Training,
            at_s if at_s < self.warmup_s => Phase::Warmup,
            at_s if at_s < self.measured_s().end => Phase::Measured,
            _ => Phase::Cooldown,
        }
    }

    /// Names of the functions that the jobs call, each once.
    pub fn functions(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.jobs.iter().map(|job| job.function.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Where an experiment runs. What the place cannot do is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An embedded cluster on this machine.
    Local,
    /// So many nodes on machines of their own.
    Fleet(usize),
    /// The simulator.
    Sim,
    /// The simulator, with service times that come from somewhere else.
    SimMeasured,
    /// The simulator, with arrivals, service times and agents of a recorded run.
    SimRecorded,
}

impl Place {
    /// Whether time is virtual there.
    pub fn is_simulated(self) -> bool {
        !matches!(self, Place::Local | Place::Fleet(_))
    }
}

/// What an experiment may refer to by name.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The policies.
    pub registry: &'a Registry,
    /// The functions that can be called.
    pub functions: &'a [&'a str],
}

/// A kind of job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobType {
    /// Its name.
    pub name: String,
    /// Its share of the jobs of `[traffic]`; 0 where it has traffic of its own, or a trace tells.
    pub share: f64,
    /// The function that it calls.
    pub function: String,
    /// What it sends.
    pub payload: PayloadSpec,
    /// The time that the emulated device takes at speed 1; without it nothing is emulated.
    pub service: Option<Service>,
    /// Seconds from the scheduled send.
    pub deadline_s: Option<f64>,
    /// Bytes that it takes with it over a network with a bandwidth; an embedded cluster really sends `payload`.
    pub payload_bytes: u64,
    /// Bytes that its answer brings back.
    pub answer_bytes: u64,
}

/// What a job sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadSpec {
    /// Nothing.
    Empty,
    /// These words.
    Text(String),
    /// A file's content.
    File(PathBuf),
    /// Pictures of faces with sides of so many pixels.
    Sample(u32),
}

/// A policy to run.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySpec {
    /// What it is called in results; unique.
    pub label: String,
    /// The same as it can stand in the names of files; unique.
    pub file_name: String,
    /// The policy, in its wire form.
    pub descriptor: Descriptor,
    /// The agents that it asks, one a node.
    pub agent: Option<AgentSpec>,
    /// What a finished job is worth to them.
    pub reward: Reward,
    /// It does not stand in the file: a mark beside those that do.
    pub reference: bool,
}

impl PolicySpec {
    /// Seconds of training before each run.
    pub fn train_s(&self) -> f64 {
        self.agent.as_ref().map_or(0.0, |agent| agent.train_s)
    }

    /// Whether its agents learn anything while the experiment goes on.
    pub fn learns(&self) -> bool {
        self.agent.as_ref().is_some_and(AgentSpec::learns)
    }
}

#[cfg(test)]
mod tests;
