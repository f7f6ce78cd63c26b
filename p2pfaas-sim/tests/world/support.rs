//! Scenarios for tests, and an observer that counts.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::{Outcome, Timings};
use p2pfaas_sim::arrivals::{Arrival, ArrivalKind, Schedule, Traffic};
use p2pfaas_sim::network::NetworkSpec;
use p2pfaas_sim::scenario::{JobSpec, NodeSpec, Scenario};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::world::{Contender, Finished, Observer, World};

/// Equal nodes with exponential service of mean 1 s and Poisson arrivals.
pub fn equal_nodes(nodes: usize, slots: u32, queue: u32, rate: f64, duration_s: f64) -> Scenario {
    Scenario {
        nodes: vec![NodeSpec { slots, queue, ..NodeSpec::default() }; nodes],
        jobs: vec![JobSpec {
            function: 0,
            service: Service::Exponential { mean_s: 1.0 },
            deadline: None,
            payload_bytes: 0,
            answer_bytes: 0,
        }],
        traffic: vec![Traffic { kind: ArrivalKind::Poisson, rates: vec![rate; nodes], shares: vec![1.0] }],
        network: NetworkSpec::default(),
        detection: Duration::from_secs(1),
        job_timeout: None,
        warmup_s: 0.0,
        duration_s,
    }
}

/// A policy without agents.
pub fn policy<'a>(name: &str, parameters: impl IntoIterator<Item = &'a str>) -> Contender {
    Contender::new(&Arc::new(Registry::builtin()), Descriptor::new(name, parameters))
}

/// A deadline for [`Counts::in_time`].
const IN_TIME: Duration = Duration::from_secs(2);

/// Counts of what was measured.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Counts {
    pub warmup_s: f64,
    pub offered: u64,
    pub served: u64,
    pub in_time: u64,
    pub dropped: u64,
    pub forwarded: u64,
    pub probes: u64,
    pub latency_s: f64,
}

impl Observer for Counts {
    fn finished(&mut self, job: &Finished<'_>) {
        if job.arrival.at_s < self.warmup_s {
            return;
        }
        self.offered += 1;
        self.forwarded += u64::from(job.forwarded);
        self.probes += u64::from(job.probes);
        match job.outcome {
            Outcome::Served => {
                self.served += 1;
                self.in_time += u64::from(job.latency <= IN_TIME);
                self.latency_s += job.latency.as_secs_f64();
            }
            Outcome::Dropped => self.dropped += 1,
            _ => {}
        }
    }
}

/// One run.
pub fn run(scenario: &Scenario, contender: &Contender, seed: u64) -> Counts {
    let mut world = World::new(scenario, contender, seed).expect("a world");
    let mut counts = Counts { warmup_s: scenario.warmup_s, ..Counts::default() };
    let horizon_s = scenario.horizon_s();
    world.session(Schedule::new(&scenario.traffic, seed, horizon_s), 0.0, horizon_s, &mut counts);
    counts
}

/// What became of one job.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub number: u64,
    pub outcome: Outcome,
    pub latency: Duration,
    pub executed_by: Option<u32>,
    pub hops: u32,
    pub probes: u32,
    pub timings: Timings,
}

#[derive(Default)]
struct Jobs(Vec<Ended>);

impl Observer for Jobs {
    fn finished(&mut self, job: &Finished<'_>) {
        self.0.push(Ended {
            number: job.arrival.number,
            outcome: job.outcome,
            latency: job.latency,
            executed_by: job.executed_by,
            hops: job.hops,
            probes: job.probes,
            timings: job.timings,
        });
    }
}

fn jobs(scenario: &Scenario, contender: &Contender, arrivals: impl Iterator<Item = Arrival>) -> Vec<Ended> {
    let mut world = World::new(scenario, contender, 1).expect("a world");
    let mut ended = Jobs::default();
    world.session(arrivals, 0.0, scenario.horizon_s(), &mut ended);
    ended.0.sort_by_key(|job| job.number);
    ended.0
}

/// Jobs that arrive at these moments at these nodes.
pub fn ended(scenario: &Scenario, contender: &Contender, at: &[(f64, u32)]) -> Vec<Ended> {
    let arrivals = at.iter().enumerate().map(|(number, (at_s, node))| Arrival {
        number: number as u64,
        at_s: *at_s,
        node: *node,
        task_type: 0,
        payload: 0,
        service_s: None,
    });
    jobs(scenario, contender, arrivals)
}

/// Latencies, in seconds, of jobs of these task types that arrive at these moments at node 0.
pub fn latencies_of(scenario: &Scenario, at: &[(f64, u16)]) -> Vec<f64> {
    let arrivals = at.iter().enumerate().map(|(number, (at_s, task_type))| Arrival {
        number: number as u64,
        at_s: *at_s,
        node: 0,
        task_type: *task_type,
        payload: 0,
        service_s: None,
    });
    let ended = jobs(scenario, &policy("NoScheduler", ["true"]), arrivals);
    ended.iter().map(|job| job.latency.as_secs_f64()).collect()
}

/// The same of task type 0.
pub fn latencies(scenario: &Scenario, at: &[f64]) -> Vec<f64> {
    latencies_of(scenario, &at.iter().map(|at_s| (*at_s, 0)).collect::<Vec<_>>())
}
