//! `network.topology`.

use p2pfaas_sim::network::{Topology, read_edges};

use super::super::problem::Collector;
use super::form::{Files, Form};

/// Names of the topologies.
pub(in super::super) const TOPOLOGIES: [&str; 8] =
    ["full", "ring", "grid", "torus", "random-regular", "erdos-renyi", "barabasi-albert", "file"];

/// The parameters that are numbers.
pub(super) const NUMBERS: [&str; 5] = ["rows", "columns", "degree", "probability", "m"];

/// The topology of a table.
pub(super) fn resolve(form: &Form, files: &Files<'_>, problems: &mut Collector<'_>) -> Option<Topology> {
    let kind = form.kind(&TOPOLOGIES, problems)?;
    let lattice = |problems: &mut Collector<'_>| {
        form.only(kind, &["rows", "columns"], problems);
        let [rows, columns] = ["rows", "columns"].map(|name| form.whole(name, problems));
        Some((rows?, columns?))
    };
    Some(match kind {
        "full" | "ring" => {
            form.only(kind, &[], problems);
            if kind == "full" { Topology::Full } else { Topology::Ring }
        }
        "grid" => lattice(problems).map(|(rows, columns)| Topology::Grid { rows, columns })?,
        "torus" => lattice(problems).map(|(rows, columns)| Topology::Torus { rows, columns })?,
        "random-regular" => {
            form.only(kind, &["degree"], problems);
            Topology::RandomRegular { degree: form.whole("degree", problems)? }
        }
        "erdos-renyi" => {
            form.only(kind, &["probability", "degree"], problems);
            match (form.number("probability"), form.number("degree")) {
                (Some(at), None) => Topology::ErdosRenyi { probability: at.value },
                (None, Some(at)) => {
                    let others = files.nodes.saturating_sub(1).max(1) as f64;
                    if !(at.value > 0.0 && at.value <= others) {
                        problems.refused(at, &format!("a mean degree above 0 and at most {others}"));
                        return None;
                    }
                    Topology::ErdosRenyi { probability: at.value / others }
                }
                _ => {
                    let expected = "either probability, or degree, the mean number of neighbours";
                    problems.at(&form.place(), "erdos-renyi needs one of its parameters", expected);
                    return None;
                }
            }
        }
        "barabasi-albert" => {
            form.only(kind, &["m"], problems);
            Topology::BarabasiAlbert { m: form.whole("m", problems)? }
        }
        _ => {
            form.only(kind, &["file"], problems);
            let Some(file) = &form.file else {
                problems.missing(&format!("{}.file", form.path), &form.span, "the name of a list of edges");
                return None;
            };
            Topology::Edges(files.read(file, &file.value, read_edges, problems)?)
        }
    })
}
