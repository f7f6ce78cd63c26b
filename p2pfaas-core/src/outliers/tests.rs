use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

const F: FunctionId = FunctionId(7);
const G: FunctionId = FunctionId(3);

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

fn among(peers: u32, now: Time) -> Judge<impl Fn(PeerId) -> bool> {
    let is_present = move |peer: PeerId| peer.0 < peers;
    Judge { now, at_first: Duration::from_secs(10), present: peers as usize, is_present }
}

fn out(outliers: &Outliers, function: FunctionId, now: Time) -> Vec<u32> {
    (0..64).filter(|peer| outliers.is_out(function, PeerId(*peer), now)).collect()
}

/// Each peer in turn, so often; at those of `bad` it fails. Ejections.
fn rounds(
    outliers: &mut Outliers,
    function: FunctionId,
    peers: u32,
    bad: &[u32],
    count: u32,
    now: Time,
) -> u32 {
    let judge = among(peers, now);
    let mut ejected = 0;
    for peer in (0..count).flat_map(|_| 0..peers) {
        if !outliers.is_out(function, PeerId(peer), now) {
            ejected += u32::from(outliers.ran(function, Some(PeerId(peer)), bad.contains(&peer), &judge));
        }
    }
    ejected
}

#[test]
fn a_peer_at_which_a_function_fails_and_at_others_not_is_out_for_that_function_alone_and_for_a_while() {
    let mut outliers = Outliers::default();
    assert_eq!(rounds(&mut outliers, F, 4, &[2], MIN_FAILURES - 1, at(0)), 0, "too little is known");
    assert_eq!(rounds(&mut outliers, F, 4, &[2], 50, at(0)), 1);
    assert_eq!(out(&outliers, F, at(0)), [2]);
    assert_eq!(out(&outliers, G, at(0)), [] as [u32; 0]);
    assert_eq!(out(&outliers, F, Time::from_nanos(at(10).as_nanos() - 1)), [2]);
    assert_eq!(out(&outliers, F, at(10)), [] as [u32; 0]);
}

#[test]
fn it_is_out_for_twice_as_long_each_time_up_to_the_bound_and_after_a_good_while_as_at_first() {
    let mut outliers = Outliers::default();
    let mut now = at(0);
    for span in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(rounds(&mut outliers, F, 4, &[1], 20, now), 1);
        let end = now + Duration::from_secs(span);
        assert!(
            out(&outliers, F, Time::from_nanos(end.as_nanos() - 1)) == [1]
                && out(&outliers, F, end).is_empty()
        );
        now = end;
    }
    now = now + MAX_EJECTION;
    rounds(&mut outliers, F, 4, &[], 500, now);
    assert_eq!((outliers.functions(), outliers.len()), (0, 0), "nothing is left of it");
    rounds(&mut outliers, F, 4, &[1], 20, now);
    assert_eq!(out(&outliers, F, now + Duration::from_secs(10)), [] as [u32; 0]);
}

#[test]
fn where_a_function_fails_everywhere_nobody_is_out() {
    let mut outliers = Outliers::default();
    assert_eq!(rounds(&mut outliers, F, 4, &[0, 1, 2, 3], 500, at(0)), 0);
    // One peer alone, and it fails here as well.
    let mut outliers = Outliers::default();
    for _ in 0..500 {
        assert!(!outliers.ran(F, Some(PeerId(0)), true, &among(1, at(0))));
        assert!(!outliers.ran(F, None, true, &among(1, at(0))));
    }
}

#[test]
fn where_a_function_fails_now_and_then_everywhere_chance_puts_nobody_out() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    for share in [0.05, 0.3, 0.6, 0.9] {
        let mut outliers = Outliers::default();
        let mut now = at(0);
        for _ in 0..20_000 {
            now = now + Duration::from_millis(100);
            let peer = PeerId(rng.random_range(0..4));
            assert!(
                !outliers.ran(F, Some(peer), rng.random_bool(share), &among(4, now)),
                "{share} at {now:?}"
            );
        }
    }
}

#[test]
fn the_only_peer_may_be_out_since_this_node_is_left() {
    let mut outliers = Outliers::default();
    assert_eq!(rounds(&mut outliers, F, 1, &[0], 50, at(0)), 1);
    assert_eq!(out(&outliers, F, at(0)), [0]);
}

#[test]
fn no_more_than_half_of_the_nodes_are_out_also_when_others_go() {
    let mut outliers = Outliers::default();
    // Five of seven: of eight nodes four may be out.
    assert_eq!(rounds(&mut outliers, F, 7, &[0, 1, 2, 3, 4], 50, at(0)), 4);
    assert_eq!(out(&outliers, F, at(0)).len(), 4);
    outliers.choose_among(&among(4, at(1)));
    let left = out(&outliers, F, at(1)).iter().filter(|peer| **peer < 4).count();
    assert!(left <= 2, "{left} of four");
}

#[test]
fn without_a_span_there_is_no_account_and_of_a_forgotten_peer_nothing_is_left() {
    let mut outliers = Outliers::default();
    let judge = Judge { at_first: Duration::ZERO, ..among(3, at(0)) };
    (0..50).for_each(|_| assert!(!outliers.ran(F, Some(PeerId(0)), true, &judge)));
    assert_eq!(outliers.len(), 0);
    rounds(&mut outliers, F, 3, &[0], 50, at(0));
    outliers.forget(PeerId(0));
    assert_eq!((outliers.functions(), out(&outliers, F, at(0)).len()), (0, 0));
}

#[test]
fn the_account_is_bounded() {
    let mut outliers = Outliers::default();
    let judge = among(64, at(0));
    for function in 0..1_000 {
        for peer in 0..64 {
            outliers.ran(FunctionId(function), Some(PeerId(peer)), true, &judge);
        }
    }
    assert_eq!(outliers.len(), MAX_OUTLIERS);
}

#[derive(Debug, Clone)]
enum Step {
    Ran {
        function: u32,
        at: Option<u32>,
        failed: bool,
    },
    /// The same again and again.
    Many {
        function: u32,
        at: u32,
        failed: bool,
    },
    Pass(u64),
    Present(BTreeSet<u32>),
}

fn steps() -> impl Strategy<Value = Step> {
    let function = 0..3_u32;
    prop_oneof![
        8 => (function.clone(), prop::option::weighted(0.8, 0..6_u32), any::<bool>())
            .prop_map(|(function, at, failed)| Step::Ran { function, at, failed }),
        8 => (function, 0..6_u32, any::<bool>()).prop_map(|(function, at, failed)| Step::Many { function, at, failed }),
        2 => (0..15_000_u64).prop_map(Step::Pass),
        1 => prop::collection::btree_set(0..6_u32, 0..6).prop_map(Step::Present),
    ]
}

proptest! {
    #[test]
    fn whatever_fails_where_half_of_the_nodes_stay_and_only_who_has_failed_is_out(
        steps in prop::collection::vec(steps(), 1..300),
    ) {
        let mut outliers = Outliers::default();
        let mut now = Time::ZERO;
        let mut present: BTreeSet<u32> = (0..6).collect();
        let mut failures = [[0_u32; 6]; 3];
        for step in steps {
            let judge = |now| {
                let present = present.clone();
                let count = present.len();
                let is_present = move |peer: PeerId| present.contains(&peer.0);
                Judge { now, at_first: Duration::from_secs(10), present: count, is_present }
            };
            let mut ran = |function: u32, at: Option<u32>, failed: bool| {
                let id = FunctionId(function);
                let was_out = at.is_some_and(|peer| outliers.is_out(id, PeerId(peer), now));
                let ejected = outliers.ran(id, at.map(PeerId), failed, &judge(now));
                let Some(peer) = at else { return !ejected };
                let failures = &mut failures[function as usize][peer as usize];
                *failures += u32::from(failed && !was_out);
                let fair = !ejected || failed && !was_out && *failures >= MIN_FAILURES;
                if ejected {
                    *failures = 0;
                }
                fair && outliers.is_out(id, PeerId(peer), now) == (ejected || was_out)
            };
            match step {
                Step::Ran { function, at, failed } => prop_assert!(ran(function, at, failed)),
                Step::Many { function, at, failed } => {
                    for _ in 0..10 {
                        prop_assert!(ran(function, Some(at), failed));
                    }
                }
                Step::Pass(millis) => now = now + Duration::from_millis(millis),
                Step::Present(peers) => {
                    present = peers;
                    let judge = {
                        let present = present.clone();
                        let count = present.len();
                        let is_present = move |peer: PeerId| present.contains(&peer.0);
                        Judge { now, at_first: Duration::ZERO, present: count, is_present }
                    };
                    outliers.choose_among(&judge);
                }
            }
            for function in 0..3 {
                let out = out(&outliers, FunctionId(function), now);
                let there = out.iter().filter(|peer| present.contains(peer)).count();
                prop_assert!(there <= present.len().div_ceil(2), "{} of {}", there, present.len());
            }
            prop_assert!(outliers.len() <= 18 && outliers.functions() <= 3);
        }
    }
}
