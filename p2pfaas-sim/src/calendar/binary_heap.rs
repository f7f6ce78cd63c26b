//! The binary heap of the standard library, with a number for each item that keeps it stable.

use std::cmp::Ordering;
use std::collections::BinaryHeap as Heap;

use p2pfaas_core::Time;

use super::Calendar;

/// The binary heap of the standard library.
#[derive(Debug)]
pub struct BinaryHeap<T> {
    heap: Heap<Entry<T>>,
    pushed: u64,
    now: Time,
}

impl<T> Default for BinaryHeap<T> {
    fn default() -> Self {
        Self { heap: Heap::new(), pushed: 0, now: Time::ZERO }
    }
}

impl<T> Calendar<T> for BinaryHeap<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        debug_assert!(at >= self.now, "pushed for a time that is over");
        self.heap.push(Entry { at, number: self.pushed, item });
        self.pushed += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        let Entry { at, item, .. } = self.heap.pop()?;
        self.now = at;
        Some((at, item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        self.heap.peek().map(|entry| entry.at)
    }

    #[inline]
    fn len(&self) -> usize {
        self.heap.len()
    }
}

#[derive(Debug)]
struct Entry<T> {
    at: Time,
    number: u64,
    item: T,
}

impl<T> Ord for Entry<T> {
    /// The earliest is the greatest, as the heap gives the greatest first.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}
