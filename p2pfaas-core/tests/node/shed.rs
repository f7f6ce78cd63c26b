//! Shedding by deadline around policies: what is dropped, and what is left as it was.

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::*;
use proptest::prelude::*;

use crate::fixture::*;

fn due_in(millis: u64) -> Arrival {
    Arrival { deadline: Some(ms(millis)), ..client() }
}

/// A node with one slot that has seen one execution of 100 ms.
fn seen_100_ms(policy: &str, queue: u32) -> Rig {
    let mut rig = Rig::sized(policy, 1, queue).among(&["a"]);
    run_for_100_ms(&mut rig, client());
    rig
}

fn run_for_100_ms(rig: &mut Rig, arrival: Arrival) {
    let (job, _) = rig.arrive(Arrival { policy: PolicyChoice::Bypass, ..arrival });
    rig.pass(ms(100));
    rig.executed(job);
}

fn is_dropped(effects: &[Effect]) -> bool {
    matches!(outcomes(effects)[..], [(_, Outcome::Dropped)])
}

#[test]
fn a_job_waits_only_if_it_will_be_in_time() {
    let mut rig = seen_100_ms("NoScheduler false shed=late", 9);
    rig.load_up_to(1);
    for (deadline, dropped) in [(199, true), (200, false), (299, true), (300, false)] {
        assert_eq!(is_dropped(&rig.arrive(due_in(deadline)).1), dropped, "{deadline} ms");
    }
    assert_eq!(rig.node.slots().queued(), 2);
    assert_eq!(rig.arrive(client()).1, [], "without a deadline every time is in time");
}

#[test]
fn each_kind_of_job_is_expected_to_take_what_its_kind_took() {
    let mut rig = Rig::with("NoScheduler false shed=late", "NoScheduler false", |config| {
        config.capacity = Capacity { slots: 2, queue: 9 };
    });
    for (task_type, takes) in [(0, 10), (1, 1_000)] {
        let (job, _) = rig.arrive(Arrival { task_type, ..client() });
        rig.pass(ms(takes));
        rig.executed(job);
    }
    rig.load_up_to(1);
    assert!(is_dropped(&rig.arrive(Arrival { task_type: 1, ..due_in(999) }).1));
    let (short, effects) = rig.arrive(due_in(10));
    assert_eq!(effects, [Effect::Execute { job: short }]);
}

#[test]
fn a_job_goes_to_a_peer_only_if_it_will_be_back_in_time() {
    // The peer has 4 slots: 2 jobs that wait and one that ends first are 75 ms, and 100 ms to run.
    let busy = load(4, 2);
    for (deadline, told, age, dropped) in [
        (99, load(0, 0), 0, true),
        (100, load(0, 0), 0, false),
        (174, busy, 0, true),
        (175, busy, 0, false),
        (124, busy, 50, true),
        (125, busy, 50, false),
        (100, busy, 1_000, false),
        (100, None, 0, false),
        (100, Some(PeerLoad { slots: 0, ..busy.unwrap() }), 0, false),
    ] {
        let mut rig = seen_100_ms("ForwardScheduler 1 shed=late", 9);
        rig.load_up_to(1);
        if let Some(told) = told {
            let peer = rig.peer("a");
            rig.tell(Event::Told(vec![(peer, told, ms(age))]));
        }
        let effects = rig.arrive(due_in(deadline)).1;
        assert_eq!(is_dropped(&effects), dropped, "{deadline} ms, {told:?} {age} ms ago");
        assert_eq!(forwarded_to(&effects).is_some(), !dropped);
    }
}

#[test]
fn the_round_trip_to_a_peer_counts_once_it_is_known() {
    for (deadline, dropped) in [(119, true), (120, false)] {
        let mut rig = seen_100_ms("PowerOfNScheduler 1 0 true 1 shed=late", 9);
        rig.load_up_to(3);
        let (job, effects) = rig.arrive(due_in(deadline + 20));
        assert_eq!(
            probed(&effects).len(),
            1,
            "whether it will be late is not known before the peer has answered"
        );
        rig.pass(ms(20));
        let effects = rig.replied(job, "a", load(0, 0));
        assert_eq!(
            is_dropped(&effects),
            dropped,
            "20 ms of {deadline} are gone, 20 ms are the way, 100 ms it takes"
        );
    }
}

#[test]
fn a_job_whose_time_is_over_is_not_asked_about_and_one_that_would_wait_for_too_long_does_not() {
    for policy in
        ["PowerOfNScheduler 1 0 true 1", "LearningScheduler 1", "ForwardScheduler 1", "NoScheduler false"]
    {
        let mut rig = Rig::new(&format!("{policy} shed=late")).among(&["a"]);
        assert!(is_dropped(&rig.arrive(due_in(0)).1), "{policy}");
    }
    let mut rig = Rig::new("PowerOfNSchedulerTau 1 0 true 1 50ms shed=late").among(&["a"]);
    rig.load_up_to(1);
    for (deadline, dropped) in [(49, true), (50, false)] {
        let (job, _) = rig.arrive(due_in(deadline));
        assert_eq!(is_dropped(&rig.replied(job, "a", load(0, 0))), dropped, "{deadline} ms");
    }
}

#[test]
fn a_choice_of_the_learner_that_is_shed_has_its_experience() {
    let mut rig = seen_100_ms("LearningScheduler 1 shed=late", 9);
    rig.load_up_to(1);
    let (job, _) = rig.arrive(due_in(150));
    let effects = rig.acted(job, Some(1));
    assert!(is_dropped(&effects));
    assert_eq!(learned(&effects), [(0, Some(0.0))]);
}

/// What a node does in response to the same arrivals, with all that follows settled at once.
fn history(policy: &Descriptor, arrivals: &[(Option<u64>, u64, u32)]) -> Vec<Effect> {
    let words = format!("{} {}", policy.name, policy.parameters.join(" "));
    let mut rig = Rig::sized(&words, 2, 3).among(&["a", "b"]);
    let mut all = Vec::new();
    let mut running = std::collections::VecDeque::new();
    for (deadline, gap, told) in arrivals {
        rig.pass(ms(*gap));
        let deadline = deadline.map(ms);
        let (job, mut effects) = rig.arrive(Arrival { deadline, ..client() });
        if matches!(effects[..], [Effect::Ask { .. }]) {
            effects.extend(rig.acted(job, Some(told % 5)));
        }
        for peer in probed(&effects) {
            let (load, node) = (load(*told, 0), None);
            effects.extend(rig.tell(Event::Probed { job, peer, load, offer: None, node }));
        }
        effects.extend(rig.tell(Event::Wake));
        if told % 2 == 0
            && let Some(done) = running.pop_front()
        {
            effects.extend(rig.executed(done));
        }
        running.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Execute { job } => Some(*job),
            _ => None,
        }));
        all.extend(effects);
    }
    all
}

const POLICIES: [&str; 7] = [
    "NoScheduler false",
    "NoScheduler true",
    "RejectScheduler",
    "ForwardScheduler 1",
    "PowerOfNScheduler 2 1 true 1",
    "PowerOfNSchedulerTau 1 1 true 1 5ms",
    "LearningScheduler 1",
];

proptest! {
    #[test]
    fn nothing_changes_for_jobs_without_a_deadline(
        policy in prop::sample::select(&POLICIES[..]),
        arrivals in prop::collection::vec((Just(None), 0_u64..50, 0_u32..6), 1..60),
    ) {
        let bare = history(&descriptor(policy), &arrivals);
        let around = history(&descriptor(&format!("{policy} shed=late")), &arrivals);
        prop_assert_eq!(bare, around);
    }

    #[test]
    fn an_idle_node_drops_nothing_whose_deadline_has_not_passed(
        times in prop::collection::vec(0_u64..400, 0..20),
        deadline in 1_u64..200,
    ) {
        let mut rig = Rig::sized("NoScheduler false shed=late", 1, 3);
        for takes in times {
            let (job, _) = rig.arrive(client());
            rig.pass(ms(takes));
            rig.executed(job);
        }
        let (job, effects) = rig.arrive(due_in(deadline));
        prop_assert_eq!(effects, [Effect::Execute { job }]);
    }

    /// Constant times make the estimate exact: who waits is in time, and who is dropped would not have been.
    #[test]
    fn with_one_slot_and_equal_times_just_those_are_dropped_who_would_be_late(
        deadlines in prop::collection::vec(1_u64..1_500, 1..30),
    ) {
        let mut rig = seen_100_ms("NoScheduler false shed=late", 99);
        let mut waiting = std::collections::VecDeque::new();
        waiting.extend(rig.load_up_to(1));
        for deadline in deadlines {
            let in_time = deadline >= 100 * (waiting.len() as u64 + 1);
            let (job, effects) = rig.arrive(due_in(deadline));
            prop_assert_eq!(is_dropped(&effects), !in_time);
            if in_time {
                waiting.push_back(job);
            }
        }
    }
}
