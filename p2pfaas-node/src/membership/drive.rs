//! Turns the crank: datagrams and alarms in, datagrams and news out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use p2pfaas_core::membership::{Change, MAX_DATAGRAM, Member, Membership, MembershipEffects};
use p2pfaas_core::{Event, PeerLoad, Time};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Gossip, join};
use crate::shared::Shared;

/// After an error of the socket, which may come again at once.
const AFTER_ERROR: Duration = Duration::from_millis(50);

/// The sink of effects: datagrams go at once, news when the lock is free again.
pub(super) struct Post<'a> {
    gossip: &'a Gossip,
    changes: Vec<(Option<String>, SocketAddr, Change)>,
    loads: Vec<(String, PeerLoad, Duration)>,
}

impl MembershipEffects for Post<'_> {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        let sealed = self.gossip.envelope.seal(datagram);
        if self.gossip.socket.try_send_to(&sealed, to).is_err() {
            self.gossip.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wake_at(&mut self, at: Time) {
        self.gossip.wake_at_nanos.store(at.as_nanos(), Ordering::Release);
        self.gossip.wake_changed.notify_one();
    }

    fn changed(&mut self, member: &Member, change: Change) {
        let scheduler = member.metadata.as_ref().map(|metadata| metadata.scheduler.clone());
        self.changes.push((scheduler, member.identity.address, change));
    }

    fn heard(&mut self, member: &Member, load: PeerLoad, age: Duration) {
        if let Some(metadata) = &member.metadata {
            self.loads.push((metadata.scheduler.clone(), load, age));
        }
    }
}

impl<'a> Post<'a> {
    pub(super) fn new(gossip: &'a Gossip) -> Self {
        Post { gossip, changes: Vec::new(), loads: Vec::new() }
    }

    /// Tells the scheduler. Not while the member's lock is held.
    pub(super) fn deliver(self, shared: &Shared) {
        let mut peers_changed = false;
        for (scheduler, address, change) in &self.changes {
            match change {
                Change::Suspected => tracing::debug!(%address, "a member is suspected"),
                Change::Trusted => tracing::debug!(%address, "a member is trusted again"),
                change => tracing::info!(%address, ?change, "a member"),
            }
            let Some(scheduler) = scheduler else { continue };
            match change {
                Change::Suspected => shared.suspect(scheduler, true),
                Change::Trusted => shared.suspect(scheduler, false),
                Change::Down => {
                    self.gossip.answering.lock().remove(scheduler);
                    shared.discovery.silent(scheduler);
                    peers_changed = true;
                }
                Change::Up | Change::Metadata => {
                    shared.suspect(scheduler, false);
                    peers_changed = true;
                }
            }
        }
        if peers_changed {
            shared.peers_changed();
        }
        if !self.loads.is_empty() {
            let told: Vec<_> = shared.engine.read(|node| {
                let loads = self.loads.into_iter();
                loads
                    .filter_map(|(name, load, age)| Some((node.peers().by_name(&name)?, load, age)))
                    .collect()
            });
            shared.engine.notice(Event::Told(told));
        }
    }
}

/// Runs as long as the node.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(gossip) = &shared.gossip else { return };
    step(&shared, gossip, |machine, now, post| machine.timer(now, post));
    tokio::join!(receive(&shared, gossip), keep_time(&shared, gossip), join::join(shared.clone()));
}

async fn receive(shared: &Shared, gossip: &Gossip) {
    let mut bytes = [0; MAX_DATAGRAM + 1];
    loop {
        let Ok((length, _)) = gossip.socket.recv_from(&mut bytes).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let datagram = bytes.get(..length).filter(|sealed| sealed.len() <= MAX_DATAGRAM);
        match datagram.and_then(|sealed| gossip.envelope.open(sealed)) {
            Some(datagram) => {
                step(shared, gossip, |machine, now, post| machine.datagram(now, &datagram, post));
            }
            None => {
                gossip.unsealed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

async fn keep_time(shared: &Shared, gossip: &Gossip) {
    loop {
        let at = Duration::from_nanos(gossip.wake_at_nanos.load(Ordering::Acquire));
        let due = gossip.origin.checked_add(at).map(tokio::time::Instant::from_std);
        let Some(due) = due else {
            gossip.wake_changed.notified().await;
            continue;
        };
        tokio::select! {
            () = gossip.wake_changed.notified() => {}
            () = tokio::time::sleep_until(due) => {
                step(shared, gossip, |machine, now, post| machine.timer(now, post));
            }
        }
    }
}

/// One turn. The member knows this node's load and size of that moment.
fn step(
    shared: &Shared,
    gossip: &Gossip,
    act: impl FnOnce(&mut Membership<Xoshiro256PlusPlus>, Time, &mut Post<'_>),
) {
    let (load, capacity) = shared.engine.read(|node| {
        let slots = node.slots();
        let capacity = slots.capacity();
        let load = PeerLoad { running: slots.running(), queued: slots.queued(), slots: capacity.slots };
        (load, capacity)
    });
    let mut post = Post::new(gossip);
    let mut machine = gossip.machine.lock();
    machine.set_load(load);
    {
        let mut metadata = gossip.metadata.lock();
        if (metadata.slots, metadata.queue) != (capacity.slots, capacity.queue) {
            (metadata.slots, metadata.queue) = (capacity.slots, capacity.queue);
            // Two numbers more or less are never too long.
            let _ = machine.update_metadata(metadata.clone());
        }
    }
    act(&mut machine, gossip.now(), &mut post);
    drop(machine);
    post.deliver(shared);
}
