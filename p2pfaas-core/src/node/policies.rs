//! The policies of one node: the current one, the overrides, the fallback, and old ones for as
//! long as a job that arrived under them is under way.

use super::prefetch::fetch;
use crate::policy::{ForwardScheduler, NoScheduler, Policy, RejectScheduler};

struct Entry {
    policy: Box<dyn Policy>,
    name: String,
    jobs: u32,
}

pub(crate) struct Policies {
    entries: Vec<Entry>,
    current: u16,
}

impl Policies {
    pub(crate) const BYPASS: u16 = 0;
    pub(crate) const FORWARD: u16 = 1;
    pub(crate) const REJECT: u16 = 2;
    const FALLBACK: u16 = 3;
    const FIRST: u16 = 4;

    pub(crate) fn new(policy: Box<dyn Policy>, fallback: Box<dyn Policy>) -> Self {
        let all: [Box<dyn Policy>; 5] = [
            Box::new(NoScheduler { loss: true }),
            Box::new(ForwardScheduler { max_hops: 1 }),
            Box::new(RejectScheduler),
            fallback,
            policy,
        ];
        Policies { entries: all.map(Entry::new).into(), current: Self::FIRST }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn current_index(&self) -> u16 {
        self.current
    }

    pub(crate) fn fallback_index(&self) -> u16 {
        Self::FALLBACK
    }

    pub(crate) fn current(&self) -> &dyn Policy {
        self.get(self.current)
    }

    pub(crate) fn current_name(&self) -> &str {
        self.name(self.current)
    }

    pub(crate) fn get(&self, index: u16) -> &dyn Policy {
        &*self.entries[usize::from(index)].policy
    }

    pub(crate) fn get_mut(&mut self, index: u16) -> &mut dyn Policy {
        &mut *self.entries[usize::from(index)].policy
    }

    pub(crate) fn name(&self, index: u16) -> &str {
        &self.entries[usize::from(index)].name
    }

    pub(crate) fn hold(&mut self, index: u16) {
        self.entries[usize::from(index)].jobs += 1;
    }

    pub(crate) fn release(&mut self, index: u16) {
        self.entries[usize::from(index)].jobs -= 1;
    }

    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Some(entry) = self.entries.get(usize::from(self.current)) {
            fetch(entry);
        }
    }

    /// Takes the place of an old policy that no job needs any more, or a new one.
    pub(crate) fn replace(&mut self, policy: Box<dyn Policy>) {
        let old = self.entries.iter().skip(usize::from(Self::FIRST)).position(|entry| entry.jobs == 0);
        let index = old.map_or(self.entries.len(), |index| index + usize::from(Self::FIRST));
        let entry = Entry::new(policy);
        match self.entries.get_mut(index) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        self.current = index as u16;
    }
}

impl Entry {
    fn new(policy: Box<dyn Policy>) -> Self {
        Entry { name: policy.full_name(), policy, jobs: 0 }
    }
}
