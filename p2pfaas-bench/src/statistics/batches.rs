//! Ratios of sums, of which every batch of a run has its part.

use super::{Interval, mean, student};

/// The interval for the ratio of two sums, of which every batch of a run has its part: batch means that
/// may have different weights. Batches without a weight say nothing; two are needed.
pub fn batch_ratio(batches: impl IntoIterator<Item = (f64, f64)>) -> Option<Interval> {
    let batches: Vec<_> = batches.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
    student(&pseudo_values(&batches)?)
}

/// For each batch a value, as if it were the batch's own ratio: their mean is the ratio of the sums, and
/// their scatter is that of the ratio to first order. Of batches of equal weight they are the ratios.
pub(super) fn pseudo_values(batches: &[(f64, f64)]) -> Option<Vec<f64>> {
    let weights: Vec<_> = batches.iter().map(|(_, weight)| *weight).collect();
    let weight = mean(&weights).filter(|weight| *weight > 0.0)?;
    let ratio = batches.iter().map(|(part, _)| part).sum::<f64>() / weights.iter().sum::<f64>();
    Some(batches.iter().map(|(part, own)| ratio + (part - ratio * own) / weight).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::close;

    #[test]
    fn batches_of_equal_weight_give_the_interval_of_their_means() {
        let means = [0.25, 0.75, 0.5, 1.0, 0.125];
        close(batch_ratio(means.map(|mean| (8.0 * mean, 8.0))).unwrap(), student(&means).unwrap(), 1e-12);
    }

    #[test]
    fn batches_of_different_weight_give_the_ratio_worked_out_by_hand() {
        // 12 of 40; residuals 2 - 3 and 10 - 9; half = 12.706 * sqrt(2 / 1 * 2) / 40.
        close(batch_ratio([(2.0, 10.0), (10.0, 30.0), (0.0, 0.0)]).unwrap(), [-0.3353, 0.9353], 1e-4);
        assert_eq!(batch_ratio([(1.0, 2.0), (0.0, 0.0)]), None);
    }
}
