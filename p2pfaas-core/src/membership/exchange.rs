//! What members tell each other besides who is alive: loads, with every datagram, and what they are.

use std::net::SocketAddr;
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};

use super::config::{ASK_AGAIN, MAX_ASKED_AT_ONCE, MAX_HEARD, MAX_HEARD_AGE};
use super::frame::{Body, Frame, Heard};
use super::outbox::Outbox;
use super::{Identity, MemberState, Membership, MembershipEffects};
use crate::Time;
use crate::peers::PeerLoad;

impl<R: Rng + SeedableRng> Membership<R> {
    /// Takes up the loads of a datagram, and whose metadata has changed.
    pub(super) fn hear(
        &mut self,
        now: Time,
        from: Identity,
        version: u32,
        load: PeerLoad,
        heard: &[Heard],
        fx: &mut impl MembershipEffects,
    ) {
        let own = Heard { whose: from, version, load, age_ms: 0 };
        for Heard { whose, version, load, age_ms } in std::iter::once(&own).chain(heard) {
            self.members.want(whose, *version);
            let age = Duration::from_millis(u64::from(*age_ms));
            let at = now.before(age);
            let Some(member) = self.members.in_this_life(whose).filter(|_| age <= MAX_HEARD_AGE) else {
                continue;
            };
            if member.load.is_none_or(|(_, known)| known < at) {
                member.load = Some((*load, at));
                fx.heard(member, *load, age);
            }
        }
        self.ask(now, fx);
    }

    /// Somebody who has been heard of and is not known is a member, too: of many that start at once the failure
    /// detector's news alone leave out a few.
    pub(super) fn meet(&mut self, now: Time, heard: &[Heard], fx: &mut impl MembershipEffects) {
        let unknown = |heard: &&Heard| {
            let address = heard.whose.address;
            heard.whose.is_believable() && address != self.me.address && self.members.get(address).is_none()
        };
        let new: Vec<Identity> = heard.iter().filter(unknown).map(|heard| heard.whose).collect();
        if new.is_empty() || !self.witness.seen().has_room() {
            return;
        }
        let mut outbox = Outbox::new(now, &mut self.timers);
        let alive = new.into_iter().map(foca::Member::alive);
        let _ = self.foca.apply_many(alive, true, &mut outbox);
        let posted = outbox.posted();
        self.settle(now, posted, fx);
    }

    /// Tells a few members of this one's load when it has changed; they hear of others' loads, too.
    pub(super) fn gossip_load(&mut self, now: Time, fx: &mut impl MembershipEffects) {
        if self.gossiped == Some(self.load) || self.members.active().is_empty() {
            return;
        }
        self.gossiped = Some(self.load);
        let active = self.members.active();
        let mut some = Vec::new();
        while some.len() < self.config.gossip_members.min(active.len()) {
            let address = active[self.rng.random_range(0..active.len())];
            if !some.contains(&address) {
                some.push(address);
            }
        }
        for address in some {
            self.send(now, address, Body::Loads, fx);
        }
    }

    /// Asks those of whom it is not known what they are.
    pub(super) fn ask(&mut self, now: Time, fx: &mut impl MembershipEffects) {
        let left = MAX_ASKED_AT_ONCE.saturating_sub(self.asked_at_once);
        if left == 0 || self.left {
            return;
        }
        let ask = self.members.whom_to_ask(now, left, ASK_AGAIN);
        self.asked_at_once += ask.len();
        for identity in ask {
            self.send(now, identity.address, Body::Ask, fx);
        }
    }

    pub(super) fn tell_metadata(&mut self, to: Identity, fx: &mut impl MembershipEffects) {
        let metadata = Body::Metadata(Box::new(self.metadata.clone()));
        self.post(to.address, metadata, Vec::new(), fx);
    }

    pub(super) fn send(
        &mut self,
        now: Time,
        to: SocketAddr,
        body: Body<'_>,
        fx: &mut impl MembershipEffects,
    ) {
        let heard = self.some_loads(now, to);
        self.post(to, body, heard, fx);
    }

    fn post(&mut self, to: SocketAddr, body: Body<'_>, heard: Vec<Heard>, fx: &mut impl MembershipEffects) {
        if to == self.me.address {
            return;
        }
        // So that one that is started again with a clock that goes behind finds a life that is believed.
        let member = self.members.get(to);
        let to_life = member.map_or(0, |member| member.identity.life);
        let suspected = member.filter(|member| member.state == MemberState::Suspected);
        let to_suspect = suspected.map(|member| member.incarnation);
        let Self { me: from, version, load, .. } = *self;
        let mut frame = Frame { from, to_life, to_suspect, version, load, heard, body };
        let bytes = frame.encode().or_else(|| {
            frame.heard.clear();
            frame.encode()
        });
        if let Some(bytes) = bytes {
            self.counters.datagrams_out += 1;
            self.counters.bytes_out += bytes.len() as u64;
            fx.send(to, &bytes);
        }
    }

    /// Loads of a few others, from a random one on.
    fn some_loads(&mut self, now: Time, to: SocketAddr) -> Vec<Heard> {
        let active = self.members.active();
        if active.is_empty() {
            return Vec::new();
        }
        let first = self.rng.random_range(0..active.len());
        let others = active[first..].iter().chain(&active[..first]).filter(|address| **address != to);
        others
            .take(MAX_HEARD)
            .filter_map(|address| {
                let member = self.members.get(*address)?;
                let (load, at) = member.load?;
                let age = now.since(at);
                // Rounded up: it is never said to be newer than it is.
                let age_ms = u32::try_from(age.as_micros().div_ceil(1_000)).ok()?;
                (age <= MAX_HEARD_AGE).then_some(Heard {
                    whose: member.identity,
                    version: member.known_version(),
                    load,
                    age_ms,
                })
            })
            .collect()
    }
}
