//! What a job is worth, here and at peers, and where it goes by that.

use p2pfaas_core::offers::{Offer, Question};
use p2pfaas_core::*;

use crate::fixture::*;

fn due_in(millis: u64) -> Arrival {
    Arrival { deadline: Some(ms(millis)), ..client() }
}

/// A node with one slot whose jobs have taken 100 ms, one after the other.
fn seen_100_ms(policy: &str, queue: u32) -> Rig {
    let mut rig = Rig::sized(policy, 1, queue).among(&["a", "b"]);
    for _ in 0..200 {
        let (job, _) = rig.arrive(Arrival { policy: PolicyChoice::Bypass, ..due_in(250) });
        rig.pass(ms(100));
        rig.executed(job);
    }
    rig
}

fn offered(rig: &mut Rig, job: JobKey, peer: &str, in_time: f32, price: f32) -> Vec<Effect> {
    let offer = Some(Offer { in_time, price });
    let peer = rig.peer(peer);
    rig.tell(Event::Probed { job, peer, load: load(1, 0), offer, node: None })
}

#[test]
fn a_job_that_is_worth_enough_here_stays_and_nobody_is_asked() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    let (job, effects) = rig.arrive(due_in(250));
    assert_eq!(effects, [Effect::Execute { job }]);
    let mut rig = seen_100_ms("OfferScheduler 2 enough=1", 4);
    let (_, effects) = rig.arrive(due_in(250));
    assert_eq!(probed(&effects).len(), 2);
}

#[test]
fn peers_are_asked_about_the_job_with_the_time_that_the_way_leaves() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    rig.load_up_to(3);
    let question = |effects: &[Effect], wanted: PeerId| {
        let mut asked = effects.iter().filter_map(|effect| match effect {
            Effect::Probe { peer, question, .. } if *peer == wanted => *question,
            _ => None,
        });
        asked.next().expect("asked")
    };
    let arrival = Arrival { task_type: 3, ..due_in(250) };
    let (job, effects) = rig.arrive(arrival.clone());
    let a = rig.peer("a");
    let first = Question { function: FunctionId(0), task_type: 3, time_left: Some(ms(250)) };
    assert_eq!(question(&effects, a), first, "how long the way is nobody knows yet");
    rig.pass(ms(20));
    offered(&mut rig, job, "a", 0.9, 0.0);
    let (_, effects) = rig.arrive(arrival);
    // Probe and forward, 20 ms each.
    assert_eq!(question(&effects, a).time_left, Some(ms(210)));
}

#[test]
fn a_job_goes_where_it_is_worth_most_with_the_load_that_was_told() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    rig.load_up_to(3);
    let (job, _) = rig.arrive(due_in(250));
    assert_eq!(offered(&mut rig, job, "a", 0.9, 0.6), []);
    let effects = offered(&mut rig, job, "b", 0.8, 0.1);
    assert_eq!(forwarded_to(&effects), Some(rig.peer("b")), "{effects:?}");
    assert!(matches!(&effects[..], [Effect::Forward { forward, .. }] if forward.told == Some(1)));
}

#[test]
fn a_job_that_is_worth_nothing_anywhere_is_rejected() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    rig.load_up_to(3);
    let (job, _) = rig.arrive(due_in(50));
    offered(&mut rig, job, "a", 0.3, 0.4);
    let effects = offered(&mut rig, job, "b", 0.0, 0.0);
    assert_eq!(outcomes(&effects), [(job, Outcome::Rejected)]);
}

#[test]
fn a_job_without_a_deadline_is_never_rejected() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    rig.load_up_to(3);
    let (job, _) = rig.arrive(client());
    offered(&mut rig, job, "a", 0.3, 9.0);
    assert_eq!(outcomes(&offered(&mut rig, job, "b", 1.0, 9.0)), []);
}

#[test]
fn a_policy_that_deals_in_no_offers_drops_nothing_for_its_worth() {
    let mut rig = seen_100_ms("OfferScheduler 0", 4);
    rig.node.set_policy(policy("NoScheduler false"));
    let (first, _) = rig.arrive(client());
    let (late, _) = rig.arrive(due_in(250));
    rig.arrive(client());
    rig.pass(ms(245));
    assert!(rig.executed(first).contains(&Effect::Execute { job: late }));
}

#[test]
fn a_peer_without_an_offer_counts_as_a_node_like_this_one() {
    let mut rig = seen_100_ms("OfferScheduler 2", 4);
    rig.load_up_to(3);
    let (job, _) = rig.arrive(due_in(250));
    rig.replied(job, "b", None);
    let effects = rig.replied(job, "a", Some(PeerLoad { running: 0, queued: 0, slots: 1 }));
    assert_eq!(forwarded_to(&effects), Some(rig.peer("a")), "{effects:?}");
}

#[test]
fn a_job_whose_turn_comes_too_late_to_be_worth_its_slot_is_dropped_then() {
    let mut rig = seen_100_ms("OfferScheduler 0", 4);
    let (first, _) = rig.arrive(client());
    let (late, effects) = rig.arrive(due_in(250));
    assert_eq!(effects, [], "it waits");
    let (next, _) = rig.arrive(client());
    rig.pass(ms(245));
    let effects = rig.executed(first);
    assert!(outcomes(&effects).contains(&(late, Outcome::Dropped)), "{effects:?}");
    assert!(effects.contains(&Effect::Execute { job: next }), "{effects:?}");
}

#[test]
fn a_node_makes_offers_only_where_its_policy_deals_in_them() {
    let question = Question { function: FunctionId(0), task_type: 0, time_left: Some(ms(250)) };
    let at = |running| PeerLoad { running, queued: 0, slots: 1 };
    let rig = seen_100_ms("PowerOfNScheduler 1 2 true 1", 0);
    assert_eq!(rig.node.offer(&question, at(0)), None);
    let mut rig = seen_100_ms("OfferScheduler 1", 0);
    assert!(rig.node.offer(&question, at(0)).is_some_and(|offer| offer.in_time > 0.9));
    assert_eq!(rig.node.offer(&question, at(1)), None, "no room");
    let kept = rig.node.offer(&question, at(0));
    rig.node.set_policy(policy("NoScheduler false"));
    assert_eq!(rig.node.offer(&question, at(0)), None, "not under another policy");
    rig.node.set_policy(policy("OfferScheduler 2"));
    assert_eq!(rig.node.offer(&question, at(0)), kept, "what it knows it keeps");
}

#[test]
fn the_parameters_are_read_and_told_as_they_are() {
    for words in ["OfferScheduler 3", "OfferScheduler 5 enough=0.25"] {
        assert_eq!(policy(words).descriptor(), descriptor(words));
    }
    let registry = p2pfaas_core::policy::Registry::builtin();
    assert!(registry.build(&descriptor("OfferScheduler 3 enough=plenty")).is_err());
}
