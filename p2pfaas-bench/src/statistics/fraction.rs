//! Fractions within one run.

use super::{Interval, Z, batch_ratio, within};

/// Trials in a batch, on average, from which on its fraction says something of its own.
const BATCH: f64 = 30.0;

/// Wilson's interval for `hits` of `trials`.
pub fn wilson(hits: u64, trials: u64) -> Option<Interval> {
    if trials == 0 {
        return None;
    }
    let (n, p) = (trials as f64, hits as f64 / trials as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some([(centre - half).max(0.0), (centre + half).min(1.0)])
}

/// The interval for a fraction within one run, from the hits and trials of its batches: that of the
/// batches, and at least Wilson's.
pub fn batch_fraction(batches: &[(u64, u64)]) -> Option<Interval> {
    let (hits, trials) = batches.iter().fold((0, 0), |all, batch| (all.0 + batch.0, all.1 + batch.1));
    let least = wilson(hits, trials)?;
    if (trials as f64) < BATCH * batches.len() as f64 {
        return Some(least);
    }
    let parts = batches.iter().map(|(hits, trials)| (*hits as f64, *trials as f64));
    let [low, high] = batch_ratio(parts).map_or(least, |interval| within(interval, 0.0..=1.0));
    Some([low.min(least[0]), high.max(least[1])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::close;

    #[test]
    fn wilson_gives_the_published_values() {
        // Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        close(wilson(81, 263).unwrap(), [0.2553, 0.3662], 5e-5);
        close(wilson(15, 148).unwrap(), [0.0624, 0.1605], 5e-5);
        close(wilson(0, 20).unwrap(), [0.0, 0.1611], 5e-5);
        close(wilson(1, 29).unwrap(), [0.0061, 0.1718], 5e-5);
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn batches_see_the_correlation_that_single_jobs_hide() {
        // Ten batches of nothing but hits, ten of none: 20 values, and not 2000.
        let batches: Vec<_> = (0..20).map(|batch| (100 * (batch % 2), 100)).collect();
        let [low, high] = batch_fraction(&batches).unwrap();
        let naive = wilson(1_000, 2_000).unwrap();
        assert!(high - low > 9.0 * (naive[1] - naive[0]), "{low} to {high}");
    }

    #[test]
    fn a_fraction_has_at_least_wilsons_interval() {
        // Equal batches, or none with a hit, would claim to know for certain.
        close(batch_fraction(&[(50, 100); 20]).unwrap(), wilson(1_000, 2_000).unwrap(), 1e-12);
        close(batch_fraction(&[(0, 100); 20]).unwrap(), wilson(0, 2_000).unwrap(), 1e-12);
        // So few jobs are not a batch.
        assert_eq!(batch_fraction(&[(0, 1), (1, 1)]), wilson(1, 2));
        assert_eq!(batch_fraction(&[]), None);
    }
}
