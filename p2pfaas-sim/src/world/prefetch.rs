//! Hints to the cache. Events go to nodes at random, and what they need is far away in memory: for the few that
//! are next it is asked for at once, so that one wait is enough for all of them.

use p2pfaas_core::{JobKey, Time};
use prefetch_index::prefetch_index;

use super::World;
use super::hub::{Happening, Probe};

/// Events for which memory is asked at once.
const MOST: usize = 16;

/// Fewer nodes stay in the cache by themselves.
const MANY: usize = 256;

/// Has the beginning of a value brought into the cache.
#[inline(always)]
pub(super) fn fetch<T>(value: &T) {
    prefetch_index(std::slice::from_ref(value), 0);
}

impl World<'_> {
    /// Gets ready for what is next before `bound`, and for the job that arrives then.
    #[inline]
    pub(super) fn get_ready(&mut self, bound: Time, arrives_at: Option<u32>) {
        if self.nodes.len() < MANY {
            return;
        }
        let announced = self.hub.announced(bound);
        if announced.is_empty() {
            return;
        }
        let mut next = [Happening::Publish; MOST];
        let count = announced.len().min(MOST);
        for (place, (_, happening)) in next.iter_mut().zip(announced) {
            *place = *happening;
        }
        for happening in &next[..count] {
            if let Some(node) = self.place(happening) {
                self.prefetch_node(node);
            }
        }
        if let Some(node) = arrives_at {
            self.nodes[node as usize].prefetch_job(None);
        }
        for happening in &next[..count] {
            if let Some(node) = self.place(happening) {
                self.prefetch_job(node, happening);
            }
        }
    }

    /// Where something will happen.
    #[inline]
    fn place(&self, happening: &Happening) -> Option<u32> {
        match *happening {
            Happening::Executed { node, .. }
            | Happening::Wake { node, .. }
            | Happening::Shared { node, .. } => Some(node),
            Happening::ProbeArrives { probe } => {
                self.hub.probes.get(probe as usize).map(|probe| probe.target)
            }
            Happening::ProbeReturns { probe } => {
                self.hub.probes.get(probe as usize).map(|probe| probe.asker.node)
            }
            Happening::JobArrives { travel } => {
                self.hub.travels.get(travel as usize).map(|travel| travel.target)
            }
            Happening::AnswerReturns { answer } => {
                self.hub.answers.get(answer as usize).map(|answer| answer.to.node)
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn prefetch_node(&self, node: u32) {
        if self.nodes.len() < MANY {
            return;
        }
        let node = node as usize;
        self.nodes[node].prefetch();
        self.devices[node].prefetch();
        fetch(&self.draws[node]);
    }

    #[inline]
    fn prefetch_job(&self, node: u32, happening: &Happening) {
        let index = node as usize;
        let key: Option<JobKey> = match *happening {
            Happening::ProbeArrives { .. } => return,
            Happening::Executed { job, .. } => Some(job),
            Happening::ProbeReturns { probe } => match self.hub.probes.get(probe as usize) {
                Some(&Probe { asker, peer, .. }) => {
                    self.nodes[index].prefetch_peer(peer);
                    Some(asker.key)
                }
                None => None,
            },
            Happening::AnswerReturns { answer } => {
                self.hub.answers.get(answer as usize).map(|answer| answer.to.key)
            }
            _ => None,
        };
        self.nodes[index].prefetch_job(key);
        if let Some(key) = key {
            self.devices[index].prefetch_job(key);
        }
    }
}
