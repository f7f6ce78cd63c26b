//! A thousand nodes against the mean field: what is left of the difference is the size of the cluster.

use p2pfaas_sim::scenario::Scenario;
use p2pfaas_sim::theory::{Choice, PowerOfN, Station, Supermarket};

use crate::support::{cluster, mean, power_of_n, runs};

/// Jobs until the nodes have forgotten that they were empty.
const WARMUP_JOBS: f64 = 100_000.0;
/// Difference from the mean field that finite size explains.
const BIAS: f64 = 0.03;

fn thousand(station: &Station, rate: f64) -> Scenario {
    Scenario { warmup_s: WARMUP_JOBS / (1_000.0 * rate), ..cluster(1_000, station, rate, 20_000.0) }
}

#[test]
fn a_thousand_nodes_are_within_three_percent_of_the_mean_field() {
    let loss = Station::loss(4, 1.0);
    let one_server = Station::one_server(10, 1.0);
    let points = [
        (loss, 1, 2, 0.9),
        (loss, 2, 0, 1.0),
        (one_server, 1, 2, 0.9),
        (one_server, 1, 2, 1.1),
        (Station { slots: 4, queue: 4, service_per_s: 1.0 }, 1, 4, 0.9),
    ];
    for (station, fan_out, threshold, load) in points {
        let rate = load * f64::from(station.slots);
        let rule = PowerOfN { fan_out, threshold, choice: Choice::LeastLoaded };
        let theory = rule.mean_field(&station, rate).unwrap();
        let runs = runs(&thousand(&station, rate), &power_of_n(fan_out, threshold, false));
        let near = |value: f64, known: f64, what: &str| {
            let far = (value - known).abs();
            // Losses that are next to nothing are compared as what they are.
            assert!(
                far < BIAS * known + 1e-4,
                "{station:?} LL({fan_out}, {threshold}), {load}: {what} {value}, {known}"
            );
        };
        near(mean(&runs, |run| run.blocking()).mean, theory.blocking, "blocking");
        near(mean(&runs, |run| run.mean_response_s()).mean, theory.mean_response_s, "response");
        near(mean(&runs, |run| run.forwarded()).mean, theory.forwarded, "forwarded");
        near(mean(&runs, |run| run.probes_per_job()).mean, theory.probes_per_job, "probes");
    }
}

#[test]
fn the_power_of_d_choices_among_a_thousand_nodes_is_that_of_its_fixed_point() {
    for (choices, load) in [(2, 0.7), (2, 0.9), (3, 0.9)] {
        let known = Supermarket::new(choices, load).unwrap().mean_response();
        let station = Station::one_server(200, 1.0);
        let runs = runs(&thousand(&station, load), &power_of_n(choices - 1, 0, false));
        let response_s = mean(&runs, |run| run.mean_response_s()).mean;
        assert!((response_s / known - 1.0).abs() < BIAS, "d {choices}, load {load}: {response_s}, {known}");
    }
}
