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
            self.refill();
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
    /// Says before [`pop`](Calendar::pop) what is next, whenever there is news of that: a few items, by time.
    /// Whoever gets ready for all of them at once need not wait for memory at each.
    #[inline]
    pub fn announce(&mut self) -> &[(u64, T)] {
        if self.head < self.front.len() {
            return &[];
        }
        self.refill();
        &self.front
    }

    /// The first slots with few items become the list.
    #[inline]
    fn refill(&mut self) {
        self.front.clear();
        self.head = 0;
        while let Some(slot) = self.slots.first() {
            let (start, end) = self.slots.span(slot);
            if slot.is_one_time() || !self.slots.is_longer(slot, MOST_TO_SORT) {
                self.slots.advance(start);
                self.last = end;
                self.slots.drain(slot, |at, item| sort_in(&mut self.front, 0, at, item));
                if self.front.len() > MOST_TO_SORT / 2 {
                    return;
                }
            } else if self.front.is_empty() {
                self.slots.advance(start);
                self.slots.spread(slot);
            } else {
                // The wheel's time may not pass what is on the list.
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
        let middle = list[list.len() / 2].0;
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
    use super::*;

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
