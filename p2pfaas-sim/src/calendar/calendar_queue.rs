//! A calendar queue: R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the
//! simulation event set problem", 1988.
//!
//! Days of equal length follow each other and start again after a year; a day holds, in order, what
//! is due on it in this year and all years to come. When there is too much or too little a day, the number
//! of days doubles or halves and their length is measured anew.

use p2pfaas_core::Time;

use super::Calendar;
use super::nodes::{END, List, Node, Nodes};

const FEWEST_DAYS: usize = 2;

/// How many of the next items are looked at to measure the length of a day.
const SAMPLE: usize = 25;

/// A calendar queue.
#[derive(Debug)]
pub struct CalendarQueue<T> {
    /// By time and, at equal times, in the order of pushes.
    days: Vec<List>,
    /// A day lasts two to the power of this nanoseconds.
    day_bits: u32,
    /// The number, since the origin of time, of the day before which nothing is due.
    today: u64,
    nodes: Nodes<T>,
    len: usize,
    now: u64,
}

impl<T> Default for CalendarQueue<T> {
    fn default() -> Self {
        Self {
            days: vec![List::EMPTY; FEWEST_DAYS],
            day_bits: 20,
            today: 0,
            nodes: Nodes::default(),
            len: 0,
            now: 0,
        }
    }
}

impl<T: Copy> Calendar<T> for CalendarQueue<T> {
    #[inline]
    fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        debug_assert!(at >= self.now, "pushed for a time that is over");
        let index = self.nodes.add(at, item);
        self.place(index, at);
        self.len += 1;
        if self.len > 2 * self.days.len() {
            self.resize(2 * self.days.len());
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<(Time, T)> {
        let first = self.first()?;
        let day = self.day(self.today);
        let Node { at, item, next } = self.nodes[first];
        self.days[day].first = next;
        self.nodes.release(first);
        self.now = at;
        self.len -= 1;
        if self.days.len() > FEWEST_DAYS && self.len < self.days.len() / 2 {
            self.resize(self.days.len() / 2);
        }
        Some((Time::from_nanos(at), item))
    }

    #[inline]
    fn next_at(&mut self) -> Option<Time> {
        self.first().map(|first| Time::from_nanos(self.nodes[first].at))
    }

    #[inline]
    fn len(&self) -> usize {
        self.len
    }
}

impl<T: Copy> CalendarQueue<T> {
    #[inline]
    fn day(&self, number: u64) -> usize {
        number as usize & (self.days.len() - 1)
    }

    /// The next item; today becomes its day.
    #[inline]
    fn first(&mut self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        for number in self.today..self.today.saturating_add(self.days.len() as u64) {
            let first = self.days[self.day(number)].first;
            if first != END && self.nodes[first].at >> self.day_bits == number {
                self.today = number;
                return Some(first);
            }
        }
        // Nothing is due for a year.
        let firsts = self.days.iter().map(|day| day.first).filter(|&first| first != END);
        let first = firsts.min_by_key(|&first| self.nodes[first].at)?;
        self.today = self.nodes[first].at >> self.day_bits;
        Some(first)
    }

    #[inline]
    fn place(&mut self, index: u32, at: u64) {
        let number = at >> self.day_bits;
        self.today = self.today.min(number);
        let day = self.day(number);
        let List { first, last } = self.days[day];
        if first == END {
            self.days[day] = List { first: index, last: index };
        } else if self.nodes[last].at <= at {
            self.nodes[last].next = index;
            self.days[day].last = index;
        } else if at < self.nodes[first].at {
            self.nodes[index].next = first;
            self.days[day].first = index;
        } else {
            let mut before = first;
            let mut after = self.nodes[first].next;
            while self.nodes[after].at <= at {
                before = after;
                after = self.nodes[after].next;
            }
            self.nodes[before].next = index;
            self.nodes[index].next = after;
        }
    }

    /// Sorts all items into another number of days.
    #[cold]
    fn resize(&mut self, days: usize) {
        self.day_bits = self.measured_day_bits();
        self.today = self.now >> self.day_bits;
        let old = std::mem::replace(&mut self.days, vec![List::EMPTY; days]);
        for List { first, .. } in old {
            let mut index = first;
            while index != END {
                let Node { at, next, .. } = self.nodes[index];
                self.nodes[index].next = END;
                self.place(index, at);
                index = next;
            }
        }
    }

    /// Three mean gaps between the next items, outliers left out.
    fn measured_day_bits(&self) -> u32 {
        let mut times = Vec::with_capacity(self.len);
        for day in &self.days {
            times.extend(self.nodes.from(day.first).map(|node| node.at));
        }
        let sample = SAMPLE.min(times.len());
        if sample < 2 {
            return self.day_bits;
        }
        times.select_nth_unstable(sample - 1);
        times[..sample].sort_unstable();
        let gaps = || times[..sample].windows(2).map(|pair| pair[1] - pair[0]);
        let mean = gaps().sum::<u64>() / (sample as u64 - 1);
        let usual = || gaps().filter(|&gap| gap <= mean.saturating_mul(2));
        let usual_mean = usual().sum::<u64>() / (usual().count() as u64).max(1);
        usual_mean.saturating_mul(3).max(1).ilog2()
    }
}
