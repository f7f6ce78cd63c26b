//! The benchmark suite: scenarios of which instances are drawn, static policies that are tuned on each instance, and
//! what learned policies bring beyond them.
//!
//! A [`Scenario`] is an experiment file with a table `[suite]`. An [`Instance`] is drawn of it by a seed, at a load.
//! On each instance the static [families] are [tuned](tune) under arrivals of their own; then all policies
//! meet the same arrivals, which no tuning has seen. What came of it is [kept](store) instance by instance, and
//! [summed up](report) over seeds.

mod csv;
mod draw;
mod entries;
pub mod families;
mod law;
pub mod measured;
mod network;
pub mod report;
mod run;
mod scenario;
mod seeds;
pub mod store;
pub mod tune;

pub use draw::{DrawError, Instance};
pub use entries::{Entries, EntriesError, Entry};
pub use run::{Ran, Suite, SuiteError, Work};
pub use scenario::{Scenario, ScenarioError};
pub use seeds::Seeds;
pub use store::Store;

use crate::results::WriteError;

/// The first seed that is kept for evaluation: what is developed, tuned by hand or trained has only seen draws below.
pub const FIRST_EVALUATION_SEED: u64 = 10_000;
/// Streams of arrivals that belong to a draw: the first is for the evaluation, all others are for tuning.
pub const ARRIVALS_A_DRAW: u64 = 100;

/// What a seed of a draw may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedRange {
    /// Development and training.
    Development,
    /// Evaluation.
    Evaluation,
}

impl SeedRange {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            SeedRange::Development => "development and training",
            SeedRange::Evaluation => "evaluation",
        }
    }
}

/// What a seed of a draw may be used for.
pub fn range_of(seed: u64) -> SeedRange {
    if seed < FIRST_EVALUATION_SEED { SeedRange::Development } else { SeedRange::Evaluation }
}

/// The seed of arrivals number `run` that belong to a draw: 0 is the evaluation, all others are for tuning. No two draws
/// share one.
pub fn arrival_seed(draw: u64, run: u64) -> u64 {
    draw * ARRIVALS_A_DRAW + run.min(ARRIVALS_A_DRAW - 1)
}

/// Writes `suite.csv` and `suite.md` of what there is, and returns the latter. `head` says what was run.
///
/// # Errors
/// They cannot be written.
pub fn write(suite: &Suite<'_>, ran: &Ran, head: &str) -> Result<String, WriteError> {
    let labels: Vec<_> = suite.entries.iter().map(|entry| entry.label.as_str()).collect();
    let text = report::render(suite.scenarios, &labels, &ran.lines, head);
    suite.store.write("suite.csv", &csv::render(&ran.lines))?;
    suite.store.write("suite.md", &text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
