//! The event log of a real node, replayed through the state machine, gives identical effects.

use std::path::{Path, PathBuf};
use std::time::Duration;

use p2pfaas_core::agent::FixedTable;
use p2pfaas_core::log::{Entry, Header, Input, replay};
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::{Capacity, Effect, Event, Failure, ForwardAnswer, Node, NodeConfig, Outcome};
use p2pfaas_node::{LearnerPlace, NodeService, Settings};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use crate::faults::rig::*;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("p2pfaas-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> (Header, Vec<Entry>) {
    let text = std::fs::read_to_string(path).expect("a log");
    assert!(text.ends_with('\n'), "the last line is whole");
    let mut lines = text.lines();
    let header = lines.next().map(serde_json::from_str).expect("a line").expect("a header");
    (header, lines.map(|line| serde_json::from_str(line).expect("an entry")).collect())
}

fn replayed(path: &Path) -> (Node, Vec<Entry>) {
    let (header, entries) = read(path);
    let node = replay::<Xoshiro256PlusPlus>(&header, entries.clone(), &Registry::builtin());
    (node.unwrap_or_else(|error| panic!("{}: {error}", path.display())), entries)
}

fn has_effect(entries: &[Entry], wanted: fn(&Effect) -> bool) -> bool {
    entries.iter().any(|entry| entry.effects.iter().any(wanted))
}

fn has_event(entries: &[Entry], wanted: fn(&Event) -> bool) -> bool {
    entries.iter().any(|entry| matches!(&entry.input, Input::Event(event) if wanted(event)))
}

/// Calls at random, some of which break off, with changes of capacity, policy and peers between.
async fn mixed_load(nodes: &[NodeService], peers: &[String], seed: u64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut calls = Vec::new();
    for step in 0..400 {
        let mut below = |bound: u64| rng.next_u64() % bound;
        let node = &nodes[below(nodes.len() as u64) as usize];
        let (path, body): (&str, &[u8]) = match below(8) {
            0 => ("/function/sleep", b"soon"),
            1 => ("/function/echo", b"x"),
            2 => ("/function/sleep", b"0.05"),
            _ => ("/function/sleep", b"0.002"),
        };
        let headers: &[(&str, &str)] = match below(10) {
            0 => &[BYPASS],
            1 => &[FORWARD],
            2 => &[("X-P2pfaas-Scheduler-Reject", "1")],
            3 => &[
                ("X-P2pfaas-Deadline-Seconds", "0.123456789"),
                ("X-P2pfaas-Scheduler-Learning-Task-Type", "1"),
            ],
            _ => &[],
        };
        let call = call_beside(node.address(), path, headers, body);
        if below(10) == 0 {
            let arrived = node.counters().arrived;
            let forwarded = call_beside(node.address(), "/function/sleep", &[FORWARD], b"0.05");
            until("one more has arrived", || node.counters().arrived > arrived).await;
            for _ in 0..below(30) {
                tokio::task::yield_now().await;
            }
            call.abort();
            forwarded.abort();
        }
        calls.push(call);
        match step % 50 {
            20 => set_capacity(node.address(), r#"{"parallel_running_functions_max": 1}"#).await,
            40 => set_capacity(node.address(), r#"{"parallel_running_functions_max": 3}"#).await,
            30 => node.set_peers(peers[..2].to_vec()),
            45 => node.set_peers(peers.to_vec()),
            49 => node
                .set_policy(&Descriptor::new("PowerOfNScheduler", ["3", "1", "true", "2"]))
                .expect("valid"),
            _ => {}
        }
        if step % 8 == 0 {
            // Some at once, and then the next ones.
            let oldest = calls.remove(0);
            let _ = oldest.await;
        }
    }
    for call in calls {
        let _ = call.await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_logs_of_a_cluster_under_mixed_load_with_faults_replay_exactly() {
    let folder = Folder::new("replay-cluster");
    let hanging = Stub::always(|| Reply::Hang).await;
    let broken = Stub::start(|request| async move {
        Reply::SendAndClose(if request.path == "/monitoring/load" {
            reply(200, &[("X-P2pfaas-Load", "0"), ("X-P2pfog-Queue-Length", "0")], "")
        } else {
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()
        })
    })
    .await;
    let policies: [(&str, &[&str]); 4] = [
        ("PowerOfNScheduler", &["2", "1", "true", "3"]),
        ("ForwardScheduler", &["3"]),
        ("LearningScheduler", &["2"]),
        ("PowerOfNSchedulerTau", &["1", "1", "true", "2", "5ms"]),
    ];
    let log = |index: usize| folder.0.join(format!("node-{index}.jsonl"));
    let mut nodes = Vec::new();
    for (index, (policy, parameters)) in policies.into_iter().enumerate() {
        let base = settings(policy, parameters);
        nodes.push(
            start(Settings {
                seed: 100 + index as u64,
                event_log: Some(log(index)),
                workers: index % 3,
                learner: match index {
                    2 => LearnerPlace::Table(FixedTable { actions: [].into(), otherwise: Some(3) }),
                    _ => LearnerPlace::Nowhere,
                },
                core: NodeConfig {
                    capacity: Capacity { slots: 2, queue: 2 },
                    deadline_aware: index == 1,
                    job_timeout: Some(Duration::from_millis(500)),
                    probe_timeout: Duration::from_millis(50),
                    suspicion: Duration::from_millis(20),
                    ..base.core
                },
                ..base
            })
            .await,
        );
    }
    let mut peers: Vec<String> = nodes.iter().map(|node| node.address().to_string()).collect();
    let nobody = Nobody::new();
    peers.extend([broken.address.to_string(), hanging.address.to_string(), nobody.address.to_string()]);
    for node in &nodes {
        node.set_peers(peers.clone());
    }
    mixed_load(&nodes, &peers, 7).await;
    let mut counters = Vec::new();
    for node in &nodes {
        until("every job has ended", || node.counters().arrived == node.counters().answered()).await;
        counters.push(node.counters());
    }
    for node in nodes {
        node.shutdown().await;
    }
    let mut all = Vec::new();
    for (index, counted) in counters.into_iter().enumerate() {
        let (node, entries) = replayed(&log(index));
        assert_eq!(*node.counters(), counted, "node {index}");
        assert_eq!(node.jobs_under_way(), 0, "node {index}");
        all.extend(entries);
    }
    // The load was as mixed as it should be.
    let ended = |wanted: Outcome| {
        let is = |effect: &Effect| matches!(effect, Effect::Answer { outcome, .. } if *outcome == wanted);
        all.iter().any(|entry| entry.effects.iter().any(is))
    };
    assert!([Outcome::Served, Outcome::Dropped, Outcome::Rejected].into_iter().all(ended));
    assert!([Failure::Forward, Failure::Function].into_iter().all(|failure| ended(Outcome::Failed(failure))));
    assert!(has_effect(&all, |effect| matches!(effect, Effect::Forward { .. })));
    assert!(has_effect(&all, |effect| matches!(effect, Effect::Probe { .. })));
    assert!(has_effect(&all, |effect| matches!(effect, Effect::Ask { .. })));
    assert!(has_event(&all, |event| matches!(event, Event::Cancel { .. })));
    assert!(has_event(&all, |event| matches!(event, Event::Wake)));
    assert!(has_event(&all, |event| matches!(event, Event::Probed { load: None, .. })));
    let not_reached =
        |event: &Event| matches!(event, Event::Forwarded { answer: ForwardAnswer::NotReached, .. });
    assert!(has_event(&all, not_reached));
    assert!(has_event(&all, |event| matches!(event, Event::SetCapacity(_))));
    assert!(has_event(&all, |event| matches!(event, Event::SetPeers(_))));
    assert!(all.iter().any(|entry| matches!(entry.input, Input::SetPolicy(_))));
}

#[tokio::test]
async fn a_change_of_the_policy_is_in_the_log_and_counts_in_the_replay() {
    let folder = Folder::new("replay-policy");
    let log = folder.0.join("node.jsonl");
    let node = start(Settings { event_log: Some(log.clone()), ..settings("RejectScheduler", &[]) }).await;
    assert_eq!(post(node.address(), "/function/echo", b"x").await.code(), 401);
    let change = br#"{"name": "NoScheduler", "parameters": ["false"]}"#;
    assert_eq!(post(node.address(), "/configuration/scheduler", change).await.status, 200);
    assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    node.shutdown().await;

    let (replayed, mut entries) = replayed(&log);
    assert_eq!(replayed.policy_name(), "NoScheduler");
    assert_eq!((replayed.counters().rejected, replayed.counters().served), (1, 1));
    let change = entries
        .iter()
        .position(|entry| entry.input == Input::SetPolicy(Descriptor::new("NoScheduler", ["false"])));
    // Without it the same events have other effects.
    entries.remove(change.expect("the change is logged"));
    assert!(replay::<Xoshiro256PlusPlus>(&read(&log).0, entries, &Registry::builtin()).is_err());
}

#[tokio::test]
async fn the_log_is_whole_when_the_grace_time_ran_out() {
    let folder = Folder::new("replay-grace");
    let (log, gate) = (folder.0.join("node.jsonl"), Gate::new());
    let base = settings("NoScheduler", &["false"]);
    let node = start(Settings {
        event_log: Some(log.clone()),
        functions: vec![gate.function("gate")],
        core: NodeConfig { capacity: Capacity { slots: 1, queue: 1 }, ..base.core },
        shutdown_grace: Duration::from_millis(20),
        ..base
    })
    .await;
    let jobs = [(); 2].map(|()| call_beside(node.address(), "/function/gate", &[], b"x"));
    until_load(node.address(), (1, 1)).await;
    node.shutdown().await;
    for job in jobs {
        assert_eq!(job.await.unwrap().status, 503);
    }
    let (node, _) = replayed(&log);
    assert_eq!((node.jobs_under_way(), node.counters().arrived, node.counters().answered()), (0, 2, 2));
}
