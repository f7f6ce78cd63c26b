//! How fast the nodes of a recorded run were.

use std::path::Path;

use p2pfaas_sim::arrivals::TraceError;

/// Nodes that one table stands for.
const MOST_NODES: usize = 100_000;

/// The speeds in the experiment that lies beside a jobs file; `None` if there is no experiment.
///
/// # Errors
/// It cannot be read.
pub fn beside(jobs: &Path) -> Result<Option<Speeds>, TraceError> {
    let path = jobs.with_file_name("experiment.toml");
    if !path.is_file() {
        return Ok(None);
    }
    let source = std::fs::read_to_string(&path).map_err(|error| TraceError::unreadable(&*path, error))?;
    let file: toml::Table = source.parse().map_err(|error| TraceError::unreadable(&*path, error))?;
    let Some(cluster) = file.get("cluster") else { return Ok(Some(Speeds::default())) };
    let speed = |table: &toml::Value| match table.get("speed") {
        Some(toml::Value::Float(speed)) => Some(*speed),
        Some(toml::Value::Integer(speed)) => Some(*speed as f64),
        _ => None,
    };
    let all = speed(cluster).unwrap_or(1.0);
    let nodes = cluster.get("node").and_then(toml::Value::as_array);
    let count = |node: &toml::Value| node.get("count").and_then(toml::Value::as_integer).unwrap_or(1);
    let mut each = Vec::new();
    for node in nodes.into_iter().flatten() {
        let count = usize::try_from(count(node)).ok().filter(|count| *count <= MOST_NODES);
        each.resize(each.len() + count.unwrap_or(1), speed(node).unwrap_or(all));
    }
    Ok(Some(Speeds { all, each }))
}

/// Speeds of nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Speeds {
    /// Of nodes that are not in the list.
    all: f64,
    each: Vec<f64>,
}

impl Default for Speeds {
    fn default() -> Self {
        Speeds { all: 1.0, each: Vec::new() }
    }
}

impl Speeds {
    /// One a node.
    pub fn new(each: Vec<f64>) -> Self {
        Speeds { all: 1.0, each }
    }

    /// The speed of a node.
    pub fn of(&self, node: usize) -> f64 {
        self.each.get(node).copied().unwrap_or(self.all)
    }
}
