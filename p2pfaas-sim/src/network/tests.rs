use std::path::{Path, PathBuf};

use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::streams::{Purpose, generator};

fn rng() -> Xoshiro256PlusPlus {
    generator(1, Purpose::Node, 0)
}

fn at_s(seconds: f64) -> Time {
    Time::ZERO + Duration::from_secs_f64(seconds)
}

fn with_latency(latency: Latency) -> NetworkSpec {
    NetworkSpec { latency, ..NetworkSpec::default() }
}

fn with_partition(from_s: f64, until_s: f64, groups: &[&[u32]]) -> NetworkSpec {
    let groups = groups.iter().map(|group| group.to_vec()).collect();
    let partition = Partition { from: at_s(from_s), until: at_s(until_s), groups };
    NetworkSpec { partitions: vec![partition], ..NetworkSpec::default() }
}

fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_network_of_defaults_is_full_instant_and_draws_nothing() {
    let network = NetworkSpec::default().build(3, 1).unwrap();
    let mut used = rng();
    assert_eq!(network.neighbours(1).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(network.delay(0, 1, 1_000_000, &mut used), Duration::ZERO);
    assert!(!network.probe_lost(&mut used) && !network.cut(Time::ZERO, 0, 1));
    assert_eq!(network.view_refresh(), None);
    assert_eq!(used, rng());
}

#[test]
fn a_constant_latency_is_that_to_the_nanosecond_and_draws_nothing() {
    let delay = Duration::from_nanos(1_234_567);
    let network = with_latency(Latency::Constant(delay)).build(2, 1).unwrap();
    let mut used = rng();
    assert_eq!((network.delay(0, 1, 0, &mut used), used), (delay, rng()));
}

#[test]
fn random_latencies_have_their_mean_and_deviation_on_top_of_the_base() {
    for (jitter, mean_ms, sd_ms) in [
        (Jitter::Exponential { mean_ms: 4.0 }, 4.0, 4.0),
        (Jitter::LogNormal { mean_ms: 4.0, cv: 0.5 }, 4.0, 2.0),
        (Jitter::Gamma { mean_ms: 4.0, cv: 0.5 }, 4.0, 2.0),
        (Jitter::Uniform { min_ms: 1.0, max_ms: 7.0 }, 4.0, 3.0_f64.sqrt()),
    ] {
        let network = with_latency(Latency::Random { base_ms: 10.0, jitter }).build(2, 1).unwrap();
        let mut rng = rng();
        let count = 100_000;
        let draws: Vec<_> =
            (0..count).map(|_| network.delay(0, 1, 0, &mut rng).as_secs_f64() * 1e3).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(count);
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / f64::from(count);
        assert!((mean - 10.0 - mean_ms).abs() < 0.06, "{jitter:?}: mean {mean}");
        assert!((variance.sqrt() - sd_ms).abs() < 0.1, "{jitter:?}: deviation {}", variance.sqrt());
        assert!(draws.iter().all(|draw| *draw >= 10.0));
    }
}

#[test]
fn a_matrix_is_read_by_rows_from_whom_and_columns_to_whom() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "# from 0\n0, 1.5, 20\n 1;0;3 # from 1\n\n4 5 0\n");
    let matrix = Matrix::read(&path, 3).unwrap();
    let network = with_latency(Latency::Matrix(matrix)).build(3, 1).unwrap();
    let ms = |from, to| network.delay(from, to, 0, &mut rng()).as_secs_f64() * 1e3;
    assert_eq!([ms(0, 1), ms(0, 2), ms(1, 0), ms(1, 2), ms(2, 0), ms(2, 1)], [1.5, 20.0, 1.0, 3.0, 4.0, 5.0]);
}

#[test]
fn distance_takes_the_time_of_light_in_a_fibre() {
    let place = |latitude, longitude| Coordinates::new(latitude, longitude).unwrap();
    // A quarter of the Earth's circumference, 10 007.557 km, at 199.861 639 km a millisecond: 50.072 ms.
    let latency = Latency::Geographic {
        places: vec![place(0.0, 0.0), place(0.0, 90.0)],
        route_factor: 2.0,
        base_ms: 1.0,
    };
    let network = with_latency(latency).build(2, 1).unwrap();
    let ms = network.delay(0, 1, 0, &mut rng()).as_secs_f64() * 1e3;
    assert!((ms - 101.145).abs() < 0.002, "{ms}");
    assert_eq!(network.delay(1, 0, 0, &mut rng()), network.delay(0, 1, 0, &mut rng()));
}

#[test]
fn a_body_takes_its_bits_over_the_bandwidth_longer() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = Matrix::read(&file(&folder, "0,8\n80,0\n"), 2).unwrap();
    for (bandwidth, there, back) in
        [(Bandwidth::Same(8.0), 1_005, 1_005), (Bandwidth::Matrix(matrix), 1_005, 105)]
    {
        let spec = NetworkSpec {
            bandwidth: Some(bandwidth),
            ..with_latency(Latency::Constant(Duration::from_millis(5)))
        };
        let network = spec.build(2, 1).unwrap();
        assert_eq!(network.delay(0, 1, 1_000_000, &mut rng()), Duration::from_millis(there));
        assert_eq!(network.delay(1, 0, 1_000_000, &mut rng()), Duration::from_millis(back));
        assert_eq!(network.delay(0, 1, 0, &mut rng()), Duration::from_millis(5));
    }
}

#[test]
fn probes_are_lost_with_the_probability() {
    let network = NetworkSpec { probe_loss: 0.2, ..NetworkSpec::default() }.build(2, 1).unwrap();
    let mut rng = rng();
    let lost = (0..100_000).filter(|_| network.probe_lost(&mut rng)).count();
    assert!((lost as f64 - 20_000.0).abs() < 5.0 * 16_000_f64.sqrt(), "{lost}");
}

#[test]
fn a_partition_parts_its_groups_and_the_rest_while_it_lasts() {
    let network = with_partition(10.0, 20.0, &[&[0, 1], &[2, 3]]).build(6, 1).unwrap();
    let cut = |seconds, a, b| network.cut(at_s(seconds), a, b);
    assert!(cut(10.0, 0, 2) && cut(19.9, 3, 1) && cut(15.0, 0, 4) && cut(15.0, 5, 2));
    assert!(!cut(15.0, 0, 1) && !cut(15.0, 3, 2) && !cut(15.0, 4, 5));
    assert!(!cut(9.9, 0, 2) && !cut(20.0, 0, 2) && !cut(0.0, 0, 2));
}

#[test]
fn partitions_that_overlap_part_what_either_parts() {
    let mut spec = with_partition(0.0, 20.0, &[&[0, 1]]);
    spec.partitions.extend(with_partition(10.0, 30.0, &[&[0, 2]]).partitions);
    let network = spec.build(4, 1).unwrap();
    let parted = |seconds| {
        let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        pairs.map(|(a, b)| u8::from(network.cut(at_s(seconds), a, b)))
    };
    assert_eq!(parted(5.0), [0, 1, 1, 1, 1, 0]);
    assert_eq!(parted(15.0), [1, 1, 1, 1, 1, 1]);
    assert_eq!(parted(25.0), [1, 0, 1, 1, 0, 1]);
    assert_eq!(parted(30.0), [0; 6]);
}

#[test]
fn descriptions_that_no_network_can_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = || Matrix::read(&file(&folder, "0,0\n1,0\n"), 2).unwrap();
    let random = |jitter| with_latency(Latency::Random { base_ms: 0.0, jitter });
    let place = Coordinates::new(1.0, 2.0).unwrap();
    let geographic = |places: usize, route_factor, base_ms| {
        with_latency(Latency::Geographic { places: vec![place; places], route_factor, base_ms })
    };
    let bandwidth = |bandwidth| NetworkSpec { bandwidth: Some(bandwidth), ..NetworkSpec::default() };
    for (spec, reason) in [
        (NetworkSpec { probe_loss: 1.0, ..NetworkSpec::default() }, "a probe loss of 1; it must be"),
        (NetworkSpec { probe_loss: f64::NAN, ..NetworkSpec::default() }, "a probe loss of NaN"),
        (random(Jitter::Exponential { mean_ms: 0.0 }), "no distribution Exponential"),
        (random(Jitter::Gamma { mean_ms: 1.0, cv: -1.0 }), "no distribution Gamma"),
        (random(Jitter::LogNormal { mean_ms: f64::INFINITY, cv: 1.0 }), "no distribution LogNormal"),
        (random(Jitter::Uniform { min_ms: 2.0, max_ms: 1.0 }), "no distribution Uniform"),
        (with_latency(Latency::Matrix(matrix())), "latencies of 2 nodes for 5 nodes"),
        (geographic(4, 1.0, 0.0), "latencies of 4 nodes for 5 nodes"),
        (geographic(5, 0.5, 0.0), "a route factor of 0.5; it must be at least 1"),
        (geographic(5, 1.0, -1.0), "-1 ms; it must be 0 or more"),
        (bandwidth(Bandwidth::Same(0.0)), "a bandwidth of 0 Mbit/s"),
        (bandwidth(Bandwidth::Matrix(matrix())), "bandwidths of 2 nodes for 5 nodes"),
        (with_partition(2.0, 2.0, &[&[0]]), "partition 0: it ends before it begins"),
        (with_partition(1.0, 2.0, &[&[]]), "partition 0: it has no group of nodes"),
        (with_partition(1.0, 2.0, &[&[0, 5]]), "there is no node 5, only 0 to 4"),
        (with_partition(1.0, 2.0, &[&[0], &[1, 0]]), "node 0 stands in it twice"),
    ] {
        let complaint = spec.build(5, 1).map(|_| ()).unwrap_err().to_string();
        assert!(complaint.contains(reason), "{spec:?}: {complaint}");
    }
    let nothing = bandwidth(Bandwidth::Matrix(matrix())).build(2, 1).map(|_| ()).unwrap_err();
    assert_eq!(nothing, NetworkError::Bandwidth(BandwidthError::NothingBetween { from: 0, to: 1 }));
}

#[test]
fn broken_files_are_refused_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = |path: &Path| Matrix::read(path, 2).map(|_| ()).unwrap_err().to_string();
    let edges = |path: &Path| read_edges(path, 3).map(|_| ()).unwrap_err().to_string();
    let places = |path: &Path| Coordinates::read(path, 2).map(|_| ()).unwrap_err().to_string();
    type Read<'a> = &'a dyn Fn(&Path) -> String;
    let cases: [(Read<'_>, &str, &str); 16] = [
        (&matrix, "0,1\n2\n", "table.csv:2: 1 numbers; expected 2, one a node"),
        (&matrix, "# ms\n0,1\n2,x\n", "table.csv:3: \"x\" is not a number, 0 or more"),
        (&matrix, "0,-1\n2,0\n", "table.csv:1: \"-1\" is not a number, 0 or more"),
        (&matrix, "0,nan\n2,0\n", "table.csv:1: \"nan\" is not a number, 0 or more"),
        (&matrix, "0,,1\n2,0\n", "table.csv:1: 3 numbers; expected 2"),
        (&matrix, "0,1\n", "table.csv: 1 rows; expected 2, one a node"),
        (&matrix, "0,1\n1,0\n0,1\n", "table.csv:3: more than 2 rows"),
        (&edges, "0,1\n1 3\n", "table.csv:2: there is no node 3, only 0 to 2"),
        (&edges, "0,1\n\n1 2 0\n", "table.csv:3: 3 fields; expected the numbers of two nodes"),
        (&edges, "0,-1\n", "table.csv:1: \"-1\" is not the number of a node"),
        (&places, "0,41.9\n", "table.csv:1: 2 fields; expected node,latitude,longitude"),
        (&places, "0,41.9,12.5\n0,45.4,9.1\n", "table.csv:2: node 0 has a place already"),
        (&places, "0,91,12.5\n", "table.csv:1: no such place; expected a latitude from -90 to 90"),
        (&places, "0,north,12.5\n", "table.csv:1: \"north\" is not a number of degrees"),
        (&places, "2,41.9,12.5\n", "table.csv:1: there is no node 2, only 0 to 1"),
        (&places, "1,41.9,12.5\n", "table.csv: node 0 has no place; expected one line a node"),
    ];
    for (read, text, expected) in cases {
        let complaint = read(&file(&folder, text));
        assert!(complaint.contains(expected), "{text:?}: {complaint}");
    }
    assert!(matrix(Path::new("no/such.csv")).starts_with("no/such.csv: cannot be read: "));
    let big = Matrix::read(Path::new("no/such.csv"), MAX_MATRIX_NODES + 1).unwrap_err().to_string();
    assert!(big.contains("a matrix for 4097 nodes is too big; at most 4096"), "{big}");
}

#[test]
fn edges_are_read_with_commas_or_blanks_and_comments() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "# who knows whom\n0,1\n1 2   # friends\r\n\n2\t0\n");
    assert_eq!(read_edges(&path, 3).unwrap()[..], [(0, 1), (1, 2), (2, 0)]);
}
