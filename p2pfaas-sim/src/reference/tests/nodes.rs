//! The policies at work in real nodes, driven by a loop of a few lines, against their exact shares.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use p2pfaas_core::policy::{NoScheduler, Policy};
use p2pfaas_core::*;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Board, ClusterModel, Reference, cluster, share};
use crate::service::Service;
use crate::streams::{Purpose, generator};

/// A cluster of one task type without latency, whose nodes all know each other.
struct Rig {
    nodes: Vec<Node>,
    board: Board,
    /// Ends of executions, earliest first, with node and job.
    running: BinaryHeap<Reverse<(Time, usize, usize)>>,
    started: Vec<JobKey>,
    /// When a job must have ended, by node and place of its key.
    due: Vec<Vec<Time>>,
    service: Vec<Service>,
    rng: Xoshiro256PlusPlus,
    in_time: u32,
    counts: Counts,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    forwarded: u32,
    dropped: u32,
    rejected: u32,
}

const SOON: Duration = Duration::from_nanos(1);

/// The number of a node's peer: all others, in the order of their numbers.
fn peer_number(node: usize, peer: PeerId) -> usize {
    let peer = peer.0 as usize;
    if peer < node { peer } else { peer + 1 }
}

impl Rig {
    fn new(cluster: &ClusterModel, reference: Reference) -> Self {
        let count = cluster.nodes.len();
        let board = Board::new(count);
        let policies = reference.plan(cluster).unwrap().policies(&board);
        let named = |number: usize| {
            let name = format!("node-{number:03}");
            let id = NodeId::from_machine_id(&name);
            (name, id)
        };
        let node = |(number, policy): (usize, Box<dyn Policy>)| {
            let model = &cluster.nodes[number];
            let capacity = Capacity { slots: model.slots, queue: model.queue };
            let config = NodeConfig { capacity, job_timeout: None, ..NodeConfig::default() };
            let mut node = Node::new(named(number).1, config, policy, Box::new(NoScheduler { loss: false }));
            let others = (0..count).filter(|other| *other != number).map(named);
            let peers = Event::SetPeers(others.map(|(name, id)| (name, Some(id))).collect());
            let mut rng = generator(1, Purpose::Node, 0);
            node.handle(Time::ZERO, peers, &mut rng, &mut Vec::<Effect>::new());
            node
        };
        let mean_s = |speed| cluster.types[0].mean_service_s / speed;
        let service = |speed| Service::Exponential { mean_s: mean_s(speed) };
        Rig {
            nodes: policies.into_iter().enumerate().map(node).collect(),
            board,
            running: BinaryHeap::new(),
            started: Vec::new(),
            due: vec![Vec::new(); count],
            service: cluster.nodes.iter().map(|node| service(node.speed)).collect(),
            rng: generator(1, Purpose::Node, 1),
            in_time: 0,
            counts: Counts::default(),
        }
    }

    fn arrive(&mut self, now: Time, node: usize, arrival: Arrival, due: Time) {
        let mut wishes = Vec::new();
        let key = self.nodes[node].arrive(now, arrival, &mut self.rng, &mut wishes);
        let places = &mut self.due[node];
        places.resize(places.len().max(key.index() + 1), Time::ZERO);
        places[key.index()] = due;
        self.obey(now, node, wishes);
    }

    fn handle(&mut self, now: Time, node: usize, event: Event) {
        let mut wishes: Vec<Effect> = Vec::new();
        self.nodes[node].handle(now, event, &mut self.rng, &mut wishes);
        self.obey(now, node, wishes);
    }

    fn obey(&mut self, now: Time, node: usize, wishes: Vec<Effect>) {
        let slots = self.nodes[node].slots();
        self.board.note(node, slots.running(), slots.queued(), true);
        for wish in wishes {
            match wish {
                Effect::Execute { job } => {
                    let end = now + Duration::from_secs_f64(self.service[node].sample(&mut self.rng));
                    self.in_time += u32::from(end <= self.due[node][job.index()]);
                    self.running.push(Reverse((end, node, self.started.len())));
                    self.started.push(job);
                }
                Effect::Probe { job, peer, .. } => {
                    let slots = self.nodes[peer_number(node, peer)].slots();
                    let (running, queued) = (slots.running(), slots.queued());
                    let load = Some(PeerLoad { running, queued, slots: slots.capacity().slots });
                    self.handle(now, node, Event::Probed { job, peer, load, offer: None, node: None });
                }
                Effect::Forward { job, forward } => {
                    self.counts.forwarded += 1;
                    let (hops, visited) = (forward.hops, forward.visited);
                    let source = Source::Peer { sender: None, hops, visited };
                    let id = Some(forward.id);
                    let arrival = Arrival { source, id, ..Arrival::from_client(FunctionId(0)) };
                    let due = self.due[node][job.index()];
                    self.arrive(now, peer_number(node, forward.peer), arrival, due);
                    // Its sender holds no slot for it and need not wait.
                    self.handle(now, node, Event::Forwarded { job, answer: ForwardAnswer::Served });
                }
                Effect::Answer { outcome, .. } => {
                    self.counts.dropped += u32::from(outcome == Outcome::Dropped);
                    self.counts.rejected += u32::from(outcome == Outcome::Rejected);
                }
                _ => {}
            }
        }
    }

    /// Runs so many jobs and says which share was in time.
    fn run(&mut self, cluster: &ClusterModel, jobs: u32) -> f64 {
        let mut arrivals = generator(1, Purpose::Arrivals, 0);
        let gap = Service::Exponential { mean_s: 1.0 / cluster.rate_per_s() };
        let deadline = cluster.types[0].deadline_s.map_or(Duration::MAX, Duration::from_secs_f64);
        let mut now = Time::ZERO;
        for _ in 0..jobs {
            now = now + Duration::from_secs_f64(gap.sample(&mut arrivals));
            while let Some(Reverse((end, node, started))) =
                self.running.peek().copied().filter(|next| next.0.0 <= now)
            {
                self.running.pop();
                self.handle(end, node, Event::Executed { job: self.started[started], success: true });
            }
            let node = arrivals.random_range(0..cluster.nodes.len());
            self.arrive(now, node, Arrival::from_client(FunctionId(0)), now + deadline);
        }
        f64::from(self.in_time) / f64::from(jobs)
    }
}

const JOBS: u32 = 200_000;

#[test]
fn each_policy_in_real_nodes_has_its_exact_share_of_jobs_in_time() {
    let cluster = cluster(&[(1, 3, 1.0), (2, 2, 0.5), (1, 2, 2.0)], 4.2, Some(1.5));
    let all = [
        Reference::JoinShortestQueue,
        Reference::LeastExpectedCompletion,
        Reference::MostLikelyInTime,
        Reference::PolicyImprovement { probes: 0 },
        Reference::Optimum,
    ];
    for reference in all {
        let simulated = Rig::new(&cluster, reference).run(&cluster, JOBS);
        let exact = share(reference, &cluster);
        assert!((simulated - exact).abs() < 0.006, "{reference:?}: {simulated}, exact {exact}");
    }
}

#[test]
fn who_probes_everybody_decides_as_who_sees_everybody() {
    let cluster = cluster(&[(1, 3, 1.0), (2, 2, 0.5), (1, 2, 2.0)], 4.2, Some(1.5));
    let exact = share(Reference::PolicyImprovement { probes: 0 }, &cluster);
    let simulated = Rig::new(&cluster, Reference::PolicyImprovement { probes: 2 }).run(&cluster, JOBS);
    assert!((simulated - exact).abs() < 0.006, "{simulated}, exact {exact}");
}

#[test]
fn an_idle_cluster_keeps_its_jobs_at_home() {
    let cluster = cluster(&[(1, 1, 1.0); 3], 1.0, Some(1.0));
    for reference in [Reference::JoinShortestQueue, Reference::MostLikelyInTime, Reference::Optimum] {
        let mut rig = Rig::new(&cluster, reference);
        rig.arrive(Time::ZERO, 1, Arrival::from_client(FunctionId(0)), Time::ZERO);
        assert_eq!(rig.counts, Counts::default(), "{reference:?}");
        rig.arrive(Time::ZERO + SOON, 1, Arrival::from_client(FunctionId(0)), Time::ZERO);
        assert_eq!(rig.counts.forwarded, 1, "{reference:?}");
    }
}

#[test]
fn a_full_cluster_drops_and_one_that_is_down_gets_nothing() {
    let cluster = cluster(&[(1, 1, 1.0); 2], 1.0, Some(1.0));
    for reference in [Reference::JoinShortestQueue, Reference::Optimum] {
        let mut rig = Rig::new(&cluster, reference);
        rig.board.note(1, 0, 0, false);
        let arrive = |rig: &mut Rig, node| {
            rig.arrive(Time::ZERO, node, Arrival::from_client(FunctionId(0)), Time::ZERO);
        };
        (0..3).for_each(|_| arrive(&mut rig, 0));
        assert_eq!(rig.counts, Counts { dropped: 1, ..Counts::default() }, "{reference:?}");
        rig.board.note(1, 0, 0, true);
        (0..3).for_each(|_| arrive(&mut rig, 0));
        assert_eq!(rig.counts, Counts { dropped: 2, forwarded: 2, rejected: 0 }, "{reference:?}");
    }
}

#[test]
fn under_overload_only_policies_that_weigh_harm_reject() {
    let cluster = cluster(&[(1, 4, 1.0); 2], 6.0, Some(0.6));
    let rejected = |reference| {
        let mut rig = Rig::new(&cluster, reference);
        rig.run(&cluster, 2_000);
        rig.counts.rejected
    };
    assert_eq!(rejected(Reference::MostLikelyInTime), 0);
    assert!(rejected(Reference::PolicyImprovement { probes: 0 }) > 200);
    assert!(rejected(Reference::PolicyImprovement { probes: 1 }) > 200);
    assert!(rejected(Reference::Optimum) > 200);
}
