//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  p2pfaas run experiments/quickstart.toml
  p2pfaas run experiments/quickstart.toml --seed 7 --out results/seven
  p2pfaas run experiments/quickstart.toml --json | jq '.policies[] | {label, in_time}'
  p2pfaas policies";

const RUN_HELP: &str = "\
Runs every policy of an experiment file in turn, each on a fresh cluster and with the same jobs at the \
same instants, and prints how they compare.

All nodes run on this machine, so a node emulates its device: the function really runs, and its answer \
comes when the time that the file gives as `service`, divided by the node's `speed`, is over.

The jobs are sent on schedule whatever the answers do; latency and deadline count from the scheduled \
instant. All fractions are of the jobs offered after the warm-up.";

const RUN_MORE: &str = "\
The results folder holds:
  summary.json     what the table shows and more, with 95 % confidence intervals
  summary.csv      the same, one line a policy
  jobs.parquet     one row a job, warm-up included (column `warmup`)
  experiment.toml  the experiment file

Ctrl-C ends a run and keeps what was measured; a second one ends the program at once.

Exit codes: 0 done, 1 something could not be started or written, 2 the input is wrong, 130 interrupted.

Examples:
  p2pfaas run experiments/quickstart.toml
  p2pfaas run experiments/quickstart.toml --seed 7 --out results/seven
  p2pfaas run experiments/quickstart.toml --json > summary.json";

/// Decentralised scheduling of serverless functions at the edge: run experiments.
///
/// An experiment file describes a cluster, its traffic, the kinds of jobs and the policies to compare.
#[derive(Debug, Parser)]
#[command(name = "p2pfaas", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an experiment file and compare its policies
    #[command(long_about = RUN_HELP, after_long_help = RUN_MORE)]
    Run(RunArgs),
    /// List the policies with their parameters, defaults and meanings
    Policies,
}

/// Arguments of `p2pfaas run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment file
    pub file: PathBuf,
    /// Where to run it: `local` is an embedded cluster on this machine
    #[arg(long, value_name = "PLACE", default_value = "local", value_parser = place)]
    pub on: Place,
    /// Folder for the results [default: results/EXPERIMENT-UTCTIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run with this seed only, whatever the file says
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print summary.json on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Where to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An embedded cluster.
    Local,
}

fn place(text: &str) -> Result<Place, String> {
    match text {
        "local" => Ok(Place::Local),
        "sim" => Err("the simulator comes in a later version; this one knows only `local`".into()),
        other if other.contains('.') || other.contains('/') => {
            Err("running on a fleet of machines comes in a later version; this one knows only `local`".into())
        }
        _ => Err("this version knows only `local`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_its_options() {
        let line = ["p2pfaas", "run", "a.toml", "--out", "there", "--seed", "7", "--json"];
        let Command::Run(args) = Cli::try_parse_from(line).unwrap().command else { panic!("run") };
        assert_eq!((args.file, args.on), (PathBuf::from("a.toml"), Place::Local));
        assert_eq!((args.out, args.seed, args.json), (Some(PathBuf::from("there")), Some(7), true));
    }

    #[test]
    fn places_that_come_later_are_refused_with_a_word_why() {
        for (place, part) in [("sim", "simulator"), ("hosts.txt", "fleet"), ("moon", "only `local`")] {
            let error = Cli::try_parse_from(["p2pfaas", "run", "a.toml", "--on", place]).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
