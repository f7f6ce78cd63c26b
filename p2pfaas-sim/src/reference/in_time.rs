//! How likely a job is to be in time, by the load that it finds.
//!
//! Service times count as exponential: then what is left of those that run does not depend on how long they
//! have run, and the time in the node is the time that a small Markov chain takes to its end. Its
//! distribution comes from uniformisation (Jensen's method), in which all terms are positive.

use super::cluster::{ClusterModel, NodeModel, TypeModel};

/// The probability that a job of this type is done within its deadline at a node that it finds with
/// 0, 1, ... `room() - 1` jobs; 1 without a deadline.
///
/// Jobs in front of it take the mean time of all types. Under processor sharing, where later jobs matter
/// too, they arrive at `rate_per_s`.
pub fn in_time(cluster: &ClusterModel, node: &NodeModel, task: &TypeModel, rate_per_s: f64) -> Vec<f64> {
    let room = node.room();
    let Some(deadline_s) = task.deadline_s else { return vec![1.0; room as usize] };
    let others_per_s = node.speed / cluster.mean_service_s();
    let own_per_s = node.speed / task.mean_service_s;
    if node.processor_sharing {
        let stages: Vec<_> = (0..room)
            .map(|others| {
                let each = node.processor_each(others + 1);
                Stage {
                    done_per_s: own_per_s * each,
                    back_per_s: others_per_s * each * f64::from(others),
                    on_per_s: if others + 1 < room { rate_per_s } else { 0.0 },
                }
            })
            .collect();
        done_within(deadline_s, &stages)
    } else {
        let running = Stage { done_per_s: own_per_s, back_per_s: 0.0, on_per_s: 0.0 };
        let per_s = others_per_s * f64::from(node.slots);
        let waiting = Stage { done_per_s: 0.0, back_per_s: per_s, on_per_s: 0.0 };
        let stages: Vec<_> =
            (0..=node.queue).map(|ahead| if ahead == 0 { running } else { waiting }).collect();
        let by_stage = done_within(deadline_s, &stages);
        (0..room).map(|load| by_stage[(load + 1).saturating_sub(node.slots) as usize]).collect()
    }
}

/// Rates out of one stage of a job's stay: to its end, to the stage before, to the stage after.
#[derive(Debug, Clone, Copy)]
struct Stage {
    done_per_s: f64,
    back_per_s: f64,
    on_per_s: f64,
}

/// What of a probability is left out.
const NEGLIGIBLE: f64 = 1e-17;

/// The probability to be at the end after this time, by the stage that one starts in.
fn done_within(time_s: f64, stages: &[Stage]) -> Vec<f64> {
    let total = |stage: &Stage| stage.done_per_s + stage.back_per_s + stage.on_per_s;
    let fastest = stages.iter().map(total).fold(0.0, f64::max);
    let events = fastest * time_s;
    // The probability not to be at the end after so many events, and that of so many events (its logarithm,
    // which does not underflow).
    let mut open = vec![1.0; stages.len()];
    let mut log_weight = -events;
    let mut late = vec![0.0; stages.len()];
    let mut counted = 0.0;
    let mut count = 0.0;
    loop {
        let weight = log_weight.exp();
        counted += weight;
        let mut largest: f64 = 0.0;
        for (sum, open) in late.iter_mut().zip(&open) {
            *sum += weight * open;
            largest = largest.max(*open);
        }
        let rest_is_small = count > events && weight < NEGLIGIBLE || 1.0 - counted < NEGLIGIBLE;
        if largest < NEGLIGIBLE || rest_is_small {
            return late.into_iter().map(|late| (1.0 - late).clamp(0.0, 1.0)).collect();
        }
        // In place: the stage before has its new value already, so that its old one is kept.
        let mut before = 0.0;
        for index in 0..stages.len() {
            let stage = &stages[index];
            let here = open[index];
            let after = open.get(index + 1).copied().unwrap_or(0.0);
            let stay = fastest - total(stage);
            open[index] = (stage.back_per_s * before + stage.on_per_s * after + stay * here) / fastest;
            before = here;
        }
        count += 1.0;
        log_weight += (events / count).ln();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(slots: u32, queue: u32, processor_sharing: bool) -> NodeModel {
        NodeModel { slots, queue, speed: 2.0, rate_per_s: 1.0, peers: vec![], processor_sharing }
    }

    fn one_type(mean_service_s: f64, deadline_s: Option<f64>) -> ClusterModel {
        let task = TypeModel { share: 1.0, mean_service_s, exponential: true, deadline_s };
        ClusterModel { nodes: vec![], types: vec![task] }
    }

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-13, "{left} and {right}");
    }

    #[test]
    fn a_job_that_starts_at_once_has_an_exponential_time_and_one_that_waits_adds_stages() {
        let cluster = one_type(0.4, Some(0.5));
        let shares = in_time(&cluster, &node(1, 2, false), &cluster.types[0], 0.0);
        // Erlang of rate 5 and 1, 2, 3 stages at 0.5 s.
        let x: f64 = 2.5;
        close(shares[0], 1.0 - (-x).exp());
        close(shares[1], 1.0 - (-x).exp() * (1.0 + x));
        close(shares[2], 1.0 - (-x).exp() * (1.0 + x + x * x / 2.0));

        let shares = in_time(&cluster, &node(3, 1, false), &cluster.types[0], 0.0);
        close(shares[2], 1.0 - (-x).exp());
        // One stage of rate 15, one of rate 5.
        close(shares[3], 1.0 - (1.5 * (-x).exp() - 0.5 * (-3.0 * x).exp()));
    }

    #[test]
    fn those_in_front_take_the_mean_of_all_types() {
        let mut cluster = one_type(0.2, Some(0.5));
        cluster.types[0].share = 0.5;
        cluster.types.push(TypeModel { mean_service_s: 0.6, ..cluster.types[0].clone() });
        let shares = in_time(&cluster, &node(1, 1, false), &cluster.types[0], 0.0);
        // In front: mean 0.4 s, rate 5; itself: rate 10.
        close(shares[1], 1.0 - (2.0 * (-2.5_f64).exp() - (-5.0_f64).exp()));
    }

    #[test]
    fn sharing_a_processor_with_nobody_to_come_is_a_chain_of_two() {
        let cluster = one_type(0.4, Some(0.5));
        let shares = in_time(&cluster, &node(1, 1, true), &cluster.types[0], 0.0);
        // Rate 5 shared by two: the other or this one ends, each at 2.5; then alone at 5.
        // P(late) = e^(-5t) + 2.5 t e^(-5t).
        let late = (-2.5_f64).exp() * (1.0 + 2.5 * 0.5);
        close(shares[1], 1.0 - late);
        close(shares[0], 1.0 - (-2.5_f64).exp());
        let busy = in_time(&cluster, &node(1, 1, true), &cluster.types[0], 3.0);
        assert!(busy[0] < shares[0] && busy[1] < shares[1]);
    }

    #[test]
    fn deadlines_far_beyond_the_service_time_cost_nothing_and_are_met() {
        let cluster = one_type(1e-6, Some(1e6));
        assert!(
            in_time(&cluster, &node(4, 50, false), &cluster.types[0], 0.0).iter().all(|share| *share == 1.0)
        );
        let cluster = one_type(1e6, Some(1e-6));
        assert!(
            in_time(&cluster, &node(4, 5, false), &cluster.types[0], 0.0).iter().all(|share| *share < 1e-11)
        );
    }

    proptest::proptest! {
        #[test]
        fn for_one_type_it_is_the_formula(
            slots in 1_u32..9, queue in 0_u32..40, mean_s in 0.05_f64..4.0, deadline_s in 0.01_f64..9.0,
        ) {
            let cluster = one_type(mean_s, Some(deadline_s));
            let shares = in_time(&cluster, &node(slots, queue, false), &cluster.types[0], 0.0);
            for (found, share) in (0..).zip(shares) {
                let known = crate::theory::in_time(found, slots, 2.0 / mean_s, deadline_s);
                proptest::prop_assert!((share - known).abs() < 1e-12, "found {found}: {share} and {known}");
            }
        }
    }
}
