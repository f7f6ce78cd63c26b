//! Draws a [`Schedule`] out of a seed.

use std::time::Duration;

use p2pfaas_core::{
    Arrival, Capacity, Event, FunctionId, JobId, NodeConfig, NodeId, PeerId, PeerLoad, PolicyChoice, Source,
    Time, Visited,
};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::policies::Policies;
use super::schedule::{Fault, JobPlan, NodePlan, Schedule, Weather};
use crate::network::{Jitter, Latency, NetworkError, NetworkSpec, Partition, Topology};
use crate::streams::{Purpose, generator};

/// Jobs and changes happen within this time.
const TRAFFIC: Duration = Duration::from_secs(2);

/// One list of peers in so many is longer than a node's table.
const LONG_LIST: f64 = 0.0005;

type Rng = Xoshiro256PlusPlus;

/// The name of a machine; `nodes` of them are ours.
pub(super) fn name(machine: usize, nodes: usize) -> String {
    if machine < nodes { format!("n{machine}") } else { format!("old{}", machine - nodes) }
}

pub(super) fn draw(seed: u64, policies: &Policies<'_>) -> Result<Schedule, NetworkError> {
    let rng = &mut generator(seed, Purpose::Faults, 0);
    let (nodes, old) = (rng.random_range(2..=8_usize), *[0, 0, 0, 1, 2].choose(rng).unwrap_or(&0));
    let names: Vec<_> = (0..nodes + old).map(|machine| name(machine, nodes)).collect();
    let mut draw = Draw { rng, nodes, names, policies, truthful: true, timeouts: true };
    draw.truthful = draw.rng.random_bool(0.75);
    draw.timeouts = draw.rng.random_bool(0.9);
    let network = draw.network(seed)?;
    let peers: Vec<Vec<_>> = (0..nodes).map(|node| network.neighbours(node as u32).collect()).collect();
    Ok(Schedule {
        nodes: peers.iter().enumerate().map(|(node, peers)| draw.node(node, peers)).collect(),
        old: (0..old).map(|_| draw.rng.random()).collect(),
        weather: draw.weather(),
        jobs: draw.jobs(),
        faults: draw.faults(&peers),
        truthful: draw.truthful,
        network,
    })
}

struct Draw<'a> {
    rng: &'a mut Rng,
    nodes: usize,
    names: Vec<String>,
    policies: &'a Policies<'a>,
    truthful: bool,
    /// Jobs have a time-out.
    timeouts: bool,
}

impl Draw<'_> {
    fn ms(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.random_range(range))
    }

    fn moment(&mut self) -> Time {
        Time::from_nanos(self.rng.random_range(0..TRAFFIC.as_nanos() as u64))
    }

    fn any_node(&mut self) -> usize {
        self.rng.random_range(0..self.nodes)
    }

    fn network(&mut self, seed: u64) -> Result<crate::network::Network, NetworkError> {
        let count = self.names.len();
        let topology = match self.rng.random_range(0..6) {
            0 => Topology::Ring,
            1 if count > 2 => Topology::BarabasiAlbert { m: 2 },
            _ => Topology::Full,
        };
        let max_ms = *[1.0, 20.0, 200.0].choose(self.rng).unwrap_or(&1.0);
        let latency = Latency::Random { base_ms: 0.1, jitter: Jitter::Uniform { min_ms: 0.0, max_ms } };
        let mut partitions = Vec::new();
        for _ in 0..*[0, 0, 1, 2].choose(self.rng).unwrap_or(&0) {
            let from = self.moment();
            let until = from + self.ms(1..1_500);
            let group: Vec<_> = (0..count as u32).filter(|_| self.rng.random_bool(0.4)).collect();
            if !group.is_empty() {
                partitions.push(Partition { from, until, groups: vec![group] });
            }
        }
        let spec = NetworkSpec { topology, latency, partitions, ..NetworkSpec::default() };
        spec.build(count, seed)
    }

    fn node(&mut self, node: usize, neighbours: &[u32]) -> NodePlan {
        let job_timeout = self
            .timeouts
            .then(|| if self.rng.random_bool(0.2) { self.ms(20..200) } else { self.ms(500..3_000) });
        let config = NodeConfig {
            capacity: self.capacity(),
            deadline_aware: self.rng.random_bool(0.3),
            job_timeout,
            probe_timeout: self.ms(5..100),
            ask_timeout: self.ms(1..50),
            suspicion: self.ms(0..300),
            ejection: self.ms(0..500),
            max_hops: if self.rng.random_bool(0.05) { u32::MAX } else { self.rng.random_range(0..9) },
            max_jobs: *[1_000, 1_000, 1_000, 6].choose(self.rng).unwrap_or(&1_000),
            task_types: self.rng.random_range(0..4),
            forwarded_ids: *[1_000, 1_000, 3].choose(self.rng).unwrap_or(&1_000),
            max_foreign_forwards: self.rng.random_range(0..6),
            ..NodeConfig::default()
        };
        NodePlan {
            config,
            policy: self.policies.draw(self.rng, &self.names),
            fallback: self.policies.draw(self.rng, &self.names),
            learner_at_once: self.rng.random(),
            begins: node == 0 || self.rng.random_bool(0.9),
            clock_base: self.ms(0..100_000),
            clock_rate_ppm: *[1_000_000, 900_000, 1_000_100, 1_100_000]
                .choose(self.rng)
                .unwrap_or(&1_000_000),
            raw_clock: self.rng.random_bool(0.2),
            execution: self.ms(1..300),
            peers: self.peers(node, neighbours, 0.95),
            keeps_numbers: self.rng.random(),
        }
    }

    fn capacity(&mut self) -> Capacity {
        // A node whose jobs never end needs a slot for them.
        let least = u32::from(!self.timeouts || self.rng.random_bool(0.95));
        let mut up_to = |least, most| {
            if self.rng.random_bool(0.01) { u32::MAX } else { self.rng.random_range(least..most) }
        };
        Capacity { slots: up_to(least, 6), queue: up_to(0, 8) }
    }

    /// A list of peers as a discovery may tell it: each neighbour with this probability, and some that are wrong.
    fn peers(&mut self, node: usize, neighbours: &[u32], complete: f64) -> Vec<(String, Option<NodeId>)> {
        let mut peers = Vec::new();
        for machine in 0..self.names.len() {
            let is_neighbour = neighbours.contains(&(machine as u32));
            let listed = match machine == node {
                true => self.rng.random_bool(0.1),
                false => self.rng.random_bool(if is_neighbour { complete } else { 0.05 }),
            };
            if listed {
                let identity = self.identity(node, machine);
                peers.push((self.names[machine].clone(), identity));
                if self.rng.random_bool(0.02) {
                    let again = self.identity(node, machine);
                    peers.push((self.names[machine].clone(), again));
                }
            }
        }
        for ghost in 0..self.rng.random_range(0..20_u32).saturating_sub(17) {
            peers.push((format!("ghost{ghost}"), None));
        }
        if self.rng.random_bool(LONG_LIST) {
            peers.extend((0..5_000).map(|ghost| (format!("many{ghost}"), None)));
        }
        peers
    }

    fn identity(&mut self, node: usize, machine: usize) -> Option<NodeId> {
        if !self.truthful && self.rng.random_bool(0.15) {
            let other = self.rng.random_range(0..self.names.len());
            return Some(NodeId::from_machine_id(&self.names[other]));
        }
        let is_ours = machine < self.nodes;
        let known = is_ours && (machine == node && self.truthful || self.rng.random_bool(0.8));
        known.then(|| NodeId::from_machine_id(&self.names[machine]))
    }

    fn weather(&mut self) -> Weather {
        let fails_at = self.rng.random_bool(0.2).then(|| self.any_node());
        let rng = &mut *self.rng;
        let mut one_of = |chances: &[f64]| chances.choose(rng).copied().unwrap_or_default();
        Weather {
            lost: one_of(&[0.0, 0.02, 0.1, 0.4]),
            noticed: one_of(&[0.0, 0.5, 1.0]),
            repeated: one_of(&[0.0, 0.0, 0.1, 0.5]),
            slow: one_of(&[0.0, 0.05, 0.3]),
            fails_at,
            function_fails: one_of(&[0.0, 0.1, 0.5]),
            function_hangs: one_of(&[0.0, 0.05]),
            client_leaves: one_of(&[0.0, 0.05, 0.3]),
            not_offered: one_of(&[0.0, 0.0, 0.1]),
            stray: one_of(&[0.0, 0.05, 0.2]),
            late_wake: one_of(&[0.0, 0.2]),
        }
    }

    fn jobs(&mut self) -> Vec<JobPlan> {
        let count = *[5, 20, 40, 120].choose(self.rng).unwrap_or(&20);
        // Few nodes get most of the jobs, in bursts.
        let hot = self.any_node();
        let burst = self.moment();
        (0..count).map(|number| self.job(number, hot, burst)).collect()
    }

    fn job(&mut self, number: u64, hot: usize, burst: Time) -> JobPlan {
        let at = if self.rng.random_bool(0.7) { self.moment() } else { burst + self.ms(0..50) };
        let forged = self.rng.random_bool(0.06);
        let at_old = !forged && self.rng.random_bool(0.1);
        let machine = match at_old {
            true => self.rng.random_range(0..self.names.len()),
            false if self.rng.random_bool(0.5) => hot,
            false => self.any_node(),
        };
        let source = if forged { self.forged_source(machine) } else { Source::Client };
        let id = forged.then(|| JobId {
            origin: NodeId::from_machine_id(&self.names[self.rng.random_range(0..self.names.len())]),
            number: if self.rng.random_bool(0.7) { self.rng.random_range(0..20) } else { u64::MAX - number },
        });
        let policy = match self.rng.random_range(0..30) {
            0 => PolicyChoice::Bypass,
            1 => PolicyChoice::Forward,
            2 => PolicyChoice::Reject,
            _ => PolicyChoice::Configured,
        };
        let deadline = match self.rng.random_range(0..10) {
            0 => Some(Duration::ZERO),
            1 => Some(Duration::MAX),
            2..=4 => Some(self.ms(10..500)),
            _ => None,
        };
        let leaves = self.rng.random_bool(0.5).then(|| self.ms(0..200));
        let task_type = if self.rng.random_bool(0.05) { u16::MAX } else { self.rng.random_range(0..4) };
        let arrival =
            Arrival { source, id, function: FunctionId(0), task_type, deadline, policy, told: None };
        JobPlan { at, machine, arrival, leaves, forged }
    }

    /// What a peer can say of where a job has been, without being one.
    fn forged_source(&mut self, at: usize) -> Source {
        let sender = match self.rng.random_range(0..3) {
            0 => None,
            1 => Some(PeerId(self.rng.random_range(0..10))),
            _ => Some(PeerId(u32::MAX)),
        };
        let hops = *[0, 1, 2, u32::MAX - 1, u32::MAX].choose(self.rng).unwrap_or(&0);
        if self.rng.random_bool(0.3) {
            return Source::ForeignPeer { sender, hops };
        }
        let length = *[0, 1, 3, 31].choose(self.rng).unwrap_or(&0);
        let mut visited: Visited = (0..length).map(|_| NodeId(self.rng.random())).collect();
        if self.rng.random_bool(0.3) {
            visited.push(NodeId::from_machine_id(&self.names[at]));
        }
        Source::Peer { sender, hops, visited }
    }

    fn faults(&mut self, neighbours: &[Vec<u32>]) -> Vec<(Time, Fault)> {
        let mut faults = Vec::new();
        let count = *[0, 2, 6, 15].choose(self.rng).unwrap_or(&0);
        for _ in 0..count {
            let (at, node) = (self.moment(), self.any_node());
            let fault = match self.rng.random_range(0..15) {
                0 | 1 => {
                    let back = at + self.ms(0..800);
                    faults.push((back, Fault::Start { node }));
                    Fault::Crash { node, seen: self.rng.random_bool(0.7) }
                }
                2 => {
                    let back = at + self.ms(0..1_500);
                    faults.push((back, Fault::Start { node }));
                    Fault::Leave { node, grace: self.ms(0..300) }
                }
                3 => Fault::Start { node },
                4..=6 => Fault::SetPeers { node, peers: self.peers(node, &neighbours[node], 0.7) },
                7 | 8 => Fault::SetCapacity { node, capacity: self.capacity() },
                9 => Fault::SetPolicy { node, policy: self.policies.draw(self.rng, &self.names) },
                10 => Fault::Wake { node },
                11 | 12 => Fault::Hears { node, news: self.news() },
                _ => Fault::Jump { node, by_ns: self.jump() },
            };
            faults.push((at, fault));
        }
        faults
    }

    /// What gossip may say of peers, also of those that there are not.
    fn news(&mut self) -> Event {
        if self.rng.random() {
            let peer = PeerId(*[0, 1, 2, 3, 9, u32::MAX].choose(self.rng).unwrap_or(&0));
            return Event::Suspected { peer, suspected: self.rng.random_bool(0.6) };
        }
        let number = |setup: &mut Self| *[0, 1, 5, u32::MAX].choose(setup.rng).unwrap_or(&0);
        let told = (0..self.rng.random_range(0..4)).map(|_| {
            let load = PeerLoad { running: number(self), queued: number(self), slots: number(self) };
            let age = *[Duration::ZERO, Duration::from_millis(300), Duration::MAX]
                .choose(self.rng)
                .unwrap_or(&Duration::ZERO);
            (PeerId(self.rng.random_range(0..10)), load, age)
        });
        Event::Told(told.collect())
    }

    fn jump(&mut self) -> i64 {
        let by_ns = self.ms(1..10_000).as_nanos() as i64 / *[1, 10, 100].choose(self.rng).unwrap_or(&1);
        if self.rng.random() { by_ns } else { -by_ns }
    }
}
