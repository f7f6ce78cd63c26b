use super::super::erlang::pooled;
use super::*;
use proptest::prelude::*;

fn least_loaded(fan_out: u32, threshold: u32) -> PowerOfN {
    PowerOfN { fan_out, threshold, choice: Choice::LeastLoaded }
}

fn random(fan_out: u32, threshold: u32) -> PowerOfN {
    PowerOfN { fan_out, threshold, choice: Choice::RandomAmongNotMoreLoaded }
}

/// Fact sheet (anchors) B6.4.
#[test]
fn the_chain_gives_the_printed_table() {
    let one = |places| Station::one_server(places, 1.0);
    let loss = |slots| Station::loss(slots, 1.0);
    // Nodes, node, F, T, load of its slots; blocking, response, forwarded.
    let table = [
        (2, one(10), 1, 0, 0.9, [0.01520273, 4.004347, 0.316542]),
        (2, one(10), 1, 2, 0.9, [0.01551893, 4.081401, 0.291036]),
        (4, one(10), 1, 0, 0.9, [0.00322285, 3.486965, 0.363702]),
        (4, one(10), 1, 2, 1.1, [0.09558083, 7.532073, 0.351562]),
        (4, loss(4), 2, 0, 1.0, [0.18591010, 1.0, 0.407821]),
        (8, loss(4), 1, 2, 0.9, [0.15533814, 1.0, 0.326693]),
    ];
    for (nodes, station, fan_out, threshold, load, known) in table {
        let arrivals = load * f64::from(station.slots);
        let found = least_loaded(fan_out, threshold).exact(nodes, &station, arrivals).unwrap();
        let values = [found.blocking, found.mean_response_s, found.forwarded];
        for ((value, known), digits) in values.iter().zip(known).zip([5.1e-9, 5.1e-7, 5.1e-7]) {
            assert!((value - known).abs() < digits, "{nodes} {station:?} {fan_out} {threshold}: {found:?}");
        }
        assert!(found.residual <= 1e-12, "{found:?}");
    }
}

/// Fact sheet (anchors) B6.4, "other exact anchors". Its queues have an end, which is not told for all: at
/// load .9 the last digits depend on it.
#[test]
fn the_shortest_of_long_queues_is_as_printed() {
    let loads = [0.5, 0.7, 0.8, 0.9];
    let known = [
        (2, 2, 60, [1.426321, 2.108197, 2.955737, 5.474701]),
        (3, 2, 30, [1.352003, 1.884792, 2.510000, 4.270876]),
        (3, 3, 30, [1.244836, 1.708876, 2.285548, 3.979700]),
        (4, 2, 18, [1.324461, 1.798358, 2.330150, 3.735255]),
        (4, 4, 18, [1.158151, 1.511438, 1.953131, 3.229000]),
    ];
    for (nodes, choices, places, row) in known {
        let station = Station::one_server(places, 1.0);
        for (load, known) in loads.into_iter().zip(row) {
            let found = shortest_of(nodes, choices, &station, load).unwrap();
            let value = found.mean_response_s;
            assert!((value - known).abs() < 5.1e-7, "{choices} of {nodes}, load {load}: {value}");
            assert!((found.probes_per_job - f64::from(choices)).abs() < 1e-12 && found.forwarded == 0.0);
        }
    }
}

/// Endless ones by many places; no other way to use equal servers is as fast as one queue.
#[test]
fn the_shortest_of_endless_queues_is_longer_and_never_beats_the_pooled_queue() {
    for (nodes, choices, load, known) in [(2, 2, 0.9, 5.474913), (3, 2, 0.8, 2.51), (3, 3, 0.8, 2.285548)] {
        let places = (1e-11_f64.ln() / f64::ln(load) / f64::from(nodes)) as u32;
        let found = shortest_of(nodes, choices, &Station::one_server(places, 1.0), load).unwrap();
        let best = pooled(nodes, load * f64::from(nodes), 1.0).unwrap().mean_response_s;
        assert!((found.mean_response_s - known).abs() < 1e-6, "{found:?}");
        assert!(found.blocking < 1e-9 && found.mean_response_s > best, "{found:?} {best}");
    }
}

/// The rules by their words: every node at which a job may arrive, every set of nodes that may be probed.
fn by_enumeration(policy: &PowerOfN, loads: &[usize], joins: &mut [f64]) -> Fate {
    let mut fate = Fate::default();
    let arrives = 1.0 / loads.len() as f64;
    for (origin, own) in loads.iter().enumerate() {
        if *own < policy.threshold as usize {
            joins[*own] += arrives;
            continue;
        }
        let others: Vec<_> = (0..loads.len()).filter(|node| *node != origin).collect();
        let drawn = others.len().min(policy.fan_out as usize);
        let sets: Vec<Vec<usize>> = (0_u32..1 << others.len())
            .filter(|set| set.count_ones() as usize == drawn)
            .map(|set| {
                (0..others.len()).filter(|bit| set >> bit & 1 == 1).map(|bit| loads[others[bit]]).collect()
            })
            .collect();
        let p = arrives / sets.len() as f64;
        for probed in &sets {
            fate.probes += p * drawn as f64;
            match probed.iter().min().filter(|least| *least < own) {
                None => joins[*own] += p,
                Some(least) => {
                    let bound = if policy.choice == Choice::LeastLoaded { least } else { own };
                    let candidates: Vec<_> = probed.iter().filter(|load| *load <= bound).collect();
                    fate.forwarded += p;
                    for load in &candidates {
                        joins[**load] += p / candidates.len() as f64;
                    }
                }
            }
        }
    }
    fate
}

#[test]
fn extreme_loads_are_solved() {
    let station = Station { slots: 2, queue: 9, service_per_s: 1.0 };
    for (arrivals, blocking) in [(1e-9, 0.0), (1e12, 1.0)] {
        for policy in [least_loaded(1, 1), random(2, 0)] {
            let found = policy.exact(5, &station, arrivals).unwrap();
            assert!((found.blocking - blocking).abs() < 1e-9, "{policy:?} {found:?}");
        }
    }
}

#[test]
fn what_means_nothing_is_refused() {
    let station = Station::loss(3, 1.0);
    let policy = least_loaded(1, 1);
    assert!(matches!(policy.exact(0, &station, 1.0), Err(TheoryError::Parameter { .. })));
    assert!(matches!(policy.exact(2, &station, -1.0), Err(TheoryError::Parameter { .. })));
    assert!(matches!(policy.exact(2, &Station::loss(0, 1.0), 1.0), Err(TheoryError::Parameter { .. })));
    assert!(matches!(policy.exact(1_000, &station, 1.0), Err(TheoryError::TooManyStates { .. })));
    assert!(matches!(shortest_of(3, 4, &station, 1.0), Err(TheoryError::Parameter { .. })));
    assert!(matches!(shortest_of(3, 0, &station, 1.0), Err(TheoryError::Parameter { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_steady_state_is_a_law_and_what_comes_in_goes_out(
        nodes in 1_u32..6, slots in 1_u32..4, queue in 0_u32..3, fan_out in 0_u32..6, threshold in 0_u32..8,
        load in 0.05_f64..2.0, any in any::<bool>(),
    ) {
        let station = Station { slots, queue, service_per_s: 2.0 };
        let policy = if any { random(fan_out, threshold) } else { least_loaded(fan_out, threshold) };
        let arrivals = load * f64::from(slots) * 2.0;
        let found = policy.exact(nodes, &station, arrivals).unwrap();
        prop_assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-11);
        let served: f64 = (0..).zip(&found.probabilities).map(|(jobs, p)| station.rate_per_s(jobs) * p).sum();
        prop_assert!((served / (arrivals * (1.0 - found.blocking)) - 1.0).abs() < 1e-10, "{found:?}");
        prop_assert!(found.residual <= 1e-12);
        let asked: f64 = found.probabilities.iter().skip(threshold as usize).sum();
        prop_assert!((found.probes_per_job - asked * f64::from(fan_out.min(nodes - 1))).abs() < 1e-11);
        prop_assert!(found.forwarded <= asked + 1e-12);
    }

    #[test]
    fn jobs_go_where_the_words_of_the_rules_say(
        loads in prop::collection::vec(0_usize..5, 1..8), fan_out in 0_u32..8, threshold in 0_u32..6,
        any in any::<bool>(),
    ) {
        let policy = if any { random(fan_out, threshold) } else { least_loaded(fan_out, threshold) };
        let mut nodes_with = vec![0; 5];
        loads.iter().for_each(|load| nodes_with[*load] += 1);
        let (mut joins, mut known) = (vec![0.0; 5], vec![0.0; 5]);
        let fate = policy.dispatch(&nodes_with, &mut joins);
        let known_fate = by_enumeration(&policy, &loads, &mut known);
        for (value, known) in joins.iter().zip(&known) {
            prop_assert!((value - known).abs() < 1e-12, "{joins:?} {known:?}");
        }
        prop_assert!((fate.forwarded - known_fate.forwarded).abs() < 1e-12);
        prop_assert!((fate.probes - known_fate.probes).abs() < 1e-12);
    }

    #[test]
    fn a_threshold_beyond_the_places_and_no_probes_leave_the_node_alone(
        nodes in 1_u32..6, slots in 1_u32..4, queue in 0_u32..3, load in 0.05_f64..2.0,
    ) {
        let station = Station { slots, queue, service_per_s: 1.0 };
        let arrivals = load * f64::from(slots);
        let alone = station.alone(arrivals).unwrap();
        for policy in [least_loaded(2, slots + queue + 1), least_loaded(0, 0), random(0, 1)] {
            let found = policy.exact(nodes, &station, arrivals).unwrap();
            prop_assert!((found.blocking - alone.blocking).abs() < 1e-11, "{policy:?}: {found:?}");
            prop_assert!((found.mean_response_s - alone.mean_response_s).abs() < 1e-9, "{policy:?}: {found:?}");
            prop_assert_eq!(found.forwarded, 0.0);
        }
    }

    #[test]
    fn one_probe_from_no_load_on_is_the_shorter_of_two(
        nodes in 2_u32..6, slots in 1_u32..4, queue in 0_u32..3, load in 0.05_f64..2.0,
    ) {
        let station = Station { slots, queue, service_per_s: 1.0 };
        let arrivals = load * f64::from(slots);
        let shorter = shortest_of(nodes, 2, &station, arrivals).unwrap();
        for policy in [least_loaded(1, 0), random(1, 0)] {
            let found = policy.exact(nodes, &station, arrivals).unwrap();
            prop_assert!((found.blocking - shorter.blocking).abs() < 1e-11, "{policy:?}");
            prop_assert!((found.mean_number - shorter.mean_number).abs() < 1e-10, "{policy:?}");
        }
    }
}
