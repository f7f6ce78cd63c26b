//! Marks beside every comparison: what a dispatcher reaches that sees all nodes, at once and free of charge.

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::reward::Reward;
use p2pfaas_sim::reference::{MAX_ROOM, Reference};
use p2pfaas_sim::service::Service;

use crate::experiment::{Discipline, Experiment, PolicySpec};

/// Nodes up to which they run by themselves: each decision looks at all nodes.
const MAX_NODES: usize = 256;
/// States up to which the optimum does: some seconds of work.
const MAX_STATES: u64 = 300_000;

/// The experiment with the full-information policies that go with it and do not stand in it already, after its
/// own policies.
pub fn beside(experiment: &Experiment) -> Experiment {
    let mut all = experiment.clone();
    for reference in fitting(experiment) {
        let descriptor = reference.descriptor();
        if !all.policies.iter().any(|policy| policy.descriptor == descriptor) {
            all.policies.push(spec(&all.policies, descriptor));
        }
    }
    all
}

fn fitting(experiment: &Experiment) -> Vec<Reference> {
    let room = |slots: u32, queue: u32| slots.saturating_add(queue);
    let too_large = experiment.nodes.iter().any(|node| room(node.slots, node.queue) > MAX_ROOM);
    if too_large || experiment.nodes.len() > MAX_NODES {
        return Vec::new();
    }
    let mut references = vec![Reference::JoinShortestQueue, Reference::LeastExpectedCompletion];
    if experiment.jobs.iter().any(|job| job.deadline_s.is_some()) {
        references.extend([Reference::MostLikelyInTime, Reference::PolicyImprovement { probes: 0 }]);
    }
    if optimum_fits(experiment) {
        references.push(Reference::Optimum);
    }
    references
}

/// Its model is exact, and soon solved.
fn optimum_fits(experiment: &Experiment) -> bool {
    let [job] = &experiment.jobs[..] else { return false };
    let exponential = matches!(job.service, Some(Service::Exponential { .. }));
    let fifo = experiment.nodes.iter().all(|node| node.discipline == Discipline::Fifo);
    let steady = experiment.cluster.cold_starts.is_none()
        && experiment.nodes.iter().all(|node| node.faults.is_none() && node.leaves_s.is_none());
    let states = experiment
        .nodes
        .iter()
        .fold(1_u64, |states, node| states.saturating_mul(u64::from(node.slots) + u64::from(node.queue) + 1));
    exponential && fifo && steady && experiment.network == Default::default() && states <= MAX_STATES
}

fn spec(taken: &[PolicySpec], descriptor: Descriptor) -> PolicySpec {
    let mut label = descriptor.name.clone();
    while taken.iter().any(|policy| policy.label == label) {
        label.push('*');
    }
    let file_name = format!("reference-{}", descriptor.name);
    PolicySpec { label, file_name, descriptor, agent: None, reward: Reward::default(), reference: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Place;
    use crate::testing::parse_on;

    fn labels(deadline: &str, service: &str, policies: &str) -> Vec<String> {
        let text = format!(
            "[cluster]\nnodes = 2\nslots = 1\nqueue = 2\n[traffic]\nkind = \"poisson\"\nrate = 1\n\
             [[jobs]]\nservice = {{ {service}, mean_s = 1 }}\n{deadline}\n{policies}[run]\nduration_s = 10\n"
        );
        let experiment = parse_on(Place::Sim, &text).unwrap();
        beside(&experiment).policies.into_iter().map(|policy| policy.label).collect()
    }

    #[test]
    fn those_that_fit_come_after_the_policies_of_the_file_and_none_twice() {
        let none = "[[policy]]\nname = \"NoScheduler\"\nlabel = \"none\"\n";
        let all = labels("deadline_s = 2", "kind = \"exponential\"", none);
        let references = [
            "JoinShortestQueue",
            "LeastExpectedCompletion",
            "MostLikelyInTime",
            "PolicyImprovement",
            "Optimum",
        ];
        assert_eq!(all[1..], references);
        let without = labels("", "kind = \"deterministic\"", none);
        assert_eq!(without[1..], references[..2], "no deadline, not exponential");
        let own = format!("{none}[[policy]]\nname = \"JoinShortestQueue\"\nlabel = \"jsq\"\n");
        let own = labels("", "kind = \"deterministic\"", &own);
        assert_eq!(own[1..], ["jsq", "LeastExpectedCompletion"]);
    }
}
