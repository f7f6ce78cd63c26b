//! LL(F, T) between a few nodes against its exact chain.

use p2pfaas_sim::theory::{Balanced, Choice, PowerOfN, Station, shortest_of};

use crate::support::{Family, Measured, cluster, policy, power_of_n, runs};

fn compare(family: &mut Family, what: &str, theory: &Balanced, runs: &[Measured]) {
    family.compare(format!("{what}: blocking"), theory.blocking, runs, |run| run.blocking());
    family.compare(format!("{what}: response"), theory.mean_response_s, runs, |run| run.mean_response_s());
    family.compare(format!("{what}: forwarded"), theory.forwarded, runs, |run| run.forwarded());
    family.compare(format!("{what}: probes"), theory.probes_per_job, runs, |run| run.probes_per_job());
}

#[test]
fn ll_between_a_few_nodes_is_what_its_exact_chain_says() {
    let one_server = Station::one_server(10, 1.0);
    let loss = Station::loss(4, 1.0);
    let both = Station { slots: 2, queue: 2, service_per_s: 1.0 };
    // The first six are the points of anchors B6.4; loads are per slot.
    let points = [
        (one_server, 2, 1, 0, 0.9),
        (one_server, 2, 1, 2, 0.9),
        (one_server, 4, 1, 0, 0.9),
        (one_server, 4, 1, 2, 1.1),
        (loss, 4, 2, 0, 1.0),
        (loss, 8, 1, 2, 0.9),
        (both, 3, 1, 1, 0.9),
        (both, 5, 2, 2, 1.0),
        (both, 6, 3, 3, 1.1),
        (loss, 3, 2, 4, 1.2),
        (one_server, 3, 2, 5, 0.8),
    ];
    let mut family = Family::default();
    for (station, nodes, fan_out, threshold, load) in points {
        let rate = load * f64::from(station.slots);
        let scenario = cluster(nodes, &station, rate, 20_000.0);
        for (choice, random) in [(Choice::LeastLoaded, false), (Choice::RandomAmongNotMoreLoaded, true)] {
            let theory = PowerOfN { fan_out, threshold, choice }.exact(nodes, &station, rate).unwrap();
            let runs = runs(&scenario, &power_of_n(fan_out, threshold, random));
            let what = format!("{station:?}, N {nodes}, LL({fan_out}, {threshold}), {choice:?}, load {load}");
            compare(&mut family, &what, &theory, &runs);
        }
    }
    family.holds(88);
}

#[test]
fn ll_1_0_is_the_power_of_two_without_replacement() {
    let mut family = Family::default();
    for (nodes, load) in [(2, 0.9), (4, 0.9), (6, 1.1)] {
        let station = Station::one_server(10, 1.0);
        let theory = shortest_of(nodes, 2, &station, load).unwrap();
        let exact = PowerOfN { fan_out: 1, threshold: 0, choice: Choice::LeastLoaded };
        let exact = exact.exact(nodes, &station, load).unwrap();
        assert!((exact.blocking - theory.blocking).abs() < 1e-9, "{} {}", exact.blocking, theory.blocking);
        let runs = runs(&cluster(nodes, &station, load, 20_000.0), &power_of_n(1, 0, false));
        let what = |value: &str| format!("N {nodes}, load {load}: {value}");
        family.compare(what("blocking"), theory.blocking, &runs, |run| run.blocking());
        family.compare(what("response"), theory.mean_response_s, &runs, |run| run.mean_response_s());
    }
    family.holds(6);
}

#[test]
fn joining_the_shortest_queue_is_what_its_chain_says() {
    // Anchors B6.4: buffers so long that they never fill; N = 2, 3, 4.
    let points = [
        (2, 0.5, 1.426_321),
        (2, 0.7, 2.108_197),
        (2, 0.9, 5.474_701),
        (3, 0.7, 1.708_876),
        (4, 0.8, 1.953_131),
    ];
    let mut family = Family::default();
    for (nodes, load, response_s) in points {
        let station = Station::one_server(200, 1.0);
        let runs = runs(&cluster(nodes, &station, load, 40_000.0), &policy("JoinShortestQueue", &[]));
        let what = format!("JSQ, N {nodes}, load {load}");
        family.compare(what, response_s, &runs, |run| run.mean_response_s());
    }
    family.holds(5);
}
