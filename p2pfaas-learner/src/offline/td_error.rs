//! How far an agent's values are from being consistent with a record.

use crate::config::RuleKind;
use crate::entry::Entry;
use crate::exploration::{maximum, probabilities};
use crate::learner::Learner;

use super::train::Lesson;
use super::{Dataset, Recorded};

/// The root mean square of the one-step TD errors δ over a record, of which nothing is learned: of the kind that
/// the agent's rule makes small in this lesson, so that numbers of different rules cannot be compared. `None`
/// without two choices that follow each other.
pub fn rms_td_error(learner: &Learner, record: &Dataset, lesson: &Lesson<'_>) -> Option<f64> {
    let mut next = Ahead { learner, lesson, values: Vec::new(), scratch: Vec::new(), chances: Vec::new() };
    let (mut sum, mut count) = (0.0, 0_u64);
    let segments = record.streams().iter().flat_map(|stream| stream.segments());
    for pair in segments.flat_map(|segment| segment.windows(2)) {
        let [here, then] = pair else { continue };
        let Some(reward) = here.entry.reward else { continue };
        let expected = next.expected(reward, then);
        sum += (expected - next.value(&here.entry)).powi(2);
        count += 1;
    }
    (count > 0).then(|| (sum / count as f64).sqrt())
}

struct Ahead<'a> {
    learner: &'a Learner,
    lesson: &'a Lesson<'a>,
    values: Vec<f64>,
    scratch: Vec<f64>,
    chances: Vec<f64>,
}

impl Ahead<'_> {
    fn look(&mut self, entry: &Entry) {
        self.learner.values().values(&entry.state, &mut self.values, &mut self.scratch);
    }

    fn value(&mut self, entry: &Entry) -> f64 {
        self.look(entry);
        self.values.get(entry.action as usize).copied().unwrap_or(0.0)
    }

    /// What the rule holds the value before `then` to be.
    fn expected(&mut self, reward: f64, then: &Recorded) -> f64 {
        let config = self.learner.config();
        let then = self.lesson.entry(config, then);
        self.look(&then);
        let ahead = match config.rule {
            RuleKind::QLearning | RuleKind::DoubleQ | RuleKind::DifferentialQ => {
                maximum(&self.values, &then.mask)
            }
            RuleKind::ExpectedSarsa => {
                let Entry { epsilon, mask, .. } = &then;
                probabilities(config.exploration, *epsilon, &self.values, mask, &mut self.chances);
                self.chances.iter().zip(&self.values).map(|(chance, value)| chance * value).sum()
            }
            _ => self.value(&then),
        };
        match config.rule {
            RuleKind::DifferentialSarsa | RuleKind::DifferentialQ | RuleKind::Reference => {
                reward - self.learner.counters().average_reward.unwrap_or(0.0) + ahead
            }
            _ => reward + config.gamma * ahead,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use crate::config::AgentConfig;
    use crate::learner::Learner;
    use crate::offline::testing::choice;
    use crate::offline::{CurveRow, Dataset, TrainOptions, train};
    use crate::value::ValueFunction;

    use super::*;

    /// The TD error of an expected SARSA agent with these values of actions 0 to 2 in every state, by a record
    /// of actions 1 and 2 with rewards of 0 and this ε.
    fn error(values: [f64; 3], as_recorded: bool, epsilon: f64) -> f64 {
        let config = AgentConfig {
            rule: RuleKind::ExpectedSarsa,
            actions_n: 3,
            gamma: 1.0,
            epsilon_start: 0.0,
            epsilon_decay_enabled: false,
            ..AgentConfig::default()
        };
        let mut learner = Learner::new(config, None, 1).unwrap();
        for (action, value) in values.into_iter().enumerate() {
            learner.values.first.update(&[0.0], action, value);
        }
        let choices = [1, 2, 1].iter().zip(0..).map(|(action, eid)| {
            let made = choice("a", eid, &[0.0], *action, 0.0);
            Recorded { epsilon: Some(epsilon), ..made }
        });
        let record = Dataset::new(choices).unwrap();
        let options = TrainOptions { epochs: 0, as_recorded };
        let trained =
            train(&mut learner, &record, &record, options, &mut |_| ControlFlow::Continue(())).unwrap();
        let [CurveRow { td_error, .. }] = &trained.curve[..] else { panic!("one row") };
        td_error.unwrap()
    }

    #[test]
    fn expected_sarsa_is_measured_by_the_policy_that_it_is_trained_for() {
        // Ahead is the best action, worth 2: off by 1 from action 1, and by nothing from action 2.
        let off = |ahead: f64| (((ahead - 1.0).powi(2) + (ahead - 2.0).powi(2)) / 2.0).sqrt();
        assert!((error([0.0, 1.0, 2.0], false, 0.5) - off(2.0)).abs() < 1e-9);
        // As recorded: 2 with probability 3/4, 1 with 1/4; of action 0 nothing is recorded.
        assert!((error([0.0, 1.0, 2.0], true, 0.5) - off(1.75)).abs() < 1e-9);
    }
}
