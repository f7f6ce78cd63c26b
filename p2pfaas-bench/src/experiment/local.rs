//! What the format knows and an embedded cluster does not: it is refused, not ignored.

use super::file::File;
use super::problem::{At, Collector};
use super::suggest::did_you_mean;

const TOPOLOGIES: [&str; 8] =
    ["full", "ring", "grid", "torus", "random-regular", "erdos-renyi", "barabasi-albert", "file"];

/// Refuses what cannot be had on this machine.
pub(super) fn refuse(file: &File, problems: &mut Collector<'_>) {
    if let Some(network) = &file.network {
        if let Some(latency) = &network.latency {
            let reason = "an embedded cluster has the latency of this machine's loopback, no other";
            problems.at(
                latency,
                reason,
                "0, or no such key (another one is for --on sim, which comes later)",
            );
        }
        if let Some(topology) = &network.topology {
            one_of(topology, &["full"], &TOPOLOGIES[1..], problems);
        }
    }
    if let Some(cluster) = &file.cluster {
        for keys in std::iter::once(&cluster.all).chain(&cluster.each) {
            if let Some(discipline) = &keys.discipline {
                one_of(discipline, &["fifo"], &["processor-sharing"], problems);
            }
        }
    }
}

fn one_of(at: &At<String>, here: &[&str], elsewhere: &[&str], problems: &mut Collector<'_>) {
    let name = at.value.as_str();
    if here.contains(&name) {
        return;
    }
    let reason = if elsewhere.contains(&name) {
        format!("\"{name}\" is not available with --on local (only --on sim, which comes later)")
    } else {
        let near = did_you_mean(name, here.iter().chain(elsewhere).copied());
        format!("unknown value \"{name}\"{near}")
    };
    problems.at(at, reason, &here.join(" or "));
}
