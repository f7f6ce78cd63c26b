//! Quantiles within one run.

use std::ops::RangeInclusive;

use super::{Z, batch_ratio};

/// The ranks, from 1, of the two values of a run between which its quantile lies, from how many values of each
/// batch are at most the quantile found, and how many there are. The share of these scatters from batch to
/// batch; its interval is that of batch means, turned into ranks (Heidelberger and Lewis 1984 do the same with
/// the spectrum), and at least that of the order statistics of independent values (Conover, Practical
/// Nonparametric Statistics, 3.2). No batch has to have enough values for a quantile of its own.
///
/// `None` where so few values do not tell.
pub fn quantile_ranks(fraction: f64, batches: &[(u64, u64)]) -> Option<RangeInclusive<u64>> {
    let n = batches.iter().map(|(_, all)| all).sum::<u64>() as f64;
    let least = Z * (n * fraction * (1.0 - fraction)).sqrt();
    let shares = batches.iter().map(|(below, all)| (*below as f64, *all as f64));
    let reach = batch_ratio(shares).map_or(least, |[low, high]| least.max(n * (high - low) / 2.0));
    let (low, high) = ((n * fraction - reach).ceil(), (n * fraction + reach).ceil());
    (low >= 1.0 && high <= n).then_some(low as u64..=high as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_agree_leave_the_order_statistics_worked_out_by_hand() {
        // 50 -+ 1.96 * 5, and 950 -+ 1.96 * sqrt(47.5).
        assert_eq!(quantile_ranks(0.5, &[(10, 20); 5]), Some(41..=60));
        assert_eq!(quantile_ranks(0.95, &[(95, 100); 10]), Some(937..=964));
    }

    #[test]
    fn batches_that_do_not_agree_widen_it_as_worked_out_by_hand() {
        // Shares 0.4, 0.6, 0.4, 0.6: deviation 0.11547, 3.18245 * 0.11547 / 2 = 0.183739 of 400.
        let batches = [(40, 100), (60, 100), (40, 100), (60, 100), (0, 0)];
        assert_eq!(quantile_ranks(0.5, &batches), Some(127..=274));
    }

    #[test]
    fn so_few_values_that_the_quantile_may_be_beyond_all_of_them_do_not_tell() {
        assert_eq!(quantile_ranks(0.99, &[(99, 100)]), None);
        assert_eq!(quantile_ranks(0.5, &[(2, 3)]), None);
        assert_eq!(quantile_ranks(0.5, &[]), None);
    }
}
