//! How many jobs of clients arrive a second, of late.

use crate::Time;
use crate::defaults::ARRIVAL_RATE_TIME;

const TIME_NS: f64 = ARRIVAL_RATE_TIME.as_nanos() as f64;

/// An exponentially weighted rate: each arrival adds 1 / T, and what is there decays with the time
/// constant T.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ArrivalRate {
    per_s: f64,
    at: Time,
}

impl ArrivalRate {
    pub(crate) fn arrived(&mut self, now: Time) {
        self.per_s = self.per_s(now) + 1e9 / TIME_NS;
        self.at = now;
    }

    /// The rate of a stream that began so many seconds ago, of which nothing came before.
    pub(crate) fn per_s_after(&self, now: Time, seconds: f64) -> f64 {
        let seen = 1.0 - decay(seconds * 1e9 / TIME_NS);
        if seen > 0.0 { self.per_s(now) / seen } else { 0.0 }
    }

    pub(crate) fn per_s(&self, now: Time) -> f64 {
        if now <= self.at {
            return self.per_s;
        }
        self.per_s * decay((now.as_nanos() - self.at.as_nanos()) as f64 / TIME_NS)
    }
}

/// About `exp(-x)`: the eighth power of its approximation at `x / 8`. The four operations are the same
/// on every platform, which a platform's `exp` is not, and quicker.
fn decay(x: f64) -> f64 {
    let step = x / 8.0;
    let root = 1.0 / (1.0 + step * (1.0 + step / 2.0));
    let squared = root * root;
    let fourth = squared * squared;
    fourth * fourth
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
        assert!((after_one_time - (-1.0_f64).exp()).abs() < 0.01);
        assert!(rate.per_s(now + 100 * ARRIVAL_RATE_TIME) < 1e-6);
    }

    #[test]
    fn the_decay_is_close_to_exponential_and_never_grows() {
        let mut last = 1.0;
        for x in (0..2_000).map(|step| f64::from(step) / 100.0) {
            assert!((decay(x) - (-x).exp()).abs() < 0.005, "{x}: {}", decay(x));
            assert!(decay(x) <= last);
            last = decay(x);
        }
    }
}
