//! Agents in a simulation: one a node, or one that all nodes share.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use p2pfaas_core::agent::{Choice, Experience, Observation, StateSpace};
use p2pfaas_core::{Time, defaults};
use p2pfaas_learner::checkpoint::{Checkpoint, CheckpointError, Misfit};
use p2pfaas_learner::{AgentConfig, ConfigError, Entry, Learner, SpaceError};

/// The agents of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentPlan {
    /// Their parameters; `None`: those of the checkpoints.
    pub config: Option<AgentConfig>,
    /// The checkpoint from which each node's agent starts; a shared one starts from the first.
    pub checkpoints: Vec<Option<PathBuf>>,
    /// One agent for all nodes, instead of one each.
    pub shared: bool,
    /// Only act, always by what they believe best.
    pub frozen: bool,
}

/// An agent that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Its checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its parameters are wrong.
    #[error("the agent's parameters: {0}")]
    Config(#[from] ConfigError),
    /// It is made of other parts than what is asked for.
    #[error(transparent)]
    Other(#[from] Misfit),
    /// It knows states of another meaning.
    #[error(transparent)]
    Space(#[from] SpaceError),
}

/// What the agents say of themselves, on average.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Glimpse {
    /// ε, or the temperature, of the next choice.
    pub epsilon: f64,
    /// Moving mean of the TD errors' sizes.
    pub td_error: f64,
}

/// The agents of one run.
#[derive(Debug)]
pub struct Agents {
    learners: Vec<Learner>,
    /// Of a shared agent: the numbers that it knows each node's open choices by.
    numbers: Option<Vec<Numbers>>,
    next_number: u64,
}

/// A node numbers its choices by itself; an agent of many nodes has one sequence for all of them.
#[derive(Debug, Default)]
struct Numbers {
    first: u64,
    of: VecDeque<Option<u64>>,
}

impl Agents {
    /// Makes or loads them. `spaces` says what each node's states mean; `longest` how long a job may take.
    ///
    /// # Errors
    /// A checkpoint that cannot be read or that does not fit, parameters that do not go together.
    pub fn start(
        plan: &AgentPlan,
        spaces: &[Option<StateSpace>],
        longest: Option<Duration>,
        seed: impl Fn(usize) -> u64,
    ) -> Result<Agents, AgentError> {
        let nodes = spaces.len();
        let count = if plan.shared { nodes.min(1) } else { nodes };
        let under_way = defaults::MAX_JOBS as usize * if plan.shared { nodes } else { 1 };
        let mut learners = Vec::with_capacity(count);
        for (node, space) in spaces.iter().enumerate().take(count) {
            let space = space.clone();
            let mut checkpoint = match plan.checkpoints.get(node).and_then(Option::as_ref) {
                Some(path) => Checkpoint::load(path)?,
                None => {
                    let config = plan.config.clone().unwrap_or_default();
                    Checkpoint {
                        learner: Learner::new(config, space.clone(), seed(node))?,
                        peers: Vec::new(),
                    }
                }
            };
            if let Some(config) = &plan.config {
                checkpoint.fits(config, None)?;
                checkpoint.learner.set_config(config.clone())?;
            }
            let mut learner = checkpoint.learner;
            learner.freeze(plan.frozen);
            if let Some(space) = space {
                learner.adopt(space)?;
            }
            learner.expect(0, under_way, longest.unwrap_or(Duration::MAX));
            learners.push(learner);
        }
        let numbers = plan.shared.then(|| (0..nodes).map(|_| Numbers::default()).collect());
        Ok(Agents { learners, numbers, next_number: 0 })
    }

    /// The agents themselves: one a node, or the shared one alone.
    pub fn learners(&self) -> &[Learner] {
        &self.learners
    }

    /// Whether all nodes share one.
    pub fn are_shared(&self) -> bool {
        self.numbers.is_some()
    }

    /// What they say of themselves.
    pub fn glimpse(&self) -> Option<Glimpse> {
        let count = self.learners.len() as f64;
        let mut sum = Glimpse { epsilon: 0.0, td_error: 0.0 };
        for learner in &self.learners {
            let counters = learner.counters();
            sum.epsilon += counters.epsilon;
            sum.td_error += counters.mean_error;
        }
        (count > 0.0).then(|| Glimpse { epsilon: sum.epsilon / count, td_error: sum.td_error / count })
    }

    /// From now on they only act (`true`), or explore and learn again.
    pub fn freeze(&mut self, frozen: bool) {
        for learner in &mut self.learners {
            learner.freeze(frozen);
        }
    }

    /// Trains what waits for its successor: at the end of a training.
    pub fn settle(&mut self) {
        for learner in &mut self.learners {
            learner.finish();
        }
    }

    fn index(&self, node: u32) -> usize {
        if self.numbers.is_some() { 0 } else { node as usize }
    }

    pub(crate) fn act(&mut self, node: u32, observation: &Observation) -> Option<Choice> {
        let index = self.index(node);
        self.learners[index].act(observation)
    }

    /// The node is about to hear of a choice, which it will give this number if it takes it.
    pub(crate) fn choose(&mut self, node: u32, eid: u64) {
        if let Some(numbers) = &mut self.numbers {
            let numbers = &mut numbers[node as usize];
            if numbers.of.is_empty() {
                numbers.first = eid;
            }
            numbers.of.push_back(Some(self.next_number));
            self.next_number += 1;
        }
    }

    /// The node has not taken that choice.
    pub(crate) fn unchoose(&mut self, node: u32) {
        if let Some(numbers) = &mut self.numbers {
            numbers[node as usize].of.pop_back();
            self.next_number -= 1;
        }
    }

    pub(crate) fn learn(&mut self, now: Time, node: u32, experience: &Experience<'_>) {
        let mut entry = Entry::from(experience);
        if let Some(numbers) = &mut self.numbers {
            let Some(number) = numbers[node as usize].take(entry.eid) else { return };
            entry.eid = number;
        }
        let index = self.index(node);
        self.learners[index].learn(now, entry);
    }

    /// The node has lost its jobs, and will give the next choice this number.
    pub(crate) fn restart(&mut self, now: Time, node: u32, eid: u64, longest: Option<Duration>) {
        match &mut self.numbers {
            // Nothing will come of what was open: no gap may stay.
            Some(numbers) => {
                let lost: Vec<_> = numbers[node as usize].of.drain(..).flatten().collect();
                for number in lost {
                    let choice = Choice { action: 0, epsilon: 0.0, probability: None };
                    let nothing = Experience { eid: number, state: &[], mask: &[], choice, reward: None };
                    self.learners[0].learn(now, Entry::from(&nothing));
                }
            }
            None => {
                let learner = &mut self.learners[node as usize];
                learner.expect(eid, defaults::MAX_JOBS as usize, longest.unwrap_or(Duration::MAX));
            }
        }
    }
}

impl Numbers {
    fn take(&mut self, eid: u64) -> Option<u64> {
        let place = usize::try_from(eid.checked_sub(self.first)?).ok()?;
        let number = self.of.get_mut(place)?.take();
        while self.of.front().is_some_and(Option::is_none) {
            self.of.pop_front();
            self.first += 1;
        }
        number
    }
}
