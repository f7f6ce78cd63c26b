//! Networks trained by replay, towards a target network that lags behind: DQN (Mnih et al. 2015),
//! double DQN (van Hasselt et al. 2016), and SARSA and expected SARSA in the same frame.

use serde::{Deserialize, Serialize};

use super::{Context, Step, TdRule};
use crate::config::{AgentConfig, RuleKind};
use crate::entry::Mask;
use crate::exploration::{allowed, maximum, probabilities};
use crate::network::Batch;
use crate::replay::{After, Drawn, Inputs, Replay, Ring, Transition};
use crate::value::{Network, Value, ValueFunction, Values};

/// δ = R + γ Q'(S', ·) − Q(S, A), where Q' is the target network and what counts of it depends on the
/// rule: the largest value, that of the action which the network itself likes best, that of the action
/// which was taken, or the mean over the policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeepQ {
    kind: RuleKind,
    replay: Replay,
    /// As the network was at the last renewal; `None` before the first batch.
    target: Option<Network>,
    experiences: u64,
    batches: u64,
    #[serde(skip)]
    work: Work,
}

/// Buffers of a batch, kept from one to the next.
#[derive(Debug, Clone, Default)]
struct Work {
    drawn: Drawn,
    inputs: Vec<f32>,
    next_inputs: Vec<f32>,
    actions: Vec<usize>,
    targets: Vec<f32>,
    errors: Vec<f32>,
    /// The target network's values of all next states, and the network's own.
    ahead: Vec<f32>,
    own: Vec<f32>,
    values: Vec<f64>,
    shares: Vec<f64>,
}

impl DeepQ {
    /// Nothing to remember yet.
    pub fn new(config: &AgentConfig) -> Self {
        DeepQ {
            kind: config.rule,
            replay: Replay::new(config),
            target: None,
            experiences: 0,
            batches: 0,
            work: Work::default(),
        }
    }

    /// Batches trained.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// What it remembers.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    fn remember(&mut self, step: &Step<'_>, network: &Network) {
        let scaled = |state: &[f64]| {
            let mut inputs = Inputs::new();
            network.scale(state, &mut inputs);
            inputs
        };
        self.replay.push(Transition {
            state: scaled(step.state),
            action: step.action as u32,
            reward: step.reward as f32,
            next: step.next.map(|next| After {
                state: scaled(next.state),
                action: next.action as u32,
                mask: Mask::from_slice(next.mask),
                epsilon: next.epsilon,
            }),
        });
    }

    /// Trains one batch; the mean size of its errors.
    fn batch(&mut self, network: &mut Network, context: &mut Context<'_>) -> Option<f64> {
        let DeepQ { kind, replay, target, batches, work, .. } = self;
        let config = context.config;
        let target = target.get_or_insert_with(|| network.twin());
        target.grow(network.actions());
        replay.draw(config.batch_size as usize, config, context.rng, &mut work.drawn);
        if work.drawn.places.is_empty() {
            return None;
        }
        work.gather(replay.ring(), network);
        target.trainable()?.forward_batch(&work.next_inputs, &mut work.ahead);
        if *kind == RuleKind::DoubleQ {
            network.trainable()?.forward_batch(&work.next_inputs, &mut work.own);
        }
        work.aim(*kind, replay.ring(), network.actions(), config);
        let Work { drawn, inputs, actions, targets, errors, .. } = work;
        let batch = Batch { inputs, actions, targets, weights: &drawn.weights };
        network.trainable()?.train(&batch, config.alpha, errors);
        replay.note_errors(drawn, errors, config);
        *batches += 1;
        if batches.is_multiple_of(u64::from(config.target_every.max(1))) {
            target.copy_from(network);
        }
        Some(errors.iter().map(|error| f64::from(error.abs())).sum::<f64>() / errors.len() as f64)
    }
}

impl Work {
    /// The states and actions of what was drawn; a state after which nothing came is all 0.
    fn gather(&mut self, ring: &Ring, network: &Network) {
        let width = network.shape().inputs;
        self.inputs.clear();
        self.next_inputs.clear();
        self.actions.clear();
        for transition in self.drawn.places.iter().filter_map(|place| ring.get(*place)) {
            append(&transition.state, width, &mut self.inputs);
            let next = transition.next.as_ref();
            append(next.map_or(&[], |next| &next.state[..]), width, &mut self.next_inputs);
            self.actions.push((transition.action as usize).min(network.actions() - 1));
        }
    }

    /// What the values of the drawn actions should be.
    fn aim(&mut self, kind: RuleKind, ring: &Ring, actions: usize, config: &AgentConfig) {
        let Work { drawn, targets, ahead, own, values, shares, .. } = self;
        targets.clear();
        for (row, transition) in drawn.places.iter().filter_map(|place| ring.get(*place)).enumerate() {
            let row = row * actions..(row + 1) * actions;
            values.clear();
            values.extend(ahead[row.clone()].iter().map(|value| f64::from(*value)));
            let after = transition.next.as_ref().map_or(0.0, |next| match kind {
                RuleKind::Sarsa => values.get(next.action as usize).copied().unwrap_or(0.0),
                RuleKind::ExpectedSarsa => {
                    probabilities(config.exploration, next.epsilon, values, &next.mask, shares);
                    values.iter().zip(shares.iter()).map(|(value, share)| value * share).sum()
                }
                RuleKind::DoubleQ => best(&own[row], &next.mask).map_or(0.0, |action| values[action]),
                _ => maximum(values, &next.mask),
            });
            targets.push(transition.reward + (config.gamma * after) as f32);
        }
    }
}

impl TdRule for DeepQ {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let Value::Network(network) = &mut values.first else { return None };
        // What is no number now would be in every later batch.
        let is_number = (step.reward as f32).is_finite();
        if !is_number || step.action >= network.actions() || network.only_acts() {
            return None;
        }
        self.remember(step, network);
        self.experiences += 1;
        let AgentConfig { train_every, learning_starts, .. } = *context.config;
        if self.experiences < u64::from(learning_starts)
            || !self.experiences.is_multiple_of(u64::from(train_every.max(1)))
        {
            return None;
        }
        self.batch(network, context)
    }
}

/// Appends a row of exactly `width` inputs.
fn append(state: &[f32], width: usize, rows: &mut Vec<f32>) {
    let end = rows.len() + width;
    rows.extend(state.iter().take(width));
    rows.resize(end, 0.0);
}

/// The first of the best actions that the mask allows.
fn best(values: &[f32], mask: &[bool]) -> Option<usize> {
    let mut best = None;
    for (action, value) in values.iter().enumerate().filter(|(action, _)| allowed(mask, *action)) {
        if best.is_none_or(|(_, largest)| *value > largest) {
            best = Some((action, *value));
        }
    }
    best.map(|(action, _)| action)
}

#[cfg(test)]
mod tests {
    use p2pfaas_core::Time;
    use p2pfaas_core::agent::{Experience, Observation};
    use rand::RngExt;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;
    use crate::config::{ReplayKind, ValueKind};
    use crate::rule::Next;
    use crate::{Entry, Learner};

    const ROOMS: usize = 6;
    const GAMMA: f64 = 0.9;
    /// Left, right, and in the last room only: out, which ends the episode and pays 1.
    const ACTIONS: usize = 3;

    /// A corridor. Each step costs 0.05; leaving at the end pays 1.
    fn walk(room: usize, action: usize) -> (f64, Option<usize>) {
        match action {
            0 => (-0.05, Some(room.saturating_sub(1))),
            1 => (-0.05, Some((room + 1).min(ROOMS - 1))),
            _ => (1.0, None),
        }
    }

    fn mask(room: usize) -> [bool; ACTIONS] {
        [true, true, room == ROOMS - 1]
    }

    /// The values by dynamic programming: of the best policy, or of the random one.
    fn exact(best: bool) -> Vec<[f64; ACTIONS]> {
        let mut values = vec![[0.0; ACTIONS]; ROOMS];
        for _ in 0..300 {
            let old = values.clone();
            for (room, values) in values.iter_mut().enumerate() {
                for (action, value) in values.iter_mut().enumerate() {
                    let (reward, next) = walk(room, action);
                    let ahead = next.map_or(0.0, |next| {
                        let open = (0..ACTIONS).filter(|action| mask(next)[*action]);
                        let open: Vec<f64> = open.map(|action| old[next][action]).collect();
                        let mean = open.iter().sum::<f64>() / open.len() as f64;
                        if best { open.iter().copied().fold(f64::MIN, f64::max) } else { mean }
                    });
                    *value = reward + GAMMA * ahead;
                }
            }
        }
        values
    }

    fn config(rule: RuleKind) -> AgentConfig {
        AgentConfig {
            value: ValueKind::Network,
            rule,
            bounds: vec![[0.0, (ROOMS - 1) as f64]],
            hidden: vec![32, 32],
            actions_n: ACTIONS as u32,
            gamma: GAMMA,
            alpha: 0.002,
            replay_size: 2_000,
            train_every: 2,
            learning_starts: 200,
            target_every: 50,
            ..AgentConfig::default()
        }
    }

    struct Walker {
        config: AgentConfig,
        rule: DeepQ,
        values: Values,
        rng: Xoshiro256PlusPlus,
        /// The room, and the action that will be taken there.
        at: (usize, usize),
    }

    impl Walker {
        fn new(config: AgentConfig) -> Self {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(42);
            let network = Network::new(&config, None, &mut rng).expect("a network");
            let values = Values { first: Value::Network(network), second: None };
            Walker { rule: DeepQ::new(&config), config, values, rng, at: (0, 1) }
        }

        fn any(&mut self, room: usize) -> usize {
            self.rng.random_range(0..if mask(room)[2] { 3 } else { 2 })
        }

        /// Walks at random, and learns from each step.
        fn walk(&mut self, steps: usize) {
            for _ in 0..steps {
                let (room, action) = self.at;
                let (reward, next_room) = walk(room, action);
                let next_at = next_room.unwrap_or_else(|| self.rng.random_range(0..ROOMS));
                let next_action = self.any(next_at);
                let (state, next_state, next_mask) = ([room as f64], [next_at as f64], mask(next_at));
                let next = next_room.map(|_| Next {
                    state: &next_state,
                    action: next_action,
                    mask: &next_mask,
                    epsilon: 1.0,
                });
                let step = Step { state: &state, action, reward, next };
                let mut context = Context { config: &self.config, rng: &mut self.rng };
                self.rule.train(&step, &mut self.values, &mut context);
                self.at = (next_at, next_action);
            }
        }

        fn largest_error(&self, exact: &[[f64; ACTIONS]]) -> f64 {
            let mut found = Vec::new();
            let mut largest = 0.0_f64;
            for (room, exact) in exact.iter().enumerate() {
                self.values.first.values(&[room as f64], &mut found);
                for action in (0..ACTIONS).filter(|action| mask(room)[*action]) {
                    largest = largest.max((found[action] - exact[action]).abs());
                }
            }
            largest
        }
    }

    fn learns(config: AgentConfig, best: bool, bound: f64) {
        let mut walker = Walker::new(config);
        walker.walk(10_000);
        let error = walker.largest_error(&exact(best));
        assert!(error < bound, "off by {error}: {:?}", walker.config);
    }

    #[test]
    fn q_learning_finds_the_best_values_by_uniform_and_by_prioritised_replay() {
        learns(config(RuleKind::QLearning), true, 0.05);
        learns(AgentConfig { replay: ReplayKind::Prioritised, ..config(RuleKind::QLearning) }, true, 0.05);
    }

    #[test]
    fn double_and_dueling_networks_find_the_best_values() {
        learns(config(RuleKind::DoubleQ), true, 0.05);
        learns(AgentConfig { dueling: true, ..config(RuleKind::QLearning) }, true, 0.05);
        let all = AgentConfig { dueling: true, replay: ReplayKind::Prioritised, ..config(RuleKind::DoubleQ) };
        learns(all, true, 0.05);
    }

    #[test]
    fn sarsa_and_expected_sarsa_find_the_values_of_the_policy_that_walks() {
        // What SARSA learns from has the noise of the actions that were taken.
        let slow = |rule| AgentConfig { replay_size: 10_000, alpha: 0.0005, ..config(rule) };
        learns(slow(RuleKind::Sarsa), false, 0.1);
        learns(slow(RuleKind::ExpectedSarsa), false, 0.05);
    }

    #[cfg(feature = "torch")]
    #[test]
    fn a_network_on_libtorch_finds_the_best_values() {
        let backend = crate::config::Backend::Torch;
        let config = AgentConfig { backend, train_every: 4, alpha: 0.004, ..config(RuleKind::QLearning) };
        learns(config, true, 0.05);
    }

    /// A network without hidden layers and of two actions, which are worth this much in every state.
    fn flat(config: AgentConfig, values: [f32; 2]) -> Walker {
        let mut walker = Walker::new(AgentConfig { hidden: Vec::new(), actions_n: 2, ..config });
        let Value::Network(network) = &mut walker.values.first else { unreachable!("a network was made") };
        set_flat(network, values);
        walker
    }

    fn set_flat(network: &mut Network, [left, right]: [f32; 2]) {
        // Two weights of the one input, then the biases.
        let network = network.trainable().expect("it can be trained");
        network.set_parameters(&[0.0, 0.0, left, right]).expect("as many as it has");
    }

    #[test]
    fn double_q_takes_the_targets_value_of_the_action_that_the_network_likes_best() {
        let config =
            AgentConfig { gamma: 0.5, learning_starts: 0, train_every: 1, ..config(RuleKind::DoubleQ) };
        let Walker { config, mut rule, mut values, mut rng, .. } = flat(config, [2.0, 0.0]);
        let Value::Network(network) = &values.first else { unreachable!("a network was made") };
        let mut target = network.twin();
        set_flat(&mut target, [1.0, 3.0]);
        rule.target = Some(target);
        let next = Next { state: &[1.0], action: 0, mask: &[], epsilon: 0.0 };
        let step = Step { state: &[0.0], action: 0, reward: 0.0, next: Some(next) };
        let error = rule.train(&step, &mut values, &mut Context { config: &config, rng: &mut rng });
        // The network prefers action 0, the target network action 1, which is worth 3 to it:
        // 0 + 0.5 * 1 - 2, not 0 + 0.5 * 3 - 2.
        assert_eq!(error, Some(1.5));
    }

    #[test]
    fn what_is_drawn_more_often_moves_the_network_less() {
        // The middle of the range is input 0, so that only biases learn; Adam's first step is as long as alpha.
        let (middle, alpha) = ([(ROOMS - 1) as f64 / 2.0], 0.002);
        let config = AgentConfig {
            replay: ReplayKind::Prioritised,
            priority_alpha: 1.0,
            priority_beta: 1.0,
            batch_size: 4,
            alpha,
            ..config(RuleKind::QLearning)
        };
        let Walker { config, mut rule, mut values, mut rng, .. } = flat(config, [0.0, 0.0]);
        let Value::Network(network) = &mut values.first else { unreachable!("a network was made") };
        for reward in [0.5, -1.0] {
            rule.remember(&Step { state: &middle, action: 0, reward, next: None }, network);
        }
        // Priorities 3 and 1: out of four shares the first comes three times, the second once.
        let known = Drawn { places: vec![0, 1], ..Drawn::default() };
        rule.replay.note_errors(&known, &[2.999, 0.999], &config);
        rule.batch(network, &mut Context { config: &config, rng: &mut rng });
        let mut places = rule.work.drawn.places.clone();
        places.sort_unstable();
        assert_eq!(places, [0, 0, 0, 1]);
        // Weights 1/3 and 1: 3 * 0.5 / 3 - 1 leads down, where 3 * 0.5 - 1 would lead up.
        let mut found = Vec::new();
        network.values(&middle, &mut found);
        assert!((found[0] + alpha).abs() < 1e-5 && found[1] == 0.0, "{found:?}");
    }

    #[test]
    fn a_stored_rule_goes_on_to_the_same_bits() {
        for replay in [ReplayKind::Uniform, ReplayKind::Prioritised] {
            let config = AgentConfig { replay, replay_size: 300, ..config(RuleKind::DoubleQ) };
            let mut walker = Walker::new(config.clone());
            walker.walk(777);
            let bytes = postcard::to_stdvec(&(&walker.rule, &walker.values, &walker.rng)).expect("stored");
            let (rule, values, rng) = postcard::from_bytes(&bytes).expect("read");
            let mut resumed = Walker { config, rule, values, rng, at: walker.at };
            walker.walk(500);
            resumed.walk(500);
            assert!(walker.rule.batches() > 400);
            let all = |walker: &Walker| {
                postcard::to_stdvec(&(&walker.rule, &walker.values, &walker.rng)).expect("stored")
            };
            assert!(all(&walker) == all(&resumed), "{replay:?}");
        }
    }

    #[test]
    fn a_stored_agent_goes_on_to_the_same_bits() {
        let config = AgentConfig { train_every: 1, replay_size: 1_000, ..config(RuleKind::ExpectedSarsa) };
        let mut learner = Learner::new(config, None, 3).expect("an agent");
        let mut at = (0, 0);
        let go = |learner: &mut Learner, steps: u64, at: &mut (usize, u64)| {
            for _ in 0..steps {
                let (room, eid) = *at;
                let observation = Observation { state: vec![room as f64], mask: mask(room).to_vec() };
                let choice = learner.act(&observation).expect("a choice");
                let (reward, next) = walk(room, choice.action as usize);
                let experience = Experience {
                    eid: eid + 1,
                    state: &observation.state,
                    mask: &observation.mask,
                    choice,
                    reward: Some(reward),
                };
                let entry = Entry { terminal: next.is_none(), ..Entry::from(&experience) };
                learner.learn(Time::ZERO, entry);
                *at = (next.unwrap_or(0), eid + 1);
            }
        };
        go(&mut learner, 500, &mut at);
        let bytes = postcard::to_stdvec(&learner).expect("stored");
        let mut resumed: Learner = postcard::from_bytes(&bytes).expect("read");
        let mut resumed_at = at;
        go(&mut learner, 500, &mut at);
        go(&mut resumed, 500, &mut resumed_at);
        assert!(learner.counters().mean_error > 0.0, "it has trained");
        assert!(postcard::to_stdvec(&learner) == postcard::to_stdvec(&resumed));
    }

    #[test]
    fn what_is_no_number_and_what_is_no_action_is_not_remembered() {
        let mut walker = Walker::new(config(RuleKind::QLearning));
        for (action, reward) in [(0, f64::NAN), (1, f64::INFINITY), (1, 1e300), (3, 0.0)] {
            let step = Step { state: &[0.0], action, reward, next: None };
            let mut context = Context { config: &walker.config, rng: &mut walker.rng };
            assert_eq!(walker.rule.train(&step, &mut walker.values, &mut context), None);
        }
        assert!(walker.rule.replay().ring().is_empty());
    }

    #[test]
    fn actions_may_be_added_while_it_learns() {
        let mut walker = Walker::new(AgentConfig { actions_n: 2, ..config(RuleKind::DoubleQ) });
        walker.walk(300);
        assert_eq!(walker.values.actions(), 2);
        walker.values.grow(ACTIONS);
        walker.walk(10_000);
        let error = walker.largest_error(&exact(true));
        assert!(error < 0.05, "off by {error}");
    }
}
