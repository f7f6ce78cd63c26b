//! A lane for one constant delay, such as a network's latency, beside a [`QuaternaryHeap`].
//!
//! What is pushed at the same delay again and again is in order already and needs no heap.

use std::collections::VecDeque;

use p2pfaas_core::Time;

use super::{Calendar, QuaternaryHeap};

/// A lane for one constant delay beside a heap.
#[derive(Debug)]
pub struct LanedHeap<T> {
    heap: QuaternaryHeap<T>,
    /// Keys and items, all pushed at the lane's delay.
    lane: VecDeque<(u128, T)>,
    delay: u64,
    /// The last delay that went to the heap. The lane, when empty, takes it if it comes again.
    other: u64,
    now: u64,
}

impl<T> Default for LanedHeap<T> {
    fn default() -> Self {
        Self { heap: QuaternaryHeap::default(), lane: VecDeque::new(), delay: 0, other: 0, now: 0 }
    }
}

impl<T: Copy> Calendar<T> for LanedHeap<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        debug_assert!(at.as_nanos() >= self.now, "pushed for a time that is over");
        let delay = at.as_nanos().wrapping_sub(self.now);
        if delay != self.delay {
            if delay != self.other || !self.lane.is_empty() {
                self.other = delay;
                self.heap.push(at, item);
                return;
            }
            self.delay = delay;
        }
        let key = self.heap.number(at);
        self.lane.push_back((key, item));
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        let next = match self.lane.front() {
            Some(&(key, item)) if key < self.heap.next_key() => {
                self.lane.pop_front();
                (QuaternaryHeap::<T>::time(key), item)
            }
            _ => self.heap.pop()?,
        };
        self.now = next.0.as_nanos();
        Some(next)
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        let key = self.lane.front().map_or(u128::MAX, |&(key, _)| key).min(self.heap.next_key());
        (key != u128::MAX).then(|| QuaternaryHeap::<T>::time(key))
    }

    #[inline]
    fn len(&self) -> usize {
        self.heap.len() + self.lane.len()
    }
}
