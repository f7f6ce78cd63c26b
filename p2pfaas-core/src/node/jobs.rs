//! The table of jobs that a node has not answered yet.

use super::job::Job;
use super::prefetch::fetch;
use crate::job::JobKey;

/// A place in the table.
#[derive(Debug)]
#[repr(C, align(64))]
struct Entry {
    generation: u32,
    living: bool,
    job: Job,
}

/// A table with generations: a key of an answered job never finds another one.
#[derive(Debug)]
pub(crate) struct Jobs {
    entries: Vec<Entry>,
    free: Vec<u32>,
    bound: u32,
    refused: u32,
}

impl Jobs {
    pub(crate) fn new(bound: u32) -> Self {
        Jobs { entries: Vec::new(), free: Vec::new(), bound, refused: 1 }
    }

    /// A place for a new job; `None` when the table is at its bound.
    #[inline]
    pub(crate) fn insert(&mut self) -> Option<(JobKey, &mut Job)> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let entry = &mut self.entries[index as usize];
        entry.living = true;
        Some((JobKey { index, generation: entry.generation }, &mut entry.job))
    }

    #[cold]
    fn grow(&mut self) -> Option<u32> {
        let index = self.entries.len() as u32;
        if index >= self.bound {
            return None;
        }
        self.entries.push(Entry { generation: 0, living: false, job: Job::empty() });
        Some(index)
    }

    /// The key of the next job.
    #[inline]
    pub(crate) fn next_key(&self) -> JobKey {
        match self.free.last() {
            Some(index) => JobKey { index: *index, generation: self.entries[*index as usize].generation },
            None if self.entries.len() < self.bound as usize => {
                JobKey { index: self.entries.len() as u32, generation: 0 }
            }
            None => JobKey { index: u32::MAX, generation: self.refused },
        }
    }

    /// A key that never finds a job, for one that is refused at the door.
    pub(crate) fn refused_key(&mut self) -> JobKey {
        let key = JobKey { index: u32::MAX, generation: self.refused };
        self.refused = self.refused.wrapping_add(1);
        key
    }

    #[inline]
    pub(crate) fn get(&self, key: JobKey) -> Option<&Job> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.generation == key.generation && entry.living).then_some(&entry.job)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: JobKey) -> Option<&mut Job> {
        let entry = self.entries.get_mut(key.index as usize)?;
        (entry.generation == key.generation && entry.living).then_some(&mut entry.job)
    }

    #[inline]
    pub(crate) fn prefetch(&self, key: Option<JobKey>) {
        let index = key.map(|key| key.index).or(self.free.last().copied()).unwrap_or(0);
        if let Some(entry) = self.entries.get(index as usize) {
            fetch(entry);
            fetch(&entry.job.stage);
            fetch(&entry.job.replies);
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: JobKey) {
        if let Some(entry) = self.entries.get_mut(key.index as usize)
            && entry.living
            && entry.generation == key.generation
        {
            entry.living = false;
            entry.generation = entry.generation.wrapping_add(1);
            entry.job.clear();
            self.free.push(key.index);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }
}
