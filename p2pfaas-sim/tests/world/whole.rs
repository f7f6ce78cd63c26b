//! What holds of every run, whatever the scenario.

use std::time::Duration;

use proptest::prelude::*;

use p2pfaas_core::{Outcome, Time};
use p2pfaas_sim::arrivals::Schedule;
use p2pfaas_sim::network::{Latency, Partition};
use p2pfaas_sim::scenario::{Discipline, Faults, InstanceSpec, Scenario};
use p2pfaas_sim::world::{Contender, Finished, Observer, World};

use crate::support::{equal_nodes, policy};

/// Everything that is told of every job.
#[derive(Default, PartialEq, Debug)]
struct All(Vec<String>, Vec<u64>, Vec<Outcome>);

impl Observer for All {
    fn finished(&mut self, job: &Finished<'_>) {
        self.0.push(format!("{job:?}"));
        self.1.push(job.arrival.number);
        self.2.push(job.outcome);
    }
}

fn all(scenario: &Scenario, contender: &Contender, seed: u64) -> (All, p2pfaas_core::Counters) {
    let mut world = World::new(scenario, contender, seed).expect("a world");
    let mut all = All::default();
    let horizon_s = scenario.horizon_s();
    world.session(Schedule::new(&scenario.traffic, seed, horizon_s), 0.0, horizon_s, &mut all);
    (all, world.counters())
}

fn scenarios() -> impl Strategy<Value = (Scenario, Contender)> {
    let cluster = (1..6_usize, 1..4_u32, 0..4_u32, 0.1..3.0_f64);
    let network = (0..30_u64, any::<bool>(), 0.0..0.5_f64, any::<bool>());
    let devices = (any::<bool>(), any::<bool>(), any::<bool>());
    let parameters = (1..4_u32, 0..4_u32, 1..4_u32, 0..4_usize);
    (cluster, network, devices, parameters).prop_map(|(cluster, network, devices, parameters)| {
        let (nodes, slots, queue, rate) = cluster;
        let mut scenario = equal_nodes(nodes, slots, queue, rate, 60.0);
        scenario.job_timeout = Some(Duration::from_secs(8));
        scenario.jobs[0].deadline = Some(Duration::from_secs(2));
        let (latency_ms, stale, probe_loss, parted) = network;
        scenario.network.latency = Latency::Constant(Duration::from_millis(latency_ms));
        scenario.network.probe_loss = probe_loss;
        scenario.network.view_refresh = stale.then_some(Duration::from_millis(500));
        if parted {
            let (from, until) = (Time::from_nanos(10_000_000_000), Time::from_nanos(20_000_000_000));
            scenario.network.partitions = vec![Partition { from, until, groups: vec![vec![0]] }];
        }
        let (shared, cold, faulty) = devices;
        for (index, node) in scenario.nodes.iter_mut().enumerate() {
            if shared {
                node.discipline = Discipline::ProcessorSharing;
            }
            node.deadline_aware = index == 1;
            node.instances =
                cold.then_some(InstanceSpec { cold_start_s: 0.5, idle_timeout_s: 1.0, max_instances: 2 });
            node.faults = (faulty && index != 1).then_some(Faults { mtbf_s: 10.0, mttr_s: 3.0 });
            node.leaves_s = (faulty && index == 2).then_some(30.0);
        }
        let (fan_out, threshold, hops, kind) = parameters;
        let [fan_out, threshold, hops] = [fan_out, threshold, hops].map(|number| number.to_string());
        let contender = match kind {
            0 => policy("ForwardScheduler", [hops.as_str()]),
            1 => policy("RoundRobinWithMasterScheduler", ["false", "", "true"]),
            2 => policy("JoinShortestQueue", []),
            _ => policy("PowerOfNScheduler", [fan_out.as_str(), threshold.as_str(), "true", hops.as_str()]),
        };
        (scenario, contender)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_job_ends_exactly_once_and_a_seed_always_gives_the_same((scenario, contender) in scenarios(), seed: u64) {
        let due = Schedule::new(&scenario.traffic, seed, scenario.horizon_s()).count();
        let (first, counters) = all(&scenario, &contender, seed);
        let mut numbers = first.1.clone();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..due as u64).collect::<Vec<_>>());
        prop_assert_eq!(counters.served + counters.dropped + counters.rejected + counters.failed
            + counters.cancelled <= counters.arrived, true);
        let (second, _) = all(&scenario, &contender, seed);
        prop_assert_eq!(first, second);
    }
}

#[test]
fn a_run_that_is_stopped_tells_what_became_of_every_job_that_was_due() {
    struct Stop(u64, u64);
    impl Observer for Stop {
        fn finished(&mut self, job: &Finished<'_>) {
            self.0 += 1;
            self.1 += u64::from(job.outcome == Outcome::Cancelled);
        }
        fn passed(&mut self, second: f64, _: Option<p2pfaas_sim::learning::Glimpse>) -> bool {
            second < 50.0
        }
    }
    let scenario = equal_nodes(3, 2, 4, 2.0, 1_000.0);
    let contender = policy("PowerOfNScheduler", ["1", "1", "true", "1"]);
    let mut world = World::new(&scenario, &contender, 1).expect("a world");
    let mut stop = Stop(0, 0);
    let ended_s = world.session(Schedule::new(&scenario.traffic, 1, 1_000.0), 0.0, 1_000.0, &mut stop);
    assert!((50.0..52.0).contains(&ended_s), "{ended_s}");
    let due = Schedule::new(&scenario.traffic, 1, ended_s).count() as u64;
    assert_eq!(stop.0, due);
    assert!(stop.1 > 0);
}
