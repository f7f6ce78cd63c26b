//! Tests of single steps, reckoned by hand.

use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::config::ExplorationKind;
use crate::value::{Table, Value};

const ALL: &[bool] = &[];

/// A rule with a table of two actions, whose step size is a half, without discount.
struct Bench {
    config: AgentConfig,
    rule: Rule,
    values: Values,
    rng: Xoshiro256PlusPlus,
}

fn bench(rule: RuleKind, change: impl Fn(&mut AgentConfig)) -> Bench {
    let mut config = AgentConfig { rule, alpha: 0.5, beta: 0.5, gamma: 1.0, ..AgentConfig::default() };
    change(&mut config);
    let table = || Value::Table(Table::new(2, 0.0, config.max_states));
    let second = (rule == RuleKind::DoubleQ).then(table);
    let values = Values { first: table(), second };
    Bench { rule: Rule::new(&config), values, rng: Xoshiro256PlusPlus::seed_from_u64(1), config }
}

impl Bench {
    fn knows(mut self, state: f64, action: usize, value: f64) -> Self {
        let functions = [Some(&mut self.values.first), self.values.second.as_mut()];
        for function in functions.into_iter().flatten() {
            let now = function.value(&[state], action);
            function.update(&[state], action, value - now);
        }
        self
    }

    /// From one state by an action and with a reward to another state and action.
    fn step(
        &mut self,
        from: (f64, usize),
        reward: f64,
        to: Option<(f64, usize, &[bool], f64)>,
    ) -> Option<f64> {
        let state = to.map(|to| [to.0]);
        let next = to.zip(state.as_ref()).map(|((_, action, mask, epsilon), state)| Next {
            state,
            action,
            mask,
            epsilon,
        });
        let step = Step { state: &[from.0], action: from.1, reward, next };
        let mut context = Context { config: &self.config, rng: &mut self.rng };
        self.rule.train(&step, &mut self.values, &mut context)
    }

    fn cut(&mut self) {
        self.rule.cut(&mut self.values, &mut Context { config: &self.config, rng: &mut self.rng });
    }

    fn value(&self, state: f64, action: usize) -> f64 {
        self.values.first.value(&[state], action)
    }
}

const EVERY: [RuleKind; 9] = [
    RuleKind::Sarsa,
    RuleKind::ExpectedSarsa,
    RuleKind::QLearning,
    RuleKind::DoubleQ,
    RuleKind::NStepSarsa,
    RuleKind::SarsaLambda,
    RuleKind::DifferentialSarsa,
    RuleKind::DifferentialQ,
    RuleKind::Reference,
];

#[test]
fn sarsa_looks_at_the_action_that_was_taken() {
    let mut bench = bench(RuleKind::Sarsa, |_| ()).knows(1.0, 0, 4.0).knows(1.0, 1, 8.0);
    assert_eq!(bench.step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0))), Some(5.0));
    assert_eq!(bench.value(0.0, 0), 2.5);
}

#[test]
fn expected_sarsa_weighs_the_actions_that_could_be_taken_by_the_exploration_there() {
    let known = |change: fn(&mut AgentConfig)| {
        bench(RuleKind::ExpectedSarsa, change).knows(1.0, 0, 4.0).knows(1.0, 1, 8.0)
    };
    assert_eq!(known(|_| ()).step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.5))), Some(8.0));
    assert_eq!(known(|_| ()).step((0.0, 0), 1.0, Some((1.0, 0, &[true, false], 0.5))), Some(5.0));
    let softmax = |config: &mut AgentConfig| config.exploration = ExplorationKind::Boltzmann;
    let error = known(softmax).step((0.0, 0), 0.0, Some((1.0, 0, ALL, 4.0))).unwrap();
    let share = 1.0 / (1.0 + (-1.0_f64).exp());
    assert!((error - (8.0 * share + 4.0 * (1.0 - share))).abs() < 1e-12);
}

#[test]
fn q_learning_looks_at_the_best_action_that_could_be_taken() {
    for (rule, average) in [(RuleKind::QLearning, 0.0), (RuleKind::DifferentialQ, 0.0)] {
        let known = || bench(rule, |_| ()).knows(1.0, 0, 4.0).knows(1.0, 1, 8.0);
        assert_eq!(known().step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0))), Some(9.0 - average));
        assert_eq!(known().step((0.0, 0), 1.0, Some((1.0, 0, &[true, false], 0.0))), Some(5.0 - average));
        assert_eq!(known().step((0.0, 0), 1.0, Some((1.0, 0, &[false, false], 0.0))), Some(1.0 - average));
    }
}

#[test]
fn double_q_learning_asks_the_other_function_about_its_best_action() {
    let (mut firsts, mut seconds) = (0, 0);
    for seed in 0..100 {
        let mut bench = bench(RuleKind::DoubleQ, |_| ());
        bench.rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let Values { first, second: Some(second) } = &mut bench.values else { panic!("two functions") };
        first.update(&[1.0], 0, 4.0);
        first.update(&[1.0], 1, 1.0);
        second.update(&[1.0], 1, 6.0);
        second.update(&[1.0], 0, 2.0);
        match bench.step((0.0, 0), 0.0, Some((1.0, 0, ALL, 0.0))) {
            // The first learns: its best is action 0, of which the second thinks 2.
            Some(2.0) => firsts += 1,
            Some(1.0) => seconds += 1,
            other => panic!("{other:?}"),
        }
        let second = bench.values.second.as_ref().unwrap();
        assert!((bench.value(0.0, 0) == 0.0) != (second.value(&[0.0], 0) == 0.0), "only one of them learns");
    }
    assert!(firsts > 30 && seconds > 30, "{firsts} {seconds}");
}

#[test]
fn n_step_sarsa_sums_n_rewards() {
    let change = |config: &mut AgentConfig| (config.steps, config.gamma) = (3, 0.5);
    let mut bench = bench(RuleKind::NStepSarsa, change).knows(3.0, 0, 8.0);
    assert_eq!(bench.step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0))), None);
    assert_eq!(bench.step((1.0, 0), 2.0, Some((2.0, 0, ALL, 0.0))), None);
    let target = 1.0 + 0.5 * 2.0 + 0.25 * 4.0 + 0.125 * 8.0;
    assert_eq!(bench.step((2.0, 0), 4.0, Some((3.0, 0, ALL, 0.0))), Some(target));
    assert_eq!(bench.value(0.0, 0), 0.5 * target);
    bench.step((3.0, 0), 0.0, None);
    assert_eq!(
        bench.value(1.0, 0),
        0.5 * (2.0 + 0.5 * 4.0),
        "the episode's end: no estimate of what follows"
    );
    assert_eq!(bench.value(3.0, 0), 4.0);
}

#[test]
fn n_step_sarsa_trains_what_it_holds_where_the_stream_breaks() {
    let mut bench = bench(RuleKind::NStepSarsa, |config| config.steps = 8).knows(2.0, 1, 10.0);
    bench.step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0)));
    bench.step((1.0, 0), 2.0, Some((2.0, 1, ALL, 0.0)));
    bench.cut();
    assert_eq!(
        (bench.value(0.0, 0), bench.value(1.0, 0)),
        (6.5, 6.0),
        "with what is known of the state after"
    );
    bench.step((5.0, 0), 4.0, None);
    assert_eq!((bench.value(0.0, 0), bench.value(5.0, 0)), (6.5, 2.0), "nothing is carried over the break");
}

#[test]
fn sarsa_lambda_rewards_what_led_there() {
    let change = |config: &mut AgentConfig| (config.lambda, config.gamma) = (0.5, 0.5);
    let mut bench = bench(RuleKind::SarsaLambda, change);
    bench.step((0.0, 0), 0.0, Some((1.0, 0, ALL, 0.0)));
    bench.step((1.0, 0), 0.0, Some((2.0, 0, ALL, 0.0)));
    bench.step((2.0, 1), 8.0, None);
    assert_eq!([bench.value(0.0, 0), bench.value(1.0, 0), bench.value(2.0, 1)], [0.25, 1.0, 4.0]);
    bench.step((3.0, 0), 8.0, None);
    assert_eq!(bench.value(2.0, 1), 4.0, "the next episode does not touch the last one");
}

#[test]
fn sarsa_lambda_carries_no_traces_over_a_break() {
    let mut bench = bench(RuleKind::SarsaLambda, |_| ());
    bench.step((0.0, 0), 0.0, Some((1.0, 0, ALL, 0.0)));
    bench.cut();
    bench.step((1.0, 0), 8.0, None);
    assert_eq!(bench.value(0.0, 0), 0.0);
}

#[test]
fn sarsa_lambda_forgets_the_traces_of_a_state_that_made_room() {
    let mut bench = bench(RuleKind::SarsaLambda, |config| config.max_states = 1);
    bench.values.first = Value::Table(Table::new(2, 0.0, 1));
    bench.step((0.0, 0), 0.0, Some((1.0, 1, ALL, 0.0)));
    bench.step((1.0, 1), 8.0, None);
    assert_eq!((bench.value(1.0, 0), bench.value(1.0, 1)), (0.0, 4.0), "action 0 was the other state's");
}

#[test]
fn differential_rules_move_their_average_by_the_error_and_do_not_discount() {
    for rule in [RuleKind::DifferentialSarsa, RuleKind::DifferentialQ] {
        let mut bench = bench(rule, |config| config.gamma = 0.0).knows(1.0, 0, 4.0);
        assert_eq!(bench.step((0.0, 0), 2.0, Some((1.0, 0, ALL, 0.0))), Some(6.0));
        assert_eq!(bench.rule.average_reward(), Some(3.0));
        assert_eq!(bench.step((2.0, 0), 2.0, Some((1.0, 0, ALL, 0.0))), Some(2.0 - 3.0 + 4.0));
        assert_eq!(bench.rule.average_reward(), Some(4.5));
    }
}

#[test]
fn the_reference_rule_takes_the_last_reward_for_the_average_and_loses_the_last_of_a_window() {
    let mut bench = bench(RuleKind::Reference, |config| config.window_size = 3);
    assert_eq!(bench.step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0))), None);
    // The window is full: δ₁ = 1, R̄ = 1 + 0.5; δ₂ = 4 − 1.5, R̄ = 4 + 0.5 · 2.5.
    assert_eq!(bench.step((1.0, 0), 4.0, Some((2.0, 0, ALL, 0.0))), Some(2.5));
    assert_eq!(bench.rule.average_reward(), Some(5.25));
    assert_eq!((bench.value(0.0, 0), bench.value(1.0, 0)), (0.5, 1.25));
    assert_eq!(bench.step((2.0, 0), 9.0, Some((3.0, 0, ALL, 0.0))), None, "the last of the window");
    assert_eq!(bench.value(2.0, 0), 0.0);
    bench.step((3.0, 0), 1.0, Some((4.0, 0, ALL, 0.0)));
    bench.step((4.0, 0), 1.0, Some((5.0, 0, ALL, 0.0)));
    assert_ne!(bench.value(3.0, 0), 0.0, "the next window");
}

#[test]
fn the_reference_rule_loses_a_window_that_is_not_full() {
    let mut bench = bench(RuleKind::Reference, |config| config.window_size = 4);
    bench.step((0.0, 0), 1.0, Some((1.0, 0, ALL, 0.0)));
    bench.step((1.0, 0), 1.0, Some((2.0, 0, ALL, 0.0)));
    bench.cut();
    bench.step((5.0, 0), 1.0, Some((6.0, 0, ALL, 0.0)));
    assert_eq!([0.0, 1.0, 5.0].map(|state| bench.value(state, 0)), [0.0; 3]);
}

#[test]
fn nothing_follows_the_end_of_an_episode() {
    for rule in EVERY.into_iter().filter(|rule| *rule != RuleKind::Reference) {
        let mut bench = bench(rule, |_| ()).knows(0.0, 0, 1.0);
        assert_eq!(bench.step((0.0, 0), 3.0, None), Some(2.0), "{rule:?}");
        let learned = [Some(&bench.values.first), bench.values.second.as_ref()];
        assert!(learned.into_iter().flatten().any(|function| function.value(&[0.0], 0) == 2.0), "{rule:?}");
    }
}

#[test]
fn absurd_rewards_and_unknown_actions_poison_nothing() {
    for rule in EVERY {
        let mut bench = bench(rule, |config| (config.steps, config.window_size) = (2, 2));
        for reward in [f64::MAX, -f64::MAX, f64::NAN, f64::INFINITY, 1.0] {
            bench.step((0.0, 77), reward, Some((1.0, 99, &[true], 0.5)));
            bench.step((0.0, 0), reward, Some((0.0, 1, ALL, 0.5)));
            bench.step((0.0, 1), reward, None);
            bench.cut();
        }
        assert!(bench.value(0.0, 0).is_finite() && bench.value(0.0, 1).is_finite(), "{rule:?}");
        assert!(bench.rule.average_reward().is_none_or(f64::is_finite), "{rule:?}");
    }
}

#[test]
fn a_rule_goes_on_from_its_stored_form() {
    for rule in EVERY {
        let mut one = bench(rule, |config| (config.steps, config.window_size) = (4, 4));
        for step in 0..6 {
            one.step((f64::from(step), 0), 1.0, Some((f64::from(step + 1), 0, ALL, 0.1)));
        }
        let rule: Rule = postcard::from_bytes(&postcard::to_allocvec(&one.rule).unwrap()).unwrap();
        let Bench { config, values, rng, .. } = &one;
        let mut other = Bench { rule, config: config.clone(), values: values.clone(), rng: rng.clone() };
        for step in 6..20 {
            let next = Some((f64::from(step + 1), 0, ALL, 0.1));
            assert_eq!(
                one.step((f64::from(step), 0), 1.0, next),
                other.step((f64::from(step), 0), 1.0, next)
            );
        }
        assert_eq!(one.rule.average_reward(), other.rule.average_reward());
    }
}
