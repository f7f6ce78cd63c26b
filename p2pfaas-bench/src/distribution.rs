//! How times are spread: a histogram of bounded size, exact to three digits.

use hdrhistogram::Histogram;

/// Significant digits of a quantile.
const DIGITS: u8 = 3;
/// The least and the longest time that are told from others, in microseconds: an hour.
const LEAST: u64 = 1;
const LONGEST: u64 = 3_600_000_000;

/// Times in seconds, from 1 µs to 1 h; what is shorter or longer counts as such. Up to 2 ms every
/// microsecond is told apart, above that three digits are. Takes at most 190 kB.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// Not there as long as there is nothing in it.
    histogram: Option<Histogram<u64>>,
    max_s: Option<f64>,
}

impl Distribution {
    /// Adds a time.
    pub fn add(&mut self, time_s: f64) {
        self.max_s = Some(self.max_s.map_or(time_s, |max_s| max_s.max(time_s)));
        // Negative times become 0 here, and those beyond the range its ends.
        let microseconds = ((time_s * 1e6).round() as u64).clamp(LEAST, LONGEST);
        if let Some(histogram) = self.histogram() {
            // It grows as far as needed, and that is bounded by the line above.
            let _ = histogram.record(microseconds);
        }
    }

    /// Adds all that is in another. The order in which this is done makes no difference.
    pub fn merge(&mut self, other: &Distribution) {
        self.max_s = self.max_s.into_iter().chain(other.max_s).reduce(f64::max);
        if let (Some(theirs), Some(ours)) = (&other.histogram, self.histogram()) {
            let _ = ours.add(theirs);
        }
    }

    /// Made when it is needed; `None` only for a number of digits that there cannot be.
    fn histogram(&mut self) -> Option<&mut Histogram<u64>> {
        if self.histogram.is_none() {
            self.histogram = Histogram::new(DIGITS).ok();
        }
        self.histogram.as_mut()
    }

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The time within which this fraction of them lies; `None` of nothing.
    pub fn quantile(&self, fraction: f64) -> Option<f64> {
        let histogram = self.histogram.as_ref()?;
        let bucket = histogram.value_at_quantile(fraction);
        let middle_s = 1e-6 * histogram.median_equivalent(bucket) as f64;
        Some(self.max_s.map_or(middle_s, |max_s| middle_s.min(max_s)))
    }

    /// The time at this rank, from 1, of all in order; `None` of nothing.
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        // In the middle of what belongs to the rank, so that no rounding makes it another's.
        self.quantile((rank as f64 - 0.5) / self.count().max(1) as f64)
    }

    /// How many times are at most as long, as far as they are told apart.
    pub fn count_to(&self, time_s: f64) -> u64 {
        let histogram = self.histogram.as_ref();
        histogram.map_or(0, |histogram| histogram.count_between(0, (time_s * 1e6).round() as u64))
    }

    /// The longest of them, exactly.
    pub fn max_s(&self) -> Option<f64> {
        self.max_s
    }

    /// Bytes that the histogram takes.
    pub fn memory(&self) -> usize {
        self.histogram.as_ref().map_or(0, |histogram| histogram.distinct_values() * size_of::<u64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value at this rank of the sorted times.
    fn exact(sorted: &[f64], fraction: f64) -> f64 {
        let rank = (fraction * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_times_to_three_digits() {
        // Spread over six orders of magnitude.
        let mut times: Vec<f64> = (0..20_000).map(|index| 1e-5 * 1.0007_f64.powi(index)).collect();
        let mut distribution = Distribution::default();
        times.iter().for_each(|time_s| distribution.add(*time_s));
        times.sort_unstable_by(f64::total_cmp);
        for fraction in [0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let (found, exact) = (distribution.quantile(fraction).unwrap(), exact(&times, fraction));
            let error = (found - exact).abs();
            assert!(error <= 1e-3 * exact || error <= 1e-6, "{fraction}: {found} instead of {exact}");
        }
        assert_eq!(distribution.max_s(), times.last().copied());
        assert_eq!(distribution.count(), 20_000);
    }

    #[test]
    fn below_two_milliseconds_every_microsecond_is_told_apart() {
        let mut distribution = Distribution::default();
        (1..=2_000).for_each(|time| distribution.add(1e-6 * f64::from(time)));
        for time in [1_u32, 2, 77, 1_000, 1_999, 2_000] {
            let found = distribution.quantile(f64::from(time) / 2_000.0).unwrap();
            assert!((found - 1e-6 * f64::from(time)).abs() < 1e-12, "{found} instead of {time} us");
        }
    }

    #[test]
    fn every_rank_has_its_own_time() {
        let mut distribution = Distribution::default();
        (1..=1_999).for_each(|time| distribution.add(1e-6 * f64::from(time)));
        for rank in 1..=1_999 {
            let found = distribution.at_rank(rank).unwrap();
            assert!((found - 1e-6 * rank as f64).abs() < 1e-12, "{found} at rank {rank}");
            assert_eq!(distribution.count_to(found), rank);
        }
        assert_eq!((Distribution::default().at_rank(1), Distribution::default().count_to(1.0)), (None, 0));
    }

    #[test]
    fn merging_is_the_same_in_any_order_and_as_if_all_had_been_added_to_one() {
        let part = |times: &[f64]| {
            let mut part = Distribution::default();
            times.iter().for_each(|time_s| part.add(*time_s));
            part
        };
        let (left, right) = (part(&[0.1, 5.0]), part(&[1e-6, 0.3, 2_000.0]));
        let (mut one, mut other) = (left.clone(), right.clone());
        one.merge(&right);
        other.merge(&left);
        other.merge(&Distribution::default());
        assert_eq!(one, other);
        assert_eq!(one, part(&[0.1, 5.0, 1e-6, 0.3, 2_000.0]));
    }

    #[test]
    fn times_beyond_its_ends_count_as_its_ends() {
        let mut distribution = Distribution::default();
        for time_s in [-1.0, 0.0, f64::NAN, 1e9] {
            distribution.add(time_s);
        }
        assert_eq!(distribution.count(), 4);
        assert!((distribution.quantile(0.5).unwrap() - 1e-6).abs() < 1e-12);
        assert!((distribution.quantile(1.0).unwrap() / 3_600.0 - 1.0).abs() < 1e-3);
        assert!(distribution.memory() < 190_000, "{}", distribution.memory());
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Distribution::default().quantile(0.5), None);
        assert_eq!(Distribution::default().max_s(), None);
    }
}
