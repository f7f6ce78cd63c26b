//! What the format knows and a fleet does not: it is refused, not ignored. Speeds and service times
//! describe devices; there the devices are real, and theirs count.

use super::file::{File, Pairs};
use super::problem::{At, Collector};
use super::{cluster, local};

const HERE: &str = "--on HOSTS";

/// Refuses what cannot be told to nodes that run elsewhere.
pub(super) fn refuse(file: &File, problems: &mut Collector<'_>) {
    local::only_simulated(file, HERE, problems);
    if let Some(keys) = &file.cluster {
        refuse_options_of_nodes(keys, problems);
    }
    for policy in &file.policies {
        let agent = policy.agent.as_ref().map(|agent| &agent.parameters);
        for Pairs { path, span, .. } in agent.into_iter().chain(&policy.reward) {
            let reason = "on a fleet agents live on the nodes, which learn by their own settings";
            let expected =
                "no such table: start the nodes with --agent-config, and the policy asks their agents";
            problems.add(path, span, reason, expected);
        }
    }
}

fn refuse_options_of_nodes(keys: &cluster::Keys, problems: &mut Collector<'_>) {
    let mut option = |key: Option<&At<bool>>, name: &str| {
        if let Some(at) = key.filter(|at| at.value) {
            let reason = "a running node cannot be told";
            problems.at(at, reason, &format!("no such key: start the nodes with {name}"));
        }
    };
    keys.nodes().for_each(|node| option(node.deadline_aware.as_ref(), "--deadline-aware"));
    if let Some(at) = &keys.job_timeout_s {
        let reason = "a running node cannot be told";
        problems.at(at, reason, "no such key: start the nodes with --job-timeout");
    }
}
