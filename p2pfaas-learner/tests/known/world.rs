//! Worlds, and how an agent lives in one: through `Learner`, as everybody uses it.

use p2pfaas_core::Time;
use p2pfaas_core::agent::Observation;
use p2pfaas_learner::value::{Value, ValueFunction};
use p2pfaas_learner::{AgentConfig, Entry, Learner, Mask, State};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::Value as Json;

/// A configuration with some parameters set by their names.
pub fn with(mut config: AgentConfig, changes: &Json) -> AgentConfig {
    config.set(changes.as_object().unwrap()).unwrap();
    config
}

/// What an agent sees: the state, and which actions there are; empty: all.
pub type Sight = (Vec<f64>, Vec<bool>);

/// A problem.
pub trait World {
    /// Where an episode begins.
    fn start(&mut self, rng: &mut Xoshiro256PlusPlus) -> Sight;
    /// The reward of an action, and what is seen then; `None`: the episode is over.
    fn step(&mut self, action: u32, rng: &mut Xoshiro256PlusPlus) -> (f64, Option<Sight>);
}

/// An agent in its world.
pub struct Life<W> {
    pub learner: Learner,
    pub world: W,
    rng: Xoshiro256PlusPlus,
    eid: u64,
    sight: Option<Sight>,
}

impl<W: World> Life<W> {
    pub fn new(config: AgentConfig, world: W, seed: u64) -> Self {
        let learner = Learner::new(config, None, seed).unwrap();
        Life { learner, world, rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xabcd), eid: 0, sight: None }
    }

    /// One action. Returns it, its reward, and whether the episode is over.
    pub fn step(&mut self) -> (u32, f64, bool) {
        let (state, mask) = self.sight.take().unwrap_or_else(|| self.world.start(&mut self.rng));
        let observation = Observation { state, mask };
        let choice = self.learner.act(&observation).unwrap();
        let (reward, next) = self.world.step(choice.action, &mut self.rng);
        self.sight = next;
        self.eid += 1;
        let entry = Entry {
            eid: self.eid,
            state: State::from_vec(observation.state),
            mask: Mask::from_vec(observation.mask),
            action: choice.action,
            epsilon: choice.epsilon,
            reward: Some(reward),
            terminal: self.sight.is_none(),
        };
        self.learner.learn(Time::ZERO, entry);
        (choice.action, reward, self.sight.is_none())
    }

    /// An episode, or the rest of it, of `most` steps at most. Returns its actions and the sum of rewards.
    pub fn episode(&mut self, most: usize) -> (Vec<u32>, f64) {
        let (mut actions, mut sum) = (Vec::new(), 0.0);
        while actions.len() < most {
            let (action, reward, over) = self.step();
            actions.push(action);
            sum += reward;
            if over {
                return (actions, sum);
            }
        }
        // Whatever comes next is another episode.
        self.sight = None;
        self.eid += 1;
        (actions, sum)
    }

    pub fn episodes(&mut self, count: usize) {
        (0..count).for_each(|_| _ = self.episode(usize::MAX));
    }
}

/// Q(state, action) of a learner that has one value function, or the first of two.
pub fn value(learner: &Learner, state: &[f64], action: usize) -> f64 {
    let first: &Value = &learner.values().first;
    first.value(state, action)
}

/// Root of the mean square.
pub fn rms(errors: impl IntoIterator<Item = f64>) -> f64 {
    let errors: Vec<f64> = errors.into_iter().collect();
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}
