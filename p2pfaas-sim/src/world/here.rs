//! A job at a node.

use std::num::NonZeroU16;

use p2pfaas_core::JobKey;

use crate::arrivals::Arrival;

/// A job at a node, from its arrival there until its answer. There are many, at nodes that are far apart in
/// memory: it fills one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Here {
    pub key: JobKey,
    /// The node that sent it and its key there; `None`: a client.
    pub from: Option<Sender>,
    /// What it takes at speed 1, seconds.
    pub demand_s: f64,
    pub hops: u32,
    pub task_type: u16,
    /// Whether it has begun to run here.
    pub runs: bool,
    /// Whether it arrived with its demand.
    demand_known: bool,
    number: u64,
    at_s: f64,
    node: u32,
    payload: u32,
}

/// Who waits for a job's answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub node: u32,
    pub life: Life,
    pub key: JobKey,
}

/// Counts a node's restarts, so that what was meant for the node before its failure is not taken for this one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life(NonZeroU16);

impl Life {
    pub const FIRST: Life = Life(NonZeroU16::MIN);

    pub fn next(self) -> Life {
        Life(self.0.checked_add(1).unwrap_or(NonZeroU16::MIN))
    }
}

impl Here {
    /// A client's job, which takes so many seconds at speed 1.
    #[inline]
    pub fn of(arrival: &Arrival, demand_s: f64) -> Self {
        let Arrival { number, at_s, node, task_type, payload, service_s } = *arrival;
        Here {
            key: JobKey::NOBODY,
            from: None,
            demand_s,
            hops: 0,
            task_type,
            runs: false,
            demand_known: service_s.is_some(),
            number,
            at_s,
            node,
            payload,
        }
    }

    /// How it came to its first node.
    #[inline]
    pub fn arrival(&self) -> Arrival {
        Arrival {
            number: self.number,
            at_s: self.at_s,
            node: self.node,
            task_type: self.task_type,
            payload: self.payload,
            service_s: self.demand_known.then_some(self.demand_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_fills_one_line_and_tells_how_it_came() {
        assert_eq!(size_of::<Option<Here>>(), 64);
        let known =
            Arrival { number: 7, at_s: -1.5, node: 3, task_type: 2, payload: 9, service_s: Some(0.25) };
        assert_eq!(Here::of(&known, 0.25).arrival(), known);
        let unknown = Arrival { service_s: None, ..known };
        assert_eq!(Here::of(&unknown, 0.5).arrival(), unknown);
    }

    #[test]
    fn a_life_is_followed_by_another_one() {
        assert_ne!(Life::FIRST.next(), Life::FIRST);
        assert_eq!(Life(NonZeroU16::MAX).next(), Life::FIRST);
    }
}
