//! What a node remembers of jobs that have passed: bounded, oldest forgotten first.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

use crate::job::{JobId, NodeId};

/// Ids of jobs that this node has forwarded.
pub(crate) type ForwardedIds = Recent<JobId>;

/// Jobs that peers brought, each by the node that sent it here: the last of its path, or 0 where there is none.
pub(crate) type TakenIds = Recent<(JobId, NodeId)>;

#[derive(Debug)]
pub(crate) struct Recent<K> {
    known: HashSet<K>,
    oldest_first: VecDeque<K>,
    bound: usize,
}

impl<K: Copy + Eq + Hash> Recent<K> {
    pub(crate) fn new(bound: u32) -> Self {
        Recent { known: HashSet::new(), oldest_first: VecDeque::new(), bound: bound as usize }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.known.contains(&key)
    }

    /// Remembers it; false if it was known.
    pub(crate) fn insert(&mut self, key: K) -> bool {
        if self.bound == 0 {
            return true;
        }
        if !self.known.insert(key) {
            return false;
        }
        if self.oldest_first.len() == self.bound
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest_first.push_back(key);
        true
    }
}
