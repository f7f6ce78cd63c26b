//! Where a job may go: hops, paths, ids, suspicion, peers that come and go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use p2pfaas_core::policy::{Decision, Descriptor, Policy, ProbeReply, Rng, Situation};
use p2pfaas_core::*;

use crate::fixture::*;

fn refused(rig: &mut Rig, arrival: Arrival) -> bool {
    let (job, effects) = rig.arrive(arrival);
    effects == [Effect::Execute { job }]
}

#[test]
fn a_forward_tells_hops_path_type_and_the_time_that_is_left() {
    let mut rig = Rig::new("PowerOfNScheduler 1 0 true 9").among(&["a"]);
    rig.load_up_to(1);
    let arrival = Arrival { task_type: 3, deadline: Some(ms(100)), ..from_ours(None, 2, &["x", "y"], 7) };
    let (job, _) = rig.arrive(arrival);
    rig.pass(ms(40));
    let forward = Forward {
        peer: rig.peer("a"),
        id: JobId { origin: named("x"), number: 7 },
        hops: 3,
        visited: [named("x"), named("y"), me()].into_iter().collect(),
        task_type: 3,
        deadline: Some(ms(60)),
        told: Some(0),
    };
    assert_eq!(rig.replied(job, "a", load(0, 0)), [Effect::Forward { job, forward }]);
}

#[test]
fn a_job_goes_neither_to_where_it_was_nor_to_its_sender_nor_to_this_node() {
    let mut rig = Rig::new("ForwardScheduler 9").among(&["me", "s", "v", "free"]);
    let (sender, free) = (Some(rig.peer("s")), rig.peer("free"));
    for number in 0..50 {
        let (_, effects) = rig.arrive(from_ours(sender, 1, &["v"], number));
        assert_eq!(forwarded_to(&effects), Some(free));
    }
    let mut rig = Rig::new("ForwardScheduler 9").among(&["me", "v"]);
    assert!(refused(&mut rig, from_ours(None, 1, &["v"], 50)));
}

#[test]
fn a_job_that_comes_back_because_somebody_took_this_node_for_another_one_ends_here() {
    let mut rig =
        Rig::with("ForwardScheduler 9", "NoScheduler false", |config| config.forwarded_ids = 0).among(&["a"]);
    assert!(!refused(&mut rig, from_ours(None, 2, &["x", "y"], 1)));
    assert!(
        refused(&mut rig, from_ours(None, 2, &["me", "y"], 2)),
        "nobody remembers ids, the path is enough"
    );
    assert_eq!(rig.node.counters().forwards_refused, 1);
}

#[test]
fn the_nodes_own_bound_of_hops_counts_whatever_the_policy_says() {
    let mut rig = Rig::with("ForwardScheduler 99", "NoScheduler false", |config| config.max_hops = 2);
    rig.tell(ours(&["a"]));
    assert!(!refused(&mut rig, from_ours(None, 1, &["x"], 1)));
    assert!(refused(&mut rig, from_ours(None, 2, &["x"], 2)));
    assert_eq!(rig.node.counters().forwards_refused, 1);
}

#[test]
fn a_hop_count_of_zero_from_a_peer_is_one() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    assert!(refused(&mut rig, from_ours(None, 0, &["x"], 1)));
    let source = Source::ForeignPeer { sender: None, hops: 0 };
    assert!(refused(
        &mut rig,
        Arrival { source, id: Some(JobId { origin: named("x"), number: 2 }), ..client() }
    ));
}

#[test]
fn an_id_is_passed_on_once_and_a_job_that_comes_back_runs_here() {
    let mut rig = Rig::sized("ForwardScheduler 9", 9, 0).among(&["a", "b"]);
    let id = JobId { origin: named("x"), number: 3 };
    assert!(!refused(&mut rig, from_old(None, Some(id))));
    assert!(refused(&mut rig, from_old(None, Some(id))));
    assert!(refused(&mut rig, from_ours(None, 1, &["x"], 3)));

    let (_, effects) = rig.arrive(client());
    let [Effect::Forward { forward, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert!(refused(&mut rig, from_old(None, Some(forward.id))), "our own job, sent back by an old peer");
    assert_eq!(rig.node.counters().forwards_refused, 3);
}

#[test]
fn a_job_that_the_same_node_brings_twice_is_refused_and_counted() {
    let mut rig = Rig::new("NoScheduler true").among(&["x", "y"]);
    let (first, effects) = rig.arrive(from_ours(None, 1, &["x"], 3));
    assert_eq!(effects, [Effect::Execute { job: first }]);
    for _ in 0..2 {
        // Under way, and then long over.
        let (again, effects) = rig.arrive(from_ours(None, 1, &["x"], 3));
        assert_eq!(outcomes(&effects), [(again, Outcome::Failed(Failure::Repeated))]);
        rig.executed(first);
    }
    assert_eq!((rig.node.counters().repeated, rig.node.counters().failed), (2, 2));
    // By another way it is not the same message, and other jobs are other jobs.
    for other in [from_ours(None, 2, &["x", "y"], 3), from_ours(None, 1, &["x"], 4)] {
        assert!(refused(&mut rig, other), "it runs here");
    }
    // Of old peers nobody knows who has had a job before.
    let id = Some(JobId { origin: named("x"), number: 5 });
    for _ in 0..2 {
        let (job, effects) = rig.arrive(from_old(None, id));
        assert_eq!(effects, [Effect::Execute { job }]);
        rig.executed(job);
    }
}

#[test]
fn jobs_that_were_brought_are_remembered_up_to_their_bound() {
    let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| config.taken_ids = 2);
    let mut runs = |number| {
        let (job, effects) = rig.arrive(from_ours(None, 1, &["x"], number));
        rig.executed(job);
        effects == [Effect::Execute { job }]
    };
    assert!(runs(1) && runs(2) && !runs(1) && !runs(2) && runs(3));
    assert!(runs(1), "the oldest is forgotten");
    assert!(!runs(3) && !runs(1));
    assert_eq!(rig.node.tables().taken_ids, 2);
}

#[test]
fn a_job_of_an_old_peer_without_an_id_is_not_passed_on() {
    let mut rig = Rig::new("ForwardScheduler 9").among(&["a"]);
    assert!(refused(&mut rig, from_old(None, None)));
}

#[test]
fn forwarded_ids_are_remembered_up_to_their_bound() {
    let mut rig = Rig::with("ForwardScheduler 9", "NoScheduler false", |config| config.forwarded_ids = 2);
    rig.tell(ours(&["a"]));
    let from_x = |number| from_old(None, Some(JobId { origin: named("x"), number }));
    for number in [1, 2] {
        assert!(!refused(&mut rig, from_x(number)));
    }
    assert!(refused(&mut rig, from_x(1)));
    assert!(!refused(&mut rig, from_x(3)));
    assert!(!refused(&mut rig, from_x(1)), "the oldest is forgotten");
    assert!(refused(&mut rig, from_x(3)));
}

#[test]
fn a_peer_that_failed_is_left_alone_for_a_while() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let (job, _) = rig.arrive(client());
    let answer = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NoAnswer });
    assert_eq!(outcomes(&answer), [(job, Outcome::Failed(Failure::Forward))]);
    assert_eq!(rig.node.counters().forwards_failed, 1);
    assert!(refused(&mut rig, client()));
    rig.pass(defaults::SUSPICION);
    assert!(!refused(&mut rig, client()));
}

#[test]
fn an_answer_that_is_a_refusal_is_passed_on_and_makes_nobody_suspect() {
    let answers = [
        (ForwardAnswer::Served, Outcome::Served),
        (ForwardAnswer::Dropped, Outcome::Dropped),
        (ForwardAnswer::Rejected, Outcome::Rejected),
        (ForwardAnswer::FunctionFailed, Outcome::Failed(Failure::Function)),
    ];
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    for (answer, outcome) in answers {
        let (job, effects) = rig.arrive(client());
        assert_eq!(forwarded_to(&effects), Some(rig.peer("a")));
        assert_eq!(outcomes(&rig.tell(Event::Forwarded { job, answer })), [(job, outcome)]);
    }
}

#[test]
fn a_peer_that_has_not_answered_when_the_job_is_over_is_left_alone_for_a_while() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let (job, _) = rig.arrive(client());
    rig.pass(defaults::JOB_TIMEOUT);
    assert_eq!(outcomes(&rig.tell(Event::Wake)), [(job, Outcome::Failed(Failure::TimedOut))]);
    assert_eq!(rig.node.counters().forwards_failed, 1);
    assert!(refused(&mut rig, client()));
}

#[test]
fn a_peer_that_fails_again_and_again_is_left_alone_for_longer_until_something_goes_right() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let fails = |rig: &mut Rig, jobs: usize| {
        let jobs: Vec<_> = (0..jobs).map(|_| rig.arrive(client()).0).collect();
        for job in jobs {
            rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NoAnswer });
        }
    };
    // Three jobs that are out there together see one breakdown.
    let mut span = defaults::SUSPICION;
    for _ in 0..8 {
        fails(&mut rig, 3);
        rig.pass(span - Duration::from_millis(1));
        let (job, effects) = rig.arrive(client());
        assert_eq!(effects, [Effect::Execute { job }], "{span:?}");
        rig.tell(Event::Executed { job, success: true });
        rig.pass(Duration::from_millis(1));
        span = (span * 2).min(defaults::MAX_SUSPICION);
    }
    assert_eq!(span, defaults::MAX_SUSPICION);
    let (job, effects) = rig.arrive(client());
    assert_eq!(forwarded_to(&effects), Some(rig.peer("a")));
    rig.tell(Event::Forwarded { job, answer: ForwardAnswer::Served });
    fails(&mut rig, 1);
    rig.pass(defaults::SUSPICION);
    assert!(!refused(&mut rig, client()), "as after the first one");
}

#[test]
fn a_job_that_a_peer_turns_away_runs_here() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let (job, _) = rig.arrive(client());
    let answer = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotTaken });
    assert_eq!(answer, [Effect::Execute { job }]);
}

#[test]
fn a_job_whose_peer_could_not_be_reached_goes_to_another_peer_and_after_that_runs_here() {
    let mut rig = Rig::with("ForwardScheduler 1", "NoScheduler false", |config| config.suspicion = ms(0))
        .among(&["a", "b", "c"]);
    for _ in 0..20 {
        rig.pass(Duration::from_secs(9));
        let (job, effects) = rig.arrive(client());
        let first = forwarded_to(&effects);
        let effects = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotReached });
        let second = forwarded_to(&effects);
        assert!(second.is_some() && second != first, "{effects:?}");
        let effects = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotReached });
        assert_eq!(effects, [Effect::Execute { job }], "it is not sent around for ever");
        rig.executed(job);
    }
    let counters = rig.node.counters();
    assert_eq!((counters.retries, counters.forwards_failed, counters.served), (40, 40, 20), "{counters:?}");
}

#[test]
fn a_peers_job_that_reached_nobody_runs_here_and_an_unreached_peer_is_left_alone() {
    let mut rig = Rig::new("ForwardScheduler 9").among(&["a", "b"]);
    let (job, effects) = rig.arrive(from_ours(None, 1, &["x"], 1));
    let first = forwarded_to(&effects);
    let effects = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotReached });
    assert_eq!(effects, [Effect::Execute { job }], "its id has been passed on once");
    for number in 2..22 {
        let (_, effects) = rig.arrive(from_ours(None, 1, &["x"], number));
        assert!(forwarded_to(&effects).is_some_and(|peer| Some(peer) != first), "{effects:?}");
    }
}

#[test]
fn where_too_much_has_been_tried_again_a_job_that_reached_nobody_fails() {
    let failing = |percent, suspicion| {
        let mut rig = Rig::with("ForwardScheduler 1", "NoScheduler false", |config| {
            (config.retry_percent, config.suspicion) = (percent, suspicion);
        })
        .among(&["a"]);
        let failed = (0..100).filter(|_| {
            let (job, effects) = rig.arrive(client());
            assert!(forwarded_to(&effects).is_some());
            let effects = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotReached });
            let failed = outcomes(&effects) == [(job, Outcome::Failed(Failure::Forward))];
            assert!(failed || effects == [Effect::Execute { job }], "{effects:?}");
            rig.executed(job);
            failed
        });
        let failed = failed.count() as u64;
        let counters = rig.node.counters();
        assert_eq!((counters.retries, counters.retries_refused), (100 - failed, failed));
        failed
    };
    assert_eq!(failing(0, ms(0)), 100);
    // Ten at once, and a fifth of those that come after them; each forward pays its share before it fails.
    assert_eq!(failing(20, ms(0)), 70 + 1);
    assert_eq!(failing(100, ms(0)), 0);
}

/// Jobs of a function, which the peer `a` answers like this and the others with success. How many went to `a`.
fn went_to_a(rig: &mut Rig, function: u32, jobs: u32, answer: ForwardAnswer) -> usize {
    let a = rig.peer("a");
    let went = (0..jobs).filter(|_| {
        let (job, effects) = rig.arrive(Arrival::from_client(FunctionId(function)));
        let there = forwarded_to(&effects).expect("a forward") == a;
        rig.tell(Event::Forwarded { job, answer: if there { answer } else { ForwardAnswer::Served } });
        there
    });
    went.count()
}

#[test]
fn a_function_that_keeps_failing_at_one_peer_goes_to_the_others_and_other_functions_still_go_there() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a", "b", "c"]);
    // That the requests are wrong is not the peer's fault.
    assert!(went_to_a(&mut rig, 7, 100, ForwardAnswer::FunctionRefused) > 20);
    assert_eq!(rig.node.counters().ejections, 0);
    let there = went_to_a(&mut rig, 7, 300, ForwardAnswer::FunctionFailed);
    assert!((5..10).contains(&there) && rig.node.counters().ejections == 1, "{there}");
    assert!(went_to_a(&mut rig, 8, 100, ForwardAnswer::Served) > 20, "another function");
    assert_eq!(went_to_a(&mut rig, 7, 100, ForwardAnswer::Served), 0);
    rig.pass(defaults::EJECTION);
    assert!(went_to_a(&mut rig, 7, 100, ForwardAnswer::Served) > 20);
    assert!(rig.node.tables().outliers <= 3);
}

#[test]
fn a_function_that_never_answers_at_one_peer_goes_to_the_others() {
    let mut rig = Rig::with("ForwardScheduler 1", "NoScheduler false", |config| config.suspicion = ms(0))
        .among(&["a", "b", "c"]);
    let bad = rig.peer("a");
    for _ in 0..200 {
        let (job, effects) = rig.arrive(client());
        if forwarded_to(&effects) == Some(bad) {
            assert_eq!(rig.node.counters().ejections, 0, "it is out");
            rig.wake_after(defaults::JOB_TIMEOUT);
        } else {
            rig.tell(Event::Forwarded { job, answer: ForwardAnswer::Served });
        }
    }
    assert_eq!(rig.node.counters().ejections, 1);
}

#[test]
fn a_learners_choice_that_reached_nobody_runs_here_and_is_rewarded_once() {
    let mut rig = Rig::new("LearningScheduler 1").among(&["a", "b"]);
    let (job, _) = rig.arrive(client());
    assert!(forwarded_to(&rig.acted(job, Some(3))).is_some());
    let effects = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::NotReached });
    assert_eq!(effects, [Effect::Execute { job }]);
    assert_eq!(learned(&rig.executed(job)), [(0, Some(1.0))]);
}

#[test]
fn a_peer_that_goes_while_it_is_probed_gets_no_job() {
    let mut rig = Rig::new("PowerOfNScheduler 1 1 true 1").among(&["a"]);
    rig.load_up_to(1);
    let (job, _) = rig.arrive(client());
    rig.tell(ours(&[]));
    assert_eq!(rig.replied(job, "a", load(0, 0)), [Effect::Execute { job }]);
    assert_eq!(rig.node.counters().forwards_refused, 1);
}

#[test]
fn a_probe_reply_tells_who_a_peer_is() {
    let mut rig = Rig::new("PowerOfNScheduler 1 1 true 9");
    rig.tell(Event::SetPeers(vec![("10.0.0.2:18080".into(), None)]));
    rig.load_up_to(1);
    assert!(
        probed(&rig.arrive(from_ours(None, 1, &["x"], 1)).1).is_empty(),
        "it may be one that it has visited"
    );
    let (job, effects) = rig.arrive(client());
    let [peer] = probed(&effects)[..] else { panic!("{effects:?}") };
    rig.tell(Event::Probed { job, peer, load: load(9, 9), offer: None, node: Some(named("y")) });
    assert_eq!(probed(&rig.arrive(from_ours(None, 1, &["x"], 2)).1), [peer]);
    assert!(probed(&rig.arrive(from_ours(None, 1, &["y"], 3)).1).is_empty());
}

/// Probes all peers, and again; keeps the round-trip times of the first of them.
struct ProbesTwice(Arc<Mutex<Vec<Duration>>>);

impl Policy for ProbesTwice {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("ProbesTwice", [])
    }
    fn arrived(&mut self, situation: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        Decision::Probe(situation.peers.iter().collect())
    }
    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], _: &mut dyn Rng) -> Decision {
        let mut times = self.0.lock().expect("nobody panics with it");
        times.push(replies[0].round_trip);
        match times.len() {
            1 => Decision::Probe(situation.peers.iter().collect()),
            _ => Decision::Local,
        }
    }
}

#[test]
fn each_round_of_probes_is_timed_from_its_own_start() {
    let mut rig = Rig::new("NoScheduler false").among(&["a"]);
    let times = Arc::new(Mutex::new(Vec::new()));
    rig.node.set_policy(Box::new(ProbesTwice(Arc::clone(&times))));
    let (job, _) = rig.arrive(client());
    for millis in [40, 7] {
        rig.pass(ms(millis));
        rig.replied(job, "a", load(0, 0));
    }
    assert_eq!(*times.lock().expect("nobody panics with it"), [ms(40), ms(7)]);
}

#[test]
fn no_policy_sends_or_probes_a_peer_that_its_fellows_suspect() {
    for policy in
        ["ForwardScheduler 1", "PowerOfNScheduler 2 0 true 1", "PowerOfNSchedulerTau 2 0 true 1 10ms"]
    {
        let mut rig = Rig::new(policy).among(&["a", "b"]);
        let (a, b) = (rig.peer("a"), rig.peer("b"));
        rig.tell(Event::Suspected { peer: a, suspected: true });
        let (_, effects) = rig.arrive(client());
        let asked: Vec<_> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Probe { peer, .. } => Some(*peer),
                Effect::Forward { forward, .. } => Some(forward.peer),
                _ => None,
            })
            .collect();
        assert_eq!(asked, [b], "{policy}");
    }
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let peer = rig.peer("a");
    rig.tell(Event::Suspected { peer, suspected: true });
    assert!(refused(&mut rig, client()));
    rig.tell(Event::Suspected { peer, suspected: false });
    assert!(!refused(&mut rig, client()));
}
