use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use p2pfaas_core::agent::{Feature, Observation, StateSpace};
use tempfile::tempdir;

use crate::checkpoint::Checkpoint;
use crate::config::AgentConfig;
use crate::entry::{Entry, Mask, State};
use crate::learner::Learner;
use crate::online::*;

/// Nothing here takes as long.
const LONG: Duration = Duration::from_secs(20);

fn entry(eid: u64) -> Entry {
    let state = State::from_slice(&[(eid % 3) as f64]);
    let reward = Some(1.0);
    Entry { eid, state, mask: Mask::new(), action: 1, epsilon: 0.1, reward, terminal: false }
}

fn start(config: AgentConfig, options: OnlineOptions) -> Arc<Online> {
    let learner = Learner::new(config, None, 7).expect("valid");
    Online::start(Checkpoint { learner, peers: Vec::new() }, options).expect("starts")
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn it_acts_while_it_trains_and_acts_by_what_it_has_learned() {
    let config = AgentConfig { alpha: 0.5, epsilon_start: 0.0, epsilon_min: 0.0, ..AgentConfig::default() };
    let online = start(config, OnlineOptions::default());
    let done = Arc::new(AtomicBool::new(false));
    let actor = {
        let (online, done) = (online.clone(), done.clone());
        std::thread::spawn(move || {
            let mut choices = 0;
            while !done.load(Ordering::Acquire) {
                assert!(online.act_unmasked(&[1.0]).is_some());
                choices += 1;
            }
            choices
        })
    };
    for eid in 0..20_000 {
        assert!(online.learn(entry(eid)));
    }
    online.settle();
    done.store(true, Ordering::Release);
    let choices = actor.join().expect("acts to the end");
    let stats = online.stats();
    assert_eq!((stats.counters.inferences, stats.counters.trained, stats.lost), (choices, 19_999, 0));
    for state in 0..3 {
        assert_eq!(online.act_unmasked(&[f64::from(state)]).map(|choice| choice.action), Some(1));
    }
}

#[test]
fn what_it_believes_can_be_looked_at_state_by_state() {
    let config =
        AgentConfig { alpha: 0.5, initial: 0.25, bounds: vec![[0.0, 2.0]], ..AgentConfig::default() };
    let online = start(config, OnlineOptions::default());
    assert_eq!(online.known_states(10), Vec::<Vec<i64>>::new());
    for eid in 0..100 {
        assert!(online.learn(entry(eid)));
    }
    online.settle();
    let values = online.values_of(&[1.0]);
    assert!(values[1] > 0.9 && values[0] == 0.25, "{values:?}");
    let mut known = online.known_states(10);
    known.sort();
    assert_eq!(known, [[0], [1], [2]]);
    assert_eq!(online.known_states(2).len(), 2);
    assert!(online.values_of(&[1.0, 2.0]).is_empty(), "such states it has none");
}

#[test]
fn what_does_not_fit_is_lost_and_counted_and_a_batch_is_taken_as_a_whole_or_not() {
    let online = start(AgentConfig::default(), OnlineOptions { inbox: 4, ..OnlineOptions::default() });
    // While this is held nothing is trained.
    let training = online.shared.training.lock();
    let mut batch: Vec<Entry> = (0..3).map(entry).collect();
    assert_eq!(online.learn_all(&mut batch), Ok(()));
    assert!(batch.is_empty());
    let mut batch: Vec<Entry> = (3..5).map(entry).collect();
    assert_eq!(online.learn_all(&mut batch), Err(Full { free: 1, needed: 2 }));
    assert_eq!(batch.len(), 2);
    assert!(online.learn(entry(3)));
    assert!(!online.learn(entry(4)));
    drop(training);
    online.settle();
    let stats = online.stats();
    assert_eq!((stats.counters.episodes.received, stats.lost, stats.inbox), (4, 1, 0));
}

#[test]
fn what_waits_for_a_missing_experience_is_trained_when_nothing_else_comes() {
    let config = AgentConfig { entry_missing_max_seconds: 0.001, ..AgentConfig::default() };
    let online = start(config, OnlineOptions::default());
    for eid in [0, 2, 3] {
        online.learn(entry(eid));
    }
    until("the gap is closed", || online.stats().counters.trained == 1);
    assert_eq!(online.stats().counters.episodes.gaps, 1);
    assert!(online.shared.training.lock().changed, "the next checkpoint must have it");
}

#[test]
fn a_reset_forgets_what_was_learned_and_what_waits() {
    let online = start(AgentConfig::default(), OnlineOptions::default());
    (0..100).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    assert_eq!(online.stats().counters.states, 3);
    online.reset().expect("can be reset");
    let stats = online.stats();
    assert_eq!((stats.counters.trained, stats.counters.states, stats.counters.pending), (0, 0, 0));
    // And it goes on, from any number.
    (5_000..5_010).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    assert_eq!(online.stats().counters.trained, 9);
}

#[test]
fn stopping_trains_what_waits_and_writes_it_and_takes_nothing_more() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("agent.ckpt");
    let options = OnlineOptions { checkpoint: Some(path.clone()), ..OnlineOptions::default() };
    let online = start(AgentConfig::default(), options);
    (0..5_000).for_each(|eid| assert!(online.learn(entry(eid))));
    online.stop();
    assert!(!online.is_running());
    let written = Checkpoint::load(&path).expect("whole");
    assert_eq!(written.learner.counters().trained, 4_999);
    assert!(!online.learn(entry(5_000)));
    assert!(online.learn_all(&mut vec![entry(5_000)]).is_err());
    assert_eq!(online.stats().lost, 1);
}

#[test]
fn checkpoints_are_written_also_when_the_inbox_is_never_empty() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("agent.ckpt");
    let interval = Duration::from_millis(5);
    let options =
        OnlineOptions { checkpoint: Some(path), interval, inbox: 1_024, ..OnlineOptions::default() };
    let online = start(AgentConfig::default(), options);
    let mut eid = 0;
    until("three checkpoints under load", || {
        while online.learn(entry(eid)) {
            eid += 1;
        }
        online.stats().checkpoints >= 3
    });
}

#[test]
fn without_a_change_no_checkpoint_is_written() {
    let folder = tempdir().expect("a folder");
    let options = OnlineOptions {
        checkpoint: Some(folder.path().join("agent.ckpt")),
        interval: Duration::from_millis(1),
        ..OnlineOptions::default()
    };
    let online = start(AgentConfig::default(), options);
    online.act_unmasked(&[1.0]);
    until("the choice is in a checkpoint", || online.stats().checkpoints == 1);
    online.stop();
    assert_eq!(online.stats().checkpoints, 1);
}

#[test]
fn a_frozen_agent_acts_by_the_best_and_learns_nothing() {
    let config = AgentConfig { alpha: 0.5, ..AgentConfig::default() };
    let online = start(config, OnlineOptions::default());
    (0..100).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    online.freeze(true);
    for _ in 0..100 {
        let choice = online.act_unmasked(&[1.0]).expect("an action");
        assert_eq!((choice.action, choice.epsilon), (1, 0.0));
    }
    let before = online.stats().counters.trained;
    (100..200).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    assert_eq!(online.stats().counters.trained, before);
}

#[test]
fn a_state_of_another_length_than_declared_gets_no_action() {
    let features = vec![Feature { name: "running".into(), low: 0.0, high: 4.0 }];
    let space = StateSpace { encoder: "loads".into(), features };
    let learner = Learner::new(AgentConfig::default(), Some(space), 7).expect("valid");
    let online = Online::start(Checkpoint { learner, peers: Vec::new() }, OnlineOptions::default());
    let online = online.expect("starts");
    assert!(online.act_unmasked(&[1.0]).is_some());
    assert!(online.act_unmasked(&[1.0, 2.0]).is_none());
    assert!(online.act(&Observation { state: Vec::new(), mask: vec![true] }).is_none());
}

#[test]
fn a_restored_agent_goes_on_from_the_checkpoint() {
    let online = start(AgentConfig::default(), OnlineOptions::default());
    (0..100).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    let checkpoint = online.checkpoint();
    (100..200).for_each(|eid| assert!(online.learn(entry(eid))));
    online.settle();
    online.restore(checkpoint.clone()).expect("the same peers");
    assert!(online.checkpoint().to_bytes() == checkpoint.to_bytes());
}

fn in_a_node(peers: &[&str]) -> Arc<Online> {
    let mut learner = Learner::new(AgentConfig::default(), None, 7).expect("valid");
    learner.expect(1_000, 100, Duration::from_secs(30));
    let peers = peers.iter().map(ToString::to_string).collect();
    Online::start(Checkpoint { learner, peers }, OnlineOptions::default()).expect("starts")
}

fn trained(online: &Online) -> u64 {
    online.settle();
    online.stats().counters.trained
}

#[test]
fn in_a_node_an_agent_that_is_brought_learns_from_the_nodes_next_experience_on() {
    let other = start(AgentConfig::default(), OnlineOptions::default());
    (5_000_000..5_000_100).for_each(|eid| assert!(other.learn(entry(eid))));
    other.settle();
    let online = in_a_node(&["b", "c"]);
    (1_000..1_010).for_each(|eid| assert!(online.learn(entry(eid))));
    assert_eq!(trained(&online), 9);
    online.restore(other.checkpoint()).expect("it names no peers");
    assert_eq!(trained(&online), 99);
    (1_010..1_020).for_each(|eid| assert!(online.learn(entry(eid))));
    assert_eq!(trained(&online), 108);
    assert_eq!(online.peers(), ["b", "c"]);
    // What belongs to other peers is refused.
    let elsewhere = in_a_node(&["b", "d"]).checkpoint();
    let refused = online.restore(elsewhere).expect_err("other peers");
    assert_eq!((refused.found, refused.known), (vec!["b".into(), "d".into()], vec!["b".into(), "c".into()]));
    assert_eq!(trained(&online), 108);
}

#[test]
fn out_of_a_node_an_agent_from_one_learns_from_whichever_numbers_come() {
    let node = in_a_node(&["b"]);
    (1_000..1_010).for_each(|eid| assert!(node.learn(entry(eid))));
    node.settle();
    let online = start(AgentConfig::default(), OnlineOptions::default());
    online.restore(node.checkpoint()).expect("any peers");
    // The last one of the node is trained as the end of its stream.
    let before = trained(&online);
    online.learn_all(&mut (3..20).map(entry).collect()).expect("room");
    assert_eq!(trained(&online), before + 16);
    assert_eq!(online.stats().counters.episodes.late, 0);
}

#[test]
fn in_a_node_others_bring_nothing_new_whatever_their_numbers_and_also_after_a_reset() {
    let online = in_a_node(&[]);
    for round in 0..2 {
        let first = 1_000 + round * 10;
        for eid in first..first + 10 {
            assert!(online.learn(entry(eid)));
            online.learn_all(&mut vec![entry(5), entry(eid), entry(eid + 1), entry(u64::MAX)]).expect("room");
        }
        assert_eq!(trained(&online), 9);
        let counts = online.stats().counters.episodes;
        assert_eq!((counts.restarts, counts.gaps), (0, 0), "{counts:?}");
        online.reset().expect("forgets");
    }
}

#[test]
fn a_node_that_was_silent_for_long_is_heard_again() {
    let online = in_a_node(&[]);
    let late = 1_000 + 2 * crate::episodes::MAX_DISTANCE;
    (late..late + 10).for_each(|eid| assert!(online.learn(entry(eid))));
    assert_eq!(trained(&online), 9);
}

#[test]
fn experiences_of_another_states_length_are_not_trained() {
    let online = in_a_node(&[]);
    let space = |names: &[&str]| StateSpace {
        encoder: names.join("+"),
        features: names.iter().map(|name| Feature { name: name.to_string(), low: 0.0, high: 1.0 }).collect(),
    };
    online.adopt(space(&["load"])).expect("nothing learned yet");
    let two = Entry { state: State::from_slice(&[1.0, 2.0]), ..entry(1_001) };
    online.learn(entry(1_000));
    online.learn(two);
    online.learn(entry(1_002));
    online.learn(entry(1_003));
    // 1000 has no successor of its kind; 1002 has one.
    assert_eq!(trained(&online), 1);
    assert!(online.adopt(space(&["load", "rate"])).is_err());
    online.reset().expect("forgets");
    online.adopt(space(&["load", "rate"])).expect("nothing learned any more");
}

#[test]
fn a_frozen_choice_among_equals_tells_its_probability() {
    let online = start(AgentConfig { actions_n: 4, ..AgentConfig::default() }, OnlineOptions::default());
    online.freeze(true);
    let observation = Observation { state: vec![0.0], mask: vec![true, true, false, true] };
    let choice = online.act(&observation).expect("a choice");
    assert!(
        choice.probability.is_some_and(|probability| (probability - 1.0 / 3.0).abs() < 1e-12),
        "{choice:?}"
    );
}
