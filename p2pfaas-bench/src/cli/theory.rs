//! Arguments of `p2pfaas theory`.

use clap::{Args, Subcommand, ValueEnum};

pub(super) const THEORY_HELP: &str = "\
Prints what queueing theory says, as a table: the yardstick for runs and for policies.

Most flags take lists (--load 0.5,0.7,0.9): the table has a line for each combination. A load is that of a node: \
its arrivals per second times the mean service time, over its slots. Times are in mean service times, or in \
seconds if --service-s gives the mean. All nodes and their traffic are equal, arrivals are Poisson and messages \
take no time.";

pub(super) const THEORY_MORE: &str = "\
Examples:
  p2pfaas theory erlang-b --slots 1,2,4,8 --load 0.7,0.9
  p2pfaas theory mm1k --places 10 --load 0.5,0.9,1.1
  p2pfaas theory mmck --slots 3 --queue 4 --load 0.9 --service-s 0.18
  p2pfaas theory ll --nodes 12 --slots 3 --queue 4 --threshold 0,1,2,3,8 --load 0.9
  p2pfaas theory mean-field --slots 10 --queue 0 --threshold 0,8,9,10,11 --load 0.7,0.8,0.9
  p2pfaas theory power-of-d --choices 1,2,3,5 --load 0.9
  p2pfaas theory jsq --nodes 2,3,4 --load 0.5,0.7,0.9
  p2pfaas theory cold-start --warm-s 0.137 --cold-s 0.513 --idle-s 30 --instances 7 --rate 20,30,40";

const ERLANG_HELP: &str = "\
Slots without a queue (Erlang B: the share of the jobs that are lost) and with an endless one (Erlang C: the share \
that has to wait; none where the load is 1 or more).

Example:
  p2pfaas theory erlang-b --slots 1,2,3,4,8 --load 0.5,0.9,1.1";

const MM1K_HELP: &str = "\
One node with one server and K places, M/M/1/K; also one CPU that all jobs share (processor sharing: then nobody \
waits, `wait` is what sharing costs, and only the mean of the service times matters).

Example:
  p2pfaas theory mm1k --places 4,10 --load 0.5,0.9,1.1";

const MMCK_HELP: &str = "\
One node with slots and a queue, M/M/c/c+K; with --queue endless it is M/M/c, and with as many slots as a whole \
cluster the one queue for all that no policy can beat where queues are endless.

Examples:
  p2pfaas theory mmck --slots 3 --queue 0,4,16 --load 0.9 --service-s 0.18
  p2pfaas theory mmck --slots 8,12 --queue endless --load 0.7,0.9,0.95";

const LL_HELP: &str = "\
PowerOfNScheduler between a few nodes, exactly: a job that finds --threshold jobs or more at its node (LL(F, T): \
T) has --fan-out other nodes (F) probed and goes to the least loaded of them if that is less loaded. MaxHops is 1. \
It is solved as a Markov chain of how many nodes have how many jobs, for up to 2 million of such states: 12 \
nodes of 10 places take some ten seconds, of 7 places one.

One server with 10 places is --slots 1 --queue 9. A threshold above slots + queue means: never probe.

Examples:
  p2pfaas theory ll --nodes 4 --slots 1 --queue 9 --threshold 0,2,11 --load 0.9,1.1
  p2pfaas theory ll --nodes 8 --slots 4 --queue 0 --fan-out 1,2 --threshold 2 --load 0.9
  p2pfaas theory ll --nodes 4 --slots 3 --fan-out 2 --choice random-among-not-more-loaded --load 0.9";

const MEAN_FIELD_HELP: &str = "\
PowerOfNScheduler between endlessly many nodes: what `ll` tends to with more nodes. At 12 nodes it is 15 % off \
and more, at 1000 near enough.

With --after the equations are integrated from empty nodes up to that time; without it the table shows where they \
come to rest.

Examples:
  p2pfaas theory mean-field --slots 1 --queue 9 --threshold 0,2,5,8,10,11 --load 0.9,1
  p2pfaas theory mean-field --slots 3 --queue 4 --load 0.9 --after 1,10,100";

const POWER_OF_D_HELP: &str = "\
The shortest of the queues of d random servers out of endlessly many, each with an endless queue (the supermarket \
model). d = 1 is M/M/1.

Example:
  p2pfaas theory power-of-d --choices 1,2,3,5 --load 0.5,0.7,0.9,0.99";

const JSQ_HELP: &str = "\
Join the shortest queue between a few nodes with one server and an endless queue each, exactly; with --choices d \
the shortest of d different random nodes. Beside it stands the one queue for all servers, which none can beat.

Endless queues are cut at so many places that hardly a job is lost (column `lost`), or at --places.

Examples:
  p2pfaas theory jsq --nodes 2,3,4 --load 0.5,0.7,0.8
  p2pfaas theory jsq --nodes 4 --choices 2,4 --load 0.7 --places 30";

const COLD_START_HELP: &str = "\
Instances of a function that start when a call finds none free, serve one call at a time, and are taken away when \
they idle for too long: the model of Mahmoudi and Khazaei, in seconds.

Example:
  p2pfaas theory cold-start --warm-s 0.137 --cold-s 0.513 --idle-s 30 --instances 7 --rate 10,20,40";

/// Arguments of `p2pfaas theory`.
#[derive(Debug, Args)]
pub struct TheoryArgs {
    /// Of what.
    #[command(subcommand)]
    pub subject: Subject,
    /// Print JSON, a list of the table's lines
    #[arg(long, global = true)]
    pub json: bool,
}

/// Of what theory is asked.
#[derive(Debug, Subcommand)]
pub enum Subject {
    /// Slots without a queue, and with an endless one
    #[command(long_about = ERLANG_HELP)]
    ErlangB(ErlangArgs),
    /// One node with one server
    #[command(long_about = MM1K_HELP)]
    Mm1k(Mm1kArgs),
    /// One node with slots and a queue
    #[command(long_about = MMCK_HELP)]
    Mmck(MmckArgs),
    /// PowerOfNScheduler between a few nodes, exactly
    #[command(long_about = LL_HELP)]
    Ll(LlArgs),
    /// PowerOfNScheduler between endlessly many nodes
    #[command(long_about = MEAN_FIELD_HELP)]
    MeanField(MeanFieldArgs),
    /// The shortest of d queues among endlessly many
    #[command(long_about = POWER_OF_D_HELP)]
    PowerOfD(PowerOfDArgs),
    /// The shortest queue, or the shortest of d, among a few
    #[command(long_about = JSQ_HELP)]
    Jsq(JsqArgs),
    /// Instances of a function that start cold and expire
    #[command(long_about = COLD_START_HELP)]
    ColdStart(ColdStartArgs),
}

/// Arguments of `p2pfaas theory erlang-b`.
#[derive(Debug, Args)]
pub struct ErlangArgs {
    /// Slots of a node
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub slots: Vec<u32>,
    /// Load of a node
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub load: Vec<f64>,
}

/// Load and service time of a node.
#[derive(Debug, Clone, Args)]
pub struct TrafficArgs {
    /// Load of a node
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub load: Vec<f64>,
    /// Mean service time, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub service_s: f64,
}

/// Arguments of `p2pfaas theory mm1k`.
#[derive(Debug, Args)]
pub struct Mm1kArgs {
    /// Jobs that a node has room for, running and waiting
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub places: Vec<u32>,
    /// Load and service time.
    #[command(flatten)]
    pub traffic: TrafficArgs,
}

/// Arguments of `p2pfaas theory mmck`.
#[derive(Debug, Args)]
pub struct MmckArgs {
    /// Jobs that a node runs at once
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub slots: Vec<u32>,
    /// Jobs that may wait, or `endless`
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',', value_parser = queue)]
    pub queue: Vec<Queue>,
    /// Load and service time.
    #[command(flatten)]
    pub traffic: TrafficArgs,
}

/// Nodes with slots and a queue, and the policy between them.
#[derive(Debug, Clone, Args)]
pub struct BalancingArgs {
    /// Jobs that a node runs at once
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub slots: Vec<u32>,
    /// Jobs that may wait at a node
    #[arg(long, value_name = "LIST", default_value = "0", value_delimiter = ',')]
    pub queue: Vec<u32>,
    /// F: nodes to probe
    #[arg(long, value_name = "LIST", default_value = "1", value_delimiter = ',')]
    pub fan_out: Vec<u32>,
    /// T: own load from which on nodes are probed
    #[arg(long, value_name = "LIST", default_value = "2", value_delimiter = ',')]
    pub threshold: Vec<u32>,
    /// Which of the probed nodes a job goes to
    #[arg(long, value_enum, default_value_t = Rule::LeastLoaded)]
    pub choice: Rule,
    /// Load and service time.
    #[command(flatten)]
    pub traffic: TrafficArgs,
}

/// Which of the probed nodes; names as the policy's option `choice` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// The least loaded
    LeastLoaded,
    /// Any that is not more loaded: the old rule
    RandomAmongNotMoreLoaded,
}

/// Arguments of `p2pfaas theory ll`.
#[derive(Debug, Args)]
pub struct LlArgs {
    /// Nodes of the cluster
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub nodes: Vec<u32>,
    /// Nodes and policy.
    #[command(flatten)]
    pub balancing: BalancingArgs,
}

/// Arguments of `p2pfaas theory mean-field`.
#[derive(Debug, Args)]
pub struct MeanFieldArgs {
    /// Nodes and policy.
    #[command(flatten)]
    pub balancing: BalancingArgs,
    /// Seconds since all nodes were empty [default: for ever]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub after: Vec<f64>,
}

/// Arguments of `p2pfaas theory power-of-d`.
#[derive(Debug, Args)]
pub struct PowerOfDArgs {
    /// d: servers that a job looks at
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub choices: Vec<u32>,
    /// Load and service time.
    #[command(flatten)]
    pub traffic: TrafficArgs,
}

/// Arguments of `p2pfaas theory jsq`.
#[derive(Debug, Args)]
pub struct JsqArgs {
    /// Nodes of the cluster
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub nodes: Vec<u32>,
    /// Nodes that a job looks at [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub choices: Vec<u32>,
    /// Places of a node [default: so many that hardly a job is lost]
    #[arg(long, value_name = "N")]
    pub places: Option<u32>,
    /// Load and service time.
    #[command(flatten)]
    pub traffic: TrafficArgs,
}

/// Arguments of `p2pfaas theory cold-start`.
#[derive(Debug, Args)]
pub struct ColdStartArgs {
    /// Time of a call that an instance is there for, seconds
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub warm_s: Vec<f64>,
    /// Time of a call that has to start an instance, seconds
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub cold_s: Vec<f64>,
    /// Time after which an idle instance is taken away, seconds
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub idle_s: Vec<f64>,
    /// Instances at most
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub instances: Vec<u32>,
    /// Calls per second
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    pub rate: Vec<f64>,
}

/// Jobs that may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// So many.
    Places(u32),
    /// As many as come.
    Endless,
}

fn queue(text: &str) -> Result<Queue, String> {
    match text.parse() {
        Ok(places) => Ok(Queue::Places(places)),
        Err(_) if text == "endless" => Ok(Queue::Endless),
        Err(_) => Err("it must be a whole number from 0, or `endless`".into()),
    }
}
