//! `p2pfaas check`: what a file will run, how long that takes and what it leaves, before anything starts.

mod size;
mod text;
mod warnings;

use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;

use crate::experiment::{Experiment, Known, Place, Problems};
use crate::offered::Offered;
use crate::simulate::references;
use crate::sweep::{Plan, PlanError};

pub use size::Size;

/// What would be run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The experiment.
    pub experiment: String,
    /// Where it would run: `local` or `sim`.
    pub on: &'static str,
    /// Why it can run nowhere else, a line a reason; empty if it can, or if the place was given.
    pub not_local: Vec<String>,
    /// The nodes.
    pub nodes: Vec<NodeCheck>,
    /// Jobs that run at once, on all nodes together.
    pub slots: u64,
    /// Jobs that may wait, on all nodes together.
    pub queue: u64,
    /// Jobs per second, on average over what is measured.
    pub jobs_per_s: f64,
    /// Work that is offered, as a part of what all nodes together can do; `None` without service times.
    pub rho: Option<f64>,
    /// The task types.
    pub jobs: Vec<JobCheck>,
    /// The policies of the file.
    pub policies: Vec<PolicyCheck>,
    /// Full-information policies that run beside them.
    pub references: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Seconds at the start of each run that are not counted.
    pub warmup_s: f64,
    /// Seconds of each run that are counted.
    pub measured_s: f64,
    /// Of the file as it stands.
    pub run: Size,
    /// What the file varies; `None` if it varies nothing.
    pub sweep: Option<SweepCheck>,
    /// What its reader should think about before starting it.
    pub warnings: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeCheck {
    /// Jobs run at once.
    pub slots: u32,
    /// Jobs that may wait.
    pub queue: u32,
    /// Service times are divided by it.
    pub speed: f64,
    /// Jobs per second that come to it, on average over what is measured.
    pub jobs_per_s: f64,
    /// Work that comes to it, as a part of what it can do; `None` without service times.
    pub rho: Option<f64>,
}

/// A task type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobCheck {
    /// Its name.
    pub name: String,
    /// Its part of all jobs.
    pub share: f64,
    /// Mean service time at speed 1.
    pub service_mean_s: Option<f64>,
    /// Its deadline.
    pub deadline_s: Option<f64>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyCheck {
    /// What it is called.
    pub label: String,
    /// The policy and its parameters.
    pub name: String,
    /// Seconds of training before each of its runs.
    pub train_s: f64,
}

/// A sweep of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepCheck {
    /// The keys and their values.
    pub vary: Vec<String>,
    /// Combinations of these values.
    pub points: usize,
    /// Of all of them together.
    pub size: Size,
}

/// What is to be checked, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where it is to run; `None`: on an embedded cluster if it can, else in the simulator.
    pub on: Option<Place>,
    /// Full-information policies run beside those of the file in the simulator.
    pub references: bool,
    /// Threads of the simulator.
    pub threads: NonZeroUsize,
}

/// Reads a file and says what it would run.
///
/// # Errors
/// All that is wrong with it, at once, also with each combination of what it varies.
pub fn check(path: &Path, known: &Known<'_>, options: Options) -> Result<Check, PlanError> {
    let (place, experiment, not_local) = load(path, known, options.on).map_err(PlanError::File)?;
    let simulated = place.is_simulated();
    let with_marks = match simulated && options.references {
        true => references::beside(&experiment),
        false => experiment.clone(),
    };
    let sweep = match experiment.vary.is_empty() || !simulated {
        true => None,
        false => {
            let plan = Plan::new(path, Vec::new(), known)?;
            Some(SweepCheck {
                vary: experiment.vary.iter().map(|vary| vary.text.clone()).collect(),
                points: plan.points.len(),
                size: Size::of_sweep(&plan, options.threads),
            })
        }
    };
    let offered = Offered::of(&experiment);
    let nodes = experiment.nodes.iter().enumerate().map(|(node, spec)| NodeCheck {
        slots: spec.slots,
        queue: spec.queue,
        speed: spec.speed,
        jobs_per_s: offered.jobs_per_s(node),
        rho: offered.rho(node),
    });
    let jobs = experiment.jobs.iter().enumerate().map(|(task_type, job)| JobCheck {
        name: job.name.clone(),
        share: offered.share(task_type),
        service_mean_s: job.service.as_ref().map(|service| service.mean_s()),
        deadline_s: job.deadline_s,
    });
    let policies = experiment.policies.iter().map(|policy| PolicyCheck {
        label: policy.label.clone(),
        name: policy.descriptor.to_string(),
        train_s: policy.train_s(),
    });
    let marks = with_marks.policies.iter().filter(|policy| policy.reference);
    Ok(Check {
        experiment: experiment.name.clone(),
        on: if simulated { "sim" } else { "local" },
        not_local,
        nodes: nodes.collect(),
        slots: experiment.nodes.iter().map(|node| u64::from(node.slots)).sum(),
        queue: experiment.nodes.iter().map(|node| u64::from(node.queue)).sum(),
        jobs_per_s: offered.all_jobs_per_s(),
        rho: offered.all_rho(),
        jobs: jobs.collect(),
        policies: policies.collect(),
        references: marks.map(|policy| policy.label.clone()).collect(),
        seeds: experiment.seeds.clone(),
        warmup_s: experiment.warmup_s,
        measured_s: experiment.duration_s,
        run: Size::of_run(&with_marks, place, options.threads),
        sweep,
        warnings: warnings::about(&experiment, &offered),
    })
}

impl Check {
    /// The text for people.
    pub fn to_text(&self) -> String {
        text::render(self)
    }

    /// The same in one line.
    pub fn to_json_line(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The text for machines.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail: all keys are texts, and numbers that are not finite become null.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The experiment, where it would run, and why not on an embedded cluster where nobody has said where.
fn load(
    path: &Path,
    known: &Known<'_>,
    on: Option<Place>,
) -> Result<(Place, Experiment, Vec<String>), Problems> {
    if let Some(place) = on {
        return Experiment::load(path, place, known).map(|experiment| (place, experiment, Vec::new()));
    }
    match Experiment::load(path, Place::Local, known) {
        Ok(experiment) if experiment.vary.is_empty() => Ok((Place::Local, experiment, Vec::new())),
        Ok(experiment) => match Experiment::load(path, Place::Sim, known) {
            Ok(experiment) => {
                let why =
                    "it varies keys, and a sweep is simulated; a run of the file as it stands can be local";
                Ok((Place::Sim, experiment, vec![why.into()]))
            }
            Err(_) => Ok((Place::Local, experiment, Vec::new())),
        },
        Err(problems) => {
            let experiment = Experiment::load(path, Place::Sim, known)?;
            let reasons = problems.to_string().lines().map(str::to_string).collect();
            Ok((Place::Sim, experiment, reasons))
        }
    }
}

#[cfg(test)]
mod tests;
