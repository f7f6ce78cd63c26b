//! The policies and the optimum against known answers and each other, exactly.

mod nodes;

use proptest::prelude::*;

use super::*;

/// Nodes that all know each other, by (slots, queue, speed), with equal shares of the jobs, mean service 1 s.
fn cluster(nodes: &[(u32, u32, f64)], rate_per_s: f64, deadline_s: Option<f64>) -> ClusterModel {
    let count = nodes.len() as u32;
    let node = |(number, (slots, queue, speed)): (u32, &(u32, u32, f64))| NodeModel {
        slots: *slots,
        queue: *queue,
        speed: *speed,
        rate_per_s: rate_per_s / f64::from(count),
        peers: (0..count).filter(|other| *other != number).collect(),
        processor_sharing: false,
    };
    let task = TypeModel { share: 1.0, mean_service_s: 1.0, exponential: true, deadline_s };
    ClusterModel { nodes: (0..).zip(nodes).map(node).collect(), types: vec![task] }
}

fn share(reference: Reference, cluster: &ClusterModel) -> f64 {
    reference.plan(cluster).unwrap().in_time_share(cluster).unwrap()
}

const ALL_SEEING: [Reference; 4] = [
    Reference::JoinShortestQueue,
    Reference::LeastExpectedCompletion,
    Reference::MostLikelyInTime,
    Reference::PolicyImprovement { probes: 0 },
];

/// The share in time when each job goes to a random node, in proportion to what nodes can do.
fn balanced_split(cluster: &ClusterModel) -> f64 {
    let total = cluster.rate_per_s();
    let of = |node: &NodeModel| {
        let rate = cluster.balanced_rate_per_s(node);
        let reward = in_time(cluster, node, &cluster.types[0], rate);
        let leaving: Vec<_> =
            (1..=node.room()).map(|jobs| node.speed * f64::from(jobs.min(node.slots))).collect();
        rate / total * harm(rate, &leaving, &reward).in_time
    };
    cluster.nodes.iter().map(of).sum()
}

/// The optimum by policy iteration with Gauss's elimination, written without anything of the solver but
/// the rewards: states are load vectors, actions are nodes or (their number) rejection.
fn by_policy_iteration(cluster: &ClusterModel) -> f64 {
    let nodes = &cluster.nodes;
    let mut states: Vec<Vec<u32>> = vec![vec![]];
    for node in nodes {
        let extended = |state: &Vec<u32>| {
            let state = state.clone();
            (0..=node.room()).map(move |load| [&state[..], &[load]].concat())
        };
        states = states.iter().flat_map(extended).collect();
    }
    let index = |state: &[u32]| states.iter().position(|other| other == state).unwrap();
    let moved = |state: &[u32], node: usize, by: i32| {
        let mut state = state.to_vec();
        state[node] = state[node].strict_add_signed(by);
        index(&state)
    };
    let rate = cluster.rate_per_s();
    let reward: Vec<_> = nodes.iter().map(|node| in_time(cluster, node, &cluster.types[0], 0.0)).collect();
    let mut actions = vec![nodes.len(); states.len()];
    loop {
        // Unknowns: the values of all states but the first, which is 0, and the gain in its place.
        let size = states.len();
        let mut matrix = vec![vec![0.0; size + 1]; size];
        for (row, state) in states.iter().enumerate() {
            let mut flow = |to: usize, rate: f64| {
                for (column, sign) in [(row, 1.0), (to, -1.0)] {
                    if column > 0 {
                        matrix[row][column] += sign * rate;
                    }
                }
            };
            for (number, node) in nodes.iter().enumerate().filter(|(number, _)| state[*number] > 0) {
                flow(moved(state, number, -1), node.speed * f64::from(state[number].min(node.slots)));
            }
            if let Some(reward) = reward.get(actions[row]) {
                flow(moved(state, actions[row], 1), rate);
                matrix[row][size] = rate * reward[state[actions[row]] as usize];
            }
            matrix[row][0] = 1.0;
        }
        let solution = eliminate(matrix);
        let value = |state: usize| if state == 0 { 0.0 } else { solution[state] };
        let mut better = actions.clone();
        for (row, state) in states.iter().enumerate() {
            let worth = |action: usize| match reward.get(action) {
                None => value(row),
                Some(reward) => reward[state[action] as usize] + value(moved(state, action, 1)),
            };
            for action in (0..nodes.len()).filter(|node| state[*node] < nodes[*node].room()) {
                if worth(action) > worth(better[row]) + 1e-12 {
                    better[row] = action;
                }
            }
            if worth(nodes.len()) > worth(better[row]) + 1e-12 {
                better[row] = nodes.len();
            }
        }
        if better == actions {
            return solution[0] / rate;
        }
        actions = better;
    }
}

fn eliminate(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let size = matrix.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))
            .unwrap();
        matrix.swap(column, pivot);
        let pivot = matrix[column].clone();
        for (row, line) in matrix.iter_mut().enumerate().filter(|(row, _)| *row != column) {
            let factor = line[column] / pivot[column];
            assert!(factor.is_finite(), "row {row}");
            line.iter_mut().zip(&pivot).for_each(|(left, right)| *left -= factor * right);
        }
    }
    (0..size).map(|row| matrix[row][size] / matrix[row][row]).collect()
}

#[test]
fn the_optimum_is_that_of_policy_iteration() {
    let nodes = [(1, 1, 1.0), (2, 1, 0.7)];
    for (rate, deadline) in [(1.0, Some(0.5)), (2.5, Some(1.5)), (6.0, Some(2.0)), (2.0, None)] {
        let cluster = cluster(&nodes, rate, deadline);
        let (ours, known) = (share(Reference::Optimum, &cluster), by_policy_iteration(&cluster));
        assert!((ours - known).abs() < 2e-9 * known, "rate {rate}: {ours} and {known}");
    }
}

#[test]
fn a_node_alone_without_a_deadline_serves_what_it_does_not_block() {
    // M/M/2/4, two jobs offered in a service time: weights 1, 2, 2, 2, 2.
    let cluster = cluster(&[(2, 2, 1.0)], 2.0, None);
    for reference in [Reference::Optimum, Reference::PolicyImprovement { probes: 0 }] {
        let share = share(reference, &cluster);
        assert!((share - (1.0 - 2.0 / 9.0)).abs() < 1e-9, "{share}");
    }
}

#[test]
fn a_node_alone_with_a_deadline_has_the_rewards_of_its_own_chain() {
    let cluster = cluster(&[(2, 3, 1.5)], 3.5, Some(1.0));
    let (alone, known) = (share(Reference::MostLikelyInTime, &cluster), balanced_split(&cluster));
    assert!((alone - known).abs() < 1e-9, "{alone} and {known}");
}

#[test]
fn between_two_equal_queues_without_a_deadline_nothing_beats_the_shorter_one() {
    for rate in [0.5, 1.5, 2.2] {
        let cluster = cluster(&[(1, 5, 1.0), (1, 5, 1.0)], rate, None);
        let (best, shorter) =
            (share(Reference::Optimum, &cluster), share(Reference::JoinShortestQueue, &cluster));
        assert!((best - shorter).abs() < 2e-9, "rate {rate}: {best} and {shorter}");
    }
}

#[test]
fn under_overload_the_optimum_rejects_jobs_that_would_only_be_late() {
    let cluster = cluster(&[(1, 4, 1.0), (1, 4, 1.0)], 6.0, Some(0.6));
    let optimum = Optimum::solve(&cluster).unwrap();
    assert!(optimum.worth(0, &[4, 4]).unwrap() < -0.01);
    assert!(optimum.worth(0, &[0, 4]).unwrap() > 0.01);
    assert_eq!(optimum.worth(0, &[5, 0]), None);
    assert!(optimum.in_time() > share(Reference::MostLikelyInTime, &cluster) + 0.1);
}

#[test]
fn what_the_optimum_does_not_model_is_refused_with_its_reason() {
    let good = cluster(&[(1, 1, 1.0), (1, 1, 1.0)], 1.0, Some(1.0));
    type Spoil = fn(&mut ClusterModel);
    let cases: [(Spoil, &str); 6] = [
        (|model| model.types.push(model.types[0].clone()), "jobs of one type, and there are 2"),
        (|model| model.types[0].exponential = false, "exponential"),
        (|model| model.nodes[1].processor_sharing = true, "node 1 shares its processor"),
        (|model| model.nodes[0].peers.clear(), "node 0 does not know node 1"),
        (|model| model.nodes.iter_mut().for_each(|node| node.rate_per_s = 0.0), "none do"),
        (|model| model.nodes[0].queue = u32::MAX, "at most 4000000"),
    ];
    assert!(Reference::Optimum.plan(&good).is_ok());
    for (spoil, reason) in cases {
        let mut model = good.clone();
        spoil(&mut model);
        let error = Reference::Optimum.plan(&model).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let mut model = good;
    model.nodes[1].queue = MAX_ROOM;
    let error = Reference::JoinShortestQueue.plan(&model).unwrap_err();
    assert_eq!(error, ReferenceError::TooMuchRoom { node: 1, room: MAX_ROOM + 1, most: MAX_ROOM });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_beats_the_optimum_and_one_step_of_improvement_improves(
        nodes in prop::collection::vec((1_u32..3, 0_u32..4, prop::sample::select(vec![0.5, 1.0, 2.0])), 1..4),
        load in 0.2_f64..1.6,
        deadline in prop::option::of(0.3_f64..5.0),
    ) {
        let strength: f64 = nodes.iter().map(|(slots, _, speed)| f64::from(*slots) * speed).sum();
        let cluster = cluster(&nodes, load * strength, deadline);
        let best = share(Reference::Optimum, &cluster);
        for reference in ALL_SEEING {
            let share = share(reference, &cluster);
            prop_assert!(share <= best * (1.0 + 2e-9), "{reference:?}: {share}, optimum {best}");
        }
        let improved = share(Reference::PolicyImprovement { probes: 0 }, &cluster);
        let split = balanced_split(&cluster);
        prop_assert!(improved >= split * (1.0 - 2e-9), "improved {improved}, split {split}");
    }
}
