//! How well a policy would do, from a record of another one.

use serde::Serialize;

use crate::config::ExplorationKind;
use crate::entry::Entry;
use crate::exploration::probabilities;
use crate::learner::Learner;

use super::behaviour::{Behaviour, LEAST_ENTRIES, Source};
use super::interval::{BLOCKS, interval};
use super::record::{StateKey, state_key};
use super::reward_model::RewardModel;
use super::{Dataset, OfflineError};

/// Effective entries below which an estimate is not to be relied on.
pub const FEW_EFFECTIVE: f64 = 100.0;
/// The same as a share of all entries.
pub const FEW_EFFECTIVE_SHARE: f64 = 0.05;
/// Share of a policy's choices without any record beyond which that is worth a warning.
const UNCOVERED: f64 = 0.01;

/// A policy that is judged: writes the probability of each action in an entry's state.
pub type Judged<'a> = dyn FnMut(&Entry, &mut Vec<f64>) + 'a;

/// An agent as a policy: its best action, and with probability `epsilon` a random one.
pub fn agent_policy(learner: &Learner, epsilon: f64) -> impl FnMut(&Entry, &mut Vec<f64>) + '_ {
    let (mut values, mut scratch) = (Vec::new(), Vec::new());
    move |entry, out| {
        learner.values().values(&entry.state, &mut values, &mut scratch);
        probabilities(ExplorationKind::Epsilon, epsilon, &values, &entry.mask, out);
    }
}

/// A number with its 95 % confidence interval, from blocks of entries that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its interval, by the delta method with the blocks as independent clusters; `None` where there is only
    /// one block.
    pub ci95: Option<[f64; 2]>,
}

/// Where the behaviour's probabilities are from, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sources {
    /// From the record.
    pub recorded: usize,
    /// Derived from ε and the most frequent action.
    pub derived: usize,
    /// From how often actions were taken.
    pub frequency: usize,
    /// As many of these because there are too few entries of their states.
    pub few_entries: usize,
}

/// How often an action is taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ActionShare {
    /// The action.
    pub action: u32,
    /// Share of the recorded choices.
    pub recorded: f64,
    /// Share of the judged policy's, in the same states.
    pub judged: f64,
}

/// What a record says of a policy: mean rewards per job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Entries with a reward.
    pub entries: usize,
    /// Mean reward of what was recorded.
    pub recorded: Estimate,
    /// Importance sampling. This and the next two are `None` if the policy never does what was recorded.
    pub importance: Option<Estimate>,
    /// Weighted (self-normalised) importance sampling.
    pub weighted: Option<Estimate>,
    /// Doubly robust, with a reward model of each half from the other half.
    pub doubly_robust: Option<Estimate>,
    /// To how many entries of the policy itself the weighted ones amount (Kish).
    pub effective: f64,
    /// Mean weight: 1, but for chance, if the probabilities are right and every action of the policy was
    /// sometimes taken.
    pub mean_weight: Estimate,
    /// Largest weight.
    pub largest_weight: f64,
    /// Share of the policy's choices of which the record knows at least one in the same state.
    pub covered: f64,
    /// Where the behaviour's probabilities are from.
    pub sources: Sources,
    /// What is done how often.
    pub actions: Vec<ActionShare>,
    /// What to beware of.
    pub warnings: Vec<String>,
}

/// Estimates policies from one record.
#[derive(Debug)]
pub struct Evaluator<'a> {
    entries: Vec<Prepared<'a>>,
    /// Each entry's block; ascending.
    blocks: Vec<u32>,
    /// A model of each half.
    models: [RewardModel; 2],
    behaviour: &'a Behaviour,
    sources: Sources,
}

#[derive(Debug)]
struct Prepared<'a> {
    entry: &'a Entry,
    key: StateKey,
    reward: f64,
    probability: f64,
}

impl<'a> Evaluator<'a> {
    /// Prepares a record, whose behaviour was counted before (best in a larger record that holds this one).
    ///
    /// # Errors
    /// It has no entry with a reward.
    pub fn new(record: &'a Dataset, behaviour: &'a Behaviour) -> Result<Self, OfflineError> {
        let with_reward = record.entries().filter(|choice| choice.entry.reward.is_some()).count();
        if with_reward == 0 {
            return Err(OfflineError::Empty);
        }
        let mut evaluator = Evaluator {
            entries: Vec::with_capacity(with_reward),
            blocks: Vec::with_capacity(with_reward),
            models: Default::default(),
            behaviour,
            sources: Sources::default(),
        };
        let size = with_reward.div_ceil(BLOCKS);
        let mut block = 0;
        for stream in record.streams() {
            let begin = evaluator.entries.len();
            for choice in &stream.entries {
                let Some(reward) = choice.entry.reward else { continue };
                let (probability, source) = behaviour.probability(choice);
                match source {
                    Source::Recorded => evaluator.sources.recorded += 1,
                    Source::Derived => evaluator.sources.derived += 1,
                    Source::Frequency => evaluator.sources.frequency += 1,
                    Source::FewEntries => {
                        evaluator.sources.frequency += 1;
                        evaluator.sources.few_entries += 1;
                    }
                }
                let key = state_key(&choice.entry.state);
                evaluator.entries.push(Prepared { entry: &choice.entry, key, reward, probability });
            }
            // Blocks of about the same size, each within one stream.
            let length = evaluator.entries.len() - begin;
            let count = length.div_ceil(size);
            evaluator.blocks.extend((0..length).map(|place| block + (place * count / length) as u32));
            block += count as u32;
        }
        for (prepared, block) in evaluator.entries.iter().zip(&evaluator.blocks) {
            evaluator.models[half(*block)].add(&prepared.key, prepared.entry.action, prepared.reward);
        }
        Ok(evaluator)
    }

    /// What the record says of a policy.
    pub fn evaluate(&self, policy: &mut Judged<'_>) -> Evaluation {
        let n = self.entries.len() as f64;
        let mut weights = Vec::with_capacity(self.entries.len());
        let mut robust = Vec::with_capacity(self.entries.len());
        let (mut chances, mut rewards) = (Vec::new(), Vec::new());
        let mut shares: Vec<(f64, f64)> = Vec::new();
        let mut covered = 0.0;
        for (prepared, block) in self.entries.iter().zip(&self.blocks) {
            let Prepared { entry, key, reward, probability } = prepared;
            let action = entry.action as usize;
            chances.clear();
            policy(entry, &mut chances);
            chances.resize(chances.len().max(action + 1), 0.0);
            // The model of the half to which this entry does not belong.
            self.models[1 - half(*block)].rewards(key, chances.len(), &mut rewards);
            let expected: f64 = chances.iter().zip(&rewards).map(|(chance, reward)| chance * reward).sum();
            let weight = chances[action] / probability;
            robust.push(expected + weight * (reward - rewards[action]));
            weights.push(weight);
            covered += self.behaviour.covered(key, &chances);
            shares.resize(shares.len().max(chances.len()), (0.0, 0.0));
            shares[action].0 += 1.0 / n;
            shares.iter_mut().zip(&chances).for_each(|((_, judged), chance)| *judged += chance / n);
        }
        let of_each = |value: &dyn Fn(usize) -> f64| (0..weights.len()).map(value).collect::<Vec<f64>>();
        let sum: f64 = weights.iter().sum();
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let known = sum > 0.0;
        let mut evaluation = Evaluation {
            entries: self.entries.len(),
            recorded: self.mean(&of_each(&|place| self.entries[place].reward)),
            importance: known.then(|| self.mean(&of_each(&|i| weights[i] * self.entries[i].reward))),
            weighted: known.then(|| self.weighted_mean(&weights, sum)),
            doubly_robust: known.then(|| self.mean(&robust)),
            effective: if known { sum * sum / squares } else { 0.0 },
            mean_weight: self.mean(&weights),
            largest_weight: weights.iter().copied().fold(0.0, f64::max),
            covered: covered / n,
            sources: self.sources,
            actions: (0..)
                .zip(shares)
                .map(|(action, (recorded, judged))| ActionShare { action, recorded, judged })
                .collect(),
            warnings: Vec::new(),
        };
        evaluation.warnings = evaluation.warn();
        evaluation
    }

    fn mean(&self, values: &[f64]) -> Estimate {
        let value = values.iter().sum::<f64>() / values.len() as f64;
        let influence: Vec<f64> = values.iter().map(|other| other - value).collect();
        Estimate { value, ci95: interval(value, &influence, &self.blocks) }
    }

    fn weighted_mean(&self, weights: &[f64], sum: f64) -> Estimate {
        let rewards =
            || weights.iter().zip(&self.entries).map(|(weight, prepared)| (weight, prepared.reward));
        let value = rewards().map(|(weight, reward)| weight * reward).sum::<f64>() / sum;
        let mean = sum / weights.len() as f64;
        let influence: Vec<f64> =
            rewards().map(|(weight, reward)| weight * (reward - value) / mean).collect();
        Estimate { value, ci95: interval(value, &influence, &self.blocks) }
    }
}

/// To which half of the record a block belongs. Halves are interlaced, so that they are alike.
fn half(block: u32) -> usize {
    (block % 2) as usize
}

impl Evaluation {
    fn warn(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let all = self.entries as f64;
        if self.effective == 0.0 {
            warnings.push(
                "the policy never does what was recorded, so the record says nothing of it; record a behaviour \
                 that explores more"
                    .into(),
            );
        } else if self.effective < FEW_EFFECTIVE || self.effective < FEW_EFFECTIVE_SHARE * all {
            warnings.push(format!(
                "the {} entries amount to only {:.0} of the policy's own: the estimates are not to be relied on; \
                 record more, or a behaviour that explores more",
                self.entries, self.effective
            ));
        }
        if 1.0 - self.covered > UNCOVERED {
            warnings.push(format!(
                "{:.1} % of the policy's choices are actions that were never recorded in that state: of them the \
                 record knows nothing",
                100.0 * (1.0 - self.covered)
            ));
        }
        // Twice the interval, as one in twenty is beyond it by chance.
        let far = |[low, high]: [f64; 2]| (self.mean_weight.value - 1.0).abs() > high - low;
        if self.effective > 0.0 && self.mean_weight.ci95.is_some_and(far) {
            warnings.push(format!(
                "the weights' mean is {:.2} where 1 is to be expected: the behaviour's probabilities are not \
                 right, or it never takes some of the policy's actions; believe the doubly robust estimate most",
                self.mean_weight.value
            ));
        }
        let Sources { derived, frequency, few_entries, .. } = self.sources;
        if derived + frequency > 0 {
            warnings.push(format!(
                "the record does not tell the probability of {} choices: {derived} were derived from epsilon and \
                 the state's most frequent action, {frequency} are the action's frequency in the state \
                 ({few_entries} of them because there are less than {LEAST_ENTRIES} entries of the state)",
                derived + frequency
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::Recorded;
    use crate::offline::testing::{BEST_VALUE, bandit, best, choice};

    fn judge(record: &Dataset) -> Evaluation {
        let behaviour = Behaviour::of([record]);
        Evaluator::new(record, &behaviour).unwrap().evaluate(&mut best)
    }

    fn changed(record: &Dataset, change: impl Fn(&mut Recorded)) -> Dataset {
        let all = record.entries().cloned().map(|mut choice| {
            change(&mut choice);
            choice
        });
        Dataset::new(all).unwrap()
    }

    /// Estimates of a bandit's best policy over seeded repetitions, with the share of intervals that hold the
    /// truth.
    struct Repeated {
        values: Vec<f64>,
        covered: f64,
    }

    impl Repeated {
        fn of(evaluations: &[Evaluation], estimate: fn(&Evaluation) -> Option<Estimate>) -> Repeated {
            let estimates: Vec<_> = evaluations.iter().map(|one| estimate(one).unwrap()).collect();
            let holds =
                |one: &&Estimate| one.ci95.is_some_and(|[low, high]| low <= BEST_VALUE && BEST_VALUE <= high);
            Repeated {
                covered: estimates.iter().filter(holds).count() as f64 / estimates.len() as f64,
                values: estimates.iter().map(|one| one.value).collect(),
            }
        }

        fn mean(&self) -> f64 {
            self.values.iter().sum::<f64>() / self.values.len() as f64
        }

        fn variance(&self) -> f64 {
            let mean = self.mean();
            self.values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / self.values.len() as f64
        }
    }

    #[test]
    fn all_three_estimates_find_the_value_of_a_policy_that_was_not_recorded() {
        let evaluations: Vec<_> = (0..200).map(|seed| judge(&bandit(2_000, seed))).collect();
        let importance = Repeated::of(&evaluations, |one| one.importance);
        let weighted = Repeated::of(&evaluations, |one| one.weighted);
        let robust = Repeated::of(&evaluations, |one| one.doubly_robust);
        for estimate in [&importance, &weighted, &robust] {
            assert!((estimate.mean() - BEST_VALUE).abs() < 0.01, "{}", estimate.mean());
            assert!(estimate.covered >= 0.9, "{}", estimate.covered);
        }
        assert!(robust.variance() < 0.7 * importance.variance());
        assert!(weighted.variance() < importance.variance());
        // The behaviour itself is worth less.
        assert!(evaluations.iter().all(|one| one.recorded.value < BEST_VALUE - 0.1));
        assert!(evaluations.iter().all(|one| one.warnings.is_empty()), "{:?}", evaluations[0].warnings);
    }

    #[test]
    fn the_doubly_robust_estimate_takes_the_model_of_the_other_half() {
        let at = |eid: u64, state: f64, reward: f64| Recorded {
            probability: Some(0.5),
            ..choice("a", eid, &[state], 0, reward)
        };
        // Two blocks of one entry, so each is a half. The first half's model knows the reward 1: of everything
        // the mean is 1/2, so of action 0 it is 3/4. The second half's knows only 0. All weights are 2.
        let robust = judge(&Dataset::new([at(0, 0.0, 1.0), at(1, 2.0, 0.0)]).unwrap()).doubly_robust.unwrap();
        // The first entry by the second's model: 0 + 2 (1 - 0); the second by the first's: 3/4 + 2 (0 - 3/4).
        assert_eq!(robust.value, (2.0 - 0.75) / 2.0);
    }

    #[test]
    fn with_wrong_probabilities_only_the_doubly_robust_estimate_holds() {
        let record = changed(&bandit(8_000, 3), |choice| {
            choice.probability = Some(if choice.entry.action == 1 { 0.5 } else { 0.6 });
        });
        let evaluation = judge(&record);
        let importance = evaluation.importance.unwrap();
        assert!((importance.value - BEST_VALUE).abs() > 0.1, "{importance:?}");
        assert!(importance.ci95.unwrap()[1] < BEST_VALUE);
        let robust = evaluation.doubly_robust.unwrap();
        assert!((robust.value - BEST_VALUE).abs() < 0.03, "{robust:?}");
        let warned = evaluation.warnings.iter().any(|warning| warning.contains("where 1 is to be expected"));
        assert!(warned, "{:?}", evaluation.warnings);
    }

    #[test]
    fn weights_are_taken_by_what_the_behaviour_did_at_its_epsilon() {
        // The weight of a choice is at most 1 / (epsilon / n), and its mean is 1.
        let means = (0..50).map(|seed| judge(&bandit(2_000, seed)).mean_weight.value);
        let mean = means.sum::<f64>() / 50.0;
        assert!((mean - 1.0).abs() < 0.015, "{mean}");
        let evaluation = judge(&bandit(8_000, 4));
        assert!((evaluation.largest_weight - 5.0).abs() < 1e-9, "{}", evaluation.largest_weight);
        assert_eq!(evaluation.sources, Sources { recorded: 8_000, ..Sources::default() });
    }

    #[test]
    fn without_recorded_probabilities_the_derived_ones_serve_and_are_told() {
        let record = bandit(8_000, 5);
        let silent = judge(&changed(&record, |choice| choice.probability = None));
        assert_eq!(silent.sources, Sources { derived: 8_000, ..Sources::default() });
        assert!((silent.importance.unwrap().value - judge(&record).importance.unwrap().value).abs() < 1e-9);
        assert!(silent.warnings[0].contains("8000 were derived"), "{:?}", silent.warnings);
        let rare = judge(&changed(&record, |choice| {
            choice.probability = None;
            // Two thousand states of four entries.
            choice.entry.state.push(choice.entry.eid as f64);
        }));
        assert_eq!(rare.sources, Sources { frequency: 8_000, few_entries: 8_000, ..Sources::default() });
        let told = |warning: &String| warning.contains("8000 of them because there are less than 5 entries");
        assert!(rare.warnings.iter().any(told), "{:?}", rare.warnings);
    }

    #[test]
    fn the_behaviour_judged_by_its_own_record_is_worth_what_was_recorded() {
        let record = bandit(1_000, 6);
        let behaviour = Behaviour::of([&record]);
        let itself = &mut |_: &Entry, out: &mut Vec<f64>| {
            out.clear();
            out.extend([0.2, 0.8]);
        };
        let evaluation = Evaluator::new(&record, &behaviour).unwrap().evaluate(itself);
        for estimate in [evaluation.importance, evaluation.weighted] {
            assert!((estimate.unwrap().value - evaluation.recorded.value).abs() < 1e-9);
        }
        assert!((evaluation.effective - 1_000.0).abs() < 1e-6);
        let shares = evaluation.actions;
        assert!(
            (shares[1].judged - 0.8).abs() < 1e-9 && (shares[1].recorded - 0.8).abs() < 0.05,
            "{shares:?}"
        );
    }

    #[test]
    fn a_policy_of_which_the_record_knows_little_is_warned_of() {
        let few = judge(&bandit(150, 7));
        assert!(few.warnings[0].contains("amount to only"), "{:?}", few.warnings);
        let record = bandit(500, 8);
        let behaviour = Behaviour::of([&record]);
        let elsewhere = &mut |_: &Entry, out: &mut Vec<f64>| {
            out.clear();
            out.extend([0.0, 0.0, 1.0]);
        };
        let nothing = Evaluator::new(&record, &behaviour).unwrap().evaluate(elsewhere);
        assert_eq!((nothing.importance, nothing.doubly_robust, nothing.effective), (None, None, 0.0));
        assert!(nothing.warnings[0].contains("never does what was recorded"), "{:?}", nothing.warnings);
        assert!(nothing.warnings[1].contains("100.0 %"), "{:?}", nothing.warnings);
    }

    #[test]
    fn a_record_without_rewards_cannot_judge() {
        let record = changed(&bandit(10, 9), |choice| choice.entry.reward = None);
        let behaviour = Behaviour::of([&record]);
        assert_eq!(Evaluator::new(&record, &behaviour).unwrap_err(), OfflineError::Empty);
    }
}
