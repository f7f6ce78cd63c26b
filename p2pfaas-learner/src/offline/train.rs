//! Trains an agent from a record.

use std::ops::ControlFlow;

use p2pfaas_core::Time;
use serde::Serialize;

use crate::config::{AgentConfig, RuleKind, ScheduleKind};
use crate::entry::Entry;
use crate::learner::Learner;

use super::support::Support;
use super::td_error::rms_td_error;
use super::{Behaviour, Dataset, Evaluation, Evaluator, OfflineError, Recorded, agent_policy};

/// Entries between two looks at whether to stop.
const GLANCE: u64 = 1_024;

/// Whether a rule learns its own policy's value from what another one did.
pub fn is_off_policy(rule: RuleKind) -> bool {
    match rule {
        RuleKind::QLearning | RuleKind::DoubleQ | RuleKind::DifferentialQ | RuleKind::ExpectedSarsa => true,
        RuleKind::Sarsa
        | RuleKind::NStepSarsa
        | RuleKind::SarsaLambda
        | RuleKind::DifferentialSarsa
        | RuleKind::Reference => false,
    }
}

/// The rules of which that is so; a network with one of the first three is a DQN.
pub fn off_policy_rules() -> impl Iterator<Item = RuleKind> {
    [RuleKind::QLearning, RuleKind::DoubleQ, RuleKind::ExpectedSarsa, RuleKind::DifferentialQ].into_iter()
}

/// The ε, or the temperature, of the policy that expected SARSA learns from a record: that at which the
/// agent's own schedule will arrive.
pub fn target_epsilon(config: &AgentConfig) -> f64 {
    let constant = !config.epsilon_decay_enabled || config.epsilon_schedule == ScheduleKind::Constant;
    if constant { config.epsilon_start } else { config.epsilon_min.min(config.epsilon_start) }
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainOptions {
    /// How often to go through the record.
    pub epochs: u32,
    /// Learns what the recorded behaviour is worth, with any rule: policy evaluation. Without this, rules that
    /// would do so are refused.
    pub as_recorded: bool,
}

/// What a training tells while it goes on.
#[derive(Debug, Clone, Copy)]
pub enum Happened<'a> {
    /// So many entries have been taken in, over all epochs.
    Taken(u64),
    /// The agent has been judged by the held-out part.
    Judged(&'a CurveRow),
}

/// One point of the learning curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveRow {
    /// How often the agent has gone through the record; not whole when it was stopped.
    pub epoch: f64,
    /// Experiences trained.
    pub trained: u64,
    /// States that have a value of their own (tables).
    pub states: usize,
    /// Root mean square of the TD errors, held out: what chance leaves of it cannot be learned away.
    pub td_error: Option<f64>,
    /// Average reward, as the rule estimates it.
    pub average_reward: Option<f64>,
    /// Its best actions, by the held-out part.
    pub evaluation: Evaluation,
}

/// What came of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The learning curve: before the training, and after each epoch.
    pub curve: Vec<CurveRow>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Refuses a rule that learns the recorded behaviour's value instead of the agent's.
///
/// # Errors
/// It is one.
pub fn refuse_on_policy(rule: RuleKind) -> Result<(), OfflineError> {
    if is_off_policy(rule) { Ok(()) } else { Err(OfflineError::OnPolicy { rule }) }
}

/// Takes a learner through a record, and judges it by another one before, and after each epoch. What is told
/// by `watch` can be answered with a stop: what has been learned by then is kept, and judged.
///
/// Every unbroken run of a stream is trained by itself. Before a gap, and at the end of a stream, the last
/// entry has no successor and is not trained. Expected SARSA learns the policy with the agent's own
/// [`target_epsilon`], unless it is to learn `as_recorded`.
///
/// What nobody took must not look best: what follows is taken to be among the recorded actions, and the values of
/// all others are kept below those. For a table this goes state by state, for values that generalise over states
/// it concerns actions that were taken nowhere; the untried actions of a network are left as they are. A table
/// without room for all states keeps this only for those that it has at the end.
///
/// # Errors
/// A rule that does not learn from others, a record without entries, or a part to judge by without rewards.
pub fn train(
    learner: &mut Learner,
    training: &Dataset,
    held_out: &Dataset,
    options: TrainOptions,
    watch: &mut dyn FnMut(Happened<'_>) -> ControlFlow<()>,
) -> Result<Trained, OfflineError> {
    if !options.as_recorded {
        refuse_on_policy(learner.config().rule)?;
    }
    if training.is_empty() {
        return Err(OfflineError::Empty);
    }
    let behaviour = Behaviour::of([training, held_out]);
    let evaluator = Evaluator::new(held_out, &behaviour)?;
    let support = Support::of(training, learner.config(), learner.values().actions());
    let next = learner.counters().episodes.eid_max_seen.saturating_add(1);
    let lesson = Lesson { support: &support, as_recorded: options.as_recorded };
    let mut course = Course { next, taken: 0, lesson: &lesson, watch };
    let mut curve = Vec::new();
    let row = |learner: &Learner, taken: u64| {
        let counters = learner.counters();
        CurveRow {
            epoch: taken as f64 / training.len() as f64,
            trained: counters.trained,
            states: counters.states,
            td_error: rms_td_error(learner, held_out, &lesson),
            average_reward: counters.average_reward,
            evaluation: evaluator.evaluate(&mut agent_policy(learner, 0.0)),
        }
    };
    let mut flow = ControlFlow::Continue(());
    for epoch in 0..=options.epochs {
        if epoch > 0 {
            flow = course.epoch(learner, training);
        }
        support.lower(&mut learner.values);
        let row = row(learner, course.taken);
        if (course.watch)(Happened::Judged(&row)).is_break() && epoch < options.epochs {
            flow = ControlFlow::Break(());
        }
        curve.push(row);
        if flow.is_break() {
            break;
        }
    }
    Ok(Trained { curve, stopped: flow.is_break() })
}

/// How a recorded choice is shown to the agent.
#[derive(Debug)]
pub(super) struct Lesson<'a> {
    support: &'a Support,
    as_recorded: bool,
}

impl Lesson<'_> {
    /// With the ε of the policy that is learned, and the actions of which the record tells something.
    pub fn entry(&self, config: &AgentConfig, choice: &Recorded) -> Entry {
        let mut entry = choice.entry.clone();
        entry.epsilon = match config.rule {
            RuleKind::ExpectedSarsa if !self.as_recorded => target_epsilon(config),
            _ => choice.epsilon.unwrap_or(0.0),
        };
        self.support.restrict(&choice.entry.state, &mut entry.mask);
        entry
    }
}

struct Course<'a> {
    /// The number of the next experience: the learner's window knows only numbers that grow.
    next: u64,
    taken: u64,
    lesson: &'a Lesson<'a>,
    watch: &'a mut dyn FnMut(Happened<'_>) -> ControlFlow<()>,
}

impl Course<'_> {
    fn epoch(&mut self, learner: &mut Learner, training: &Dataset) -> ControlFlow<()> {
        for segment in training.streams().iter().flat_map(|stream| stream.segments()) {
            let flow = segment.iter().try_for_each(|choice| self.take(learner, choice));
            learner.finish();
            flow?;
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, learner: &mut Learner, choice: &Recorded) -> ControlFlow<()> {
        let mut entry = self.lesson.entry(learner.config(), choice);
        entry.eid = self.next;
        self.next += 1;
        learner.learn(Time::ZERO, entry);
        self.taken += 1;
        match self.taken % GLANCE {
            0 => (self.watch)(Happened::Taken(self.taken)),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::testing::{BEST, BEST_VALUE, bandit};
    use p2pfaas_core::agent::Observation;

    const OPTIONS: TrainOptions = TrainOptions { epochs: 5, as_recorded: false };

    fn learner(rule: RuleKind) -> Learner {
        let config = AgentConfig { rule, alpha: 0.02, gamma: 0.1, ..AgentConfig::default() };
        Learner::new(config, None, 1).unwrap()
    }

    fn go_on(_: Happened<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn best_of(learner: &mut Learner) -> Vec<u32> {
        learner.freeze(true);
        let mut act = |state| learner.act(&Observation { state: vec![state], mask: vec![] }).unwrap().action;
        [0.0, 1.0, 2.0].map(&mut act).to_vec()
    }

    #[test]
    fn an_agent_trained_from_another_ones_record_acts_best_and_is_judged_so() {
        for rule in off_policy_rules() {
            let mut learner = learner(rule);
            let (training, held_out) = bandit(8_000, 1).split(0.25).unwrap();
            let trained = train(&mut learner, &training, &held_out, OPTIONS, &mut go_on).unwrap();
            assert_eq!(best_of(&mut learner), BEST, "{rule:?}");
            assert!(!trained.stopped);
            let values: Vec<_> =
                trained.curve.iter().map(|row| row.evaluation.doubly_robust.unwrap()).collect();
            assert_eq!(values.len(), 6);
            // It begins with random actions, worth 0.483.
            assert!(values[0].value < 0.55 && values[5].value > 0.62, "{values:?}");
            let [low, high] = values[5].ci95.unwrap();
            assert!(low < BEST_VALUE && BEST_VALUE < high);
            let errors: Vec<_> = trained.curve.iter().map(|row| row.td_error.unwrap()).collect();
            // A differential rule's error counts from its average reward, which is 0 at first.
            assert!(rule == RuleKind::DifferentialQ || errors[5] < errors[0], "{rule:?}: {errors:?}");
            assert_eq!(trained.curve[5].epoch, 5.0);
        }
    }

    #[test]
    fn every_epoch_trains_all_but_the_last_of_each_unbroken_run() {
        let mut learner = learner(RuleKind::QLearning);
        let record = bandit(400, 2);
        let holes = record.entries().filter(|choice| choice.entry.eid % 50 != 49).cloned();
        let record = Dataset::new(holes).unwrap();
        train(&mut learner, &record, &record, OPTIONS, &mut go_on).unwrap();
        let counters = learner.counters();
        // Four streams of two runs of 49 entries.
        assert_eq!(counters.trained, 5 * 8 * 48);
        assert_eq!(counters.segments, 5 * 8);
        assert_eq!(counters.pending, 0);
    }

    #[test]
    fn rules_that_follow_the_recorded_actions_are_refused_with_those_that_do_not() {
        let record = bandit(400, 3);
        for rule in [RuleKind::Sarsa, RuleKind::DifferentialSarsa, RuleKind::Reference, RuleKind::SarsaLambda]
        {
            let mut agent = learner(rule);
            let refusal = train(&mut agent, &record, &record, OPTIONS, &mut go_on).unwrap_err();
            assert_eq!(refusal, OfflineError::OnPolicy { rule });
            let text = refusal.to_string();
            assert!(text.contains(rule.name()) && text.contains("\"differential-q-learning\""), "{text}");
            assert_eq!(agent.counters().trained, 0);
            let options = TrainOptions { as_recorded: true, ..OPTIONS };
            train(&mut agent, &record, &record, options, &mut go_on).unwrap();
            assert!(agent.counters().trained > 0);
        }
    }

    #[test]
    fn a_stop_keeps_what_was_learned_and_judges_it() {
        let mut agent = learner(RuleKind::QLearning);
        let record = bandit(4_000, 4);
        let mut stop = |happened: Happened<'_>| match happened {
            Happened::Taken(taken) if taken >= 2 * GLANCE => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let trained = train(&mut agent, &record, &record, OPTIONS, &mut stop).unwrap();
        assert!(trained.stopped);
        assert_eq!(trained.curve.len(), 2);
        assert_eq!(trained.curve[1].epoch, 2_048.0 / 4_000.0);
        assert!(agent.counters().trained >= 2_040);
    }

    #[test]
    fn what_nobody_took_is_not_taken() {
        // Actions 1 and 2 instead of 0 and 1: 0, reject, is never there.
        let record = bandit(8_000, 7);
        let shifted = record.entries().cloned().map(|mut choice| {
            choice.entry.action += 1;
            choice
        });
        let (training, held_out) = Dataset::new(shifted).unwrap().split(0.25).unwrap();
        for rule in off_policy_rules() {
            let mut agent = learner(rule);
            let trained = train(&mut agent, &training, &held_out, OPTIONS, &mut go_on).unwrap();
            assert_eq!(best_of(&mut agent), BEST.map(|action| action + 1), "{rule:?}");
            assert!(trained.curve.iter().all(|row| row.evaluation.covered > 1.0 - 1e-9));
        }
    }

    #[test]
    fn the_same_record_and_seed_give_the_same_agent() {
        let bytes = || {
            let mut agent = learner(RuleKind::DoubleQ);
            let record = bandit(1_000, 5);
            train(&mut agent, &record, &record, OPTIONS, &mut go_on).unwrap();
            crate::checkpoint::Checkpoint { learner: agent, peers: vec![] }.to_bytes().unwrap()
        };
        assert!(bytes() == bytes());
    }

    #[test]
    fn an_empty_record_is_refused() {
        let mut agent = learner(RuleKind::QLearning);
        let record = bandit(100, 6);
        for (training, held_out) in [(&Dataset::default(), &record), (&record, &Dataset::default())] {
            let error = train(&mut agent, training, held_out, OPTIONS, &mut go_on).unwrap_err();
            assert_eq!(error, OfflineError::Empty);
        }
    }
}
