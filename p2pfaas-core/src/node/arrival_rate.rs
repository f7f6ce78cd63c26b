//! How many jobs of clients arrive a second, of late.

use crate::Time;
use crate::defaults::ARRIVAL_RATE_TIME;

/// An exponentially weighted rate: each arrival adds 1 / T, and what is there decays with the time
/// constant T.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ArrivalRate {
    per_s: f64,
    at: Time,
}

impl ArrivalRate {
    pub(crate) fn arrived(&mut self, now: Time) {
        self.per_s = self.per_s(now) + 1.0 / ARRIVAL_RATE_TIME.as_secs_f64();
        self.at = now;
    }

    pub(crate) fn per_s(&self, now: Time) -> f64 {
        let passed = now.since(self.at);
        if passed.is_zero() {
            return self.per_s;
        }
        self.per_s * (-passed.as_secs_f64() / ARRIVAL_RATE_TIME.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_steady_stream_has_its_rate_and_silence_has_none() {
        let (mut rate, mut now) = (ArrivalRate::default(), Time::ZERO);
        for _ in 0..2_000 {
            now = now + Duration::from_millis(50);
            rate.arrived(now);
        }
        assert!((rate.per_s(now) - 20.0).abs() < 0.1, "{rate:?}");
        let after_one_time = rate.per_s(now + ARRIVAL_RATE_TIME) / rate.per_s(now);
        assert!((after_one_time - (-1.0_f64).exp()).abs() < 1e-9);
        assert_eq!(rate.per_s(Time::from_nanos(u64::MAX)), 0.0);
    }
}
