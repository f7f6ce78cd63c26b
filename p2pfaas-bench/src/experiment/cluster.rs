//! `[cluster]`: the nodes, what each can do, and when it is there.

use std::ops::Range;
use std::sync::Arc;

use p2pfaas_core::defaults;
pub use p2pfaas_sim::scenario::{Discipline, Faults};

use super::file::each;
use super::problem::{At, Collector};
use super::reader::Table;
use super::suggest::did_you_mean;
use super::{JobType, Place};

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// Jobs run at once.
    pub slots: u32,
    /// Jobs that may wait.
    pub queue: u32,
    /// Service times are divided by it.
    pub speed: f64,
    /// Drop on arrival what cannot finish in time.
    pub deadline_aware: bool,
    /// How its jobs share it.
    pub discipline: Discipline,
    /// The functions that it offers; `None`: all.
    pub functions: Option<Arc<[String]>>,
    /// How it fails and comes back; `None`: it does not fail.
    pub faults: Option<Faults>,
    /// Seconds since the start of the run at which it comes.
    pub joins_s: f64,
    /// Seconds since the start of the run at which it goes for good; `None`: it stays.
    pub leaves_s: Option<f64>,
    /// What the file says of it, and what is a default.
    pub given: Given,
}

/// Whether a file says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Given {
    /// `slots`.
    pub slots: bool,
    /// `queue`.
    pub queue: bool,
}

impl Default for NodeSpec {
    fn default() -> Self {
        NodeSpec {
            slots: defaults::SLOTS,
            queue: defaults::QUEUE,
            speed: 1.0,
            deadline_aware: false,
            discipline: Discipline::Fifo,
            functions: None,
            faults: None,
            joins_s: 0.0,
            leaves_s: None,
            given: Given::default(),
        }
    }
}

impl NodeSpec {
    /// Whether it offers a function.
    pub fn offers(&self, function: &str) -> bool {
        self.functions.as_ref().is_none_or(|offered| offered.iter().any(|name| name == function))
    }
}

/// Names of disciplines in experiment files.
const DISCIPLINES: [(&str, Discipline); 2] =
    [("fifo", Discipline::Fifo), ("processor-sharing", Discipline::ProcessorSharing)];

/// What nodes have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// Seconds after which a job without an answer fails; `None`: never.
    pub job_timeout_s: Option<f64>,
    /// Seconds until its peers notice that a node has gone or come.
    pub detect_s: f64,
    /// How function instances start and expire; `None`: they are always there.
    pub cold_starts: Option<ColdStarts>,
}

/// Function instances: a job that arrives takes a warm idle instance of its function if there is one, else
/// it starts a new one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColdStarts {
    /// Seconds after which an idle instance is gone.
    pub idle_timeout_s: f64,
    /// Seconds by which the first job of an instance takes longer, at any speed.
    pub cold_start_s: f64,
    /// Instances of all functions for which a node has room; `None`: as many as it has slots.
    pub max_instances: Option<u32>,
}

/// Peers notice within this time, unless the file says otherwise, seconds.
const DETECT_S: f64 = 1.0;

/// `[cluster]` as it is written.
pub(super) struct Keys {
    span: Range<usize>,
    nodes: Option<At<u64>>,
    pub job_timeout_s: Option<At<f64>>,
    pub detect_s: Option<At<f64>>,
    pub idle_timeout_s: Option<At<f64>>,
    pub cold_start_s: Option<At<f64>>,
    pub max_instances: Option<At<u64>>,
    /// Keys that stand for all nodes.
    pub all: NodeKeys,
    /// `[[cluster.node]]`, each for so many nodes.
    each: Vec<(Option<At<u64>>, NodeKeys)>,
}

impl Keys {
    /// The keys for all nodes, then those of each table.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeKeys> {
        std::iter::once(&self.all).chain(self.each.iter().map(|(_, keys)| keys))
    }
}

/// What a node can be told.
pub(super) struct NodeKeys {
    slots: Option<At<u64>>,
    queue: Option<At<u64>>,
    speed: Option<At<f64>>,
    pub deadline_aware: Option<At<bool>>,
    pub discipline: Option<At<String>>,
    functions: Option<At<Vec<String>>>,
    pub mtbf_s: Option<At<f64>>,
    pub mttr_s: Option<At<f64>>,
    pub joins_s: Option<At<f64>>,
    pub leaves_s: Option<At<f64>>,
}

/// Reads the tables.
pub(super) fn read(mut table: Table<'_>, problems: &mut Collector<'_>) -> Keys {
    let keys = Keys {
        span: table.span.clone(),
        nodes: table.take("nodes", problems),
        job_timeout_s: table.take("job_timeout_s", problems),
        all: node_keys(&mut table, problems),
        detect_s: table.take("detect_s", problems),
        idle_timeout_s: table.take("idle_timeout_s", problems),
        cold_start_s: table.take("cold_start_s", problems),
        max_instances: table.take("max_instances", problems),
        each: each(table.take_tables("node", problems), problems, |mut table, problems| {
            let keys = (table.take("count", problems), node_keys(&mut table, problems));
            table.finish(problems);
            keys
        }),
    };
    table.finish(problems);
    keys
}

fn node_keys(table: &mut Table<'_>, problems: &mut Collector<'_>) -> NodeKeys {
    NodeKeys {
        slots: table.take("slots", problems),
        queue: table.take("queue", problems),
        speed: table.take("speed", problems),
        deadline_aware: table.take("deadline_aware", problems),
        discipline: table.take("discipline", problems),
        functions: table.take("functions", problems),
        mtbf_s: table.take("mtbf_s", problems),
        mttr_s: table.take("mttr_s", problems),
        joins_s: table.take("joins_s", problems),
        leaves_s: table.take("leaves_s", problems),
    }
}

/// The nodes and what they have in common; `None` where it is not known how many nodes there are.
pub(super) fn resolve(
    keys: &Keys,
    place: Place,
    problems: &mut Collector<'_>,
) -> Option<(Vec<NodeSpec>, ClusterSpec)> {
    let counts = counts(keys, place, problems)?;
    let cluster = ClusterSpec {
        job_timeout_s: job_timeout_s(keys, problems),
        detect_s: keys
            .detect_s
            .as_ref()
            .map_or(DETECT_S, |at| number(at, 0.0, "seconds until peers notice, 0 or more", problems)),
        cold_starts: cold_starts(keys, problems),
    };
    let base = node(&keys.all, &NodeSpec::default(), problems);
    let mut nodes = Vec::new();
    for (index, count) in counts.into_iter().enumerate() {
        let spec = match keys.each.get(index) {
            Some((_, keys)) => node(keys, &base, problems),
            None => base.clone(),
        };
        nodes.extend(std::iter::repeat_n(spec, count));
    }
    Some((nodes, cluster))
}

fn job_timeout_s(keys: &Keys, problems: &mut Collector<'_>) -> Option<f64> {
    let Some(at) = &keys.job_timeout_s else { return Some(defaults::JOB_TIMEOUT.as_secs_f64()) };
    if at.value.is_nan() || at.value <= 0.0 {
        problems.refused(at, "seconds after which a job fails, above 0; inf for never");
    }
    at.value.is_finite().then_some(at.value)
}

/// Nodes in one experiment.
fn most_nodes(place: Place) -> u64 {
    match place {
        // Each is a complete service with ports of its own.
        Place::Local => 256,
        Place::Fleet(hosts) => hosts as u64,
        _ => 100_000,
    }
}

/// How many nodes each table stands for; without tables, how many there are.
fn counts(keys: &Keys, place: Place, problems: &mut Collector<'_>) -> Option<Vec<usize>> {
    let most = most_nodes(place);
    let mut counts = Vec::new();
    for (count, _) in &keys.each {
        match count {
            Some(at) if !(1..=most).contains(&at.value) => {
                problems.refused(at, &format!("a number of nodes from 1 to {most}"));
                return None;
            }
            count => counts.push(count.as_ref().map_or(1, |at| at.value)),
        }
    }
    let total: u64 = counts.iter().sum();
    if let Place::Fleet(hosts) = place {
        return fleet(keys, counts, total, hosts as u64, problems);
    }
    match &keys.nodes {
        Some(nodes) if total > 0 && nodes.value != total => {
            let reason = format!("the [[cluster.node]] tables are {total} nodes");
            problems.at(nodes, reason, &format!("{total}, or no such key"));
            return None;
        }
        Some(nodes) if !(1..=most).contains(&nodes.value) => {
            problems.refused(nodes, &format!("a number of nodes from 1 to {most}"));
            return None;
        }
        Some(nodes) if total == 0 => counts.push(nodes.value),
        Some(_) => {}
        None if total > most => {
            let reason = format!("{total} nodes are too many");
            problems.add("cluster.node", &keys.span, reason, &format!("at most {most}"));
            return None;
        }
        None if total == 0 => {
            let expected = "the number of nodes, or one table [[cluster.node]] for each";
            problems.missing("cluster.nodes", &keys.span, expected);
            return None;
        }
        None => {}
    }
    counts.into_iter().map(|count| usize::try_from(count).ok()).collect()
}

/// A fleet has as many nodes as there are hosts.
fn fleet(
    keys: &Keys,
    mut counts: Vec<u64>,
    total: u64,
    hosts: u64,
    problems: &mut Collector<'_>,
) -> Option<Vec<usize>> {
    let wanted = keys.nodes.as_ref().map(|at| at.value).or((total > 0).then_some(total));
    if let Some(wanted) = wanted.filter(|wanted| *wanted != hosts) {
        let span = keys.nodes.as_ref().map_or(&keys.span, |at| &at.span);
        let reason = format!("{wanted} nodes, and the hosts file has {hosts}");
        problems.add("cluster.nodes", span, reason, "as many hosts, or no such number");
        return None;
    }
    if total == 0 {
        counts.push(hosts);
    }
    counts.into_iter().map(|count| usize::try_from(count).ok()).collect()
}

fn cold_starts(keys: &Keys, problems: &mut Collector<'_>) -> Option<ColdStarts> {
    let (timeout, start, most) = (&keys.idle_timeout_s, &keys.cold_start_s, &keys.max_instances);
    let max_instances = most.as_ref().map(|at| count(at, 1, "instances on a node", problems));
    let (timeout, start) = match (timeout, start) {
        (Some(timeout), Some(start)) => (timeout, start),
        (None, None) => {
            if let Some(at) = most {
                problems.at(at, "instances are always there", "idle_timeout_s and cold_start_s beside it");
            }
            return None;
        }
        (Some(at), None) => {
            problems.at(at, "given without cold_start_s", "both or none");
            return None;
        }
        (None, Some(at)) => {
            problems.at(at, "given without idle_timeout_s", "both or none");
            return None;
        }
    };
    Some(ColdStarts {
        idle_timeout_s: number(
            timeout,
            0.0,
            "seconds after which an idle instance is gone, 0 or more",
            problems,
        ),
        cold_start_s: number(start, 0.0, "seconds by which a first job takes longer, 0 or more", problems),
        max_instances,
    })
}

fn node(keys: &NodeKeys, base: &NodeSpec, problems: &mut Collector<'_>) -> NodeSpec {
    let joins_s = keys.joins_s.as_ref().map_or(base.joins_s, |at| {
        number(at, 0.0, "seconds since the start of the run, 0 or more", problems)
    });
    let leaves_s =
        keys.leaves_s.as_ref().map(|at| above_0(at, "seconds since the start of the run", problems));
    let leaves_s = leaves_s.or(base.leaves_s);
    let at = keys.leaves_s.as_ref().or(keys.joins_s.as_ref());
    if let (Some(leaves_s), Some(at)) = (leaves_s, at)
        && leaves_s <= joins_s
    {
        let reason = format!("a node that comes at {joins_s} s and goes at {leaves_s} s is never there");
        problems.at(at, reason, "joins_s below leaves_s");
    }
    NodeSpec {
        slots: keys.slots.as_ref().map_or(base.slots, |at| count(at, 1, "jobs run at once", problems)),
        queue: keys.queue.as_ref().map_or(base.queue, |at| count(at, 0, "jobs that may wait", problems)),
        speed: keys.speed.as_ref().map_or(base.speed, |at| {
            above_0(at, "a speed above 0 (1 is the speed that the service times are for)", problems)
        }),
        deadline_aware: keys.deadline_aware.as_ref().map_or(base.deadline_aware, |at| at.value),
        discipline: discipline(keys, problems).unwrap_or(base.discipline),
        functions: match &keys.functions {
            Some(at) => Some(at.value.as_slice().into()),
            None => base.functions.clone(),
        },
        faults: faults(keys, base.faults, problems),
        joins_s,
        leaves_s,
        given: Given {
            slots: keys.slots.is_some() || base.given.slots,
            queue: keys.queue.is_some() || base.given.queue,
        },
    }
}

fn discipline(keys: &NodeKeys, problems: &mut Collector<'_>) -> Option<Discipline> {
    let at = keys.discipline.as_ref()?;
    let found = DISCIPLINES.iter().find(|(name, _)| *name == at.value);
    if found.is_none() {
        let names = DISCIPLINES.map(|(name, _)| name);
        let near = did_you_mean(&at.value, names);
        problems.at(at, format!("unknown value \"{}\"{near}", at.value), &names.join(" or "));
    }
    found.map(|(_, discipline)| *discipline)
}

fn faults(keys: &NodeKeys, base: Option<Faults>, problems: &mut Collector<'_>) -> Option<Faults> {
    let mut mean = |at: &Option<At<f64>>, what: &str| at.as_ref().map(|at| above_0(at, what, problems));
    let mtbf_s =
        mean(&keys.mtbf_s, "mean seconds between failures, above 0").or(base.map(|base| base.mtbf_s));
    let mttr_s = mean(&keys.mttr_s, "mean seconds of a repair, above 0").or(base.map(|base| base.mttr_s));
    match (mtbf_s, mttr_s) {
        (Some(mtbf_s), Some(mttr_s)) => return Some(Faults { mtbf_s, mttr_s }),
        (None, None) => {}
        _ => {
            for (at, other) in [(&keys.mtbf_s, "mttr_s"), (&keys.mttr_s, "mtbf_s")] {
                if let Some(at) = at {
                    problems.at(at, format!("given without {other}"), "both or none");
                }
            }
        }
    }
    None
}

/// Functions that nodes offer are functions that jobs call.
pub(super) fn functions_called(keys: &Keys, jobs: &[JobType], problems: &mut Collector<'_>) {
    let called = || jobs.iter().map(|job| job.function.as_str());
    let expected = || format!("one or more of {}", called().collect::<Vec<_>>().join(", "));
    for at in keys.nodes().filter_map(|keys| keys.functions.as_ref()) {
        if at.value.is_empty() {
            problems.at(at, "a node without functions", &expected());
        }
        for name in at.value.iter().filter(|name| !called().any(|function| function == **name)) {
            let reason = format!("no job calls \"{name}\"{}", did_you_mean(name, called()));
            problems.at(at, reason, &expected());
        }
    }
}

fn count(at: &At<u64>, least: u32, what: &str, problems: &mut Collector<'_>) -> u32 {
    let value = u32::try_from(at.value).ok().filter(|value| (least..=defaults::MAX_JOBS).contains(value));
    value.unwrap_or_else(|| {
        problems.refused(at, &format!("{what}, from {least} to {}", defaults::MAX_JOBS));
        least
    })
}

fn number(at: &At<f64>, least: f64, expected: &str, problems: &mut Collector<'_>) -> f64 {
    if !(at.value.is_finite() && at.value >= least) {
        problems.refused(at, expected);
    }
    at.value
}

fn above_0(at: &At<f64>, expected: &str, problems: &mut Collector<'_>) -> f64 {
    if !(at.value.is_finite() && at.value > 0.0) {
        problems.refused(at, expected);
    }
    at.value
}

#[cfg(test)]
mod tests;
