//! Times of served jobs, fine enough for percentiles: each bound is a fifth above the one before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Below this all are the same.
const LEAST_S: f64 = 1e-4;
/// Bounds from one doubling to the next.
const STEPS: f64 = 4.0;
/// Up to 2^24 times the least: half an hour.
const BOUNDS: usize = 96;

/// A histogram that many threads write.
#[derive(Debug)]
pub(crate) struct Latencies([AtomicU64; BOUNDS]);

/// What a histogram had counted at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted([u64; BOUNDS]);

impl Default for Latencies {
    fn default() -> Self {
        Latencies([const { AtomicU64::new(0) }; BOUNDS])
    }
}

impl Latencies {
    /// A job was served in this time.
    pub(crate) fn add(&self, total: Duration) {
        let steps = (total.as_secs_f64() / LEAST_S).log2() * STEPS;
        // What is not positive, or no number at all, is the least.
        let place = (steps.ceil().max(0.0) as usize).min(BOUNDS - 1);
        self.0[place].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counted(&self) -> Counted {
        Counted(std::array::from_fn(|place| self.0[place].load(Ordering::Relaxed)))
    }
}

impl Counted {
    /// Jobs since an earlier moment.
    pub(crate) fn since(&self, before: &Counted) -> Counted {
        Counted(std::array::from_fn(|place| self.0[place].saturating_sub(before.0[place])))
    }

    /// All that are counted.
    pub(crate) fn jobs(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The time within which this share of them was served, in seconds, within a tenth; `None` without any.
    pub(crate) fn quantile_s(&self, share: f64) -> Option<f64> {
        let jobs = self.jobs();
        let rank = ((share * jobs as f64).ceil() as u64).clamp(1, jobs.max(1));
        let mut below = 0;
        for (place, count) in self.0.iter().enumerate() {
            if below + count >= rank {
                // Within the step, evenly by its logarithm.
                let within = (rank - below) as f64 - 0.5;
                let steps = place as f64 - 1.0 + within / *count as f64;
                return Some(LEAST_S * (steps / STEPS).exp2());
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_jobs_within_a_tenth() {
        let latencies = Latencies::default();
        assert_eq!(latencies.counted().quantile_s(0.5), None);
        for ms in 1..=1_000 {
            latencies.add(Duration::from_millis(ms));
        }
        let counted = latencies.counted();
        assert_eq!(counted.jobs(), 1_000);
        for (share, expected_s) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (0.01, 0.01)] {
            let quantile_s = counted.quantile_s(share).expect("there are jobs");
            assert!((quantile_s / expected_s - 1.0).abs() < 0.1, "{share}: {quantile_s}");
        }
    }

    #[test]
    fn only_what_came_since_counts_and_the_extremes_have_their_place() {
        let latencies = Latencies::default();
        latencies.add(Duration::from_secs(3));
        let before = latencies.counted();
        latencies.add(Duration::ZERO);
        latencies.add(Duration::MAX);
        let since = latencies.counted().since(&before);
        assert_eq!(since.jobs(), 2);
        assert!(since.quantile_s(0.1).is_some_and(|least_s| least_s <= LEAST_S));
        assert!(since.quantile_s(1.0).is_some_and(|most_s| most_s > 1_000.0));
    }
}
