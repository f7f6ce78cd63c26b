//! A hierarchical timing wheel: 64 slots a level, 11 levels, from a nanosecond to the end of time.
//!
//! G. Varghese and A. Lauck, "Hashed and hierarchical timing wheels", 1997. An item waits at the level
//! of the highest digit, in base 64, in which its time differs from the wheel's. When the wheel comes to
//! a slot, it goes on to the earliest time in it, and what else is there moves to lower levels.

use p2pfaas_core::Time;

use super::Calendar;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// The end of a list.
const END: u32 = u32::MAX;

/// A hierarchical timing wheel.
#[derive(Debug)]
pub struct TimingWheel<T> {
    levels: [Level; LEVELS],
    /// Levels with items, as bits.
    occupied: u32,
    /// All items, in lists. What is free is in a list, too.
    nodes: Vec<Node<T>>,
    free: u32,
    len: usize,
    /// The time of the last item popped.
    now: u64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    /// Slots with items, as bits.
    occupied: u64,
    slots: [List; SLOTS],
}

/// First in, first out.
#[derive(Debug, Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node<T> {
    at: u64,
    item: T,
    next: u32,
}

impl<T> Default for TimingWheel<T> {
    fn default() -> Self {
        let level = Level { occupied: 0, slots: [List { first: END, last: END }; SLOTS] };
        Self { levels: [level; LEVELS], occupied: 0, nodes: Vec::new(), free: END, len: 0, now: 0 }
    }
}

impl<T: Copy> Calendar<T> for TimingWheel<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        debug_assert!(at >= self.now, "pushed for a time that is over");
        let node = Node { at, item, next: END };
        let index = if self.free == END {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        } else {
            let index = self.free;
            self.free = self.nodes[index as usize].next;
            self.nodes[index as usize] = node;
            index
        };
        self.place(index, at);
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        let (level, slot) = self.first()?;
        let list = self.levels[level].slots[slot];
        let Node { at, item, next } = self.nodes[list.first as usize];
        let (at, item) = if level == 0 || next == END {
            self.now = at;
            self.release(list.first);
            if next == END {
                self.clear(level, slot)
            } else {
                self.levels[level].slots[slot].first = next
            }
            (at, item)
        } else {
            self.clear(level, slot);
            self.spread(list.first)
        };
        self.len -= 1;
        Some((Time::from_nanos(at), item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        let (level, slot) = self.first()?;
        let list = self.levels[level].slots[slot];
        let at = if level == 0 { self.nodes[list.first as usize].at } else { self.earliest(list.first) };
        Some(Time::from_nanos(at))
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}

impl<T: Copy> TimingWheel<T> {
    /// The level and slot in which the next item is.
    #[inline]
    fn first(&self) -> Option<(usize, usize)> {
        (self.occupied != 0).then(|| {
            let level = self.occupied.trailing_zeros() as usize;
            (level, self.levels[level].occupied.trailing_zeros() as usize)
        })
    }

    /// The earliest time in a list.
    #[inline]
    fn earliest(&self, first: u32) -> u64 {
        let (mut index, mut earliest) = (first, u64::MAX);
        while index != END {
            let node = &self.nodes[index as usize];
            earliest = earliest.min(node.at);
            index = node.next;
        }
        earliest
    }

    /// The wheel goes on to the earliest time in a list, of which the first item is given back.
    #[inline]
    fn spread(&mut self, first: u32) -> (u64, T) {
        self.now = self.earliest(first);
        let mut found = None;
        let mut index = first;
        while index != END {
            let Node { at, item, next } = self.nodes[index as usize];
            if at == self.now && found.is_none() {
                found = Some(item);
                self.release(index);
            } else {
                self.nodes[index as usize].next = END;
                self.place(index, at);
            }
            index = next;
        }
        (self.now, found.unwrap_or(self.nodes[first as usize].item))
    }

    #[inline]
    fn place(&mut self, index: u32, at: u64) {
        let highest = (at ^ self.now | 1).ilog2();
        let level = highest / DIGIT_BITS;
        let slot = (at >> (level * DIGIT_BITS)) as usize % SLOTS;
        self.occupied |= 1 << level;
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << slot;
        let list = &mut level.slots[slot];
        if list.first == END {
            list.first = index;
        } else {
            self.nodes[list.last as usize].next = index;
        }
        list.last = index;
    }

    #[inline]
    fn clear(&mut self, level: usize, slot: usize) {
        self.levels[level].slots[slot].first = END;
        self.levels[level].occupied &= !(1 << slot);
        if self.levels[level].occupied == 0 {
            self.occupied &= !(1 << level);
        }
    }

    #[inline]
    fn release(&mut self, index: u32) {
        self.nodes[index as usize].next = self.free;
        self.free = index;
    }
}
