use proptest::prelude::*;

use super::*;

fn neighbours(graph: &Graph, node: u32) -> Vec<u32> {
    graph.neighbours(node).collect()
}

fn degrees(graph: &Graph) -> Vec<usize> {
    (0..graph.nodes()).map(|node| graph.neighbours(node).len()).collect()
}

/// What every graph promises.
fn check(graph: &Graph) {
    for node in 0..graph.nodes() {
        let listed = neighbours(graph, node);
        assert_eq!(graph.neighbours(node).len(), listed.len());
        assert!(listed.is_sorted_by(|a, b| a < b), "{node}: {listed:?}");
        for neighbour in listed {
            assert_ne!(neighbour, node);
            assert!(graph.neighbours(neighbour).any(|back| back == node), "{node} and {neighbour}");
        }
    }
}

#[test]
fn the_small_shapes_are_the_known_ones() {
    let full = Topology::Full.build(4, 1).unwrap();
    assert_eq!(neighbours(&full, 2), [0, 1, 3]);
    assert_eq!(neighbours(&full, 0), [1, 2, 3]);
    assert_eq!(neighbours(&full, 3), [0, 1, 2]);

    let ring = Topology::Ring.build(5, 1).unwrap();
    assert_eq!((neighbours(&ring, 0), neighbours(&ring, 3)), (vec![1, 4], vec![2, 4]));

    // 0 1 2
    // 3 4 5
    let grid = Topology::Grid { rows: 2, columns: 3 }.build(6, 1).unwrap();
    assert_eq!((neighbours(&grid, 0), neighbours(&grid, 4)), (vec![1, 3], vec![1, 3, 5]));
    let torus = Topology::Torus { rows: 3, columns: 3 }.build(9, 1).unwrap();
    assert_eq!(neighbours(&torus, 0), [1, 2, 3, 6]);
    assert_eq!(degrees(&torus), [4; 9]);
}

#[test]
fn one_and_two_nodes_have_shapes_too() {
    for (nodes, expected) in [(1, vec![0]), (2, vec![1, 1])] {
        let shapes = [
            Topology::Full,
            Topology::Ring,
            Topology::Grid { rows: 1, columns: nodes },
            Topology::Torus { rows: nodes, columns: 1 },
            Topology::RandomRegular { degree: nodes - 1 },
            Topology::ErdosRenyi { probability: 0.9 },
            Topology::Edges([(0, nodes - 1)].into()),
        ];
        for shape in shapes {
            assert_eq!(degrees(&shape.build(nodes as usize, 1).unwrap()), expected, "{shape:?}");
        }
    }
}

#[test]
fn every_possible_degree_of_a_small_regular_graph_can_be_had() {
    for nodes in 3..14 {
        for degree in (2..nodes).filter(|degree| nodes * degree % 2 == 0) {
            let graph = Topology::RandomRegular { degree }.build(nodes as usize, 5).unwrap();
            assert_eq!(degrees(&graph), vec![degree as usize; nodes as usize]);
            assert!(graph.connected());
            check(&graph);
        }
    }
}

#[test]
fn regular_graphs_of_six_nodes_come_as_often_as_they_should() {
    // Of the 70 cubic graphs on 6 labelled nodes 60 are prisms and 10 are K(3,3), which alone has no triangle.
    let prisms = (0..7_000).filter(|&seed| {
        let graph = Topology::RandomRegular { degree: 3 }.build(6, seed).unwrap();
        (0..6).any(|a| {
            let around = neighbours(&graph, a);
            around.iter().any(|&b| graph.neighbours(b).any(|c| around.contains(&c)))
        })
    });
    let share = prisms.count() as f64 / 7_000.0;
    assert!((share - 6.0 / 7.0).abs() < 0.02, "{share}");
}

#[test]
fn regular_graphs_have_their_degree_however_they_are_drawn() {
    for (nodes, degree) in [(1_000, 9), (1_000, 11), (200, 70), (200, 190), (101, 100)] {
        let graph = Topology::RandomRegular { degree }.build(nodes, 5).unwrap();
        assert_eq!(degrees(&graph), vec![degree as usize; nodes]);
        check(&graph);
    }
}

#[test]
fn many_ends_are_paired_without_favour() {
    // Any two of 60 nodes with 20 neighbours each are neighbours with probability 20 / 59.
    let mut near = 0;
    for seed in 0..2_000 {
        let edges = random_graphs::paired(60, 20, &mut generator(seed, Purpose::Topology, 0));
        assert_eq!(degrees(&Graph::of_edges(60, &edges)), [20; 60]);
        near += edges.iter().filter(|edge| **edge == (0, 1)).count();
    }
    let share = near as f64 / 2_000.0;
    assert!((share - 20.0 / 59.0).abs() < 0.053, "{share}");
}

#[test]
fn erdos_renyi_has_each_pair_with_the_probability() {
    let (nodes, probability) = (40, 0.3);
    let mut pairs = vec![0_u32; nodes * nodes];
    for seed in 0..2_000 {
        let graph = Topology::ErdosRenyi { probability }.build(nodes, seed).unwrap();
        for node in 0..nodes {
            graph.neighbours(node as u32).for_each(|other| pairs[node * nodes + other as usize] += 1);
        }
    }
    for (pair, count) in pairs.iter().enumerate().filter(|(pair, _)| pair / nodes != pair % nodes) {
        // Binomial with deviation 0.0102; five deviations are never seen.
        let share = f64::from(*count) / 2_000.0;
        assert!((share - probability).abs() < 0.052, "pair {pair}: {share}");
    }
}

#[test]
fn barabasi_albert_has_its_edges_and_its_hubs() {
    let graph = Topology::BarabasiAlbert { m: 3 }.build(2_000, 7).unwrap();
    let degrees = degrees(&graph);
    assert_eq!(degrees.iter().sum::<usize>(), 2 * 3 * (2_000 - 3));
    assert!(degrees.iter().skip(4).all(|degree| *degree >= 3));
    // P(degree = k) tends to 2m(m + 1) / (k (k + 1)(k + 2)): 2/5 of the nodes have 3 neighbours.
    let least = degrees.iter().filter(|degree| **degree == 3).count() as f64 / 2_000.0;
    assert!((least - 0.4).abs() < 0.05, "{least}");
    assert!(degrees.iter().max().is_some_and(|most| *most > 60));
}

#[test]
fn a_list_of_edges_is_taken_as_it_is_without_loops_and_repeats() {
    let edges = [(0, 1), (1, 0), (2, 2), (1, 3), (0, 1)];
    let graph = Topology::Edges(edges.into()).build(5, 1).unwrap();
    assert_eq!(degrees(&graph), [1, 2, 0, 1, 0]);
    assert!(!graph.connected());
    check(&graph);
}

#[test]
fn impossible_shapes_are_refused_with_a_reason() {
    let text = |topology: Topology, nodes| topology.build(nodes, 1).unwrap_err().to_string();
    for (topology, nodes, reason) in [
        (Topology::Grid { rows: 2, columns: 3 }, 7, "2 rows of 3 are not 7 nodes"),
        (Topology::Torus { rows: 0, columns: 3 }, 7, "0 rows of 3 are not 7 nodes"),
        (Topology::RandomRegular { degree: 7 }, 7, "there are not so many others"),
        (Topology::RandomRegular { degree: 3 }, 7, "one of the two numbers must be even"),
        (Topology::RandomRegular { degree: 1 }, 8, "it takes two neighbours"),
        (Topology::RandomRegular { degree: 0 }, 8, "it takes two neighbours"),
        (Topology::ErdosRenyi { probability: 0.0 }, 8, "above 0 and at most 1"),
        (Topology::ErdosRenyi { probability: 1.5 }, 8, "above 0 and at most 1"),
        (Topology::ErdosRenyi { probability: f64::NAN }, 8, "above 0 and at most 1"),
        (
            Topology::ErdosRenyi { probability: 0.001 },
            100,
            "never connected; it often is from a probability of 0.046",
        ),
        (Topology::ErdosRenyi { probability: 0.9 }, 100_000, "pairs of neighbours are too many"),
        (
            Topology::RandomRegular { degree: 1_000 },
            100_000,
            "about 50000000 pairs of neighbours are too many",
        ),
        (Topology::BarabasiAlbert { m: 0 }, 8, "m = 0 in a graph of 8 nodes"),
        (Topology::BarabasiAlbert { m: 8 }, 8, "m = 8 in a graph of 8 nodes"),
        (Topology::Edges([(0, 1), (2, 8)].into()), 8, "an edge between 2 and 8, but there are only 8 nodes"),
    ] {
        let complaint = text(topology.clone(), nodes);
        assert!(complaint.contains(reason), "{topology:?}: {complaint}");
    }
}

#[test]
fn ten_thousand_nodes_are_connected_in_every_random_shape() {
    for topology in [
        Topology::RandomRegular { degree: 8 },
        Topology::ErdosRenyi { probability: 0.0015 },
        Topology::BarabasiAlbert { m: 4 },
    ] {
        let graph = topology.build(10_000, 3).unwrap();
        assert!(graph.connected() && graph.nodes() == 10_000, "{topology:?}");
        let other = topology.build(10_000, 4).unwrap();
        assert_ne!(graph, other, "{topology:?}");
    }
}

proptest! {
    #[test]
    fn any_shape_is_symmetric_simple_connected_and_the_same_for_the_same_seed(
        (rows, columns) in (1_u32..12, 1_u32..12),
        kind in 0..7,
        size in 1_u32..6,
        seed: u64,
    ) {
        let nodes = rows * columns;
        let topology = match kind {
            0 => Topology::Full,
            1 => Topology::Ring,
            2 => Topology::Grid { rows, columns },
            3 => Topology::Torus { rows, columns },
            4 => Topology::RandomRegular { degree: 2 * size },
            5 => Topology::ErdosRenyi { probability: (f64::from(size) / 5.0).max(0.2) },
            _ => Topology::BarabasiAlbert { m: size },
        };
        match topology.build(nodes as usize, seed) {
            Ok(graph) => {
                prop_assert_eq!(graph.nodes(), nodes);
                prop_assert!(graph.connected());
                check(&graph);
                prop_assert_eq!(&graph, &topology.build(nodes as usize, seed).unwrap());
            }
            Err(TopologyError::Degree { .. }) => prop_assert!(2 * size >= nodes),
            Err(TopologyError::Chosen { .. }) => prop_assert!(size >= nodes),
            Err(TopologyError::NeverConnected { .. }) => prop_assert!(kind == 5 && size == 1),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
