//! What stands on the calendar, and what all machines share.

use std::time::Duration;

use p2pfaas_core::offers::Question;
use p2pfaas_core::{Arrival, Effect, Event, ForwardAnswer, JobKey, PeerId, Time};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::books::{Lineage, Stories};
use super::log::Log;
use super::planted::Planted;
use super::schedule::{Fault, Weather};
use super::trial::Lived;
use crate::calendar::{BinaryHeap, Calendar};
use crate::network::Network;

/// One life of one of our nodes: what is meant for another life does not reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whom {
    pub node: usize,
    pub life: u32,
}

/// Who waits for the answer to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    Client,
    Node {
        to: Whom,
        key: JobKey,
    },
    /// A client of an old peer, or the author of a made-up message.
    Stranger,
}

/// How a job came to a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brought {
    pub lineage: Lineage,
    pub back: Back,
    /// The connection that it came on, if a node of ours sent it.
    pub ticket: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Happening {
    /// A job of the schedule is due.
    Due(usize),
    JobArrives {
        machine: usize,
        arrival: Arrival,
        brought: Brought,
    },
    /// Somebody sends the message of a job once more.
    JobRepeats {
        to: Whom,
        arrival: Arrival,
        lineage: Lineage,
    },
    ProbeArrives {
        machine: usize,
        from: Whom,
        job: JobKey,
        peer: PeerId,
        question: Option<Question>,
    },
    Event {
        to: Whom,
        event: Event,
    },
    /// The alarm of this number.
    Wake {
        to: Whom,
        alarm: u64,
    },
    /// Whoever sent a job on this connection has closed it.
    Closed {
        machine: usize,
        ticket: u64,
    },
    Fault(Fault),
}

/// What all machines share.
pub(super) struct Hub {
    pub now: Time,
    pub calendar: BinaryHeap<Happening>,
    pub network: Network,
    pub weather: Weather,
    /// For what happens to messages, functions, clients.
    pub chance: Xoshiro256PlusPlus,
    pub stories: Stories,
    pub log: Log,
    pub planted: Option<Planted>,
    pub lived: Lived,
    /// Names of all machines.
    pub names: Vec<String>,
    pub nodes: usize,
    pub truthful: bool,
    /// Jobs have time-outs; where they have none, every lost message is noticed one day.
    pub has_timeouts: bool,
    /// What a function takes on average at each of our nodes.
    pub executions: Vec<Duration>,
    pub next_ticket: u64,
    /// Answers of learners that answer at once.
    pub at_once: Vec<Event>,
    pub effects: Vec<Effect>,
}

/// What is slow is late by up to this.
const SLOW: Duration = Duration::from_secs(1);
/// When a connection that is dead is noticed at last, where nothing else ends the wait.
const DEAD: Duration = Duration::from_secs(4);

impl Hub {
    pub fn after(&mut self, delay: Duration, happening: Happening) {
        self.calendar.push(self.now + delay, happening);
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.chance.random_bool(probability)
    }

    pub fn within(&mut self, most: Duration) -> Duration {
        Duration::from_nanos(self.chance.random_range(0..=most.as_nanos() as u64))
    }

    /// How long a message takes; `None` when it is lost.
    pub fn travel(&mut self, from: usize, to: usize) -> Option<Duration> {
        let weather = self.weather;
        if self.network.cut(self.now, from as u32, to as u32) || self.chance(weather.lost) {
            return None;
        }
        let delay = self.network.delay(from as u32, to as u32, 0, &mut self.chance);
        Some(if self.chance(weather.slow) { delay + self.within(SLOW) } else { delay })
    }

    /// When a sender notices that its message, or the answer, is lost; `None`: never.
    pub fn noticed(&mut self, has_timeout: bool) -> Option<Duration> {
        let noticed = self.weather.noticed;
        if self.chance(noticed) {
            return Some(self.within(Duration::from_millis(50)));
        }
        (!has_timeout).then_some(DEAD)
    }

    /// The machine with this name.
    pub fn machine(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// An answer on its way back from a machine.
    pub fn reply(&mut self, from: usize, back: Back, answer: ForwardAnswer) {
        let Back::Node { to, key } = back else { return };
        let event = Event::Forwarded { job: key, answer };
        match self.travel(from, to.node) {
            Some(delay) => self.after(delay, Happening::Event { to, event }),
            None => self.lost_forward(to, key, ForwardAnswer::NoAnswer),
        }
    }

    /// A forward, or its answer, is lost; what its sender reads out of that, if it notices.
    pub fn lost_forward(&mut self, to: Whom, job: JobKey, answer: ForwardAnswer) {
        if let Some(delay) = self.noticed(self.has_timeouts) {
            let event = Event::Forwarded { job, answer };
            self.after(delay, Happening::Event { to, event });
        }
    }
}
