//! What a results folder has measured.

use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::TraceError;
use p2pfaas_sim::service::Service;
use serde::Deserialize;

use super::Values;
use crate::experiment::{Discipline, Experiment, Known, Place, Problems, as_run};
use crate::recorded::{JobTimes, all_service_times};

/// The results of a run, on an embedded cluster or elsewhere, with their experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Where they are.
    pub folder: PathBuf,
    /// Where it ran.
    pub on: String,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The policies of which something was counted.
    pub policies: Vec<MeasuredPolicy>,
    /// The experiment as it was run: without traffic, service times and agents, which are to be taken from
    /// what was recorded.
    pub experiment: Experiment,
    interrupted: bool,
    warnings: Vec<String>,
}

/// What was measured of one policy.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MeasuredPolicy {
    /// What it is called.
    pub label: String,
    /// The policy and its parameters.
    pub name: String,
    in_time: f64,
    forwarded: f64,
    dropped: f64,
    latency_s: Latency,
    per_seed: Vec<Seed>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Latency {
    mean: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Seed {
    seed: u64,
}

/// `summary.json`, as far as it matters here.
#[derive(Deserialize)]
struct Summary {
    experiment: String,
    on: String,
    seeds: Vec<u64>,
    interrupted: bool,
    warnings: Vec<String>,
    policies: Vec<MeasuredPolicy>,
}

/// Results that cannot be compared with a simulation.
#[derive(Debug, thiserror::Error)]
pub enum MeasuredError {
    /// A file of the folder is not there, or not right.
    #[error("{path}: {reason}; expected a results folder of `p2pfaas run`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Its experiment cannot be read.
    #[error(transparent)]
    Experiment(#[from] Problems),
    /// It is of another experiment.
    #[error("{path}: another experiment: {key} is not the same as in {other}")]
    Other {
        /// The experiment in the folder.
        path: PathBuf,
        /// What is different.
        key: String,
        /// Name of the experiment that was asked for.
        other: String,
    },
    /// How long its jobs ran does not tell what they take.
    #[error(
        "{path}: with {what}, how long a job ran is not what it takes alone: no service times can be had"
    )]
    NoDemands {
        /// The experiment in the folder.
        path: PathBuf,
        /// What it has.
        what: &'static str,
    },
    /// Its jobs cannot be read.
    #[error(transparent)]
    Jobs(#[from] TraceError),
}

impl Measured {
    /// Reads `summary.json` and `experiment.toml` of a results folder.
    ///
    /// # Errors
    /// They are not there or not right, or no service times can be had of such an experiment.
    pub fn open(folder: &Path, known: &Known<'_>) -> Result<Measured, MeasuredError> {
        let path = folder.join("summary.json");
        let wrong = |reason: String| MeasuredError::File { path: path.clone(), reason };
        let text = std::fs::read(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let Summary { experiment: name, on, seeds, interrupted, warnings, policies } =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let path = folder.join("experiment.toml");
        // The file is called `experiment.toml` there, whatever it was called before.
        let experiment = Experiment { name, ..Experiment::load(&path, Place::SimRecorded, known)? };
        let sharing = experiment.nodes.iter().any(|node| node.discipline == Discipline::ProcessorSharing);
        let what = match (sharing, experiment.cluster.cold_starts) {
            (true, _) => Some("processor sharing"),
            (_, Some(_)) => Some("cold starts"),
            _ => None,
        };
        match what {
            Some(what) => Err(MeasuredError::NoDemands { path, what }),
            None => {
                Ok(Measured { folder: folder.into(), on, seeds, policies, experiment, interrupted, warnings })
            }
        }
    }

    /// Whether this is the experiment that was measured: the same `[cluster]`, `[traffic]`, jobs and length.
    /// The network may be another, and so may be the policies and what is only needed on one side.
    ///
    /// # Errors
    /// It is another one.
    pub fn is_of(&self, other: &Experiment, registry: &Registry) -> Result<(), MeasuredError> {
        let path = || self.folder.join("experiment.toml");
        // What one says and the other leaves unsaid is not different.
        let table = |experiment| {
            as_run(experiment, Place::SimRecorded, registry).parse::<toml::Table>().unwrap_or_default()
        };
        match difference(table(&self.experiment), table(other)) {
            None => Ok(()),
            Some(key) => Err(MeasuredError::Other { path: path(), key, other: other.name.clone() }),
        }
    }

    /// Gives an experiment the service times that were measured. Returns what there is to say about it.
    ///
    /// # Errors
    /// The jobs cannot be read.
    pub fn give_times(&self, experiment: &mut Experiment) -> Result<Vec<String>, MeasuredError> {
        let all = all_service_times(&self.folder, experiment.jobs.len())?;
        let mut notes = Vec::new();
        for (job, times) in experiment.jobs.iter_mut().zip(all) {
            match times {
                Some(times) => job.service = Some(Service::Empirical(times)),
                None => {
                    let instead = if job.service.is_some() { "as in the file" } else { "0" };
                    notes.push(format!(
                        "{}: no job of it was run there; its service time is {instead}",
                        job.name
                    ));
                }
            }
        }
        Ok(notes)
    }

    /// What single jobs took.
    ///
    /// # Errors
    /// The jobs cannot be read.
    pub fn job_times(&self) -> Result<JobTimes, MeasuredError> {
        Ok(JobTimes::read(&self.folder)?)
    }

    /// What a reader should know about the measured side.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let interrupted = "the measured run was interrupted: parts of it are missing";
        let interrupted = self.interrupted.then(|| interrupted.to_string());
        let warnings = self.warnings.iter().map(|warning| format!("of the measured run: {warning}"));
        interrupted.into_iter().chain(warnings)
    }
}

impl MeasuredPolicy {
    /// The seeds under which it was run.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + '_ {
        self.per_seed.iter().map(|run| run.seed)
    }

    pub(super) fn values(&self) -> Values {
        Values {
            in_time: self.in_time,
            forwarded: self.forwarded,
            dropped: self.dropped,
            latency_mean_s: self.latency_s.mean,
        }
    }
}

/// The first key by which two experiments are not the same.
fn difference(mut there: toml::Table, mut here: toml::Table) -> Option<String> {
    for table in [&mut there, &mut here] {
        // What has no say in which jobs come when to which node.
        if let Some(run) = table.get_mut("run").and_then(toml::Value::as_table_mut) {
            run.remove("seeds");
        }
        for job in table.get_mut("jobs").and_then(toml::Value::as_array_mut).into_iter().flatten() {
            let Some(job) = job.as_table_mut() else { continue };
            for key in ["service", "payload", "payload_bytes", "answer_bytes"] {
                job.remove(key);
            }
        }
    }
    ["cluster", "traffic", "jobs", "run"].into_iter().find_map(|name| {
        let (there, here) = (there.get(name), here.get(name));
        if there == here {
            return None;
        }
        let keys = |table: Option<&toml::Value>| -> Vec<String> {
            table
                .and_then(toml::Value::as_table)
                .into_iter()
                .flat_map(|table| table.keys().cloned())
                .collect()
        };
        let value = |table: Option<&toml::Value>, key: &str| table.and_then(|table| table.get(key)).cloned();
        let mut all = keys(there).into_iter().chain(keys(here));
        let key = all.find(|key| value(there, key) != value(here, key));
        Some(key.map_or_else(|| name.to_string(), |key| format!("{name}.{key}")))
    })
}
