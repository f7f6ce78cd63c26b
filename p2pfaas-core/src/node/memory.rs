//! Ids of jobs that this node has forwarded: a bounded memory, oldest forgotten first.

use std::collections::{HashSet, VecDeque};

use crate::job::JobId;

#[derive(Debug)]
pub(crate) struct ForwardedIds {
    known: HashSet<JobId>,
    oldest_first: VecDeque<JobId>,
    bound: usize,
}

impl ForwardedIds {
    pub(crate) fn new(bound: u32) -> Self {
        ForwardedIds { known: HashSet::new(), oldest_first: VecDeque::new(), bound: bound as usize }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn contains(&self, id: JobId) -> bool {
        self.known.contains(&id)
    }

    pub(crate) fn insert(&mut self, id: JobId) {
        if self.bound == 0 || !self.known.insert(id) {
            return;
        }
        if self.oldest_first.len() == self.bound
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest_first.push_back(id);
    }
}
