//! Hints to the cache. Events go to nodes at random, and what they need is far away in memory: it is asked for
//! a few events ahead, first the nodes themselves and then what they point to.

use p2pfaas_core::JobKey;
use prefetch_index::prefetch_index;

use super::World;
use super::hub::Happening;

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
    /// Whether hints are worth their while.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        self.nodes.len() >= MANY
    }

    /// Gets ready for the nodes of what is due next, before `bound`, and of the job that arrives then.
    pub(super) fn get_ready(&mut self, bound: p2pfaas_core::Time, arrives_at: Option<u32>) {
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
            match self.target(happening) {
                Some((node, Some(_))) => self.prefetch_node(node),
                Some((node, None)) => {
                    self.nodes[node as usize].prefetch_load();
                    self.devices[node as usize].prefetch();
                }
                None => {}
            }
        }
        if let Some(node) = arrives_at {
            self.nodes[node as usize].prefetch_job(None);
        }
    }

    /// Gets ready for what the next event's node points to.
    #[inline]
    pub(super) fn get_closer(&self) {
        if let Some(happening) = self.hub.upcoming()
            && let Some((node, Some(job))) = self.target(happening)
        {
            self.nodes[node as usize].prefetch_job(job);
            if let Some(key) = job {
                self.devices[node as usize].prefetch_job(key);
            }
        }
    }

    /// Where something will happen, and to which of the jobs there: `Some(None)` to a new one, `None` to none.
    #[inline]
    fn target(&self, happening: &Happening) -> Option<(u32, Option<Option<JobKey>>)> {
        Some(match *happening {
            Happening::Executed { node, job, .. } => (node, Some(Some(job))),
            Happening::Wake { node, .. } | Happening::Shared { node, .. } => (node, Some(None)),
            Happening::ProbeArrives { probe } => (self.hub.probes.get(probe as usize)?.target, None),
            Happening::ProbeReturns { probe } => {
                let asker = self.hub.probes.get(probe as usize)?.asker;
                (asker.node, Some(Some(asker.key)))
            }
            Happening::JobArrives { travel } => (self.hub.travels.get(travel as usize)?.target, Some(None)),
            Happening::AnswerReturns { answer } => {
                let to = self.hub.answers.get(answer as usize)?.to;
                (to.node, Some(Some(to.key)))
            }
            _ => return None,
        })
    }

    #[inline]
    pub(super) fn prefetch_node(&self, node: u32) {
        let node = node as usize;
        self.nodes[node].prefetch();
        self.devices[node].prefetch();
        fetch(&self.draws[node]);
    }
}
