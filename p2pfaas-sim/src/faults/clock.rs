//! A node's own clock: it begins with the process, runs a little fast or slow, and may be set.

use std::time::Duration;

use p2pfaas_core::Time;

/// What a driver reads. As the service does, it holds the clock still where it would go back, unless it is `raw`.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    began: Time,
    /// What it shows at `began`.
    base_ns: i128,
    rate_ppm: u32,
    raw: bool,
    last: Time,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    pub fn new(began: Time, base: Duration, rate_ppm: u32, raw: bool) -> Self {
        Clock { began, base_ns: base.as_nanos() as i128, rate_ppm, raw, last: Time::ZERO }
    }

    /// Whether what it shows may go back.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// What it shows at this moment of the world.
    pub fn read(&mut self, now: Time) -> Time {
        let shown = time(self.shown_ns(now));
        self.last = if self.raw { shown } else { shown.max(self.last) };
        self.last
    }

    fn shown_ns(&self, now: Time) -> i128 {
        let passed = i128::from(now.as_nanos()) - i128::from(self.began.as_nanos());
        self.base_ns + passed * i128::from(self.rate_ppm) / MILLION
    }

    /// When it will show this, or has.
    pub fn when(&self, shown: Time) -> Time {
        let ahead = i128::from(shown.as_nanos()) - self.base_ns;
        // Rounded up: a driver never wakes a node early by its own doing.
        let passed = (ahead * MILLION + i128::from(self.rate_ppm) - 1).div_euclid(i128::from(self.rate_ppm));
        time(i128::from(self.began.as_nanos()) + passed)
    }

    /// It is set forward or back.
    pub fn jump(&mut self, by_ns: i64) {
        self.base_ns += i128::from(by_ns);
    }
}

fn time(ns: i128) -> Time {
    Time::from_nanos(ns.clamp(0, i128::from(u64::MAX)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn it_runs_at_its_rate_and_knows_when_it_will_show_what() {
        let began = Time::from_nanos(5 * S);
        let mut clock = Clock::new(began, Duration::from_secs(1), 900_000, false);
        assert_eq!(clock.read(Time::from_nanos(15 * S)), Time::from_nanos(10 * S));
        for shown in [S, 10 * S, 10 * S + 1] {
            let shown = Time::from_nanos(shown);
            assert!(clock.read(clock.when(shown)) >= shown);
        }
    }

    #[test]
    fn set_back_it_stands_still_unless_it_is_raw() {
        let read = |raw, at| {
            let mut clock = Clock::new(Time::ZERO, Duration::ZERO, 1_000_000, raw);
            clock.read(Time::from_nanos(10 * S));
            clock.jump(-4 * S as i64);
            clock.read(Time::from_nanos(at * S)).as_nanos() / S
        };
        assert_eq!([read(false, 11), read(false, 13), read(false, 15)], [10, 10, 11]);
        assert_eq!(read(true, 11), 7);
    }
}
