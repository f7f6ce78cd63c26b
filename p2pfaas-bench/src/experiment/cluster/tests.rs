use super::*;
use crate::experiment::Experiment;
use crate::testing::{parse, parse_on};

/// An experiment whose cluster begins in line 1.
fn text(cluster: &str) -> String {
    format!(
        "{cluster}\n[traffic]\nkind = \"poisson\"\nrate = 1.0\n\
         [[jobs]]\nfunction = \"echo\"\nshare = 0.5\nservice = {{ kind = \"exponential\", mean_s = 0.1 }}\n\
         payload_bytes = 1000\nanswer_bytes = 50\n\
         [[jobs]]\nfunction = \"pigo\"\nshare = 0.5\nservice = {{ kind = \"exponential\", mean_s = 0.1 }}\n\
         [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 1\n"
    )
}

fn sim(cluster: &str) -> Experiment {
    parse_on(Place::Sim, &text(cluster)).unwrap_or_else(|problems| panic!("{cluster}: {problems}"))
}

#[test]
fn a_cluster_of_defaults_is_always_there_and_warm() {
    let experiment = sim("[cluster]\nnodes = 2");
    assert_eq!(experiment.nodes, vec![NodeSpec::default(); 2]);
    assert_eq!(
        experiment.cluster,
        ClusterSpec { job_timeout_s: Some(30.0), detect_s: 1.0, cold_starts: None }
    );
}

#[test]
fn a_table_stands_for_as_many_nodes_as_it_says() {
    let cluster =
        "[cluster]\nslots = 2\n[[cluster.node]]\ncount = 3\nspeed = 0.5\n[[cluster.node]]\nspeed = 2.0";
    let speeds: Vec<_> = sim(cluster).nodes.iter().map(|node| (node.slots, node.speed)).collect();
    assert_eq!(speeds, [(2, 0.5), (2, 0.5), (2, 0.5), (2, 2.0)]);
    let local = parse(&text(cluster)).unwrap();
    assert_eq!(local.nodes.len(), 4);
    assert_eq!(sim("[cluster]\nnodes = 100000").nodes.len(), 100_000);
}

#[test]
fn nodes_fail_come_and_go_as_their_tables_say() {
    let cluster = "[cluster]\nmtbf_s = 100\nmttr_s = 5\ndetect_s = 0.2\ndiscipline = \"processor-sharing\"\n\
                   functions = [\"pigo\"]\n\
                   [[cluster.node]]\nmttr_s = 7\nfunctions = [\"echo\", \"pigo\"]\n\
                   [[cluster.node]]\njoins_s = 10\nleaves_s = 20\ndiscipline = \"fifo\"";
    let Experiment { nodes, cluster, .. } = sim(cluster);
    assert_eq!(cluster.detect_s, 0.2);
    assert_eq!(nodes[0].faults, Some(Faults { mtbf_s: 100.0, mttr_s: 7.0 }));
    assert_eq!(nodes[1].faults, Some(Faults { mtbf_s: 100.0, mttr_s: 5.0 }));
    assert_eq!((nodes[1].joins_s, nodes[1].leaves_s), (10.0, Some(20.0)));
    assert_eq!((nodes[0].discipline, nodes[1].discipline), (Discipline::ProcessorSharing, Discipline::Fifo));
    assert!(nodes[0].offers("echo") && !nodes[1].offers("echo") && nodes[1].offers("pigo"));
}

#[test]
fn instances_start_cold_and_expire() {
    let cluster = "[cluster]\nnodes = 2\nidle_timeout_s = 30\ncold_start_s = 0.4";
    let cold = |cluster: &str| sim(cluster).cluster.cold_starts.unwrap();
    let expected = ColdStarts { idle_timeout_s: 30.0, cold_start_s: 0.4, max_instances: None };
    assert_eq!(cold(cluster), expected);
    let bounded = format!("{cluster}\nmax_instances = 7");
    assert_eq!(cold(&bounded), ColdStarts { max_instances: Some(7), ..expected });
}

#[test]
fn jobs_say_how_many_bytes_they_send_and_get() {
    let jobs = sim("[cluster]\nnodes = 2").jobs;
    assert_eq!((jobs[0].payload_bytes, jobs[0].answer_bytes), (1_000, 50));
    assert_eq!((jobs[1].payload_bytes, jobs[1].answer_bytes), (0, 0));
}

#[test]
fn wrong_clusters_are_refused_with_their_lines() {
    for (cluster, part) in [
        (
            "[cluster]\nnodes = 100001",
            ":2: cluster.nodes: 100001 is not possible; expected a number of nodes from 1 to 100000",
        ),
        (
            "[cluster]\nnodes = 3\n[[cluster.node]]\ncount = 2",
            ":2: cluster.nodes: the [[cluster.node]] tables are 2 nodes; expected 2",
        ),
        ("[cluster]\n[[cluster.node]]\ncount = 0", ":3: cluster.node[0].count: 0 is not possible"),
        (
            "[cluster]\n[[cluster.node]]\ncount = 60000\n[[cluster.node]]\ncount = 60000",
            "cluster.node: 120000 nodes are too many; expected at most 100000",
        ),
        ("[cluster]\ncount = 2", ":2: cluster.count: unknown key"),
        (
            "[cluster]\nnodes = 2\ndiscipline = \"fifi\"",
            ":3: cluster.discipline: unknown value \"fifi\" (did you mean \"fifo\"?)",
        ),
        (
            "[cluster]\nnodes = 2\nfunctions = []",
            ":3: cluster.functions: a node without functions; expected one or more of echo, pigo",
        ),
        (
            "[cluster]\nnodes = 2\nfunctions = [\"ecco\"]",
            ":3: cluster.functions: no job calls \"ecco\" (did you mean \"echo\"?)",
        ),
        (
            "[cluster]\nnodes = 2\nmtbf_s = 10",
            ":3: cluster.mtbf_s: given without mttr_s; expected both or none",
        ),
        ("[cluster]\n[[cluster.node]]\nmttr_s = 10", ":3: cluster.node[0].mttr_s: given without mtbf_s"),
        ("[cluster]\nnodes = 2\nmtbf_s = 0\nmttr_s = 1", ":3: cluster.mtbf_s: 0 is not possible"),
        ("[cluster]\nnodes = 2\nmtbf_s = 1\nmttr_s = inf", ":4: cluster.mttr_s: inf is not possible"),
        ("[cluster]\nnodes = 2\njoins_s = -1", ":3: cluster.joins_s: -1 is not possible"),
        (
            "[cluster]\nleaves_s = 5\n[[cluster.node]]\njoins_s = 5",
            ":4: cluster.node[0].joins_s: a node that comes at 5 s and goes at 5 s is never there",
        ),
        (
            "[cluster]\nnodes = 2\njoins_s = 9\nleaves_s = 5",
            ":4: cluster.leaves_s: a node that comes at 9 s and goes at 5 s",
        ),
        ("[cluster]\nnodes = 2\ndetect_s = -1", ":3: cluster.detect_s: -1 is not possible"),
        ("[cluster]\nnodes = 2\ncold_start_s = 1", ":3: cluster.cold_start_s: given without idle_timeout_s"),
        (
            "[cluster]\nnodes = 2\nidle_timeout_s = 1",
            ":3: cluster.idle_timeout_s: given without cold_start_s",
        ),
        ("[cluster]\nnodes = 2\nmax_instances = 1", ":3: cluster.max_instances: instances are always there"),
        (
            "[cluster]\nnodes = 2\nidle_timeout_s = -1\ncold_start_s = 1",
            ":3: cluster.idle_timeout_s: -1 is not possible",
        ),
        (
            "[cluster]\nnodes = 2\nidle_timeout_s = 1\ncold_start_s = nan",
            ":4: cluster.cold_start_s: nan is not possible",
        ),
        (
            "[cluster]\nnodes = 2\nidle_timeout_s = 1\ncold_start_s = 1\nmax_instances = 0",
            ":5: cluster.max_instances: 0 is not possible",
        ),
    ] {
        let complaint = parse_on(Place::Sim, &text(cluster)).expect_err(cluster).to_string();
        assert!(complaint.contains(part), "{cluster}: {complaint}");
    }
}

#[test]
fn what_only_the_simulator_can_do_with_nodes_is_refused_elsewhere() {
    for (key, line) in [
        ("discipline = \"processor-sharing\"", 3),
        ("mtbf_s = 10\nmttr_s = 1", 3),
        ("joins_s = 1", 3),
        ("leaves_s = 1", 3),
        ("detect_s = 1", 3),
        ("idle_timeout_s = 1\ncold_start_s = 1", 3),
        ("idle_timeout_s = 1\ncold_start_s = 1\nmax_instances = 1", 5),
        ("[[cluster.node]]\ncount = 2\nmtbf_s = 10\nmttr_s = 1", 5),
    ] {
        let cluster = text(&format!("[cluster]\nnodes = 2\n{key}"));
        let complaint = parse(&cluster).expect_err(key).to_string();
        assert!(complaint.contains("only --on sim"), "{key}: {complaint}");
        assert!(complaint.contains(&format!(":{line}: cluster.")), "{key}: {complaint}");
        parse_on(Place::Sim, &cluster).unwrap_or_else(|problems| panic!("{key}: {problems}"));
    }
    let complaint = parse(&text("[cluster]\nnodes = 257")).expect_err("too many").to_string();
    assert!(complaint.contains("expected a number of nodes from 1 to 256"), "{complaint}");
}
