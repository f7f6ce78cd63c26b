//! The threads around the online agent in many orders, drawn by shuttle, which finds it when nobody can go on.

mod locks;
// The very source of the agent once more, with other locks; not all of it is called here.
#[allow(dead_code, clippy::duplicate_mod)]
mod planted;
#[allow(dead_code, clippy::duplicate_mod)]
mod sound;
pub(crate) mod threads;

use std::sync::Arc;

use p2pfaas_core::agent::{Feature, StateSpace};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::thread;
use shuttle::{Config, Runner};

use crate::checkpoint::Checkpoint;
use crate::config::AgentConfig;
use crate::entry::{Entry, Mask, State};
use crate::learner::Learner;

/// Orders tried of each kind: each step drawn, and threads with priorities that change at few places.
const ORDERS: usize = 300;
const CHANGES: usize = 3;

fn in_many_orders(threads: impl Fn() + Send + Sync + Clone + 'static) {
    // An agent needs more than the few kilobytes that a thread has here.
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    Runner::new(RandomScheduler::new_from_seed(1, ORDERS), config.clone()).run(threads.clone());
    Runner::new(PctScheduler::new_from_seed(2, CHANGES, ORDERS), config).run(threads);
}

fn entry(eid: u64) -> Entry {
    let (state, reward) = (State::from_slice(&[(eid % 3) as f64]), Some(1.0));
    Entry { eid, state, mask: Mask::new(), action: 1, epsilon: 0.1, reward, terminal: false }
}

fn checkpoint() -> Checkpoint {
    let learner = Learner::new(AgentConfig::default(), None, 7).expect("valid");
    Checkpoint { learner, peers: Vec::new() }
}

fn space(name: &str) -> StateSpace {
    StateSpace { encoder: name.into(), features: vec![Feature { name: name.into(), low: 0.0, high: 4.0 }] }
}

/// An agent of one of the two copies, with so many places in its inbox.
macro_rules! start {
    ($copy:ident, $inbox:expr) => {{
        let options = $copy::online::OnlineOptions { inbox: $inbox, ..Default::default() };
        $copy::online::Online::start(checkpoint(), options).expect("starts")
    }};
}

/// Two bring experiences, and each of them waits until its own are trained.
macro_rules! two_bring_and_wait {
    ($copy:ident) => {
        || {
            let online = start!($copy, 16);
            let bring = |eids: std::ops::Range<u64>| {
                let online = Arc::clone(&online);
                thread::spawn(move || {
                    let count = eids.end - eids.start;
                    eids.for_each(|eid| assert!(online.learn(entry(eid))));
                    online.settle();
                    assert!(online.stats().counters.episodes.received >= count);
                })
            };
            let bringing = [bring(0..2), bring(2..4)];
            assert!(online.act_unmasked(&[1.0]).is_some());
            bringing.into_iter().for_each(|thread| thread.join().expect("ends"));
            online.settle();
            let stats = online.stats();
            assert_eq!((stats.counters.episodes.received, stats.inbox, stats.lost), (4, 0, 0));
            online.stop();
        }
    };
}

#[test]
fn who_waits_until_all_is_trained_waits_for_all_and_not_for_ever() {
    in_many_orders(two_bring_and_wait!(sound));
}

#[test]
fn who_has_waited_until_all_is_trained_acts_by_it() {
    in_many_orders(|| {
        let online = start!(sound, 16);
        // The first is trained when its successor is there.
        (0..2).for_each(|eid| assert!(online.learn(entry(eid))));
        online.settle();
        online.freeze(true);
        let choice = online.act_unmasked(&[0.0]).expect("an action");
        assert_eq!((choice.action, choice.probability), (1, Some(1.0)));
        online.stop();
    });
}

#[test]
fn an_agent_that_lets_go_of_a_lock_before_it_listens_is_found_out() {
    let found = std::panic::catch_unwind(|| in_many_orders(two_bring_and_wait!(planted)));
    let message = found.expect_err("nobody noticed");
    let text = message.downcast_ref::<String>().map_or("", String::as_str);
    assert!(text.contains("deadlock"), "{text}");
}

#[test]
fn whatever_is_taken_is_trained_and_what_is_not_is_counted_also_when_it_is_stopped_meanwhile() {
    in_many_orders(|| {
        let online = start!(sound, 2);
        let bring = |eid: u64| {
            let online = Arc::clone(&online);
            thread::spawn(move || {
                let alone = online.learn(entry(eid));
                let mut batch = vec![entry(eid + 1), entry(eid + 2)];
                let count = batch.len() as u64;
                let together = online.learn_all(&mut batch).is_ok();
                if !together {
                    online.count_lost(count);
                }
                u64::from(alone) + if together { count } else { 0 }
            })
        };
        let bringing = [bring(0), bring(3)];
        online.stop();
        let taken: u64 = bringing.map(|thread| thread.join().expect("ends")).iter().sum();
        let stats = online.stats();
        assert_eq!(online.handed_over_and_lost(), (taken, 6 - taken));
        assert_eq!((stats.counters.episodes.received, stats.inbox), (taken, 0));
        assert!(!online.learn(entry(6)), "it has been stopped");
    });
}

#[test]
fn nobody_waits_for_ever_when_the_agent_is_changed_read_and_trained_at_once() {
    let file = tempfile::tempdir().expect("a folder");
    let path = file.path().join("agent.ckpt");
    in_many_orders(move || {
        let options = sound::online::OnlineOptions { checkpoint: Some(path.clone()), ..Default::default() };
        let online = sound::online::Online::start(checkpoint(), options).expect("starts");
        let at_once = |work: fn(&sound::online::Online)| {
            let online = Arc::clone(&online);
            thread::spawn(move || work(&online))
        };
        let threads = [
            at_once(|online| {
                online.learn(entry(0));
                online.settle();
                online.save().expect("written");
            }),
            at_once(|online| {
                online.set_peers(vec!["b".into()]);
                online.reset().expect("valid");
                online.set_config(AgentConfig::default()).expect("valid");
            }),
            at_once(|online| {
                online.freeze(true);
                let _ = online.adopt(space("load"));
                online.freeze(false);
                let agent = online.checkpoint();
                let _ = online.restore(agent);
            }),
        ];
        threads.into_iter().for_each(|thread| thread.join().expect("ends"));
        online.stop();
        assert_eq!(online.stats().inbox, 0);
    });
}
