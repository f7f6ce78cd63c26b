use std::time::Duration;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::job::FunctionId;

const CAPACITY: Capacity = Capacity { slots: 3, queue: 4 };

fn question(task_type: u16, time_left_s: f64) -> Question {
    let time_left = Some(Duration::from_secs_f64(time_left_s));
    Question { function: FunctionId(0), task_type, time_left }
}

fn at(load: u32) -> PeerLoad {
    let running = load.min(CAPACITY.slots);
    PeerLoad { running, queued: load - running, slots: CAPACITY.slots }
}

/// One that has seen jobs of exponential times come at a rate.
fn experienced(jobs: u32, rate_per_s: f64, means_s: &[f64], time_left_s: f64) -> Appraiser {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut exponential = |mean: f64| -mean * (1.0 - rng.random::<f64>()).ln();
    let mut appraiser = Appraiser::default();
    let mut now = 0.0;
    for job in 0..jobs as usize {
        now += exponential(1.0 / rate_per_s);
        let task_type = job % means_s.len();
        let question = question(task_type as u16, time_left_s);
        appraiser.wanted(Time::from_nanos((now * 1e9) as u64), question, CAPACITY);
        appraiser.executed(question, exponential(means_s[task_type]));
    }
    appraiser
}

#[test]
fn exponential_jobs_are_in_time_as_often_as_theory_says() {
    let appraiser = experienced(4_000, 15.0, &[0.2], 0.5);
    let offer = |load| appraiser.offer(&question(0, 0.5), at(load), CAPACITY).expect("there is room");
    // P(S < 0.5); P(Erlang(n, 15) + S < 0.5) for n = 1 and 4, by numerical integration.
    for (load, known) in [(0, 0.918), (2, 0.918), (3, 0.877), (6, 0.635)] {
        assert!((f64::from(offer(load).in_time) - known).abs() < 0.03, "{load}: {:?}, {known}", offer(load));
    }
    assert_eq!(appraiser.offer(&question(0, 0.5), at(7), CAPACITY), None, "no room");
    let no_deadline = Question { time_left: None, ..question(0, 0.5) };
    assert_eq!(appraiser.offer(&no_deadline, at(6), CAPACITY).map(|offer| offer.in_time), Some(1.0));
    assert_eq!(appraiser.offer(&question(0, 0.0), at(0), CAPACITY).map(|offer| offer.in_time), Some(0.0));
}

#[test]
fn one_slot_and_no_queue_have_the_price_of_the_job_that_finds_it_taken() {
    // Gain = rate * leaving * reward / (rate + leaving); the price is gain / leaving.
    let price = 3.0 * 0.8 / (3.0 + 2.0);
    assert!((prices(3.0, &[2.0], &[0.8])[0] - price).abs() < 1e-12);
}

#[test]
fn prices_are_those_of_the_best_admission_and_jobs_that_would_be_late_are_not_worth_theirs() {
    // From two jobs on nobody is in time: to admit there is only harm.
    let (leaving, reward) = ([1.0, 1.0, 1.0, 1.0], [1.0, 0.9, 0.0, 0.0]);
    let prices = prices(2.0, &leaving, &reward);
    // Loads 0, 1 and 2 weigh 1, 2 and 4 where two are admitted, 1 and 2 where one is.
    let (two, one) = (2.0 * (1.0 + 2.0 * 0.9) / 7.0, 2.0 * 1.0 / 3.0);
    assert!(two > one);
    for (load, price) in [(1, two), (2, two), (3, two)] {
        assert!((prices[load] - price).abs() < 1e-12, "{prices:?}");
    }
    assert!(reward[0] > prices[0] && reward[1] > prices[1] && reward[2] < prices[2], "{prices:?}");
}

#[test]
fn nobody_knows_anything_and_every_job_is_worth_a_try() {
    let appraiser = Appraiser::default();
    assert_eq!(appraiser.offer(&question(0, 0.1), at(0), CAPACITY), Some(Offer { in_time: 1.0, price: 0.0 }));
}

#[test]
fn a_job_that_takes_longer_than_others_has_a_higher_price_and_a_kind_of_its_own() {
    let appraiser = experienced(4_000, 12.0, &[0.1, 0.3], 0.5);
    let [short, long] =
        [0, 1].map(|task_type| appraiser.offer(&question(task_type, 0.5), at(4), CAPACITY).expect("room"));
    let ratio = long.price / short.price;
    assert!((2.6..3.5).contains(&ratio), "{ratio}");
    assert!(short.in_time > long.in_time);
}

#[test]
fn a_node_that_has_become_slower_knows_it_within_a_hundred_jobs() {
    let mut appraiser = experienced(4_000, 15.0, &[0.1], 0.5);
    let quick = appraiser.offer(&question(0, 0.5), at(3), CAPACITY).expect("room");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
    for _ in 0..100 {
        let seconds = -0.4 * (1.0 - rng.random::<f64>()).ln();
        appraiser.executed(question(0, 0.5), seconds);
    }
    let slow = appraiser.offer(&question(0, 0.5), at(3), CAPACITY).expect("room");
    assert!(quick.in_time > 0.95 && slow.in_time < 0.75, "{quick:?} {slow:?}");
}

#[test]
fn what_was_told_is_believed_until_it_is_seen_to_be_wrong() {
    let mut appraiser = experienced(1_000, 15.0, &[0.2], 0.5);
    let question = question(0, 0.5);
    let [here, to_peer] =
        [appraiser.offer(&question, at(0), CAPACITY), appraiser.offer_to_peer(&question, at(0), CAPACITY)];
    assert_eq!(here, to_peer);
    for _ in 0..500 {
        appraiser.came(0, 5);
    }
    let (fresh, drifted) = (here.expect("room"), appraiser.offer_to_peer(&question, at(0), CAPACITY));
    let found = appraiser.offer(&question, at(5), CAPACITY).expect("room");
    let drifted = drifted.expect("room");
    assert!((drifted.worth() - found.worth()).abs() < 0.03, "{drifted:?} {found:?}");
    assert!(fresh.worth() > drifted.worth());
    // Who comes always finds it full.
    for _ in 0..2_000 {
        appraiser.came(0, 7);
    }
    let full = appraiser.offer_to_peer(&question, at(0), CAPACITY);
    assert!(full.is_none_or(|offer| offer.in_time < 0.02), "{full:?}");
}

proptest! {
    #[test]
    fn whatever_happens_offers_are_numbers_that_can_be(
        steps in prop::collection::vec((0_u8..3, 0_u16..20, 0.0_f64..1e4, 0_u32..200), 1..200),
        slots in 0_u32..5, queue in 0_u32..200,
    ) {
        let capacity = Capacity { slots, queue };
        let mut appraiser = Appraiser::default();
        let mut now = Time::ZERO;
        for (what, task_type, seconds, load) in steps {
            let question = question(task_type, seconds);
            match what {
                0 => appraiser.executed(question, seconds),
                1 => {
                    now = now + Duration::from_secs_f64(seconds / 1e3);
                    appraiser.wanted(now, question, capacity);
                }
                _ => appraiser.came(load, load / 2),
            }
            let load = PeerLoad { running: load.min(slots), queued: load.saturating_sub(slots), slots };
            let offers = [
                appraiser.offer(&question, load, capacity),
                appraiser.offer_to_peer(&question, load, capacity),
                Some(appraiser.offer_to_begin(&question, load.total())),
            ];
            for offer in offers.into_iter().flatten() {
                prop_assert!(offer.is_possible(), "{offer:?}");
            }
        }
    }
}
