//! What all nodes share: the calendar, the network and what is on its way there.

use std::collections::VecDeque;

use p2pfaas_core::agent::Choice;
use p2pfaas_core::offers::{Offer, Question};
use p2pfaas_core::{Arrival as ArrivalAtNode, ForwardAnswer, JobKey, PeerId, PeerLoad, Time};
use rand_xoshiro::Xoshiro256PlusPlus;
use slab::Slab;

use super::device::{Device, Ran};
use super::here::{Here, Life, Sender};
use crate::calendar::{Calendar, EventCalendar};
use crate::learning::Agents;
use crate::network::Network;
use crate::scenario::JobSpec;

/// Something that will happen at a moment. Small, since the calendar moves it about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    /// A job has run.
    Executed { node: u32, life: Life, job: JobKey },
    /// One of the jobs that share a processor has run, if the forecast still holds.
    Shared { node: u32, forecast: u32 },
    /// A node asked to be woken.
    Wake { node: u32, life: Life },
    /// A probe is at its peer.
    ProbeArrives { probe: u32 },
    /// The answer to a probe is back.
    ProbeReturns { probe: u32 },
    /// A forwarded job is at its peer.
    JobArrives { travel: u32 },
    /// The answer to a forwarded job is back.
    AnswerReturns { answer: u32 },
    /// All nodes publish their loads.
    Publish,
    /// A node breaks down.
    Fails { node: u32 },
    /// A node is there again, or for the first time.
    Comes { node: u32 },
    /// A node takes no new jobs.
    Leaves { node: u32 },
    /// Peers notice that a node has gone or come.
    Noticed { node: u32 },
}

/// A probe on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    pub asker: Sender,
    pub peer: PeerId,
    pub target: u32,
    pub load: Option<PeerLoad>,
    pub question: Option<Question>,
    pub offer: Option<Offer>,
}

/// A job on its way to a peer.
#[derive(Debug)]
pub(super) struct Travel {
    pub target: u32,
    pub arrival: ArrivalAtNode,
    pub here: Here,
}

/// An answer on its way back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub to: Sender,
    pub answer: ForwardAnswer,
    pub ran: Option<Ran>,
    pub hops: u32,
}

pub(super) struct Hub {
    calendar: EventCalendar<Happening>,
    pub network: Network,
    /// For what the network draws.
    pub rng: Xoshiro256PlusPlus,
    pub jobs: Vec<JobSpec>,
    pub probes: Slab<Probe>,
    pub travels: Slab<Travel>,
    pub answers: Slab<Answer>,
    pub agents: Option<Agents>,
    /// What the agent of the node that is being handled has chosen.
    pub choices: VecDeque<(JobKey, Option<Choice>)>,
    /// Clients' jobs without an answer.
    pub open_jobs: u64,
    /// When second 0 of the run is; there are no partitions before it.
    pub run_began: Option<Time>,
    pub events: u64,
}

impl Hub {
    pub fn new(network: Network, rng: Xoshiro256PlusPlus, jobs: Vec<JobSpec>) -> Self {
        Hub {
            calendar: EventCalendar::default(),
            network,
            rng,
            jobs,
            probes: Slab::new(),
            travels: Slab::new(),
            answers: Slab::new(),
            agents: None,
            choices: VecDeque::new(),
            open_jobs: 0,
            run_began: None,
            events: 0,
        }
    }

    #[inline]
    pub fn at(&mut self, at: Time, happening: Happening) {
        self.calendar.push(at, happening);
    }

    /// What is next of what is due before a moment, when there is news of that.
    #[inline]
    pub fn announced(&mut self, bound: Time) -> &[(u64, Happening)] {
        self.calendar.announce(bound)
    }

    /// What comes next, if that is known without effort.
    #[inline]
    pub fn upcoming(&self) -> Option<&Happening> {
        self.calendar.upcoming()
    }

    #[inline]
    pub fn pop_before(&mut self, bound: Time) -> Option<(Time, Happening)> {
        self.calendar.pop_before(bound)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<(Time, Happening)> {
        self.calendar.pop()
    }

    /// Jobs that share a processor have changed: when the next of them will be done.
    pub fn forecast(&mut self, node: u32, device: &Device) {
        if let Some((at, forecast)) = device.next_shared() {
            self.at(at, Happening::Shared { node, forecast });
        }
    }

    /// Whether a partition keeps a message from its way.
    #[inline]
    pub fn is_lost(&self, now: Time, from: u32, to: u32) -> bool {
        self.run_began.is_some_and(|began| self.network.cut(Time::ZERO + now.since(began), from, to))
    }

    /// An answer begins its way to the node that sent the job.
    pub fn answer(
        &mut self,
        now: Time,
        from: u32,
        to: Sender,
        answer: ForwardAnswer,
        here: &Here,
        ran: Option<Ran>,
    ) {
        if self.is_lost(now, from, to.node) {
            return;
        }
        let bytes = match answer {
            ForwardAnswer::Served => self.jobs[usize::from(here.task_type)].answer_bytes,
            _ => 0,
        };
        let delay = self.network.delay(from, to.node, bytes, &mut self.rng);
        let answer = self.answers.insert(Answer { to, answer, ran, hops: here.hops }) as u32;
        self.at(now + delay, Happening::AnswerReturns { answer });
    }
}
