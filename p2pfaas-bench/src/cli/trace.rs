//! Arguments of `p2pfaas record` and `p2pfaas trace`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::trace_info::Format;

pub(super) const RECORD_HELP: &str = "\
Makes a trace of a run, on whatever place it was: one row an arrival, in the order of the instants.

  at_s            when the job was due, seconds since the start of the run (a training has times below 0)
  node            the node that it came to, from 0
  task_type       its kind, from 0, and task_type_name what that was called
  service_s       what it took where it ran, times the speed of that node; empty where it was not run
  deadline_s      the seconds that its kind had; empty without a deadline

[traffic] with kind = \"recorded\" and the file plays it: the same arrivals on every place, and with the same \
service times where they are known (in the simulator, and on emulated devices). Deadlines are those of the \
experiment that plays it. A run on the simulator has jobs only with --jobs.";

pub(super) const RECORD_MORE: &str = "\
Nothing is overwritten.

Exit codes: 0 done, 1 the trace could not be written, 2 the input is wrong.

Examples:
  p2pfaas record results/monday
  p2pfaas record results/monday --policy pow-2 --seed 3 --out monday.csv";

pub(super) const INFO_HELP: &str = "\
Shows what a trace is like: jobs, span, functions and nodes, rate (the mean, and that of the fullest minute), \
burstiness, durations, broken lines; with the rate over time and the durations as pictures of characters.

  recorded              a results folder, its jobs.parquet, or what `p2pfaas record` has written
  azure-2019            calls a minute; --durations and --memory take its other tables
  azure-2019-durations  such a table alone
  azure-2019-memory     such a table alone
  azure-2021            single calls
  k6                    JSON {function: {node: [rates]}}
  profile               lines index,value, the shape of a day

Burstiness by the second and by the minute is the index of dispersion: the variance of the jobs in a second or \
minute, over their mean. By the gaps it is their coefficient of variation: standard deviation over mean. All are 1 for \
Poisson arrivals of a constant rate, and larger if jobs come in bursts or the rate changes.";

pub(super) const INFO_MORE: &str = "\
A broken line is refused with its file, its number and the reason; with --skip-bad, broken lines are counted.

Exit codes: 0 done, 2 the input is wrong.

Examples:
  p2pfaas trace info results/monday
  p2pfaas trace info invocations.csv --durations durations.csv --memory memory.csv
  p2pfaas trace info calls.csv --format azure-2021 --skip-bad --json | jq .rate";

/// Arguments of `p2pfaas record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// A results folder, or its jobs.parquet
    pub results: PathBuf,
    /// Label of the policy whose run is taken [default: the first one]
    #[arg(long, value_name = "P")]
    pub policy: Option<String>,
    /// Seed of the run [default: the first one]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The trace: CSV if its name ends in .csv, else Parquet [default: trace.parquet in the folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Arguments of `p2pfaas trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: TraceCommand,
}

/// What to do with a trace.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Show what a trace is like
    #[command(long_about = INFO_HELP, after_long_help = INFO_MORE)]
    Info(InfoArgs),
}

/// Arguments of `p2pfaas trace info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The trace
    pub file: PathBuf,
    /// Its format [default: told by how the file begins]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true)]
    pub format: Option<Format>,
    /// Of azure-2019: the table function_durations_percentiles
    #[arg(long, value_name = "FILE")]
    pub durations: Option<PathBuf>,
    /// Of azure-2019: the table app_memory_percentiles
    #[arg(long, value_name = "FILE")]
    pub memory: Option<PathBuf>,
    /// Of recorded: label of the policy whose run is shown [default: the first one]
    #[arg(long, value_name = "P")]
    pub policy: Option<String>,
    /// Of recorded: seed of the run [default: the first one]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Count broken lines and leave them out
    #[arg(long)]
    pub skip_bad: bool,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
}
