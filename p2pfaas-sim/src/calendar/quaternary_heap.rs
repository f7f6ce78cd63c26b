//! A heap in which each node has four children: half as deep as a binary one, and four keys are one
//! line of the cache.
//!
//! Keys and items lie apart, as only keys are compared. The place at the root of the last item popped
//! stays open until the next push or pop: an event that brings about another one then costs one way down
//! the heap, and a short one if the new event is near.

use p2pfaas_core::Time;

use super::Calendar;

/// The index of the root, so that the children of a node fill one group.
const ROOT: usize = 3;

/// Greater than every key.
const NONE: u128 = u128::MAX;

/// Keys of siblings.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Group([u128; 4]);

/// A heap with four children a node.
#[derive(Debug)]
pub struct QuaternaryHeap<T> {
    /// Time, then number. Node `i` is at `i % 4` in group `i / 4`; its children are group `i - 2`.
    keys: Vec<Group>,
    /// Of node `i` at `i - ROOT`.
    items: Vec<T>,
    /// The root has been popped and nothing has taken its place.
    open: bool,
    pushed: u64,
    now: Time,
}

impl<T> Default for QuaternaryHeap<T> {
    fn default() -> Self {
        Self { keys: Vec::new(), items: Vec::new(), open: false, pushed: 0, now: Time::ZERO }
    }
}

impl<T: Copy> Calendar<T> for QuaternaryHeap<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        debug_assert!(at >= self.now, "pushed for a time that is over");
        let key = u128::from(at.as_nanos()) << 64 | u128::from(self.pushed);
        self.pushed += 1;
        if self.open {
            self.open = false;
            self.sink(key, item);
        } else {
            self.rise(key, item);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        if self.open {
            self.close();
        }
        let item = *self.items.first()?;
        self.open = true;
        self.now = time(self.key(ROOT));
        Some((self.now, item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        if self.open {
            self.close();
        }
        (!self.items.is_empty()).then(|| time(self.key(ROOT)))
    }

    #[inline]
    fn len(&self) -> usize {
        self.items.len() - usize::from(self.open)
    }
}

impl<T: Copy> QuaternaryHeap<T> {
    /// The last node takes the place at the root.
    #[inline]
    fn close(&mut self) {
        self.open = false;
        let last = self.items.len() - 1 + ROOT;
        let key = self.key(last);
        self.set(last, NONE);
        if let Some(item) = self.items.pop()
            && last != ROOT
        {
            self.sink(key, item);
        }
    }

    /// Puts an item at the root or, with what is before it moving up, further down.
    #[inline]
    fn sink(&mut self, key: u128, item: T) {
        let mut node = ROOT;
        while let Some(&group) = self.keys.get(node - 2) {
            let (least, child) = least(group);
            if key < least {
                break;
            }
            let child = 4 * (node - 2) + child;
            self.set(node, least);
            self.items[node - ROOT] = self.items[child - ROOT];
            node = child;
        }
        self.set(node, key);
        self.items[node - ROOT] = item;
    }

    /// Puts an item at the end or, with what is after it moving down, further up.
    #[inline]
    fn rise(&mut self, key: u128, item: T) {
        let mut node = self.items.len() + ROOT;
        if node / 4 == self.keys.len() {
            self.keys.push(Group([NONE; 4]));
        }
        self.items.push(item);
        while node > ROOT {
            let parent = node / 4 + 2;
            let above = self.key(parent);
            if above < key {
                break;
            }
            self.set(node, above);
            self.items[node - ROOT] = self.items[parent - ROOT];
            node = parent;
        }
        self.set(node, key);
        self.items[node - ROOT] = item;
    }

    #[inline]
    fn key(&self, node: usize) -> u128 {
        self.keys[node / 4].0[node % 4]
    }

    #[inline]
    fn set(&mut self, node: usize, key: u128) {
        self.keys[node / 4].0[node % 4] = key;
    }
}

/// The least of four keys, and which it is.
#[inline]
fn least(Group([a, b, c, d]): Group) -> (u128, usize) {
    let (left, at_left) = if b < a { (b, 1) } else { (a, 0) };
    let (right, at_right) = if d < c { (d, 3) } else { (c, 2) };
    if right < left { (right, at_right) } else { (left, at_left) }
}

#[inline]
fn time(key: u128) -> Time {
    Time::from_nanos((key >> 64) as u64)
}
