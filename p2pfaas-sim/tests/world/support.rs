//! Scenarios for tests, and an observer that counts.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::Outcome;
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};
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
        traffic: Traffic { kind: ArrivalKind::Poisson, rates: vec![rate; nodes], shares: vec![1.0] },
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

/// Counts of what was measured.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Counts {
    pub warmup_s: f64,
    pub offered: u64,
    pub served: u64,
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
                self.latency_s += job.latency.as_secs_f64();
            }
            Outcome::Dropped => self.dropped += 1,
            _ => {}
        }
    }
}

/// One run.
pub fn run(scenario: &Scenario, contender: &Contender, seed: u64) -> Counts {
    let mut world = World::new(scenario, contender, seed).unwrap();
    let mut counts = Counts { warmup_s: scenario.warmup_s, ..Counts::default() };
    let horizon_s = scenario.horizon_s();
    world.session(Schedule::new(&scenario.traffic, seed, horizon_s), 0.0, horizon_s, &mut counts);
    counts
}
