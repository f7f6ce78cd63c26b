//! The work that an experiment offers to its nodes, by its traffic and mean service times.

use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};

use crate::experiment::{Discipline, Experiment, NodeSpec};

/// Jobs of a trace that are counted one by one; beyond it, its jobs are taken to be spread evenly.
const MOST_COUNTED: f64 = 5e6;

/// Jobs of all policies and seeds of an experiment, on average, those of training and warm-up among them.
pub(crate) fn expected_jobs(experiment: &Experiment) -> f64 {
    let from = |begins_s: f64| {
        let traffics = experiment.traffic.iter();
        traffics.map(|traffic| traffic.expected_jobs(begins_s, experiment.horizon_s())).sum::<f64>()
    };
    let per_seed: f64 = experiment.policies.iter().map(|policy| from(-policy.train_s())).sum();
    per_seed * experiment.seeds.len() as f64
}

/// What is offered in the seconds that are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// Jobs by node and task type.
    jobs: Vec<Vec<f64>>,
    /// Mean service time of each task type at speed 1; `None` where one has none.
    service_s: Option<Vec<f64>>,
    /// Seconds of service at speed 1 that each node can do in a second.
    capacity: Vec<f64>,
    measured_s: f64,
}

impl Offered {
    /// By the first seed, where a trace is drawn from.
    pub fn of(experiment: &Experiment) -> Offered {
        let mut jobs = vec![vec![0.0; experiment.jobs.len()]; experiment.nodes.len()];
        for traffic in &experiment.traffic {
            add(traffic, experiment, &mut jobs);
        }
        let service = experiment.jobs.iter().map(|job| job.service.as_ref().map(|service| service.mean_s()));
        Offered {
            jobs,
            service_s: service.collect(),
            capacity: experiment.nodes.iter().map(capacity).collect(),
            measured_s: experiment.duration_s,
        }
    }

    /// Jobs per second that come to a node.
    pub fn jobs_per_s(&self, node: usize) -> f64 {
        self.jobs[node].iter().sum::<f64>() / self.measured_s
    }

    /// Jobs per second that come to all nodes.
    pub fn all_jobs_per_s(&self) -> f64 {
        self.jobs.iter().flatten().sum::<f64>() / self.measured_s
    }

    /// A task type's part of all jobs.
    pub fn share(&self, task_type: usize) -> f64 {
        let all: f64 = self.jobs.iter().flatten().sum();
        let own: f64 = self.jobs.iter().map(|jobs| jobs[task_type]).sum();
        if all > 0.0 { own / all } else { 0.0 }
    }

    /// Work that comes to a node, as a part of what it can do.
    pub fn rho(&self, node: usize) -> Option<f64> {
        Some(self.work(node)? / self.capacity[node])
    }

    /// Work that comes to all nodes, as a part of what they can do together.
    pub fn all_rho(&self) -> Option<f64> {
        let work: Option<f64> = (0..self.jobs.len()).map(|node| self.work(node)).sum();
        Some(work? / self.capacity.iter().sum::<f64>())
    }

    /// Seconds of service at speed 1 that come to a node in a second.
    fn work(&self, node: usize) -> Option<f64> {
        let service_s = self.service_s.as_ref()?;
        let work: f64 = self.jobs[node].iter().zip(service_s).map(|(jobs, mean_s)| jobs * mean_s).sum();
        Some(work / self.measured_s)
    }
}

fn capacity(node: &NodeSpec) -> f64 {
    let at_once = match node.discipline {
        Discipline::Fifo => f64::from(node.slots),
        // Its slots share one processor.
        Discipline::ProcessorSharing => 1.0,
    };
    at_once * node.speed
}

/// Adds the jobs of a traffic, by node and task type.
fn add(traffic: &Traffic, experiment: &Experiment, jobs: &mut [Vec<f64>]) {
    let measured = experiment.measured_s();
    let of_a_trace = matches!(traffic.kind, ArrivalKind::Counts(_) | ArrivalKind::Recorded(_));
    if !of_a_trace {
        for (node, row) in jobs.iter_mut().enumerate() {
            let rate = |other: usize| if other == node { traffic.rates[node] } else { 0.0 };
            let alone = Traffic { rates: (0..traffic.rates.len()).map(rate).collect(), ..traffic.clone() };
            let expected = alone.expected_jobs(measured.start, measured.end);
            for (jobs, share) in row.iter_mut().zip(&traffic.shares) {
                *jobs += expected * share;
            }
        }
        return;
    }
    let expected = traffic.expected_jobs(measured.start, measured.end);
    if expected > MOST_COUNTED {
        let (nodes, task_types) = (experiment.nodes.len() as f64, experiment.jobs.len() as f64);
        jobs.iter_mut().flatten().for_each(|jobs| *jobs += expected / nodes / task_types);
        return;
    }
    let seed = experiment.seeds.first().copied().unwrap_or_default();
    let arrivals = Schedule::new(std::slice::from_ref(traffic), seed, experiment.horizon_s());
    for arrival in arrivals.filter(|arrival| measured.contains(&arrival.at_s)) {
        jobs[arrival.node as usize][usize::from(arrival.task_type)] += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::experiment;

    fn file(cluster: &str, traffic: &str, jobs: &str) -> Experiment {
        experiment(&format!(
            "[cluster]\n{cluster}\n[traffic]\n{traffic}\n{jobs}\n[[policy]]\nname = \"NoScheduler\"\n\
             [run]\nwarmup_s = 10\nduration_s = 100\n"
        ))
    }

    #[test]
    fn a_load_is_rate_times_service_over_slots_and_speed() {
        let nodes = "slots = 2\n[[cluster.node]]\n[[cluster.node]]\nspeed = 0.5\n";
        let jobs = "[[jobs]]\nshare = 0.25\nfunction = \"echo\"\nservice = { kind = \"exponential\", mean_s = 0.4 }\n\
                    [[jobs]]\nshare = 0.75\nfunction = \"echo\"\nservice = { kind = \"deterministic\", mean_s = 0.2 }\n";
        let offered = Offered::of(&file(nodes, "kind = \"poisson\"\nrates = [4, 2]", jobs));
        // Work a job: 0.25 * 0.4 + 0.75 * 0.2 = 0.25.
        assert!((offered.rho(0).unwrap() - 4.0 * 0.25 / 2.0).abs() < 1e-12);
        assert!((offered.rho(1).unwrap() - 2.0 * 0.25 / 1.0).abs() < 1e-12);
        assert!((offered.all_rho().unwrap() - 6.0 * 0.25 / 3.0).abs() < 1e-12);
        assert!((offered.all_jobs_per_s() - 6.0).abs() < 1e-9);
        assert!((offered.share(1) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn without_a_service_time_there_is_no_load_and_with_a_crowd_only_what_is_measured_counts() {
        let traffic = "kind = \"flash-crowd\"\nrate = 2\nat_s = 5\nlasts_s = 15\nfactor = 3\nnodes = [1]";
        let offered = Offered::of(&file("nodes = 2", traffic, "[[jobs]]\nfunction = \"echo\"\n"));
        assert_eq!(offered.all_rho(), None);
        // The crowd is there for 10 of the 100 measured seconds.
        assert!((offered.jobs_per_s(0) - 2.0).abs() < 1e-9);
        assert!((offered.jobs_per_s(1) - 2.4).abs() < 1e-9, "{}", offered.jobs_per_s(1));
    }
}
