//! Slots and queue: exact under races, and live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use p2pfaas_core::Capacity;
use p2pfaas_node::{NodeService, Settings};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::rig::*;

async fn node(gate: &Gate, slots: u32, queue: u32, workers: usize) -> NodeService {
    let mut settings = Settings { workers, ..settings("NoScheduler", &["false"]) };
    settings.functions = vec![gate.function("gate")];
    settings.core.capacity = Capacity { slots, queue };
    start(settings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_simultaneous_jobs_exactly_slots_and_queue_are_admitted() {
    for (slots, queue, workers) in
        [(1, 0, 0), (1, 1, 2), (4, 0, 3), (4, 4, 0), (3, 7, 3), (8, 2, 2), (1, 9, 1)]
    {
        let what = format!("P {slots}, Q {queue}, workers {workers}");
        let gate = Gate::new();
        let node = node(&gate, slots, queue, workers).await;
        let room = (slots + queue) as usize;
        let barrier = Arc::new(Barrier::new(10 * room));
        let mut jobs = JoinSet::new();
        for _ in 0..10 * room {
            let (address, barrier) = (node.address(), barrier.clone());
            jobs.spawn(async move {
                barrier.wait().await;
                post(address, "/function/gate", b"x").await
            });
        }
        for _ in 0..9 * room {
            let turned_away = jobs.join_next().await.unwrap().unwrap();
            assert_eq!((turned_away.status, turned_away.code()), (500, 400), "{what}");
        }
        assert_eq!(load(node.address()).await, (slots as usize, queue as usize), "{what}");
        until("all slots are busy", || gate.running() == slots as usize).await;
        assert_eq!(gate.begun(), slots as usize, "{what}");
        gate.open();
        while let Some(admitted) = jobs.join_next().await {
            assert_eq!(admitted.unwrap().status, 200, "{what}");
        }
        assert!(gate.most_at_once() <= slots as usize, "{what}");
        let counters = node.counters();
        assert_eq!((counters.served, counters.dropped), (room as u64, 9 * room as u64), "{what}");
        assert_eq!(load(node.address()).await, (0, 0), "{what}");
        node.shutdown().await;
    }
}

#[tokio::test]
async fn raised_slots_drain_the_queue_at_once_and_lowered_ones_let_running_jobs_finish() {
    let gate = Gate::new();
    let node = node(&gate, 2, 10, 0).await;
    let mut jobs: JoinSet<Answer> = JoinSet::new();
    for _ in 0..8 {
        let address = node.address();
        jobs.spawn(async move { post(address, "/function/gate", b"x").await });
    }
    until_load(node.address(), (2, 6)).await;
    set_capacity(node.address(), r#"{"parallel_running_functions_max": 5}"#).await;
    until("five run", || gate.running() == 5).await;
    assert_eq!(load(node.address()).await, (5, 3));

    set_capacity(node.address(), r#"{"parallel_running_functions_max": 1}"#).await;
    assert_eq!((load(node.address()).await, gate.running()), ((5, 3), 5));
    for left in (1..5).rev() {
        gate.let_go(1);
        assert_eq!(jobs.join_next().await.unwrap().unwrap().status, 200);
        assert_eq!((load(node.address()).await, gate.begun()), ((left, 3), 5));
    }
    for done in 5..8 {
        gate.let_go(1);
        assert_eq!(jobs.join_next().await.unwrap().unwrap().status, 200);
        assert_eq!(load(node.address()).await, (1, 7 - done));
        until("the next one runs", || gate.begun() == done + 1).await;
        assert_eq!(gate.running(), 1);
    }
    gate.open();
    assert_eq!(jobs.join_next().await.unwrap().unwrap().status, 200);
    assert_eq!((gate.most_at_once(), node.counters().served), (5, 8));
    node.shutdown().await;
}

#[tokio::test]
async fn a_queue_that_is_lowered_or_switched_off_turns_new_jobs_away_and_keeps_those_that_wait() {
    let gate = Gate::new();
    let node = node(&gate, 1, 6, 0).await;
    let jobs: Vec<_> = (0..5).map(|_| call_beside(node.address(), "/function/gate", &[], b"x")).collect();
    until_load(node.address(), (1, 4)).await;
    for change in [r#"{"queue_length_max": 2}"#, r#"{"queue_enabled": false, "queue_length_max": 100}"#] {
        set_capacity(node.address(), change).await;
        assert_eq!(post(node.address(), "/function/gate", b"x").await.code(), 400, "{change}");
        assert_eq!(load(node.address()).await, (1, 4), "{change}");
    }
    set_capacity(node.address(), r#"{"queue_enabled": true}"#).await;
    let one_more = call_beside(node.address(), "/function/gate", &[], b"x");
    until_load(node.address(), (1, 5)).await;
    gate.open();
    for job in jobs.into_iter().chain([one_more]) {
        assert_eq!(job.await.unwrap().status, 200);
    }
    assert_eq!((node.counters().served, node.counters().dropped), (6, 2));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_jobs_run_than_the_slots_in_force_while_these_change_under_load() {
    const CALLERS: usize = 16;
    let gate = Gate::new();
    let node = node(&gate, 4, CALLERS as u32, 2).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (over, address) = (over.clone(), node.address());
        callers.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                assert_eq!(post(address, "/function/gate", b"x").await.status, 200);
            }
        });
    }
    for slots in [1_usize, 5, 2, 7, 3, 8] {
        set_capacity(node.address(), &format!(r#"{{"parallel_running_functions_max": {slots}}}"#)).await;
        // Those that began under more slots end first.
        while load(node.address()).await.0 > slots {
            let finished = gate.finished();
            gate.let_go(1);
            until("one more is finished", || gate.finished() > finished).await;
        }
        until("all slots are busy", || gate.running() == slots).await;
        gate.most_at_once();
        for _ in 0..10 {
            let finished = gate.finished();
            gate.let_go(1);
            until("one more is finished", || gate.finished() > finished).await;
            until("all slots are busy", || gate.running() == slots).await;
        }
        assert!(gate.most_at_once() <= slots, "{slots} slots");
    }
    over.store(true, Ordering::SeqCst);
    gate.open();
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    let counters = node.counters();
    assert_eq!(counters.served, counters.arrived);
    node.shutdown().await;
}
