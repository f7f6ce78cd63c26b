//! Values over time: means over seeds, at as many instants as the jobs allow.

use crate::series::{Bucket, SeedSeries, Timeline};
use crate::statistics::mean;

/// Jobs of a seed behind a point, where there are enough: fewer say more about chance than about the policy.
const JOBS: f64 = 400.0;
/// Points that there are at least.
const POINTS: usize = 12;

/// A value at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub at_s: f64,
    pub mean: f64,
    /// The least and the largest value of a seed.
    pub range: [f64; 2],
}

/// How many buckets are to be put together for a point.
pub(super) fn buckets_each<'a>(timelines: impl Iterator<Item = &'a Timeline>) -> usize {
    let each = timelines.map(|timeline| {
        let jobs: u64 = timeline.buckets.iter().map(|bucket| bucket.offered).sum();
        let buckets = timeline.buckets.iter().filter(|bucket| bucket.offered > 0).count();
        let needed = (JOBS * buckets as f64 / jobs.max(1) as f64).ceil() as usize;
        needed.clamp(1, (timeline.axis.buckets / POINTS).max(1))
    });
    each.max().unwrap_or(1)
}

/// Means over seeds of a value.
pub(super) fn points<'a>(
    seeds: impl Iterator<Item = &'a SeedSeries>,
    part: fn(&SeedSeries) -> Option<&Timeline>,
    each: usize,
    ends_s: f64,
    value: impl Fn(&Bucket) -> Option<f64>,
) -> Vec<Point> {
    let timelines: Vec<_> = seeds.filter_map(part).collect();
    let Some(axis) = timelines.first().map(|timeline| timeline.axis) else { return Vec::new() };
    // What is left over at the end goes to the last point.
    let count = (axis.buckets / each).max(1);
    let point = |index: usize| {
        let first = index * each;
        let last = if index + 1 == count { axis.buckets } else { first + each };
        let values = timelines.iter().filter_map(|timeline| value(&sum(&timeline.buckets[first..last])));
        let values: Vec<_> = values.collect();
        let at_s = (axis.begin_s(first) + axis.begin_s(last).min(ends_s)) / 2.0;
        let range = [values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?];
        Some(Point { at_s, mean: mean(&values)?, range })
    };
    (0..count).filter_map(point).collect()
}

/// Buckets as one.
pub(super) fn sum(buckets: &[Bucket]) -> Bucket {
    buckets.iter().fold(Bucket::default(), |mut sum, bucket| {
        sum.add(bucket);
        sum
    })
}

pub(super) fn training(seed: &SeedSeries) -> Option<&Timeline> {
    seed.training.as_ref()
}

pub(super) fn run(seed: &SeedSeries) -> Option<&Timeline> {
    Some(&seed.run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Axis;

    fn seed(in_time: [u64; 4]) -> SeedSeries {
        let bucket = |in_time| Bucket { offered: 100, in_time, ..Bucket::default() };
        let axis = Axis { begins_s: 0.0, width_s: 10.0, buckets: 5 };
        let mut buckets: Vec<_> = in_time.into_iter().map(bucket).collect();
        buckets.push(Bucket::default());
        SeedSeries { training: None, run: Timeline { axis, buckets } }
    }

    fn share(bucket: &Bucket) -> Option<f64> {
        (bucket.offered > 0).then(|| bucket.in_time as f64 / bucket.offered as f64)
    }

    #[test]
    fn points_are_means_over_seeds_and_the_rest_belongs_to_the_last() {
        let seeds = [seed([50, 100, 20, 40]), seed([100, 50, 40, 60])];
        let points: [Point; 2] = points(seeds.iter(), run, 2, 45.0, share).try_into().unwrap();
        let told = points.map(|point| (point.at_s, point.mean));
        assert_eq!(told, [(10.0, 0.75), (32.5, 0.4)]);
        assert_eq!(points.map(|point| point.range), [[0.75, 0.75], [0.3, 0.5]]);
    }

    #[test]
    fn instants_without_jobs_have_no_point() {
        let seeds = [seed([50, 100, 20, 40])];
        let points = points(seeds.iter(), run, 1, 45.0, share);
        assert_eq!(points.len(), 4);
        assert_eq!(points[1], Point { at_s: 15.0, mean: 1.0, range: [1.0, 1.0] });
        assert_eq!(super::points(seeds.iter(), training, 1, 0.0, share), []);
    }

    #[test]
    fn few_jobs_make_few_points() {
        let timeline = |offered, buckets| Timeline {
            axis: Axis { begins_s: 0.0, width_s: 1.0, buckets },
            buckets: vec![Bucket { offered, ..Bucket::default() }; buckets],
        };
        let each = |offered, buckets| buckets_each([timeline(offered, buckets)].iter());
        assert_eq!((each(1_000, 120), each(200, 120), each(100, 120)), (1, 2, 4));
        assert_eq!((each(1, 120), each(0, 120), each(1, 5)), (10, 1, 1));
    }
}
