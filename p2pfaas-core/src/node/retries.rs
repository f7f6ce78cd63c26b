//! How many forwards that reached nobody may be decided about again.

use crate::Time;
use crate::defaults::RETRY_BURST;

/// What one retry costs: credit is counted in hundredths of one.
const ONE: u32 = 100;

/// A bucket of credit. Each forward of a job that is not a retry itself brings a share of one retry, and each second
/// one, up to [`RETRY_BURST`]: where most peers are gone, what is tried again stays a small part of all forwards.
#[derive(Debug)]
pub(crate) struct Retries {
    percent: u32,
    credit: u32,
    refilled: Time,
}

impl Retries {
    /// A full bucket that gets so many hundredths of a retry for a forward; with 0 nothing is ever tried again.
    pub(crate) fn new(percent: u32) -> Self {
        let credit = if percent == 0 { 0 } else { RETRY_BURST * ONE };
        Retries { percent, credit, refilled: Time::ZERO }
    }

    /// A job has been forwarded for the first time.
    #[inline]
    pub(crate) fn forwarded(&mut self) {
        self.add(self.percent);
    }

    /// Takes one retry out, if there is one.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        if self.percent > 0 {
            let whole = std::time::Duration::from_secs(now.since(self.refilled).as_secs());
            self.refilled = self.refilled + whole;
            self.add(u32::try_from(whole.as_secs()).unwrap_or(RETRY_BURST).min(RETRY_BURST) * ONE);
        }
        let enough = self.credit >= ONE;
        self.credit -= if enough { ONE } else { 0 };
        enough
    }

    #[inline]
    fn add(&mut self, credit: u32) {
        self.credit = self.credit.saturating_add(credit).min(RETRY_BURST * ONE);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn taken(retries: &mut Retries, now: Time) -> u32 {
        (0..1_000).filter(|_| retries.take(now)).count() as u32
    }

    #[test]
    fn a_burst_then_one_for_so_many_forwards_and_one_a_second_and_never_more_than_the_burst() {
        let mut retries = Retries::new(20);
        assert_eq!(taken(&mut retries, Time::ZERO), RETRY_BURST);
        (0..24).for_each(|_| retries.forwarded());
        assert_eq!(taken(&mut retries, Time::ZERO), 4, "a fifth of 24, and the rest is kept");
        retries.forwarded();
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        assert_eq!(taken(&mut retries, at(999)), 1, "with what was kept");
        assert_eq!((taken(&mut retries, at(1_999)), taken(&mut retries, at(2_000))), (1, 1));
        assert_eq!(taken(&mut retries, at(1_000)), 0, "a clock that goes back brings nothing");
        (0..1_000_000).for_each(|_| retries.forwarded());
        assert_eq!(taken(&mut retries, at(2_000)), RETRY_BURST);
        assert_eq!(taken(&mut retries, Time::from_nanos(u64::MAX)), RETRY_BURST);
    }

    #[test]
    fn without_a_share_nothing_is_tried_again() {
        let mut retries = Retries::new(0);
        retries.forwarded();
        assert!(!retries.take(Time::from_nanos(u64::MAX)));
    }
}
