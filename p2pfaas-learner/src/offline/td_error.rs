//! How far an agent's values are from being consistent with a record.

use crate::config::RuleKind;
use crate::exploration::{maximum, probabilities};
use crate::learner::Learner;

use super::train::target_epsilon;
use super::{Dataset, Recorded};

/// The root mean square of the one-step TD errors δ over a record, of which nothing is learned: of the kind that
/// the agent's rule makes small, so that numbers of different rules cannot be compared. `None` without two
/// choices that follow each other.
pub fn rms_td_error(learner: &Learner, record: &Dataset) -> Option<f64> {
    let mut next = Ahead { learner, values: Vec::new(), scratch: Vec::new(), chances: Vec::new() };
    let (mut sum, mut count) = (0.0, 0_u64);
    let segments = record.streams().iter().flat_map(|stream| stream.segments());
    for pair in segments.flat_map(|segment| segment.windows(2)) {
        let [here, then] = pair else { continue };
        let Some(reward) = here.entry.reward else { continue };
        let expected = next.expected(reward, then);
        sum += (expected - next.value(here)).powi(2);
        count += 1;
    }
    (count > 0).then(|| (sum / count as f64).sqrt())
}

struct Ahead<'a> {
    learner: &'a Learner,
    values: Vec<f64>,
    scratch: Vec<f64>,
    chances: Vec<f64>,
}

impl Ahead<'_> {
    fn look(&mut self, choice: &Recorded) {
        self.learner.values().values(&choice.entry.state, &mut self.values, &mut self.scratch);
    }

    fn value(&mut self, choice: &Recorded) -> f64 {
        self.look(choice);
        self.values.get(choice.entry.action as usize).copied().unwrap_or(0.0)
    }

    /// What the rule holds the value before `then` to be.
    fn expected(&mut self, reward: f64, then: &Recorded) -> f64 {
        let config = self.learner.config();
        let ahead = match config.rule {
            RuleKind::QLearning | RuleKind::DoubleQ | RuleKind::DifferentialQ => {
                self.look(then);
                maximum(&self.values, &then.entry.mask)
            }
            RuleKind::ExpectedSarsa => {
                self.look(then);
                let epsilon = target_epsilon(config);
                let mask = &then.entry.mask;
                probabilities(config.exploration, epsilon, &self.values, mask, &mut self.chances);
                self.chances.iter().zip(&self.values).map(|(chance, value)| chance * value).sum()
            }
            _ => self.value(then),
        };
        match config.rule {
            RuleKind::DifferentialSarsa | RuleKind::DifferentialQ | RuleKind::Reference => {
                reward - self.learner.counters().average_reward.unwrap_or(0.0) + ahead
            }
            _ => reward + config.gamma * ahead,
        }
    }
}
