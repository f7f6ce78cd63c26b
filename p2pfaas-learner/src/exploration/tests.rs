//! Tests of what holds for every exploration, and of the schedules.

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::config::ScheduleKind;

const KINDS: [ExplorationKind; 3] =
    [ExplorationKind::Epsilon, ExplorationKind::Ucb, ExplorationKind::Boltzmann];

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Always at this ε or temperature.
fn at(kind: ExplorationKind, epsilon: f64) -> Exploration {
    Exploration::new(&AgentConfig {
        exploration: kind,
        epsilon_start: epsilon,
        epsilon_decay_enabled: false,
        actions_n: 4,
        ..AgentConfig::default()
    })
}

fn shares(kind: ExplorationKind, epsilon: f64, values: &[f64], mask: &[bool]) -> Vec<f64> {
    let mut out = vec![9.0; 3];
    probabilities(kind, epsilon, values, mask, &mut out);
    out
}

proptest! {
    #[test]
    fn a_masked_action_is_never_chosen(
        values in proptest::collection::vec(prop_oneof![-1e3..1e3_f64, Just(0.0), Just(f64::MAX), Just(-f64::MAX)], 1..8),
        mask in proptest::collection::vec(any::<bool>(), 0..8),
        epsilon in prop_oneof![0.0..=1.0_f64, Just(0.0), Just(1e-300)],
        seed in any::<u64>(),
    ) {
        let any_open = (0..values.len()).any(|action| allowed(&mask, action));
        for kind in KINDS {
            let (mut exploration, mut rng) = (at(kind, epsilon), rng(seed));
            for _ in 0..20 {
                let picked = exploration.pick(&[1.0], &values, &mask, &mut rng);
                prop_assert_eq!(picked.is_some(), any_open);
                if let Some(picked) = picked {
                    prop_assert!(allowed(&mask, picked.action) && picked.action < values.len());
                    prop_assert!(picked.probability > 0.0 && picked.probability <= 1.0 + 1e-9, "{:?}", picked);
                }
            }
            let shares = shares(kind, epsilon, &values, &mask);
            prop_assert_eq!(shares.len(), values.len());
            let sum: f64 = shares.iter().sum();
            prop_assert!((sum - f64::from(u8::from(any_open))).abs() < 1e-9, "{:?}", shares);
            for (action, share) in shares.iter().enumerate() {
                prop_assert!(*share >= 0.0 && (allowed(&mask, action) || *share == 0.0));
            }
        }
    }
}

#[test]
fn actions_are_picked_as_often_as_their_probabilities_say() {
    let (values, mask) = ([1.0, 2.0, 2.0, 5.0, 0.5], [true, true, true, false, true]);
    for (kind, epsilon) in [(ExplorationKind::Epsilon, 0.4), (ExplorationKind::Boltzmann, 0.7)] {
        let (mut exploration, mut rng) = (at(kind, epsilon), rng(5));
        let expected = shares(kind, epsilon, &values, &mask);
        let mut counts = [0.0; 5];
        for _ in 0..100_000 {
            let picked = exploration.pick(&[], &values, &mask, &mut rng).unwrap();
            counts[picked.action] += 1.0;
            assert!((picked.probability - expected[picked.action]).abs() < 1e-12);
            assert_eq!(picked.epsilon, epsilon);
        }
        for (count, share) in counts.iter().zip(&expected) {
            assert!((count / 100_000.0 - share).abs() < 0.01, "{kind:?}: {counts:?} {expected:?}");
        }
    }
}

#[test]
fn among_equals_the_choice_is_random() {
    for kind in KINDS {
        let (mut exploration, mut rng, mut counts) = (at(kind, 0.0), rng(9), [0_u32; 4]);
        for _ in 0..4_000 {
            counts[exploration.pick(&[0.0], &[0.0; 4], &[], &mut rng).unwrap().action] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{kind:?}: {counts:?}");
    }
}

#[test]
fn without_temperature_boltzmann_is_greedy_and_with_much_of_it_even() {
    assert_eq!(shares(ExplorationKind::Boltzmann, 0.0, &[1.0, 3.0, 3.0], &[]), [0.0, 0.5, 0.5]);
    assert_eq!(shares(ExplorationKind::Boltzmann, 1e-3, &[1e6, -1e6, 0.0], &[]), [1.0, 0.0, 0.0]);
    for share in shares(ExplorationKind::Boltzmann, 1e9, &[1.0, 3.0, 2.0], &[]) {
        assert!((share - 1.0 / 3.0).abs() < 1e-6);
    }
}

#[test]
fn ucb_tries_everything_first_and_then_what_is_good_or_rare() {
    let (mut exploration, mut rng, mut counts) = (at(ExplorationKind::Ucb, 0.0), rng(3), [0_u32; 4]);
    let (values, mask) = ([0.0, 1.0, 0.9, 9.0], [true, true, true, false]);
    for round in 0..1_000 {
        counts[exploration.pick(&[7.0], &values, &mask, &mut rng).unwrap().action] += 1;
        if round == 2 {
            assert_eq!(counts, [1, 1, 1, 0], "each allowed one once");
        }
    }
    assert!(counts[1] > counts[2] && counts[2] > counts[0] && counts[0] > 1, "{counts:?}");
    let other = exploration.pick(&[8.0], &values, &mask, &mut rng).unwrap();
    assert!((other.probability - 1.0 / 3.0).abs() < 1e-12, "another state begins anew");
    assert_eq!(exploration.pick(&[7.0], &values, &[false; 4], &mut rng), None);
}

#[test]
fn ucb_remembers_a_bounded_number_of_states() {
    let config = AgentConfig { exploration: ExplorationKind::Ucb, max_states: 2, ..AgentConfig::default() };
    let (mut exploration, mut rng) = (Exploration::new(&config), rng(3));
    let mut pick = |state: f64| exploration.pick(&[state], &[0.0, 0.0], &[], &mut rng).unwrap().action;
    let first = pick(1.0);
    let then = pick(1.0);
    assert_ne!(first, then, "what has not been taken there");
    let firsts: Vec<usize> = (0..40)
        .map(|_| {
            (2..4).for_each(|other| _ = pick(f64::from(other)));
            pick(1.0)
        })
        .collect();
    assert!(firsts.contains(&0) && firsts.contains(&1), "it has been forgotten: any may come first again");
}

#[test]
fn an_exploration_goes_on_from_its_stored_form() {
    for kind in KINDS {
        let (mut one, mut draws) = (at(kind, 0.5), rng(1));
        (0..10).for_each(|_| _ = one.pick(&[1.0], &[0.1, 0.2], &[], &mut draws));
        let mut other: Exploration = postcard::from_bytes(&postcard::to_allocvec(&one).unwrap()).unwrap();
        let mut same = draws.clone();
        for _ in 0..20 {
            let picked = one.pick(&[1.0], &[0.1, 0.2], &[], &mut draws);
            assert_eq!(picked, other.pick(&[1.0], &[0.1, 0.2], &[], &mut same));
        }
    }
}

fn schedule(kind: ScheduleKind, change: impl Fn(&mut AgentConfig)) -> Vec<f64> {
    let mut config = AgentConfig { epsilon_schedule: kind, epsilon_steps: 100, ..AgentConfig::default() };
    change(&mut config);
    let mut schedule = Schedule::new(&config);
    (0..200)
        .map(|_| {
            let now = schedule.value();
            schedule.advance();
            now
        })
        .collect()
}

#[test]
fn the_exponential_schedule_is_the_old_learners() {
    let ours = schedule(ScheduleKind::Exponential, |config| {
        (config.epsilon_start, config.epsilon_min, config.epsilon_decay) = (0.9, 0.5, 0.99);
    });
    let mut epsilon = 0.9;
    for now in ours {
        // The old one ends just below its lower bound, ours at it.
        assert!((now - f64::max(epsilon, 0.5)).abs() < 1e-12);
        if epsilon > 0.5 {
            epsilon *= 0.99;
        }
    }
}

#[test]
fn the_linear_schedule_is_at_its_end_when_its_steps_are_over() {
    let values = schedule(ScheduleKind::Linear, |_| ());
    assert_eq!(values[0], 0.9);
    assert!((values[50] - 0.5).abs() < 1e-12);
    assert!((values[100] - 0.1).abs() < 1e-12 && (values[199] - 0.1).abs() < 1e-12);
}

#[test]
fn the_reaching_schedule_reaches_its_end_exactly() {
    let values = schedule(ScheduleKind::Reach, |_| ());
    assert_eq!((values[0], values[100], values[199]), (0.9, 0.1, 0.1));
    assert!(values[99] > 0.1 && (values[50] - (0.9_f64 * 0.1).sqrt()).abs() < 1e-12, "by equal factors");
    let none =
        schedule(ScheduleKind::Reach, |config| (config.epsilon_start, config.epsilon_min) = (0.0, 0.0));
    assert!(none.iter().all(|epsilon| *epsilon == 0.0));
}

#[test]
fn a_constant_or_switched_off_schedule_stays_at_its_start() {
    assert!(schedule(ScheduleKind::Constant, |_| ()).iter().all(|epsilon| *epsilon == 0.9));
    let off = schedule(ScheduleKind::Exponential, |config| config.epsilon_decay_enabled = false);
    assert!(off.iter().all(|epsilon| *epsilon == 0.9));
}

/// A schedule from 0.9 to 0.1 in 100 steps, or by 0.99, that took over changed parameters after so many
/// choices; and these parameters.
fn changed_after(
    choices: usize,
    kind: ScheduleKind,
    change: impl Fn(&mut AgentConfig),
) -> (Schedule, AgentConfig) {
    let mut config = AgentConfig { epsilon_schedule: kind, epsilon_steps: 100, ..AgentConfig::default() };
    let mut schedule = Schedule::new(&config);
    (0..choices).for_each(|_| schedule.advance());
    change(&mut config);
    schedule.set_config(&config);
    (schedule, config)
}

fn value_after(schedule: &mut Schedule, choices: usize) -> f64 {
    (0..choices).for_each(|_| schedule.advance());
    schedule.value()
}

#[test]
fn a_new_start_of_the_linear_schedule_waits_for_a_reset() {
    let (mut linear, config) = changed_after(50, ScheduleKind::Linear, |config| config.epsilon_start = 0.3);
    assert!((linear.value() - 0.5).abs() < 1e-12);
    // 0.9 - 0.8 * 75 / 100.
    assert!((value_after(&mut linear, 25) - 0.3).abs() < 1e-12, "{linear:?}");
    assert_eq!(Schedule::new(&config).value(), 0.3);
}

#[test]
fn a_new_start_of_the_reaching_schedule_waits_for_a_reset() {
    let (mut reach, config) = changed_after(50, ScheduleKind::Reach, |config| config.epsilon_start = 0.3);
    assert!((reach.value() - 0.3).abs() < 1e-12);
    // 0.9 / 9^(3/4).
    assert!((value_after(&mut reach, 25) - 3.0_f64.sqrt() / 10.0).abs() < 1e-12, "{reach:?}");
    assert_eq!(Schedule::new(&config).value(), 0.3);
}

#[test]
fn a_new_start_of_the_exponential_schedule_waits_for_a_reset() {
    let below = |config: &mut AgentConfig| config.epsilon_start = 0.05;
    let (mut exponential, config) = changed_after(1, ScheduleKind::Exponential, below);
    assert!((value_after(&mut exponential, 1) - 0.9 * 0.99 * 0.99).abs() < 1e-12, "{exponential:?}");
    assert_eq!(value_after(&mut exponential, 1_000), 0.1, "its lower bound is not that of the new start");
    assert_eq!(Schedule::new(&config).value(), 0.05);
}

#[test]
fn a_new_start_of_a_constant_or_switched_off_schedule_waits_for_a_reset() {
    let (mut constant, config) =
        changed_after(5, ScheduleKind::Constant, |config| config.epsilon_start = 0.3);
    assert_eq!(value_after(&mut constant, 5), 0.9);
    assert_eq!(Schedule::new(&config).value(), 0.3);
    let (mut off, _) = changed_after(50, ScheduleKind::Linear, |config| config.epsilon_decay_enabled = false);
    assert!((value_after(&mut off, 5) - 0.5).abs() < 1e-12, "it stays where it was switched off: {off:?}");
}

#[test]
fn a_new_lower_bound_and_new_steps_and_decay_count_at_once() {
    for kind in [ScheduleKind::Linear, ScheduleKind::Reach, ScheduleKind::Exponential] {
        let (mut raised, _) = changed_after(90, kind, |config| config.epsilon_min = 0.6);
        assert!(raised.value() >= 0.6 && value_after(&mut raised, 1_000) == 0.6, "{raised:?}");
    }
    let (mut longer, _) = changed_after(50, ScheduleKind::Linear, |config| config.epsilon_steps = 200);
    // 0.9 - 0.8 * 100 / 200.
    assert!((value_after(&mut longer, 50) - 0.5).abs() < 1e-12, "{longer:?}");
    let (mut faster, _) = changed_after(1, ScheduleKind::Exponential, |config| config.epsilon_decay = 0.5);
    assert!((value_after(&mut faster, 1) - 0.9 * 0.99 * 0.5).abs() < 1e-12, "{faster:?}");
}
