//! Access control (S&B, example 10.2): ten servers, customers of four priorities who pay 1, 2, 4 or 8;
//! a busy server becomes free with probability 0.06 a step. Solved here by relative value iteration.

use p2pfaas_learner::{AgentConfig, Learner};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value as Json, json};

use crate::world::{Life, Sight, World, rms, value, with};

const SERVERS: usize = 10;
const FREES: f64 = 0.06;
const PAYS: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Action 1 accepts, which needs a free server; 0 turns away.
struct Queue {
    free: usize,
    priority: usize,
}

impl World for Queue {
    fn start(&mut self, _: &mut Xoshiro256PlusPlus) -> Sight {
        (self.free, self.priority) = (SERVERS, 0);
        self.sight()
    }
    fn step(&mut self, action: u32, rng: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>) {
        let accepted = action == 1;
        let reward = if accepted { PAYS[self.priority] } else { 0.0 };
        self.free -= usize::from(accepted);
        self.free += (self.free..SERVERS).filter(|_| rng.random::<f64>() < FREES).count();
        self.priority = rng.random_range(0..PAYS.len());
        (reward, Some(self.sight()))
    }
}

impl Queue {
    fn sight(&self) -> Sight {
        (vec![self.free as f64, self.priority as f64], vec![true, self.free > 0])
    }
}

/// Values by free servers, priority and action.
type Q = Vec<[[f64; 2]; 4]>;

/// Probability that `more` of `busy` servers become free in a step.
fn becomes_free(busy: usize, more: usize) -> f64 {
    let ways: f64 = (0..more).map(|i| (busy - i) as f64 / (i + 1) as f64).product();
    ways * FREES.powi(more as i32) * (1.0 - FREES).powi((busy - more) as i32)
}

/// Average reward and differential values of what `worth` makes of the values of a state's actions.
fn solve(worth: impl Fn(usize, usize, &[f64]) -> f64) -> (f64, Q) {
    let mut q: Q = vec![[[0.0; 2]; 4]; SERVERS + 1];
    let mut gain = 0.0;
    for _ in 0..3_000 {
        // The value of having so many servers free before the next customer comes.
        let open: Vec<f64> = (0..=SERVERS)
            .map(|free| {
                let of =
                    |priority: usize| worth(free, priority, &q[free][priority][..1 + usize::from(free > 0)]);
                (0..4).map(of).sum::<f64>() / 4.0
            })
            .collect();
        let after = |free: usize| -> f64 {
            let busy = SERVERS - free;
            (0..=busy).map(|more| becomes_free(busy, more) * open[free + more]).sum()
        };
        gain = after(SERVERS);
        for (free, of_free) in q.iter_mut().enumerate() {
            for (priority, of_both) in of_free.iter_mut().enumerate() {
                of_both[0] = after(free) - gain;
                if free > 0 {
                    of_both[1] = PAYS[priority] + after(free - 1) - gain;
                }
            }
        }
    }
    (gain, q)
}

/// The best that one can do with a random action at a share `epsilon` of the steps.
fn best_with(epsilon: f64) -> (f64, Q) {
    solve(|_, _, values| {
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (1.0 - epsilon) * best + epsilon * mean
    })
}

/// The exact average reward of what the agent holds best, ties at random.
fn gain_of(learner: &Learner) -> f64 {
    let share = |free: usize, priority: usize| {
        let state = [free as f64, priority as f64];
        let (accept, reject) = (value(learner, &state, 1), value(learner, &state, 0));
        if accept == reject { 0.5 } else { f64::from(u8::from(accept > reject)) }
    };
    solve(|free, priority, values| match values {
        [reject, accept] => reject + share(free, priority) * (accept - reject),
        _ => values[0],
    })
    .0
}

/// An agent after so many steps, and the mean of its estimate of the average reward in the second half.
fn live(changes: &Json, steps: usize, seed: u64) -> (Learner, f64) {
    let mut life = begin(changes, seed);
    let mut averages = 0.0;
    for step in 0..steps {
        life.step();
        if step >= steps / 2 {
            averages += life.learner.counters().average_reward.unwrap_or(0.0);
        }
    }
    (life.learner, averages / (steps - steps / 2) as f64)
}

fn begin(changes: &Json, seed: u64) -> Life<Queue> {
    let config = AgentConfig::default();
    let base = json!({"epsilon_start": 0.1, "epsilon_decay_enabled": false, "alpha": 0.01, "beta": 0.01});
    let config = with(config, &base);
    let config = with(config, changes);
    Life::new(config, Queue { free: 0, priority: 0 }, seed)
}

/// RMS error of the learned differential values, up to the constant that they leave open.
fn error(learner: &Learner, q: &Q) -> f64 {
    // States that are seen often: at the best policy most servers are busy.
    let states =
        (1..=5).flat_map(|free| (0..4).flat_map(move |priority| [(free, priority, 0), (free, priority, 1)]));
    let errors: Vec<f64> = states
        .map(|(free, priority, action)| {
            value(learner, &[free as f64, priority as f64], action) - q[free][priority][action]
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    rms(errors.iter().map(|error| error - mean))
}

#[test]
fn differential_rules_find_the_average_reward_and_the_differential_values() {
    let best = best_with(0.0).0;
    for (rule, epsilon) in [("differential-sarsa", 0.1), ("differential-q-learning", 0.0)] {
        let (gain, q) = best_with(epsilon);
        let (learner, average) = live(&json!({"rule": rule}), 1_000_000, 3);
        let (error, policy) = (error(&learner, &q), gain_of(&learner));
        println!(
            "{rule}: average {average:.3} of {gain:.3}, RMS {error:.3}, greedy {policy:.4} of {best:.4}"
        );
        assert!((average - gain).abs() < 0.1, "{rule}: {average:.3}, known {gain:.3}");
        assert!(error < 0.6, "{rule}: RMS error {error:.3}");
        assert!(policy > 0.98 * best, "{rule}: greedy policy {policy:.4}, best {best:.4}");
    }
}

#[test]
fn the_reference_rule_knows_neither_the_average_reward_nor_the_values() {
    // What an agent that goes by it does is not much worse here, where nearly every customer is to be
    // accepted. What it believes is wrong, and stays wrong.
    let (gain, q) = best_with(0.1);
    let of = |rule: &str| {
        let mut life = begin(&json!({"rule": rule}), 2);
        (0..700_000).for_each(|_| _ = life.step());
        let off = rms((0..100_000).map(|_| {
            life.step();
            life.learner.counters().average_reward.unwrap() - gain
        }));
        (off, error(&life.learner, &q))
    };
    let (ours, theirs) = (of("differential-sarsa"), of("reference"));
    println!("average off by {:.2} and {:.2}, values by {:.2} and {:.2}", ours.0, theirs.0, ours.1, theirs.1);
    assert!(
        ours.0 < 0.4 && theirs.0 > 2.0,
        "average reward {gain:.2}: off by {:.2}, {:.2}",
        ours.0,
        theirs.0
    );
    assert!(ours.1 < 0.6 && theirs.1 > 2.0, "values: off by {:.2}, {:.2}", ours.1, theirs.1);
}
