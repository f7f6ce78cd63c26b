//! What foca wants done during one call.

use std::net::SocketAddr;
use std::time::Duration;

use foca::{Notification, Timer};

use super::identity::Identity;
use super::timers::Timers;
use crate::Time;

/// foca's runtime: notes of what is to be sent, timers that are set at once.
pub(super) struct Outbox<'a> {
    now: Time,
    timers: &'a mut Timers,
    posted: Posted,
}

/// What was to be sent.
#[derive(Debug, Default)]
pub(super) struct Posted {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub probes_failed: u64,
}

impl Posted {
    pub(super) fn append(&mut self, more: Posted) {
        self.datagrams.extend(more.datagrams);
        self.probes_failed += more.probes_failed;
    }
}

impl<'a> Outbox<'a> {
    pub(super) fn new(now: Time, timers: &'a mut Timers) -> Self {
        Outbox { now, timers, posted: Posted::default() }
    }

    pub(super) fn posted(self) -> Posted {
        self.posted
    }
}

impl foca::Runtime<Identity> for Outbox<'_> {
    fn notify(&mut self, notification: Notification<'_, Identity>) {
        // Who comes and goes is seen as it is written, see `codec`.
        if let Notification::ProbeFailed(..) = notification {
            self.posted.probes_failed += 1;
        }
    }

    fn send_to(&mut self, to: Identity, data: &[u8]) {
        self.posted.datagrams.push((to.address, data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Identity>, after: Duration) {
        self.timers.set(self.now + after, event);
    }
}
