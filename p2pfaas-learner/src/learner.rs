//! The whole agent as one value: acts, and learns from what came of it.

use std::time::Duration;

use p2pfaas_core::Time;
use p2pfaas_core::agent::{Choice, Observation, StateSpace};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ConfigError, ExplorationKind, RuleKind, ValueKind};
use crate::entry::Entry;
use crate::episodes::{EpisodeCounts, Episodes, Ordered};
use crate::exploration::{Exploration, greedy, probabilities};
use crate::rule::{Context, Next, Rule, Step, TdRule};
use crate::value::{Value, Values};

/// Actions that a learner knows at most: more than any node has peers.
pub const MAX_ACTIONS: usize = p2pfaas_core::defaults::MAX_PEERS as usize + 3;

/// An agent without threads or clocks: for simulations, for training from records, and inside
/// [`Online`](crate::Online). The same seed and the same calls give the same bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Learner {
    pub(crate) actor: Actor,
    pub(crate) values: Values,
    pub(crate) trainer: Trainer,
}

/// The half that chooses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Actor {
    exploration: Exploration,
    frozen: bool,
    rng: Xoshiro256PlusPlus,
    inferences: u64,
    #[serde(skip)]
    buffers: [Vec<f64>; 2],
}

/// The half that learns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trainer {
    config: AgentConfig,
    space: Option<StateSpace>,
    rule: Rule,
    episodes: Episodes,
    rng: Xoshiro256PlusPlus,
    /// The last one in order, whose successor is still to come.
    last: Option<Entry>,
    /// Least bounds of the reorder window, whatever the parameters say: whoever knows that nothing is
    /// lost on the way waits as long as a job may take.
    patience: (usize, Duration),
    trained: u64,
    segments: u64,
    mean_error: f64,
    #[serde(skip)]
    ordered: Vec<Ordered>,
}

/// States that an agent cannot go on with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpaceError {
    /// It has learned from others.
    #[error(
        "the agent has learned from states \"{known}\", and these are \"{wanted}\": name the same in the policy, or reset the agent"
    )]
    Other {
        /// What it knows.
        known: String,
        /// What it is told.
        wanted: String,
    },
    /// Its parameters do not go with them.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// What a learner has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Choices made.
    pub inferences: u64,
    /// Experiences trained.
    pub trained: u64,
    /// Unbroken runs of experiences begun.
    pub segments: u64,
    /// Moving mean of the TD errors' sizes.
    pub mean_error: f64,
    /// Average reward, as the rule estimates it.
    pub average_reward: Option<f64>,
    /// ε, or the temperature, of the next choice.
    pub epsilon: f64,
    /// The last number trained.
    pub eid_last_trained: u64,
    /// Experiences that wait for an earlier one, or for their successor.
    pub pending: usize,
    /// States that have a value of their own (tables).
    pub states: usize,
    /// States that have lost theirs to newer ones.
    pub states_evicted: u64,
    /// What has become of the experiences.
    pub episodes: EpisodeCounts,
}

impl Learner {
    /// An agent that knows nothing yet. `space` tells what the states mean, if somebody knows.
    ///
    /// # Errors
    /// Parameters that are out of range or do not go together.
    pub fn new(config: AgentConfig, space: Option<StateSpace>, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let first = Value::new(&config, space.as_ref(), &mut rng)?;
        let twins = config.rule == RuleKind::DoubleQ && config.value != ValueKind::Network;
        let second = if twins { Some(Value::new(&config, space.as_ref(), &mut rng)?) } else { None };
        let mut acting = rng.clone();
        acting.jump();
        Ok(Learner {
            actor: Actor::new(&config, acting),
            values: Values { first, second },
            trainer: Trainer::new(config, space, rng),
        })
    }

    /// Its parameters.
    pub fn config(&self) -> &AgentConfig {
        &self.trainer.config
    }

    /// What its states mean, if it has been told.
    pub fn space(&self) -> Option<&StateSpace> {
        self.trainer.space.as_ref()
    }

    /// What it believes.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Chooses among the actions that the mask allows; `None` if it allows none.
    pub fn act(&mut self, observation: &Observation) -> Option<Choice> {
        self.values.grow(observation.mask.len().min(MAX_ACTIONS));
        self.actor.act(&self.values, observation)
    }

    /// From now on only acts, always by what it believes best (`true`), or explores and learns again.
    pub fn freeze(&mut self, frozen: bool) {
        self.actor.frozen = frozen;
    }

    /// Whether it only acts.
    pub fn is_frozen(&self) -> bool {
        self.actor.frozen
    }

    /// Tells the number of the first experience that will come, how many may be under way at once and how
    /// long one may take, where all of them are known to come.
    pub fn expect(&mut self, first_eid: u64, under_way: usize, longest: Duration) {
        let Learner { actor, values, trainer } = self;
        if !actor.frozen {
            trainer.finish(values);
        }
        trainer.last = None;
        trainer.episodes.begin_at(first_eid);
        trainer.set_patience((under_way, longest));
    }

    /// From now on the numbers are made elsewhere, and begin with whichever comes first.
    pub fn expect_anything(&mut self) {
        if self.trainer.episodes.has_own_numbers() {
            let Learner { values, trainer, .. } = self;
            trainer.finish(values);
            trainer.episodes = Episodes::new(1, Duration::ZERO);
            trainer.set_patience((0, Duration::ZERO));
        }
    }

    /// Tells what the states mean. An agent that has learned something goes on only with the same.
    ///
    /// # Errors
    /// It has learned from states of another meaning; or its parameters do not go with these.
    pub fn adopt(&mut self, space: StateSpace) -> Result<(), SpaceError> {
        match &self.trainer.space {
            // Ranges are kept as they were: a node with more slots has the same states, and more of them.
            Some(known) if known.means_the_same(&space) => return Ok(()),
            Some(known) if self.trainer.trained > 0 => {
                let (known, wanted) = (known.encoder.clone(), space.encoder);
                return Err(SpaceError::Other { known, wanted });
            }
            _ => {}
        }
        // What is on the way speaks of other states.
        self.trainer.last = None;
        self.trainer.episodes.forget_waiting();
        if self.trainer.trained == 0 {
            let mut rng = self.trainer.rng.clone();
            let value = Value::new(&self.trainer.config, Some(&space), &mut rng)?;
            if let Some(second) = &mut self.values.second {
                *second = Value::new(&self.trainer.config, Some(&space), &mut rng)?;
            }
            self.values.first = value;
            self.trainer.rule = Rule::new(&self.trainer.config);
            self.trainer.rng = rng;
        }
        self.trainer.space = Some(space);
        Ok(())
    }

    /// Takes an experience in, in whatever order, and trains those whose turn has come.
    pub fn learn(&mut self, now: Time, entry: Entry) {
        if !self.actor.frozen {
            self.trainer.learn(now, entry, &mut self.values);
        }
    }

    /// Gives up experiences that have been missing for too long.
    pub fn tick(&mut self, now: Time) {
        if !self.actor.frozen {
            self.trainer.tick(now, &mut self.values);
        }
    }

    /// Trains all that waits, whatever is missing: at the end of a record.
    pub fn finish(&mut self) {
        self.trainer.finish(&mut self.values);
    }

    /// Takes over from the agent before it where the numbers of experiences are, if they are made beside it.
    pub(crate) fn follow_on(&mut self, before: &Trainer) {
        self.trainer.last = None;
        self.trainer.set_patience(before.patience);
        if before.has_own_numbers() {
            self.trainer.episodes.follow_on(&before.episodes);
        }
    }

    /// What it has done so far.
    pub fn counters(&self) -> Counters {
        self.trainer.counters(&self.actor, &self.values)
    }

    /// Changes parameters. Those that say what the agent is made of count from the next
    /// [`reset`](Self::reset) on, the others at once.
    ///
    /// # Errors
    /// Parameters that are out of range or do not go together; nothing is changed.
    pub fn set_config(&mut self, config: AgentConfig) -> Result<(), ConfigError> {
        config.check()?;
        self.actor.set_config(&config);
        self.trainer.set_config(config);
        Ok(())
    }

    /// Forgets everything but its parameters, its states' meaning, and its generators.
    ///
    /// # Errors
    /// The parameters need bounds that nobody has declared; nothing is changed.
    pub fn reset(&mut self) -> Result<(), ConfigError> {
        use rand::Rng as _;
        let seed = self.trainer.rng.next_u64();
        let fresh = Learner::new(self.trainer.config.clone(), self.trainer.space.clone(), seed)?;
        let before = std::mem::replace(self, fresh);
        self.follow_on(&before.trainer);
        Ok(())
    }
}

impl Actor {
    pub(crate) fn inferences(&self) -> u64 {
        self.inferences
    }

    pub(crate) fn epsilon(&self) -> f64 {
        if self.frozen { 0.0 } else { self.exploration.epsilon() }
    }

    pub(crate) fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    pub(crate) fn set_config(&mut self, config: &AgentConfig) {
        self.exploration.set_config(config);
    }

    fn new(config: &AgentConfig, rng: Xoshiro256PlusPlus) -> Self {
        let exploration = Exploration::new(config);
        Actor { exploration, frozen: false, rng, inferences: 0, buffers: Default::default() }
    }

    pub(crate) fn act(&mut self, values: &Values, observation: &Observation) -> Option<Choice> {
        let [q, scratch] = &mut self.buffers;
        values.values(&observation.state, q, scratch);
        let choice = if self.frozen {
            let action = greedy(q, &observation.mask, &mut self.rng)?;
            // Among equally good ones it draws.
            probabilities(ExplorationKind::Epsilon, 0.0, q, &observation.mask, scratch);
            Choice { action: action as u32, epsilon: 0.0, probability: scratch.get(action).copied() }
        } else {
            let picked = self.exploration.pick(&observation.state, q, &observation.mask, &mut self.rng)?;
            Choice {
                action: picked.action as u32,
                epsilon: picked.epsilon,
                probability: Some(picked.probability),
            }
        };
        self.inferences += 1;
        Some(choice)
    }
}

impl Trainer {
    fn new(config: AgentConfig, space: Option<StateSpace>, rng: Xoshiro256PlusPlus) -> Self {
        let (max_waiting, max_wait) = window(&config);
        Trainer {
            rule: Rule::new(&config),
            episodes: Episodes::new(max_waiting, max_wait),
            config,
            space,
            rng,
            last: None,
            patience: (0, Duration::ZERO),
            trained: 0,
            segments: 0,
            mean_error: 0.0,
            ordered: Vec::new(),
        }
    }

    pub(crate) fn config(&self) -> &AgentConfig {
        &self.config
    }

    pub(crate) fn space(&self) -> Option<&StateSpace> {
        self.space.as_ref()
    }

    pub(crate) fn set_config(&mut self, config: AgentConfig) {
        self.config = config;
        self.set_patience(self.patience);
    }

    fn set_patience(&mut self, patience: (usize, Duration)) {
        self.patience = patience;
        let (max_waiting, max_wait) = window(&self.config);
        self.episodes.set_bounds(max_waiting.max(patience.0), max_wait.max(patience.1));
    }

    pub(crate) fn learn(&mut self, now: Time, entry: Entry, values: &mut Values) {
        let mut ordered = std::mem::take(&mut self.ordered);
        self.episodes.push(now, entry, &mut ordered);
        self.ordered = self.follow_all(ordered, values);
    }

    /// The same for an experience that somebody else brings.
    pub(crate) fn learn_foreign(&mut self, now: Time, entry: Entry, values: &mut Values) {
        let mut ordered = std::mem::take(&mut self.ordered);
        self.episodes.push_foreign(now, entry, &mut ordered);
        self.ordered = self.follow_all(ordered, values);
    }

    /// Whether the numbers of experiences are made beside this agent.
    pub(crate) fn has_own_numbers(&self) -> bool {
        self.episodes.has_own_numbers()
    }

    /// Gives up what has been missing for too long; whether there was something.
    pub(crate) fn tick(&mut self, now: Time, values: &mut Values) -> bool {
        let mut ordered = std::mem::take(&mut self.ordered);
        self.episodes.tick(now, &mut ordered);
        let any = !ordered.is_empty();
        self.ordered = self.follow_all(ordered, values);
        any
    }

    /// From now on time is told by another clock.
    pub(crate) fn restart_clock(&mut self, now: Time) {
        self.episodes.restart_clock(now);
    }

    pub(crate) fn finish(&mut self, values: &mut Values) {
        let mut ordered = std::mem::take(&mut self.ordered);
        self.episodes.flush(&mut ordered);
        self.ordered = self.follow_all(ordered, values);
        self.cut(values);
    }

    fn follow_all(&mut self, mut ordered: Vec<Ordered>, values: &mut Values) -> Vec<Ordered> {
        for Ordered { entry, follows } in ordered.drain(..) {
            self.follow(entry, follows, values);
        }
        ordered
    }

    /// The next one in order has come: the one before it can be trained.
    fn follow(&mut self, entry: Entry, follows: bool, values: &mut Values) {
        if self.space.as_ref().is_some_and(|space| space.features.len() != entry.state.len()) {
            // It was chosen under another policy, whose states are not these.
            return self.cut(values);
        }
        values.grow((entry.action as usize + 1).max(entry.mask.len()).min(MAX_ACTIONS));
        if !follows {
            self.cut(values);
        }
        match self.last.take() {
            None => self.segments += 1,
            Some(last) => {
                let next = Next {
                    state: &entry.state,
                    action: entry.action as usize,
                    mask: &entry.mask,
                    epsilon: entry.epsilon,
                };
                self.train(&last, Some(next), values);
            }
        }
        if entry.terminal {
            self.train(&entry, None, values);
        } else {
            self.last = Some(entry);
        }
    }

    fn train(&mut self, entry: &Entry, next: Option<Next<'_>>, values: &mut Values) {
        let mut context = Context { config: &self.config, rng: &mut self.rng };
        let Some(reward) = entry.reward.filter(|reward| reward.is_finite()) else {
            // Nobody knows what came of it: what is summed over it would be wrong.
            return self.rule.cut(values, &mut context);
        };
        let step = Step { state: &entry.state, action: entry.action as usize, reward, next };
        if let Some(error) = self.rule.train(&step, values, &mut context) {
            self.mean_error += 0.001 * (error.abs() - self.mean_error);
        }
        self.trained += 1;
    }

    fn cut(&mut self, values: &mut Values) {
        self.last = None;
        self.rule.cut(values, &mut Context { config: &self.config, rng: &mut self.rng });
    }

    pub(crate) fn counters(&self, actor: &Actor, values: &Values) -> Counters {
        let episodes = self.episodes.counts();
        let (states, states_evicted) = match &values.first {
            Value::Table(table) => (table.states(), table.evicted()),
            _ => (0, 0),
        };
        Counters {
            inferences: actor.inferences,
            trained: self.trained,
            segments: self.segments,
            mean_error: self.mean_error,
            average_reward: self.rule.average_reward(),
            epsilon: actor.epsilon(),
            eid_last_trained: self.last.as_ref().map_or(0, |last| last.eid.saturating_sub(1)),
            pending: self.episodes.waiting() + usize::from(self.last.is_some()),
            states,
            states_evicted,
            episodes,
        }
    }
}

fn window(config: &AgentConfig) -> (usize, Duration) {
    let max_wait = Duration::try_from_secs_f64(config.entry_missing_max_seconds).unwrap_or(Duration::MAX);
    (config.entry_missing_max_attempts as usize, max_wait)
}
