//! Function instances that start cold and expire when they idle (Mahmoudi and Khazaei; fact sheet,
//! DFaaS 4.6): from 0 up to a maximum of instances, each serving one call at a time.

use super::error::{TheoryError, at_least_one, positive, require};
use super::station::{birth_death, mean};

/// Instances up to which the model is solved.
pub const MAX_INSTANCES: u32 = 10_000_000;

/// A function and how many instances of it may live. All times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColdStart {
    /// Service time of an instance that is there.
    pub warm_s: f64,
    /// Service time of a call that has to start an instance.
    pub cold_s: f64,
    /// How long an instance may idle before it is taken away.
    pub idle_timeout_s: f64,
    /// Instances at most.
    pub max_instances: u32,
}

/// The steady state of the instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Instances {
    /// P(m instances are there), m from 0.
    pub probabilities: Vec<f64>,
    /// Mean number of instances.
    pub mean_instances: f64,
    /// Mean number that serve a call and were there before it.
    pub running_warm: f64,
    /// Mean number that start for a call.
    pub running_cold: f64,
    /// Mean number that idle.
    pub idle: f64,
    /// P(a call has to start an instance).
    pub cold: f64,
    /// Mean time of a served call.
    pub mean_response_s: f64,
    /// P(a call finds all instances there are allowed at work).
    pub rejected: f64,
    /// Such calls in a second.
    pub rejected_per_s: f64,
    /// Mean warm running instances over mean instances.
    pub utilisation: f64,
}

impl ColdStart {
    /// The steady state under `arrivals_per_s`.
    ///
    /// # Errors
    /// Rates or times that are not finite numbers above 0; no instances or more than [`MAX_INSTANCES`].
    pub fn steady(&self, arrivals_per_s: f64) -> Result<Instances, TheoryError> {
        self.check(arrivals_per_s)?;
        let last = self.max_instances as usize;
        let offered = arrivals_per_s * self.warm_s;
        // By instances m: P(all are at work), births and deaths of instances per second.
        let mut all_busy = Vec::with_capacity(last + 1);
        let mut expire_per_s = Vec::with_capacity(last + 1);
        let (mut busy, mut expiries) = (1.0, 0.0);
        all_busy.push(busy);
        expire_per_s.push(expiries);
        for instances in 1..=self.max_instances {
            let before = busy;
            busy = offered * before / (f64::from(instances) + offered * before);
            // Calls take the first instance that is free, so this one gets what finds those before it busy.
            expiries += self.expiries_per_s(arrivals_per_s * (before - busy));
            all_busy.push(busy);
            expire_per_s.push(expiries);
        }
        // Where nothing ever expires the instances only grow: what lies below is left for good.
        let first = expire_per_s.iter().rposition(|rate| *rate == 0.0).unwrap_or(0);
        let birth = |m: u32| {
            let cold_per_s = arrivals_per_s * all_busy[first + m as usize];
            // The first term is 1/(mean time to such a call + time of the start).
            if cold_per_s > 0.0 { 1.0 / (1.0 / cold_per_s + self.cold_s) } else { 0.0 }
        };
        let law = birth_death((last - first) as u32, birth, |m| expire_per_s[first + m as usize]);
        let mut probabilities = vec![0.0; first];
        probabilities.extend(law);
        Ok(self.summary(arrivals_per_s, probabilities, &all_busy))
    }

    /// How often an instance that is offered `offered_per_s` calls expires.
    fn expiries_per_s(&self, offered_per_s: f64) -> f64 {
        if offered_per_s <= 0.0 {
            return 1.0 / self.idle_timeout_s;
        }
        let expires = (-offered_per_s * self.idle_timeout_s).exp();
        let life_s = self.idle_timeout_s + self.warm_s;
        let left = offered_per_s * life_s;
        let gap_s = -(-left).exp_m1() / offered_per_s - life_s * (-left).exp();
        1.0 / (self.idle_timeout_s + (1.0 / expires - 1.0) * gap_s)
    }

    fn summary(&self, arrivals_per_s: f64, probabilities: Vec<f64>, all_busy: &[f64]) -> Instances {
        let last = self.max_instances as usize;
        let over = |value: &dyn Fn(usize, f64) -> f64| -> f64 {
            probabilities.iter().zip(all_busy).enumerate().map(|(m, (p, busy))| p * value(m, *busy)).sum()
        };
        // With all the instances that may be, a call that finds them at work starts nothing.
        let cold_share = |m: usize, busy: f64| if m < last { busy } else { 0.0 };
        let running_warm = over(&|_, busy| arrivals_per_s * (1.0 - busy) * self.warm_s);
        let cold = over(&cold_share);
        let running_cold = arrivals_per_s * cold * self.cold_s;
        let mean_instances = mean(&probabilities, 0);
        let rejected = probabilities[last] * all_busy[last];
        Instances {
            mean_instances,
            running_warm,
            running_cold,
            idle: mean_instances - running_warm,
            cold,
            mean_response_s: over(&|m, busy| self.warm_s + cold_share(m, busy) * (self.cold_s - self.warm_s)),
            rejected,
            rejected_per_s: arrivals_per_s * rejected,
            utilisation: running_warm / mean_instances,
            probabilities,
        }
    }

    fn check(&self, arrivals_per_s: f64) -> Result<(), TheoryError> {
        positive("the arrival rate", arrivals_per_s)?;
        positive("the warm service time", self.warm_s)?;
        positive("the cold service time", self.cold_s)?;
        positive("the idle time-out", self.idle_timeout_s)?;
        let most = self.max_instances;
        at_least_one("the number of instances", most)?;
        require(most <= MAX_INSTANCES, "the number of instances", f64::from(most), "at most 10000000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn function(warm_s: f64, cold_s: f64, idle_timeout_s: f64, max_instances: u32) -> ColdStart {
        ColdStart { warm_s, cold_s, idle_timeout_s, max_instances }
    }

    /// Fact sheet (DFaaS) 4.7: rejections per second, in seconds and not in their milliseconds.
    #[test]
    fn rejections_are_the_golden_values() {
        let small = function(0.137, 0.513, 30.0, 7);
        let historic = function(15.0, 30.0, 600.0, 1000);
        let third = function(0.5, 1.25, 60.0, 30);
        let golden = [
            (small, 20.0, 0.30, 5e-3),
            (small, 30.0, 2.05, 5e-3),
            (small, 40.0, 6.05, 5e-3),
            (small, 50.0, 12.0, 5e-2),
            (small, 63.0, 21.6, 5e-2),
            (small, 100.0, 54.2, 5e-2),
            (historic, 60.0, 0.0, 5e-4),
            (historic, 61.0, 0.003, 5e-4),
            (historic, 62.0, 0.055, 5e-4),
            (historic, 63.0, 0.171, 5e-4),
            (historic, 64.0, 0.393, 5e-4),
            (historic, 65.0, 0.752, 5e-4),
            (historic, 66.0, 1.25, 5e-3),
            (historic, 68.0, 2.59, 5e-3),
            (historic, 70.0, 4.22, 5e-3),
            (historic, 80.0, 13.65, 5e-3),
            (historic, 90.0, 23.5, 5e-2),
            (historic, 100.0, 33.5, 5e-2),
            (historic, 126.0, 59.4, 5e-2),
            (historic, 150.0, 83.4, 5e-2),
            (third, 40.0, 0.34, 5e-3),
            (third, 50.0, 2.63, 5e-3),
            (third, 60.0, 7.95, 5e-3),
            (third, 70.0, 15.4, 5e-2),
            (third, 100.0, 42.5, 5e-2),
        ];
        for (function, arrivals, known, digits) in golden {
            let value = function.steady(arrivals).unwrap().rejected_per_s;
            assert!((value - known).abs() <= digits, "{function:?} {arrivals}: {value}, not {known}");
        }
    }

    /// Fact sheet (DFaaS) 4.7: outputs of the original code.
    #[test]
    fn everything_else_is_as_the_original_told_it() {
        let golden = [
            (
                10.0,
                function(0.137, 0.513, 30.0, 7),
                [6.30582, 1.36715, 0.00984, 0.00192, 0.13772, 0.00016, 0.00164],
            ),
            (5.0, function(0.2, 0.8, 60.0, 20), [5.55114, 0.99816, 0.00738, 0.00184, 0.20111, 0.0, 0.0]),
            (20.0, function(0.137, 0.513, 30.0, 7), [7.0, 2.699, 0.0, 0.0, 0.137, 0.01496, 0.29924]),
            (50.0, function(0.5, 1.25, 60.0, 30), [30.0, 23.68492, 0.0, 0.0, 0.5, 0.0526, 2.63016]),
            (66.0, function(15.0, 30.0, 600.0, 1000), [1000.0, 971.224, 0.0, 0.0, 15.0, 0.01897, 1.25174]),
            (50.0, function(137.0, 513.0, 30.0, 7), [0.08098, 0.08096, 25649.7, 0.99999, 512.996, 0.0, 0.0]),
        ];
        for (arrivals, function, known) in golden {
            let found = function.steady(arrivals).unwrap();
            let values = [
                found.mean_instances,
                found.running_warm,
                found.running_cold,
                found.cold,
                found.mean_response_s,
                found.rejected,
                found.rejected_per_s,
            ];
            for (value, known) in values.into_iter().zip(known) {
                let digits = if known > 1e4 {
                    0.05
                } else if known > 500.0 {
                    5e-4
                } else {
                    5.1e-6
                };
                assert!((value - known).abs() <= digits, "{arrivals} {function:?}: {value}, not {known}");
            }
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let good = function(0.1, 0.2, 30.0, 5);
        assert!(good.steady(0.0).is_err());
        let wrong = [
            ColdStart { warm_s: 0.0, ..good },
            ColdStart { cold_s: f64::NAN, ..good },
            ColdStart { idle_timeout_s: -1.0, ..good },
            ColdStart { max_instances: 0, ..good },
            ColdStart { max_instances: u32::MAX, ..good },
        ];
        for function in wrong {
            assert!(matches!(function.steady(1.0), Err(TheoryError::Parameter { .. })), "{function:?}");
        }
    }

    proptest! {
        #[test]
        fn every_steady_state_is_a_law_with_finite_numbers(
            warm in 0.01_f64..20.0, cold in 0.01_f64..40.0, idle in 0.1_f64..900.0, most in 1_u32..200,
            arrivals in 0.001_f64..500.0,
        ) {
            let found = function(warm, cold, idle, most).steady(arrivals).unwrap();
            prop_assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-10);
            prop_assert_eq!(found.probabilities.len(), most as usize + 1);
            let shares = [found.cold, found.rejected, found.utilisation];
            prop_assert!(shares.iter().all(|share| (-1e-12..=1.0 + 1e-12).contains(share)), "{shares:?}");
            let (low, high) = (warm.min(cold), warm.max(cold));
            prop_assert!(found.mean_response_s >= low * 0.999_999 && found.mean_response_s <= high * 1.000_001);
        }
    }
}
