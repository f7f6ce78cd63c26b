//! What full-information policies see: the loads of all nodes, now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The loads of all nodes of one simulated cluster. The engine notes a node after each of its events;
/// the policies of all nodes read. Copies are the same board.
///
/// One run is one thread, so that the atomics only make a board `Send`; relaxed order is enough.
#[derive(Debug, Clone)]
pub struct Board {
    loads: Arc<[AtomicU64]>,
}

const DOWN: u64 = u64::MAX;

impl Board {
    /// A board of `nodes` nodes that are up and empty.
    pub fn new(nodes: usize) -> Self {
        Board { loads: (0..nodes).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Notes how many jobs run and wait at a node, and whether it is up. A number that is no node's does
    /// nothing.
    pub fn note(&self, node: usize, running: u32, queued: u32, up: bool) {
        if let Some(load) = self.loads.get(node) {
            let noted = if up { u64::from(running.saturating_add(queued)) } else { DOWN };
            load.store(noted, Ordering::Relaxed);
        }
    }

    /// Running + waiting jobs of a node; `None` when it is down or there is no such node.
    pub fn load(&self, node: usize) -> Option<u32> {
        let noted = self.loads.get(node)?.load(Ordering::Relaxed);
        u32::try_from(noted).ok()
    }

    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.loads.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_copies_show_what_was_noted_last() {
        let board = Board::new(2);
        let copy = board.clone();
        board.note(1, 3, 4, true);
        assert_eq!((copy.load(0), copy.load(1), copy.load(2)), (Some(0), Some(7), None));
        board.note(1, 3, 4, false);
        assert_eq!(copy.load(1), None);
        board.note(1, u32::MAX, 1, true);
        assert_eq!(copy.load(1), Some(u32::MAX));
        board.note(2, 1, 1, true);
        assert_eq!(copy.nodes(), 2);
    }
}
