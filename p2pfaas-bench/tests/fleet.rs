//! Experiments on nodes that were there before, as on machines of their own.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use p2pfaas_bench::experiment::{Experiment, Known, Place, Problems};
use p2pfaas_bench::fleet::{Fleet, FleetError, Hosts};
use p2pfaas_bench::progress::Progress;
use p2pfaas_bench::results::Folder;
use p2pfaas_bench::run::RunError;
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::{CallSettings, Client, Function, NodeService, Settings, builtin};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Nodes that know each other, as a hosts file names them.
struct Machines {
    runtime: Runtime,
    nodes: Vec<NodeService>,
}

impl Machines {
    /// One with each of these policies, all with the functions `echo` and `sleep`.
    fn start(policies: &[Descriptor]) -> Machines {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let function = |name: &str| Function::new(name, builtin(name).unwrap());
        let start = |(index, policy): (usize, &Descriptor)| {
            let settings = Settings {
                machine_id: format!("machine-{index}"),
                policy: policy.clone(),
                core: NodeConfig { capacity: Capacity { slots: 4, queue: 7 }, ..NodeConfig::default() },
                discovery_listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
                functions: ["echo", "sleep"].map(function).into(),
                ..Settings::default()
            };
            runtime.block_on(NodeService::start(settings, Arc::new(Registry::builtin()))).unwrap()
        };
        let nodes: Vec<_> = policies.iter().enumerate().map(start).collect();
        let machines = Machines { runtime, nodes };
        for node in &machines.nodes {
            node.set_peers(machines.names());
        }
        machines
    }

    fn names(&self) -> Vec<String> {
        let name =
            |node: &NodeService| format!("{}:{}", node.address(), node.discovery_address().unwrap().port());
        self.nodes.iter().map(name).collect()
    }

    fn hosts(&self) -> Hosts {
        Hosts::parse("hosts.txt".into(), &self.names().join("\n")).unwrap()
    }

    /// What a node answers to a question.
    fn get(&self, node: usize, path: &str) -> Value {
        let request = Request::get(format!("http://{}{path}", self.nodes[node].address()));
        let client = Client::new(CallSettings::new(1 << 20));
        let answer = self.runtime.block_on(client.send(request.body(Bytes::new()).unwrap())).unwrap();
        serde_json::from_slice(answer.body()).unwrap()
    }

    fn states(&self) -> Vec<(Value, Value)> {
        let state = |node| (self.get(node, "/configuration/scheduler"), self.get(node, "/configuration"));
        (0..self.nodes.len()).map(state).collect()
    }
}

fn no_scheduler() -> Descriptor {
    Descriptor::new("NoScheduler", ["true"])
}

fn power(threshold: &str) -> Descriptor {
    Descriptor::new("PowerOfNScheduler", ["1", threshold, "true", "1"])
}

const POLICIES: &str = "[[policy]]\nlabel = \"none\"\nname = \"NoScheduler\"\n\
                        [[policy]]\nlabel = \"power\"\nname = \"PowerOfNScheduler\"\nthreshold = 1\n";

/// Jobs of 50 ms, most of them for the first of three nodes with a slot each.
fn parse(hosts: usize, cluster: &str, duration_s: f64, policies: &str) -> Result<Experiment, Problems> {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &[] };
    let text = format!(
        "[cluster]\n{cluster}\n[traffic]\nkind = \"poisson\"\nrates = [40.0, 2.0, 2.0]\n\
         [[jobs]]\nfunction = \"sleep\"\npayload = \"text:0.05\"\ndeadline_s = 20.0\n\
         [run]\nwarmup_s = 0.2\nduration_s = {duration_s}\ncooldown_s = 0.2\n{policies}"
    );
    Experiment::parse(Path::new("tiny.toml"), text, Place::Fleet(hosts), &known)
}

fn experiment(cluster: &str, duration_s: f64, policies: &str) -> Experiment {
    parse(3, cluster, duration_s, policies).unwrap_or_else(|problems| panic!("{problems}"))
}

fn not_ready(experiment: &Experiment, hosts: &Hosts) -> Vec<String> {
    match Fleet::check(experiment, hosts, None) {
        Err(FleetError::NotReady(problems)) => problems,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("ready"),
    }
}

#[test]
fn a_run_changes_policies_and_slots_keeps_everything_and_leaves_the_nodes_as_they_were() {
    let machines = Machines::start(&[no_scheduler(), power("2"), power("2")]);
    let before = machines.states();
    let experiment = experiment("slots = 1\nqueue = 0", 1.5, POLICIES);
    let results = tempfile::tempdir().unwrap();
    let folder = Folder::create(Some(results.path()), &experiment).unwrap();
    let fleet = Fleet::check(&experiment, &machines.hosts(), None).unwrap();
    assert_eq!(machines.states(), before, "looking changes nothing");
    // Not a reason to refuse: each gets its own back.
    let [warning] = fleet.warnings() else { panic!("{:?}", fleet.warnings()) };
    assert!(warning.contains("different policies"), "{warning}");

    let summary = fleet.run(&folder, &CancellationToken::new(), &Progress::hidden(&experiment)).unwrap();
    assert_eq!(machines.states(), before);
    assert_eq!((summary.on, summary.interrupted, summary.cores), ("fleet", false, None));
    let [none, power] = &summary.policies[..] else { panic!("{summary:?}") };
    assert_eq!(none.offered, power.offered);
    assert_eq!((none.failed, power.failed), (0.0, 0.0), "{:?}", summary.warnings);
    // One slot at 40 jobs a second of 50 ms: the policies and the slots of the file were in force.
    assert!(none.dropped > 0.2 && none.forwarded == 0.0, "{none:?}");
    assert!(power.forwarded > 0.0 && power.dropped < none.dropped, "{power:?}");
    assert!(none.cost.is_none() && none.generator.is_some());

    for file in ["summary.json", "summary.csv", "experiment.toml"] {
        assert!(results.path().join(file).is_file(), "{file}");
    }
    let written = std::fs::read_to_string(results.path().join("fleet-before.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    for (node, (policy, configuration)) in before.iter().enumerate() {
        assert_eq!(&written["nodes"][node]["policy"], policy);
        assert_eq!(&written["nodes"][node]["configuration"], configuration);
    }
    // By their machine ids the answers tell who ran a job.
    let reader = SerializedFileReader::try_from(folder.jobs().as_path()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let is = |row: &parquet::record::Row, column: &str, wanted: &str| {
        row.get_column_iter().any(|(name, value)| *name == column && value.to_string() == wanted)
    };
    let helped = |row: &&parquet::record::Row| is(row, "node", "0") && is(row, "executed_by", "1");
    assert!(rows.iter().find(helped).is_some_and(|row| is(row, "forwarded", "true")));
    assert!(rows.iter().any(|row| is(row, "phase", "\"cooldown\"") && is(row, "warmup", "true")));
}

#[test]
fn an_interrupted_run_leaves_the_nodes_as_they_were_too() {
    let machines = Machines::start(&[power("2"), power("2"), power("2")]);
    let before = machines.states();
    let experiment = experiment("slots = 1\nqueue = 0", 600.0, POLICIES);
    let results = tempfile::tempdir().unwrap();
    let folder = Folder::create(Some(results.path()), &experiment).unwrap();
    let fleet = Fleet::check(&experiment, &machines.hosts(), None).unwrap();
    let cancel = CancellationToken::new();
    let summary = std::thread::scope(|scope| {
        scope.spawn(|| {
            // In the middle: the nodes are changed, and jobs come in.
            while machines.states() == before || machines.nodes[0].counters().arrived < 10 {
                std::thread::yield_now();
            }
            cancel.cancel();
        });
        fleet.run(&folder, &cancel, &Progress::hidden(&experiment)).unwrap()
    });
    assert!(summary.interrupted);
    assert_eq!(machines.states(), before);
    assert!(results.path().join("fleet-before.json").is_file());
}

#[test]
fn all_that_is_wrong_with_a_fleet_is_told_at_once_and_nothing_is_changed() {
    let mut machines = Machines::start(&[no_scheduler(), no_scheduler()]);
    let settings = Settings {
        machine_id: "machine-0".into(),
        discovery_listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        functions: vec![Function::new("echo", builtin("echo").unwrap())],
        ..Settings::default()
    };
    let start = NodeService::start(settings, Arc::new(Registry::builtin()));
    let without_function = machines.runtime.block_on(start).unwrap();
    machines.nodes.push(without_function);
    let experiment = experiment("", 1.0, POLICIES);

    // The third lacks the function, which is told with the address at which nobody is.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let names = machines.names();
    let hosts = Hosts::parse("hosts.txt".into(), &format!("{gone}\n{}\n{}\n", names[1], names[2])).unwrap();
    let problems = not_ready(&experiment, &hosts);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].starts_with(&gone.to_string()) && problems[0].contains("cannot connect"),
        "{problems:?}"
    );
    let third = machines.nodes[2].address().to_string();
    assert!(problems[1].starts_with(&third), "{problems:?}");
    assert!(problems[1].contains("a call of sleep") && problems[1].contains("404"), "{problems:?}");

    // With all functions: it is nobody's peer, knows nobody, and takes another's name.
    let echo = Experiment {
        jobs: experiment
            .jobs
            .iter()
            .cloned()
            .map(|job| p2pfaas_bench::experiment::JobType { function: "echo".into(), ..job })
            .collect(),
        ..experiment
    };
    let problems = not_ready(&echo, &machines.hosts()).join("\n");
    for part in [
        format!("{}: it does not know its peers {third}", machines.nodes[0].address()),
        format!("{third}: it does not know its peers {}", machines.nodes[0].address()),
        format!("{third}: its machine id \"machine-0\" is also that of"),
    ] {
        assert!(problems.contains(&part), "{part}: {problems}");
    }
    // A discovery where the hosts file does not say it.
    let schedulers: Vec<_> = machines.nodes.iter().map(|node| format!("{}:1", node.address())).collect();
    let hosts = Hosts::parse("hosts.txt".into(), &schedulers.join("\n")).unwrap();
    assert!(not_ready(&echo, &hosts)[0].contains("discovery does not answer"));
    assert!(machines.states().iter().all(|(_, configuration)| configuration["queue_length_max"] != json!(0)));
}

#[test]
fn nodes_that_do_not_know_each_other_yet_are_waited_for() {
    let machines = Machines::start(&[no_scheduler(), no_scheduler(), no_scheduler()]);
    machines.nodes[0].set_peers(Vec::<String>::new());
    let experiment = experiment("", 1.0, POLICIES);
    let hosts = machines.hosts();
    let (first, calls) = (&machines.nodes[0], || machines.nodes[2].counters().arrived);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // It has been looked at, and did not know the others.
            while calls() < 1 {
                std::thread::yield_now();
            }
            first.set_peers(machines.names());
        });
        Fleet::check(&experiment, &hosts, None).map(drop).unwrap();
    });
}

#[test]
fn a_node_that_went_away_is_named_with_the_commands_that_restore_it() {
    let mut machines = Machines::start(&[no_scheduler(), no_scheduler(), no_scheduler()]);
    let before = machines.states();
    let experiment = experiment("slots = 1", 1.0, "[[policy]]\nname = \"PowerOfNScheduler\"\n");
    let results = tempfile::tempdir().unwrap();
    let folder = Folder::create(Some(results.path()), &experiment).unwrap();
    let fleet = Fleet::check(&experiment, &machines.hosts(), None).unwrap();
    let third = machines.nodes.pop().unwrap();
    let address = third.address();
    let error = std::thread::scope(|scope| {
        let (runtime, first) = (&machines.runtime, &machines.nodes[0]);
        scope.spawn(move || {
            while first.counters().arrived < 10 {
                std::thread::yield_now();
            }
            runtime.block_on(third.shutdown());
        });
        fleet.run(&folder, &CancellationToken::new(), &Progress::hidden(&experiment)).unwrap_err()
    });
    let RunError::NotRestored(error) = error else { panic!("{error}") };
    assert_eq!(error.reasons.len(), 1, "{error}");
    assert!(error.reasons[0].starts_with(&address.to_string()), "{error}");
    let command = format!("http://{address}/configuration/scheduler");
    assert!(error.commands[0].contains("NoScheduler") && error.commands[0].ends_with(&command), "{error}");
    assert_eq!(machines.states(), before[..2]);
    assert!(results.path().join("summary.json").is_file());
}

#[test]
fn a_file_that_a_fleet_cannot_follow_is_refused_with_the_reason() {
    let refused =
        |hosts, cluster: &str, policies: &str| parse(hosts, cluster, 1.0, policies).unwrap_err().to_string();
    assert!(parse(3, "", 1.0, POLICIES).unwrap().nodes.len() == 3, "as many as there are hosts");
    assert!(parse(3, "nodes = 3", 1.0, POLICIES).is_ok());
    for (text, part) in [
        (refused(3, "nodes = 2", POLICIES), "tiny.toml:2: cluster.nodes: 2 nodes, and the hosts file has 3"),
        (refused(3, "deadline_aware = true", POLICIES), "start the nodes with --deadline-aware"),
        (refused(3, "job_timeout_s = 1.0", POLICIES), "start the nodes with --job-timeout"),
        (refused(3, "mtbf_s = 1.0\nmttr_s = 1.0", POLICIES), "only --on sim"),
        (
            refused(3, "", "[[policy]]\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 1\n"),
            "agents live on the nodes",
        ),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let learning = "[[policy]]\nname = \"LearningScheduler\"\n";
    assert!(parse(3, "", 1.0, learning).is_ok(), "it asks the agents that the nodes have");
}
