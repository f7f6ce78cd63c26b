//! The command line.

mod export;
mod faults;
mod replay;
mod suite;
mod sweep;
mod theory;
mod tools;
mod trace;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::experiment::Place;

pub use export::ExportArgs;
use export::{EXPORT_HELP, EXPORT_MORE};
pub use faults::FaultsArgs;
use faults::{FAULTS_MORE, faults_help};
pub use replay::ReplayArgs;
use replay::{REPLAY_HELP, REPLAY_MORE};
use suite::SUITE_HELP;
pub use suite::{SuiteArgs, SuiteCommand, SuiteDrawArgs, SuiteRunArgs, Which};
use sweep::{MERGE_HELP, SWEEP_HELP, SWEEP_MORE};
pub use sweep::{MergeArgs, SweepArgs};
pub use theory::{
    BalancingArgs, ColdStartArgs, ErlangArgs, JsqArgs, LlArgs, MeanFieldArgs, Mm1kArgs, MmckArgs,
    PowerOfDArgs, Queue, Rule, Subject, TheoryArgs, TrafficArgs,
};
use theory::{THEORY_HELP, THEORY_MORE};
use tools::{
    CHECK_HELP, CHECK_MORE, COMPLETIONS_HELP, COMPLETIONS_MORE, MAN_HELP, MAN_MORE, SCHEMA_HELP, SCHEMA_MORE,
};
pub use tools::{CheckArgs, CompletionsArgs, ManArgs};
pub use trace::{InfoArgs, RecordArgs, TraceArgs, TraceCommand};
use trace::{RECORD_HELP, RECORD_MORE};

const EXAMPLES: &str = "\
Exit codes:
  0    done
  1    something could not be started, run or written; what was measured by then is kept
  2    the input is wrong: the command line, a file, or a folder that holds other results; nothing was started
  130  interrupted by Ctrl-C or SIGTERM; what was measured by then is kept

Examples:
  p2pfaas check experiments/quickstart.toml
  p2pfaas run experiments/quickstart.toml
  p2pfaas run experiments/quickstart.toml --seed 7 --out results/seven
  p2pfaas run experiments/quickstart.toml --json | jq '.policies[] | {label, in_time}'
  p2pfaas run experiments/quickstart.toml --on sim
  p2pfaas sweep experiments/quickstart.toml --vary jobs.picture.deadline_s=0.3..1.2/4
  p2pfaas suite run --seeds 3 --scenario speeds
  p2pfaas train --trace results/monday --only learned/1/0 --out agent.ckpt
  p2pfaas evaluate --trace results/tuesday --only learned/1/0 --agent agent.ckpt
  p2pfaas run experiments/quickstart.toml --on sim --beside results/monday
  p2pfaas replay results/monday
  p2pfaas record results/monday --out monday.csv
  p2pfaas trace info monday.csv
  p2pfaas theory ll --nodes 12 --slots 3 --queue 4 --threshold 0,1,2,3,8 --load 0.9
  p2pfaas faults --policy PowerOfNScheduler
  p2pfaas policies";

const RUN_HELP: &str = "\
Runs every policy of an experiment file in turn, each on a fresh cluster and with the same jobs at the \
same instants, and prints how they compare.

With --on local, all nodes run on this machine, so a node emulates its device: the function really runs, and its answer \
comes when the time that the file gives as `service`, divided by the node's `speed`, is over.

With --on hosts.txt, nodes that are there already run it, on machines of their own: one a line, \
host[:port[:discovery port]], by default 18080 and 19000, # for remarks. All of them are looked at first \
(there, functions, peers, versions, clocks), and nothing is changed unless all are ready. Then they get the \
policies of the file in turn, and its slots and queues where it says them; at the end, also after Ctrl-C, \
each gets back what it had. A policy LearningScheduler asks the nodes' own agents.

With --on sim, the same nodes run in virtual time, all policies and seeds in parallel: hours take seconds, and the \
same file gives the same bytes, on any number of threads. With --beside DIR, where DIR holds the results of the same \
experiment on real nodes, service times are those that were measured there, and both stand side by side: a job that \
was run there under the same seed takes what it took there, and the others draw from what jobs of their type took.

The jobs are sent on schedule whatever the answers do; latency and deadline count from the scheduled \
instant. All fractions are of the jobs offered after the warm-up ([run] warmup_s) and before the cool-down (cooldown_s, in \
which jobs go on coming, so that the last that are counted meet the same load).

A policy that asks an agent (LearningScheduler) may have two more tables:
  [policy.agent]   train_s = N: seconds of training before each run, with jobs of their own;
                   checkpoint = \"FILE\": start from what was learned before, {node} in it is the \
                   number of the node; frozen = true: only act; keep_learning = true: explore and learn \
                   in the run, too, and not only act; all other keys are the agent's own parameters, \
                   such as rule, alpha, gamma, epsilon_start
  [policy.reward]  what a finished job is worth; by default 1 in time, else 0";

const RUN_MORE: &str = "\
The results folder holds:
  summary.json     what the table shows and more, with 95 % confidence intervals
  summary.csv      the same, one line a policy
  comparisons.csv  every two policies under the same jobs: their difference in jobs in time, jobs dropped and mean
                   latency, with its interval, Cohen's d_z, and p before and after Holm's adjustment
  jobs.parquet     one row a job, also of training, warm-up and cool-down (column `phase`): `p2pfaas columns` says what
                   is in it; with --on sim only up to 2 million jobs, or if --jobs is given
  experiment.toml  the experiment as it was run: with defaults, seeds, and where the results come from
  learning.svg     where agents learned: how the share of jobs in time rose, and what the others reached
  learning.csv     the same, one line a second
  beside.csv       with --beside: what was measured, what was simulated, and the difference, one line a policy
  beside.svg       the same as a picture
  event-logs/      with --event-logs: what each node saw and did, LABEL-seedN-nodeI.log
  fleet-before.json  with --on hosts.txt: what each node had, and the commands that give it back
  agents/          what each node's agent has learned, LABEL-seedN-nodeI.ckpt
  report.html      one page that opens offline, with the table and all charts
  charts/          the charts, as SVG and PNG
  runs/            until all runs are over: those that are, each with its jobs

Intervals are Student's t on the values of the seeds where there are several (replications), else on twentieths of the \
only run (batch means); `method` in the summary says which. Policies are compared under the same jobs, pair by pair: by \
seeds, else by these twentieths. A difference whose interval contains 0 is not significant, and a warning says so. When a run \
was steady is found by MSER-5 on the number of jobs in the system, and a warning tells of a shorter `warmup_s`.

A folder with results is never written into again. Ctrl-C ends a run and keeps what was measured; a second one ends the \
program at once. The same command with --resume DIR, or with the same --out, then goes on: the policies and seeds that were \
over are kept, the others are run. So it does after a kill or a loss of power. If the file, the options or the program's \
version have changed, that is refused.

What a file varies ([run] vary) is for `p2pfaas sweep`: a run takes the values that stand in the file.

Examples:
  p2pfaas run experiments/quickstart.toml
  p2pfaas run experiments/quickstart.toml --seed 7 --out results/seven
  p2pfaas run experiments/quickstart.toml --json > summary.json
  p2pfaas run experiments/learning.toml
  p2pfaas run experiments/quickstart.toml --on hosts.txt
  p2pfaas run experiments/quickstart.toml --on sim --jobs --threads 4
  p2pfaas run experiments/quickstart.toml --on sim --beside results/monday";

const TRAIN_HELP: &str = "\
Trains an agent from records of what other agents, or earlier ones of its kind, chose and gained.

A record is one of
  a results folder of `p2pfaas run`, or its jobs.parquet
  the SQLite file of the reference client (20240131-120000.db)
  a CSV file with the columns eid,state,action,reward and, if known, epsilon,probability,stream;
    a state with commas stands in double quotes: 17,\"2,0,1\",1,0.0

The last part of each stream (one agent in one run) is held out: the agent is judged by what came after \
what it was trained with. What nobody gives, the number of actions and the bounds of states, is taken from what \
it is trained with; states beyond the bounds count as at them. Rows without a state or an action are left out.

Actions from 3 on give a job to a certain peer, and which one it is differs from node to node: if the record has \
such choices, train an agent for each node by that node's own, --only POLICY/SEED/NODE. A warning tells of it.

An agent can only learn what is better than the record where the record tried it: record with some \
exploration, and with the probabilities of the choices, which our nodes tell.

Only rules that learn from anybody's record are taken: q-learning, double-q-learning, expected-sarsa (of its \
own final epsilon) and differential-q-learning, which is the default (for a network: double-q-learning). The others would learn what the \
recorded behaviour is worth: say --as-recorded if that is wanted.";

const TRAIN_MORE: &str = "\
An agent file is TOML with the parameters of [policy.agent] at the top, or in a table [agent]:
  rule = \"q-learning\"
  gamma = 0.9
  alpha = 0.05

It writes
  OUT            the agent; the one before it stays as OUT.previous
  OUT.curve.csv  the learning curve: one line before the training and one after each epoch
  OUT.curve.svg  the same as a picture

Ctrl-C ends the training and keeps what has been learned; a second one ends the program at once.

Examples:
  p2pfaas train --trace results/monday --only learned/1/0 --out node0.ckpt
  p2pfaas train --trace results/monday --only sarsa/1/ --out agent.ckpt --set rule=q-learning --set gamma=0.5
  p2pfaas train --trace a.db b.db --out agent.ckpt --config agent.toml --epochs 30 --held-out 0.3
  p2pfaas train --trace record.csv --out agent.ckpt --set value=tiles --set 'bounds=[[0,8],[0,8]]'";

const EVALUATE_HELP: &str = "\
Estimates from a record of another behaviour what an agent would gain a job, without letting it act.

  doubly robust                 a model of the reward, corrected where it is wrong: start here
  weighted importance sampling  recorded rewards, weighted by how likely the agent does the same
  importance sampling           the same without making the weights add up: unbiased, but it scatters

When the three agree and the effective sample size is large, believe them. Each job counts as a decision of its \
own: that the agent's choices would lead to other states (shorter queues, say) is not corrected.

A record that the agent was trained with makes it look too good. Take another one, or with --last the part \
that was held out. If it gives jobs to certain peers (actions from 3 on), take the choices of its own node, \
--only POLICY/SEED/NODE: at each node they are other peers.";

const EVALUATE_MORE: &str = "\
Where a record does not tell the probability of a choice, how often the action was taken in the state counts. \
Only of agents that are known to be epsilon-greedy (of the reference client's records, and of CSV) it is derived: \
the most frequent action of a state is taken to be the greedy one, if there are 5 choices or more and a single \
most frequent one. A warning tells how many of each kind there are.

Examples:
  p2pfaas evaluate --trace results/tuesday --only learned/1/0 --agent node0.ckpt
  p2pfaas evaluate --trace results/monday --only learned/1/0 --last 0.2 --agent node0.ckpt --epsilon 0.05
  p2pfaas evaluate --trace record.csv --agent agent.ckpt --json | jq .doubly_robust";

const AGENT_HELP: &str = "\
Shows what an agent's file tells of it: what it is made of, how much it has learned, its actions and the peers to \
which they belong, what its states mean.

Example:
  p2pfaas agent agent.ckpt";

/// Decentralised scheduling of serverless functions at the edge: run experiments, train agents.
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
    /// Run an experiment file with many values in the simulator
    #[command(long_about = SWEEP_HELP, after_long_help = SWEEP_MORE)]
    Sweep(SweepArgs),
    /// Compare policies on a suite of scenarios, with static ones that are tuned on each instance
    #[command(long_about = SUITE_HELP)]
    Suite(SuiteArgs),
    /// Say what an experiment file will run, how long it takes and what is wrong with it
    #[command(long_about = CHECK_HELP, after_long_help = CHECK_MORE)]
    Check(CheckArgs),
    /// Put the shards of a sweep together
    #[command(long_about = MERGE_HELP)]
    Merge(MergeArgs),
    /// Let a recorded run or node live through the same once more
    #[command(long_about = REPLAY_HELP, after_long_help = REPLAY_MORE)]
    Replay(ReplayArgs),
    /// Make files for other programs of a results folder
    #[command(long_about = EXPORT_HELP, after_long_help = EXPORT_MORE)]
    Export(ExportArgs),
    /// Make a trace of a run
    #[command(long_about = RECORD_HELP, after_long_help = RECORD_MORE)]
    Record(RecordArgs),
    /// Look at a trace
    Trace(TraceArgs),
    /// Train an agent from records of choices
    #[command(long_about = TRAIN_HELP, after_long_help = TRAIN_MORE)]
    Train(TrainArgs),
    /// Estimate from a record what an agent would gain
    #[command(long_about = EVALUATE_HELP, after_long_help = EVALUATE_MORE)]
    Evaluate(EvaluateArgs),
    /// Show what is in an agent's file
    #[command(long_about = AGENT_HELP)]
    Agent(AgentArgs),
    /// Print what queueing theory says
    #[command(long_about = THEORY_HELP, after_long_help = THEORY_MORE)]
    Theory(TheoryArgs),
    /// Put policies on trial in clusters in which everything goes wrong
    #[command(long_about = faults_help(), after_long_help = FAULTS_MORE)]
    Faults(FaultsArgs),
    /// List the policies with their parameters, defaults and meanings
    Policies,
    /// Print the JSON Schema of experiment files, for editors
    #[command(long_about = SCHEMA_HELP, after_long_help = SCHEMA_MORE)]
    Schema,
    /// Print a shell's completions
    #[command(long_about = COMPLETIONS_HELP, after_long_help = COMPLETIONS_MORE)]
    Completions(CompletionsArgs),
    /// Print the man page, or write one a subcommand
    #[command(long_about = MAN_HELP, after_long_help = MAN_MORE)]
    Man(ManArgs),
    /// List the columns of jobs.parquet with their types, units and meanings, and when they are null
    Columns,
}

/// Arguments of `p2pfaas run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment file
    pub file: PathBuf,
    /// Where to run it: `local` is an embedded cluster on this machine, `sim` the simulator, and a hosts file
    /// a fleet of nodes that run elsewhere
    #[arg(long, value_name = "PLACE", default_value = "local", value_parser = place)]
    pub on: On,
    /// Folder for the results [default: results/EXPERIMENT-UTCTIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with an interrupted run in this folder: runs that are over are kept, the others are made
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub resume: Option<PathBuf>,
    /// Run with this seed only, whatever the file says
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print summary.json on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Write jobs.parquet however many jobs there are: with --on sim it is left out from 2 million jobs on
    #[arg(long)]
    pub jobs: bool,
    /// With --on sim, leave jobs.parquet out
    #[arg(long, conflicts_with = "jobs")]
    pub no_jobs: bool,
    /// With --on sim, leave out the full-information policies that run beside those of the file
    #[arg(long)]
    pub no_references: bool,
    /// Threads of the simulator [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// With --on sim: take the service times that this results folder has measured, and compare with it
    #[arg(long, value_name = "DIR")]
    pub beside: Option<PathBuf>,
    /// With --on hosts.txt: a file with the token by which the nodes let policy and slots be changed (role configure)
    #[arg(long, value_name = "FILE", env = "P2PFAAS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// With --on local: write what every node saw and did, for `p2pfaas replay`
    #[arg(long)]
    pub event_logs: bool,
}

/// Where to run an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// On this machine.
    Here(Place),
    /// On the nodes of a hosts file.
    Fleet(PathBuf),
}

impl RunArgs {
    /// Where it runs.
    ///
    /// # Errors
    /// An option that means nothing there.
    pub fn place(&self) -> Result<On, String> {
        match (&self.on, &self.beside, self.event_logs) {
            (On::Here(Place::Local) | On::Fleet(_), Some(_), _) => {
                Err("--beside compares a simulation: it needs --on sim".into())
            }
            (On::Here(Place::Local) | On::Fleet(_), None, _) if self.no_jobs => {
                Err("--no-jobs leaves out what a simulation can tell again: it needs --on sim".into())
            }
            (On::Here(Place::Sim) | On::Fleet(_), _, true) => {
                Err("--event-logs records embedded nodes in real time: it needs --on local".into())
            }
            (On::Here(Place::Sim), Some(_), _) => Ok(On::Here(Place::SimMeasured)),
            (on, ..) => Ok(on.clone()),
        }
    }
}

/// Arguments of `p2pfaas train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Records: results folders, jobs.parquet, the reference client's .db, .csv
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub trace: Vec<PathBuf>,
    /// Where to write the agent
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The agent's parameters, as TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One parameter of the agent; stronger than the file
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<(String, Value)>,
    /// How often to go through the record
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: u32,
    /// Share of each stream, at its end, by which the agent is judged and not trained
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = held_out)]
    pub held_out: f64,
    /// Seed of the agent's generator
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Take only streams (policy/seed/node) with this text in their names; a number at its end is a whole one
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Learn what the recorded behaviour is worth, with any rule
    #[arg(long)]
    pub as_recorded: bool,
    /// Write the learning curve to FILE.csv and FILE.svg [default: OUT.curve]
    #[arg(long, value_name = "FILE")]
    pub curve: Option<PathBuf>,
}

/// Arguments of `p2pfaas evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Records: results folders, jobs.parquet, the reference client's .db, .csv
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub trace: Vec<PathBuf>,
    /// The agent
    #[arg(long, value_name = "FILE")]
    pub agent: PathBuf,
    /// Probability with which it takes a random action instead of its best one
    #[arg(long, value_name = "E", default_value_t = 0.0, value_parser = share)]
    pub epsilon: f64,
    /// Judge by this last share of each stream only
    #[arg(long, value_name = "SHARE", value_parser = part)]
    pub last: Option<f64>,
    /// Take only streams (policy/seed/node) with this text in their names; a number at its end is a whole one
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `p2pfaas agent`.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// The agent's file
    pub file: PathBuf,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it must be a number from 0 to 1".into()),
    }
}

fn part(text: &str) -> Result<f64, String> {
    match share(text) {
        Ok(share) if share > 0.0 => Ok(share),
        _ => Err("it must be a number above 0, and at most 1".into()),
    }
}

fn held_out(text: &str) -> Result<f64, String> {
    match share(text) {
        Ok(share) if share < 1.0 => Ok(share),
        _ => Err("it must be a number from 0, and below 1: something has to be left to train with".into()),
    }
}

/// `key=value`, where the value is a number, true, false, a list as in JSON, or else a text.
fn assignment(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("it must be KEY=VALUE, as in alpha=0.05")?;
    let (name, value) = (name.trim(), value.trim());
    Ok((name.to_string(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

fn place(text: &str) -> Result<On, String> {
    match text {
        "local" => Ok(On::Here(Place::Local)),
        "sim" => Ok(On::Here(Place::Sim)),
        other if other.contains('.') || other.contains('/') => Ok(On::Fleet(other.into())),
        _ => Err("it must be `local`, `sim` or the path of a hosts file, as in ./hosts.txt".into()),
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
        assert_eq!((args.file, args.on), (PathBuf::from("a.toml"), On::Here(Place::Local)));
        assert_eq!((args.out, args.seed, args.json), (Some(PathBuf::from("there")), Some(7), true));
    }

    #[test]
    fn a_run_goes_on_in_a_folder_or_begins_a_new_one() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
        let Command::Run(args) = parse("p2pfaas run a.toml --resume there").unwrap() else { panic!("run") };
        assert_eq!((args.resume, args.out), (Some(PathBuf::from("there")), None));
        assert!(parse("p2pfaas run a.toml --resume there --out elsewhere").is_err());
    }

    #[test]
    fn exit_codes_are_told_in_one_place() {
        let mut command = Cli::command();
        let told = command.render_long_help().to_string();
        for part in ["Exit codes:", "0    done", "1    ", "2    the input is wrong", "130  interrupted"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn a_sweep_takes_several_keys_and_a_shard_only_with_a_folder() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
        let line = "p2pfaas sweep a.toml --vary a.b=1,2 --vary c.d=1..3 --shard 2/4 --out there --threads 3";
        let Command::Sweep(args) = parse(line).unwrap() else { panic!("sweep") };
        assert_eq!(args.vary.iter().map(|vary| vary.values.len()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((args.threads, args.on), (NonZeroUsize::new(3), Place::Sim));
        for (wrong, part) in [
            ("--shard 1/2", "--out"),
            ("--out x --shard 3/2", "as in 2/8"),
            ("--vary a.b=2..1", "does not go up"),
            ("--on local", "simulator"),
            ("--threads 0", "--threads"),
        ] {
            let error = parse(&format!("p2pfaas sweep a.toml {wrong}")).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let Command::Merge(args) = parse("p2pfaas merge out a b --partial").unwrap() else { panic!("merge") };
        assert_eq!((args.shards.len(), args.partial), (2, true));
        assert!(parse("p2pfaas merge out").is_err());
    }

    #[test]
    fn train_takes_several_records_and_typed_parameters() {
        let line = "p2pfaas train --trace a.db b.csv --out c --set alpha=0.5 --set rule=q-learning --set bounds=[[0,1]]";
        let Command::Train(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("train")
        };
        assert_eq!(args.trace, [PathBuf::from("a.db"), PathBuf::from("b.csv")]);
        let set: Vec<_> = args.set.iter().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(set, ["alpha 0.5", "rule \"q-learning\"", "bounds [[0,1]]"]);
        assert_eq!((args.epochs, args.held_out, args.seed), (10, 0.2, 1));
        for (wrong, part) in
            [("--held-out 1", "below 1"), ("--set alpha", "KEY=VALUE"), ("--epochs 0", "1..")]
        {
            let line = format!("p2pfaas train --trace a --out c {wrong}");
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_run_is_on_an_embedded_cluster_on_the_simulator_or_on_a_fleet() {
        for (more, on) in [
            (&[][..], On::Here(Place::Local)),
            (&["--on", "local"], On::Here(Place::Local)),
            (&["--on", "sim"], On::Here(Place::Sim)),
            (&["--on", "lab/hosts"], On::Fleet("lab/hosts".into())),
        ] {
            let line = ["p2pfaas", "run", "a.toml"].iter().chain(more);
            let Command::Run(args) = Cli::try_parse_from(line).unwrap().command else { panic!("run") };
            assert_eq!(args.on, on);
        }
        let error = Cli::try_parse_from(["p2pfaas", "run", "a.toml", "--on", "moon"]).unwrap_err();
        assert!(error.to_string().contains("a hosts file"), "{error}");
    }

    #[test]
    fn what_means_nothing_at_a_place_is_refused() {
        let place = |more: &str| {
            let line = format!("p2pfaas run a.toml {more}");
            let Command::Run(args) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
                panic!("run")
            };
            args.place()
        };
        assert_eq!(place("--on sim --beside b"), Ok(On::Here(Place::SimMeasured)));
        assert_eq!(place("--on local --event-logs"), Ok(On::Here(Place::Local)));
        assert!(place("--on local --no-jobs").unwrap_err().contains("--on sim"));
        assert!(place("--on local --beside b").unwrap_err().contains("--on sim"));
        assert!(place("--on sim --event-logs").unwrap_err().contains("--on local"));
        assert!(place("--on hosts.txt --event-logs").unwrap_err().contains("--on local"));
        assert!(place("--on hosts.txt --beside b").unwrap_err().contains("--on sim"));
        assert!(Cli::try_parse_from(["p2pfaas", "replay", "a", "--jobs"]).is_err(), "nowhere to write them");
    }
}
