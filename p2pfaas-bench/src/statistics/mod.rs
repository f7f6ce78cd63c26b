//! 95 % confidence intervals, paired differences, and when a run is steady.
//!
//! Over seeds, an interval is Student's t on the seeds' own values ([`student()`]): runs with different
//! seeds are independent replications. Within one seed, jobs are not independent: a busy moment spoils
//! many. There the run is cut into batches of equal time, whose own values are nearly independent; the
//! interval is that of their ratio estimator ([`batch_ratio`]; Law, Simulation Modeling and Analysis, batch
//! means; Cochran, Sampling Techniques, 6.4). Wilson's interval ([`wilson`]), which takes jobs as independent, is
//! the least that a fraction has. A quantile has the interval of the share of jobs below it
//! ([`quantile_ranks`]).
//!
//! Two policies that met the same jobs are compared pair by pair ([`Paired`]), and what is compared often is
//! held to more ([`holm`]). [`mser5`] finds the end of the warm-up.

mod batches;
mod fraction;
mod holm;
mod mser;
mod paired;
mod quantile;
mod student;

use std::ops::RangeInclusive;

pub use batches::batch_ratio;
pub use fraction::{batch_fraction, wilson};
pub use holm::holm;
pub use mser::mser5;
pub use paired::Paired;
pub use quantile::quantile_ranks;
pub use student::student;

/// A 95 % confidence interval.
pub type Interval = [f64; 2];

/// Standard normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;

/// The mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Keeps an interval where the values can be, as that of a fraction within 0 and 1.
pub fn within(interval: Interval, range: RangeInclusive<f64>) -> Interval {
    interval.map(|end| end.clamp(*range.start(), *range.end()))
}

#[cfg(test)]
fn close(left: Interval, right: Interval, tolerance: f64) {
    let far = left.iter().zip(right).any(|(left, right)| (left - right).abs() > tolerance);
    assert!(!far, "{left:?} is not {right:?}");
}
