//! A timing wheel that goes down only as far as it pays: a slot with few items is sorted and served.
//!
//! What is due next is in a short sorted list, all else in the slots of a hierarchical wheel, 64 slots a
//! level, at the level of the highest digit, in base 64, in which its time differs from the list's. When
//! the list is empty, the first slot becomes the list, or spreads over lower levels if it holds many
//! items. When the list becomes long, its later half goes back to the wheel.

use p2pfaas_core::Time;

use super::Calendar;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// A slot with more items spreads over lower levels.
const MOST_TO_SORT: usize = 32;

/// A list with more items is cut in two.
const MOST_IN_FRONT: usize = 64;

/// The end of a list.
const END: u32 = u32::MAX;

/// A timing wheel behind a short sorted list.
#[derive(Debug)]
pub struct SortedWheel<T> {
    /// What is due up to and with `last`, by time; before `head`, it is gone.
    front: Vec<(u64, T)>,
    head: usize,
    last: u64,
    levels: [Level; LEVELS],
    /// Levels with items, as bits.
    occupied: u32,
    /// Levels and slots are relative to this time.
    base: u64,
    /// All items of the wheel, in lists. What is free is in a list, too.
    nodes: Vec<Node<T>>,
    free: u32,
    len: usize,
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

impl<T> Default for SortedWheel<T> {
    fn default() -> Self {
        let level = Level { occupied: 0, slots: [List { first: END, last: END }; SLOTS] };
        Self {
            front: Vec::new(),
            head: 0,
            last: 0,
            levels: [level; LEVELS],
            occupied: 0,
            base: 0,
            nodes: Vec::new(),
            free: END,
            len: 0,
            now: 0,
        }
    }
}

impl<T: Copy> Calendar<T> for SortedWheel<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        debug_assert!(at >= self.now, "pushed for a time that is over");
        self.len += 1;
        if at > self.last {
            self.wait(at, item);
        } else {
            self.sort_in(at, item);
            if self.front.len() - self.head > MOST_IN_FRONT {
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
        let first = self.front.get(self.head).map(|&(at, _)| at);
        // The wheel may not go on for a look, as earlier items may come.
        first.or_else(|| self.first_in_wheel()).map(Time::from_nanos)
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}

impl<T: Copy> SortedWheel<T> {
    /// The earliest time in the wheel.
    fn first_in_wheel(&self) -> Option<u64> {
        let level = self.levels.get(self.occupied.trailing_zeros() as usize)?;
        let mut index = level.slots[level.occupied.trailing_zeros() as usize].first;
        let mut earliest = u64::MAX;
        while index != END {
            let node = &self.nodes[index as usize];
            earliest = earliest.min(node.at);
            index = node.next;
        }
        Some(earliest)
    }

    /// Puts an item into the list, after what is due at the same time.
    #[inline]
    fn sort_in(&mut self, at: u64, item: T) {
        let mut place = self.front.len();
        self.front.push((at, item));
        while place > self.head && self.front[place - 1].0 > at {
            self.front[place] = self.front[place - 1];
            place -= 1;
        }
        self.front[place] = (at, item);
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
            self.wait(at, item);
        }
        self.front.truncate(cut);
    }

    /// The first slot with few items becomes the list.
    #[inline]
    fn refill(&mut self) {
        self.front.clear();
        self.head = 0;
        while self.occupied != 0 {
            let level = self.occupied.trailing_zeros();
            let slots = &mut self.levels[level as usize];
            let slot = slots.occupied.trailing_zeros();
            let first = slots.slots[slot as usize].first;
            slots.slots[slot as usize].first = END;
            slots.occupied &= !(1 << slot);
            if slots.occupied == 0 {
                self.occupied &= !(1 << level);
            }
            let bits = level * DIGIT_BITS;
            self.base = self.nodes[first as usize].at >> bits << bits;
            if level == 0 || self.is_short(first) {
                self.last = self.base | ((1 << bits) - 1);
                self.take(first);
                return;
            }
            self.spread(first);
        }
    }

    #[inline]
    fn is_short(&self, first: u32) -> bool {
        let mut index = first;
        for _ in 0..MOST_TO_SORT {
            index = self.nodes[index as usize].next;
            if index == END {
                return true;
            }
        }
        false
    }

    /// Moves a slot's items to the list.
    #[inline]
    fn take(&mut self, first: u32) {
        let mut index = first;
        while index != END {
            let Node { at, item, next } = self.nodes[index as usize];
            self.sort_in(at, item);
            self.nodes[index as usize].next = self.free;
            self.free = index;
            index = next;
        }
    }

    /// Moves a slot's items to lower levels.
    #[inline]
    fn spread(&mut self, first: u32) {
        let mut index = first;
        while index != END {
            let Node { at, next, .. } = self.nodes[index as usize];
            self.nodes[index as usize].next = END;
            self.place(index, at);
            index = next;
        }
    }

    /// Puts an item into the wheel.
    #[inline]
    fn wait(&mut self, at: u64, item: T) {
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
    }

    #[inline]
    fn place(&mut self, index: u32, at: u64) {
        let highest = (at ^ self.base | 1).ilog2();
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
}
