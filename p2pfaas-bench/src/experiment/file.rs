//! The experiment file as it is written: which keys there are and of what type. Meanings are
//! [`super::resolve`]'s business.

use std::ops::Range;

use toml::de::DeTable;

use super::jobs::{self, Job};
use super::problem::{At, Collector};
use super::reader::{FromToml, Scalar, Table};
use super::traffic::keys::{self, Traffic};
use super::{Vary, as_run, cluster, network, vary};

/// The full name of what a sweep varies.
pub(super) const VARY: &str = "run.vary";

/// The whole file.
pub(super) struct File {
    pub cluster: Option<cluster::Keys>,
    pub network: Option<network::Keys>,
    pub traffic: Option<Traffic>,
    pub jobs: Vec<Job>,
    pub policies: Vec<Policy>,
    pub run: Option<Run>,
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
    pub shared: Option<At<bool>>,
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
    pub cooldown_s: Option<At<f64>>,
    pub seeds: Option<At<Vec<u64>>>,
    pub vary: Vec<Vary>,
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
        // Results say there where they come from.
        let _ = root.take_table(as_run::PROVENANCE, problems);
        let _ = root.take_table(as_run::SUITE, problems);
        let file = File {
            cluster: root.take_table("cluster", problems).map(|table| cluster::read(table, problems)),
            network: root.take_table("network", problems).map(|table| network::read(table, problems)),
            traffic: root.take_table("traffic", problems).map(|table| keys::read(table, true, problems)),
            jobs: each(root.take_tables("jobs", problems), problems, jobs::read),
            policies: each(root.take_tables("policy", problems), problems, policy),
            run: root.take_table("run", problems).map(|table| run(table, problems)),
        };
        root.finish(problems);
        Some(file)
    }
}

pub(super) fn each<'a, T>(
    tables: Vec<Table<'a>>,
    problems: &mut Collector<'_>,
    read: fn(Table<'a>, &mut Collector<'_>) -> T,
) -> Vec<T> {
    tables.into_iter().map(|table| read(table, problems)).collect()
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
        shared: table.take("shared", problems),
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
        cooldown_s: table.take("cooldown_s", problems),
        seeds: table.take("seeds", problems),
        vary: table.take_table("vary", problems).map_or_else(Vec::new, |table| vary::read(&table, problems)),
    };
    table.finish(problems);
    run
}
