//! Hints to the cache: with thousands of nodes in one process, none of them is in it.

use prefetch_index::prefetch_index;

use super::Node;
use crate::job::JobKey;

/// Has the beginning of a value brought into the cache.
#[inline(always)]
pub(crate) fn fetch<T>(value: &T) {
    prefetch_index(std::slice::from_ref(value), 0);
}

impl Node {
    /// A hint that an event for this node is near: it is brought into the cache. What is a step further is
    /// for [`prefetch_job`](Self::prefetch_job), which waits for this.
    #[inline]
    pub fn prefetch(&self) {
        fetch(&self.policies);
        fetch(&self.slots);
        fetch(&self.jobs);
        fetch(&self.timers);
        fetch(&self.counters);
        fetch(&self.counters.stray_events);
        fetch(&self.peers);
    }

    /// A hint that an event for this job is near, or the arrival of the next one if it is `None`.
    #[inline]
    pub fn prefetch_job(&self, key: Option<JobKey>) {
        self.jobs.prefetch(key);
        self.slots.prefetch();
        self.policies.prefetch();
        self.timers.prefetch();
    }

    /// A hint that somebody will ask for the load of this node's slots.
    #[inline]
    pub fn prefetch_load(&self) {
        fetch(&self.slots);
    }
}
