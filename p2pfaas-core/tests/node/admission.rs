//! Slots, queue, deadlines, cancelling: who gets in, who starts when.

use p2pfaas_core::*;

use crate::fixture::*;

fn due_in(millis: u64) -> Arrival {
    Arrival { deadline: Some(ms(millis)), ..client() }
}

#[test]
fn of_many_at_once_exactly_slots_and_queue_are_admitted() {
    for (slots, queue) in [(1, 0), (1, 1), (3, 2), (4, 4), (2, 0)] {
        let mut rig = Rig::sized("NoScheduler false", slots, queue);
        let (mut started, mut dropped) = (0, 0);
        for _ in 0..10 * (slots + queue) {
            match &rig.arrive(client()).1[..] {
                [Effect::Execute { .. }] => started += 1,
                [Effect::Answer { outcome: Outcome::Dropped, .. }] => dropped += 1,
                other => assert!(other.is_empty(), "{other:?}"),
            }
        }
        assert_eq!((started, dropped), (slots, 9 * (slots + queue)));
        assert_eq!(rig.node.slots().queued(), queue);
        assert_eq!(rig.node.slots().free(), 0);
    }
}

#[test]
fn a_queue_of_zero_lets_nobody_wait() {
    let mut rig = Rig::sized("NoScheduler false", 1, 0);
    let (first, _) = rig.arrive(client());
    let (second, effects) = rig.arrive(client());
    assert_eq!(outcomes(&effects), [(second, Outcome::Dropped)]);
    assert_eq!(outcomes(&rig.executed(first)), [(first, Outcome::Served)]);
    let (third, effects) = rig.arrive(client());
    assert_eq!(effects, [Effect::Execute { job: third }]);
}

#[test]
fn those_who_wait_start_in_the_order_in_which_they_came() {
    let mut rig = Rig::sized("NoScheduler false", 1, 3);
    let jobs: Vec<_> = (0..4).map(|_| rig.arrive(client()).0).collect();
    for pair in jobs.windows(2) {
        let effects = rig.executed(pair[0]);
        assert_eq!(outcomes(&effects[..1]), [(pair[0], Outcome::Served)]);
        assert_eq!(effects[1..], [Effect::Execute { job: pair[1] }]);
    }
}

#[test]
fn more_slots_start_those_who_wait_at_once() {
    let mut rig = Rig::sized("NoScheduler false", 1, 3);
    let jobs: Vec<_> = (0..4).map(|_| rig.arrive(client()).0).collect();
    let effects = rig.tell(Event::SetCapacity(Capacity { slots: 3, queue: 3 }));
    assert_eq!(effects, [Effect::Execute { job: jobs[1] }, Effect::Execute { job: jobs[2] }]);
}

#[test]
fn fewer_slots_let_the_running_finish_and_then_bind() {
    let mut rig = Rig::sized("NoScheduler false", 3, 3);
    let jobs: Vec<_> = (0..4).map(|_| rig.arrive(client()).0).collect();
    assert_eq!(rig.tell(Event::SetCapacity(Capacity { slots: 1, queue: 3 })), []);
    assert_eq!(rig.node.slots().running(), 3);
    assert_eq!(rig.node.slots().free(), 0);
    assert_eq!(outcomes(&rig.executed(jobs[0])), [(jobs[0], Outcome::Served)]);
    assert_eq!(rig.executed(jobs[1]).len(), 1, "two of three places have been taken away");
    assert_eq!(rig.executed(jobs[2])[1..], [Effect::Execute { job: jobs[3] }]);
}

#[test]
fn a_shorter_queue_keeps_who_is_in_it_and_admits_nobody_above_its_bound() {
    let mut rig = Rig::sized("NoScheduler false", 1, 3);
    let jobs: Vec<_> = (0..4).map(|_| rig.arrive(client()).0).collect();
    assert_eq!(rig.tell(Event::SetCapacity(Capacity { slots: 1, queue: 1 })), []);
    rig.executed(jobs[0]);
    assert_eq!(rig.node.slots().queued(), 2);
    let (late, effects) = rig.arrive(client());
    assert_eq!(outcomes(&effects), [(late, Outcome::Dropped)]);
    rig.executed(jobs[1]);
    rig.executed(jobs[2]);
    assert_eq!(rig.arrive(client()).1, []);
}

#[test]
fn a_job_that_cannot_be_in_time_is_dropped_on_arrival_where_that_is_wanted() {
    for (deadline_aware, dropped) in [(true, true), (false, false)] {
        let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| {
            config.capacity = Capacity { slots: 2, queue: 9 };
            config.deadline_aware = deadline_aware;
        });
        let (first, effects) = rig.arrive(due_in(1));
        assert_eq!(effects, [Effect::Execute { job: first }], "no execution time is known yet");
        rig.pass(ms(100));
        rig.executed(first);

        // One runs and a slot is free: 100 ms to run.
        let (_, effects) = rig.arrive(client());
        assert_eq!(effects.len(), 1);
        let (hasty, effects) = rig.arrive(due_in(99));
        assert_eq!(outcomes(&effects), if dropped { vec![(hasty, Outcome::Dropped)] } else { vec![] });
        if dropped {
            let (patient, effects) = rig.arrive(due_in(100));
            assert_eq!(effects, [Effect::Execute { job: patient }]);
        }
        // Now two run and nobody waits: 50 ms until a slot is free, 100 ms to run.
        let (second, effects) = rig.arrive(due_in(149));
        assert_eq!(outcomes(&effects), if dropped { vec![(second, Outcome::Dropped)] } else { vec![] });
        assert_eq!(rig.arrive(due_in(150)).1, []);
        assert_eq!(rig.arrive(client()).1, [], "without a deadline every time is in time");
    }
}

#[test]
fn an_idle_node_runs_a_job_whatever_it_expects_and_so_sees_that_jobs_have_become_quicker() {
    for (policy, deadline_aware) in [("NoScheduler false", true), ("NoScheduler false shed=late", false)] {
        let mut rig = Rig::with(policy, "NoScheduler false", |config| {
            config.capacity = Capacity { slots: 2, queue: 9 };
            config.deadline_aware = deadline_aware;
        });
        let (cold, _) = rig.arrive(client());
        rig.pass(ms(5_000));
        rig.executed(cold);
        let mut refused = 0;
        for _ in 0..40 {
            let (first, effects) = rig.arrive(due_in(500));
            assert_eq!(effects, [Effect::Execute { job: first }], "nobody else is here");
            let (second, effects) = rig.arrive(due_in(500));
            refused += outcomes(&effects).len();
            rig.pass(ms(100));
            rig.executed(first);
            rig.executed(second);
        }
        assert!((15..30).contains(&refused), "{refused}: with 0.9^n of 4.9 s in the way, some two dozen");
        let (late, effects) = rig.arrive(due_in(0));
        let passed = outcomes(&effects) == [(late, Outcome::Dropped)];
        assert_eq!(passed, !deadline_aware, "by the clock it is in time to the last");
    }
}

#[test]
fn a_job_whose_deadline_passes_in_the_queue_is_dropped_when_its_turn_comes() {
    let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| {
        config.capacity = Capacity { slots: 1, queue: 9 };
        config.deadline_aware = true;
    });
    let (running, _) = rig.arrive(client());
    let (hopeless, effects) = rig.arrive(due_in(150));
    assert_eq!(effects, [], "no execution time is known yet");
    let (next, _) = rig.arrive(due_in(1_000));
    rig.pass(ms(100));
    let effects = rig.executed(running);
    assert_eq!(outcomes(&effects), [(running, Outcome::Served), (hopeless, Outcome::Dropped)]);
    assert_eq!(effects[2..], [Effect::Execute { job: next }]);
}

#[test]
fn a_job_cancelled_in_the_queue_frees_its_place() {
    let mut rig = Rig::sized("NoScheduler false", 1, 1);
    let (running, _) = rig.arrive(client());
    let (waiting, _) = rig.arrive(client());
    assert_eq!(outcomes(&rig.arrive(client()).1).len(), 1, "the queue is full");
    let effects = rig.tell(Event::Cancel { job: waiting });
    assert_eq!(effects.len(), 1, "nothing runs that could be abandoned");
    assert_eq!(outcomes(&effects), [(waiting, Outcome::Cancelled)]);
    let (next, effects) = rig.arrive(client());
    assert_eq!(effects, []);
    assert_eq!(rig.executed(running)[1..], [Effect::Execute { job: next }]);
}

#[test]
fn a_running_job_goes_on_when_its_client_has_gone() {
    let mut rig = Rig::sized("NoScheduler false", 1, 1);
    let (running, _) = rig.arrive(client());
    assert_eq!(rig.tell(Event::Cancel { job: running }), []);
    assert_eq!(rig.node.slots().free(), 0);
    assert_eq!(outcomes(&rig.executed(running)), [(running, Outcome::Served)]);
    assert_eq!(rig.node.counters().stray_events, 0);
}

#[test]
fn a_job_is_cancelled_while_it_is_forwarded_probed_for_or_asked_about() {
    let mut rig = Rig::new("ForwardScheduler 1").among(&["a"]);
    let (job, _) = rig.arrive(client());
    let effects = rig.tell(Event::Cancel { job });
    assert_eq!(effects[0], Effect::Abandon { job });
    assert_eq!(outcomes(&effects), [(job, Outcome::Cancelled)]);

    for policy in ["PowerOfNScheduler 1 0 true 1", "LearningScheduler 1"] {
        let mut rig = Rig::new(policy).among(&["a"]);
        let (job, _) = rig.arrive(client());
        let effects = rig.tell(Event::Cancel { job });
        assert_eq!((effects.len(), outcomes(&effects)), (1, vec![(job, Outcome::Cancelled)]));
        assert_eq!(rig.replied(job, "a", load(0, 0)), []);
        assert_eq!(rig.acted(job, Some(1)), []);
        assert_eq!(rig.node.counters().stray_events, 2);
    }
}

#[test]
fn a_job_beyond_the_bound_of_the_table_is_dropped_with_a_key_that_finds_nobody() {
    let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| config.max_jobs = 2);
    rig.arrive(client());
    rig.arrive(client());
    let refused: Vec<_> = (0..2)
        .map(|_| {
            let (job, effects) = rig.arrive(client());
            assert_eq!(outcomes(&effects), [(job, Outcome::Dropped)]);
            job
        })
        .collect();
    assert_ne!(refused[0], refused[1]);
    assert_eq!(rig.executed(refused[0]), []);
    assert_eq!(rig.node.counters().dropped, 2);
    assert_eq!(rig.node.jobs_under_way(), 2);
}

#[test]
fn a_key_does_not_find_the_next_job_in_the_same_place() {
    let mut rig = Rig::sized("NoScheduler false", 1, 0);
    let (old, _) = rig.arrive(client());
    rig.executed(old);
    let (new, _) = rig.arrive(client());
    assert_eq!(old.index(), new.index());
    assert_eq!(rig.executed(old), []);
    assert_eq!(rig.node.counters().stray_events, 1);
    assert_eq!(outcomes(&rig.executed(new)), [(new, Outcome::Served)]);
}

#[test]
fn types_are_counted_apart_and_unknown_ones_as_the_first() {
    let mut rig = Rig::with("NoScheduler false", "NoScheduler false", |config| {
        config.capacity = Capacity { slots: 2, queue: 2 };
        config.task_types = 3;
    });
    for task_type in [1, 2, 7, 2] {
        rig.arrive(Arrival { task_type, ..client() });
    }
    let counts = [(0, 1), (1, 0), (1, 1)].map(|(running, queued)| TypeCount { running, queued });
    assert_eq!(rig.node.slots().by_type(), counts);
}

#[test]
fn a_function_that_fails_fails_its_job() {
    let mut rig = Rig::new("NoScheduler false");
    let (job, _) = rig.arrive(client());
    let effects = rig.tell(Event::Executed { job, success: false });
    assert_eq!(outcomes(&effects), [(job, Outcome::Failed(Failure::Function))]);
}
