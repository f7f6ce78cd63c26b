//! Arguments of `p2pfaas faults`.

use std::num::NonZeroUsize;

use clap::Args;
use p2pfaas_sim::faults::{Invariant, Planted, Suspect};

const FAULTS_HELP: &str = "\
Puts policies on trial: whole clusters of the very node, in virtual time, on a network and machines that are hostile.

A seed draws a cluster (2 to 8 nodes, some old peers that forget hops and path), its policies, its jobs, and all that \
goes wrong: messages that are late, lost or overtaken, partitions, nodes that break down with all that they had and \
come back, lists of peers that are wrong, clocks that are set, functions that hang, clients that go away, answers that \
come twice, made-up messages, and changes of slots, peers and policies while jobs run. After each step it is checked \
that no promise was broken:";

/// With the promises, one a line.
pub(super) fn faults_help() -> String {
    let promise = |promise: Invariant| format!("\n  {:<16} {}", promise.name(), promise.meaning());
    Invariant::ALL.map(promise).into_iter().fold(FAULTS_HELP.to_string(), |help, line| help + &line)
}

pub(super) const FAULTS_MORE: &str = "\
A policy that is yours is put on trial by its name in a program of your own that calls p2pfaas_bench::run_command \
with your registry (p2pfaas-bench/examples/own_policy.rs). A node keeps most promises whatever its policy says; what \
a policy can break is no-panic, quiet (it never makes up its mind) and targets (it probes peers that are gone).

A violation tells its seed, the promise, the last lines of the log and the command that shows all of it. The same \
seed and policy always live through the same.

Lines of a log: second, node, and what happens to it (<-), what it wants done (->), what befalls it (==). Alarms are by \
the node's own clock.

Exit codes: 0 all promises were kept; 1 one was broken; 2 the input is wrong; 130 interrupted, and none was broken \
by then.

Examples:
  p2pfaas faults
  p2pfaas faults --seeds 100000 --policy PowerOfNScheduler
  p2pfaas faults --policy 'PowerOfNScheduler 3 0 true 8'
  p2pfaas faults --log 7 --policy LearningScheduler | grep n2
  p2pfaas faults --plant runs-again        # what a violation looks like";

/// Arguments of `p2pfaas faults`.
#[derive(Debug, Args)]
pub struct FaultsArgs {
    /// How many seeds to live through
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub from: u64,
    /// Four of five nodes have this policy: its NAME, with drawn parameters if it is built in, or 'NAME PARAMETER...'
    /// [default: all that are built in, mixed]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub policy: Suspect,
    /// Print the log of this seed, and nothing else
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from", "threads"])]
    pub log: Option<u64>,
    /// Plant a bug, to see that it is found
    #[arg(long, value_name = "BUG")]
    pub plant: Option<Planted>,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}
