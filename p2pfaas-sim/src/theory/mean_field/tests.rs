use super::super::power_of_d::Supermarket;
use super::*;
use proptest::prelude::*;

fn least_loaded(fan_out: u32, threshold: u32) -> PowerOfN {
    PowerOfN { fan_out, threshold, choice: Choice::LeastLoaded }
}

fn random(fan_out: u32, threshold: u32) -> PowerOfN {
    PowerOfN { fan_out, threshold, choice: Choice::RandomAmongNotMoreLoaded }
}

fn four_and_four() -> Station {
    Station { slots: 4, queue: 4, service_per_s: 1.0 }
}

/// Fact sheet (P2PFaaS) 9.4: blocking, probes, forwarded share and response, for one probe. Some of its shares
/// were rounded twice: .92846 is .929 there.
#[test]
fn the_mean_field_gives_the_printed_table() {
    let ten = |arrivals, threshold, known| (Station::loss(10, 1.0), arrivals, threshold, known);
    let three = |arrivals, threshold, known| (Station::loss(3, 1.0), arrivals, threshold, known);
    let queued = |arrivals, threshold, known| (four_and_four(), arrivals, threshold, known);
    let table = [
        ten(7.0, 0, [0.000086, 1.0, 0.393, 1.0]),
        ten(7.0, 8, [0.000233, 0.440, 0.292, 1.0]),
        ten(7.0, 9, [0.001489, 0.238, 0.189, 1.0]),
        ten(7.0, 10, [0.012537, 0.112, 0.099, 1.0]),
        ten(7.0, 11, [0.078741, 0.0, 0.0, 1.0]),
        ten(8.0, 0, [0.010229, 1.0, 0.392, 1.0]),
        ten(8.0, 8, [0.011173, 0.671, 0.360, 1.0]),
        ten(8.0, 9, [0.016134, 0.418, 0.280, 1.0]),
        ten(8.0, 10, [0.037516, 0.194, 0.156, 1.0]),
        ten(8.0, 11, [0.121661, 0.0, 0.0, 1.0]),
        ten(9.0, 0, [0.055645, 1.0, 0.381, 1.0]),
        ten(9.0, 8, [0.056191, 0.805, 0.370, 1.0]),
        ten(9.0, 9, [0.059953, 0.576, 0.325, 1.0]),
        ten(9.0, 10, [0.080189, 0.283, 0.203, 1.0]),
        ten(9.0, 11, [0.167963, 0.0, 0.0, 1.0]),
        ten(10.0, 0, [0.116764, 1.0, 0.362, 1.0]),
        ten(10.0, 8, [0.116994, 0.872, 0.358, 1.0]),
        ten(10.0, 9, [0.118984, 0.681, 0.333, 1.0]),
        ten(10.0, 10, [0.133230, 0.365, 0.232, 1.0]),
        ten(10.0, 11, [0.214582, 0.0, 0.0, 1.0]),
        three(1.5, 0, [0.013518, 1.0, 0.343, 1.0]),
        three(1.5, 1, [0.013518, 0.867, 0.343, 1.0]),
        three(1.5, 2, [0.014740, 0.508, 0.297, 1.0]),
        three(1.5, 3, [0.030414, 0.174, 0.144, 1.0]),
        three(1.5, 4, [0.134328, 0.0, 0.0, 1.0]),
        three(2.7, 0, [0.182383, 1.0, 0.322, 1.0]),
        three(2.7, 1, [0.182383, 0.970, 0.322, 1.0]),
        three(2.7, 2, [0.182778, 0.811, 0.317, 1.0]),
        three(2.7, 3, [0.194083, 0.441, 0.247, 1.0]),
        three(2.7, 4, [0.308738, 0.0, 0.0, 1.0]),
        queued(3.6, 0, [0.000002, 1.0, 0.399, 1.200]),
        queued(3.6, 4, [0.000002, 0.737, 0.381, 1.207]),
        queued(3.6, 8, [0.024587, 0.157, 0.132, 1.429]),
        queued(3.6, 9, [0.096636, 0.0, 0.0, 1.332]),
        queued(4.0, 0, [0.025268, 1.0, 0.402, 1.538]),
        queued(4.0, 4, [0.025379, 0.929, 0.401, 1.539]),
        queued(4.0, 8, [0.063615, 0.252, 0.189, 1.551]),
        queued(4.0, 9, [0.138528, 0.0, 0.0, 1.402]),
    ];
    for (station, arrivals, threshold, known) in table {
        let found = least_loaded(1, threshold).mean_field(&station, arrivals).unwrap();
        let values = [found.blocking, found.probes_per_job, found.forwarded, found.mean_response_s];
        for ((value, known), digits) in values.into_iter().zip(known).zip([5.1e-7, 5.5e-4, 5.5e-4, 5.1e-4]) {
            assert!(
                (value - known).abs() < digits,
                "{station:?} {arrivals} {threshold}: {found:?}, not {known}"
            );
        }
        let same = random(1, threshold).mean_field(&station, arrivals).unwrap();
        assert!((same.blocking - found.blocking).abs() < 1e-10, "{same:?} {found:?}");
        assert!((same.mean_response_s - found.mean_response_s).abs() < 1e-9, "{same:?} {found:?}");
    }
}

/// Fact sheet (P2PFaaS) 9.4, the last row; (anchors) B6.4, "mean-field".
#[test]
fn one_server_gives_the_printed_numbers() {
    let node = Station::one_server(10, 1.0);
    let table = [
        (0.9, 0, 0.0, 2.614),
        (0.9, 2, 0.0, 2.676),
        (0.9, 5, 0.0, 3.557),
        (0.9, 8, 0.0, 4.695),
        (0.9, 10, 0.006031, 5.248),
        (0.9, 11, 0.050814, 4.647),
        (1.0, 0, 0.002759, 7.180),
        (1.0, 2, 0.002762, 7.181),
        (1.0, 5, 0.002988, 7.201),
        (1.0, 8, 0.007298, 7.315),
        (1.0, 10, 0.033958, 6.832),
        (1.0, 11, 0.090909, 5.500),
    ];
    for (arrivals, threshold, blocking, response) in table {
        let found = least_loaded(1, threshold).mean_field(&node, arrivals).unwrap();
        assert!((found.blocking - blocking).abs() < 5.1e-7, "{arrivals} {threshold}: {found:?}");
        assert!((found.mean_response_s - response).abs() < 5.1e-4, "{arrivals} {threshold}: {found:?}");
    }
    let found = least_loaded(1, 2).mean_field(&node, 0.9).unwrap();
    assert!((found.mean_response_s - 2.67633).abs() < 5.1e-6 && (found.forwarded - 0.3823).abs() < 5.1e-5);
    assert!((3.5e-90..4.5e-90).contains(&found.blocking), "{found:?}");
    let found = least_loaded(1, 10).mean_field(&node, 0.9).unwrap();
    assert!((found.blocking - 6.0313e-3).abs() < 5.1e-8, "{found:?}");
    assert!((found.mean_response_s - 5.24821).abs() < 5.1e-6 && (found.forwarded - 0.0716).abs() < 5.1e-5);
    let found = least_loaded(1, 2).mean_field(&node, 1.1).unwrap();
    assert!((found.blocking - 0.0913418).abs() < 5.1e-8, "{found:?}");
    assert!((found.mean_response_s - 8.53901).abs() < 5.1e-6, "{found:?}");
    let four = Station::loss(4, 1.0);
    let found = least_loaded(1, 2).mean_field(&four, 3.6).unwrap();
    assert!((found.blocking - 0.1466945).abs() < 5.1e-8, "{found:?}");
    let found = least_loaded(2, 0).mean_field(&four, 4.0).unwrap();
    assert!((found.blocking - 0.1514112).abs() < 5.1e-8, "{found:?}");
}

#[test]
fn from_no_load_on_it_is_the_power_of_f_and_one_choices() {
    let node = Station::one_server(60, 1.0);
    for (fan_out, load) in [(1, 0.5), (1, 0.9), (2, 0.9), (4, 0.95), (1, 0.99)] {
        let found = least_loaded(fan_out, 0).mean_field(&node, load).unwrap();
        let market = Supermarket::new(fan_out + 1, load).unwrap();
        assert!((found.mean_response_s - market.mean_response()).abs() < 1e-9, "{fan_out} {load}: {found:?}");
        let tails = tails(&found.probabilities);
        for jobs in 0..12 {
            let known = market.at_least(jobs);
            assert!(
                (tails[jobs as usize] - known).abs() <= 1e-7 * known + 1e-299,
                "{jobs}: {} {known}",
                tails[jobs as usize]
            );
        }
    }
}

/// The chain of N nodes has an error of order 1/N.
#[test]
fn the_exact_chain_comes_near_with_more_nodes() {
    let station = Station { slots: 1, queue: 1, service_per_s: 1.0 };
    for policy in [least_loaded(2, 1), random(2, 1), random(3, 0), random(2, 2)] {
        let limit = policy.mean_field(&station, 0.9).unwrap();
        let far = |nodes| {
            let exact = policy.exact(nodes, &station, 0.9).unwrap();
            [
                exact.blocking - limit.blocking,
                exact.mean_response_s - limit.mean_response_s,
                exact.forwarded - limit.forwarded,
            ]
        };
        for (near, nearer) in far(40).into_iter().zip(far(80)) {
            assert!((0.4..0.6).contains(&(nearer / near)), "{policy:?}: {near} and {nearer}");
            assert!(nearer.abs() < 0.02, "{policy:?}: {nearer}");
        }
    }
}

#[test]
fn what_means_nothing_is_refused() {
    let policy = least_loaded(1, 1);
    assert!(policy.mean_field(&Station::loss(3, 1.0), f64::NAN).is_err());
    assert!(policy.mean_field(&Station::loss(0, 1.0), 1.0).is_err());
    assert!(policy.mean_field(&Station::loss(u32::MAX, 1.0), 1.0).is_err());
}

#[test]
fn large_nodes_and_all_loads_are_solved() {
    for (slots, queue) in [(1, 29), (64, 64), (1, 999), (1000, 0)] {
        let station = Station { slots, queue, service_per_s: 1.0 };
        for load in [1e-9, 0.5, 0.99, 1.0, 1.1, 2.0] {
            for policy in [
                least_loaded(1, 1),
                least_loaded(3, 0),
                least_loaded(1, slots),
                least_loaded(1, slots + queue),
                least_loaded(1, u32::MAX),
                random(2, 1),
                random(3, slots),
            ] {
                let found = policy.mean_field(&station, load * f64::from(slots)).unwrap();
                assert!(found.residual < 1e-12, "{station:?} {load} {policy:?}: {}", found.residual);
            }
        }
    }
}

#[test]
fn the_equations_come_to_rest_where_it_is_said() {
    let station = Station { slots: 2, queue: 3, service_per_s: 1.0 };
    for policy in [least_loaded(1, 1), least_loaded(3, 0), random(2, 2), random(3, 5), least_loaded(1, 6)] {
        for arrivals in [1.6, 2.0, 3.0] {
            let rest = policy.mean_field(&station, arrivals).unwrap();
            let after = |time_s| policy.mean_field_after(&station, arrivals, time_s).unwrap();
            let moved = after(300.0);
            for (rest, moved) in rest.probabilities.iter().zip(&moved.probabilities) {
                assert!((rest - moved).abs() < 1e-7, "{policy:?} {arrivals}: {rest} and {moved}");
            }
            assert!(after(1.0).residual > 0.01 && moved.residual < 1e-6);
            assert_eq!(after(0.0).mean_number, 0.0);
        }
    }
}

/// One server with one place, from empty: p_1 = a / (a + 1) (1 - e^-(a + 1) t).
#[test]
fn on_its_way_a_node_alone_is_as_known() {
    let policy = least_loaded(1, 9);
    for after_s in [0.1, 0.5, 2.0] {
        let found = policy.mean_field_after(&Station::loss(1, 1.0), 0.5, after_s).unwrap();
        let known = (1.0 - (-1.5 * after_s).exp()) / 3.0;
        assert!((found.probabilities[1] - known).abs() < 1e-8, "{after_s}: {found:?}, not {known}");
    }
    assert!(policy.mean_field_after(&Station::loss(1, 1.0), 0.5, -1.0).is_err());
    assert!(matches!(
        policy.mean_field_after(&Station::loss(1, 1.0), 1e9, 1e9),
        Err(TheoryError::NotSettled { .. })
    ));
}

proptest! {
    #[test]
    fn a_steady_state_is_a_law_and_what_comes_in_goes_out(
        slots in 1_u32..8, queue in 0_u32..8, fan_out in 0_u32..7, threshold in 0_u32..17,
        load in 0.05_f64..3.0, any in any::<bool>(),
    ) {
        let station = Station { slots, queue, service_per_s: 2.0 };
        let policy = if any { random(fan_out, threshold) } else { least_loaded(fan_out, threshold) };
        let arrivals = load * f64::from(slots) * 2.0;
        let found = policy.mean_field(&station, arrivals).unwrap();
        prop_assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-11);
        let served: f64 = (0..).zip(&found.probabilities).map(|(jobs, p)| station.rate_per_s(jobs) * p).sum();
        prop_assert!((served / (arrivals * (1.0 - found.blocking)) - 1.0).abs() < 1e-9, "{found:?}");
        prop_assert!(found.residual <= 1e-12);
        let alone = station.alone(arrivals).unwrap();
        prop_assert!(found.blocking <= alone.blocking * (1.0 + 1e-9), "{found:?} {alone:?}");
        if threshold > slots + queue || fan_out == 0 {
            prop_assert!((found.blocking - alone.blocking).abs() < 1e-11);
            prop_assert!((found.mean_response_s - alone.mean_response_s).abs() < 1e-9);
        }
    }

    #[test]
    fn with_one_probe_both_rules_are_the_same(
        slots in 1_u32..8, queue in 0_u32..8, threshold in 0_u32..17, load in 0.05_f64..3.0,
    ) {
        let station = Station { slots, queue, service_per_s: 1.0 };
        let arrivals = load * f64::from(slots);
        let least = least_loaded(1, threshold).mean_field(&station, arrivals).unwrap();
        let any = random(1, threshold).mean_field(&station, arrivals).unwrap();
        prop_assert!((least.blocking - any.blocking).abs() < 1e-10);
        prop_assert!((least.forwarded - any.forwarded).abs() < 1e-9);
    }
}
