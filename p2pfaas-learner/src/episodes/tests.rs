use std::time::Duration;

use p2pfaas_core::Time;
use proptest::prelude::*;

use super::*;
use crate::entry::{Mask, State};

const SECOND: Duration = Duration::from_secs(1);

/// An experience whose content depends on `mark`.
fn entry(eid: u64, mark: u32) -> Entry {
    let state = State::from_slice(&[1.0, f64::from(mark)]);
    let reward = Some(1.0);
    Entry { eid, state, mask: Mask::new(), action: 1, epsilon: 0.1, reward, terminal: false }
}

fn push_all(episodes: &mut Episodes, eids: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut out = Vec::new();
    for eid in eids {
        episodes.push(Time::ZERO, entry(eid, 0), &mut out);
    }
    out.into_iter().map(|ordered| ordered.entry.eid).collect()
}

proptest! {
    #[test]
    fn whatever_order_within_the_window_they_come_out_in_order_exactly_once(
        jitters in prop::collection::vec(0..20_u64, 1..300),
        repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        first in 0..1_000_000_u64,
    ) {
        let count = jitters.len() as u64;
        let mut arrivals: Vec<(u64, u64)> =
            jitters.iter().zip(first..).map(|(jitter, eid)| (eid + jitter, eid)).collect();
        arrivals.sort_by_key(|(moment, _)| *moment);
        let mut arrivals: Vec<u64> = arrivals.into_iter().map(|(_, eid)| eid).collect();
        for index in &repeated {
            // Again, some time after the first time.
            let place = index.index(arrivals.len());
            arrivals.insert(arrivals.len() - (arrivals.len() - place) / 2, arrivals[place]);
        }
        let mut episodes = Episodes::new(20, SECOND);
        episodes.begin_at(first);
        let mut out = Vec::new();
        for eid in arrivals {
            episodes.push(Time::ZERO, entry(eid, 0), &mut out);
        }
        prop_assert!(out.iter().all(|ordered| ordered.follows));
        prop_assert!(out.iter().map(|ordered| ordered.entry.eid).eq(first..first + count));
        let counts = episodes.counts();
        prop_assert_eq!(counts.duplicates, repeated.len() as u64);
        prop_assert_eq!((counts.gaps, counts.late, counts.restarts), (0, 0, 0));
    }

    #[test]
    fn whatever_comes_nothing_is_lost_uncounted_and_the_room_is_bounded(
        arrivals in prop::collection::vec(
            (prop_oneof![8 => 0..60_u64, 1 => 0..u64::MAX - 1, 1 => 5_000_000..5_000_050_u64], 0..3_u32, 0..3_u64),
            0..400,
        ),
        max_waiting in 1..8_usize,
    ) {
        let mut episodes = Episodes::new(max_waiting, SECOND);
        let (mut out, mut now) = (Vec::new(), Time::ZERO);
        for (eid, mark, pause) in arrivals {
            now = now + Duration::from_millis(400 * pause);
            episodes.tick(now, &mut out);
            episodes.push(now, entry(eid, mark), &mut out);
            prop_assert!(episodes.waiting() <= max_waiting);
            prop_assert!(episodes.done.len() <= REMEMBERED && episodes.gaps.len() <= REMEMBERED_GAPS);
            let counts = episodes.counts();
            let accounted = out.len() + episodes.waiting();
            prop_assert_eq!(counts.received, accounted as u64 + counts.duplicates + counts.late);
        }
        episodes.flush(&mut out);
        prop_assert_eq!(episodes.waiting(), 0);
        for pair in out.windows(2) {
            prop_assert!(!pair[1].follows || pair[0].entry.eid + 1 == pair[1].entry.eid);
        }
    }
}

#[test]
fn a_missing_experience_is_given_up_by_count() {
    let mut episodes = Episodes::new(3, SECOND);
    assert_eq!(push_all(&mut episodes, [10, 12, 13, 14]), [10]);
    assert_eq!(push_all(&mut episodes, [15]), [12, 13, 14, 15]);
    assert_eq!(episodes.counts().gaps, 1);
}

#[test]
fn a_missing_experience_is_given_up_by_time() {
    let mut episodes = Episodes::new(100, SECOND);
    let mut out = Vec::new();
    for eid in [10, 12] {
        episodes.push(Time::ZERO, entry(eid, 0), &mut out);
    }
    episodes.tick(Time::ZERO + SECOND, &mut out);
    assert_eq!(out.len(), 1, "not before the time is over");
    episodes.tick(Time::ZERO + SECOND + Duration::from_nanos(1), &mut out);
    assert_eq!((out[1].entry.eid, out[1].follows, episodes.counts().gaps), (12, false, 1));
}

#[test]
fn over_a_restart_of_the_clock_what_waits_still_is_given_up() {
    let mut episodes = Episodes::new(100, SECOND);
    let mut out = Vec::new();
    let late = Time::ZERO + 1_000 * SECOND;
    for eid in [10, 12] {
        episodes.push(late, entry(eid, 0), &mut out);
    }
    episodes.restart_clock(Time::ZERO);
    episodes.tick(Time::ZERO + 2 * SECOND, &mut out);
    assert_eq!(out.len(), 2);
}

#[test]
fn an_experience_that_comes_long_after_it_was_given_up_is_late_and_no_restart() {
    let mut episodes = Episodes::new(3, SECOND);
    push_all(&mut episodes, (0..50).chain(51..60_000));
    assert!(push_all(&mut episodes, [50]).is_empty());
    assert_eq!(push_all(&mut episodes, [60_000]), [60_000]);
    let counts = episodes.counts();
    assert_eq!((counts.gaps, counts.late, counts.restarts), (1, 1, 0));
}

#[test]
fn a_batch_that_is_sent_again_is_not_let_through_again() {
    let mut episodes = Episodes::new(10, SECOND);
    assert_eq!(push_all(&mut episodes, 0..1_000).len(), 1_000);
    assert!(push_all(&mut episodes, 0..1_000).is_empty());
    assert_eq!(push_all(&mut episodes, [1_000]), [1_000]);
    assert_eq!(episodes.counts().duplicates, 1_000);
}

#[test]
fn numbers_that_begin_anew_open_a_new_run() {
    let mut episodes = Episodes::new(10, SECOND);
    push_all(&mut episodes, 0..1_000);
    let mut out = Vec::new();
    for eid in 0..5 {
        // Other experiences under the old numbers.
        episodes.push(Time::ZERO, entry(eid, 7), &mut out);
    }
    let (first, rest) = out.split_first().expect("five");
    assert!(!first.follows && rest.iter().all(|ordered| ordered.follows));
    assert_eq!((out.len(), episodes.counts().restarts), (5, 1));

    // Far ahead: a node that numbers by its clock has been started again.
    assert_eq!(push_all(&mut episodes, [10_000_000, 10_000_001]), [10_000_000, 10_000_001]);
    assert_eq!((episodes.counts().restarts, episodes.counts().gaps), (2, 0));
}

#[test]
fn a_smaller_bound_holds_from_the_next_experience_on() {
    let mut episodes = Episodes::new(100, SECOND);
    push_all(&mut episodes, (0..100).map(|pair| 2 * pair));
    episodes.set_bounds(5, SECOND);
    push_all(&mut episodes, [1_000]);
    assert!(episodes.waiting() <= 5);
}
