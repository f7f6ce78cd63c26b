//! Every two policies under the same jobs.

use serde::Serialize;

use super::PolicyRuns;
use super::runs::SeedRun;
use crate::statistics::{Interval, Paired, holm};
use crate::tally::Counts;

/// p values below it are called significant, after Holm's adjustment.
const LEVEL: f64 = 0.05;

/// Two policies. Differences are of the first less the second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Label of the first.
    pub a: String,
    /// Label of the second.
    pub b: String,
    /// What makes a pair; `None` when there is none.
    pub paired_by: Option<PairedBy>,
    /// The seeds under which both have met the same jobs until the end.
    pub seeds: Vec<u64>,
    /// The others, which count for nothing here.
    pub seeds_left_out: Vec<u64>,
    /// Of the fraction in time.
    pub in_time: Option<Difference>,
    /// Of the fraction dropped.
    pub dropped: Option<Difference>,
    /// Of the mean latency, in seconds.
    pub latency_mean_s: Option<Difference>,
}

/// What makes a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PairedBy {
    /// Both policies under one seed.
    Seeds,
    /// Both in the same stretch of time of the only run.
    Batches,
}

/// A difference between two policies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The first less the second, on average over the pairs.
    pub difference: f64,
    /// Its 95 % confidence interval.
    pub ci95: Interval,
    /// Its size: Cohen's d_z, the mean of the differences by their deviation; `None` when all are the same.
    pub d_z: Option<f64>,
    /// Of the paired t-test.
    pub p: f64,
    /// The same after Holm's adjustment for all pairs of policies.
    pub p_holm: f64,
    /// Pairs of values.
    pub pairs: usize,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The first is better.
    #[serde(rename = "a is better")]
    FirstBetter,
    /// The second is better.
    #[serde(rename = "b is better")]
    SecondBetter,
    /// Alone it would be significant, among so many comparisons it is not.
    #[serde(rename = "not significant after Holm")]
    NotAmongSoMany,
    /// The interval contains 0.
    #[serde(rename = "not significant")]
    NotSignificant,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Fraction in time.
    InTime,
    /// Fraction dropped.
    Dropped,
    /// Mean latency.
    LatencyMean,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 3] = [Measure::InTime, Measure::Dropped, Measure::LatencyMean];

    /// Its key in results.
    pub fn name(self) -> &'static str {
        match self {
            Measure::InTime => "in_time",
            Measure::Dropped => "dropped",
            Measure::LatencyMean => "latency_mean_s",
        }
    }

    /// A sum over jobs, and over how many.
    fn parts(self, counts: &Counts) -> (f64, f64) {
        match self {
            Measure::InTime => (counts.in_time as f64, counts.offered as f64),
            Measure::Dropped => (counts.dropped as f64, counts.offered as f64),
            Measure::LatencyMean => (counts.latency_s, counts.served as f64),
        }
    }

    fn value(self, counts: &Counts) -> Option<f64> {
        let (sum, jobs) = self.parts(counts);
        (jobs > 0.0).then(|| sum / jobs)
    }

    fn verdict(self, paired: &Paired, p_holm: f64) -> Verdict {
        let more = paired.difference > 0.0;
        if paired.p >= LEVEL {
            Verdict::NotSignificant
        } else if p_holm >= LEVEL {
            Verdict::NotAmongSoMany
        } else if more == (self == Measure::InTime) {
            Verdict::FirstBetter
        } else {
            Verdict::SecondBetter
        }
    }
}

impl Verdict {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::FirstBetter => "a is better",
            Verdict::SecondBetter => "b is better",
            Verdict::NotAmongSoMany => "not significant after Holm",
            Verdict::NotSignificant => "not significant",
        }
    }
}

impl PairedBy {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            PairedBy::Seeds => "seeds",
            PairedBy::Batches => "batches",
        }
    }
}

impl Comparison {
    /// Every two of these policies, each under these seeds.
    pub(crate) fn all(policies: &[(&str, &PolicyRuns)], seeds: &[u64]) -> Vec<Comparison> {
        let mut all: Vec<_> = (0..policies.len())
            .flat_map(|a| (a + 1..policies.len()).map(move |b| (a, b)))
            .map(|(a, b)| Candidate::new(policies[a], policies[b], seeds))
            .collect();
        for measure in Measure::ALL {
            let found: Vec<_> = all
                .iter()
                .enumerate()
                .filter_map(|(index, pair)| Some((index, pair.paired(measure)?)))
                .collect();
            let p_values: Vec<_> = found.iter().map(|(_, paired)| paired.p).collect();
            for ((index, paired), p_holm) in found.into_iter().zip(holm(&p_values)) {
                *all[index].comparison.place(measure) = Some(Difference {
                    difference: paired.difference,
                    ci95: paired.ci95,
                    d_z: paired.d_z,
                    p: paired.p,
                    p_holm,
                    pairs: paired.pairs,
                    verdict: measure.verdict(&paired, p_holm),
                });
            }
        }
        all.into_iter().map(|pair| pair.comparison).collect()
    }

    /// The difference in a measure; `None` where nothing could be paired.
    pub fn of(&self, measure: Measure) -> Option<&Difference> {
        match measure {
            Measure::InTime => self.in_time.as_ref(),
            Measure::Dropped => self.dropped.as_ref(),
            Measure::LatencyMean => self.latency_mean_s.as_ref(),
        }
    }

    fn place(&mut self, measure: Measure) -> &mut Option<Difference> {
        match measure {
            Measure::InTime => &mut self.in_time,
            Measure::Dropped => &mut self.dropped,
            Measure::LatencyMean => &mut self.latency_mean_s,
        }
    }
}

/// Two policies with their runs.
struct Candidate<'a> {
    runs: Vec<[&'a SeedRun; 2]>,
    comparison: Comparison,
}

impl<'a> Candidate<'a> {
    fn new(a: (&str, &'a PolicyRuns), b: (&str, &'a PolicyRuns), seeds: &[u64]) -> Candidate<'a> {
        let (mut runs, mut left_out) = (Vec::new(), Vec::new());
        for seed in seeds {
            let complete =
                |runs: &'a PolicyRuns| runs.seeds().iter().find(|run| run.seed == *seed && !run.interrupted);
            match (complete(a.1), complete(b.1)) {
                (Some(a), Some(b)) if met_the_same(a, b) => runs.push([a, b]),
                _ => left_out.push(*seed),
            }
        }
        let paired_by = match runs.len() {
            0 => None,
            1 => Some(PairedBy::Batches),
            _ => Some(PairedBy::Seeds),
        };
        let comparison = Comparison {
            a: a.0.into(),
            b: b.0.into(),
            paired_by,
            seeds: runs.iter().map(|[run, _]| run.seed).collect(),
            seeds_left_out: left_out,
            in_time: None,
            dropped: None,
            latency_mean_s: None,
        };
        Candidate { runs, comparison }
    }

    fn paired(&self, measure: Measure) -> Option<Paired> {
        if let [[a, b]] = self.runs[..] {
            let parts = |(a, b): (&Counts, &Counts)| [measure.parts(a), measure.parts(b)];
            return Paired::of_ratios(a.batches.iter().zip(&b.batches).map(parts));
        }
        let values = |[a, b]: &[&SeedRun; 2]| measure.value(&a.counts).zip(measure.value(&b.counts));
        Paired::of(self.runs.iter().filter_map(values))
    }
}

/// As many jobs in every stretch of the run.
fn met_the_same(a: &SeedRun, b: &SeedRun) -> bool {
    a.batches.iter().zip(&b.batches).all(|(a, b)| a.offered == b.offered)
}

#[cfg(test)]
mod tests;
