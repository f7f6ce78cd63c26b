//! What nobody can beat.

use p2pfaas_sim::theory::{Station, pooled};

use crate::support::{cluster, mean, policy, power_of_n, runs};

#[test]
fn no_policy_beats_the_pooled_queue() {
    let station = Station::one_server(400, 1.0);
    for (nodes, load) in [(4, 0.7), (4, 0.9), (8, 0.9)] {
        let bound_s = pooled(nodes, load * f64::from(nodes), 1.0).unwrap().mean_response_s;
        let scenario = cluster(nodes, &station, load, 15_000.0);
        let policies = [
            ("JSQ", policy("JoinShortestQueue", &[])),
            ("LEC", policy("LeastExpectedCompletion", &[])),
            ("LL(1, 1)", power_of_n(1, 1, false)),
            ("LL(all, 0)", power_of_n(nodes - 1, 0, false)),
            ("LL(3, 2), random", power_of_n(3, 2, true)),
            ("none", policy("NoScheduler", &["false"])),
        ];
        for (name, contender) in policies {
            let response = mean(&runs(&scenario, &contender), |run| run.mean_response_s());
            // Chance may favour a policy by a few standard errors, not by more.
            assert!(
                response.mean > bound_s * 0.99,
                "{name}, N {nodes}, load {load}: {} < {bound_s}",
                response.mean
            );
        }
        let best = mean(&runs(&scenario, &policy("JoinShortestQueue", &[])), |run| run.mean_response_s());
        assert!(best.mean < bound_s * 1.8, "the best is near it: {} and {bound_s}", best.mean);
    }
}
