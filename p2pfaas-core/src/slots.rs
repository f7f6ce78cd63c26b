//! Slots and the bounded FIFO queue in front of them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::job::JobKey;
use crate::node::prefetch::fetch;

/// How much a node takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Jobs that run at once; at least 1.
    pub slots: u32,
    /// Jobs that may wait for a slot; 0 means that none may.
    pub queue: u32,
}

/// Running and waiting jobs, counted by task type too.
#[derive(Debug, Clone)]
pub struct Slots {
    capacity: Capacity,
    running: u32,
    waiting: VecDeque<(JobKey, u16)>,
    by_type: Box<[TypeCount]>,
}

/// Jobs of one task type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TypeCount {
    /// Those that run.
    pub running: u32,
    /// Those that wait.
    pub queued: u32,
}

/// What became of a job that asked for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Started,
    Queued,
    Full,
}

impl Slots {
    /// Empty slots. A node counts at least one task type.
    pub fn new(capacity: Capacity, task_types: u16) -> Self {
        let task_types = task_types.max(1);
        Slots {
            capacity,
            running: 0,
            waiting: VecDeque::new(),
            by_type: vec![TypeCount::default(); usize::from(task_types)].into(),
        }
    }

    /// Slots and queue bound in force.
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Jobs running. After the slots have been lowered it may exceed them until jobs end.
    #[inline]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// Jobs waiting for a slot.
    #[inline]
    pub fn queued(&self) -> u32 {
        self.waiting.len() as u32
    }

    /// Running + queued, as probes see it.
    pub fn load(&self) -> u32 {
        self.running + self.queued()
    }

    /// Slots in which nothing runs.
    pub fn free(&self) -> u32 {
        self.capacity.slots.saturating_sub(self.running)
    }

    /// Jobs of each task type.
    pub fn by_type(&self) -> &[TypeCount] {
        &self.by_type
    }

    pub(crate) fn set_capacity(&mut self, capacity: Capacity) {
        self.capacity = capacity;
    }

    #[inline]
    pub(crate) fn admit(&mut self, job: JobKey, task_type: u16) -> Admission {
        if self.running < self.capacity.slots && self.waiting.is_empty() {
            self.start(task_type);
            Admission::Started
        } else if self.queued() < self.capacity.queue {
            self.by_type[usize::from(task_type)].queued += 1;
            self.waiting.push_back((job, task_type));
            Admission::Queued
        } else {
            Admission::Full
        }
    }

    /// The job that has waited longest, if a slot is free for it; its caller starts or ends it.
    #[inline]
    pub(crate) fn next_waiting(&mut self) -> Option<JobKey> {
        if self.running >= self.capacity.slots {
            return None;
        }
        let (job, task_type) = self.waiting.pop_front()?;
        self.by_type[usize::from(task_type)].queued -= 1;
        Some(job)
    }

    #[inline]
    pub(crate) fn prefetch(&self) {
        self.by_type.first().inspect(|count| fetch(*count));
        self.waiting.front().inspect(|waiting| fetch(*waiting));
    }

    #[inline]
    pub(crate) fn start(&mut self, task_type: u16) {
        self.running += 1;
        self.by_type[usize::from(task_type)].running += 1;
    }

    #[inline]
    pub(crate) fn finish(&mut self, task_type: u16) {
        self.running -= 1;
        self.by_type[usize::from(task_type)].running -= 1;
    }

    /// Takes a job out of the queue; it must be in it.
    pub(crate) fn leave_queue(&mut self, job: JobKey) {
        if let Some(place) = self.waiting.iter().position(|(waiting, _)| *waiting == job)
            && let Some((_, task_type)) = self.waiting.remove(place)
        {
            self.by_type[usize::from(task_type)].queued -= 1;
        }
    }
}
