//! The mean field on its way from empty nodes.

use super::Field;
use crate::theory::error::TheoryError;

/// Steps after which the integration gives up.
const MAX_STEPS: u32 = 1_000_000;
/// What a step may be wrong by, summed over the shares.
const ERROR_A_STEP: f64 = 1e-10;

impl Field<'_> {
    /// The shares `after_s` seconds after all nodes were empty, by the method of Bogacki and Shampine (order
    /// 3, its step chosen by the embedded one of order 2).
    pub(super) fn integrate(&self, after_s: f64) -> Result<Vec<f64>, TheoryError> {
        let mut law = vec![0.0; self.station.places() as usize + 1];
        law[0] = 1.0;
        let mut slope = self.slope(&law);
        let (mut now_s, mut step_s) = (0.0, 1e-3 / self.arrivals_per_s);
        for _ in 0..MAX_STEPS {
            if now_s >= after_s {
                return Ok(law);
            }
            let step = f64::min(step_s, after_s - now_s);
            let second = self.slope(&moved(&law, &[(step / 2.0, &slope)]));
            let third = self.slope(&moved(&law, &[(step * 0.75, &second)]));
            let ninth = step / 9.0;
            let next = moved(&law, &[(2.0 * ninth, &slope), (3.0 * ninth, &second), (4.0 * ninth, &third)]);
            let fourth = self.slope(&next);
            let error: f64 = (0..law.len())
                .map(|load| {
                    let (a, b, c, d) = (slope[load], second[load], third[load], fourth[load]);
                    (step / 72.0 * (-5.0 * a + 6.0 * b + 8.0 * c - 9.0 * d)).abs()
                })
                .sum();
            if error <= ERROR_A_STEP {
                now_s += step;
                law = next;
                slope = fourth;
            }
            step_s = step * (0.9 * (ERROR_A_STEP / error.max(1e-30)).cbrt()).clamp(0.2, 4.0);
        }
        Err(TheoryError::NotSettled { rounds: MAX_STEPS, residual: self.residual(&law) })
    }

    /// How fast the shares change, per second.
    fn slope(&self, law: &[f64]) -> Vec<f64> {
        let births = self.births(law);
        let mut slope = vec![0.0; law.len()];
        for load in 1..law.len() {
            let flow = births[load - 1] * law[load - 1] - self.station.rate_per_s(load as u32) * law[load];
            slope[load - 1] -= flow;
            slope[load] += flow;
        }
        slope
    }
}

fn moved(law: &[f64], by: &[(f64, &Vec<f64>)]) -> Vec<f64> {
    let to = |load: usize| law[load] + by.iter().map(|(time, slope)| time * slope[load]).sum::<f64>();
    (0..law.len()).map(|load| to(load).max(0.0)).collect()
}
