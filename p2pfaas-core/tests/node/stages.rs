//! The stages of a job and their ends: time-outs, timings, a policy that changes on the way.

use std::time::Duration;

use p2pfaas_core::policy::{Decision, Descriptor, Policy, ProbeReply, Rng, Situation};
use p2pfaas_core::*;

use crate::fixture::*;

const LONG: Duration = Duration::from_secs(60);

/// A node where every stage lasts longer than the job may, with one slot and one peer.
fn slow(policy: &str) -> Rig {
    Rig::with(policy, "NoScheduler false", |config| {
        config.capacity = Capacity { slots: 1, queue: 1 };
        config.job_timeout = Some(ms(100));
        config.probe_timeout = LONG;
        config.ask_timeout = LONG;
    })
    .among(&["a"])
}

fn times_out(rig: &mut Rig, job: JobKey, abandoned: bool) {
    assert_eq!(rig.wake_after(ms(99)), [], "not before its time");
    let effects = rig.wake_after(ms(1));
    assert_eq!(outcomes(&effects), [(job, Outcome::Failed(Failure::TimedOut))]);
    assert_eq!(effects[0] == Effect::Abandon { job }, abandoned);
    assert_eq!(rig.node.jobs_under_way(), 0);
    assert_eq!(rig.node.slots().load(), 0);
}

#[test]
fn a_job_times_out_while_it_runs_and_its_slot_is_free_again() {
    let mut rig = slow("NoScheduler false");
    let (job, _) = rig.arrive(client());
    times_out(&mut rig, job, true);
    assert_eq!(rig.executed(job), [], "the late answer finds nobody");
    assert_eq!(rig.node.counters().stray_events, 1);
}

#[test]
fn a_job_times_out_in_the_queue_and_does_not_start_any_more() {
    let mut rig = slow("PowerOfNScheduler 1 0 true 1");
    let (waiting, _) = rig.arrive(client());
    rig.pass(ms(50));
    let running = rig.load_up_to(1)[0];
    assert_eq!(rig.replied(waiting, "a", load(9, 9)), []);
    assert_eq!(rig.node.slots().queued(), 1);
    let effects = rig.wake_after(ms(50));
    assert_eq!(effects.len(), 1, "nothing runs that could be abandoned");
    assert_eq!(outcomes(&effects), [(waiting, Outcome::Failed(Failure::TimedOut))]);
    assert_eq!(rig.node.slots().queued(), 0);
    assert_eq!(rig.executed(running).len(), 1, "nobody is left to start");
}

#[test]
fn a_slot_that_a_time_out_frees_goes_to_who_waits() {
    let mut rig = slow("NoScheduler false");
    let (running, _) = rig.arrive(client());
    rig.pass(ms(50));
    let (waiting, _) = rig.arrive(client());
    let effects = rig.wake_after(ms(50));
    assert_eq!(outcomes(&effects), [(running, Outcome::Failed(Failure::TimedOut))]);
    assert_eq!(effects[2..], [Effect::Execute { job: waiting }]);
}

#[test]
fn a_job_times_out_while_it_is_probed_for() {
    let mut rig = slow("PowerOfNScheduler 1 0 true 1");
    let (job, effects) = rig.arrive(client());
    assert_eq!(probed(&effects).len(), 1);
    times_out(&mut rig, job, false);
}

#[test]
fn a_job_times_out_while_it_waits_for_old_information() {
    let mut rig = slow("PowerOfNSchedulerTau 1 0 true 1 60s");
    let (job, _) = rig.arrive(client());
    assert_eq!(rig.replied(job, "a", load(0, 0)), []);
    times_out(&mut rig, job, false);
}

/// Waits for the past, again and again.
struct Dawdler;

impl Policy for Dawdler {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("Dawdler", [])
    }
    fn arrived(&mut self, _: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        Decision::WaitUntil(Time::ZERO)
    }
    fn waited(&mut self, _: &Situation<'_>, _: &[ProbeReply], _: &mut dyn Rng) -> Decision {
        Decision::WaitUntil(Time::ZERO)
    }
}

#[test]
fn a_policy_that_waits_for_the_past_does_not_hold_up_the_node() {
    let mut rig = slow("NoScheduler false");
    rig.node.set_policy(Box::new(Dawdler));
    let (job, _) = rig.arrive(client());
    times_out(&mut rig, job, false);
}

#[test]
fn a_job_times_out_while_the_learner_is_asked() {
    let mut rig = slow("LearningScheduler 1");
    let (job, _) = rig.arrive(client());
    times_out(&mut rig, job, false);
}

#[test]
fn a_job_times_out_while_it_is_forwarded() {
    let mut rig = slow("ForwardScheduler 1");
    let (job, effects) = rig.arrive(client());
    assert!(forwarded_to(&effects).is_some());
    times_out(&mut rig, job, true);
    let late = Event::Forwarded { job, answer: ForwardAnswer::Served };
    assert_eq!(rig.tell(late), []);
}

#[test]
fn without_a_time_out_a_job_may_take_for_ever() {
    let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| config.job_timeout = None);
    let (job, effects) = rig.arrive(client());
    assert_eq!(effects, [Effect::Execute { job }]);
    assert_eq!(rig.wake_after(Duration::from_secs(1_000_000_000)), []);
    assert_eq!(outcomes(&rig.executed(job)), [(job, Outcome::Served)]);
}

#[test]
fn the_node_asks_to_be_woken_at_the_next_time_out_only() {
    let mut rig = Rig::with("PowerOfNScheduler 1 0 true 1", "NoScheduler false", |config| {
        config.job_timeout = Some(ms(100));
        config.probe_timeout = ms(10);
    })
    .among(&["a"]);
    let mut effects = Vec::new();
    let mut wakes = |rig: &mut Rig, event| {
        effects.clear();
        rig.node.handle(rig.now, event, &mut rig.rng, &mut effects);
        let wake = |effect: &Effect| match effect {
            Effect::WakeAt { at } => Some(at.as_nanos() / 1_000_000),
            _ => None,
        };
        effects.iter().filter_map(wake).collect::<Vec<_>>()
    };
    assert_eq!(wakes(&mut rig, Event::Arrive(client())), [10]);
    rig.pass(ms(5));
    assert_eq!(wakes(&mut rig, Event::Arrive(client())), [0; 0], "it is woken before that anyway");
    rig.pass(ms(5));
    assert_eq!(wakes(&mut rig, Event::Wake), [15]);
    rig.pass(ms(5));
    assert_eq!(wakes(&mut rig, Event::Wake), [100]);
    assert_eq!(wakes(&mut rig, Event::Wake), [100], "woken for nothing, it asks again");
}

#[test]
fn a_dead_peer_among_three_is_never_chosen_and_delays_only_to_the_probe_time_out() {
    for chosen_by_seed in 0..50 {
        let mut rig = Rig::new("PowerOfNScheduler 3 0 true 1").among(&["dead", "x", "y"]);
        rig.rng = rand_xoshiro::rand_core::SeedableRng::seed_from_u64(chosen_by_seed);
        rig.load_up_to(3);
        let (job, effects) = rig.arrive(client());
        assert_eq!(probed(&effects).len(), 3);
        rig.pass(ms(1));
        assert_eq!(rig.replied(job, "x", load(2, 0)), []);
        assert_eq!(rig.replied(job, "y", load(1, 0)), [], "one is still open");
        assert_eq!(rig.wake_after(defaults::PROBE_TIMEOUT - ms(2)), []);
        let effects = rig.wake_after(ms(1));
        assert_eq!(forwarded_to(&effects), Some(rig.peer("y")));
        assert_eq!(rig.node.counters().probes_failed, 1);
    }
}

#[test]
fn a_probe_that_fails_at_once_is_not_waited_for() {
    let mut rig = Rig::new("PowerOfNScheduler 2 0 true 1").among(&["x", "y"]);
    rig.load_up_to(2);
    let (job, _) = rig.arrive(client());
    assert_eq!(rig.replied(job, "x", None), []);
    assert_eq!(forwarded_to(&rig.replied(job, "y", load(1, 0))), Some(rig.peer("y")));
    assert_eq!(rig.node.counters().probes_failed, 1);
}

#[test]
fn a_job_whose_probes_all_fail_runs_here() {
    let mut rig = Rig::new("PowerOfNScheduler 2 0 true 1").among(&["x", "y"]);
    let (job, _) = rig.arrive(client());
    let effects = rig.wake_after(defaults::PROBE_TIMEOUT);
    assert_eq!(effects, [Effect::Execute { job }]);
    assert_eq!(rig.replied(job, "x", load(0, 0)), []);
    assert_eq!(rig.node.counters().stray_events, 1);
}

#[test]
fn a_second_reply_of_the_same_peer_does_not_stand_in_for_another() {
    let mut rig = Rig::new("PowerOfNScheduler 2 0 true 1").among(&["x", "y"]);
    rig.load_up_to(3);
    let (job, _) = rig.arrive(client());
    assert_eq!(rig.replied(job, "x", load(2, 0)), []);
    assert_eq!(rig.replied(job, "x", load(0, 0)), []);
    assert_eq!(rig.node.counters().stray_events, 1);
    assert_eq!(forwarded_to(&rig.replied(job, "y", load(1, 0))), Some(rig.peer("y")));
}

#[test]
fn jobs_under_way_finish_under_the_policy_that_they_arrived_under() {
    let mut rig = Rig::new("PowerOfNScheduler 1 2 true 1").among(&["a"]);
    let (running, _) = rig.arrive(client());
    rig.load_up_to(2);
    let (probing, _) = rig.arrive(client());
    rig.node.set_policy(policy("RejectScheduler"));
    assert_eq!(rig.node.policy_name(), "RejectScheduler");
    rig.node.set_policy(policy("ForwardScheduler 1"));
    let (forwarded, _) = rig.arrive(client());

    let mut reports = Reports::default();
    let events = [
        Event::Probed { job: probing, peer: PeerId(0), load: load(0, 0), offer: None, node: None },
        Event::Forwarded { job: probing, answer: ForwardAnswer::Served },
        Event::Executed { job: running, success: true },
        Event::Forwarded { job: forwarded, answer: ForwardAnswer::Served },
    ];
    for event in events {
        rig.node.handle(rig.now, event, &mut rig.rng, &mut reports);
    }
    let names: Vec<_> = reports.0.iter().map(|heard| (heard.job, heard.policy.as_str())).collect();
    let old = "PowerOfNScheduler(1, 2, true, 1)";
    assert_eq!(names, [(probing, old), (running, old), (forwarded, "ForwardScheduler(1)")]);
}

#[test]
fn a_policy_is_changed_any_number_of_times_while_a_job_runs() {
    let mut rig = Rig::new("NoScheduler false");
    let (job, _) = rig.arrive(client());
    for hops in 0..100_000 {
        rig.node.set_policy(Box::new(p2pfaas_core::policy::ForwardScheduler { max_hops: hops }));
    }
    assert_eq!(rig.node.policy_name(), "ForwardScheduler(99999)");
    assert_eq!(outcomes(&rig.executed(job)), [(job, Outcome::Served)]);
}

#[test]
fn timings_say_where_the_time_of_a_job_went() {
    let timings_of = |effects: &[Effect]| match effects.first() {
        Some(Effect::Answer { timings, .. }) => *timings,
        other => panic!("{other:?}"),
    };
    let mut rig = Rig::sized("PowerOfNScheduler 1 1 true 1", 1, 1).among(&["a"]);
    let (local, _) = rig.arrive(client());
    let (forwarded, _) = rig.arrive(client());
    let (queued, _) = rig.arrive(client());
    rig.pass(ms(10));
    rig.replied(forwarded, "a", load(0, 0));
    rig.replied(queued, "a", load(7, 0));
    rig.pass(ms(30));
    let expected =
        Timings { execution: Some(ms(40)), queue: Some(ms(0)), total: ms(40), ..Timings::default() };
    assert_eq!(timings_of(&rig.executed(local)), expected);
    rig.pass(ms(5));
    let probed = Timings { scheduling: ms(10), probing: Some(ms(10)), total: ms(45), ..Timings::default() };
    let answer = Event::Forwarded { job: forwarded, answer: ForwardAnswer::Served };
    assert_eq!(timings_of(&rig.tell(answer)), Timings { forwarding: Some(ms(35)), ..probed });
    let expected = Timings { queue: Some(ms(30)), execution: Some(ms(5)), ..probed };
    assert_eq!(timings_of(&rig.executed(queued)), expected);
}
