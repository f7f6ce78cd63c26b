//! A policy on trial: runs seeds, and tells of what was broken.

use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

use p2pfaas_core::policy::{PolicyError, Registry};
use p2pfaas_core::{Outcome, Time};

use super::cluster::Cluster;
use super::invariants::{Broken, Invariant, Violation};
use super::log::Log;
use super::planted::Planted;
use super::policies::{Policies, Suspect};

/// Lines of the log that a violation shows.
const LAST_LINES: usize = 40;

/// What clusters have lived through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lived {
    /// Clusters.
    pub clusters: u64,
    /// Their nodes.
    pub nodes: u64,
    /// Starts of nodes.
    pub lives: u64,
    /// Break-downs.
    pub crashes: u64,
    /// Jobs, made-up ones included.
    pub jobs: u64,
    /// Times that a function began, at old peers too.
    pub executed: u64,
    /// Jobs sent to a peer.
    pub forwarded: u64,
    /// Probes sent.
    pub probes: u64,
    /// Clients that heard that their job was served.
    pub served: u64,
    /// Clients that heard something else.
    pub not_served: u64,
    /// Jobs that came to a node a second time by the same message.
    pub repeated: u64,
    /// Times that a node left a peer alone with the function.
    pub ejections: u64,
    /// Events that nobody waited for.
    pub strays: u64,
    /// Things that happened.
    pub steps: u64,
}

impl Lived {
    pub(super) fn outcome(&mut self, outcome: Outcome) {
        *(if outcome == Outcome::Served { &mut self.served } else { &mut self.not_served }) += 1;
    }
}

impl AddAssign for Lived {
    fn add_assign(&mut self, other: Lived) {
        self.clusters += other.clusters;
        self.nodes += other.nodes;
        self.lives += other.lives;
        self.crashes += other.crashes;
        self.jobs += other.jobs;
        self.executed += other.executed;
        self.forwarded += other.forwarded;
        self.probes += other.probes;
        self.served += other.served;
        self.not_served += other.not_served;
        self.repeated += other.repeated;
        self.ejections += other.ejections;
        self.strays += other.strays;
        self.steps += other.steps;
    }
}

/// A policy, or all that are built in, on trial.
#[derive(Debug)]
pub struct Trial<'a> {
    policies: Policies<'a>,
    planted: Option<Planted>,
}

impl<'a> Trial<'a> {
    /// A trial of this policy.
    ///
    /// # Errors
    /// The policy cannot be built.
    pub fn new(registry: &'a Registry, suspect: Suspect) -> Result<Self, PolicyError> {
        Ok(Trial { policies: Policies::new(registry, suspect)?, planted: None })
    }

    /// The same with a bug, to see that it is found.
    #[must_use]
    pub fn with(mut self, planted: Option<Planted>) -> Self {
        self.planted = planted;
        self
    }

    /// Lives through one seed.
    ///
    /// # Errors
    /// A promise was broken.
    pub fn run(&self, seed: u64) -> Result<Lived, Box<Violation>> {
        let (outcome, _) = self.live(seed, Log::default());
        match outcome {
            Ok(lived) => Ok(lived),
            Err(first) => {
                let (_, outcome) = self.log(seed);
                let Err(mut violation) = outcome else {
                    return Err(unlike(first, "the second time nothing was broken"));
                };
                violation.last_lines.drain(..violation.last_lines.len().saturating_sub(LAST_LINES));
                let same = (first.invariant, first.step, &first.what)
                    == (violation.invariant, violation.step, &violation.what);
                if same { Err(violation) } else { Err(unlike(first, &violation.to_string())) }
            }
        }
    }

    /// Lives through one seed and keeps its log: a line for everything that happens to a node (`<-`), that it wants done
    /// (`->`), and that befalls it (`==`). It begins with the second, by the clock of the world, and the node.
    ///
    /// The outcome is that of [`Trial::run`]; a violation has all lines.
    pub fn log(&self, seed: u64) -> (Vec<String>, Result<Lived, Box<Violation>>) {
        let (outcome, log) = self.live(seed, Log::kept());
        let lines = log.into_lines();
        let outcome = outcome.map_err(|mut violation| {
            violation.last_lines.clone_from(&lines);
            violation
        });
        (lines, outcome)
    }

    fn live(&self, seed: u64, log: Log) -> (Result<Lived, Box<Violation>>, Log) {
        let mut cluster = match Cluster::new(seed, &self.policies, self.planted, log) {
            Ok(cluster) => cluster,
            Err(broken) => return (Err(self.violation(seed, broken, 0, Time::ZERO)), Log::default()),
        };
        let ran = catch_unwind(AssertUnwindSafe(|| cluster.run()));
        let ran = ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
            Err(Broken { invariant: Invariant::NoPanic, what: format!("it panicked: {text}") })
        });
        let outcome = match ran {
            Ok(()) => Ok(cluster.hub.lived),
            Err(broken) => Err(self.violation(seed, broken, cluster.steps, cluster.hub.now)),
        };
        (outcome, cluster.hub.log)
    }

    fn violation(&self, seed: u64, broken: Broken, step: u64, at: Time) -> Box<Violation> {
        let Broken { invariant, what } = broken;
        let command = self.command(seed);
        Box::new(Violation { seed, invariant, what, step, at, last_lines: Vec::new(), command })
    }

    /// The command that shows the log of a seed.
    fn command(&self, seed: u64) -> String {
        let mut command = format!("p2pfaas faults --log {seed}");
        if self.policies.suspect != Suspect::Any {
            command.push_str(&format!(" --policy '{}'", self.policies.suspect));
        }
        if let Some(bug) = self.planted {
            command.push_str(&format!(" --plant {}", bug.name()));
        }
        command
    }
}

/// The same seed was not the same.
fn unlike(mut first: Box<Violation>, second: &str) -> Box<Violation> {
    first.what = format!("first {} ({}), then {second}", first.what, first.invariant);
    first.invariant = Invariant::Repeatable;
    first
}
