//! The learning curve of one run: what became of its jobs, second by second, and what its agents said
//! of themselves.

use std::collections::BTreeMap;

pub use p2pfaas_sim::learning::Glimpse;

use crate::job::Phase;
use crate::tally::Counted;

/// The learning curve of one policy under one seed.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Curve {
    /// Label of the policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    bins: BTreeMap<(i64, Phase), Bin>,
}

/// The jobs that were due in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Bin {
    /// Jobs that were due.
    pub offered: u64,
    /// Of these, served within the deadline.
    pub in_time: u64,
    /// Jobs for which a node told a reward.
    pub rewarded: u64,
    /// The sum of these.
    pub rewards: f64,
    /// What the agents said in this second.
    pub agents: Option<Glimpse>,
}

impl Bin {
    /// Fraction served within the deadline.
    pub fn in_time_share(&self) -> Option<f64> {
        (self.offered > 0).then(|| self.in_time as f64 / self.offered as f64)
    }

    /// Mean of the rewards.
    pub fn reward_mean(&self) -> Option<f64> {
        (self.rewarded > 0).then(|| self.rewards / self.rewarded as f64)
    }
}

impl Curve {
    /// An empty curve.
    pub fn new(policy: &str, seed: u64) -> Curve {
        Curve { policy: policy.into(), seed, bins: BTreeMap::new() }
    }

    /// Counts a job in the second in which it was due.
    pub fn add(&mut self, job: &Counted, reward: Option<f64>) {
        let second = job.at_s.floor() as i64;
        let bin = self.bins.entry((second, job.phase)).or_default();
        bin.offered += 1;
        bin.in_time += u64::from(job.in_time);
        if let Some(reward) = reward {
            bin.rewarded += 1;
            bin.rewards += reward;
        }
    }

    /// Notes what the agents said in a second.
    pub fn note(&mut self, second: i64, glimpse: Glimpse) {
        for (_, bin) in self.bins.range_mut((second, Phase::Training)..=(second, Phase::Cooldown)) {
            bin.agents = Some(glimpse);
        }
    }

    /// Seconds of the run, their phases and what happened in them, in order. Training has seconds below 0.
    pub fn bins(&self) -> impl Iterator<Item = (i64, Phase, &Bin)> {
        self.bins.iter().map(|((second, phase), bin)| (*second, *phase, bin))
    }

    /// The in-time share over time: means over so many seconds, each at the middle of the last of them.
    /// None reaches over the end of the training, where agents become others.
    pub fn in_time(&self, window_s: i64) -> Vec<(f64, f64)> {
        let seconds: Vec<_> = self.bins.iter().map(|((second, _), bin)| (*second, bin)).collect();
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (index, (last, _)) in seconds.iter().enumerate() {
            let near = |second: i64| second > last - window_s && (second < 0) == (*last < 0);
            let window = seconds[..=index].iter().rev().take_while(|(second, _)| near(*second));
            let counts = window.map(|(_, bin)| (bin.offered, bin.in_time));
            let (offered, in_time) = counts.fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
            let point = (middle(*last), in_time as f64 / offered.max(1) as f64);
            // A warm-up that ends within a second leaves two bins there; the later one has seen both.
            if points.last().is_some_and(|before| before.0 == point.0) {
                points.pop();
            }
            points.push(point);
        }
        points
    }

    /// ε over time.
    pub fn epsilon(&self) -> Vec<(f64, f64)> {
        let point = |(second, _, bin): (i64, Phase, &Bin)| Some((middle(second), bin.agents?.epsilon));
        self.bins().filter_map(point).collect()
    }
}

fn middle(second: i64) -> f64 {
    second as f64 + 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;
    use crate::testing::record;

    fn add(curve: &mut Curve, at_s: f64, phase: Phase, in_time: bool) {
        let outcome = if in_time { Outcome::Served } else { Outcome::Dropped };
        let mut job = record(0, at_s, outcome, Some(at_s));
        job.phase = phase;
        curve.add(&Counted::from(&job), Some(f64::from(u8::from(in_time))));
    }

    #[test]
    fn jobs_count_in_the_second_and_phase_in_which_they_were_due() {
        let mut curve = Curve::new("a", 1);
        add(&mut curve, -0.5, Phase::Training, false);
        add(&mut curve, 0.25, Phase::Warmup, true);
        add(&mut curve, 0.75, Phase::Measured, true);
        add(&mut curve, 0.9, Phase::Measured, false);
        curve.note(-1, Glimpse { epsilon: 0.5, td_error: 0.25 });
        let bins: Vec<_> = curve.bins().map(|(second, phase, bin)| (second, phase, bin.offered)).collect();
        assert_eq!(bins, [(-1, Phase::Training, 1), (0, Phase::Warmup, 1), (0, Phase::Measured, 2)]);
        let (_, _, last) = curve.bins().last().unwrap();
        assert_eq!((last.in_time_share(), last.reward_mean(), last.agents), (Some(0.5), Some(0.5), None));
        assert_eq!(curve.epsilon(), [(-0.5, 0.5)]);
        assert_eq!(curve.in_time(1), [(-0.5, 0.0), (0.5, 2.0 / 3.0)]);
    }

    #[test]
    fn moving_means_do_not_reach_over_the_end_of_the_training() {
        let mut curve = Curve::new("a", 1);
        for (second, in_time) in [(-3, false), (-2, true), (-1, true), (0, true), (1, false)] {
            let phase = if second < 0 { Phase::Training } else { Phase::Measured };
            add(&mut curve, f64::from(second), phase, in_time);
        }
        assert_eq!(curve.in_time(2), [(-2.5, 0.0), (-1.5, 0.5), (-0.5, 1.0), (0.5, 1.0), (1.5, 0.5)]);
    }
}
