//! An agent in the node: it learns from every job of the node's own, keeps what it learned, and can be
//! reached where the old learner was.

use std::path::Path;

use p2pfaas_core::Capacity;
use p2pfaas_learner::AgentConfig;
use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_node::{AgentSettings, LearnerPlace, NodeService, Settings, StartError};
use tokio_tungstenite::tungstenite::Message;

use super::*;

fn here(change: impl FnOnce(&mut AgentSettings)) -> LearnerPlace {
    let config = AgentConfig { alpha: 0.5, epsilon_start: 0.5, epsilon_min: 0.5, ..AgentConfig::default() };
    let mut settings = AgentSettings { config: Some(config), ..AgentSettings::default() };
    change(&mut settings);
    LearnerPlace::Here(Box::new(settings))
}

fn kept_in(folder: &Path) -> Settings {
    Settings { data: Some(folder.into()), ..asking(here(|_| {})) }
}

/// A job of a client; the number of the choice about it.
async fn job(node: &NodeService) -> u64 {
    let answer = post(node.address(), "/function/echo", b"x").await;
    assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
    learning(&answer, "Eid").and_then(|eid| eid.parse().ok()).expect("a number")
}

/// What the node's agent has done, once it has seen everything.
fn settled(node: &NodeService) -> p2pfaas_learner::Stats {
    let agent = node.agent().expect("an agent");
    agent.settle();
    agent.stats()
}

#[tokio::test]
async fn every_job_of_the_nodes_own_is_rewarded_and_learned_from() {
    const JOBS: u64 = 40;
    let node = start(asking(here(|_| {}))).await;
    let peer = start(settings("ForwardScheduler", &["1"])).await;
    peer.set_peers(vec![node.address().to_string()]);
    let mut rewards = Vec::new();
    for _ in 0..JOBS {
        let answer = post(node.address(), "/function/echo", b"x").await;
        let reward = learning(&answer, "Reward").expect("a reward");
        assert_eq!(reward, if answer.status == 200 { "1.000000" } else { "0.000000" });
        rewards.push(reward);
        // A peer's job is not this node's choice.
        let forwarded = post(peer.address(), "/function/echo", b"x").await;
        assert_eq!((forwarded.status, learning(&forwarded, "Reward")), (200, None));
    }
    assert!(rewards.contains(&"0.000000".to_string()), "half of the choices are random, some reject");
    let stats = settled(&node);
    assert_eq!(stats.counters.episodes.received, JOBS);
    // The last one still waits for what follows it.
    assert_eq!((stats.counters.trained, stats.counters.pending), (JOBS - 1, 1));
    assert_eq!((stats.lost, stats.counters.episodes.gaps, stats.counters.segments), (0, 0, 1));
    peer.shutdown().await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_dropped_job_is_worth_nothing_and_is_learned_from() {
    let gate = Gate::new();
    // The only actions are reject and local; greedily the agent begins with a guess between them.
    let config = AgentConfig { epsilon_start: 0.0, epsilon_min: 0.0, initial: 0.0, ..AgentConfig::default() };
    let mut settings = asking(here(|agent| agent.config = Some(config)));
    settings.core.capacity = Capacity { slots: 1, queue: 0 };
    settings.functions.push(gate.function());
    let node = start(settings).await;
    let bypass = [("X-P2pfaas-Scheduler-Bypass", "1")];
    let to = node.address();
    let held = tokio::spawn(async move { call(to, "POST", "/function/gate", &bypass, b"").await });
    until("the slot is taken", || gate.started() == 1).await;
    let mut dropped = 0;
    for _ in 0..40 {
        let answer = post(to, "/function/echo", b"x").await;
        assert_eq!(learning(&answer, "Reward").as_deref(), Some("0.000000"));
        dropped += u32::from(answer.status == 500 && answer.code() == 400);
    }
    assert!(dropped > 0);
    assert_eq!(settled(&node).counters.episodes.received, 40);
    gate.let_through(1);
    assert_eq!(held.await.expect("ends").status, 200);
    node.shutdown().await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_gap() {
    let gate = Gate::new();
    let config = AgentConfig { initial: 1.0, ..AgentConfig::default() };
    let mut settings = asking(here(|agent| agent.config = Some(config)));
    settings.core.capacity = Capacity { slots: 1, queue: 8 };
    settings.functions.push(gate.function());
    let node = start(settings).await;
    let to = node.address();
    let bypass = [("X-P2pfaas-Scheduler-Bypass", "1")];
    let held = tokio::spawn(async move { call(to, "POST", "/function/gate", &bypass, b"").await });
    until("the slot is taken", || gate.started() == 1).await;
    // Those that wait in the queue go away; those that are rejected have their answer.
    let clients: Vec<_> = (0..8).map(|_| post_later(to, "/function/gate", b"")).collect();
    until("all have arrived", || node.counters().arrived == 9).await;
    for client in clients {
        client.abort();
    }
    until("none is left", || {
        let counters = node.counters();
        counters.cancelled + counters.rejected + counters.dropped == 8
    })
    .await;
    gate.let_through(1);
    assert_eq!(held.await.expect("ends").status, 200);
    let stats = settled(&node);
    assert_eq!((stats.counters.episodes.received, stats.counters.episodes.gaps), (8, 0));
    assert_eq!((stats.lost, stats.counters.pending), (0, 1));
    node.shutdown().await;
}

#[tokio::test]
async fn what_was_learned_and_the_numbers_go_on_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(kept_in(folder.path())).await;
    for _ in 0..20 {
        job(&node).await;
    }
    let before = settled(&node);
    node.shutdown().await;

    let mut settings = kept_in(folder.path());
    settings.core.first_eid = 1_000_000_000_000;
    let node = start(settings).await;
    let after = settled(&node);
    assert_eq!(after.counters.trained, before.counters.trained);
    assert_eq!(after.counters.epsilon, before.counters.epsilon);
    assert_eq!(after.counters.inferences, before.counters.inferences);
    assert_eq!(job(&node).await, 1_000_000_000_000);
    job(&node).await;
    let stats = settled(&node);
    assert_eq!(stats.counters.trained, before.counters.trained + 1);
    assert_eq!((stats.counters.episodes.restarts, stats.counters.episodes.gaps), (0, 0));
    node.shutdown().await;
}

#[tokio::test]
async fn actions_keep_their_peers_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let peers =
        [start(settings("NoScheduler", &["true"])).await, start(settings("NoScheduler", &["true"])).await];
    let mut names = peers.each_ref().map(|peer| peer.address().to_string());
    names.sort();
    // The later name comes first, and is action 3.
    let node = start(kept_in(folder.path())).await;
    node.set_peers(vec![names[1].clone()]);
    node.set_peers(names.to_vec());
    job(&node).await;
    node.shutdown().await;
    let kept = Checkpoint::load(&folder.path().join("agent.ckpt")).expect("whole");
    assert_eq!(kept.peers, [names[1].clone(), names[0].clone()]);

    let node = start(kept_in(folder.path())).await;
    node.set_peers(names.to_vec());
    job(&node).await;
    node.shutdown().await;
    let kept = Checkpoint::load(&folder.path().join("agent.ckpt")).expect("whole");
    assert_eq!(kept.peers, [names[1].clone(), names[0].clone()]);
    for peer in peers {
        peer.shutdown().await;
    }
}

#[tokio::test]
async fn a_node_can_start_from_somebodys_trained_agent_and_only_act() {
    let folder = tempfile::tempdir().expect("a folder");
    let trainer = start(kept_in(folder.path())).await;
    for _ in 0..60 {
        job(&trainer).await;
    }
    trainer.shutdown().await;

    let file = folder.path().join("agent.ckpt");
    let before = std::fs::read(&file).expect("there");
    let node = start(asking(here(|agent| {
        agent.config = None;
        agent.start = Some(file.clone());
        agent.frozen = true;
    })))
    .await;
    for _ in 0..20 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        // To run a job earned 1, to reject it 0.
        assert_eq!((answer.status, learning(&answer, "Eps").as_deref()), (200, Some("0.000000")));
    }
    let stats = settled(&node);
    assert_eq!((stats.counters.trained, stats.counters.epsilon), (59, 0.0));
    node.shutdown().await;
    assert_eq!(std::fs::read(&file).expect("there"), before);
}

#[tokio::test]
async fn an_agent_of_another_make_or_a_foreign_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(kept_in(folder.path())).await;
    job(&node).await;
    node.shutdown().await;
    let refused = |settings: Settings| async {
        match NodeService::start(settings, std::sync::Arc::new(p2pfaas_core::policy::Registry::builtin()))
            .await
        {
            Err(error @ StartError::Agent(_)) => error.to_string(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it starts"),
        }
    };
    let mut other = kept_in(folder.path());
    let config = AgentConfig { rule: p2pfaas_learner::RuleKind::QLearning, ..AgentConfig::default() };
    other.learner = here(|agent| agent.config = Some(config));
    let why = refused(other).await;
    assert!(why.contains(r#"its rule is "differential-sarsa", not "q-learning""#), "{why}");

    let more_types = Settings {
        policy: p2pfaas_core::policy::Descriptor::new("LearningScheduler", ["2"]),
        ..kept_in(folder.path())
    };
    // It has chosen but not been trained yet: that is no obstacle.
    start(more_types.clone()).await.shutdown().await;

    for file in ["agent.ckpt", "agent.ckpt.previous"] {
        std::fs::write(folder.path().join(file), b"somebody else's").expect("writes");
    }
    let why = refused(kept_in(folder.path())).await;
    assert!(why.contains("agent.ckpt is not a checkpoint"), "{why}");
    assert_eq!(std::fs::read(folder.path().join("agent.ckpt")).expect("kept"), b"somebody else's");
}

#[tokio::test]
async fn a_policy_with_other_states_is_refused_once_something_has_been_learned() {
    let node = start(asking(here(|_| {}))).await;
    let set = |types: &'static str| {
        let body = format!(r#"{{"name":"LearningScheduler","parameters":["{types}"]}}"#);
        async move { body }
    };
    let to = node.address();
    assert_eq!(post(to, "/configuration/scheduler", set("2").await.as_bytes()).await.status, 200);
    job(&node).await;
    job(&node).await;
    settled(&node);
    let refused = post(to, "/configuration/scheduler", set("3").await.as_bytes()).await;
    assert_eq!((refused.status, refused.code()), (500, 1));
    assert!(refused.text().contains("reset"), "{}", refused.text());
    assert_eq!(post(to, "/configuration/scheduler", set("2").await.as_bytes()).await.status, 200);
    node.shutdown().await;
}

#[tokio::test]
async fn old_scripts_find_the_learner_where_it_was() {
    let mut settings = asking(here(|_| {}));
    let any = Some("127.0.0.1:0".parse().expect("valid"));
    (settings.learner_listen, settings.learner_ws_listen) = (any, any);
    let node = start(settings).await;
    let learner = node.learner_address().expect("listens");
    let numbers = [job(&node).await, job(&node).await, job(&node).await];

    // The old client sends what the node has already told its learner, with a reward of its own.
    let entry = |eid: u64| {
        format!(r#"{{"eid":"{eid}","state":"0.000000,0.000000,0.000000","action":"1.000000","reward":1}}"#)
    };
    let batch = format!("[{}]", numbers.map(entry).join(","));
    let answer =
        call(learner, "POST", "/train_batch", &[("Content-Type", "application/json")], batch.as_bytes())
            .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let stats = settled(&node);
    assert_eq!((stats.counters.trained, stats.counters.episodes.duplicates), (2, 3));
    assert_eq!(stats.counters.episodes.restarts, 0);

    let websocket = node.learner_ws_address().expect("listens");
    let stream = tokio::net::TcpStream::connect(websocket).await.expect("connects");
    let url = format!("ws://{websocket}/");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.expect("shakes hands");
    use futures_util::{SinkExt, StreamExt};
    for _ in 0..3 {
        socket.send(Message::text("[0.0, 0.0, 0.0]")).await.expect("sends");
        let said = socket.next().await.expect("an answer").expect("a frame").into_text().expect("text");
        let (action, epsilon) = said.split_once(',').expect("two numbers");
        assert!(["0.00000", "1.00000"].contains(&action), "{said}");
        assert_eq!(epsilon, "0.50000");
    }
    node.shutdown().await;
}
