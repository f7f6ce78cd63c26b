//! Rewards: what a finished job is worth to its node's learner.
//!
//! `reward = weight of the type x value of the outcome x latency utility - probes - hop`

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::Outcome;

/// A reward function. The default: 1 in time, else 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reward {
    /// Value of a job that was served within its deadline, or had none.
    pub in_time: f64,
    /// Value of a job that was served after its deadline.
    pub late: f64,
    /// Value of a job for which there was no room.
    pub dropped: f64,
    /// Value of a job that a policy refused.
    pub rejected: f64,
    /// Value of a job that went wrong.
    pub failed: f64,
    /// How the value of a served job shrinks with the time from arrival to answer.
    pub latency: Latency,
    /// The scale of that, in seconds.
    pub latency_scale_s: f64,
    /// Factor on the value, by task type; 1 where it is missing.
    pub weights: Vec<f64>,
    /// Subtracted for each probe that was sent.
    pub probe: f64,
    /// Subtracted when the job was forwarded.
    pub hop: f64,
}

/// How the value of a served job shrinks with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Latency {
    /// It does not.
    #[default]
    None,
    /// By `1 - time / scale`, down to 0.
    Linear,
    /// By `exp(-time / scale)`.
    Exponential,
}

impl Default for Reward {
    fn default() -> Self {
        Reward {
            in_time: 1.0,
            late: 0.0,
            dropped: 0.0,
            rejected: 0.0,
            failed: 0.0,
            latency: Latency::None,
            latency_scale_s: 1.0,
            weights: Vec::new(),
            probe: 0.0,
            hop: 0.0,
        }
    }
}

/// What a reward function may know of a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether that was within its deadline, by this node's clock from its arrival on.
    pub in_time: bool,
    /// Its task type.
    pub task_type: u16,
    /// From arrival to answer.
    pub total: Duration,
    /// Probes sent for it.
    pub probes: u32,
    /// Whether a peer got it.
    pub forwarded: bool,
}

/// A reward function that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewardError {
    /// Infinite, or not a number at all.
    #[error("reward {field}: must be a finite number")]
    NotFinite {
        /// The field.
        field: &'static str,
    },
    /// A scale of no length.
    #[error("reward latency_scale_s: must be more than 0")]
    Scale,
}

impl Reward {
    /// The reward of a job; `None` when nothing can be said of the choice: its client went away (or
    /// the numbers of the function are so large that the result is none).
    pub fn of(&self, job: &Ended) -> Option<f64> {
        let value = match job.outcome {
            Outcome::Served if job.in_time => self.in_time * self.utility(job.total),
            Outcome::Served => self.late * self.utility(job.total),
            Outcome::Dropped => self.dropped,
            Outcome::Rejected => self.rejected,
            Outcome::Failed(_) => self.failed,
            Outcome::Cancelled => return None,
        };
        let weight = self.weights.get(usize::from(job.task_type)).copied().unwrap_or(1.0);
        let costs = self.probe * f64::from(job.probes) + self.hop * f64::from(u8::from(job.forwarded));
        Some(weight * value - costs).filter(|reward| reward.is_finite())
    }

    fn utility(&self, total: Duration) -> f64 {
        let scaled = total.as_secs_f64() / self.latency_scale_s;
        match self.latency {
            Latency::None => 1.0,
            Latency::Linear => (1.0 - scaled).max(0.0),
            Latency::Exponential => (-scaled).exp(),
        }
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// The first number that is not finite, or a scale that is not above 0.
    pub fn check(&self) -> Result<(), RewardError> {
        let numbers = [
            ("in_time", self.in_time),
            ("late", self.late),
            ("dropped", self.dropped),
            ("rejected", self.rejected),
            ("failed", self.failed),
            ("latency_scale_s", self.latency_scale_s),
            ("probe", self.probe),
            ("hop", self.hop),
        ];
        let weights = self.weights.iter().map(|weight| ("weights", *weight));
        match numbers.into_iter().chain(weights).find(|(_, number)| !number.is_finite()) {
            Some((field, _)) => Err(RewardError::NotFinite { field }),
            None if self.latency_scale_s <= 0.0 => Err(RewardError::Scale),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Failure;

    const SERVED: Ended = Ended {
        outcome: Outcome::Served,
        in_time: true,
        task_type: 0,
        total: Duration::from_millis(500),
        probes: 0,
        forwarded: false,
    };

    fn ended(outcome: Outcome, in_time: bool) -> Ended {
        Ended { outcome, in_time, ..SERVED }
    }

    fn read(json: &str) -> Reward {
        let reward: Reward = serde_json::from_str(json).expect("a reward");
        assert_eq!(reward.check(), Ok(()));
        reward
    }

    #[test]
    fn nobody_sets_a_reward_and_it_is_1_in_time_and_else_0() {
        let reward = read("{}");
        assert_eq!(reward, Reward::default());
        assert_eq!(reward.of(&SERVED), Some(1.0));
        let costly = Ended { probes: 3, forwarded: true, task_type: 9, ..SERVED };
        assert_eq!(reward.of(&costly), Some(1.0));
        assert_eq!(reward.of(&ended(Outcome::Served, false)), Some(0.0));
        for outcome in [Outcome::Dropped, Outcome::Rejected, Outcome::Failed(Failure::TimedOut)] {
            assert_eq!(reward.of(&ended(outcome, true)), Some(0.0));
        }
    }

    #[test]
    fn each_outcome_has_its_value_and_a_client_that_went_away_has_none() {
        let reward = read(r#"{"in_time": 5, "late": 1, "dropped": -1, "rejected": -2, "failed": -3}"#);
        for (outcome, in_time, value) in [
            (Outcome::Served, true, Some(5.0)),
            (Outcome::Served, false, Some(1.0)),
            (Outcome::Dropped, true, Some(-1.0)),
            (Outcome::Rejected, true, Some(-2.0)),
            (Outcome::Failed(Failure::Function), true, Some(-3.0)),
            (Outcome::Failed(Failure::Forward), false, Some(-3.0)),
            (Outcome::Cancelled, true, None),
        ] {
            assert_eq!(reward.of(&ended(outcome, in_time)), value, "{outcome:?}");
        }
    }

    #[test]
    fn a_served_job_is_worth_less_the_longer_it_took() {
        let linear = read(r#"{"in_time": 2, "late": 1, "latency": "linear", "latency_scale_s": 2}"#);
        assert_eq!(linear.of(&SERVED), Some(1.5));
        assert_eq!(linear.of(&ended(Outcome::Served, false)), Some(0.75));
        assert_eq!(linear.of(&Ended { total: Duration::from_secs(3), ..SERVED }), Some(0.0));

        let exponential = read(r#"{"latency": "exponential", "latency_scale_s": 0.5}"#);
        assert_eq!(exponential.of(&SERVED), Some((-1.0_f64).exp()));
        assert_eq!(exponential.of(&Ended { total: Duration::ZERO, ..SERVED }), Some(1.0));

        let dropped = read(r#"{"dropped": -1, "latency": "linear"}"#);
        assert_eq!(dropped.of(&ended(Outcome::Dropped, true)), Some(-1.0), "only served jobs have a time");
    }

    #[test]
    fn types_have_weights_and_probes_and_hops_cost() {
        let reward = read(r#"{"weights": [1, 10], "probe": 0.25, "hop": 0.5}"#);
        let of_type = |task_type| reward.of(&Ended { task_type, ..SERVED });
        assert_eq!([of_type(0), of_type(1), of_type(2)], [Some(1.0), Some(10.0), Some(1.0)]);
        let costly = Ended { task_type: 1, probes: 2, forwarded: true, ..SERVED };
        assert_eq!(reward.of(&costly), Some(9.0));
        let in_vain = Ended { outcome: Outcome::Dropped, probes: 1, ..SERVED };
        assert_eq!(reward.of(&in_vain), Some(-0.25));
    }

    #[test]
    fn a_function_that_cannot_be_used_is_found_out() {
        let of = |change: fn(&mut Reward)| {
            let mut reward = Reward::default();
            change(&mut reward);
            reward.check()
        };
        assert_eq!(of(|reward| reward.hop = f64::NAN), Err(RewardError::NotFinite { field: "hop" }));
        let weights = Err(RewardError::NotFinite { field: "weights" });
        assert_eq!(of(|reward| reward.weights = vec![1.0, f64::INFINITY]), weights);
        assert_eq!(of(|reward| reward.latency_scale_s = 0.0), Err(RewardError::Scale));
        assert_eq!(of(|reward| reward.latency_scale_s = -1.0), Err(RewardError::Scale));
        for json in [r#"{"in_tyme": 1}"#, r#"{"latency": "cubic"}"#, r#"{"hop": "1"}"#] {
            assert!(serde_json::from_str::<Reward>(json).is_err(), "{json}");
        }
        let huge = Reward { in_time: 1e300, weights: vec![1e300], ..Reward::default() };
        assert_eq!(huge.of(&SERVED), None, "a reward is a number");
    }
}
