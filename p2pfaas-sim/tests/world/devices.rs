//! Devices: shared processors, and instances that must be started.

use p2pfaas_sim::scenario::{Discipline, InstanceSpec};
use p2pfaas_sim::service::Service;

use crate::support::{equal_nodes, policy, run};

#[test]
fn jobs_that_share_a_processor_see_the_same_losses_whatever_their_distribution() {
    // M/G/1/K with processor sharing is insensitive: blocking (1-r) r^K / (1-r^(K+1)), and Little's law.
    let mut scenario = equal_nodes(1, 4, 0, 0.9, 100_000.0);
    scenario.nodes[0].discipline = Discipline::ProcessorSharing;
    scenario.warmup_s = 100.0;
    let deterministic = Service::Deterministic { mean_s: 1.0 };
    for service in
        [Service::Exponential { mean_s: 1.0 }, deterministic, Service::Gamma { mean_s: 1.0, cv: 2.0 }]
    {
        scenario.jobs[0].service = service;
        let counts = run(&scenario, &policy("NoScheduler", ["true"]), 3);
        let lost = counts.dropped as f64 / counts.offered as f64;
        assert!((lost - 0.160_216).abs() < 0.008, "{:?}: {lost}", scenario.jobs[0].service);
        let response_s = counts.latency_s / counts.served as f64;
        assert!((response_s - 2.368_712).abs() < 0.08, "{:?}: {response_s}", scenario.jobs[0].service);
    }
}

#[test]
fn a_shared_processor_gives_each_job_its_exact_part() {
    // Two jobs of 1 s, the second half a second later: the first is done at 1.5 s, the second at 2 s.
    let mut scenario = equal_nodes(1, 2, 0, 0.0, 10.0);
    scenario.nodes[0].discipline = Discipline::ProcessorSharing;
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    let latencies = crate::support::latencies(&scenario, &[0.0, 0.5]);
    assert!((latencies[0] - 1.5).abs() < 1e-8 && (latencies[1] - 1.5).abs() < 1e-8, "{latencies:?}");
}

#[test]
fn an_instance_is_cold_after_a_gap_longer_than_its_idle_time() {
    // One slot, no queue: each job that gets in comes after an idle time that is exponential.
    let (rate, idle_timeout_s, cold_start_s) = (0.5, 2.0, 10.0);
    let mut scenario = equal_nodes(1, 1, 0, rate, 400_000.0);
    scenario.nodes[0].instances = Some(InstanceSpec { cold_start_s, idle_timeout_s, max_instances: 1 });
    let counts = run(&scenario, &policy("NoScheduler", ["true"]), 5);
    let expected_s = 1.0 + cold_start_s * (-rate * idle_timeout_s).exp();
    let response_s = counts.latency_s / counts.served as f64;
    assert!((response_s / expected_s - 1.0).abs() < 0.02, "{response_s} instead of {expected_s}");
}

#[test]
fn the_instance_used_last_is_taken_first_and_the_longest_idle_makes_room() {
    let spec = InstanceSpec { cold_start_s: 1.0, idle_timeout_s: 100.0, max_instances: 2 };
    let mut scenario = equal_nodes(1, 2, 0, 0.0, 1_000.0);
    scenario.nodes[0].instances = Some(spec);
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    let mut other = scenario.jobs[0].clone();
    other.function = 1;
    scenario.jobs.push(other);
    // Two of function 0 start two instances; function 1 then has to take the place of one of them.
    let latencies =
        crate::support::latencies_of(&scenario, &[(0.0, 0), (0.5, 0), (10.0, 1), (20.0, 0), (30.0, 1)]);
    assert_eq!(latencies, [2.0, 2.0, 2.0, 1.0, 1.0]);
    // Busy ones may be more for a while; then those go that have been idle longest.
    scenario.nodes[0].slots = 3;
    let latencies = crate::support::latencies_of(
        &scenario,
        &[(0.0, 0), (0.1, 0), (0.2, 0), (10.0, 0), (10.1, 0), (10.2, 0)],
    );
    assert_eq!(latencies, [2.0, 2.0, 2.0, 1.0, 1.0, 2.0]);
    // Beyond the idle time everything is cold again.
    let latencies = crate::support::latencies_of(&scenario, &[(0.0, 0), (103.0, 0)]);
    assert_eq!(latencies, [2.0, 2.0]);
}

#[test]
fn speed_divides_service_times() {
    let mut scenario = equal_nodes(1, 1, 0, 0.0, 10.0);
    scenario.nodes[0].speed = 4.0;
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    assert_eq!(crate::support::latencies(&scenario, &[0.0]), [0.25]);
}
