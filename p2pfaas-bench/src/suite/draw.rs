//! Draws an instance of a scenario: an ordinary experiment file, and the tables that it names.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::law::{Draws, Law, rounded};
use super::network;
use super::scenario::Scenario;
use super::{arrival_seed, range_of};
use crate::experiment::{Experiment, Known, Place, Problems};
use crate::offered::Offered;
use crate::results::WriteError;

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Name of its file, without the ending.
    pub name: String,
    /// The experiment.
    pub text: String,
    /// Files that it names, which lie beside it.
    pub files: Vec<(String, String)>,
}

/// An instance that cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// What was drawn is no experiment.
    #[error("{scenario}, seed {seed}: what was drawn is no experiment:\n{problems}")]
    NoExperiment {
        /// The scenario.
        scenario: String,
        /// The seed of the draw.
        seed: u64,
        /// Why not.
        problems: Problems,
    },
    /// Its load cannot be set.
    #[error(
        "{scenario}: there is no load to scale; every task type needs a service time, and a node a rate above 0"
    )]
    NoLoad {
        /// The scenario.
        scenario: String,
    },
}

impl Instance {
    /// Draws the instance of a scenario under a seed, at a load. Under another load it is the same but for its rates.
    ///
    /// # Errors
    /// What was drawn is no experiment.
    pub fn draw(scenario: &Scenario, load: f64, seed: u64, known: &Known<'_>) -> Result<Instance, DrawError> {
        let draws = Draws { scenario: &scenario.name, seed };
        let name = format!("{}-{load}-{seed}", scenario.name);
        let mut document = scenario.document.clone();
        document.remove("suite");
        let nodes = cluster(scenario, &draws, &mut document);
        let mean_s = jobs(scenario, &draws, &mut document);
        let zones = scenario.draw.zones.as_ref().map(|law| draws.whole("zones", law).max(1));
        let weights = traffic(scenario, &draws, &mut document, nodes, zones);
        let files = network::draw(scenario, &draws, &mut document, nodes, zones, &name, mean_s);
        insert(
            table(&mut document, "run"),
            "seeds",
            Value::from(Array::from_iter([arrival_seed(seed, 0) as i64])),
        );
        // The load is linear in the rates.
        set_rates(&mut document, &weights, 1.0);
        let mut alone = document.clone();
        alone.remove("network");
        let experiment = Experiment::parse(Path::new(&name), alone.to_string(), Place::Sim, known);
        let experiment = experiment.map_err(|problems| DrawError::NoExperiment {
            scenario: scenario.name.clone(),
            seed,
            problems,
        })?;
        let there = Offered::of(&experiment).all_rho().filter(|there| *there > 0.0);
        let there = there.ok_or_else(|| DrawError::NoLoad { scenario: scenario.name.clone() })?;
        set_rates(&mut document, &weights, load / there);
        Ok(Instance { text: headed(&document.to_string(), scenario, load, seed), name, files })
    }

    /// Writes it into a folder, and says where the experiment is.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, WriteError> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map(|()| path.clone()).map_err(|source| WriteError { path, source })
        };
        fs::create_dir_all(folder).map_err(|source| WriteError { path: folder.into(), source })?;
        for (name, text) in &self.files {
            write(name, text)?;
        }
        write(&format!("{}.toml", self.name), &self.text)
    }
}

/// The text, with a line that tells where it comes from, and without the name of a schema that lies elsewhere.
fn headed(text: &str, scenario: &Scenario, load: f64, seed: u64) -> String {
    let text = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#:schema") => rest.trim_start_matches('\n'),
        _ => text,
    };
    let name = &scenario.name;
    format!(
        "# Drawn: p2pfaas suite draw --seed {seed} --scenario {name} --load {load}   (a seed for {})\n#\n{text}",
        range_of(seed).name()
    )
}

/// The nodes; says how many there are.
fn cluster(scenario: &Scenario, draws: &Draws<'_>, document: &mut DocumentMut) -> usize {
    let draw = &scenario.draw;
    let there = nodes_of(document);
    let nodes = draw.nodes.as_ref().map_or(there, |law| draws.whole("nodes", law).max(2));
    let cluster = table(document, "cluster");
    for (key, law) in [("slots", &draw.slots), ("queue", &draw.queue)] {
        if let Some(law) = law {
            insert(cluster, key, Value::from(draws.whole(key, law) as i64));
        }
    }
    for (key, law) in [("mtbf_s", &draw.mtbf_s), ("mttr_s", &draw.mttr_s), ("detect_s", &draw.detect_s)] {
        if let Some(law) = law {
            insert(cluster, key, Value::from(draws.real(key, law)));
        }
    }
    match &draw.speed {
        Some(law) => {
            cluster.remove("nodes");
            let mut each = ArrayOfTables::new();
            for speed in draws.reals("speed", law, nodes) {
                let mut node = Table::new();
                node.insert("speed", Item::Value(speed.into()));
                each.push(node);
            }
            cluster.insert("node", Item::ArrayOfTables(each));
        }
        None => insert(cluster, "nodes", Value::from(nodes as i64)),
    }
    nodes
}

fn nodes_of(document: &DocumentMut) -> usize {
    let cluster = document.get("cluster");
    let count = cluster.and_then(|cluster| cluster.get("nodes")?.as_integer());
    let each = cluster.and_then(|cluster| Some(cluster.get("node")?.as_array_of_tables()?.len()));
    count.and_then(|count| usize::try_from(count).ok()).or(each).unwrap_or(2)
}

/// The task types; says the mean service time on which their own ones are based.
fn jobs(scenario: &Scenario, draws: &Draws<'_>, document: &mut DocumentMut) -> f64 {
    let draw = &scenario.draw;
    let mean_s = draw.mean_s.as_ref().map(|law| draws.real("mean_s", law));
    let kind = draws.one_of("service", &draw.service);
    let cv = draw.cv.as_ref().map(|law| draws.real("cv", law));
    let shares: Vec<f64> = draw
        .jobs
        .iter()
        .enumerate()
        .map(|(index, job)| draws.real(&format!("jobs/{index}/share"), &job.share))
        .collect();
    let all: f64 = shares.iter().sum();
    let mut given = 1.0;
    let tables = document.get_mut("jobs").and_then(Item::as_array_of_tables_mut);
    let count = tables.as_ref().map_or(0, |tables| tables.len());
    let mut left = 1.0;
    for (index, job) in tables.into_iter().flat_map(|tables| tables.iter_mut()).enumerate() {
        let there =
            job.get("service").and_then(|service| service.get("mean_s")).and_then(number).unwrap_or(1.0);
        let Some(drawn) = draw.jobs.get(index) else {
            given = there;
            continue;
        };
        let mean = draws.real(&format!("jobs/{index}/mean"), &drawn.mean);
        let own_s = mean_s.map_or(there, |mean_s| rounded(mean_s * mean, 4));
        if let (Some(service), true) =
            (job.get_mut("service").and_then(Item::as_inline_table_mut), mean_s.is_some())
        {
            insert(service, "mean_s", own_s.into());
            if let Some(kind) = kind {
                insert(service, "kind", kind.as_str().into());
                match cv.filter(|_| matches!(kind.as_str(), "lognormal" | "gamma")) {
                    Some(cv) => insert(service, "cv", cv.into()),
                    None => drop(service.remove("cv")),
                }
            }
        }
        let deadline = draws.real(&format!("jobs/{index}/deadline"), &drawn.deadline);
        insert(job, "deadline_s", rounded(own_s * deadline, 4).into());
        if count > 1 && all > 0.0 {
            // They must add up to 1.
            let share = if index + 1 == count { left } else { rounded(shares[index] / all, 3) };
            left = rounded(left - share, 6);
            insert(job, "share", share.into());
        }
        given = own_s;
    }
    mean_s.unwrap_or(given)
}

/// The traffic; says how the rates of the nodes compare.
fn traffic(
    scenario: &Scenario,
    draws: &Draws<'_>,
    document: &mut DocumentMut,
    nodes: usize,
    zones: Option<usize>,
) -> Vec<f64> {
    let draw = &scenario.draw;
    let mut weights =
        draw.share.as_ref().map_or_else(|| vec![1.0; nodes], |law| draws.reals("share", law, nodes));
    if let (Some(hot), Some(factor)) = (&draw.hot_nodes, &draw.hot_factor) {
        let factor = draws.real("hot_factor", factor);
        for node in draws.some("which/hot", draws.whole("hot_nodes", hot), nodes) {
            weights[node] *= factor;
        }
    }
    let traffic = table(document, "traffic");
    for (key, of, law) in [
        ("at_s", "crowd_at_s", &draw.crowd_at_s),
        ("lasts_s", "crowd_lasts_s", &draw.crowd_lasts_s),
        ("factor", "crowd_factor", &draw.crowd_factor),
        ("amplitude", "amplitude", &draw.amplitude),
    ] {
        if let Some(law) = law {
            insert(traffic, key, draws.real(of, law).into());
        }
    }
    if let Some(law) = &draw.crowd_nodes {
        let crowd = draws.some("which/crowd", draws.whole("crowd_nodes", law), nodes);
        insert(traffic, "nodes", Value::from(Array::from_iter(crowd.into_iter().map(|node| node as i64))));
    }
    if let Some(zones) = zones {
        insert(traffic, "phases", Value::from(Array::from_iter(phases(draws, nodes, zones))));
    }
    weights
}

/// By how much the days of neighbours differ at most, in parts of a day.
const NEIGHBOURS: f64 = 0.08;

/// Where in its day each node is at second 0: each zone has its own rush hour, its nodes nearly the same.
fn phases(draws: &Draws<'_>, nodes: usize, zones: usize) -> Vec<f64> {
    let begin = draws.real("phase", &Law::Range(super::law::Range { from: 0.0, to: 1.0, log: false }));
    let own = draws.reals(
        "phases",
        &Law::Range(super::law::Range { from: 0.0, to: NEIGHBOURS, log: false }),
        nodes,
    );
    let phase = |(node, own): (usize, f64)| {
        let zone = network::zone(node, nodes, zones) as f64 / zones as f64;
        rounded((begin + zone + own) % 1.0, 4)
    };
    own.into_iter().enumerate().map(phase).collect()
}

fn set_rates(document: &mut DocumentMut, weights: &[f64], scale: f64) {
    let traffic = table(document, "traffic");
    traffic.remove("rate");
    let rates = weights.iter().map(|weight| rounded(weight * scale, 7));
    insert(traffic, "rates", Value::from(Array::from_iter(rates)));
}

fn number(item: &Item) -> Option<f64> {
    item.as_float().or_else(|| item.as_integer().map(|number| number as f64))
}

/// The table of a name, which is made where there is none.
pub(super) fn table<'a>(document: &'a mut DocumentMut, name: &str) -> &'a mut dyn TableLike {
    let there = document.get(name).is_some_and(Item::is_table_like);
    if !there {
        document.insert(name, Item::Table(Table::new()));
    }
    match document.get_mut(name).and_then(Item::as_table_like_mut) {
        Some(table) => table,
        None => unreachable!("it has just been made"),
    }
}

/// Sets a value, without what stood behind the old one, which may not be true of this one.
pub(super) fn insert(table: &mut dyn TableLike, key: &str, value: Value) {
    table.insert(key, Item::Value(value));
}

/// A table in one line.
pub(super) fn inline(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut table = InlineTable::new();
    for (key, value) in pairs {
        table.insert(key, value);
    }
    Value::InlineTable(table)
}
