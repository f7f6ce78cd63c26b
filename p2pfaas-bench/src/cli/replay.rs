//! Arguments of `p2pfaas replay`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

pub(super) const REPLAY_HELP: &str = "\
Lets a recorded run, or one recorded node, live through the same once more in virtual time.

A results folder of `p2pfaas run`: every policy and seed is simulated with the jobs of its own recording, at the \
instants when they were due, and what each took where it ran (its execution time, times the speed of that node). A \
job that was not run there takes what it took under another policy, else what some job of its type took. What the simulator makes of it stands beside what \
was measured. Agents start as the run kept them, and only act, unless they learned on in that run, too \
(keep_learning); without them their policy is left out.

The event log of a node (`p2pfaas-node --event-log FILE`, `p2pfaas run --event-logs`): the same events must have \
the same effects, to the last bit.";

pub(super) const REPLAY_MORE: &str = "\
With --out, the results folder holds what that of `p2pfaas run FILE --on sim --beside` does.

Exit codes: 0 done, and all effects were the same; 1 an effect differs, or something could not be written; 2 the \
input is wrong; 130 interrupted.

Examples:
  p2pfaas replay results/monday
  p2pfaas replay results/monday --out results/monday-again --json | jq .beside
  p2pfaas replay results/monday/event-logs/power_of_two-seed1-node0.log";

/// Arguments of `p2pfaas replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// A results folder, or the event log of a node
    pub path: PathBuf,
    /// Folder for the results [default: they are not kept]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print summary.json on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Write jobs.parquet into the results folder
    #[arg(long, requires = "out")]
    pub jobs: bool,
    /// Threads of the simulator [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}
