//! Where a member sits, and the notes of what it wants done.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_core::membership::{Change, Member, Membership, MembershipEffects};
use p2pfaas_core::{PeerLoad, Time};
use rand_xoshiro::Xoshiro256PlusPlus;

/// An address, and the process there if one runs.
#[derive(Default)]
pub(super) struct Seat {
    pub machine: Option<Membership<Xoshiro256PlusPlus>>,
    pub starts: u64,
    /// Number of the latest alarm.
    pub alarm: u64,
}

#[derive(Default)]
pub(super) struct Sink {
    pub datagrams: Vec<(SocketAddr, Vec<u8>)>,
    pub wake: Option<Time>,
    pub changes: Vec<(SocketAddr, Change)>,
}

impl MembershipEffects for Sink {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.datagrams.push((to, datagram.to_vec()));
    }
    fn wake_at(&mut self, at: Time) {
        self.wake = Some(at);
    }
    fn changed(&mut self, member: &Member, change: Change) {
        self.changes.push((member.identity.address, change));
    }
    fn heard(&mut self, _: &Member, _: PeerLoad, _: Duration) {}
}
