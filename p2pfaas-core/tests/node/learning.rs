//! The learner: what it sees, what its actions do, and what happens when it is not there.

use p2pfaas_core::agent::{Choice, Observation};
use p2pfaas_core::policy::{Decision, Descriptor, Policy, ProbeReply, Rng, Situation};
use p2pfaas_core::reward::{Latency, Reward};
use p2pfaas_core::*;

use crate::fixture::*;

fn asked(effects: &[Effect]) -> &Observation {
    match effects {
        [Effect::Ask { observation, .. }] => observation,
        other => panic!("{other:?}"),
    }
}

/// A node with peers `a` and `b`, and a job about which the learner has been asked.
fn asking(policy: &str) -> (Rig, JobKey) {
    let mut rig = Rig::with(policy, "PowerOfNScheduler 1 0 true 1", |_| {}).among(&["a", "b"]);
    let (job, effects) = rig.arrive(client());
    asked(&effects);
    (rig, job)
}

#[test]
fn the_learner_sees_type_and_counts_of_each_type_and_the_number_of_the_job() {
    let mut rig = Rig::with("LearningScheduler 2", "NoScheduler false", |config| {
        config.capacity = Capacity { slots: 2, queue: 4 };
        config.first_job_number = 70;
    });
    rig.tell(ours(&["a", "b", "c"]));
    rig.tell(ours(&["a", "c"]));
    for task_type in [0, 1, 1, 5, 1] {
        let (job, _) = rig.arrive(Arrival { task_type, ..client() });
        rig.acted(job, Some(1));
    }
    let (_, effects) = rig.arrive(Arrival { task_type: 1, ..client() });
    let observation = asked(&effects);
    assert_eq!(observation.state, [1.0, 1.0, 1.0, 0.0, 2.0]);
    assert_eq!(observation.mask, [true, true, true, true, false, true]);
}

#[test]
fn without_peers_only_reject_and_local_are_allowed() {
    let mut rig = Rig::new("LearningScheduler 1");
    let (job, effects) = rig.arrive(client());
    assert_eq!(asked(&effects).mask, [true, true, false]);
    assert_eq!(rig.acted(job, Some(2)), [Effect::Execute { job }], "nobody to probe");
}

#[test]
fn jobs_of_peers_run_here_without_a_question() {
    let mut rig = Rig::new("LearningScheduler 1").among(&["a"]);
    let (job, effects) = rig.arrive(from_ours(None, 1, &["x"], 1));
    assert_eq!(effects, [Effect::Execute { job }]);
}

#[test]
fn each_action_does_what_its_number_says() {
    let (mut rig, job) = asking("LearningScheduler 1");
    assert_eq!(outcomes(&rig.acted(job, Some(0))), [(job, Outcome::Rejected)]);

    let (mut rig, job) = asking("LearningScheduler 1");
    assert_eq!(rig.acted(job, Some(1)), [Effect::Execute { job }]);

    for (there, goes) in [(load(0, 0), true), (load(1, 0), false), (None, false)] {
        let (mut rig, job) = asking("LearningScheduler 1");
        rig.load_up_to(1);
        let effects = rig.acted(job, Some(2));
        let [peer] = probed(&effects)[..] else { panic!("{effects:?}") };
        let effects = rig.tell(Event::Probed { job, peer, load: there, offer: None, node: None });
        assert_eq!(forwarded_to(&effects), goes.then_some(peer));
    }

    for (action, peer) in [(3, "a"), (4, "b")] {
        let (mut rig, job) = asking("LearningScheduler 1");
        assert_eq!(forwarded_to(&rig.acted(job, Some(action))), Some(rig.peer(peer)));
    }
    assert_eq!(rig.node.counters().fallbacks, 0);
}

#[test]
fn an_action_keeps_its_peer_when_others_go_and_come() {
    let mut rig = Rig::new("LearningScheduler 1").among(&["b", "c"]);
    rig.tell(ours(&["a", "c"]));
    let (job, effects) = rig.arrive(client());
    assert_eq!(asked(&effects).mask, [true, true, true, false, true, true]);
    assert_eq!(forwarded_to(&rig.acted(job, Some(4))), Some(rig.peer("c")));
}

#[test]
fn a_learner_without_an_answer_is_passed_over_and_never_rejects() {
    // The fallback is PowerOfN with threshold 0: it probes.
    let (mut rig, job) = asking("LearningScheduler 1");
    assert_eq!(probed(&rig.acted(job, None)).len(), 1);
    assert_eq!(rig.node.counters().fallbacks, 1);

    let (mut rig, job) = asking("LearningScheduler 1");
    assert_eq!(rig.wake_after(defaults::ASK_TIMEOUT - ms(1)), []);
    let effects = rig.wake_after(ms(1));
    let [peer] = probed(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(rig.node.counters().fallbacks, 1);
    assert_eq!(rig.acted(job, Some(0)), [], "too late to reject");
    assert_eq!(rig.node.counters().stray_events, 1);
    let effects = rig.tell(Event::Probed { job, peer, load: load(3, 0), offer: None, node: None });
    assert_eq!(effects, [Effect::Execute { job }]);
    assert_eq!(rig.node.counters().rejected, 0);
}

#[test]
fn a_peer_that_is_not_there_leaves_the_job_to_the_fallback() {
    for action in [5, 99, u32::MAX] {
        let (mut rig, job) = asking("LearningScheduler 1");
        assert_eq!(probed(&rig.acted(job, Some(action))).len(), 1);
        assert_eq!(rig.node.counters().fallbacks, 1);
    }
    let (mut rig, job) = asking("LearningScheduler 1");
    rig.tell(ours(&["a"]));
    assert_eq!(probed(&rig.acted(job, Some(4))), [rig.peer("a")], "b went while the learner thought");
}

#[test]
fn where_no_fallback_is_allowed_the_job_fails_with_the_reason() {
    let failed = |failure| Outcome::Failed(failure);
    let (mut rig, job) = asking("LearningScheduler 1 fallback=none");
    assert_eq!(outcomes(&rig.acted(job, None)), [(job, failed(Failure::NoAction))]);

    let (mut rig, job) = asking("LearningScheduler 1 fallback=none");
    assert_eq!(outcomes(&rig.wake_after(defaults::ASK_TIMEOUT)), [(job, failed(Failure::NoAction))]);

    let (mut rig, job) = asking("LearningScheduler 1 fallback=none");
    assert_eq!(outcomes(&rig.acted(job, Some(9))), [(job, failed(Failure::NoSuchPeer))]);
    assert_eq!(rig.node.counters().fallbacks, 0);
}

#[test]
fn a_learner_as_its_own_fallback_is_asked_twice_and_then_the_job_runs_here() {
    let mut rig = Rig::with("LearningScheduler 1", "LearningScheduler 1", |_| {});
    let (job, effects) = rig.arrive(client());
    asked(&effects);
    asked(&rig.acted(job, None));
    assert_eq!(rig.acted(job, None), [Effect::Execute { job }]);
    assert_eq!((rig.node.counters().asks, rig.node.counters().fallbacks), (2, 1));
}

#[test]
fn the_report_says_what_was_seen_and_chosen_unless_the_learner_was_passed_over() {
    let reported = |action: Option<u32>| {
        let (mut rig, job) = asking("LearningScheduler 1");
        rig.acted(job, action);
        let mut reports = Reports::default();
        rig.node.handle(rig.now, Event::Executed { job, success: true }, &mut rig.rng, &mut reports);
        rig.node.handle(rig.now, Event::Cancel { job }, &mut rig.rng, &mut reports);
        reports.0.remove(0).learned
    };
    let choice = Choice { action: 1, epsilon: 0.25, probability: None };
    assert_eq!(reported(Some(1)), Some((vec![0.0, 0.0, 0.0], choice)));
    assert_eq!(reported(None), None);
    assert_eq!(reported(Some(77)), None);
}

#[test]
fn an_experience_has_the_number_of_its_choice_and_comes_when_its_job_ends() {
    let mut rig = Rig::with("LearningScheduler 1", "NoScheduler false", |config| config.first_eid = 9);
    rig.tell(ours(&["a", "b"]));
    let jobs = [(); 4].map(|()| rig.arrive(client()).0);
    // The last that was asked about is the first that is chosen for; the third is passed over.
    rig.acted(jobs[3], Some(3));
    rig.acted(jobs[2], None);
    rig.acted(jobs[0], Some(1));
    assert_eq!(learned(&rig.acted(jobs[1], Some(0))), [(11, Some(0.0))]);
    assert_eq!(learned(&rig.executed(jobs[0])), [(10, Some(1.0))]);
    assert_eq!(learned(&rig.executed(jobs[2])), []);
    assert_eq!(learned(&rig.tell(Event::Cancel { job: jobs[3] })), [(9, None)]);
}

#[test]
fn a_job_that_is_served_too_late_is_worth_less() {
    let mut rig = Rig::new("LearningScheduler 1");
    for (passes, reward) in [(100, 1.0), (101, 0.0)] {
        let (job, _) = rig.arrive(Arrival { deadline: Some(ms(100)), ..client() });
        rig.acted(job, Some(1));
        rig.pass(ms(passes));
        let [(_, got)] = learned(&rig.executed(job))[..] else { panic!("one experience") };
        assert_eq!(got, Some(reward));
    }
}

/// Asks about a job again when its probe has been answered.
struct AsksTwice;

impl Policy for AsksTwice {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("AsksTwice", [])
    }
    fn arrived(&mut self, _: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        Decision::Ask
    }
    fn acted(&mut self, situation: &Situation<'_>, _: Option<Choice>, _: &mut dyn Rng) -> Decision {
        match situation.job.probing_started {
            None => Decision::Probe(situation.peers.iter().collect()),
            Some(_) => Decision::Local,
        }
    }
    fn probed(&mut self, _: &Situation<'_>, _: &[ProbeReply], _: &mut dyn Rng) -> Decision {
        Decision::Ask
    }
}

#[test]
fn a_policy_that_asks_again_about_a_job_leaves_no_gap_in_the_numbers() {
    let mut rig = Rig::new("NoScheduler false").among(&["a"]);
    rig.node.set_policy(Box::new(AsksTwice));
    let (job, _) = rig.arrive(client());
    rig.acted(job, Some(2));
    assert_eq!(learned(&rig.replied(job, "a", load(0, 0))), [(0, None)], "it gives way to the next one");
    rig.acted(job, Some(1));
    assert_eq!(learned(&rig.executed(job)), [(1, Some(1.0))]);
}

#[test]
fn the_reward_knows_type_time_probes_and_hops_of_the_job() {
    let mut rig = Rig::with("LearningScheduler 1", "NoScheduler false", |config| {
        config.reward = Reward {
            in_time: 2.0,
            latency: Latency::Linear,
            latency_scale_s: 0.2,
            weights: vec![1.0, 16.0],
            probe: 0.25,
            hop: 4.0,
            ..Reward::default()
        };
    });
    rig.tell(ours(&["a"]));
    rig.load_up_to(1);
    let (job, _) = rig.arrive(Arrival { task_type: 1, ..client() });
    rig.acted(job, Some(2));
    rig.replied(job, "a", load(0, 0));
    rig.pass(ms(100));
    let answer = rig.tell(Event::Forwarded { job, answer: ForwardAnswer::Served });
    assert_eq!(learned(&answer), [(0, Some(16.0 * 2.0 * 0.5 - 0.25 - 4.0))]);
}

#[test]
fn an_action_keeps_its_peer_over_a_restart() {
    let mut rig = Rig::with("LearningScheduler 1", "NoScheduler false", |config| {
        config.peer_numbers = ["c", "gone", "a"].map(String::from).into();
    });
    let (_, effects) = rig.arrive(client());
    assert_eq!(asked(&effects).mask, [true, true, false, false, false, false], "nobody has come yet");

    rig.tell(ours(&["a", "b", "c"]));
    let (job, effects) = rig.arrive(client());
    assert_eq!(asked(&effects).mask, [true, true, true, true, false, true, true]);
    rig.acted(job, Some(4));
    assert_eq!(rig.node.counters().fallbacks, 1, "who has not come back gets no job");
    for (action, name) in [(3, "c"), (5, "a"), (6, "b")] {
        let (job, _) = rig.arrive(client());
        assert_eq!(forwarded_to(&rig.acted(job, Some(action))), Some(rig.peer(name)));
    }
}
