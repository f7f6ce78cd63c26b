//! When foca wants to be woken for what.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use super::identity::Identity;
use crate::Time;

type Timer = foca::Timer<Identity>;

/// A moment, and a number so that two at one moment keep their order.
type Due = (Time, u64);

/// What is to come. It holds little more than one entry a member: of the moments at which a dead member is forgotten
/// only the last one is kept.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<Due, Timer>,
    forget: HashMap<SocketAddr, Due>,
    next: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Time, timer: Timer) {
        let due = (at, self.next);
        self.next += 1;
        if let Timer::RemoveDown(identity) = &timer
            && let Some(earlier) = self.forget.insert(identity.address, due)
        {
            self.due.remove(&earlier);
        }
        self.due.insert(due, timer);
    }

    pub(super) fn next_at(&self) -> Option<Time> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn pop(&mut self, now: Time) -> Option<Timer> {
        let first = self.due.first_entry().filter(|first| first.key().0 <= now)?;
        let (due, timer) = first.remove_entry();
        if let Timer::RemoveDown(identity) = &timer
            && self.forget.get(&identity.address) == Some(&due)
        {
            self.forget.remove(&identity.address);
        }
        Some(timer)
    }

    /// Time has stood still for so long: all is due later by it, in the same order.
    pub(super) fn postpone(&mut self, span: Duration) {
        self.due = std::mem::take(&mut self.due)
            .into_iter()
            .map(|((at, number), timer)| ((at + span, number), timer))
            .collect();
        for (at, _) in self.forget.values_mut() {
            *at = *at + span;
        }
    }
}
