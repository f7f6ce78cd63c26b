//! Brings experiences into order: they come when jobs end, and are trained as the choices were made.
//!
//! Nothing blocks: what is missing is waited for within bounds, by count and by time, and then given
//! up; everything is counted.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use p2pfaas_core::Time;
use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// A number that is farther than this from the one expected does not belong to the same run of the
/// node that made it.
pub const MAX_DISTANCE: u64 = 1 << 20;
/// Numbers of experiences that are remembered, to know a repeated one.
pub const REMEMBERED: usize = 4_096;
/// Gaps that are remembered, to know an experience that comes after all.
pub const REMEMBERED_GAPS: usize = 1_024;

/// A number this little below the first one seen is late, not a sign of a restart.
const EARLY: u64 = 64;

/// What has become of the experiences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EpisodeCounts {
    /// Brought in all.
    pub received: u64,
    /// Brought again, and not trained again.
    pub duplicates: u64,
    /// Came after they had been given up, or under a number that has not been given out, and are not
    /// trained.
    pub late: u64,
    /// Gaps that were closed: numbers that never came in time.
    pub gaps: u64,
    /// Times that the numbers began anew: the node that makes them has been started again.
    pub restarts: u64,
    /// Largest number seen.
    pub eid_max_seen: u64,
}

/// The reorder window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Episodes {
    max_waiting: usize,
    max_wait: Duration,
    /// The number that is next; `None` before the first.
    next: Option<u64>,
    own_numbers: bool,
    waiting: BTreeMap<u64, (Time, Entry)>,
    /// Numbers and contents of what has been let through last, oldest first.
    done: VecDeque<(u64, u64)>,
    /// Gaps that were closed last, oldest first: the first number of each, and the one after its last.
    gaps: VecDeque<(u64, u64)>,
    counts: EpisodeCounts,
}

/// An experience whose turn it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordered {
    /// The experience.
    pub entry: Entry,
    /// Whether it directly follows the one before.
    pub follows: bool,
}

impl Episodes {
    /// A window that gives up a missing experience when `max_waiting` later ones are there, or one of
    /// them has waited for `max_wait`.
    pub fn new(max_waiting: usize, max_wait: Duration) -> Self {
        Episodes {
            max_waiting: max_waiting.max(1),
            max_wait,
            next: None,
            own_numbers: false,
            waiting: BTreeMap::new(),
            done: VecDeque::new(),
            gaps: VecDeque::new(),
            counts: EpisodeCounts::default(),
        }
    }

    /// The number of the first experience that will come, where it is known: they are made beside this
    /// window then, and never begin anew, whatever others bring under their numbers.
    pub fn begin_at(&mut self, eid: u64) {
        self.next = Some(eid);
        self.own_numbers = true;
        self.done.clear();
        self.gaps.clear();
        self.waiting.clear();
    }

    /// From now on time is told by another clock: what waits begins to wait now.
    pub fn restart_clock(&mut self, now: Time) {
        for (since, _) in self.waiting.values_mut() {
            *since = now;
        }
    }

    /// Changes the bounds.
    pub fn set_bounds(&mut self, max_waiting: usize, max_wait: Duration) {
        (self.max_waiting, self.max_wait) = (max_waiting.max(1), max_wait);
    }

    /// What has become of the experiences so far.
    pub fn counts(&self) -> EpisodeCounts {
        self.counts
    }

    /// Experiences that wait for an earlier one.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes one experience in, and appends those whose turn has come.
    pub fn push(&mut self, now: Time, entry: Entry, out: &mut Vec<Ordered>) {
        self.counts.received += 1;
        self.counts.eid_max_seen = self.counts.eid_max_seen.max(entry.eid);
        let next = *self.next.get_or_insert(entry.eid);
        if entry.eid == next {
            self.release(entry, true, out);
            self.release_waiting(out);
        } else if entry.eid < next {
            self.old(next, entry, out);
        } else if entry.eid - next > MAX_DISTANCE && self.own_numbers {
            // Nothing was brought for a long time.
            self.flush(out);
            self.counts.gaps += 1;
            self.done.clear();
            self.gaps.clear();
            self.release(entry, false, out);
        } else if entry.eid - next > MAX_DISTANCE {
            self.restart(entry, out);
        } else {
            match self.waiting.entry(entry.eid) {
                Place::Occupied(_) => self.counts.duplicates += 1,
                Place::Vacant(place) => {
                    place.insert((now, entry));
                }
            }
            while self.waiting.len() > self.max_waiting {
                self.close_gap(out);
            }
        }
    }

    /// The same for an experience that somebody else brings. Where the numbers are made beside this window,
    /// it can only be one that is known already, or none of this window's.
    pub fn push_foreign(&mut self, now: Time, entry: Entry, out: &mut Vec<Ordered>) {
        match self.next {
            Some(next) if self.own_numbers && entry.eid >= next => {
                self.counts.received += 1;
                self.counts.late += 1;
            }
            _ => self.push(now, entry, out),
        }
    }

    /// Whether the numbers are made beside this window.
    pub fn has_own_numbers(&self) -> bool {
        self.own_numbers
    }

    /// Takes over from an earlier window which number is next, and who makes the numbers.
    pub fn follow_on(&mut self, before: &Episodes) {
        (self.next, self.own_numbers) = (before.next, before.own_numbers);
        self.waiting.clear();
        self.done.clear();
        self.gaps.clear();
    }

    /// Forgets what waits for an earlier one; those that come are waited for as before.
    pub fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Gives up what has been missing for too long, and appends those whose turn has come.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Ordered>) {
        while self.waiting.values().any(|(since, _)| now.since(*since) > self.max_wait) {
            self.close_gap(out);
        }
    }

    /// Gives up whatever is missing, and appends all that waits.
    pub fn flush(&mut self, out: &mut Vec<Ordered>) {
        while !self.waiting.is_empty() {
            self.close_gap(out);
        }
    }

    fn old(&mut self, next: u64, entry: Entry, out: &mut Vec<Ordered>) {
        let place = self.done.partition_point(|(eid, _)| *eid < entry.eid);
        match self.done.get(place) {
            Some((eid, print))
                if *eid == entry.eid && (self.own_numbers || *print == fingerprint(&entry)) =>
            {
                self.counts.duplicates += 1;
            }
            _ if self.own_numbers => self.counts.late += 1,
            Some((eid, _)) if *eid == entry.eid => self.restart(entry, out),
            // Between two that were let through: it had been given up.
            Some(_) if place > 0 => self.counts.late += 1,
            None => self.counts.late += 1,
            Some((first, _)) if first - entry.eid <= EARLY && next - first <= EARLY => self.counts.late += 1,
            Some(_) if self.was_given_up(entry.eid) => self.counts.late += 1,
            Some(_) => self.restart(entry, out),
        }
    }

    fn was_given_up(&self, eid: u64) -> bool {
        let place = self.gaps.partition_point(|(_, end)| *end <= eid);
        self.gaps.get(place).is_some_and(|(first, _)| *first <= eid)
    }

    fn restart(&mut self, entry: Entry, out: &mut Vec<Ordered>) {
        self.flush(out);
        self.counts.restarts += 1;
        self.done.clear();
        self.gaps.clear();
        self.release(entry, false, out);
    }

    fn close_gap(&mut self, out: &mut Vec<Ordered>) {
        if let Some((eid, (_, entry))) = self.waiting.pop_first() {
            self.counts.gaps += 1;
            if self.gaps.len() == REMEMBERED_GAPS {
                self.gaps.pop_front();
            }
            self.gaps.extend(self.next.map(|next| (next, eid)));
            self.release(entry, false, out);
            self.release_waiting(out);
        }
    }

    fn release_waiting(&mut self, out: &mut Vec<Ordered>) {
        while let Some(waiting) = self.waiting.first_entry()
            && Some(*waiting.key()) == self.next
        {
            let (_, entry) = waiting.remove();
            self.release(entry, true, out);
        }
    }

    fn release(&mut self, entry: Entry, follows: bool, out: &mut Vec<Ordered>) {
        if self.done.len() == REMEMBERED {
            self.done.pop_front();
        }
        self.done.push_back((entry.eid, fingerprint(&entry)));
        self.next = Some(entry.eid.saturating_add(1));
        out.push(Ordered { entry, follows });
    }
}

/// Tells an experience that is brought again from another one under the same number (FNV-1a). Its reward
/// does not count: a node and its client may both bring it, each with the reward that it saw.
fn fingerprint(entry: &Entry) -> u64 {
    let mix = |hash: u64, bits: u64| (hash ^ bits).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    let hash = mix(0xcbf2_9ce4_8422_2325, u64::from(entry.action));
    entry.state.iter().fold(hash, |hash, number| mix(hash, number.to_bits()))
}

#[cfg(test)]
mod tests;
