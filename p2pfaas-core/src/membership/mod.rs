//! Who else is there, and who has failed: SWIM with suspicion and incarnations, without I/O.
//!
//! [`foca`] is the failure detector. Around it is what the scheduler needs: what a member is ([`Metadata`], asked for
//! when it comes or has changed), its load (with every datagram that is sent anyway, and those of a few others), bounds
//! for all of it, and a table that says what has changed. Like the [`Node`](crate::Node) it opens no socket and reads
//! no clock: a driver passes in datagrams and moments, and carries out what the [`MembershipEffects`] say.
//!
//! Of Lifeguard, foca has nothing. Two parts of it are here: whoever suspects a member tells it so with all that it
//! sends to it; and a member that has been standing still itself, which it sees when it is woken late, gives all others
//! as much more time. A suspicion that is shorter the more members share it is not.

mod codec;
mod config;
mod exchange;
mod frame;
mod identity;
mod members;
mod metadata;
mod outbox;
#[cfg(test)]
mod tests;
mod timers;

use std::net::SocketAddr;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use crate::Time;
use crate::peers::PeerLoad;
use codec::Witness;
use config::{FAREWELLS, MIN_LIFE};
pub use config::{MAX_DATAGRAM, MAX_FRAME, MAX_MEMBERS, MAX_SEAL, MembershipConfig};
use frame::{Body, Frame};
pub use identity::Identity;
use members::Members;
pub use members::{Change, Member, MemberState};
pub use metadata::{MAX_FUNCTION_BYTES, MAX_FUNCTIONS, MAX_LABEL, MAX_SCHEDULER, Metadata, TooLong};
use outbox::Outbox;
use timers::Timers;

/// A driver's sink for effects.
pub trait MembershipEffects {
    /// Send this datagram, of at most [`MAX_FRAME`] bytes.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);
    /// Call [`Membership::timer`] at that moment. A later word replaces an earlier one.
    fn wake_at(&mut self, at: Time);
    /// Something has become of a member.
    fn changed(&mut self, member: &Member, change: Change);
    /// A member's load has been told, or heard of from another; it was so `age` ago.
    fn heard(&mut self, member: &Member, load: PeerLoad, age: Duration);
}

/// Counts since the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MembershipCounters {
    /// Datagrams that came.
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Datagrams that are not of this protocol, or cannot be right.
    pub refused: u64,
    /// Datagrams of this protocol, from nobody who is known.
    pub strangers: u64,
    /// Probes that nobody answered, neither directly nor through others.
    pub probes_failed: u64,
    /// Members that have become suspected.
    pub suspicions: u64,
    /// Members that have been declared dead, or have left.
    pub deaths: u64,
    /// Lives that this member has begun since it was declared dead itself.
    pub lives: u64,
    /// Times that this member was woken so late that it gave others more time.
    pub stalls: u64,
    /// News of members beyond [`MAX_MEMBERS`].
    pub passed_over: u64,
}

/// One member of the cluster. `R` is the generator of its random choices.
pub struct Membership<R: Rng> {
    foca: foca::Foca<Identity, Witness, R, foca::NoCustomBroadcast>,
    witness: Witness,
    rng: R,
    config: MembershipConfig,
    me: Identity,
    /// When it began a life since somebody spoke of a later one.
    overtook: Option<Time>,
    metadata: Metadata,
    version: u32,
    load: PeerLoad,
    /// What others were told at the last gossip, and whether there is more to tell than load.
    gossiped: Option<PeerLoad>,
    next_gossip: Time,
    asked_at_once: usize,
    members: Members,
    timers: Timers,
    alarm: Option<Time>,
    left: bool,
    counters: MembershipCounters,
}

impl<R: Rng + SeedableRng> Membership<R> {
    /// A member that knows nobody. Call [`timer`](Self::timer) once to begin.
    ///
    /// # Errors
    /// Metadata that does not fit into a datagram.
    pub fn new(
        now: Time,
        me: Identity,
        metadata: Metadata,
        config: MembershipConfig,
        mut rng: R,
    ) -> Result<Self, TooLong> {
        metadata.check()?;
        let witness = Witness::new(me);
        let its_rng = R::seed_from_u64(rng.next_u64());
        Ok(Membership {
            foca: foca::Foca::new(me, config.foca(1), its_rng, witness.clone()),
            witness,
            rng,
            me,
            overtook: None,
            metadata,
            version: 1,
            load: PeerLoad::default(),
            gossiped: None,
            next_gossip: now + config.gossip_interval,
            asked_at_once: 0,
            members: Members::default(),
            timers: Timers::default(),
            alarm: None,
            left: false,
            counters: MembershipCounters::default(),
            config,
        })
    }

    /// This member, in its present life.
    pub fn identity(&self) -> Identity {
        self.me
    }

    /// All others that are known, dead ones included, in the order of their addresses.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// The member at this address.
    pub fn member(&self, address: SocketAddr) -> Option<&Member> {
        self.members.get(address)
    }

    /// Members that are not dead, this one left out.
    pub fn active(&self) -> usize {
        self.members.active().len()
    }

    /// Counts since the beginning.
    pub fn counters(&self) -> MembershipCounters {
        MembershipCounters { passed_over: self.witness.seen().passed_over, ..self.counters }
    }

    /// This member's load, as the next datagrams tell it.
    pub fn set_load(&mut self, load: PeerLoad) {
        self.load = load;
    }

    /// Says hello to whoever is at this address.
    pub fn join(&mut self, now: Time, address: SocketAddr, fx: &mut impl MembershipEffects) {
        let someone = Identity::anyone_at(address);
        if self.left || address == self.me.address || !someone.is_believable() {
            return;
        }
        let mut outbox = Outbox::new(now, &mut self.timers);
        // It fails only where a header cannot be written, and this one can.
        let _ = self.foca.announce(someone, &mut outbox);
        let posted = outbox.posted();
        self.settle(now, posted, fx);
    }

    /// A datagram has come. What is not a member's is counted and changes nothing.
    pub fn datagram(&mut self, now: Time, bytes: &[u8], fx: &mut impl MembershipEffects) {
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += bytes.len() as u64;
        if self.left {
            return;
        }
        let Ok(Frame { from, to_life, to_suspect, version, load, heard, body }) = Frame::decode(bytes) else {
            self.counters.refused += 1;
            return;
        };
        if from.address == self.me.address {
            self.counters.refused += 1;
            return;
        }
        self.witness.seen().hear_own_life(to_life);
        if let Body::Swim(swim) = body {
            let mut outbox = Outbox::new(now, &mut self.timers);
            let read = self.foca.handle_data(swim, &mut outbox);
            // Lifeguard's buddy system: whoever suspects this member tells it so itself, with all that it sends, so
            // that it can defend itself also where gossip has not come.
            if let Some(incarnation) = to_suspect.filter(|_| to_life == self.me.life) {
                let suspect = foca::Member::new(self.me, incarnation, foca::State::Suspect);
                let _ = self.foca.apply_many(std::iter::once(suspect), false, &mut outbox);
            }
            let posted = outbox.posted();
            self.counters.refused += u64::from(read.is_err());
            self.settle(now, posted, fx);
        } else if self.members.in_this_life(&from).is_none() {
            // Not known yet, or it does not know yet that it is thought dead: the failure detector will tell.
            self.counters.strangers += 1;
            return;
        }
        self.meet(now, &heard, fx);
        self.hear(now, from, version, load, &heard, fx);
        match body {
            Body::Ask => self.tell_metadata(from, fx),
            Body::Metadata(metadata) => {
                let news = self.members.learn(&from, version, *metadata);
                if let Some(member) = self.members.get(from.address).filter(|_| news) {
                    fx.changed(member, Change::Metadata);
                }
            }
            Body::Swim(_) | Body::Loads => {}
        }
        self.set_alarm(fx);
    }

    /// The moment of a [`MembershipEffects::wake_at`] has come.
    pub fn timer(&mut self, now: Time, fx: &mut impl MembershipEffects) {
        if self.left {
            return;
        }
        let late = now.since(self.next_due());
        if late > self.config.probe_interval {
            // While this member stood still it heard no answers: those that have come meanwhile are to be read first.
            self.timers.postpone(late + self.config.probe_timeout);
            self.next_gossip = now;
            self.counters.stalls += 1;
        }
        while let Some(timer) = self.timers.pop(now) {
            // foca would tell also one that has defended itself that it is dead, which would then begin another life.
            if let foca::Timer::ChangeSuspectToDown { member_id, incarnation, .. } = &timer
                && !self.members.is_suspected(member_id, *incarnation)
            {
                continue;
            }
            let forgotten = match &timer {
                foca::Timer::RemoveDown(identity) => Some(*identity),
                _ => None,
            };
            let mut outbox = Outbox::new(now, &mut self.timers);
            // What it complains of here is a probe that was cut short, by a stall or a new life; it goes on.
            let _ = self.foca.handle_timer(timer, &mut outbox);
            let posted = outbox.posted();
            if let Some(identity) = forgotten.filter(|identity| self.members.forget(identity)) {
                self.witness.seen().forget(identity.address);
            }
            self.settle(now, posted, fx);
        }
        if self.next_gossip <= now {
            self.next_gossip = now + self.config.gossip_interval.max(Duration::from_millis(1));
            self.asked_at_once = 0;
            self.gossip_load(now, fx);
            self.ask(now, fx);
        }
        self.set_alarm(fx);
    }

    /// What this member is has changed.
    ///
    /// # Errors
    /// Metadata that does not fit into a datagram; the old one stays.
    pub fn update_metadata(&mut self, metadata: Metadata) -> Result<(), TooLong> {
        metadata.check()?;
        if metadata != self.metadata {
            self.metadata = metadata;
            self.version = self.version.saturating_add(1);
            self.gossiped = None;
        }
        Ok(())
    }

    /// Tells the others that this member goes. Afterwards it does nothing any more.
    pub fn leave(&mut self, now: Time, fx: &mut impl MembershipEffects) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let mut outbox = Outbox::new(now, &mut self.timers);
        let _ = self.foca.leave_cluster(&mut outbox);
        for _ in 1..FAREWELLS {
            let _ = self.foca.gossip(&mut outbox);
        }
        let posted = outbox.posted();
        self.timers = Timers::default();
        self.settle(now, posted, fx);
    }

    /// What foca has done becomes visible: news, datagrams, another life.
    fn settle(&mut self, now: Time, mut posted: outbox::Posted, fx: &mut impl MembershipEffects) {
        if self.me != *self.foca.identity() {
            self.begin_life();
        }
        let (changes, own_life) = {
            let mut seen = self.witness.seen();
            (std::mem::take(&mut seen.changes), seen.own_life)
        };
        let active = self.members.active().len();
        for news in &changes {
            let change = self.members.apply(news);
            self.counters.suspicions += u64::from(change == Some(Change::Suspected));
            self.counters.deaths += u64::from(change == Some(Change::Down));
            if let Some((change, member)) = change.zip(self.members.get(news.id().address)) {
                fx.changed(member, change);
            }
        }
        if self.members.active().len() != active {
            // Only what may be changed is changed: how often news are passed on.
            let _ = self.foca.set_config(self.config.foca(self.members.active().len() + 1));
        }
        // Somebody knows a later life of this address: this one is not believed anywhere before it is later still.
        let may = !self.left && self.overtook.is_none_or(|at| now.since(at) >= MIN_LIFE);
        if own_life > self.me.life
            && may
            && let Some(next) = self.me.after(own_life)
        {
            let mut outbox = Outbox::new(now, &mut self.timers);
            let _ = self.foca.change_identity(next, &mut outbox);
            posted.append(outbox.posted());
            self.overtook = Some(now);
            self.begin_life();
        }
        self.counters.probes_failed += posted.probes_failed;
        for (to, swim) in posted.datagrams {
            self.send(now, to, Body::Swim(&swim), fx);
        }
        self.ask(now, fx);
        self.set_alarm(fx);
    }

    fn begin_life(&mut self) {
        self.me = *self.foca.identity();
        self.counters.lives += 1;
        self.witness.seen().begin_life(self.me);
        self.gossiped = None;
    }

    /// When there is something to do next.
    fn next_due(&self) -> Time {
        self.timers.next_at().map_or(self.next_gossip, |at| at.min(self.next_gossip))
    }

    fn set_alarm(&mut self, fx: &mut impl MembershipEffects) {
        let at = self.next_due();
        if !self.left && self.alarm != Some(at) {
            self.alarm = Some(at);
            fx.wake_at(at);
        }
    }
}
