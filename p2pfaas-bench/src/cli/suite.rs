//! Arguments of `p2pfaas suite`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::suite::Seeds;

pub(super) const SUITE_HELP: &str = "\
Draws instances of scenarios, tunes static policies on each of them, and compares learned policies with the tuned ones.

A scenario is an experiment file with a table [suite]: the loads at which it is run, and the laws that numbers of nodes, \
slots, speeds, service times, deadlines, latencies and so on are drawn from. Seeds of draws from 1 to 9999 are for \
development and training, those from 10000 on are for evaluation.";

pub(super) const RUN_MORE: &str = "\
On each instance the static policies are tuned, by a grid search with successive halving: the whole grid with one run, \
the best third with one more, the best ninth with three more. The arrivals of these runs are not those of the \
evaluation, which all policies meet in the end. Tuned are no co-operation, blind forwarding, PowerOfN by fan_out (1, 2, 3, 5, \
8, all) and threshold (0 to slots + queue) and PowerOfN with tau, each alone, on nodes with deadline_aware, and with shed=late; \
and, apart from these, policies that are told rates, speeds and service times, by how many peers they probe. The best of the \
full-information policies is the best known.

Learned policies are the tables [[policy]] of a file, as in an experiment file.

The results folder holds:
  suite.md          the summary, which is printed as well
  suite.csv         one line an instance and policy
  instances.jsonl   what has been measured; the same command with the same --out runs only what is missing, also for \
policies that have come or changed
  instances/        the instances, which are ordinary experiment files

Examples:
  p2pfaas suite run
  p2pfaas suite run --seeds 3 --scenario speeds --scenario links --out results/suite
  p2pfaas suite run --seeds 10000..10029 --out results/evaluation
  p2pfaas suite run --policies mine.toml --only 'my policy' --out results/suite";

pub(super) const DRAW_MORE: &str = "\
The same seed gives the same bytes. `p2pfaas run FILE --on sim` runs what was drawn.

Examples:
  p2pfaas suite draw --seed 7
  p2pfaas suite draw --seed 7 --scenario speeds --load 0.85 --out /tmp/drawn";

/// Arguments of `p2pfaas suite`.
#[derive(Debug, Args)]
pub struct SuiteArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SuiteCommand,
}

/// What to do with the suite.
#[derive(Debug, Subcommand)]
pub enum SuiteCommand {
    /// Write the experiment files of a draw
    #[command(after_long_help = DRAW_MORE)]
    Draw(SuiteDrawArgs),
    /// Tune the static policies on each instance, and compare
    #[command(after_long_help = RUN_MORE)]
    Run(SuiteRunArgs),
}

/// Which instances.
#[derive(Debug, Args)]
pub struct Which {
    /// A scenario, by its file's name; may be given several times [default: all]
    #[arg(long, value_name = "NAME")]
    pub scenario: Vec<String>,
    /// One of the loads of the scenarios; may be given several times [default: all]
    #[arg(long, value_name = "LOAD")]
    pub load: Vec<f64>,
    /// Folder of the scenario files
    #[arg(long, value_name = "DIR", default_value = "experiments/suite")]
    pub scenarios: PathBuf,
}

/// Arguments of `p2pfaas suite draw`.
#[derive(Debug, Args)]
pub struct SuiteDrawArgs {
    /// Which instances.
    #[command(flatten)]
    pub which: Which,
    /// The seed of the draw
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1_000_000_000_000))]
    pub seed: u64,
    /// Folder for the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// Arguments of `p2pfaas suite run`.
#[derive(Debug, Args)]
pub struct SuiteRunArgs {
    /// Which instances.
    #[command(flatten)]
    pub which: Which,
    /// Seeds of the draws, FIRST..LAST or a count
    #[arg(long, value_name = "SEEDS", default_value = "5")]
    pub seeds: Seeds,
    /// Learned policies [default: policies.toml in the folder of the scenarios, if it is there]
    #[arg(long, value_name = "FILE")]
    pub policies: Option<PathBuf>,
    /// Of these only the one with this label; may be given several times
    #[arg(long, value_name = "LABEL")]
    pub only: Vec<String>,
    /// No learned policies
    #[arg(long, conflicts_with_all = ["policies", "only"])]
    pub static_only: bool,
    /// Folder for the results [default: results/suite-UTCTIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}
