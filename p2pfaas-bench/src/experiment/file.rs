//! The experiment file as it is written: which keys there are and of what type. Meanings are
//! [`super::resolve`]'s business.

use std::ops::Range;

use toml::de::DeTable;

use super::jobs::{self, Job};
use super::problem::{At, Collector};
use super::reader::{FromToml, Scalar, Table};
use super::traffic::keys::{self, Traffic};

/// The whole file.
pub(super) struct File {
    pub cluster: Option<Cluster>,
    pub network: Option<Network>,
    pub traffic: Option<Traffic>,
    pub jobs: Vec<Job>,
    pub policies: Vec<Policy>,
    pub run: Option<Run>,
}

/// `[cluster]`.
pub(super) struct Cluster {
    pub span: Range<usize>,
    pub nodes: Option<At<u64>>,
    /// Keys that stand for all nodes.
    pub all: NodeKeys,
    /// `[[cluster.node]]`.
    pub each: Vec<NodeKeys>,
}

/// What a node can be told.
pub(super) struct NodeKeys {
    pub slots: Option<At<u64>>,
    pub queue: Option<At<u64>>,
    pub speed: Option<At<f64>>,
    pub deadline_aware: Option<At<bool>>,
    pub discipline: Option<At<String>>,
}

/// `[network]`. A value that is neither 0 nor "full" is of no use here, so that only that is kept.
pub(super) struct Network {
    /// Anything but the number 0.
    pub latency: Option<At<()>>,
    pub topology: Option<At<String>>,
}

/// `[[policy]]`.
pub(super) struct Policy {
    pub path: String,
    pub span: Range<usize>,
    pub name: Option<At<String>>,
    pub label: Option<At<String>>,
    pub parameters: Option<At<Vec<String>>>,
    /// All other keys: parameters by name.
    pub typed: Vec<(String, At<String>)>,
    pub agent: Option<Agent>,
    pub reward: Option<Pairs>,
}

/// `[policy.agent]`.
pub(super) struct Agent {
    pub checkpoint: Option<At<String>>,
    pub frozen: Option<At<bool>>,
    pub train_s: Option<At<f64>>,
    pub keep_learning: Option<At<bool>>,
    /// All other keys are the agent's own parameters.
    pub parameters: Pairs,
}

/// A table whose keys somebody else knows.
pub(super) struct Pairs {
    pub path: String,
    pub span: Range<usize>,
    pub pairs: Vec<(String, At<serde_json::Value>)>,
}

/// `[run]`.
pub(super) struct Run {
    pub span: Range<usize>,
    pub warmup_s: Option<At<f64>>,
    pub duration_s: Option<At<f64>>,
    pub seeds: Option<At<Vec<u64>>>,
}

impl File {
    /// `None` when the text is not TOML.
    pub fn read(source: &str, problems: &mut Collector<'_>) -> Option<File> {
        let (document, errors) = DeTable::parse_recoverable(source);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            problems.add("", &span, format!("not TOML: {}", error.message()), "");
        }
        if !errors.is_empty() {
            return None;
        }
        let mut root = Table::new("", document.span(), document.get_ref());
        let file = File {
            cluster: root.take_table("cluster", problems).map(|table| cluster(table, problems)),
            network: root.take_table("network", problems).map(|table| network(table, problems)),
            traffic: root.take_table("traffic", problems).map(|table| keys::read(table, true, problems)),
            jobs: each(root.take_tables("jobs", problems), problems, jobs::read),
            policies: each(root.take_tables("policy", problems), problems, policy),
            run: root.take_table("run", problems).map(|table| run(table, problems)),
        };
        root.finish(problems);
        Some(file)
    }
}

fn each<'a, T>(
    tables: Vec<Table<'a>>,
    problems: &mut Collector<'_>,
    read: fn(Table<'a>, &mut Collector<'_>) -> T,
) -> Vec<T> {
    tables.into_iter().map(|table| read(table, problems)).collect()
}

fn cluster(mut table: Table<'_>, problems: &mut Collector<'_>) -> Cluster {
    let cluster = Cluster {
        span: table.span.clone(),
        nodes: table.take("nodes", problems),
        all: node_keys(&mut table, problems),
        each: each(table.take_tables("node", problems), problems, |mut table, problems| {
            let keys = node_keys(&mut table, problems);
            table.finish(problems);
            keys
        }),
    };
    table.finish(problems);
    cluster
}

fn node_keys(table: &mut Table<'_>, problems: &mut Collector<'_>) -> NodeKeys {
    NodeKeys {
        slots: table.take("slots", problems),
        queue: table.take("queue", problems),
        speed: table.take("speed", problems),
        deadline_aware: table.take("deadline_aware", problems),
        discipline: table.take("discipline", problems),
    }
}

fn network(mut table: Table<'_>, problems: &mut Collector<'_>) -> Network {
    let latency = table.take_any("latency_ms").filter(|at| f64::from_toml(at.value) != Some(0.0));
    let network = Network {
        latency: latency.map(|at| At { value: (), key: at.key, span: at.span }),
        topology: table.take("topology", problems),
    };
    table.finish(problems);
    network
}

fn policy(mut table: Table<'_>, problems: &mut Collector<'_>) -> Policy {
    let mut policy = Policy {
        path: table.path.clone(),
        span: table.span.clone(),
        name: table.take("name", problems),
        label: table.take("label", problems),
        parameters: table.take("parameters", problems),
        typed: Vec::new(),
        agent: table.take_table("agent", problems).map(|table| agent(table, problems)),
        reward: table.take_table("reward", problems).map(|table| pairs(table, problems)),
    };
    for (name, value) in table.rest() {
        match Scalar::from_toml(value.value) {
            Some(Scalar(text)) => {
                let at = At { value: text, key: value.key, span: value.span };
                policy.typed.push((name.value.to_string(), at));
            }
            None => problems.at(&value, "not right", Scalar::EXPECTED),
        }
    }
    policy
}

fn agent(mut table: Table<'_>, problems: &mut Collector<'_>) -> Agent {
    Agent {
        checkpoint: table.take("checkpoint", problems),
        frozen: table.take("frozen", problems),
        train_s: table.take("train_s", problems),
        keep_learning: table.take("keep_learning", problems),
        parameters: pairs(table, problems),
    }
}

fn pairs(table: Table<'_>, problems: &mut Collector<'_>) -> Pairs {
    let mut pairs = Vec::new();
    for (name, value) in table.rest() {
        match serde_json::Value::from_toml(value.value) {
            Some(json) => {
                pairs.push((name.value.to_string(), At { value: json, key: value.key, span: value.span }));
            }
            None => problems.at(&value, "not right", serde_json::Value::EXPECTED),
        }
    }
    Pairs { path: table.path.clone(), span: table.span.clone(), pairs }
}

fn run(mut table: Table<'_>, problems: &mut Collector<'_>) -> Run {
    let run = Run {
        span: table.span.clone(),
        warmup_s: table.take("warmup_s", problems),
        duration_s: table.take("duration_s", problems),
        seeds: table.take("seeds", problems),
    };
    table.finish(problems);
    run
}
