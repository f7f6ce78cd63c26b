//! Time, cut into buckets.

use serde::{Deserialize, Serialize};

/// Buckets of a run, and of a training, at most.
pub const BUCKETS: usize = 120;

/// A stretch of time in buckets of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Where it begins, in seconds since the start of the run.
    pub begins_s: f64,
    /// Seconds of a bucket: 1, 2 or 5 times a power of ten.
    pub width_s: f64,
    /// How many there are; the last one may reach over the end.
    pub buckets: usize,
}

impl Axis {
    /// From one second to a later one.
    pub fn new(begins_s: f64, ends_s: f64) -> Axis {
        let length_s = (ends_s - begins_s).max(0.0);
        let width_s = round_up(length_s / BUCKETS as f64);
        let buckets = ((length_s / width_s).ceil() as usize).clamp(1, BUCKETS);
        Axis { begins_s, width_s, buckets }
    }

    /// The bucket of an instant; what is too early or too late goes to the first or the last.
    pub fn bucket(&self, second: f64) -> usize {
        (((second - self.begins_s) / self.width_s) as usize).min(self.buckets - 1)
    }

    /// Where a bucket begins.
    pub fn begin_s(&self, bucket: usize) -> f64 {
        self.begins_s + bucket as f64 * self.width_s
    }

    /// Where it ends.
    pub fn ends_s(&self) -> f64 {
        self.begin_s(self.buckets)
    }

    /// The parts of a stretch of time that lie in each bucket, in seconds.
    pub fn parts(&self, from_s: f64, to_s: f64) -> impl Iterator<Item = (usize, f64)> + use<> {
        let axis = *self;
        let (from_s, to_s) = (from_s.max(axis.begins_s), to_s.min(axis.ends_s()));
        let buckets = if from_s < to_s { axis.bucket(from_s)..axis.bucket(to_s) + 1 } else { 0..0 };
        buckets.filter_map(move |bucket| {
            let end_s = axis.begin_s(bucket + 1).min(to_s);
            let part_s = end_s - axis.begin_s(bucket).max(from_s);
            (part_s > 0.0).then_some((bucket, part_s))
        })
    }
}

/// The least of 1, 2 and 5 times the powers of ten that is not less.
fn round_up(width_s: f64) -> f64 {
    if width_s.is_nan() || width_s <= 0.0 {
        return 1.0;
    }
    // A ratio that is a whole number must not miss it by a rounding error.
    let least = width_s * (1.0 - 1e-9);
    let power = 10_f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0].into_iter().map(|step| step * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_round_lengths_and_are_never_too_many() {
        for (length_s, width_s, buckets) in
            [(120.0, 1.0, 120), (121.0, 2.0, 61), (17.0, 0.2, 85), (3_600.0, 50.0, 72), (0.0, 1.0, 1)]
        {
            let axis = Axis::new(0.0, length_s);
            assert!((axis.width_s - width_s).abs() < 1e-12, "{axis:?}");
            assert_eq!(axis.buckets, buckets, "{axis:?}");
        }
    }

    #[test]
    fn instants_outside_go_to_the_ends() {
        let axis = Axis::new(-60.0, 60.0);
        assert_eq!([-99.0, -60.0, -59.1, 0.0, 59.9, 99.0].map(|s| axis.bucket(s)), [0, 0, 0, 60, 119, 119]);
    }

    #[test]
    fn a_stretch_of_time_is_parted_among_the_buckets_that_it_touches() {
        let axis = Axis::new(0.0, 120.0);
        let parts = |from_s, to_s| axis.parts(from_s, to_s).collect::<Vec<_>>();
        assert_eq!(parts(0.5, 2.25), [(0, 0.5), (1, 1.0), (2, 0.25)]);
        assert_eq!(parts(3.0, 4.0), [(3, 1.0)]);
        assert_eq!(parts(-5.0, 0.5), [(0, 0.5)]);
        assert_eq!(parts(119.5, 500.0), [(119, 0.5)]);
        assert_eq!(parts(-5.0, -1.0), []);
        assert_eq!(parts(130.0, 140.0), []);
    }
}
