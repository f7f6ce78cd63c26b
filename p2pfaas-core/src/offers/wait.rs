//! The time until a job that waits gets a slot.

/// The probability that a time of this mean and shape is no longer: a gamma distribution, by Wilson and Hilferty's cube
/// root ("The distribution of chi-square", PNAS 1931). One stage is exponential.
pub(super) fn within(seconds: f64, mean_s: f64, shape: f64) -> f64 {
    if seconds <= 0.0 {
        return 0.0;
    }
    if mean_s <= 0.0 {
        return 1.0;
    }
    let spread = 1.0 / (9.0 * shape);
    normal(((seconds / mean_s).cbrt() - (1.0 - spread)) / spread.sqrt())
}

/// The standard normal distribution (Abramowitz and Stegun 26.2.17; error below 1e-7).
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = 0.398_942_280_401_432_7 * (-z * z / 2.0).exp() * series;
    if z >= 0.0 { 1.0 - tail } else { tail }
}
