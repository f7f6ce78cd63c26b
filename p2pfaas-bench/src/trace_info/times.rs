//! Durations: quantiles of them, and how many are in which range.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::info::{Bar, Durations};

/// Longer ones count as this, microseconds: four months.
const LONGEST: u64 = 10_000_000_000_000;
/// Ranges of a histogram at most, else ten times as wide.
const MOST_RANGES: usize = 18;
const QUANTILES: [f64; 6] = [0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Durations in seconds, to three digits and a microsecond. Takes less than a megabyte.
#[derive(Debug, Default)]
pub(super) struct Times {
    histogram: Option<Histogram<u64>>,
    sum_s: f64,
    max_s: f64,
    /// By range: three a power of ten.
    ranges: BTreeMap<i32, u64>,
}

impl Times {
    pub fn add(&mut self, time_s: f64) {
        let microseconds = ((time_s * 1e6).round() as u64).clamp(1, LONGEST);
        // Three digits are a number that there can be, and it grows as far as needed.
        let histogram = self.histogram.take().or_else(|| Histogram::new(3).ok());
        self.histogram = histogram.map(|mut histogram| {
            let _ = histogram.record(microseconds);
            histogram
        });
        self.sum_s += time_s;
        self.max_s = self.max_s.max(time_s);
        *self.ranges.entry(range(time_s)).or_default() += 1;
    }

    /// Of so many jobs or functions; `None` if none has a duration.
    pub fn durations(&self, of: &'static str, all: u64) -> Option<Durations> {
        let histogram = self.histogram.as_ref()?;
        let known = histogram.len();
        let quantile = |part| {
            let middle = histogram.median_equivalent(histogram.value_at_quantile(part));
            (1e-6 * middle as f64).min(self.max_s)
        };
        Some(Durations {
            of,
            known,
            all,
            mean_s: self.sum_s / known as f64,
            quantiles_s: QUANTILES.map(quantile),
            max_s: self.max_s,
            histogram: self.bars(),
        })
    }

    fn bars(&self) -> Vec<Bar> {
        let (Some((first, _)), Some((last, _))) =
            (self.ranges.first_key_value(), self.ranges.last_key_value())
        else {
            return Vec::new();
        };
        let (mut first, mut step) = (*first, 1);
        if (last - first) as usize >= MOST_RANGES {
            (first, step) = (first.div_euclid(3) * 3, 3);
        }
        let bar = |from: i32| Bar {
            from_s: if from <= range(SHORTEST_S) { 0.0 } else { begins_s(from) },
            below_s: begins_s(from + step),
            count: self.ranges.range(from..from + step).map(|(_, count)| *count).sum::<u64>() as f64,
        };
        (first..=*last).step_by(step as usize).map(bar).collect()
    }
}

/// Shorter ones are in the range of this.
const SHORTEST_S: f64 = 1e-6;

/// Ranges begin at 1, 2 and 5 times a power of ten.
fn range(time_s: f64) -> i32 {
    let time_s = time_s.max(SHORTEST_S);
    let guess = 3 * time_s.log10().floor() as i32;
    // The logarithm is rounded.
    (guess - 1..=guess + 3).rev().find(|range| begins_s(*range) <= time_s).unwrap_or(guess)
}

fn begins_s(range: i32) -> f64 {
    let part = [1.0, 2.0, 5.0][range.rem_euclid(3) as usize];
    let power = range.div_euclid(3);
    // Powers below 1 are not exact: divided by those above they are as near as can be.
    if power < 0 { part / 10_f64.powi(-power) } else { part * 10_f64.powi(power) }
}
