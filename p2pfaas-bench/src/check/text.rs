//! The text of a check, for people.

use std::fmt::Write;

use super::size::SIM_JOBS_PER_S;
use super::{Check, NodeCheck, Size};
use crate::simulate::MAX_JOBS_UNASKED;

/// Kinds of nodes that are listed.
const MOST_KINDS: usize = 16;

pub(super) fn render(check: &Check) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let mut line = |name: &str, what: &str| {
        let _ = writeln!(text, "{name:<10}{what}");
    };
    line("", &format!("{}, on {}", check.experiment, place(check.on)));
    let count = check.nodes.len();
    line("cluster", &format!("{count} nodes, {} slots, {} places to wait", check.slots, check.queue));
    let kinds = kinds(&check.nodes);
    for kind in kinds.iter().take(MOST_KINDS) {
        line("", kind);
    }
    if kinds.len() > MOST_KINDS {
        line("", &format!("and {} more kinds of nodes", kinds.len() - MOST_KINDS));
    }
    let rho = check.rho.map_or_else(|| "unknown: no service times".into(), |rho| format!("{rho:.2}"));
    line(
        "traffic",
        &format!("{} jobs/s to all nodes, load {rho} of what they can do", number(check.jobs_per_s)),
    );
    for (index, job) in check.jobs.iter().enumerate() {
        let service = job
            .service_mean_s
            .map_or_else(|| "as it takes".into(), |mean_s| format!("mean service {}", seconds(mean_s)));
        let deadline =
            job.deadline_s.map_or_else(|| "no deadline".into(), |s| format!("deadline {}", seconds(s)));
        let name = if index == 0 { "jobs" } else { "" };
        line(name, &format!("{}: {:.0} % of the jobs, {service}, {deadline}", job.name, 100.0 * job.share));
    }
    for (index, policy) in check.policies.iter().enumerate() {
        let train = if policy.train_s > 0.0 {
            format!(", after {} of training", seconds(policy.train_s))
        } else {
            String::new()
        };
        let name = if index == 0 { "policies" } else { "" };
        let wire = if policy.label == policy.name { String::new() } else { format!(": {}", policy.name) };
        line(name, &format!("{}{wire}{train}", policy.label));
    }
    if !check.references.is_empty() {
        line("", &format!("as marks: {}", check.references.join(", ")));
    }
    let seeds: Vec<_> = check.seeds.iter().map(u64::to_string).collect();
    line("seeds", &seeds.join(", "));
    let (warmup, measured) = (seconds(check.warmup_s), seconds(check.measured_s));
    line("a run", &format!("{warmup} of warm-up, {measured} measured"));
    sizes(check, &mut line);
    for (index, reason) in check.not_local.iter().enumerate() {
        line(if index == 0 { "not local" } else { "" }, reason);
    }
    for (index, warning) in check.warnings.iter().enumerate() {
        line(if index == 0 { "warnings" } else { "" }, warning);
    }
    text
}

fn sizes(check: &Check, line: &mut impl FnMut(&str, &str)) {
    let simulated = check.on == "sim";
    let run = &check.run;
    line("run", &format!("{} runs, about {} jobs; {}", run.runs, number(run.jobs), takes(run, simulated)));
    let leaves = match simulated && run.jobs > MAX_JOBS_UNASKED {
        true => format!(
            "leaves about {}; with --jobs {} more in jobs.parquet",
            bytes(run.bytes),
            bytes(run.jobs_bytes)
        ),
        false => format!("leaves about {}, most of it jobs.parquet", bytes(run.bytes + run.jobs_bytes)),
    };
    line("", &leaves);
    if let Some(sweep) = &check.sweep {
        let size = &sweep.size;
        line(
            "sweep",
            &format!(
                "{} points, {} runs, about {} jobs; {}",
                sweep.points,
                size.runs,
                number(size.jobs),
                takes(size, true)
            ),
        );
        for vary in &sweep.vary {
            line("", vary);
        }
    }
}

fn takes(size: &Size, simulated: bool) -> String {
    match simulated {
        true => {
            let rate = number(SIM_JOBS_PER_S);
            format!("takes some {} (roughly: {rate} jobs a second and core)", rough(size.wall_s))
        }
        false => format!("takes about {}", rough(size.wall_s)),
    }
}

fn place(on: &str) -> &str {
    match on {
        "sim" => "the simulator (--on sim)",
        _ => "an embedded cluster (--on local)",
    }
}

/// Nodes that look alike, in the order of the first of them.
fn kinds(nodes: &[NodeCheck]) -> Vec<String> {
    let look = |node: &NodeCheck| {
        let rho = node.rho.map_or_else(String::new, |rho| format!(", load {rho:.2}"));
        let (slots, queue, speed) = (node.slots, node.queue, node.speed);
        let several = if slots == 1 { "slot" } else { "slots" };
        format!("{slots} {several}, {queue} to wait, speed {speed}, {:.1} jobs/s{rho}", node.jobs_per_s)
    };
    let mut kinds: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let look = look(node);
        match kinds.iter_mut().find(|(kind, _)| *kind == look) {
            Some((_, indices)) => indices.push(index),
            None => kinds.push((look, vec![index])),
        }
    }
    kinds.into_iter().map(|(look, indices)| format!("{}: {look}", ranges(&indices))).collect()
}

/// `nodes 0-3, 7`.
fn ranges(indices: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => runs.push((*index, *index)),
        }
    }
    let run = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let several = if indices.len() == 1 { "node" } else { "nodes" };
    format!("{several} {}", runs.iter().map(run).collect::<Vec<_>>().join(", "))
}

/// A time as people say it.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        0.0 => "0 s".into(),
        s if s < 1.0 => format!("{} ms", trim(1e3 * s)),
        s if s < 600.0 => format!("{} s", trim(s)),
        s => format!("{} min", trim(s / 60.0)),
    }
}

/// A time that nobody knows exactly.
fn rough(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".into(),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

fn number(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1} billion", n / 1e9),
        n if n >= 1e6 => format!("{:.1} million", n / 1e6),
        n if n >= 1e4 => format!("{:.0} 000", n / 1e3),
        n if n >= 100.0 => format!("{n:.0}"),
        n => trim(n),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).max(1.0)),
    }
}

/// Three digits behind the point at most, and no zeros at the end.
fn trim(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
