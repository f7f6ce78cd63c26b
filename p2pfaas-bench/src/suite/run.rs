//! Runs the suite: draws, tunes and compares, instance by instance.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use p2pfaas_core::policy::PolicyError;
use p2pfaas_core::reward::Reward;
use tokio_util::sync::CancellationToken;

use super::arrival_seed;
use super::draw::{DrawError, Instance};
use super::entries::{Entries, Entry};
use super::families::{Candidate, Family, Told, families, fixed};
use super::measured::{Measured, Role, Row, Tuning};
use super::scenario::Scenario;
use super::store::{Case, Line, Store};
use super::tune::{RUNS_OF_THE_BEST, budget, tune};
use crate::experiment::{Experiment, Known, Place, PolicySpec, Problems};
use crate::results::WriteError;
use crate::simulate::{Engine, SimProgress, SimulateError, count, each};

/// A suite that ended early. What was measured until then is in its folder.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// An instance cannot be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A learned policy is not for an instance.
    #[error("{label}, on {instance}:\n{problems}")]
    Entry {
        /// The policy.
        label: String,
        /// The instance.
        instance: String,
        /// Why not.
        problems: Problems,
    },
    /// An instance cannot be read back.
    #[error("{0}")]
    Instance(Problems),
    /// A policy of the grid cannot be built.
    #[error("a policy of the grid cannot be built: {0}")]
    Policy(#[from] PolicyError),
    /// A run cannot be made.
    #[error("{instance}: {source}")]
    Run {
        /// The instance.
        instance: String,
        /// Why not.
        source: Box<SimulateError>,
    },
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The threads cannot be started.
    #[error("cannot start the threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

impl SuiteError {
    /// Whether the command was wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        matches!(self, SuiteError::Draw(_) | SuiteError::Entry { .. } | SuiteError::Instance(_))
    }
}

/// What is run, and by what.
pub struct Suite<'a> {
    /// The scenarios.
    pub scenarios: &'a [Scenario],
    /// Loads that are wanted; all, if there are none.
    pub loads: &'a [f64],
    /// Seeds of the draws.
    pub seeds: &'a [u64],
    /// Learned policies.
    pub entries: &'a Entries,
    /// Where results are kept.
    pub store: &'a Store,
    /// What an experiment may refer to.
    pub known: Known<'a>,
    /// The simulator.
    pub engine: &'a dyn Engine,
}

/// An instance, ready to be run.
pub struct Work {
    /// What it is drawn from.
    pub case: Case,
    /// A number for its files, the grid and the program.
    pub print: String,
    plain: Experiment,
    /// The same with nodes that are aware of deadlines.
    aware: Experiment,
    families: Vec<Family>,
    fixed: [(&'static str, Candidate); 2],
    /// What is still to be done.
    tunes: bool,
    learned: Vec<usize>,
}

/// What there is after a suite.
#[derive(Debug)]
pub struct Ran {
    /// All lines that belong to it, by instance: what was tuned, then the learned policies that are there.
    pub lines: Vec<(Line, Vec<Line>)>,
    /// Instances for which something is missing.
    pub left: usize,
}

/// The folder of instances in that of the results.
const INSTANCES: &str = "instances";

impl Suite<'_> {
    /// Draws all instances and checks them.
    ///
    /// # Errors
    /// One of them cannot be drawn.
    pub fn works(&self) -> Result<Vec<Work>, SuiteError> {
        let mut works = Vec::new();
        for scenario in self.scenarios {
            let wanted = |load: &&f64| self.loads.is_empty() || self.loads.contains(*load);
            for load in scenario.loads.iter().filter(wanted) {
                for seed in self.seeds {
                    works.push(self.work(scenario, *load, *seed)?);
                }
            }
        }
        Ok(works)
    }

    fn work(&self, scenario: &Scenario, load: f64, seed: u64) -> Result<Work, SuiteError> {
        let instance = Instance::draw(scenario, load, seed, &self.known)?;
        let path = instance.write(&self.store.folder().join(INSTANCES))?;
        let plain = Experiment::parse(&path, instance.text.clone(), Place::Sim, &self.known);
        let mut plain = plain.map_err(SuiteError::Instance)?;
        let families = families(&plain, self.known.registry)?;
        let fixed = fixed(self.known.registry)?;
        let all = families
            .iter()
            .flat_map(|family| &family.candidates)
            .chain(fixed.iter().map(|(_, policy)| policy));
        plain.policies = all.enumerate().map(|(number, candidate)| spec(number, candidate)).collect();
        let mut aware = plain.clone();
        aware.nodes.iter_mut().for_each(|node| node.deadline_aware = true);
        let case = Case { scenario: scenario.name.clone(), load, seed };
        let print = print(&instance, &plain);
        let tunes = self.store.get(&case, &print, None).is_none();
        let missing = |entry: &Entry| self.store.get(&case, &print, Some(&entry.print)).is_none();
        let learned = self.entries.iter().enumerate().filter(|(_, entry)| missing(entry));
        let learned = learned.map(|(place, _)| place).collect();
        // What a policy cannot be is told before anything starts.
        for entry in self.entries.iter() {
            self.entry(entry, &plain)?;
        }
        Ok(Work { case, print, plain, aware, families, fixed, tunes, learned })
    }

    fn entry(&self, entry: &Entry, experiment: &Experiment) -> Result<(PolicySpec, bool), SuiteError> {
        self.entries.policy(entry, &experiment.source, &self.known).map_err(|problems| SuiteError::Entry {
            label: entry.label.clone(),
            instance: experiment.name.clone(),
            problems,
        })
    }

    /// A bar over what is to be done.
    pub fn progress(&self, works: &[Work]) -> SimProgress {
        let (mut virtual_s, mut runs) = (0.0, 0);
        for work in works {
            let here = if work.tunes { work.runs() } else { 0 } + work.learned.len() as u64;
            virtual_s += here as f64 * work.plain.horizon_s();
            runs += here as usize;
        }
        SimProgress::over(virtual_s, runs)
    }

    /// Does what is to be done, and keeps it.
    ///
    /// # Errors
    /// Something cannot be run or kept. What was measured until then is there.
    pub fn run(
        &self,
        works: &[Work],
        threads: Option<NonZeroUsize>,
        cancel: &CancellationToken,
        progress: &SimProgress,
    ) -> Result<Ran, SuiteError> {
        let pending: Vec<_> = works.iter().filter(|work| work.tunes || !work.learned.is_empty()).collect();
        let stop = cancel.child_token();
        let failed = Mutex::new(BTreeMap::new());
        let started = each(threads, pending.len(), &stop, |number| {
            let bench = Bench { suite: self, work: pending[number], progress, stop: &stop };
            if let Err(error) = bench.go() {
                stop.cancel();
                failed.lock().unwrap_or_else(PoisonError::into_inner).insert(number, error);
            }
        });
        progress.finish();
        started?;
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        match failed.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(self.there(works)),
        }
    }

    /// What is in the folder of these instances.
    pub fn there(&self, works: &[Work]) -> Ran {
        let (mut lines, mut left) = (Vec::new(), 0);
        for work in works {
            let learned: Vec<_> = self
                .entries
                .iter()
                .filter_map(|entry| self.store.get(&work.case, &work.print, Some(&entry.print)))
                .collect();
            let tuned = self.store.get(&work.case, &work.print, None);
            left += usize::from(tuned.is_none() || learned.len() < self.entries.iter().len());
            lines.extend(tuned.map(|tuned| (tuned, learned)));
        }
        Ran { lines, left }
    }
}

impl Work {
    /// Runs that tuning and evaluation take.
    fn runs(&self) -> u64 {
        let families = self.families.iter().map(|family| budget(family.candidates.len()) + 1);
        families.sum::<u64>() + self.fixed.len() as u64
    }
}

fn spec(number: usize, candidate: &Candidate) -> PolicySpec {
    let label = format!("{number} {}", candidate.label());
    PolicySpec {
        file_name: number.to_string(),
        label,
        descriptor: candidate.descriptor.clone(),
        agent: None,
        reward: Reward::default(),
        reference: false,
    }
}

/// A number for what results depend on.
fn print(instance: &Instance, experiment: &Experiment) -> String {
    let mut said = format!("{} {RUNS_OF_THE_BEST}\n{}", env!("CARGO_PKG_VERSION"), instance.text);
    instance.files.iter().for_each(|(name, text)| said.push_str(&format!("\n{name}\n{text}")));
    experiment.policies.iter().for_each(|policy| said.push_str(&format!("\n{}", policy.label)));
    format!("{:08x}", crc32c::crc32c(said.as_bytes()))
}

/// One instance while it is worked on.
struct Bench<'a> {
    suite: &'a Suite<'a>,
    work: &'a Work,
    progress: &'a SimProgress,
    stop: &'a CancellationToken,
}

impl Bench<'_> {
    fn go(&self) -> Result<(), SuiteError> {
        let Work { case, print, tunes, .. } = self.work;
        let keep = |learned: Option<&str>, began: Instant, rows: Vec<Row>| {
            let took_s = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
            let learned = learned.map(str::to_string);
            self.progress.tell(&told(case, &rows, took_s));
            self.suite.store.keep(Line { case: case.clone(), instance: print.clone(), learned, took_s, rows })
        };
        if *tunes {
            let began = Instant::now();
            let Some(rows) = self.tuned()? else { return Ok(()) };
            keep(None, began, rows)?;
        }
        for place in &self.work.learned {
            let Some(entry) = self.suite.entries.iter().nth(*place) else { continue };
            let began = Instant::now();
            let (policy, deadline_aware) = self.suite.entry(entry, &self.work.plain)?;
            let experiment = if deadline_aware { &self.work.aware } else { &self.work.plain };
            let text =
                format!("{}{}", policy.descriptor, if deadline_aware { " + deadline_aware" } else { "" });
            let experiment = Experiment { policies: vec![policy], ..experiment.clone() };
            let Some(measured) = self.measure(&experiment, 0, 0)? else { return Ok(()) };
            let row =
                Row { label: entry.label.clone(), role: Role::Learned, policy: text, tuning: None, measured };
            keep(Some(&entry.print), began, vec![row])?;
        }
        Ok(())
    }

    /// What is not learned; `None` when it was ended.
    fn tuned(&self) -> Result<Option<Vec<Row>>, SuiteError> {
        let work = self.work;
        let mut rows = Vec::new();
        let mut first = 0;
        for family in &work.families {
            let count = family.candidates.len();
            let tuned = tune(count, |candidate, run| {
                let aware = family.candidates[candidate].deadline_aware;
                Ok::<_, SuiteError>(self.candidate(first + candidate, aware, run)?.map(|run| run.in_time))
            })?;
            let Some(tuned) = tuned else { return Ok(None) };
            let best = &family.candidates[tuned.best];
            let Some(measured) = self.candidate(first + tuned.best, best.deadline_aware, 0)? else {
                return Ok(None);
            };
            rows.push(Row {
                label: family.name.into(),
                role: Role::Tuned(family.told),
                policy: best.label(),
                tuning: Some(Tuning { score: tuned.score, candidates: count, runs: tuned.runs }),
                measured,
            });
            first += count;
        }
        let mut all = Vec::new();
        for (place, (label, policy)) in work.fixed.iter().enumerate() {
            let Some(measured) = self.candidate(first + place, policy.deadline_aware, 0)? else {
                return Ok(None);
            };
            let (label, policy) = ((*label).into(), policy.label());
            all.push(Row { label, role: Role::Fixed, policy, tuning: None, measured });
        }
        all.extend(rows);
        Ok(Some(all))
    }

    fn candidate(
        &self,
        number: usize,
        deadline_aware: bool,
        run: u64,
    ) -> Result<Option<Measured>, SuiteError> {
        let experiment = if deadline_aware { &self.work.aware } else { &self.work.plain };
        self.measure(experiment, number, run)
    }

    /// One policy under the arrivals of this number: 0 is the evaluation.
    fn measure(
        &self,
        experiment: &Experiment,
        policy: usize,
        run: u64,
    ) -> Result<Option<Measured>, SuiteError> {
        let seed = arrival_seed(self.work.case.seed, run);
        let gauge = self.progress.gauge(experiment, policy);
        let counted = count(self.suite.engine, experiment, policy, seed, gauge, self.stop);
        let counted = counted.map_err(|source| SuiteError::Run {
            instance: experiment.name.clone(),
            source: Box::new(source),
        })?;
        Ok((!counted.interrupted).then(|| Measured::of(&counted)))
    }
}

/// The best of the families that are told one of these, by its tuning.
pub(super) fn best<'a>(rows: &'a [Row], told: &[Told]) -> Option<&'a Row> {
    let score = |row: &&Row| row.tuning.map_or(0.0, |tuning| tuning.score);
    let of_these = rows.iter().filter(|row| matches!(row.role, Role::Tuned(own) if told.contains(&own)));
    // Of equals the first.
    of_these.rev().max_by(|left, right| score(left).total_cmp(&score(right)))
}

/// Among whom the best known policy is: a full-information one does not see the jobs that are on their way, so that where ways
/// are long and nodes unequal all send to the same node, and one that probes some peers is better.
pub(super) const BEST_KNOWN: [Told; 2] = [Told::Model, Told::Everything];

/// A line about an instance.
fn told(case: &Case, rows: &[Row], took_s: f64) -> String {
    let Case { scenario, load, seed } = case;
    let percent = |row: &Row| format!("{:.1} %", 100.0 * row.measured.in_time);
    let mut parts: Vec<_> = rows
        .iter()
        .filter(|row| matches!(row.role, Role::Fixed | Role::Learned))
        .map(|row| format!("{} {}", row.label, percent(row)))
        .collect();
    for (name, told) in
        [("static", &[Told::Nothing][..]), ("model told", &[Told::Model]), ("best known", &BEST_KNOWN)]
    {
        parts.extend(best(rows, told).map(|row| format!("{name} {} [{}]", percent(row), row.policy)));
    }
    format!("{scenario} {load} seed {seed}: {} ({took_s:.1} s)", parts.join(", "))
}
