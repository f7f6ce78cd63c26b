//! Arguments of `p2pfaas sweep` and `p2pfaas merge`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::experiment::Place;
use crate::sweep::{ShardChoice, Vary};

pub(super) const SWEEP_HELP: &str = "\
Runs an experiment file in the simulator many times, each time with other values in it, and keeps what came out \
of each combination: a point. All points, policies and seeds run in parallel on all cores.

A KEY is a path into the file, as written there: traffic.rate, cluster.slots, jobs.0.deadline_s, run.seeds. Of \
several tables one is meant by its number from 0, by its label or by its name: policy.0.fan_out, \
policy.pow-2.threshold, jobs.image-a.share. A key that is not in the file is added to its table. \
What a RANGE may be:
  1,2,5            these values; also words, true and false, lists in [ ] and tables in { }
  0.5..1.0/6       6 values at equal distances, both ends among them
  1..5             whole numbers, both ends among them
A file may vary keys of its own, in the same words: [run] vary = { traffic.rate = [1, 2, 5], cluster.slots = \"1..4\" }. A --vary \
of the same key takes its place, one of another key is added.

All combinations of what is varied are run, the last key changes fastest. All of them are checked before anything \
starts.

A sweep that was ended (Ctrl-C, kill, power) goes on with the same command and the same --out: points that are \
finished are not run again. If the experiment file, what is varied or the program's version have changed, that \
is refused.";

pub(super) const SWEEP_MORE: &str = "\
The results folder holds:
  sweep.csv               one line a point and policy: the values, and all that a summary.csv has
  sweep.svg               the in-time share of each policy over the first key that is varied in numbers
  points/0000/            of each point its experiment.toml, as it was run, and its summary.json
  experiment.toml         the experiment file
  sweep.toml              what is varied, and the version of the program

Several machines share a sweep with --shard I/N: each runs every N-th point. They may write into one folder that \
all of them see; else `p2pfaas merge` puts their folders together. With --shard auto the number is that of the \
Slurm array task (SLURM_ARRAY_TASK_ID, _MIN, _COUNT), or, with --shard auto/N, that of the pod of an indexed \
Kubernetes Job (JOB_COMPLETION_INDEX). The results are the same bytes, whatever the threads and shards.

Examples:
  p2pfaas sweep experiments/threshold.toml
  p2pfaas sweep experiments/quickstart.toml --vary jobs.picture.deadline_s=0.3..1.2/4
  p2pfaas sweep a.toml --vary cluster.slots=1..4 --vary policy.pow-2.threshold=1,2,4 --out results/slots
  p2pfaas sweep a.toml --vary run.seeds=1..100 --threads 8
  sbatch --array=1-20 --wrap 'p2pfaas sweep a.toml --vary traffic.rate=1..100 --shard auto --out results/rates'
  p2pfaas sweep a.toml --vary traffic.rate=1..100 --shard 1/2 --out part1     # on one machine
  p2pfaas sweep a.toml --vary traffic.rate=1..100 --shard 2/2 --out part2     # on another
  p2pfaas merge results/rates part1 part2";

pub(super) const MERGE_HELP: &str = "\
Puts the folders together in which the shards of a sweep have left their points. The result is what one machine \
alone would have made, byte for byte.

Refused, before anything is written, are shards of different sweeps, points that two shards have with different \
results, and points that nobody has (--partial takes what there is; the others can be brought later).

Examples:
  p2pfaas merge results/rates part1 part2
  p2pfaas merge results/rates parts/* --partial";

/// Arguments of `p2pfaas sweep`.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// The experiment file
    pub file: PathBuf,
    /// A key of the file and its values; may be given several times
    #[arg(long, value_name = "KEY=RANGE")]
    pub vary: Vec<Vary>,
    /// Where to run it: only `sim`, the simulator
    #[arg(long, value_name = "PLACE", default_value = "sim", value_parser = simulator)]
    pub on: Place,
    /// Folder for the results [default: results/EXPERIMENT-sweep-UTCTIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run every N-th point only, beginning with the I-th: I/N, auto or auto/N; needs --out
    #[arg(long, value_name = "I/N", requires = "out")]
    pub shard: Option<ShardChoice>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// Arguments of `p2pfaas merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Folder for the whole
    pub out: PathBuf,
    /// Folders of the shards
    #[arg(value_name = "SHARD_DIR", required = true)]
    pub shards: Vec<PathBuf>,
    /// Take what there is, although points are missing
    #[arg(long)]
    pub partial: bool,
}

fn simulator(text: &str) -> Result<Place, String> {
    match text {
        "sim" => Ok(Place::Sim),
        _ => Err("a sweep runs in the simulator, `sim`".into()),
    }
}
