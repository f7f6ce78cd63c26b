//! Datagrams, as a socket brings them: one after the other to a member that already knows another one.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_core::membership::{
    Change, Identity, MAX_DATAGRAM, MAX_FRAME, MAX_MEMBERS, Member, Membership, MembershipConfig,
    MembershipEffects, Metadata,
};
use p2pfaas_core::{NodeId, PeerLoad, Time};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

use crate::membership::Envelope;
use crate::security::SecuritySettings;

/// Datagrams of one input.
const MOST: usize = 16;

/// Any number of datagrams: before each its length in two bytes, the lesser first, and in a third the time before it,
/// in tenths of a second. Each comes as it is to a node with a key, sealed to the same node, and in clear to one without.
pub fn gossip(bytes: &[u8]) {
    let sealed =
        Envelope::new(&SecuritySettings { key: super::KEY.parse().ok(), ..SecuritySettings::default() });
    let clear = Envelope::new(&SecuritySettings::default());
    let Some(mut member) = Fuzzed::new() else { return };
    let mut rest = bytes;
    for _ in 0..MOST {
        let Some(([low, high, tenths], after)) = rest.split_first_chunk() else { return };
        let (datagram, after) = after.split_at(after.len().min(u16::from_le_bytes([*low, *high]).into()));
        rest = after;
        member.pass(Duration::from_millis(100 * u64::from(*tenths)));
        assert_eq!(sealed.open(datagram), None, "nobody has sealed it");
        assert_eq!(clear.open(datagram).as_deref(), Some(datagram));
        let opened = sealed.open(&sealed.seal(datagram));
        assert_eq!(opened.as_deref(), Some(datagram));
        member.receive(datagram);
    }
}

/// A member under test.
struct Fuzzed {
    member: Membership<Xoshiro256PlusPlus>,
    now: Time,
    sink: Sink,
}

#[derive(Default)]
struct Sink {
    wake_at: Option<Time>,
}

impl MembershipEffects for Sink {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        assert!(datagram.len() <= MAX_FRAME && to.port() != 0);
    }
    fn wake_at(&mut self, at: Time) {
        self.wake_at = Some(at);
    }
    fn changed(&mut self, _: &Member, _: Change) {}
    fn heard(&mut self, _: &Member, _: PeerLoad, _: Duration) {}
}

impl Fuzzed {
    fn new() -> Option<Self> {
        let me = Identity { address: ([10, 0, 0, 1], 18080).into(), life: 1_000 };
        let metadata = Metadata {
            machine_id: "machine-1".into(),
            node: NodeId(1),
            scheduler: "10.0.0.1:18080".into(),
            slots: 4,
            ..Metadata::default()
        };
        let rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let config = MembershipConfig::default();
        let member = Membership::new(Time::ZERO, me, metadata, config, rng).ok()?;
        let mut fuzzed = Fuzzed { member, now: Time::ZERO, sink: Sink::default() };
        fuzzed.member.timer(fuzzed.now, &mut fuzzed.sink);
        fuzzed.member.join(fuzzed.now, ([10, 0, 0, 2], 18080).into(), &mut fuzzed.sink);
        Some(fuzzed)
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.sink.wake_at.filter(|at| *at <= end) {
            self.sink.wake_at = None;
            self.now = self.now.max(at);
            self.member.timer(self.now, &mut self.sink);
        }
        self.now = end;
    }

    fn receive(&mut self, datagram: &[u8]) {
        if datagram.len() > MAX_DATAGRAM {
            return;
        }
        self.member.datagram(self.now, datagram, &mut self.sink);
        let members = self.member.members().count();
        assert!(members <= MAX_MEMBERS && self.member.active() <= members);
        let own = self.member.identity().address;
        assert!(self.member.members().all(|member| member.identity.address != own));
    }
}
