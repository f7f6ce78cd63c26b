//! What lies between the nodes of a drawn instance.

use std::collections::BTreeSet;

use rand::RngExt;
use toml_edit::{DocumentMut, Value};

use super::draw::{inline, insert, table};
use super::law::{Draws, Law, rounded};
use super::scenario::Scenario;

/// Writes `[network]`, and what depends on how it is; returns the files that it names.
pub(super) fn draw(
    scenario: &Scenario,
    draws: &Draws<'_>,
    document: &mut DocumentMut,
    nodes: usize,
    zones: Option<usize>,
    name: &str,
    mean_s: f64,
) -> Vec<(String, String)> {
    let draw = &scenario.draw;
    let mut files = Vec::new();
    let near_ms = draw.latency_ms.as_ref().map(|law| draws.real("latency_ms", law));
    let matrix = match (&draw.link_ms, &draw.zone_ms, zones) {
        (Some(law), _, _) => Some(links(draws, law, nodes)),
        (None, Some(law), Some(zones)) => {
            Some(between_zones(draws, law, nodes, zones, near_ms.unwrap_or(0.0)))
        }
        _ => None,
    };
    if let Some(law) = &draw.cold_start {
        let cold_start_s = rounded(draws.real("cold_start", law) * mean_s, 4);
        insert(table(document, "cluster"), "cold_start_s", cold_start_s.into());
    }
    let network = table(document, "network");
    let mut file = |ending: &str, text: String| {
        let file = format!("{name}.{ending}.csv");
        files.push((file.clone(), text));
        Value::from(file)
    };
    match (matrix, near_ms) {
        (Some(matrix), _) => {
            insert(network, "latency_ms", inline([("file", file("latency", rows(&matrix)))]))
        }
        (None, Some(near_ms)) => insert(network, "latency_ms", near_ms.into()),
        (None, None) => {}
    }
    if let Some(law) = &draw.chords {
        let edges = ring_with_chords(draws, draws.real("chords", law), nodes);
        let text = edges.iter().map(|(from, to)| format!("{from},{to}\n")).collect();
        insert(network, "topology", inline([("kind", "file".into()), ("file", file("edges", text))]));
    }
    if let Some(law) = &draw.refresh {
        let refresh_s = rounded(draws.real("refresh", law) * mean_s, 4);
        insert(network, "view_refresh_s", refresh_s.into());
    }
    files
}

/// The zone of a node: neighbours by number are neighbours in the city.
pub(super) fn zone(node: usize, nodes: usize, zones: usize) -> usize {
    node * zones / nodes.max(1)
}

/// Each pair of nodes has a latency of its own, the same both ways.
fn links(draws: &Draws<'_>, law: &Law, nodes: usize) -> Vec<Vec<f64>> {
    let drawn = draws.reals("link_ms", law, nodes * nodes);
    symmetric(nodes, |low, high| drawn[low * nodes + high])
}

fn between_zones(draws: &Draws<'_>, law: &Law, nodes: usize, zones: usize, near_ms: f64) -> Vec<Vec<f64>> {
    let drawn = draws.reals("zone_ms", law, zones * zones);
    symmetric(nodes, |low, high| {
        let (from, to) = (zone(low, nodes, zones), zone(high, nodes, zones));
        let far_ms = if from == to { 0.0 } else { drawn[from * zones + to] };
        rounded(near_ms + far_ms, 4)
    })
}

fn symmetric(nodes: usize, of: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let cell = |from: usize, to: usize| if from == to { 0.0 } else { of(from.min(to), from.max(to)) };
    (0..nodes).map(|from| (0..nodes).map(|to| cell(from, to)).collect()).collect()
}

fn rows(matrix: &[Vec<f64>]) -> String {
    let row = |row: &Vec<f64>| {
        let cells: Vec<_> = row.iter().map(f64::to_string).collect();
        format!("{}\n", cells.join(","))
    };
    matrix.iter().map(row).collect()
}

/// A ring, so that it is connected, and on average so many links more at each node.
fn ring_with_chords(draws: &Draws<'_>, chords: f64, nodes: usize) -> BTreeSet<(usize, usize)> {
    let mut edges: BTreeSet<_> = (0..nodes)
        .map(|node| (node, (node + 1) % nodes))
        .map(|(from, to)| (from.min(to), from.max(to)))
        .filter(|(from, to)| from != to)
        .collect();
    let all = nodes * nodes.saturating_sub(1) / 2;
    // Each link is at two nodes.
    let wanted = (edges.len() + (chords * nodes as f64 / 2.0).round() as usize).min(all);
    let mut stream = draws.stream("which/chords");
    while edges.len() < wanted {
        let (from, to) = (stream.random_range(0..nodes), stream.random_range(0..nodes));
        if from != to {
            edges.insert((from.min(to), from.max(to)));
        }
    }
    edges
}
