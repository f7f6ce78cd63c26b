//! Members of a cluster that look after each other, over a network that loses and delays datagrams and may be parted:
//! [`p2pfaas_core::membership`] in virtual time.

mod seat;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use p2pfaas_core::membership::{
    Change, Identity, MAX_DATAGRAM, Member, MemberState, Membership, MembershipConfig, MembershipCounters,
    Metadata,
};
use p2pfaas_core::{NodeId, PeerLoad, Time};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use slab::Slab;

use crate::calendar::{Calendar, EventCalendar};
use crate::streams::{Purpose, generator};
use seat::{Seat, Sink};

/// Between two hellos of a member that has found nobody yet.
const HELLO_ALONE: Duration = Duration::from_secs(1);
/// Between two hellos of a member that knows others.
const HELLO: Duration = Duration::from_secs(30);

/// Members that can be addressed.
const MAX_MEMBERS: u32 = 1 << 24;

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct GossipScenario {
    /// Members, numbered from 0.
    pub members: u32,
    /// Share of datagrams that are lost, from 0 to 1.
    pub loss: f64,
    /// One way of a datagram takes from the first to the second of these, uniformly.
    pub latency: (Duration, Duration),
    /// The protocol's times.
    pub config: MembershipConfig,
    /// Seed of all that is random.
    pub seed: u64,
}

impl GossipScenario {
    /// Members with the default times in a LAN: 0.2 to 2 ms one way, nothing lost.
    pub fn lan(members: u32, seed: u64) -> Self {
        GossipScenario {
            members,
            loss: 0.0,
            latency: (Duration::from_micros(200), Duration::from_millis(2)),
            config: MembershipConfig::default(),
            seed,
        }
    }
}

/// Something that a member has noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noticed {
    /// When.
    pub at: Time,
    /// Who noticed it.
    pub by: u32,
    /// About whom.
    pub about: u32,
    /// What.
    pub change: Change,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A member's alarm, if it is still its latest one.
    Wake { member: u32, alarm: u64 },
    /// A datagram arrives.
    Arrive { datagram: usize },
    /// A member says hello again to the one that it was told of, as a driver does.
    Hello { member: u32, start: u64 },
}

/// A cluster under way.
pub struct GossipCluster {
    scenario: GossipScenario,
    now: Time,
    seats: Vec<Seat>,
    calendar: EventCalendar<Event>,
    datagrams: Slab<(u32, Vec<u8>)>,
    network: Xoshiro256PlusPlus,
    /// Which part of a parted network each member is in.
    parts: Option<Vec<u8>>,
    noticed: Vec<Noticed>,
}

impl GossipCluster {
    /// A cluster in which nobody has been started yet.
    pub fn new(scenario: GossipScenario) -> Self {
        let members = scenario.members.min(MAX_MEMBERS);
        GossipCluster {
            now: Time::ZERO,
            seats: (0..members).map(|_| Seat::default()).collect(),
            calendar: EventCalendar::default(),
            datagrams: Slab::new(),
            network: generator(scenario.seed, Purpose::Network, 0),
            parts: None,
            noticed: Vec::new(),
            scenario,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What has been noticed since this was asked last.
    pub fn take_noticed(&mut self) -> Vec<Noticed> {
        std::mem::take(&mut self.noticed)
    }

    /// Starts all members at once.
    pub fn start_all(&mut self) {
        for member in 0..self.seats.len() as u32 {
            self.start(member);
        }
    }

    /// Starts a member, or starts it again: a new process at the same address. It knows the address of the first
    /// member, the first one that of the second.
    pub fn start(&mut self, member: u32) {
        let starts = self.seats[member as usize].starts;
        let me = Identity { address: address_of(member), life: 1 + self.now.as_nanos() / 1_000_000 + starts };
        let rng = generator(self.scenario.seed, Purpose::Membership, u64::from(member) << 16 | starts);
        let metadata = Metadata {
            machine_id: format!("m{member}"),
            node: NodeId(u64::from(member)),
            scheduler: me.address.to_string(),
            slots: 4,
            queue: 4,
            ..Metadata::default()
        };
        let Ok(machine) = Membership::new(self.now, me, metadata, self.scenario.config.clone(), rng) else {
            unreachable!("these metadata are short");
        };
        let seat = &mut self.seats[member as usize];
        seat.starts += 1;
        seat.machine = Some(machine);
        let start = seat.starts;
        self.with(member, |machine, now, sink| machine.timer(now, sink));
        self.calendar.push(self.now, Event::Hello { member, start });
    }

    fn hello(&mut self, member: u32, start: u64) {
        let seat = &self.seats[member as usize];
        let Some(machine) = seat.machine.as_ref().filter(|_| seat.starts == start) else { return };
        let again = if machine.active() == 0 { HELLO_ALONE } else { HELLO };
        let to = address_of(u32::from(member == 0));
        self.with(member, |machine, now, sink| machine.join(now, to, sink));
        self.calendar.push(self.now + again, Event::Hello { member, start });
    }

    /// A member is gone without a word.
    pub fn crash(&mut self, member: u32) {
        self.seats[member as usize].machine = None;
    }

    /// A member says farewell and is gone.
    pub fn leave(&mut self, member: u32) {
        self.with(member, |machine, now, sink| machine.leave(now, sink));
        self.crash(member);
    }

    /// Sets a member's load.
    pub fn set_load(&mut self, member: u32, load: PeerLoad) {
        self.with(member, |machine, _, _| machine.set_load(load));
    }

    /// Parts the network: members reach only those of the same number. `None` heals it.
    pub fn part(&mut self, part_of: Option<&dyn Fn(u32) -> u8>) {
        self.parts = part_of.map(|part_of| (0..self.seats.len() as u32).map(part_of).collect());
    }

    /// Lets time pass until `end`.
    pub fn run_until(&mut self, end: Time) {
        while self.calendar.next_at().is_some_and(|at| at <= end) {
            let Some((at, event)) = self.calendar.pop() else { break };
            self.now = at;
            match event {
                Event::Wake { member, alarm } if self.seats[member as usize].alarm == alarm => {
                    self.with(member, |machine, now, sink| machine.timer(now, sink));
                }
                Event::Wake { .. } => {}
                Event::Hello { member, start } => self.hello(member, start),
                Event::Arrive { datagram } => {
                    let (to, bytes) = self.datagrams.remove(datagram);
                    self.with(to, |machine, now, sink| machine.datagram(now, &bytes, sink));
                }
            }
        }
        self.now = self.now.max(end);
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    /// Whether a member runs.
    pub fn is_up(&self, member: u32) -> bool {
        self.seats[member as usize].machine.is_some()
    }

    /// How one member sees another.
    pub fn view(&self, by: u32, about: u32) -> Option<&Member> {
        self.seats[by as usize].machine.as_ref()?.member(address_of(about))
    }

    /// Whether all that run know all that run as alive, and what they are, and nobody else as alive.
    pub fn agrees(&self) -> bool {
        let up: Vec<u32> = (0..self.seats.len() as u32).filter(|member| self.is_up(*member)).collect();
        up.iter().all(|by| {
            let machine = self.seats[*by as usize].machine.as_ref();
            let alive = |member: &&Member| member.state == MemberState::Alive && member.metadata.is_some();
            machine.is_some_and(|machine| {
                machine.active() + 1 == up.len() && machine.members().filter(alive).count() + 1 == up.len()
            })
        })
    }

    /// A member's counts; zero for one that does not run.
    pub fn counters(&self, member: u32) -> MembershipCounters {
        self.seats[member as usize].machine.as_ref().map(Membership::counters).unwrap_or_default()
    }

    fn with(&mut self, member: u32, act: impl FnOnce(&mut Membership<Xoshiro256PlusPlus>, Time, &mut Sink)) {
        let seat = &mut self.seats[member as usize];
        let Some(machine) = &mut seat.machine else { return };
        let mut sink = Sink::default();
        act(machine, self.now, &mut sink);
        if let Some(at) = sink.wake {
            seat.alarm += 1;
            self.calendar.push(at.max(self.now), Event::Wake { member, alarm: seat.alarm });
        }
        let noticed = |(about, change)| Noticed { at: self.now, by: member, about: number_of(about), change };
        self.noticed.extend(sink.changes.into_iter().map(noticed));
        for (to, bytes) in sink.datagrams {
            self.carry(member, number_of(to), bytes);
        }
    }

    fn carry(&mut self, from: u32, to: u32, bytes: Vec<u8>) {
        assert!(bytes.len() <= MAX_DATAGRAM, "a datagram of {} bytes", bytes.len());
        let lost = self.network.random_bool(self.scenario.loss.clamp(0.0, 1.0));
        let parted = self.parts.as_ref().is_some_and(|parts| parts[from as usize] != parts[to as usize]);
        if lost || parted || to as usize >= self.seats.len() {
            return;
        }
        let (least, most) = self.scenario.latency;
        let latency = self.network.random_range(least..=most.max(least));
        let datagram = self.datagrams.insert((to, bytes));
        self.calendar.push(self.now + latency, Event::Arrive { datagram });
    }
}

/// Members are at 10.x.y.z.
fn address_of(member: u32) -> SocketAddr {
    let [_, a, b, c] = member.to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, a, b, c), p2pfaas_core::wire::PORT))
}

fn number_of(address: SocketAddr) -> u32 {
    match address.ip() {
        IpAddr::V4(ip) => u32::from(ip) & (MAX_MEMBERS - 1),
        IpAddr::V6(_) => MAX_MEMBERS,
    }
}
