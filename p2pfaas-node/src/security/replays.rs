//! Signed calls that have been here, as long as they would still be believed.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// Calls that are remembered; beyond it the time window shrinks instead of a replay getting in.
const MAX_CALLS: usize = 1 << 20;

/// Why a call is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was signed too long ago, or in the future.
    Stale,
    /// It has been here.
    Replayed,
}

/// The calls of the last seconds.
pub(super) struct Replays {
    window_ms: u64,
    /// Nothing signed before it is taken: what was here then may have been forgotten.
    since_ms: u64,
    /// Nonces by the second in which they were signed.
    seen: BTreeMap<u64, HashSet<u128>>,
    calls: usize,
}

impl Replays {
    /// What was signed before this moment may have been seen by the process before this one, and is not taken.
    pub(super) fn new(window: Duration, now_ms: u64) -> Self {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Replays { window_ms, since_ms: now_ms, seen: BTreeMap::new(), calls: 0 }
    }

    /// Takes a call that was signed at a moment, and never again.
    pub(super) fn admit(&mut self, at_ms: u64, nonce: u128, now_ms: u64) -> Result<(), Refusal> {
        self.forget_before(now_ms.saturating_sub(self.window_ms));
        if at_ms < self.since_ms || at_ms > now_ms.saturating_add(self.window_ms) {
            return Err(Refusal::Stale);
        }
        if !self.seen.entry(at_ms / 1_000).or_default().insert(nonce) {
            return Err(Refusal::Replayed);
        }
        self.calls += 1;
        while self.calls > MAX_CALLS {
            let Some(second) = self.seen.keys().next().copied() else { break };
            self.forget_before((second + 1) * 1_000);
        }
        Ok(())
    }

    /// Forgets what is refused as stale from now on.
    fn forget_before(&mut self, ms: u64) {
        self.since_ms = self.since_ms.max(ms);
        while let Some(oldest) =
            self.seen.first_entry().filter(|oldest| (oldest.key() + 1) * 1_000 <= self.since_ms)
        {
            self.calls -= oldest.remove().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_signed_before_the_start_or_outside_of_the_window_is_stale() {
        let mut replays = Replays::new(Duration::from_secs(30), 100_000);
        assert_eq!(replays.admit(99_999, 1, 100_000), Err(Refusal::Stale));
        assert_eq!(replays.admit(130_000, 1, 100_000), Ok(()));
        assert_eq!(replays.admit(130_001, 2, 100_000), Err(Refusal::Stale));
        assert_eq!(replays.admit(110_000, 3, 140_001), Err(Refusal::Stale));
        assert_eq!(replays.admit(130_000, 1, 150_000), Err(Refusal::Replayed));
    }

    #[test]
    fn a_flood_shortens_the_window_and_stays_within_the_bound() {
        let mut replays = Replays::new(Duration::from_secs(30), 0);
        for nonce in 0..MAX_CALLS as u128 {
            replays.admit(1_000 + (nonce % 2_000) as u64, nonce, 5_000).unwrap();
        }
        replays.admit(3_000, u128::MAX, 5_000).unwrap();
        assert!(replays.calls <= MAX_CALLS / 2 + 1, "{}", replays.calls);
        assert_eq!(replays.admit(1_500, 0, 5_000), Err(Refusal::Stale), "forgotten, and not taken again");
        assert_eq!(replays.admit(3_000, u128::MAX, 5_000), Err(Refusal::Replayed));
    }

    proptest! {
        #[test]
        fn nothing_is_taken_twice(calls in prop::collection::vec((0_u64..40_000, 0_u128..20, 0_u64..3_000), 1..200)) {
            let mut replays = Replays::new(Duration::from_secs(5), 0);
            let (mut taken, mut now_ms) = (HashSet::new(), 0);
            for (at_ms, nonce, later_ms) in calls {
                now_ms += later_ms;
                let before = taken.contains(&(at_ms, nonce));
                match replays.admit(at_ms, nonce, now_ms) {
                    Ok(()) => {
                        prop_assert!(!before && at_ms + 5_000 >= now_ms && at_ms <= now_ms + 5_000);
                        taken.insert((at_ms, nonce));
                    }
                    Err(Refusal::Stale) => prop_assert!(at_ms + 5_000 < now_ms || at_ms > now_ms + 5_000),
                    // The same nonce within one second is the same call.
                    Err(Refusal::Replayed) => {
                        prop_assert!(taken.iter().any(|(at, other)| at / 1_000 == at_ms / 1_000 && *other == nonce));
                    }
                }
            }
        }
    }
}
