//! What somebody should think about before starting an experiment.

use crate::experiment::Experiment;
use crate::offered::Offered;

/// A warm-up of fewer mean service times than this leaves much of the start in what is measured.
const WARMUP_SERVICES: f64 = 10.0;
/// With fewer measured jobs a run, intervals are wide.
const FEW_JOBS: f64 = 1_000.0;
/// Nodes that are named; the others are counted.
const MOST_NAMED: usize = 8;

pub(super) fn about(experiment: &Experiment, offered: &Offered) -> Vec<String> {
    let mut told = Vec::new();
    loads(experiment, offered, &mut told);
    deadlines(experiment, &mut told);
    durations(experiment, offered, &mut told);
    told
}

fn loads(experiment: &Experiment, offered: &Offered, told: &mut Vec<String>) {
    if let Some(rho) = offered.all_rho().filter(|rho| *rho > 1.0) {
        told.push(format!(
            "the cluster is offered {rho:.2} times the work that it can do: whatever the policy, jobs are lost or late"
        ));
    }
    let loads = (0..experiment.nodes.len()).map(|node| (node, offered.rho(node)));
    let over: Vec<_> = loads.filter(|(_, rho)| rho.is_some_and(|rho| rho > 1.0)).collect();
    if let Some(most) = over.iter().filter_map(|(_, rho)| *rho).reduce(f64::max) {
        let nodes = named(&over.iter().map(|(node, _)| *node).collect::<Vec<_>>());
        told.push(format!(
            "{nodes} offered more work than it can do alone, up to {most:.2} times: without forwarding its jobs are \
             lost or late"
        ));
    }
}

fn named(nodes: &[usize]) -> String {
    let names: Vec<_> = nodes.iter().take(MOST_NAMED).map(usize::to_string).collect();
    match nodes.len() - names.len() {
        0 if names.len() == 1 => format!("node {} is", names[0]),
        0 => format!("each of the nodes {} is", names.join(", ")),
        more => format!("each of the nodes {} and {more} more is", names.join(", ")),
    }
}

fn deadlines(experiment: &Experiment, told: &mut Vec<String>) {
    let speeds = || experiment.nodes.iter().map(|node| node.speed);
    let (slowest, fastest) = (speeds().fold(f64::INFINITY, f64::min), speeds().fold(0.0, f64::max));
    for job in &experiment.jobs {
        let (Some(deadline_s), Some(service)) = (job.deadline_s, &job.service) else { continue };
        let mean_s = service.mean_s();
        let (name, deadline) = (&job.name, super::text::seconds(deadline_s));
        if deadline_s < mean_s / fastest {
            let mean = super::text::seconds(mean_s / fastest);
            told.push(format!(
                "{name}: the deadline of {deadline} is below the mean service time of {mean}, also on the fastest node"
            ));
        } else if deadline_s < mean_s / slowest {
            let mean = super::text::seconds(mean_s / slowest);
            told.push(format!(
                "{name}: the deadline of {deadline} is below the mean service time of {mean} of nodes with speed \
                 {slowest}"
            ));
        }
    }
}

fn durations(experiment: &Experiment, offered: &Offered, told: &mut Vec<String>) {
    let slowest = experiment.nodes.iter().map(|node| node.speed).fold(f64::INFINITY, f64::min);
    let means = experiment.jobs.iter().filter_map(|job| job.service.as_ref().map(|service| service.mean_s()));
    let longest_s = means.fold(0.0, f64::max) / slowest;
    if longest_s > 0.0 && experiment.warmup_s < WARMUP_SERVICES * longest_s {
        told.push(format!(
            "the warm-up of {} is shorter than {WARMUP_SERVICES} mean service times ({} each): what is measured begins \
             with empty nodes",
            super::text::seconds(experiment.warmup_s),
            super::text::seconds(longest_s)
        ));
    }
    if let [seed] = experiment.seeds[..] {
        told.push(format!(
            "seed {seed} alone is no replication: intervals come from within one run; expected 5 seeds or more"
        ));
    }
    let measured = offered.all_jobs_per_s() * experiment.duration_s;
    if measured < FEW_JOBS {
        told.push(format!(
            "about {measured:.0} jobs are measured in a run: intervals will be wide; expected a longer duration_s"
        ));
    }
}
