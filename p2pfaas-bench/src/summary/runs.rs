//! The runs of one policy, and how much they scatter.

use serde::{Deserialize, Serialize};

use super::{CostSummary, LearningSummary, Method};
use crate::distribution::Distribution;
use crate::experiment::Experiment;
use crate::load::{GeneratorSummary, Usage};
use crate::statistics::{Interval, batch_fraction, batch_ratio, quantile_ranks, student, within};
use crate::tally::{BATCHES, Counts, Tally};

/// The quantiles of the latency that are told.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// What was measured in one run: one policy under one seed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunMeasured {
    /// The seed.
    pub seed: u64,
    /// The counts.
    pub tally: Tally,
    /// Seconds that were counted.
    pub measured_s: f64,
    /// Whether it was ended before it was over.
    pub interrupted: bool,
    /// Decisions that a fallback policy took.
    pub fallbacks: u64,
    /// What it cost, where that is measured.
    pub cost: Option<CostSummary>,
    /// What it took of the load generator, where there is one.
    pub generator: Option<Usage>,
    /// What its agents learned, where they were to.
    pub learning: Option<LearningSummary>,
}

/// The runs of one policy, put together as they end, in whatever order: of each only its counts are
/// kept, and one distribution of all.
#[derive(Debug, Clone, Default)]
pub struct PolicyRuns {
    /// In the order of their places.
    runs: Vec<SeedRun>,
    latencies: Distribution,
    lags: Distribution,
}

#[derive(Debug, Clone)]
pub(super) struct SeedRun {
    place: usize,
    pub seed: u64,
    pub counts: Counts,
    pub batches: [Counts; BATCHES],
    quantiles: [Option<Quantile>; QUANTILES.len()],
    /// The mean number of jobs in each stretch of the run, and the seconds of a stretch.
    pub in_system: Vec<f64>,
    pub stretch_s: f64,
    first_failure: Option<String>,
    pub measured_s: f64,
    pub interrupted: bool,
    pub fallbacks: u64,
    pub cost: Option<CostSummary>,
    generator: Option<Usage>,
    pub learning: Option<LearningSummary>,
}

/// A quantile of the latency in one run.
#[derive(Debug, Clone, Copy)]
struct Quantile {
    value_s: f64,
    /// Of each batch, the served jobs that took at most that long, and all served jobs.
    batches: [(u64, u64); BATCHES],
}

impl Quantile {
    fn of(fraction: f64, all: &Distribution, batches: &[Distribution; BATCHES]) -> Option<Quantile> {
        let value_s = all.quantile(fraction)?;
        let batches = batches.each_ref().map(|batch| (batch.count_to(value_s), batch.count()));
        Some(Quantile { value_s, batches })
    }
}

impl PolicyRuns {
    /// Adds the run under the seed with this place in the list of seeds. One of which nothing was counted
    /// is left out.
    pub fn add(&mut self, place: usize, run: RunMeasured) {
        let RunMeasured { seed, tally, measured_s, interrupted, fallbacks, cost, generator, learning } = run;
        if tally.counts.offered == 0 {
            return;
        }
        let latencies = tally.latencies();
        self.latencies.merge(&latencies);
        self.lags.merge(&tally.lags);
        let Tally { counts, batches, batch_latencies, in_system, first_failure, .. } = tally;
        let run = SeedRun {
            place,
            seed,
            counts,
            batches,
            quantiles: QUANTILES.map(|fraction| Quantile::of(fraction, &latencies, &batch_latencies)),
            in_system: in_system.means(),
            stretch_s: in_system.stretch_s(),
            first_failure,
            measured_s,
            interrupted,
            fallbacks,
            cost,
            generator,
            learning,
        };
        let index = self.runs.partition_point(|other| other.place < place);
        self.runs.insert(index, run);
    }

    /// Why the first of all failed jobs failed, where that is known.
    pub fn first_failure(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| run.first_failure.as_deref())
    }

    /// How the load generator kept up, where there is one.
    pub(super) fn generator(&self, experiment: &Experiment) -> Option<GeneratorSummary> {
        let sessions: Vec<_> = self.runs.iter().filter_map(|run| run.generator).collect();
        GeneratorSummary::of(experiment, &sessions, self.lags.quantile(0.99))
    }

    /// Each seed alone, in the order of the seeds.
    pub(super) fn seeds(&self) -> &[SeedRun] {
        &self.runs
    }

    /// Latencies of served jobs, over all seeds.
    pub fn latencies(&self) -> &Distribution {
        &self.latencies
    }

    pub(super) fn lags(&self) -> &Distribution {
        &self.lags
    }

    pub(super) fn sum(&self, count: fn(&Counts) -> u64) -> u64 {
        self.runs.iter().map(|run| count(&run.counts)).sum()
    }

    /// One run is cut into batches, several are replications.
    pub(super) fn method(&self) -> Method {
        if self.runs.len() == 1 { Method::BatchMeans } else { Method::Replications }
    }

    /// Of a fraction of the offered jobs.
    pub(super) fn fraction_interval(&self, count: fn(&Counts) -> u64) -> Option<Interval> {
        match &self.runs[..] {
            [run] => batch_fraction(&run.batches.map(|batch| (count(&batch), batch.offered))),
            runs => {
                let fractions = runs.iter().map(|run| run.counts.fraction(count(&run.counts)));
                student(&fractions.collect::<Vec<_>>()).map(|interval| within(interval, 0.0..=1.0))
            }
        }
    }

    /// Of what there is on average of each of so many jobs: never less than 0.
    pub(super) fn ratio_interval(&self, ratio: fn(&Counts) -> (f64, u64)) -> Option<Interval> {
        let parts = |counts: &Counts| {
            let (sum, jobs) = ratio(counts);
            (sum, jobs as f64)
        };
        let interval = match &self.runs[..] {
            [run] => batch_ratio(run.batches.iter().map(parts)),
            runs => {
                let ratios = runs.iter().map(|run| parts(&run.counts)).filter(|(_, jobs)| *jobs > 0.0);
                student(&ratios.map(|(sum, jobs)| sum / jobs).collect::<Vec<_>>())
            }
        };
        interval.map(|interval| within(interval, 0.0..=f64::MAX))
    }

    /// Of each of the [`QUANTILES`].
    pub(super) fn quantile_intervals(&self) -> [Option<Interval>; QUANTILES.len()] {
        std::array::from_fn(|index| match &self.runs[..] {
            [run] => {
                let ranks = quantile_ranks(QUANTILES[index], &run.quantiles[index]?.batches)?;
                Some([self.latencies.at_rank(*ranks.start())?, self.latencies.at_rank(*ranks.end())?])
            }
            runs => {
                let values = runs.iter().filter_map(|run| Some(run.quantiles[index]?.value_s));
                let interval = student(&values.collect::<Vec<_>>());
                interval.map(|interval| within(interval, 0.0..=f64::MAX))
            }
        })
    }
}
