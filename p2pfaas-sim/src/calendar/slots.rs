//! The slots of a hierarchical wheel: 64 a level, 11 levels, from a nanosecond to the end of time.
//!
//! An item waits at the level of the highest digit, in base 64, in which its time differs from the
//! wheel's, in the slot of this digit. So whatever is at a lower level, or in a lower slot, is due earlier.

use super::nodes::{END, List, Nodes};

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// The slots of a hierarchical wheel; each is first in, first out.
#[derive(Debug)]
pub(super) struct Slots<T> {
    levels: [Level; LEVELS],
    /// Levels with items, as bits.
    occupied: u32,
    nodes: Nodes<T>,
    /// The wheel's time. No item is due before it.
    now: u64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    /// Slots with items, as bits.
    occupied: u64,
    slots: [List; SLOTS],
}

/// Which slot of which level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    level: usize,
    slot: usize,
}

impl Slot {
    /// Everything in it is due at the same nanosecond.
    #[inline]
    pub(super) fn is_one_time(self) -> bool {
        self.level == 0
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        let level = Level { occupied: 0, slots: [List::EMPTY; SLOTS] };
        Self { levels: [level; LEVELS], occupied: 0, nodes: Nodes::default(), now: 0 }
    }
}

impl<T: Copy> Slots<T> {
    #[inline]
    pub(super) fn push(&mut self, at: u64, item: T) {
        let index = self.nodes.add(at, item);
        self.place(index, at);
    }

    /// The earliest slot that is not empty.
    #[inline]
    pub(super) fn first(&self) -> Option<Slot> {
        (self.occupied != 0).then(|| {
            let level = self.occupied.trailing_zeros() as usize;
            Slot { level, slot: self.levels[level].occupied.trailing_zeros() as usize }
        })
    }

    /// Whether more than so many items are in a slot.
    #[inline]
    pub(super) fn is_longer(&self, slot: Slot, than: usize) -> bool {
        self.nodes.from(self.list(slot).first).nth(than).is_some()
    }

    /// The earliest time in a slot.
    #[inline]
    pub(super) fn earliest(&self, slot: Slot) -> Option<u64> {
        self.nodes.from(self.list(slot).first).map(|node| node.at).min()
    }

    /// The times, first and last, that belong to a slot which is not empty.
    #[inline]
    pub(super) fn span(&self, slot: Slot) -> (u64, u64) {
        let bits = slot.level as u32 * DIGIT_BITS;
        let start = self.nodes[self.list(slot).first].at >> bits << bits;
        (start, start | ((1 << bits) - 1))
    }

    /// Takes the first item out of a slot which is not empty.
    #[inline]
    pub(super) fn pop(&mut self, slot: Slot) -> (u64, T) {
        let first = self.list(slot).first;
        let node = self.nodes[first];
        self.nodes.release(first);
        self.levels[slot.level].slots[slot.slot].first = node.next;
        if node.next == END {
            self.empty(slot);
        }
        (node.at, node.item)
    }

    /// Takes all items out of a slot, in order.
    #[inline]
    pub(super) fn drain(&mut self, slot: Slot, mut take: impl FnMut(u64, T)) {
        let mut index = self.list(slot).first;
        self.empty(slot);
        while index != END {
            let node = self.nodes[index];
            take(node.at, node.item);
            self.nodes.release(index);
            index = node.next;
        }
    }

    /// The wheel's time.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Sets the wheel's time, which may not pass any item. If it comes to a slot with items, that one must be
    /// emptied or spread next.
    #[inline]
    pub(super) fn advance(&mut self, now: u64) {
        self.now = now;
    }

    /// Moves the items of the first slot, to which the wheel's time has come, to lower levels.
    #[inline]
    pub(super) fn spread(&mut self, slot: Slot) {
        let mut index = self.list(slot).first;
        self.empty(slot);
        while index != END {
            let node = &mut self.nodes[index];
            let (at, next) = (node.at, node.next);
            node.next = END;
            self.place(index, at);
            index = next;
        }
    }

    #[inline]
    fn list(&self, slot: Slot) -> List {
        self.levels[slot.level].slots[slot.slot]
    }

    #[inline]
    fn empty(&mut self, Slot { level, slot }: Slot) {
        self.levels[level].slots[slot].first = END;
        self.levels[level].occupied &= !(1 << slot);
        if self.levels[level].occupied == 0 {
            self.occupied &= !(1 << level);
        }
    }

    #[inline]
    fn place(&mut self, index: u32, at: u64) {
        let level = ((at ^ self.now) | 1).ilog2() / DIGIT_BITS;
        let slot = (at >> (level * DIGIT_BITS)) as usize % SLOTS;
        self.occupied |= 1 << level;
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << slot;
        let list = &mut level.slots[slot];
        if list.first == END {
            list.first = index;
        } else {
            self.nodes[list.last].next = index;
        }
        list.last = index;
    }
}
