//! Scenario files: ordinary experiments with a table `[suite]` that says what is drawn.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml_edit::DocumentMut;

use super::law::Law;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// What it asks: the first words of the comment at the head of the file.
    pub question: String,
    /// Loads at which it is run: work that comes, as a part of what all nodes can do together.
    pub loads: Vec<f64>,
    pub(super) draw: Draw,
    pub(super) document: DocumentMut,
}

/// Scenario files that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The folder or a file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not a scenario.
    #[error("{path}: {reason}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There is none of this name.
    #[error("there is no scenario \"{name}\"; expected one of {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
}

#[derive(Deserialize)]
struct File {
    suite: Option<Suite>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    loads: Vec<f64>,
    draw: Draw,
}

/// What is drawn. What is not there stays as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Draw {
    pub nodes: Option<Law>,
    pub slots: Option<Law>,
    pub queue: Option<Law>,
    /// Of each node.
    pub speed: Option<Law>,
    /// Mean service time.
    pub mean_s: Option<Law>,
    /// Kinds of service times.
    pub service: Vec<String>,
    /// Deviation over mean, of those that have one.
    pub cv: Option<Law>,
    /// One a task type.
    pub jobs: Vec<JobDraw>,
    /// How much traffic each node has, compared with others.
    pub share: Option<Law>,
    /// Nodes that have more, and how many times as much.
    pub hot_nodes: Option<Law>,
    pub hot_factor: Option<Law>,
    /// The flash crowd: when, how long, how large, at how many nodes.
    pub crowd_at_s: Option<Law>,
    pub crowd_lasts_s: Option<Law>,
    pub crowd_factor: Option<Law>,
    pub crowd_nodes: Option<Law>,
    /// How high the waves of the day are.
    pub amplitude: Option<Law>,
    /// Parts of the city, whose days are shifted against each other.
    pub zones: Option<Law>,
    /// By how much the way from one of them to another is longer.
    pub zone_ms: Option<Law>,
    /// One way, all nodes the same.
    pub latency_ms: Option<Law>,
    /// One way, each pair of nodes its own.
    pub link_ms: Option<Law>,
    /// Links of a node beyond those of the ring, on average.
    pub chords: Option<Law>,
    /// Mean service times from one look at a load to the next.
    pub refresh: Option<Law>,
    pub mtbf_s: Option<Law>,
    pub mttr_s: Option<Law>,
    pub detect_s: Option<Law>,
    /// Mean service times by which the first jobs of a node take longer when it has come back.
    pub cold_start: Option<Law>,
}

/// What is drawn for a task type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobDraw {
    /// Its mean service time, in that of the scenario.
    #[serde(default = "one")]
    pub mean: Law,
    /// Its deadline, in its own mean service times.
    pub deadline: Law,
    /// How many of the jobs it is, compared with others.
    #[serde(default = "one")]
    pub share: Law,
}

fn one() -> Law {
    Law::Number(1.0)
}

impl Draw {
    fn laws(&self) -> impl Iterator<Item = &Law> {
        let own = [
            &self.nodes,
            &self.slots,
            &self.queue,
            &self.speed,
            &self.mean_s,
            &self.cv,
            &self.share,
            &self.hot_nodes,
            &self.hot_factor,
            &self.crowd_at_s,
            &self.crowd_lasts_s,
            &self.crowd_factor,
            &self.crowd_nodes,
            &self.amplitude,
            &self.zones,
            &self.zone_ms,
            &self.latency_ms,
            &self.link_ms,
            &self.chords,
            &self.refresh,
            &self.mtbf_s,
            &self.mttr_s,
            &self.detect_s,
            &self.cold_start,
        ];
        let jobs = self.jobs.iter().flat_map(|job| [&job.mean, &job.deadline, &job.share]);
        own.into_iter().flatten().chain(jobs)
    }
}

impl Scenario {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// It has no table `[suite]`, or a wrong one.
    pub fn parse(path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
        let wrong = |reason: String| ScenarioError::Wrong { path: path.into(), reason };
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let Some(suite) = file.suite else { return Err(wrong("there is no table [suite]".into())) };
        if suite.loads.is_empty() || suite.loads.iter().any(|load| !(load.is_finite() && *load > 0.0)) {
            return Err(wrong("suite.loads must be one or more numbers above 0".into()));
        }
        if let Some(reason) = suite.draw.laws().find_map(Law::wrong) {
            return Err(wrong(format!("suite.draw: a law is not one: expected {reason}")));
        }
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
        let jobs =
            document.get("jobs").and_then(|jobs| jobs.as_array_of_tables()).map_or(0, |jobs| jobs.len());
        if !suite.draw.jobs.is_empty() && suite.draw.jobs.len() != jobs {
            return Err(wrong(format!("{} [[suite.draw.jobs]] for {jobs} [[jobs]]", suite.draw.jobs.len())));
        }
        Ok(Scenario {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            question: question(text),
            loads: suite.loads,
            draw: suite.draw,
            document,
        })
    }

    /// All scenarios of a folder, by name: the files with a table `[suite]`.
    ///
    /// # Errors
    /// The folder cannot be read, or one of them is wrong.
    pub fn all(folder: &Path) -> Result<Vec<Scenario>, ScenarioError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| ScenarioError::Read { path, source }
        };
        let mut scenarios = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            if text.lines().any(|line| line.trim() == "[suite]") {
                scenarios.push(Scenario::parse(&path, &text)?);
            }
        }
        scenarios.sort_by(|left, right| left.name.cmp(&right.name));
        match scenarios.is_empty() {
            true => {
                let reason = "there is no file with a table [suite]".into();
                Err(ScenarioError::Wrong { path: folder.into(), reason })
            }
            false => Ok(scenarios),
        }
    }

    /// Those of these names, in the order of the names; all, if none is named.
    ///
    /// # Errors
    /// There is no such scenario.
    pub fn named(all: Vec<Scenario>, names: &[String]) -> Result<Vec<Scenario>, ScenarioError> {
        if names.is_empty() {
            return Ok(all);
        }
        let known = || all.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
        let find = |name: &String| {
            let found = all.iter().find(|scenario| &scenario.name == name).cloned();
            found.ok_or_else(|| ScenarioError::Unknown { name: name.clone(), known: known() })
        };
        names.iter().map(find).collect()
    }
}

/// The first paragraph of the comment at the head, up to its first question mark.
fn question(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("#:")).skip_while(|line| line.trim().is_empty());
    let words: Vec<_> = lines
        .map_while(|line| line.strip_prefix('#'))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let words = words.join(" ");
    match words.split_once('?') {
        Some((question, _)) => format!("{question}?"),
        None => words,
    }
}
