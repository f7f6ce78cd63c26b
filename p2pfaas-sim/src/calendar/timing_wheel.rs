//! A hierarchical timing wheel: G. Varghese and A. Lauck, "Hashed and hierarchical timing wheels", 1997.
//!
//! When it comes to a slot, it goes on to the earliest time in it at once, and what else is there moves
//! to lower levels.

use p2pfaas_core::Time;

use super::Calendar;
use super::slots::Slots;

/// A hierarchical timing wheel.
#[derive(Debug)]
pub struct TimingWheel<T> {
    slots: Slots<T>,
    len: usize,
    now: u64,
}

impl<T> Default for TimingWheel<T> {
    fn default() -> Self {
        Self { slots: Slots::default(), len: 0, now: 0 }
    }
}

impl<T: Copy> Calendar<T> for TimingWheel<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        debug_assert!(at >= self.now, "pushed for a time that is over");
        self.slots.push(at, item);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        let mut slot = self.slots.first()?;
        if !slot.is_one_time() && self.slots.is_longer(slot, 1) {
            self.slots.advance(self.slots.earliest(slot)?);
            self.slots.spread(slot);
            slot = self.slots.first()?;
        }
        let (at, item) = self.slots.pop(slot);
        self.slots.advance(at);
        self.now = at;
        self.len -= 1;
        Some((Time::from_nanos(at), item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        // The wheel may not go on for a look, as earlier items may come.
        self.slots.earliest(self.slots.first()?).map(Time::from_nanos)
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}
