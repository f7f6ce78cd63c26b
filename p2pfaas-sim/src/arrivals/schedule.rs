//! The arrivals of one run, a function of the experiment and the seed alone: every policy meets the
//! same jobs at the same instants (common random numbers).

use super::earliest::Earliest;
use super::source::{Source, sources};
use super::{TraceError, Traffic};
use crate::streams::{Purpose, stream_seed};

/// A job that is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Its number in the run, from 0, in the order of the instants.
    pub number: u64,
    /// Seconds since the start of the run; training comes before it.
    pub at_s: f64,
    /// The node that it goes to.
    pub node: u32,
    /// Its task type.
    pub task_type: u16,
    /// Picks one of the payloads of its type, by the remainder.
    pub payload: u32,
    /// What it takes on a device of speed 1, seconds, where that is known beforehand; else it is drawn.
    pub service_s: Option<f64>,
}

/// Yields the arrivals of all traffics in the order of their instants. Nodes draw from streams of their
/// own, so that none disturbs another; nothing is kept but one arrival a node or function. Traffics draw
/// by their places in the list: one more at its end does not disturb those before it.
#[derive(Debug)]
pub struct Schedule {
    sources: Vec<Source>,
    earliest: Earliest,
    /// Upper ends of the task types' shares, one list a traffic.
    shares: Vec<Vec<f64>>,
    ends_s: f64,
    number: u64,
    failure: Option<TraceError>,
}

/// What is drawn: from one second to another, with a seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub seed: u64,
    pub begins_s: f64,
    pub ends_s: f64,
}

impl Schedule {
    /// The arrivals from 0 until the end of the run.
    pub fn new(traffic: &[Traffic], seed: u64, ends_s: f64) -> Self {
        Schedule::between(traffic, Span { seed, begins_s: 0.0, ends_s })
    }

    /// The arrivals of a training that takes so many seconds and ends at 0. What is drawn has nothing in
    /// common with the run; a trace is played from before the place where the run begins.
    pub fn training(traffic: &[Traffic], seed: u64, train_s: f64) -> Self {
        let seed = stream_seed(seed, Purpose::Training, 0);
        Schedule::between(traffic, Span { seed, begins_s: -train_s, ends_s: 0.0 })
    }

    /// Why it ended early, if it did: a trace that could be read when it was checked cannot be any more.
    pub fn failure(&self) -> Option<&TraceError> {
        self.failure.as_ref()
    }

    fn between(traffic: &[Traffic], span: Span) -> Self {
        let ends_s = span.ends_s;
        let mut failure = None;
        let (mut all, mut instants) = (Vec::new(), Vec::new());
        for (number, traffic) in (0..).zip(traffic) {
            match sources(traffic, number, span) {
                Ok(started) => {
                    for (source, first_s) in started {
                        all.push(source);
                        instants.push(within(first_s, ends_s));
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        let shares = |traffic: &Traffic| {
            let mut sum = 0.0;
            let add = |share: &f64| {
                sum += share;
                sum
            };
            traffic.shares.iter().map(add).collect()
        };
        Schedule {
            sources: all,
            earliest: Earliest::new(&instants),
            shares: traffic.iter().map(shares).collect(),
            ends_s,
            number: 0,
            failure,
        }
    }
}

/// Infinity, which is never, if it is not before the end.
fn within(at_s: f64, ends_s: f64) -> f64 {
    if at_s < ends_s { at_s } else { f64::INFINITY }
}

impl Iterator for Schedule {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        if self.failure.is_some() {
            return None;
        }
        let (at_s, source) = self.earliest.get()?;
        let source = &mut self.sources[source];
        let arrival = source.arrive(self.number, at_s, &self.shares);
        let following_s = source.after(at_s, &mut self.failure);
        self.earliest.replace(within(following_s, self.ends_s));
        self.number += 1;
        Some(arrival)
    }
}
