//! Nodes that fail, come back, join and leave.

use p2pfaas_core::Outcome;
use p2pfaas_sim::scenario::Faults;
use p2pfaas_sim::service::Service;

use crate::support::{ended, equal_nodes, policy, run};

#[test]
fn a_node_that_fails_is_away_for_the_share_of_time_that_its_means_say() {
    let mut scenario = equal_nodes(1, 8, 0, 2.0, 200_000.0);
    scenario.jobs[0].service = Service::Deterministic { mean_s: 0.001 };
    scenario.nodes[0].faults = Some(Faults { mtbf_s: 90.0, mttr_s: 10.0 });
    let counts = run(&scenario, &policy("NoScheduler", ["true"]), 1);
    let away = 1.0 - counts.served as f64 / counts.offered as f64;
    assert!((away - 0.1).abs() < 0.01, "{away}");
}

#[test]
fn a_node_that_fails_loses_what_it_has_and_begins_anew() {
    let mut scenario = equal_nodes(2, 1, 4, 1.0, 2_000.0);
    scenario.nodes[1].faults = Some(Faults { mtbf_s: 20.0, mttr_s: 5.0 });
    let counts = run(&scenario, &policy("PowerOfNScheduler", ["1", "1", "true", "1"]), 1);
    let failed = counts.offered - counts.served - counts.dropped;
    assert!(failed > 50, "{counts:?}");
    assert!(counts.served > counts.offered / 2, "{counts:?}");
}

#[test]
fn a_node_is_used_from_the_moment_when_it_joins_until_it_leaves() {
    let mut scenario = equal_nodes(2, 1, 0, 0.0, 100.0);
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    (scenario.nodes[1].joins_s, scenario.nodes[1].leaves_s) = (Some(10.0), Some(20.0));
    let at = |second: f64| [(second, 0), (second + 0.1, 0)];
    let arrivals: Vec<_> = [at(5.0), at(15.0), at(25.0)].concat();
    let jobs = ended(&scenario, &policy("PowerOfNScheduler", ["1", "1", "true", "1"]), &arrivals);
    let ran: Vec<_> = jobs.iter().map(|job| job.executed_by).collect();
    assert_eq!(ran, [Some(0), None, Some(0), Some(1), Some(0), None]);
    assert_eq!(jobs[5].outcome, Outcome::Dropped);
}

#[test]
fn clients_of_a_node_that_is_not_there_are_told() {
    let mut scenario = equal_nodes(2, 1, 0, 0.0, 100.0);
    scenario.nodes[1].joins_s = Some(10.0);
    let jobs = ended(&scenario, &policy("NoScheduler", ["true"]), &[(5.0, 1), (15.0, 1)]);
    assert!(matches!(jobs[0].outcome, Outcome::Failed(_)));
    assert_eq!(jobs[1].outcome, Outcome::Served);
}

#[test]
fn a_node_without_the_function_gives_the_job_back_to_its_sender() {
    let mut scenario = equal_nodes(2, 1, 0, 0.0, 100.0);
    scenario.jobs[0].service = Service::Deterministic { mean_s: 1.0 };
    scenario.nodes[1].functions = Some(vec![7]);
    let jobs = ended(&scenario, &policy("ForwardScheduler", ["1"]), &[(1.0, 0), (5.0, 1)]);
    assert_eq!((jobs[0].outcome, jobs[0].executed_by), (Outcome::Served, Some(0)));
    assert!(matches!(jobs[1].outcome, Outcome::Failed(_)), "its own clients get none there");
}

#[test]
fn a_node_that_leaves_while_it_is_repaired_stays_away() {
    let mut scenario = equal_nodes(1, 1, 0, 0.0, 10_000.0);
    scenario.jobs[0].service = Service::Deterministic { mean_s: 0.001 };
    scenario.nodes[0].faults = Some(Faults { mtbf_s: 1.0, mttr_s: 100.0 });
    scenario.nodes[0].leaves_s = Some(50.0);
    let late: Vec<_> = (0..50).map(|number| (1_000.0 + f64::from(number), 0)).collect();
    let jobs = ended(&scenario, &policy("NoScheduler", ["true"]), &late);
    assert!(jobs.iter().all(|job| matches!(job.outcome, Outcome::Failed(_))));
}
