//! The node alone against M/M/c/c+K.

use p2pfaas_sim::theory::Station;

use crate::support::{Family, cluster, policy, runs, shared};

#[test]
fn a_node_alone_is_an_m_m_c_c_plus_k() {
    let mut family = Family::default();
    for slots in [1, 2, 4, 8] {
        for queue in [0, 2, 8] {
            for load in [0.5, 0.9, 1.2] {
                let station = Station { slots, queue, service_per_s: 1.0 };
                let rate = load * f64::from(slots);
                let theory = station.alone(rate).unwrap();
                let runs = runs(&cluster(1, &station, rate, 12_000.0), &policy("NoScheduler", &["false"]));
                let what = |value: &str| format!("M/M/{slots}/{}, load {load}: {value}", slots + queue);
                family.compare(what("blocking"), theory.blocking, &runs, |run| run.blocking());
                family.compare(what("number"), theory.mean_number, &runs, |run| run.mean_number());
                if queue > 0 {
                    family.compare(what("wait"), theory.mean_wait_s, &runs, |run| run.mean_wait_s());
                }
            }
        }
    }
    family.holds(90);
}

#[test]
fn a_node_whose_jobs_share_a_processor_is_an_m_m_1_k() {
    let mut family = Family::default();
    for places in [1, 4, 10] {
        for load in [0.5, 0.9, 1.2] {
            let station = Station::one_server(places, 1.0);
            let theory = station.alone(load).unwrap();
            let scenario = shared(cluster(1, &station, load, 12_000.0));
            let runs = runs(&scenario, &policy("NoScheduler", &["false"]));
            let what = |value: &str| format!("M/M/1/{places} shared, load {load}: {value}");
            family.compare(what("blocking"), theory.blocking, &runs, |run| run.blocking());
            family.compare(what("number"), theory.mean_number, &runs, |run| run.mean_number());
            family.compare(what("response"), theory.mean_response_s, &runs, |run| run.mean_response_s());
        }
    }
    family.holds(27);
}
