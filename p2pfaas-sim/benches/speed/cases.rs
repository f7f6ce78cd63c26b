//! What is run.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};
use p2pfaas_sim::network::{Latency, NetworkSpec, Topology};
use p2pfaas_sim::scenario::{JobSpec, NodeSpec, Scenario};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::world::{Contender, Finished, Observer, World};

use super::bare;

/// Does the work whose time counts.
pub type Clock<'a> = &'a mut dyn FnMut(&mut dyn FnMut());

/// One case: about so many jobs; returns jobs and events.
pub struct Case {
    pub name: &'static str,
    pub run: fn(u64, Clock<'_>) -> (u64, u64),
    /// Jobs a round.
    pub jobs: u64,
    /// Whether it is part of the rounds.
    pub rounds: bool,
    /// The bare loop beside it.
    pub beside: Option<&'static str>,
    /// Jobs for which its memory is measured.
    pub memory: &'static [u64],
}

const BARE_HOSTS: &str = "hosts, bare loop";
const BARE_CHOICE: &str = "power of two, bare loop";

pub const CASES: &[Case] = &[
    Case {
        name: "100 hosts, no balancing",
        run: hosts,
        jobs: 1_000_000,
        rounds: true,
        beside: Some(BARE_HOSTS),
        memory: &[1_000_000, 10_000_000],
    },
    Case { name: BARE_HOSTS, run: bare::hosts, jobs: 1_000_000, rounds: true, beside: None, memory: &[] },
    Case {
        name: "1000 nodes, PowerOfN(1, 1)",
        run: choice,
        jobs: 500_000,
        rounds: true,
        beside: Some(BARE_CHOICE),
        memory: &[500_000, 2_000_000],
    },
    Case { name: BARE_CHOICE, run: bare::choice, jobs: 500_000, rounds: true, beside: None, memory: &[] },
    Case {
        name: "10 000 nodes of 16 neighbours",
        run: many,
        jobs: 2_000_000,
        rounds: false,
        beside: None,
        memory: &[2_000_000],
    },
];

/// 100 hosts of 4 slots; a call a second at each, 1 s of service.
fn hosts(jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    let scenario = scenario(100, 1_000_000, 1.0, NetworkSpec::default());
    simulate(&scenario, Descriptor::new("NoScheduler", ["true"]), jobs, clock)
}

/// LL(1, 1) in a full mesh at load 0.9, 1 ms away from each other.
fn choice(jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    simulate(&scenario(1_000, 4, 3.6, near(Topology::Full)), power_of_two(), jobs, clock)
}

/// The same with ten times the nodes, each with 16 neighbours.
fn many(jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    let regular = Topology::RandomRegular { degree: 16 };
    simulate(&scenario(10_000, 4, 3.6, near(regular)), power_of_two(), jobs, clock)
}

fn near(topology: Topology) -> NetworkSpec {
    let latency = Latency::Constant(Duration::from_millis(1));
    NetworkSpec { topology, latency, ..NetworkSpec::default() }
}

fn power_of_two() -> Descriptor {
    Descriptor::new("PowerOfNScheduler", ["1", "1", "true", "1"])
}

fn scenario(nodes: usize, queue: u32, rate: f64, network: NetworkSpec) -> Scenario {
    Scenario {
        nodes: vec![NodeSpec { slots: 4, queue, ..NodeSpec::default() }; nodes],
        jobs: vec![JobSpec {
            function: 0,
            service: Service::Exponential { mean_s: 1.0 },
            deadline: None,
            payload_bytes: 0,
            answer_bytes: 0,
        }],
        traffic: vec![Traffic { kind: ArrivalKind::Poisson, rates: vec![rate; nodes], shares: vec![1.0] }],
        network,
        detection: Duration::from_secs(1),
        job_timeout: None,
        warmup_s: 0.0,
        duration_s: 0.0,
    }
}

#[derive(Default)]
struct Ended(u64);

impl Observer for Ended {
    fn finished(&mut self, _: &Finished<'_>) {
        self.0 += 1;
    }
}

fn simulate(scenario: &Scenario, policy: Descriptor, jobs: u64, clock: Clock<'_>) -> (u64, u64) {
    let contender = Contender::new(&Arc::new(Registry::builtin()), policy);
    let mut world = World::new(scenario, &contender, 1).expect("a scenario that is right");
    let seconds = jobs as f64 / scenario.traffic[0].rates.iter().sum::<f64>();
    let mut ended = Ended::default();
    clock(&mut || {
        world.session(Schedule::new(&scenario.traffic, 1, seconds), 0.0, seconds, &mut ended);
    });
    (ended.0, world.events())
}
