//! What the format knows and real nodes do not: it is refused, not ignored.

use super::file::File;
use super::problem::{At, Collector};
use super::suggest::did_you_mean;
use super::{cluster, network};

/// Refuses what cannot be had in an embedded cluster.
pub(super) fn refuse(file: &File, problems: &mut Collector<'_>) {
    only_simulated(file, "--on local", problems);
    for shared in file.policies.iter().filter_map(|policy| policy.agent.as_ref()?.shared.as_ref()) {
        if shared.value {
            problems.at(
                shared,
                "not available with --on local",
                "an agent a node (a shared one only --on sim)",
            );
        }
    }
}

/// Refuses what only a simulator has. `here` is how a command line names the place.
pub(super) fn only_simulated(file: &File, here: &str, problems: &mut Collector<'_>) {
    if let Some(keys) = &file.network {
        refuse_network(keys, here, problems);
    }
    if let Some(keys) = &file.cluster {
        refuse_cluster(keys, here, problems);
    }
}

/// All traffic goes over the network that there is.
fn refuse_network(keys: &network::Keys, here: &str, problems: &mut Collector<'_>) {
    if let Some(topology) = keys.topology.as_ref().and_then(|topology| topology.kind.as_ref()) {
        one_of(topology, &["full"], &network::TOPOLOGIES, here, problems);
    }
    for at in keys.beyond_loopback() {
        let reason = format!("{here} has the network that there is, and no other");
        problems.at(&at, reason, "0, or no such key (another one only --on sim)");
    }
}

/// Nodes are there all the time, and so are their functions.
fn refuse_cluster(keys: &cluster::Keys, here: &str, problems: &mut Collector<'_>) {
    let mut only_sim = |at: &Option<At<f64>>| {
        if let Some(at) = at {
            problems.at(at, format!("not available with {here}"), "no such key (only --on sim)");
        }
    };
    [&keys.detect_s, &keys.idle_timeout_s, &keys.cold_start_s].into_iter().for_each(&mut only_sim);
    for node in keys.nodes() {
        let times = [&node.mtbf_s, &node.mttr_s, &node.joins_s, &node.leaves_s];
        times.into_iter().for_each(&mut only_sim);
    }
    if let Some(at) = &keys.max_instances {
        problems.at(at, format!("not available with {here}"), "no such key (only --on sim)");
    }
    for discipline in keys.nodes().filter_map(|node| node.discipline.as_ref()) {
        // Unknown ones are refused wherever it runs.
        if discipline.value == "processor-sharing" {
            one_of(discipline, &["fifo"], &["processor-sharing"], here, problems);
        }
    }
}

fn one_of(at: &At<String>, known: &[&str], elsewhere: &[&str], here: &str, problems: &mut Collector<'_>) {
    let name = at.value.as_str();
    if known.contains(&name) {
        return;
    }
    let reason = if elsewhere.contains(&name) {
        format!("\"{name}\" is not available with {here} (only --on sim)")
    } else {
        let near = did_you_mean(name, known.iter().chain(elsewhere).copied());
        format!("unknown value \"{name}\"{near}")
    };
    problems.at(at, reason, &known.join(" or "));
}
