//! Time-outs of jobs: one heap, cleaned as it goes, so that it grows with living jobs only.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::prefetch::fetch;
use crate::Time;
use crate::job::JobKey;

/// What is over when a timer fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// The job's whole time.
    Job,
    /// The stage with this number (probing, asking, waiting) of the job.
    Stage(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Time,
    // Timers of the same moment fire in the order in which they were set.
    order: u64,
    index: u32,
    generation: u32,
    alarm: Alarm,
}

impl Entry {
    fn key(&self) -> JobKey {
        JobKey { index: self.index, generation: self.generation }
    }
}

/// Timers that are due in the future. Dead ones (of answered jobs, passed stages) are dropped when
/// they come up or when they outnumber the living.
#[derive(Debug)]
pub(crate) struct Timers {
    /// When the first of them is due; the end of the clock if there is none.
    first: Time,
    /// When the driver wakes the node; the end of the clock if it does not.
    armed: Time,
    heap: BinaryHeap<Reverse<Entry>>,
    next_order: u64,
}

/// So many need not be tidied up.
const FEW: usize = 64;

const NEVER: Time = Time::from_nanos(u64::MAX);

impl Default for Timers {
    fn default() -> Self {
        Timers { first: NEVER, armed: NEVER, heap: BinaryHeap::new(), next_order: 0 }
    }
}

impl Timers {
    /// Timers that are set, dead ones included.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn set(&mut self, at: Time, job: JobKey, alarm: Alarm) {
        let entry = Entry { at, order: self.next_order, index: job.index, generation: job.generation, alarm };
        self.next_order += 1;
        self.heap.push(Reverse(entry));
        self.first = self.first.min(at);
    }

    fn pop(&mut self) -> Option<Entry> {
        let Reverse(entry) = self.heap.pop()?;
        self.first = self.heap.peek().map_or(NEVER, |Reverse(entry)| entry.at);
        Some(entry)
    }

    /// The next timer that is due.
    pub(crate) fn due(&mut self, now: Time) -> Option<(JobKey, Alarm)> {
        let entry = (self.first <= now).then(|| self.pop()).flatten()?;
        Some((entry.key(), entry.alarm))
    }

    #[inline]
    pub(crate) fn prefetch(&self) {
        if let Some(first) = self.heap.as_slice().first() {
            fetch(first);
        }
        if let Some(last) = self.heap.as_slice().last() {
            fetch(last);
        }
    }

    /// The wake-up for which the driver has been asked is over.
    pub(crate) fn woken(&mut self) {
        self.armed = NEVER;
    }

    /// Whether nobody has to be told, and nothing to be tidied up.
    #[inline]
    pub(crate) fn are_quiet(&self) -> bool {
        self.armed <= self.first && self.heap.len() <= FEW
    }

    /// The moment at which the driver should wake the node, if it does not know it yet. Nobody is woken
    /// for a timer that is dead already.
    pub(crate) fn arm(&mut self, alive: impl Fn(JobKey, Alarm) -> bool) -> Option<Time> {
        while self.first < self.armed {
            let Reverse(entry) = self.heap.peek()?;
            if alive(entry.key(), entry.alarm) {
                self.armed = entry.at;
                return Some(entry.at);
            }
            self.pop();
        }
        None
    }

    /// Drops dead timers when there are more of them than of the living.
    pub(crate) fn tidy(&mut self, living_jobs: usize, alive: impl Fn(JobKey, Alarm) -> bool) {
        // A living job has at most two timers: its own and its stage's.
        if self.heap.len() > 4 * living_jobs + FEW {
            self.heap.retain(|Reverse(entry)| alive(entry.key(), entry.alarm));
            self.first = self.heap.peek().map_or(NEVER, |Reverse(entry)| entry.at);
        }
    }
}
