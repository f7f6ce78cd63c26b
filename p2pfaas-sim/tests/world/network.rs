//! What lies between the nodes.

use std::time::Duration;

use p2pfaas_core::{Outcome, Time};
use p2pfaas_sim::network::{Latency, Partition};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::world::World;

use crate::support::{ended, equal_nodes, policy, run};

#[test]
fn a_forwarded_job_pays_for_two_ways_and_its_probe_for_two_more() {
    let mut scenario = equal_nodes(2, 1, 0, 0.0, 10.0);
    scenario.network.latency = Latency::Constant(Duration::from_millis(10));
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    // The first job is kept at node 0; the second finds it there, probes and goes to node 1.
    let arrivals = [(0.0, 0), (0.5, 0)];
    let jobs = ended(&scenario, &policy("PowerOfNScheduler", ["1", "1", "true", "1"]), &arrivals);
    assert_eq!(jobs[0].latency, Duration::from_secs(1));
    assert_eq!(jobs[1].latency, Duration::from_millis(1040));
    assert_eq!((jobs[1].executed_by, jobs[1].hops, jobs[1].probes), (Some(1), 1, 1));
    assert_eq!(jobs[1].timings.probing, Some(Duration::from_millis(20)));
    assert_eq!(jobs[1].timings.forwarding, Some(Duration::from_millis(1020)));
    assert_eq!(jobs[1].timings.execution, Some(Duration::from_secs(1)));
}

#[test]
fn a_partition_keeps_probes_and_jobs_from_their_way_and_no_job_is_forgotten() {
    let mut scenario = equal_nodes(2, 1, 0, 0.0, 100.0);
    scenario.job_timeout = Some(Duration::from_secs(5));
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    let (from, until) = (Time::from_nanos(10_000_000_000), Time::from_nanos(20_000_000_000));
    scenario.network.partitions = vec![Partition { from, until, groups: vec![vec![0], vec![1]] }];
    let probing = policy("PowerOfNScheduler", ["1", "1", "true", "1"]);
    let jobs = ended(&scenario, &probing, &[(12.0, 0), (12.3, 0), (30.0, 0), (30.3, 0)]);
    let outcomes: Vec<_> = jobs.iter().map(|job| job.outcome).collect();
    // Nobody answers the probe: the job stays, and there is no room.
    assert_eq!(outcomes, [Outcome::Served, Outcome::Dropped, Outcome::Served, Outcome::Served]);
    assert_eq!(jobs[1].latency, p2pfaas_core::defaults::PROBE_TIMEOUT);
    // A job that is sent into the partition ends with its time-out.
    let jobs = ended(&scenario, &policy("ForwardScheduler", ["1"]), &[(12.0, 0)]);
    assert!(matches!(jobs[0].outcome, Outcome::Failed(_)), "{:?}", jobs[0].outcome);
    assert_eq!(jobs[0].latency, Duration::from_secs(5));
}

#[test]
fn stale_views_make_co_operation_worse_but_not_useless() {
    let mut scenario = equal_nodes(10, 1, 9, 0.9, 20_000.0);
    scenario.warmup_s = 200.0;
    let response_s = |refresh: Option<Duration>, parameters: [&'static str; 4]| {
        let mut scenario = scenario.clone();
        scenario.network.view_refresh = refresh;
        let counts = run(&scenario, &policy("PowerOfNScheduler", parameters), 1);
        (counts.latency_s / counts.served as f64, counts.dropped as f64 / counts.offered as f64)
    };
    let all = ["9", "1", "true", "1"];
    let (fresh_s, _) = response_s(None, all);
    let (stale_s, _) = response_s(Some(Duration::from_secs(5)), all);
    assert!(fresh_s * 1.5 < stale_s, "fresh {fresh_s}, stale {stale_s}");
}

#[test]
fn what_could_never_end_and_what_no_node_can_know_is_refused() {
    let mut scenario = equal_nodes(5_000, 1, 0, 0.1, 10.0);
    let contender = policy("NoScheduler", ["true"]);
    let error = World::new(&scenario, &contender, 1).err().map(|error| error.to_string()).unwrap();
    assert!(error.contains("4999 neighbours"), "{error}");
    scenario.nodes.truncate(2);
    scenario.traffic[0].rates.truncate(2);
    let (from, until) = (Time::from_nanos(0), Time::from_nanos(1));
    scenario.network.partitions = vec![Partition { from, until, groups: vec![vec![0]] }];
    let error = World::new(&scenario, &contender, 1).err().map(|error| error.to_string()).unwrap();
    assert!(error.contains("needs a time-out"), "{error}");
}
