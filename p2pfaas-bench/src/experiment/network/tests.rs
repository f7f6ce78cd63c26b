use p2pfaas_core::policy::Registry;
use p2pfaas_sim::network::{Bandwidth, Coordinates, Jitter, Latency};

use super::*;
use crate::experiment::{Experiment, Known, Place, Problems};
use crate::testing::parse;

/// An experiment of six nodes whose network begins in line 1.
fn text(network: &str) -> String {
    format!(
        "[network]\n{network}\n[cluster]\nnodes = 6\n[traffic]\nkind = \"poisson\"\nrate = 1.0\n\
         [[jobs]]\nfunction = \"echo\"\nservice = {{ kind = \"exponential\", mean_s = 0.1 }}\n\
         [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 1\n"
    )
}

fn parse_in(folder: &Path, network: &str) -> Result<Experiment, Problems> {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    Experiment::parse(&folder.join("test.toml"), text(network), Place::Sim, &known)
}

fn sim(network: &str) -> NetworkSpec {
    parse_in(Path::new(""), network).unwrap_or_else(|problems| panic!("{network}: {problems}")).network
}

fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("edges.csv", "0,1\n1,2\n2,3\n3,4\n4,5\n");
    write("broken-edges.csv", "0,1\n1,6\n");
    write("matrix.csv", &"1,2,3,4,5,6\n".repeat(6));
    write("broken-matrix.csv", &format!("{}1,2,3,4,5,x\n", "1,2,3,4,5,6\n".repeat(5)));
    write("places.csv", "0,0,0\n1,0,10\n2,0,20\n3,0,30\n4,0,40\n5,0,50\n");
    write("broken-places.csv", "0,0,0\n1,0,181\n");
    folder
}

#[test]
fn a_network_of_defaults_is_full_and_instant() {
    assert_eq!(sim(""), NetworkSpec::default());
    assert_eq!(
        sim("latency_ms = 0\ntopology = \"full\"\nview_refresh_s = 0\nprobe_loss = 0"),
        NetworkSpec::default()
    );
}

#[test]
fn each_topology_has_its_parameters() {
    for (value, expected) in [
        ("\"ring\"", Topology::Ring),
        ("{ kind = \"full\" }", Topology::Full),
        ("{ kind = \"grid\", rows = 2, columns = 3 }", Topology::Grid { rows: 2, columns: 3 }),
        ("{ kind = \"torus\", rows = 3, columns = 2 }", Topology::Torus { rows: 3, columns: 2 }),
        ("{ kind = \"random-regular\", degree = 3 }", Topology::RandomRegular { degree: 3 }),
        ("{ kind = \"erdos-renyi\", probability = 0.8 }", Topology::ErdosRenyi { probability: 0.8 }),
        ("{ kind = \"erdos-renyi\", degree = 4 }", Topology::ErdosRenyi { probability: 0.8 }),
        ("{ kind = \"barabasi-albert\", m = 2 }", Topology::BarabasiAlbert { m: 2 }),
    ] {
        assert_eq!(sim(&format!("topology = {value}")).topology, expected, "{value}");
    }
    let folder = files();
    let listed = parse_in(folder.path(), "topology = { kind = \"file\", file = \"edges.csv\" }").unwrap();
    assert_eq!(listed.network.topology, Topology::Edges([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)].into()));
}

#[test]
fn each_latency_has_its_parameters() {
    let random = |base_ms, jitter| Latency::Random { base_ms, jitter };
    for (value, expected) in [
        ("1.5", Latency::Constant(Duration::from_micros(1_500))),
        ("{ kind = \"exponential\", mean_ms = 3 }", random(0.0, Jitter::Exponential { mean_ms: 3.0 })),
        (
            "{ kind = \"lognormal\", mean_ms = 3, cv = 0.5, base_ms = 1 }",
            random(1.0, Jitter::LogNormal { mean_ms: 3.0, cv: 0.5 }),
        ),
        ("{ kind = \"gamma\", mean_ms = 3, cv = 0.5 }", random(0.0, Jitter::Gamma { mean_ms: 3.0, cv: 0.5 })),
        (
            "{ kind = \"uniform\", min_ms = 1, max_ms = 2 }",
            random(0.0, Jitter::Uniform { min_ms: 1.0, max_ms: 2.0 }),
        ),
    ] {
        assert_eq!(sim(&format!("latency_ms = {value}")).latency, expected, "{value}");
    }
    let folder = files();
    let read = |network: &str| parse_in(folder.path(), network).unwrap().network;
    let spec = read("latency_ms = { file = \"matrix.csv\" }\nbandwidth_mbps = { file = \"matrix.csv\" }");
    let (Latency::Matrix(latency), Some(Bandwidth::Matrix(mbps))) = (spec.latency, spec.bandwidth) else {
        panic!("matrices")
    };
    assert_eq!((latency.get(0, 5), mbps.get(3, 1)), (6.0, 2.0));
    let listed = "[[0, 0], [0, 10], [0, 20], [0, 30], [0, 40], [0, 50]]";
    let places = (0..6).map(|node| Coordinates::new(0.0, f64::from(node) * 10.0).unwrap()).collect();
    let expected = Latency::Geographic { places, route_factor: 1.5, base_ms: 0.5 };
    for coordinates in ["\"places.csv\"", listed] {
        let network =
            format!("latency_ms = {{ coordinates = {coordinates}, route_factor = 1.5, base_ms = 0.5 }}");
        assert_eq!(read(&network).latency, expected);
    }
}

#[test]
fn bandwidth_loss_views_and_partitions_are_read() {
    let spec = sim("bandwidth_mbps = 100\nprobe_loss = 0.1\nview_refresh_s = 0.5\n\
         [[network.partition]]\nfrom_s = 10\nuntil_s = 20.5\ngroups = [[0, 1], [2, 3]]");
    assert_eq!(spec.bandwidth, Some(Bandwidth::Same(100.0)));
    assert_eq!((spec.probe_loss, spec.view_refresh), (0.1, Some(Duration::from_millis(500))));
    let partition = Partition {
        from: Time::from_nanos(10_000_000_000),
        until: Time::from_nanos(20_500_000_000),
        groups: vec![vec![0, 1], vec![2, 3]],
    };
    assert_eq!(spec.partitions, [partition]);
}

#[test]
fn wrong_networks_are_refused_with_their_lines() {
    let folder = files();
    for (network, part) in [
        ("latency = 1", ":2: network.latency: unknown key (did you mean \"latency_ms\"?)"),
        ("latency_ms = -1", ":2: network.latency_ms: -1 is not possible; expected milliseconds, 0 or more"),
        ("latency_ms = nan", ":2: network.latency_ms: nan is not possible"),
        ("latency_ms = \"1\"", ":2: network.latency_ms: \"1\" is not right; expected a number"),
        ("latency_ms = {}", ":2: network.latency_ms: not one of the forms of a latency"),
        ("latency_ms = { kind = \"gama\", mean_ms = 1 }", "unknown kind \"gama\" (did you mean \"gamma\"?)"),
        (
            "latency_ms = { kind = \"gamma\", mean_ms = 1 }",
            ":2: network.latency_ms.cv: missing; expected a number, for gamma",
        ),
        (
            "latency_ms = { kind = \"gamma\", mean_ms = 1, cv = 0 }",
            ":2: network.latency_ms: there is no distribution Gamma",
        ),
        (
            "latency_ms = { kind = \"exponential\", mean_ms = 1, cv = 1 }",
            ":2: network.latency_ms.cv: exponential has no such parameter",
        ),
        (
            "latency_ms = { kind = \"exponential\", mean_ms = 1, base_ms = -1 }",
            "network.latency_ms: -1 ms; it must be 0 or more",
        ),
        (
            "latency_ms = { kind = \"uniform\", min_ms = 2, max_ms = 1 }",
            ":2: network.latency_ms: there is no distribution Uniform",
        ),
        ("latency_ms = { kind = \"gamma\", file = \"matrix.csv\" }", "not one of the forms of a latency"),
        (
            "latency_ms = { file = \"broken-matrix.csv\" }",
            "broken-matrix.csv:6: \"x\" is not a number, 0 or more",
        ),
        ("latency_ms = { file = \"gone.csv\" }", "gone.csv: cannot be read"),
        (
            "latency_ms = { file = \"matrix.csv\", base_ms = 1 }",
            "network.latency_ms.base_ms: a matrix has no such parameter; expected only file",
        ),
        ("latency_ms = { coordinates = \"broken-places.csv\" }", "broken-places.csv:2: no such place"),
        (
            "latency_ms = { coordinates = [[0, 0]] }",
            ":2: network.latency_ms: latencies of 1 nodes for 6 nodes",
        ),
        (
            "latency_ms = { coordinates = [[0, 0], [0, 181]] }",
            ":2: network.latency_ms.coordinates: the place of node 1 is not possible",
        ),
        ("latency_ms = { coordinates = 7 }", ":2: network.latency_ms.coordinates: 7 is not right"),
        (
            "latency_ms = { coordinates = \"places.csv\", route_factor = 0.5 }",
            "a route factor of 0.5; it must be at least 1",
        ),
        ("bandwidth_mbps = 0", ":2: network.bandwidth_mbps: a bandwidth of 0 Mbit/s; it must be above 0"),
        ("bandwidth_mbps = { }", ":2: network.bandwidth_mbps.file: missing"),
        ("bandwidth_mbps = { file = \"broken-matrix.csv\" }", "broken-matrix.csv:6:"),
        ("\nprobe_loss = 1", ":3: network.probe_loss: a probe loss of 1; it must be at least 0 and below 1"),
        ("view_refresh_s = -1", ":2: network.view_refresh_s: -1 is not possible"),
        ("topology = \"rnig\"", ":2: network.topology: unknown kind \"rnig\" (did you mean \"ring\"?)"),
        ("topology = { rows = 2 }", ":2: network.topology.kind: missing; expected one of full, ring"),
        ("topology = \"grid\"", ":2: network.topology.rows: missing; expected a whole number, 1 or more"),
        (
            "topology = { kind = \"grid\", rows = 2.5, columns = 3 }",
            ":2: network.topology.rows: 2.5 is not possible",
        ),
        (
            "topology = { kind = \"grid\", rows = 2, columns = 2 }",
            ":2: network.topology: 2 rows of 2 are not 6 nodes",
        ),
        (
            "topology = { kind = \"ring\", degree = 2 }",
            ":2: network.topology.degree: ring has no such parameter; expected none",
        ),
        (
            "topology = { kind = \"random-regular\", degree = 6 }",
            ":2: network.topology: no connected graph of 6 nodes has 6 neighbours each",
        ),
        (
            "topology = { kind = \"erdos-renyi\" }",
            ":2: network.topology: erdos-renyi needs one of its parameters",
        ),
        (
            "topology = { kind = \"erdos-renyi\", degree = 6 }",
            ":2: network.topology.degree: 6 is not possible; expected a mean degree above 0 and at most 5",
        ),
        (
            "topology = { kind = \"erdos-renyi\", probability = 0 }",
            ":2: network.topology: a probability of 0",
        ),
        ("topology = { kind = \"erdos-renyi\", probability = 0.001 }", "never connected"),
        (
            "topology = { kind = \"barabasi-albert\", m = 6 }",
            ":2: network.topology: m = 6 in a graph of 6 nodes",
        ),
        ("topology = { kind = \"file\" }", ":2: network.topology.file: missing"),
        (
            "topology = { kind = \"file\", file = \"broken-edges.csv\" }",
            "broken-edges.csv:2: there is no node 6, only 0 to 5",
        ),
        (
            "topology = { kind = \"ring\", file = \"edges.csv\" }",
            ":2: network.topology.file: ring has no such parameter",
        ),
        ("[[network.partition]]\nuntil_s = 2\ngroups = [[0]]", ":2: network.partition[0].from_s: missing"),
        ("[[network.partition]]\nfrom_s = 1\nuntil_s = 2", ":2: network.partition[0].groups: missing"),
        (
            "[[network.partition]]\nfrom_s = -1\nuntil_s = 2\ngroups = [[0]]",
            ":3: network.partition[0].from_s: -1 is not possible",
        ),
        (
            "[[network.partition]]\nfrom_s = 3\nuntil_s = 2\ngroups = [[0]]",
            ":2: network.partition[0]: it ends before it begins",
        ),
        (
            "[[network.partition]]\nfrom_s = 1\nuntil_s = 2\ngroups = [[0, 6]]",
            ":2: network.partition[0]: there is no node 6, only 0 to 5",
        ),
        (
            "[[network.partition]]\nfrom_s = 1\nuntil_s = 2\ngroups = [[0], [0]]",
            ":2: network.partition[0]: node 0 stands in it twice",
        ),
        (
            "[[network.partition]]\nfrom_s = 1\nuntil_s = 2\ngroups = [0]",
            ":5: network.partition[0].groups: [0] is not right",
        ),
    ] {
        let complaint = parse_in(folder.path(), network).expect_err(network).to_string();
        assert!(complaint.contains(part), "{network}: {complaint}");
    }
}

#[test]
fn what_only_the_simulator_can_do_between_nodes_is_refused_elsewhere() {
    for (network, key) in [
        ("latency_ms = 1", ":2: network.latency_ms"),
        ("latency_ms = { kind = \"exponential\", mean_ms = 1 }", ":2: network.latency_ms"),
        ("topology = \"ring\"", ":2: network.topology"),
        ("topology = { kind = \"grid\", rows = 2, columns = 3 }", ":2: network.topology"),
        ("bandwidth_mbps = 1", ":2: network.bandwidth_mbps"),
        ("probe_loss = 0.1", ":2: network.probe_loss"),
        ("view_refresh_s = 1", ":2: network.view_refresh_s"),
        ("[[network.partition]]\nfrom_s = 1\nuntil_s = 2\ngroups = [[0]]", ":2: network.partition[0]"),
    ] {
        let complaint = parse(&text(network)).expect_err(network).to_string();
        assert!(complaint.contains(key) && complaint.contains("only --on sim"), "{network}: {complaint}");
        sim(network);
    }
    parse(&text("latency_ms = 0.0\ntopology = { kind = \"full\" }\nprobe_loss = 0")).unwrap();
}
