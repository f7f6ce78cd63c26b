//! All points of a sweep: the product of what is varied, each a complete experiment that has been checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use super::edit::{self, EditError};
use crate::experiment::{Experiment, Known, Place, Problem, Problems, Product, Vary};
use crate::offered::expected_jobs;
use crate::simulate::virtual_s;

/// Points of a sweep.
const MAX_POINTS: usize = 100_000;
/// Problems that are told; more of them help nobody.
const MAX_TOLD: usize = 20;

/// What is to be run.
#[derive(Debug)]
pub struct Plan {
    /// The file.
    pub file: PathBuf,
    /// What is varied.
    pub product: Product,
    /// The points, by their numbers.
    pub points: Vec<PointSize>,
    /// The experiment's name.
    pub name: String,
    /// The file as it was read.
    pub source: String,
    document: DocumentMut,
    /// Paths that were varied on the command line; the others are the file's own.
    given: Vec<Vec<String>>,
}

/// How much there is to do for a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointSize {
    /// Policies that it compares.
    pub policies: usize,
    /// Seeds under which each of them runs.
    pub seeds: usize,
    /// Seconds that all these runs take together, in virtual time.
    pub virtual_s: f64,
    /// Jobs of all these runs, on average.
    pub jobs: f64,
}

/// A sweep that makes no sense. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read, or is not TOML.
    #[error(transparent)]
    File(Problems),
    /// The same key twice.
    #[error("--vary {0}: this key is varied twice; expected one --vary with all of its values")]
    Twice(String),
    /// More points than anybody wants.
    #[error("{0} points are too many; expected at most {MAX_POINTS}")]
    TooMany(usize),
    /// Points that are not experiments: a line each.
    #[error("{}", .0.join("\n"))]
    Points(Vec<String>),
}

impl Plan {
    /// Reads the file and checks every point.
    ///
    /// # Errors
    /// All that is wrong with it, at once.
    pub fn new(file: &Path, varies: Vec<Vary>, known: &Known<'_>) -> Result<Plan, PlanError> {
        let alone = |line, reason: String| {
            let problem = Problem { line, key: String::new(), reason, expected: String::new() };
            PlanError::File(Problems { file: file.into(), problems: vec![problem] })
        };
        let source =
            std::fs::read_to_string(file).map_err(|error| alone(None, format!("cannot be read: {error}")))?;
        let document: DocumentMut = source.parse().map_err(|error: toml_edit::TomlError| {
            let before = error.span().and_then(|span| source.get(..span.start));
            alone(before.map(|text| 1 + text.matches('\n').count()), format!("not TOML: {}", error.message()))
        })?;
        for (index, vary) in varies.iter().enumerate() {
            if varies[..index].iter().any(|other| other.path == vary.path) {
                return Err(PlanError::Twice(vary.text.clone()));
            }
        }
        let own = Experiment::varied(file, &source).map_err(PlanError::File)?;
        let given: Vec<_> = varies.iter().map(|vary| vary.path.clone()).collect();
        let product = Product(together(own, varies));
        let count = product.count();
        if count > MAX_POINTS {
            return Err(PlanError::TooMany(count));
        }
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut plan = Plan { file: file.into(), product, points: Vec::new(), name, source, document, given };
        plan.points = plan.check(count, known)?;
        Ok(plan)
    }

    fn check(&self, count: usize, known: &Known<'_>) -> Result<Vec<PointSize>, PlanError> {
        let (mut points, mut told, mut seen) = (Vec::with_capacity(count), Vec::new(), BTreeSet::new());
        for point in 0..count {
            match self.parse(point, known) {
                Ok(experiment) => points.push(PointSize {
                    policies: experiment.policies.len(),
                    seeds: experiment.seeds.len(),
                    virtual_s: virtual_s(&experiment),
                    jobs: expected_jobs(&experiment),
                }),
                // The same complaint about the same line is the same mistake, in whatever point.
                Err(lines) => told.extend(lines.into_iter().filter_map(|(what, where_)| {
                    let new = seen.insert(what.clone());
                    new.then(|| format!("{what} ({where_})"))
                })),
            }
            if told.len() > MAX_TOLD {
                told.truncate(MAX_TOLD);
                told.push("and more".into());
                break;
            }
        }
        if told.is_empty() { Ok(points) } else { Err(PlanError::Points(told)) }
    }

    /// The experiment of a point.
    ///
    /// # Errors
    /// It has become wrong since it was checked, because a file that it names has changed.
    pub fn experiment(&self, point: usize, known: &Known<'_>) -> Result<Experiment, PlanError> {
        self.parse(point, known).map_err(|lines| {
            PlanError::Points(lines.into_iter().map(|(what, where_)| format!("{what} ({where_})")).collect())
        })
    }

    /// Else what is wrong, and which `--vary` or which point is to blame.
    fn parse(&self, point: usize, known: &Known<'_>) -> Result<Experiment, Vec<(String, String)>> {
        let mut document = self.document.clone();
        let mut keys = Vec::new();
        for (vary, choice) in self.product.0.iter().zip(self.product.choices(point)) {
            let how = if self.given.contains(&vary.path) { "--vary" } else { "run.vary" };
            match edit::set(&mut document, &vary.path, choice) {
                Ok(key) => keys.push((key, format!("{how} {}={}", vary.key, choice.0))),
                Err(EditError { key, reason, expected }) => {
                    let problem = Problem { line: None, key, reason, expected };
                    return Err(vec![(self.line(problem), format!("{how} {}", vary.key))]);
                }
            }
        }
        let experiment = Experiment::parse(&self.file, document.to_string(), Place::Sim, known);
        let alone =
            |experiment| Experiment { source: without_vary(document), vary: Vec::new(), ..experiment };
        experiment.map(alone).map_err(|problems| {
            let blame = |problem: Problem| {
                let culprit = keys.iter().find(|(key, _)| related(key, &problem.key));
                let whose = match culprit {
                    Some((_, vary)) => vary.clone(),
                    None => format!("point {point}: {}", self.product.describe(point)),
                };
                (self.line(problem), whose)
            };
            problems.problems.into_iter().map(blame).collect()
        })
    }

    /// In the words that `run` has for it.
    fn line(&self, problem: Problem) -> String {
        Problems { file: self.file.clone(), problems: vec![problem] }.to_string()
    }
}

/// What the file varies; values from the command line take the place of those for the same key.
fn together(mut own: Vec<Vary>, given: Vec<Vary>) -> Vec<Vary> {
    for vary in given {
        match own.iter_mut().find(|other| other.path == vary.path) {
            Some(other) => *other = vary,
            None => own.push(vary),
        }
    }
    own
}

/// A point is an experiment of its own, which varies nothing.
fn without_vary(mut document: DocumentMut) -> String {
    if let Some(run) = document.get_mut("run").and_then(|run| run.as_table_like_mut()) {
        run.remove("vary");
    }
    document.to_string()
}

/// One is the other or lies in it.
fn related(left: &str, right: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    !left.is_empty() && !right.is_empty() && (within(left, right) || within(right, left))
}

#[cfg(test)]
mod tests;
