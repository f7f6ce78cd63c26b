//! A learner beside the node, as the old one: asked and taught in its own words, and done without
//! whenever it fails.

use std::time::Duration;

use p2pfaas_learner::service::access::Guard;
use p2pfaas_node::{LearnerAddress, LearnerPlace, NodeService, Settings};

use super::old_learner::{Manner, OldLearner};
use super::own_learner::OwnLearner;
use super::*;

async fn node_with(learner: &OldLearner) -> NodeService {
    let node = start(asking(LearnerPlace::There(learner.address()))).await;
    until_asked(&node).await;
    node
}

/// Waits until the node has a learner to ask.
async fn until_asked(node: &NodeService) {
    let up = |answer: &Answer| answer.text().contains("p2pfaas_learner_up 1");
    until_answer("the learner can be asked", node.address(), "/metrics", up).await;
}

/// All jobs are served, none is rejected, and the fallback decided about them.
async fn serves_without_learner(node: &NodeService, jobs: u64) {
    let before = node.counters();
    for _ in 0..jobs {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "x"));
        assert_eq!(learning(&answer, "Action"), None);
    }
    let counters = node.counters();
    assert_eq!(counters.served - before.served, jobs, "{counters:?}");
    assert_eq!(counters.fallbacks - before.fallbacks, jobs, "{counters:?}");
    assert_eq!((counters.rejected, counters.failed), (0, 0), "{counters:?}");
}

#[tokio::test]
async fn the_old_learner_is_asked_and_taught_in_its_own_words() {
    let learner = OldLearner::start(Manner::Says("1.00000,0.89100")).await;
    let node = node_with(&learner).await;
    for eid in 0..3 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert_eq!(answer.status, 200);
        let told = ["Eid", "State", "Action", "Eps", "Reward"].map(|what| learning(&answer, what));
        let expected = [&eid.to_string(), "0.000000,0.000000,0.000000", "1.000000", "0.891000", "1.000000"];
        assert_eq!(told, expected.map(|text| Some(text.to_string())));
    }
    assert_eq!(learner.frames(), ["[0,0,0]"; 3]);

    node.shutdown().await;
    let mut taught = Vec::new();
    for request in learner.requests() {
        assert_eq!(request.line, "POST /train_batch HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/json"));
        taught.extend(request.json().as_array().expect("a list").clone());
    }
    assert_eq!(taught.len(), 3);
    for (eid, entry) in taught.iter().enumerate() {
        assert_eq!(entry["eid"], eid.to_string());
        assert_eq!(entry["state"], "0.000000,0.000000,0.000000");
        assert_eq!(entry["action"], "1.000000");
        assert_eq!(entry["reward"], 1.0);
        assert_eq!(entry["epsilon"], 0.891);
    }
}

#[tokio::test]
async fn rejected_and_late_jobs_are_rewarded_too() {
    let learner = OldLearner::start(Manner::Says("0.00000,0.10000")).await;
    let node = node_with(&learner).await;
    let rejected = post(node.address(), "/function/echo", b"x").await;
    assert_eq!((rejected.status, rejected.code()), (503, 401));
    assert_eq!(learning(&rejected, "Reward").as_deref(), Some("0.000000"));
    node.shutdown().await;

    let learner = OldLearner::start(Manner::Says("1.00000,0.10000")).await;
    let node = node_with(&learner).await;
    let hurry = [("X-P2pfaas-Deadline-Seconds", "0.000001")];
    let late = call(node.address(), "POST", "/function/echo", &hurry, b"x").await;
    assert_eq!((late.status, learning(&late, "Reward").as_deref()), (200, Some("0.000000")));
    node.shutdown().await;
}

#[tokio::test]
async fn a_learner_that_is_not_there_is_done_without() {
    let nobody = {
        let learner = OldLearner::start(Manner::Silent).await;
        learner.address()
    };
    let node = start(asking(LearnerPlace::There(nobody))).await;
    serves_without_learner(&node, 30).await;
    let metrics = get(node.address(), "/metrics").await.text();
    assert!(metrics.contains("p2pfaas_learner_up 0"), "{metrics}");
    node.shutdown().await;
}

#[tokio::test]
async fn a_learner_that_hangs_or_closes_or_talks_nonsense_is_done_without() {
    let nonsense = ["", "1.00000", "reject,0.1", "-1.0,0.5", "NaN,0.5", "1.0;0.5"].map(Manner::Says);
    for manner in [Manner::Silent, Manner::Closes].into_iter().chain(nonsense) {
        let learner = OldLearner::start(manner).await;
        let mut settings = asking(LearnerPlace::There(learner.address()));
        settings.core.ask_timeout = Duration::from_millis(50);
        let node = start(settings).await;
        until_asked(&node).await;
        serves_without_learner(&node, 12).await;
        assert!(!learner.frames().is_empty());
        node.shutdown().await;
    }
}

#[tokio::test]
async fn an_action_that_cannot_be_carried_out_is_the_fallbacks() {
    // There is no such peer, and no such number of an action at all.
    for action in ["3.00000,0.10000", "4000000000.00000,0.10000"] {
        let learner = OldLearner::start(Manner::Says(action)).await;
        let node = node_with(&learner).await;
        serves_without_learner(&node, 3).await;
        node.shutdown().await;
    }
}

#[tokio::test]
async fn a_learner_may_restart_under_the_node() {
    let mut learner = OldLearner::start(Manner::Says("1.00000,0.50000")).await;
    let LearnerAddress { port, websocket_port, .. } = learner.address();
    let node = node_with(&learner).await;
    for _ in 0..3 {
        let mut acted = None;
        for _ in 0..2_000 {
            let answer = post(node.address(), "/function/echo", b"x").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            acted = learning(&answer, "Action");
            if acted.is_some() {
                break;
            }
        }
        assert_eq!(acted.as_deref(), Some("1.000000"));

        drop(learner);
        let mut passed_over = 0;
        while passed_over < 5 {
            let answer = post(node.address(), "/function/echo", b"x").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            passed_over += u32::from(learning(&answer, "Action").is_none());
        }

        let (websocket, http) = (format!("127.0.0.1:{websocket_port}"), format!("127.0.0.1:{port}"));
        learner = OldLearner::at(&websocket, &http, Manner::Says("1.00000,0.50000"), "200 OK").await;
        until_asked(&node).await;
    }
    let counters = node.counters();
    assert_eq!((counters.rejected, counters.failed), (0, 0), "{counters:?}");
    node.shutdown().await;
}

#[tokio::test]
async fn experiences_that_the_learner_refuses_are_counted_as_lost() {
    let status = "500 INTERNAL SERVER ERROR";
    let learner = OldLearner::at("127.0.0.1:0", "127.0.0.1:0", Manner::Says("1.00000,0.5"), status).await;
    let node = node_with(&learner).await;
    for _ in 0..3 {
        assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    }
    let lost = "p2pfaas_node_events_total{event=\"experience_lost\"} 3";
    until_answer("three are lost", node.address(), "/metrics", |answer| answer.text().contains(lost)).await;
    // A learner that refuses to be taught can still be asked.
    let answer = post(node.address(), "/function/echo", b"x").await;
    assert_eq!(learning(&answer, "Action").as_deref(), Some("1.000000"));
    node.shutdown().await;
}

#[tokio::test]
async fn our_own_learner_service_is_asked_and_learns_from_every_job() {
    let learner = OwnLearner::start(Guard::default()).await;
    let node = start(asking(LearnerPlace::There(learner.address()))).await;
    until_asked(&node).await;
    for _ in 0..40 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
        assert_eq!(learning(&answer, "Eps").as_deref(), Some("0.500000"));
    }
    node.shutdown().await;
    let counters = learner.settled().await;
    assert_eq!((counters.episodes.received, counters.trained), (40, 39), "{counters:?}");
    assert_eq!((counters.episodes.gaps, counters.episodes.late), (0, 0));
    learner.stop().await;
}

#[tokio::test]
async fn a_learner_with_tokens_is_asked_and_taught_by_a_node_that_has_the_right_one() {
    let learner = OwnLearner::start(guard()).await;
    let settings = Settings {
        learner_token: Some("the-nodes-own-token".parse().expect("a token")),
        ..asking(LearnerPlace::There(learner.address()))
    };
    let node = start(settings).await;
    until_asked(&node).await;
    for _ in 0..10 {
        let answer = post(node.address(), "/function/echo", b"x").await;
        assert_eq!(learning(&answer, "Eps").as_deref(), Some("0.500000"));
    }
    let metrics = get(node.address(), "/metrics").await.text();
    assert!(metrics.contains("p2pfaas_node_events_total{event=\"learner_refused\"} 0"), "{metrics}");
    node.shutdown().await;
    assert_eq!(learner.settled().await.episodes.received, 10);
    assert_eq!(learner.guard.refused(), 0);
    learner.stop().await;
}

#[tokio::test]
async fn a_node_without_the_learners_token_or_with_a_wrong_one_is_refused_counts_it_and_serves() {
    for token in [None, Some("the-nodes-old-token"), Some("the-operators-token")] {
        let learner = OwnLearner::start(guard()).await;
        let learner_token = token.map(|token| token.parse().expect("a token"));
        let settings = Settings { learner_token, ..asking(LearnerPlace::There(learner.address())) };
        let node = start(settings).await;
        let is_refused = |answer: &Answer| {
            let text = answer.text();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("p2pfaas_node_events_total{event=\"learner_refused\"} "));
            line.is_some_and(|count| count != "0") && text.contains("p2pfaas_learner_up 0")
        };
        until_answer("the learner refuses it", node.address(), "/metrics", is_refused).await;
        serves_without_learner(&node, 5).await;
        node.shutdown().await;
        let counters = learner.settled().await;
        assert_eq!((counters.inferences, counters.episodes.received), (0, 0), "{token:?}");
        assert!(learner.guard.refused() > 0);
        learner.stop().await;
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_for_its_token_is_lost_and_counted_as_refused() {
    let learner =
        OldLearner::at("127.0.0.1:0", "127.0.0.1:0", Manner::Says("1.00000,0.5"), "401 Unauthorized").await;
    let node = node_with(&learner).await;
    assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    for event in ["experience_lost", "learner_refused"] {
        let line = format!("p2pfaas_node_events_total{{event=\"{event}\"}} 1\n");
        until_answer(event, node.address(), "/metrics", |answer| answer.text().contains(&line)).await;
    }
    assert_eq!(learner.requests().len(), 1, "it would say the same again");
    node.shutdown().await;
}

fn guard() -> Guard {
    let tokens = "learn the-nodes-own-token\nconfigure the-operators-token";
    Guard::new(tokens.parse().expect("tokens"), false)
}

#[tokio::test]
async fn actions_keep_their_peers_over_a_restart_also_without_an_agent_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = || LearnerPlace::Table(serde_json::from_str(r#"{"otherwise": 3}"#).expect("a table"));
    let settings = || Settings { data: Some(folder.path().into()), ..asking(table()) };
    let peer = || async { start(settings_of_a_peer()).await };
    let mut peers = [peer().await, peer().await];
    peers.sort_by_key(|peer| peer.address().to_string());
    let names = peers.each_ref().map(|peer| peer.address().to_string());
    let served = |peers: &[NodeService; 2]| peers.each_ref().map(|peer| peer.counters().served);

    // The later name comes first, and is what action 3 means.
    let node = start(settings()).await;
    node.set_peers(vec![names[1].clone()]);
    node.set_peers(names.to_vec());
    assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    node.shutdown().await;
    assert_eq!(served(&peers), [0, 1]);

    let node = start(settings()).await;
    node.set_peers(names.to_vec());
    assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    node.shutdown().await;
    assert_eq!(served(&peers), [0, 2]);
    for peer in peers {
        peer.shutdown().await;
    }
}

fn settings_of_a_peer() -> Settings {
    settings("NoScheduler", &["true"])
}
