//! A few members that hear each other at once. Loss, latency and many members are in `p2pfaas-sim`.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::*;
use crate::job::NodeId;

type Rand = Xoshiro256PlusPlus;

fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 18080))
}

fn metadata(number: u8) -> Metadata {
    Metadata {
        machine_id: format!("machine-{number}"),
        node: NodeId(number.into()),
        scheduler: format!("10.0.0.{number}:18080"),
        slots: 4,
        ..Metadata::default()
    }
}

#[derive(Default)]
struct Sink {
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    wake: Option<Time>,
    changes: Vec<(SocketAddr, Change)>,
    heard: BTreeMap<SocketAddr, (PeerLoad, Duration)>,
}

impl MembershipEffects for Sink {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.out.push_back((to, datagram.to_vec()));
    }
    fn wake_at(&mut self, at: Time) {
        self.wake = Some(at);
    }
    fn changed(&mut self, member: &Member, change: Change) {
        self.changes.push((member.identity.address, change));
    }
    fn heard(&mut self, member: &Member, load: PeerLoad, age: Duration) {
        self.heard.insert(member.identity.address, (load, age));
    }
}

struct Net {
    now: Time,
    members: BTreeMap<SocketAddr, (Membership<Rand>, Sink)>,
}

impl Net {
    fn of(count: u8) -> Net {
        let mut net = Net { now: at(0), members: BTreeMap::new() };
        for number in 1..=count {
            net.start(number, 1_000);
            net.with(number, |member, now, sink| member.join(now, address(1), sink));
        }
        net
    }

    fn start(&mut self, number: u8, life: u64) {
        let me = Identity { address: address(number), life };
        let rng = Rand::seed_from_u64(u64::from(number) + life);
        let member = Membership::new(self.now, me, metadata(number), MembershipConfig::default(), rng);
        self.members.insert(address(number), (member.expect("short"), Sink::default()));
        self.with(number, |member, now, sink| member.timer(now, sink));
    }

    fn with<T>(&mut self, number: u8, act: impl FnOnce(&mut Membership<Rand>, Time, &mut Sink) -> T) -> T {
        let (member, sink) = self.members.get_mut(&address(number)).expect("there");
        let done = act(member, self.now, sink);
        self.deliver();
        done
    }

    fn deliver(&mut self) {
        loop {
            let post: Vec<_> = self.members.values_mut().flat_map(|(_, sink)| sink.out.drain(..)).collect();
            if post.is_empty() {
                return;
            }
            for (to, bytes) in post {
                assert!(bytes.len() <= MAX_FRAME);
                if let Some((member, sink)) = self.members.get_mut(&to) {
                    member.datagram(self.now, &bytes, sink);
                }
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.members.iter().filter_map(|(who, (_, sink))| Some((sink.wake?, *who))).min();
            let Some((wake, who)) = next.filter(|(wake, _)| *wake <= end) else { break };
            self.now = self.now.max(wake);
            let (member, sink) = self.members.get_mut(&who).expect("there");
            sink.wake = None;
            member.timer(self.now, sink);
            // A late call sets the alarm anew, also for the same moment.
            self.deliver();
        }
        self.now = end;
    }

    fn changes(&mut self, number: u8) -> Vec<(SocketAddr, Change)> {
        std::mem::take(&mut self.members.get_mut(&address(number)).expect("there").1.changes)
    }

    fn states(&self, number: u8) -> Vec<(SocketAddr, MemberState)> {
        let member = &self.members[&address(number)].0;
        member.members().map(|member| (member.identity.address, member.state)).collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn members_that_know_one_address_find_all_and_what_they_are() {
    let mut net = Net::of(5);
    net.pass(2 * SECOND);
    for number in 1..=5 {
        let member = &net.members[&address(number)].0;
        let known: Vec<_> = member.members().map(|member| member.metadata.as_deref().cloned()).collect();
        let others: Vec<_> =
            (1..=5).filter(|other| *other != number).map(|other| Some(metadata(other))).collect();
        assert_eq!(known, others);
        assert_eq!(member.active(), 4);
        assert_eq!(member.counters().refused, 0);
    }
}

#[test]
fn one_that_falls_silent_is_suspected_and_then_dead_and_one_that_leaves_is_dead_at_once() {
    let mut net = Net::of(4);
    net.pass(2 * SECOND);
    for number in 1..=4 {
        net.changes(number);
    }
    net.members.remove(&address(4));
    net.pass(3 * SECOND);
    assert_eq!(net.changes(1), [(address(4), Change::Suspected)]);
    assert_eq!(net.members[&address(1)].0.active(), 3, "not yet dead");
    net.pass(7 * SECOND);
    assert_eq!(net.changes(1), [(address(4), Change::Down)]);

    net.with(3, |member, now, sink| member.leave(now, sink));
    net.pass(Duration::from_millis(1));
    assert_eq!(net.changes(1), [(address(3), Change::Down)]);
    assert_eq!(net.changes(2).last(), Some(&(address(3), Change::Down)));
    net.pass(20 * SECOND);
    assert!(net.with(3, |member, _, _| member.members().count() == 3), "it does nothing any more");
    assert_eq!(net.states(1).iter().filter(|(_, state)| *state == MemberState::Alive).count(), 1);
}

#[test]
fn a_member_that_is_started_again_is_the_same_member_also_when_its_clock_went_back() {
    for life in [2_000, 10] {
        let mut net = Net::of(3);
        net.pass(2 * SECOND);
        net.start(3, life);
        net.with(3, |member, now, sink| member.join(now, address(1), sink));
        net.pass(5 * SECOND);
        for number in 1..=3 {
            let alive = net.states(number).iter().filter(|(_, state)| *state == MemberState::Alive).count();
            assert_eq!(alive, 2, "{number} after a start as {life}");
        }
        let started = &net.members[&address(3)].0;
        assert!(started.identity().life > 1_000);
        assert!(started.counters().lives < 5, "it finds the life that is believed at once");
    }
}

#[test]
fn changed_metadata_and_loads_come_to_all_with_their_age() {
    let mut net = Net::of(4);
    net.pass(2 * SECOND);
    let changed = Metadata { slots: 9, ..metadata(2) };
    let load = PeerLoad { running: 3, queued: 1, slots: 9 };
    net.with(2, |member, _, _| {
        member.update_metadata(changed.clone()).expect("short");
        member.set_load(load);
    });
    net.pass(2 * SECOND);
    for number in [1, 3, 4] {
        let now = net.now;
        let member = net.members[&address(number)].0.member(address(2)).expect("known");
        assert_eq!(member.metadata.as_deref(), Some(&changed));
        let (told, learned) = member.load.expect("told");
        assert_eq!(told, load);
        assert!(now.since(learned) < 2 * SECOND);
        assert_eq!(net.members[&address(number)].1.heard[&address(2)].0, load);
    }
}

#[test]
fn one_that_stood_still_suspects_nobody_for_it() {
    let mut net = Net::of(3);
    net.pass(2 * SECOND);
    let (mut member, mut sink) = net.members.remove(&address(1)).expect("there");
    sink.changes.clear();
    net.now = net.now + 30 * SECOND;
    member.timer(net.now, &mut sink);
    assert_eq!((sink.changes.len(), member.counters().stalls), (0, 1));
    assert!(sink.wake.expect("an alarm") > net.now);
}

#[test]
fn an_address_of_the_cluster_that_stands_for_nobody_is_not_spoken_to() {
    let mut net = Net::of(1);
    for to in ["0.0.0.0:1", "10.0.0.9:0", "10.0.0.1:18080"] {
        let (member, sink) = net.members.get_mut(&address(1)).expect("there");
        member.join(at(0), to.parse().expect("an address"), sink);
        assert_eq!(sink.out.len(), 0, "{to}");
    }
}

/// Datagrams as they go between members, to be spoilt.
fn real_datagrams() -> Vec<Vec<u8>> {
    let mut net = Net::of(3);
    net.pass(SECOND);
    let (member, sink) = net.members.get_mut(&address(1)).expect("there");
    for _ in 0..20 {
        let next = sink.wake.take();
        member.timer(next.unwrap_or(net.now), sink);
    }
    member.join(net.now, address(2), sink);
    sink.out.drain(..).map(|(_, bytes)| bytes).collect()
}

proptest! {
    #[test]
    fn garbage_and_spoilt_datagrams_change_nothing_but_a_count(
        which: prop::sample::Index,
        spoilt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut: prop::sample::Index,
        garbage in prop::collection::vec(any::<u8>(), 0..1_600),
    ) {
        let mut net = Net::of(3);
        net.pass(SECOND);
        let datagrams = real_datagrams();
        let mut bytes = which.get(&datagrams).clone();
        for (place, value) in spoilt {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let before = net.members[&address(2)].0.counters();
        net.with(2, |member, now, sink| {
            member.datagram(now, &bytes, sink);
            member.datagram(now, &garbage, sink);
        });
        net.pass(SECOND);
        let after = net.members[&address(2)].0.counters();
        prop_assert!(after.datagrams_in >= before.datagrams_in + 2);
        prop_assert!(after.refused > before.refused, "garbage is counted");
    }
}

#[test]
fn more_members_than_can_be_known_are_passed_over() {
    let mut net = Net::of(1);
    let (member, sink) = net.members.get_mut(&address(1)).expect("there");
    for number in 0..MAX_MEMBERS as u32 + 500 {
        let [_, a, b, c] = number.to_be_bytes();
        let me = Identity { address: SocketAddr::from(([11, a, b, c], 1)), life: 1 };
        let rng = Rand::seed_from_u64(1);
        let other = Membership::new(at(0), me, metadata(1), MembershipConfig::default(), rng);
        let mut hello = Sink::default();
        other.expect("short").join(at(0), address(1), &mut hello);
        member.datagram(at(0), &hello.out[0].1, sink);
    }
    assert_eq!(member.members().count(), MAX_MEMBERS);
    assert_eq!((member.counters().passed_over, member.counters().refused), (500, 500));
}
