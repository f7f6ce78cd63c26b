//! The items of many linked lists in one piece of memory, which is used again: as large as was ever
//! needed, up to 2³² − 1 items.

use std::ops::{Index, IndexMut};

/// After the last node of a list.
pub(super) const END: u32 = u32::MAX;

/// Where a list starts and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) first: u32,
    /// Says nothing if the list is empty.
    pub(super) last: u32,
}

impl List {
    pub(super) const EMPTY: List = List { first: END, last: END };
}

/// An item in a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<T> {
    pub(super) at: u64,
    pub(super) item: T,
    pub(super) next: u32,
}

/// The items of many lists.
#[derive(Debug)]
pub(super) struct Nodes<T> {
    nodes: Vec<Node<T>>,
    /// The first of those that are free.
    free: u32,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: END }
    }
}

impl<T: Copy> Nodes<T> {
    /// A node that is in no list yet.
    #[inline]
    pub(super) fn add(&mut self, at: u64, item: T) -> u32 {
        let node = Node { at, item, next: END };
        if self.free == END {
            self.nodes.push(node);
            return (self.nodes.len() - 1) as u32;
        }
        let index = self.free;
        self.free = self[index].next;
        self[index] = node;
        index
    }

    /// Frees a node that is in no list any more.
    #[inline]
    pub(super) fn release(&mut self, index: u32) {
        self[index].next = self.free;
        self.free = index;
    }

    /// All items from this one to the end of its list.
    #[inline]
    pub(super) fn from(&self, first: u32) -> impl Iterator<Item = &Node<T>> {
        let mut index = first;
        std::iter::from_fn(move || {
            let node = (index != END).then(|| &self[index])?;
            index = node.next;
            Some(node)
        })
    }
}

impl<T> Index<u32> for Nodes<T> {
    type Output = Node<T>;

    #[inline]
    fn index(&self, index: u32) -> &Node<T> {
        &self.nodes[index as usize]
    }
}

impl<T> IndexMut<u32> for Nodes<T> {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.nodes[index as usize]
    }
}
