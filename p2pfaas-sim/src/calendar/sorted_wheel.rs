//! A timing wheel that goes down only as far as it pays: a slot with few items is sorted and served.
//!
//! What is due next is in a short sorted list, all else in the slots of a hierarchical wheel. When the
//! list is empty, the first slots become the list, or spread over lower levels if they hold many items.
//! When the list becomes long, its later half goes back to the slots.

use p2pfaas_core::Time;

use super::Calendar;
use super::slots::Slots;

/// A slot with more items spreads over lower levels.
const MOST_TO_SORT: usize = 8;

/// A list with more items, gone ones with them, is cut shorter.
const MOST_IN_FRONT: usize = 128;

/// A timing wheel behind a short sorted list.
#[derive(Debug)]
pub struct SortedWheel<T> {
    /// What is due up to and with `last`, by time; before `head`, it is gone.
    front: Vec<(u64, T)>,
    head: usize,
    last: u64,
    slots: Slots<T>,
    len: usize,
    now: u64,
}

impl<T> Default for SortedWheel<T> {
    fn default() -> Self {
        Self { front: Vec::new(), head: 0, last: 0, slots: Slots::default(), len: 0, now: 0 }
    }
}

impl<T: Copy> Calendar<T> for SortedWheel<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        debug_assert!(at >= self.now, "pushed for a time that is over");
        self.len += 1;
        if at > self.last {
            self.slots.push(at, item);
        } else {
            sort_in(&mut self.front, self.head, at, item);
            if self.front.len() > MOST_IN_FRONT {
                self.shorten();
            }
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        if self.head == self.front.len() {
            self.refill(u64::MAX);
        }
        let &(at, item) = self.front.get(self.head)?;
        self.head += 1;
        self.len -= 1;
        self.now = at;
        Some((Time::from_nanos(at), item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        let at = match self.front.get(self.head) {
            Some(&(at, _)) => at,
            // The wheel may not go on for a look, as earlier items may come.
            None => self.slots.earliest(self.slots.first()?)?,
        };
        Some(Time::from_nanos(at))
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}

impl<T: Copy> SortedWheel<T> {
    /// What is next of all that is due before `bound`, whenever there is news of that: a few items, by time.
    /// Comes before [`pop_before`](Self::pop_before) with the same bound. Whoever gets ready for all of them
    /// at once need not wait for memory at each.
    #[inline]
    pub fn announce(&mut self, bound: Time) -> &[(u64, T)] {
        if self.head < self.front.len() {
            return &[];
        }
        self.refill(bound.as_nanos().saturating_sub(1));
        &self.front
    }

    /// The next item, if it is in the list already.
    #[inline]
    pub fn upcoming(&self) -> Option<&T> {
        self.front.get(self.head).map(|(_, item)| item)
    }

    /// Takes the next item out if it is due before `bound`. Nothing may be pushed afterwards for a time before
    /// `bound` but what follows from the items that are due before it.
    #[inline]
    pub fn pop_before(&mut self, bound: Time) -> Option<(Time, T)> {
        if self.head == self.front.len() {
            self.refill(bound.as_nanos().saturating_sub(1));
        }
        let &(at, item) = self.front.get(self.head)?;
        if at >= bound.as_nanos() {
            return None;
        }
        self.head += 1;
        self.len -= 1;
        self.now = at;
        Some((Time::from_nanos(at), item))
    }

    /// The first slots with few items become the list, unless the first of them begins after `latest`: the wheel's
    /// time comes to it, and may not pass what is still to be pushed.
    #[inline]
    fn refill(&mut self, latest: u64) {
        self.front.clear();
        self.head = 0;
        while let Some(slot) = self.slots.first() {
            let (start, end) = self.slots.span(slot);
            let few = slot.is_one_time() || !self.slots.is_longer(slot, MOST_TO_SORT);
            if self.front.is_empty() {
                if start > latest {
                    return;
                }
                self.slots.advance(start);
            } else if !few {
                return;
            }
            if !few {
                self.slots.spread(slot);
                continue;
            }
            self.last = end;
            self.slots.drain(slot, |at, item| sort_in(&mut self.front, 0, at, item));
            if self.front.len() > MOST_TO_SORT / 2 {
                return;
            }
        }
    }

    /// The later half of the list goes back to the wheel; what is gone from its front makes room.
    #[cold]
    fn shorten(&mut self) {
        // With more moved than removed, a crowd of equal times would be moved at each push.
        if 2 * self.head >= self.front.len() {
            self.front.drain(..self.head);
            self.head = 0;
        }
        let list = &self.front[self.head..];
        // Before its own time the wheel has no slots.
        let middle = list[list.len() / 2].0.max(self.slots.now());
        let mut cut = list.partition_point(|&(at, _)| at < middle);
        if cut == 0 {
            cut = list.partition_point(|&(at, _)| at == middle);
        }
        let cut = self.head + cut;
        let Some(&(at, _)) = self.front.get(cut) else {
            return;
        };
        self.last = at - 1;
        for index in cut..self.front.len() {
            let (at, item) = self.front[index];
            self.slots.push(at, item);
        }
        self.front.truncate(cut);
    }
}

/// Puts an item into a list that is sorted from `head` on, after what is due at the same time.
#[inline]
fn sort_in<T: Copy>(list: &mut Vec<(u64, T)>, head: usize, at: u64, item: T) {
    let mut place = list.len();
    list.push((at, item));
    while place > head && list[place - 1].0 > at {
        list[place] = list[place - 1];
        place -= 1;
    }
    list[place] = (at, item);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::calendar::BinaryHeap;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn with_bounds_it_gives_what_a_heap_gives(
            bounds in prop::collection::vec(0..5_000_u64, 1..100),
            delays in prop::collection::vec(
                prop_oneof![0..3_u64, Just(1_000), 0..100_000_u64, Just(1 << 40)], 1..40
            ),
        ) {
            let (mut wheel, mut heap) = (SortedWheel::default(), BinaryHeap::default());
            let mut delays = delays.iter().cycle();
            let (mut bound, mut number) = (Time::ZERO, 0_u64);
            for gap in bounds {
                bound = bound + Duration::from_nanos(gap);
                // What happens before the bound is followed by something else, mostly.
                loop {
                    let news = wheel.announce(bound).to_vec();
                    prop_assert!(news.is_sorted_by_key(|(at, _)| *at));
                    let next = wheel.pop_before(bound);
                    let expected = heap.next_at().is_some_and(|at| at < bound).then(|| heap.pop()).flatten();
                    prop_assert_eq!(next, expected);
                    let Some((at, _)) = next else { break };
                    if number % 5 > 0 && number < 5_000 {
                        let at = at + Duration::from_nanos(*delays.next().unwrap());
                        wheel.push(at, number);
                        heap.push(at, number);
                    }
                    number += 1;
                }
                for _ in 0..3 {
                    let at = bound + Duration::from_nanos(*delays.next().unwrap());
                    wheel.push(at, number);
                    heap.push(at, number);
                    number += 1;
                }
                prop_assert_eq!(wheel.len(), heap.len());
            }
        }
    }

    #[test]
    fn the_list_does_not_grow_with_what_has_gone_through_it() {
        let mut wheel = SortedWheel::default();
        (0..10).for_each(|at| wheel.push(Time::from_nanos(at), ()));
        for _ in 0..100_000 {
            let (at, ()) = wheel.pop().unwrap();
            wheel.push(Time::from_nanos(at.as_nanos() + 1_000_000), ());
        }
        assert!(wheel.front.capacity() <= 2 * MOST_IN_FRONT);
    }
}
