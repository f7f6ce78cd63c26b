//! Several nodes on a bus that delays and loses messages, in virtual time: what holds for a whole
//! cluster, with old peers in it too.

use std::collections::{BTreeMap, HashMap};

use p2pfaas_core::agent::Choice;
use p2pfaas_core::*;
use proptest::prelude::*;
use proptest::sample::select;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::fixture::{client, ms, named, policy};

use rand::RngExt;

const POLICIES: [&str; 9] = [
    "NoScheduler false",
    "ForwardScheduler 100",
    "ForwardScheduler 2",
    "PowerOfNScheduler 1 0 true 100",
    "PowerOfNScheduler 3 2 true 100",
    "PowerOfNSchedulerTau 2 1 true 100 5ms",
    "LearningScheduler 1",
    "LearningScheduler 1 fallback=none",
    "RoundRobinWithMasterScheduler false n0 true",
];

/// A client's job, wherever it is and whatever id old peers leave to it.
type Lineage = usize;

/// Who waits for the answer to a job.
#[derive(Debug, Clone, Copy)]
enum Back {
    Client,
    Node { node: usize, job: JobKey },
}

#[derive(Debug)]
enum Message {
    Event { node: usize, event: Event },
    Job { node: usize, arrival: Arrival, back: Back, lineage: Lineage },
    OldJob { old: usize, id: Option<JobId>, back: Back, lineage: Lineage },
    Probe { from: usize, job: JobKey, peer: PeerId },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct OldPeer {
    keeps_id: bool,
}

#[derive(Debug, Clone)]
struct Setting {
    policies: Vec<&'static str>,
    old: Vec<OldPeer>,
    jobs: usize,
    max_hops: u32,
    loss: f64,
    forwarded_ids: u32,
    seed: u64,
}

struct Cluster {
    nodes: Vec<Node>,
    setting: Setting,
    /// Names of all machines: first the nodes, then the old peers.
    names: Vec<String>,
    calendar: BTreeMap<(Time, u64), Message>,
    order: u64,
    now: Time,
    rng: Xoshiro256PlusPlus,
    brought: Vec<HashMap<JobKey, (Back, Lineage)>>,
    /// Of each client's job: nodes of ours that it visited, forwards by ours, jobs sent by old peers.
    paths: Vec<Vec<usize>>,
    forwards: Vec<u32>,
    resent: Vec<u32>,
    outcomes: Vec<Vec<Outcome>>,
    /// Numbers of the experiences of each node.
    eids: Vec<Vec<u64>>,
    delivered: u64,
}

impl Cluster {
    fn new(setting: Setting) -> Self {
        let (count, old, jobs) = (setting.policies.len(), setting.old.len(), setting.jobs);
        let names: Vec<_> =
            (0..count).map(|i| format!("n{i}")).chain((0..old).map(|i| format!("old{i}"))).collect();
        let config = NodeConfig {
            capacity: Capacity { slots: 2, queue: 2 },
            job_timeout: Some(ms(500)),
            probe_timeout: ms(30),
            ask_timeout: ms(20),
            suspicion: ms(50),
            max_hops: setting.max_hops,
            forwarded_ids: setting.forwarded_ids,
            ..NodeConfig::default()
        };
        let node = |index: usize| {
            let fallback = policy("PowerOfNScheduler 1 1 true 100");
            Node::new(named(&names[index]), config.clone(), policy(setting.policies[index]), fallback)
        };
        let mut cluster = Cluster {
            nodes: (0..count).map(node).collect(),
            calendar: BTreeMap::new(),
            order: 0,
            now: Time::ZERO,
            rng: Xoshiro256PlusPlus::seed_from_u64(setting.seed),
            brought: vec![HashMap::new(); count],
            paths: vec![Vec::new(); jobs],
            forwards: vec![0; jobs],
            resent: vec![0; jobs],
            outcomes: vec![Vec::new(); jobs],
            eids: vec![Vec::new(); count],
            delivered: 0,
            names,
            setting,
        };
        for node in 0..count {
            cluster.set_peers(node, 0);
            cluster.set_peers(node, 100);
        }
        for lineage in 0..jobs {
            let at = ms(cluster.rng.random_range(0..200));
            let node = cluster.rng.random_range(0..count + old);
            let message = if node < count {
                Message::Job { node, arrival: client(), back: Back::Client, lineage }
            } else {
                Message::OldJob { old: node - count, id: None, back: Back::Client, lineage }
            };
            cluster.send_at(cluster.now + at, message);
        }
        cluster
    }

    fn send_at(&mut self, at: Time, message: Message) {
        self.order += 1;
        self.calendar.insert((at, self.order), message);
    }

    fn send(&mut self, message: Message) {
        let delay = ms(self.rng.random_range(0..20));
        self.send_at(self.now + delay, message);
    }

    fn lost(&mut self) -> bool {
        self.rng.random_bool(self.setting.loss)
    }

    /// Peers that a node knows from this moment on: at first all, later most of them.
    fn set_peers(&mut self, node: usize, at_ms: u64) {
        let mut peers = Vec::new();
        for (index, name) in self.names.clone().into_iter().enumerate() {
            if index == node || at_ms > 0 && self.rng.random_bool(0.2) {
                continue;
            }
            let known = index < self.nodes.len() && self.rng.random_bool(0.8);
            peers.push((name.clone(), known.then(|| named(&name))));
        }
        self.send_at(Time::ZERO + ms(at_ms), Message::Event { node, event: Event::SetPeers(peers) });
    }

    fn machine(&self, node: usize, peer: PeerId) -> usize {
        let name = self.nodes[node].peers().name(peer).expect("a peer that is known");
        self.names.iter().position(|known| known == name).expect("a machine")
    }

    fn sender(&self, at: usize, from: usize) -> Option<PeerId> {
        self.nodes[at].peers().by_name(&self.names[from])
    }

    /// Runs until nothing happens any more.
    fn run(&mut self) {
        let bound = 1_000 + 2_000 * self.setting.jobs;
        for _ in 0..bound {
            let Some(((at, _), message)) = self.calendar.pop_first() else { return };
            self.now = at;
            match message {
                Message::Event { node, event } => {
                    let mut effects = Vec::new();
                    self.nodes[node].handle(self.now, event, &mut self.rng, &mut effects);
                    self.carry_out(node, effects);
                }
                Message::Job { node, arrival, back, lineage } => self.arrive(node, arrival, back, lineage),
                Message::OldJob { old, id, back, lineage } => self.old_peer_gets(old, id, back, lineage),
                Message::Probe { from, job, peer } => self.answer_probe(from, job, peer),
            }
        }
        panic!("{bound} messages, and more to come");
    }

    fn arrive(&mut self, node: usize, arrival: Arrival, back: Back, lineage: Lineage) {
        self.paths[lineage].push(node);
        self.delivered += 1;
        let mut effects = Vec::new();
        let job = self.nodes[node].arrive(self.now, arrival, &mut self.rng, &mut effects);
        self.brought[node].insert(job, (back, lineage));
        if self.rng.random_bool(0.05) {
            self.send(Message::Event { node, event: Event::Cancel { job } });
        }
        self.carry_out(node, effects);
    }

    fn answer_probe(&mut self, from: usize, job: JobKey, peer: PeerId) {
        let machine = self.machine(from, peer);
        let (load, node) = match self.nodes.get(machine) {
            Some(node) => {
                let (slots, id) = (node.slots(), node.id());
                let (running, queued) = (slots.running(), slots.queued());
                (Some(PeerLoad { running, queued, slots: slots.capacity().slots }), Some(id))
            }
            None => (Some(PeerLoad::default()), None),
        };
        let load = if self.lost() { None } else { load };
        self.send(Message::Event { node: from, event: Event::Probed { job, peer, load, offer: None, node } });
    }

    /// An old peer runs a job sometimes; most times it sends it to one of ours, who cannot see that
    /// it has been anywhere.
    fn old_peer_gets(&mut self, old: usize, id: Option<JobId>, back: Back, lineage: Lineage) {
        if self.rng.random_bool(0.1) {
            return self.reply(back, lineage, Outcome::Served);
        }
        self.resent[lineage] += 1;
        let node = self.rng.random_range(0..self.nodes.len());
        let sender = self.sender(node, self.nodes.len() + old).filter(|_| self.rng.random_bool(0.5));
        let id = id.filter(|_| self.setting.old[old].keeps_id);
        let arrival = Arrival { source: Source::ForeignPeer { sender, hops: 1 }, id, ..client() };
        self.send(Message::Job { node, arrival, back, lineage });
    }

    fn reply(&mut self, back: Back, lineage: Lineage, outcome: Outcome) {
        let answer = match outcome {
            Outcome::Served => ForwardAnswer::Served,
            Outcome::Dropped => ForwardAnswer::Dropped,
            Outcome::Rejected => ForwardAnswer::Rejected,
            Outcome::Failed(Failure::Function) => ForwardAnswer::FunctionFailed,
            Outcome::Failed(_) | Outcome::Cancelled => ForwardAnswer::NoAnswer,
        };
        match back {
            Back::Client => self.outcomes[lineage].push(outcome),
            // What is lost here is found by the time-out.
            Back::Node { .. } if self.lost() => {}
            Back::Node { node, job } => {
                self.send(Message::Event { node, event: Event::Forwarded { job, answer } });
            }
        }
    }

    fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Execute { job } => {
                    let success = self.rng.random_bool(0.9);
                    self.send(Message::Event { node, event: Event::Executed { job, success } });
                }
                Effect::Probe { job, peer, .. } => {
                    if !self.lost() {
                        self.send(Message::Probe { from: node, job, peer });
                    }
                }
                Effect::Ask { job, observation } => {
                    let action = self.rng.random_range(0..observation.mask.len() as u32 + 1);
                    let choice = (!self.lost()).then_some(Choice { action, epsilon: 0.1, probability: None });
                    self.send(Message::Event { node, event: Event::Acted { job, choice } });
                }
                Effect::Forward { job, forward } => self.forward(node, job, forward),
                Effect::Learn { eid, .. } => self.eids[node].push(eid),
                Effect::Answer { job, outcome, .. } => {
                    let (back, lineage) = self.brought[node].remove(&job).expect("one answer a job");
                    self.reply(back, lineage, outcome);
                }
                Effect::Abandon { .. } => {}
                Effect::WakeAt { at } => {
                    let late = ms(self.rng.random_range(0..3));
                    self.send_at(at.max(self.now) + late, Message::Event { node, event: Event::Wake });
                }
            }
        }
    }

    fn forward(&mut self, node: usize, job: JobKey, forward: Forward) {
        let (_, lineage) = self.brought[node][&job];
        self.forwards[lineage] += 1;
        assert!(forward.hops <= self.setting.max_hops);
        assert_eq!(forward.visited.last(), Some(&self.nodes[node].id()));
        let machine = self.machine(node, forward.peer);
        if self.lost() {
            let answer = ForwardAnswer::NoAnswer;
            return self.send(Message::Event { node, event: Event::Forwarded { job, answer } });
        }
        let back = Back::Node { node, job };
        let id = Some(forward.id);
        if machine >= self.nodes.len() {
            let old = machine - self.nodes.len();
            return self.send(Message::OldJob { old, id, back, lineage });
        }
        let sender = self.sender(machine, node);
        let source = Source::Peer { sender, hops: forward.hops, visited: forward.visited };
        self.send(Message::Job { node: machine, arrival: Arrival { source, id, ..client() }, back, lineage });
    }

    fn check_that_all_adds_up(&self) {
        let sum =
            |count: fn(&Counters) -> u64| self.nodes.iter().map(|node| count(node.counters())).sum::<u64>();
        for (lineage, outcomes) in self.outcomes.iter().enumerate() {
            assert_eq!(outcomes.len(), 1, "job {lineage}: {outcomes:?}");
        }
        for node in &self.nodes {
            assert_eq!((node.jobs_under_way(), node.slots().load()), (0, 0));
        }
        assert!(self.brought.iter().all(HashMap::is_empty));
        for eids in &self.eids {
            let mut sorted = eids.clone();
            sorted.sort();
            let all: Vec<_> = (0..eids.len() as u64).collect();
            assert_eq!(sorted, all, "the numbers of experiences have no gap and no repeat");
        }
        assert_eq!(sum(|counters| counters.arrived), self.delivered);
        assert_eq!(sum(Counters::answered), self.delivered);
        assert_eq!(
            sum(|counters| counters.forwarded),
            self.forwards.iter().copied().map(u64::from).sum::<u64>()
        );
    }
}

fn settings(old: impl Strategy<Value = Vec<OldPeer>>) -> impl Strategy<Value = Setting> {
    let policies = prop::collection::vec(select(&POLICIES[..]), 2..7);
    let loss = select(&[0.0, 0.1, 0.5][..]);
    (policies, old, 1..40_usize, 1..20_u32, loss, any::<u64>()).prop_map(
        |(policies, old, jobs, max_hops, loss, seed)| Setting {
            policies,
            old,
            jobs,
            max_hops,
            loss,
            forwarded_ids: 1_000,
            seed,
        },
    )
}

fn old_peers() -> impl Strategy<Value = Vec<OldPeer>> {
    prop::collection::vec(any::<bool>().prop_map(|keeps_id| OldPeer { keeps_id }), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn among_our_nodes_no_job_visits_a_node_twice(mut setting in settings(Just(Vec::new())), master: bool) {
        if master {
            setting.policies[0] = "RoundRobinWithMasterScheduler true n0 true";
        }
        // The path alone is enough: without old peers no id need be remembered.
        setting.forwarded_ids = 0;
        let max_hops = setting.max_hops;
        let mut cluster = Cluster::new(setting);
        cluster.run();
        cluster.check_that_all_adds_up();
        for (path, forwards) in cluster.paths.iter().zip(&cluster.forwards) {
            let mut once = path.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), path.len(), "{:?}", path);
            prop_assert!(*forwards <= max_hops);
        }
    }

    #[test]
    fn old_peers_that_forget_the_path_make_no_endless_loop(setting in settings(old_peers())) {
        let nodes = setting.policies.len() as u32;
        let mut cluster = Cluster::new(setting);
        cluster.run();
        cluster.check_that_all_adds_up();
        for (forwards, resent) in cluster.forwards.iter().zip(&cluster.resent) {
            // Each of our nodes forwards it once, as long as it is recognised. Who forgets the id
            // makes it a stranger, which is not passed on again.
            prop_assert!(*forwards <= nodes, "{} forwards by {} nodes", forwards, nodes);
            prop_assert!(*resent <= forwards + 1);
        }
    }
}

/// A loop that no node can see: each old peer sends everything to the master as a new job, and it
/// is a master's role to pass such jobs on. Its bound on such jobs ends it.
#[test]
fn a_loop_through_a_master_ends_at_the_bound_on_jobs_that_cannot_be_recognised() {
    let mut config = NodeConfig { max_foreign_forwards: 20, ..NodeConfig::default() };
    config.job_timeout = None;
    let master = policy("RoundRobinWithMasterScheduler true n0 true");
    let mut node = Node::new(named("n0"), config, master, policy("NoScheduler false"));
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut effects = Vec::new();
    let peers = ["old0", "old1", "old2"].map(|name| (name.to_string(), None));
    node.handle(Time::ZERO, Event::SetPeers(peers.into()), &mut rng, &mut effects);
    let mut sender = node.peers().by_name("old0");
    let mut chain = Vec::new();
    loop {
        let source = Source::ForeignPeer { sender, hops: 1 };
        effects.clear();
        let job = node.arrive(Time::ZERO, Arrival { source, ..client() }, &mut rng, &mut effects);
        match &effects[..] {
            [Effect::Forward { forward, .. }] => sender = Some(forward.peer),
            other => {
                assert_eq!(other, [Effect::Execute { job }]);
                node.handle(Time::ZERO, Event::Executed { job, success: true }, &mut rng, &mut effects);
                break;
            }
        }
        chain.push(job);
    }
    assert_eq!(chain.len(), 20);
    for job in chain.into_iter().rev() {
        let answer = ForwardAnswer::Dropped;
        node.handle(Time::ZERO, Event::Forwarded { job, answer }, &mut rng, &mut effects);
    }
    assert_eq!((node.jobs_under_way(), node.counters().dropped, node.counters().served), (0, 20, 1));
}
