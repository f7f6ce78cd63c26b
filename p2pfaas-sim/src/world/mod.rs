//! The world: nodes, their devices, what lies between them, on one virtual clock.
//!
//! A world is one policy under one seed. It lives through one or more [sessions](World::session) of
//! traffic: a training, then the run. It decides nothing: the nodes do, and they are the very state machines
//! that the node service drives.

mod churn;
mod contender;
mod device;
mod effects;
mod here;
mod hub;
mod observer;
mod prefetch;

use std::sync::Arc;

use p2pfaas_core::agent::Choice;
use p2pfaas_core::defaults::MAX_PEERS;
use p2pfaas_core::policy::{Descriptor, Policy, PolicyError};
use p2pfaas_core::{
    Arrival as ArrivalAtNode, Capacity, Counters, Event, ForwardAnswer, FunctionId, JobKey, Node, NodeConfig,
    NodeId, Outcome, PeerLoad, PolicyChoice, Slots, Source, Time, Timings, defaults,
};
use p2pfaas_learner::Learner;
use p2pfaas_learner::checkpoint::Checkpoint;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::arrivals::Arrival;
use crate::learning::{AgentError, Agents};
use crate::network::NetworkError;
use crate::reference::{Board, Plan, ReferenceError};
use crate::scenario::{NodeSpec, Scenario};
use crate::streams::{Purpose, generator, stream_seed};

pub use contender::Contender;
use device::{Device, Ran};
use effects::{PROBE_BYTES, Sink};
use here::Here;
use hub::{Answer, Happening, Hub, Probe};
pub use observer::{Finished, Observer};

/// Events between two looks at whether to go on, in a busy second.
const EVENTS_A_LOOK: u64 = 1 << 17;

/// A world that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The policy cannot be built.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The full-information policy does not go with the scenario.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// There is no such network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A node has more neighbours than it can know.
    #[error(
        "node {node} has {neighbours} neighbours, and a node knows {MAX_PEERS} peers at most: a topology with fewer, such as random-regular"
    )]
    TooManyNeighbours {
        /// The first of them.
        node: u32,
        /// Its neighbours.
        neighbours: usize,
    },
    /// Messages get lost, and nobody would ever stop waiting for an answer.
    #[error("with partitions, a job needs a time-out")]
    NoTimeout,
    /// An agent cannot be had.
    #[error("an agent cannot be had: {0}")]
    Agent(#[from] AgentError),
}

/// What a node draws from, and what draws its clients' demands: one line of the cache.
#[derive(Debug)]
#[repr(align(64))]
struct Draws {
    node: Xoshiro256PlusPlus,
    demands: Xoshiro256PlusPlus,
}

/// One policy in one scenario under one seed.
pub struct World<'a> {
    scenario: &'a Scenario,
    contender: &'a Contender,
    reference: Option<Plan>,
    nodes: Vec<Node>,
    devices: Vec<Device>,
    draws: Vec<Draws>,
    faults: Vec<Xoshiro256PlusPlus>,
    /// Names and identities, as the nodes know each other.
    names: Vec<String>,
    identities: Vec<NodeId>,
    /// The configuration that was made last: mostly the next one is the same.
    config: Arc<NodeConfig>,
    /// Whether nodes come and go.
    changes: bool,
    /// What peers believe of whether a node is there.
    believed_up: Vec<bool>,
    published: Option<Vec<PeerLoad>>,
    board: Option<Board>,
    hub: Hub,
    now: Time,
    /// Counts of nodes that have failed since.
    counted: Counters,
}

impl<'a> World<'a> {
    /// A world before its first session.
    ///
    /// # Errors
    /// Policy, network or agents that cannot be had, or do not go with the scenario.
    pub fn new(scenario: &'a Scenario, contender: &'a Contender, seed: u64) -> Result<Self, WorldError> {
        let count = scenario.nodes.len();
        let network = scenario.network.build(count, seed)?;
        if scenario.job_timeout.is_none() && !scenario.network.partitions.is_empty() {
            return Err(WorldError::NoTimeout);
        }
        for node in 0..count as u32 {
            let neighbours = network.neighbours(node).len();
            if neighbours > MAX_PEERS as usize {
                return Err(WorldError::TooManyNeighbours { node, neighbours });
            }
        }
        let functions = scenario.jobs.iter().map(|job| job.function as usize + 1).max().unwrap_or(0);
        let owned = |purpose, node| generator(seed, purpose, node);
        let draws = |node| Draws { node: owned(Purpose::Node, node), demands: owned(Purpose::Demand, node) };
        let names: Vec<_> = (0..count).map(|index| format!("node-{index:06}")).collect();
        let reference = contender.plan(scenario, &network)?;
        let board = reference.as_ref().map(|_| Board::new(count));
        let published = network.view_refresh().map(|_| vec![PeerLoad::default(); count]);
        let rng = generator(seed, Purpose::Network, 0);
        let mut world = World {
            scenario,
            contender,
            reference,
            nodes: Vec::with_capacity(count),
            devices: scenario.nodes.iter().map(|spec| Device::new(spec, functions)).collect(),
            draws: (0..count as u64).map(draws).collect(),
            faults: (0..count as u64).map(|node| owned(Purpose::Faults, node)).collect(),
            identities: names.iter().map(|name| NodeId::from_machine_id(name)).collect(),
            names,
            config: Arc::default(),
            changes: scenario.has_churn(),
            believed_up: scenario.nodes.iter().map(|spec| spec.joins_s.is_none()).collect(),
            published,
            board,
            hub: Hub::new(network, rng, scenario.jobs.clone()),
            now: Time::ZERO,
            counted: Counters::default(),
        };
        let policies = world.policies()?;
        for (index, policy) in policies.into_iter().enumerate() {
            let node = world.node(index as u32, policy, 0, 0)?;
            world.nodes.push(node);
        }
        for node in 0..count as u32 {
            world.introduce(node);
        }
        if let Some(plan) = &contender.agents {
            let space = |node: &Node| node.policy().state_space(node.slots());
            let spaces: Vec<_> = world.nodes.iter().map(space).collect();
            let seed = |node| stream_seed(seed, Purpose::Node, node as u64);
            world.hub.agents = Some(Agents::start(plan, &spaces, scenario.job_timeout, seed)?);
        }
        world.begin_faults();
        if let Some(every) = world.hub.network.view_refresh() {
            world.hub.at(Time::ZERO + every, Happening::Publish);
        }
        Ok(world)
    }

    fn policies(&self) -> Result<Vec<Box<dyn Policy>>, WorldError> {
        match (&self.reference, &self.board) {
            (Some(plan), Some(board)) => Ok(plan.policies(board)),
            _ => (0..self.scenario.nodes.len()).map(|_| self.policy()).collect(),
        }
    }

    fn policy(&self) -> Result<Box<dyn Policy>, WorldError> {
        Ok(self.contender.registry.build(&self.contender.descriptor)?)
    }

    /// A new policy for one node that has come back.
    fn policy_of(&self, node: u32) -> Result<Box<dyn Policy>, WorldError> {
        match &self.reference {
            Some(_) => Ok(self.policies()?.swap_remove(node as usize)),
            None => self.policy(),
        }
    }

    fn node(
        &mut self,
        index: u32,
        policy: Box<dyn Policy>,
        first_job_number: u64,
        first_eid: u64,
    ) -> Result<Node, WorldError> {
        let spec = &self.scenario.nodes[index as usize];
        let (name, parameters) = defaults::FALLBACK;
        let fallback = Descriptor::new(name, parameters.iter().copied());
        let fallback = self.contender.registry.build(&fallback)?;
        let peer_numbers = match self.changes {
            // Whoever comes later must find its number free.
            true => self.peer_names(index, |_| true).into_iter().map(|(name, _)| name).collect(),
            false => Vec::new(),
        };
        let config = NodeConfig { first_job_number, first_eid, peer_numbers, ..self.config(spec) };
        if *self.config != config {
            self.config = Arc::new(config);
        }
        Ok(Node::new(self.identities[index as usize], Arc::clone(&self.config), policy, fallback))
    }

    fn config(&self, spec: &NodeSpec) -> NodeConfig {
        let task_types = u16::try_from(self.scenario.jobs.len()).unwrap_or(u16::MAX);
        NodeConfig {
            capacity: Capacity { slots: spec.slots, queue: spec.queue },
            deadline_aware: spec.deadline_aware,
            job_timeout: self.scenario.job_timeout,
            task_types: task_types.max(defaults::TASK_TYPES),
            // All peers are ours: what was visited travels with a job. No message comes twice.
            forwarded_ids: 0,
            taken_ids: 0,
            reward: self.contender.reward.clone(),
            ..NodeConfig::default()
        }
    }

    /// The neighbours of a node that are there for it.
    fn peer_names(&self, node: u32, there: impl Fn(u32) -> bool) -> Vec<(String, Option<NodeId>)> {
        let peers = self.hub.network.neighbours(node).filter(|peer| there(*peer));
        let known = |peer: u32| (self.names[peer as usize].clone(), Some(self.identities[peer as usize]));
        peers.map(known).collect()
    }

    /// Tells a node who its peers are.
    fn introduce(&mut self, node: u32) {
        let peers = self.peer_names(node, |peer| self.believed_up[peer as usize]);
        self.deliver(node, Event::SetPeers(peers), &mut Nobody);
    }

    /// Lives through a stretch of traffic, until all of its jobs are answered or the observer says stop.
    /// Jobs that have no answer by then count as cancelled. Returns the second at which it ended.
    pub fn session<O: Observer>(
        &mut self,
        arrivals: impl Iterator<Item = Arrival>,
        begins_s: f64,
        ends_s: f64,
        observer: &mut O,
    ) -> f64 {
        // Second 0 of the session may lie beyond the clock's beginning, never before it.
        let began = self.now;
        let offset_s = -begins_s;
        if begins_s >= 0.0 {
            self.hub.run_began = Some(began);
            self.begin_membership();
        }
        let moment = |second: f64| Time::from_nanos(began.as_nanos() + ((second + offset_s) * 1e9) as u64);
        let ends = moment(ends_s);
        let mut arrivals = arrivals.map(|arrival| (moment(arrival.at_s), arrival));
        let mut looked = Look::new(began, self.hub.events);
        let mut goes_on = true;
        let is_large = self.is_large();
        let mut arrives = arrivals.next();
        while goes_on {
            let next = match &arrives {
                Some((at, arrival)) => {
                    if is_large {
                        self.get_ready(*at, Some(arrival.node));
                    }
                    // Between an arrival and what happens at the same moment, the arrival is first.
                    self.hub.pop_before(*at)
                }
                None if self.hub.open_jobs == 0 => break,
                None => {
                    if is_large {
                        self.get_ready(Time::from_nanos(u64::MAX), None);
                    }
                    self.hub.pop()
                }
            };
            if let Some((at, happening)) = next {
                self.now = at;
                if is_large {
                    self.get_closer();
                }
                self.happen(happening, observer);
            } else if let Some((at, arrival)) = &arrives {
                self.now = *at;
                self.arrive(arrival, observer);
                arrives = arrivals.next();
                if let (true, Some((_, next))) = (is_large, &arrives) {
                    self.prefetch_node(next.node);
                }
            } else {
                break;
            }
            self.hub.events += 1;
            // Jobs that arrive at the same moment are not parted by a stop.
            if arrives.as_ref().is_none_or(|(at, _)| *at > self.now)
                && looked.is_due(self.now, self.hub.events)
            {
                let second = self.now.since(began).as_secs_f64() - offset_s;
                goes_on =
                    observer.passed(second.min(ends_s), self.hub.agents.as_ref().and_then(Agents::glimpse));
            }
        }
        self.cancel_all(observer);
        if goes_on {
            // Until its end, also when nobody came any more.
            self.now = self.now.max(ends);
        } else {
            // What has happened at this nanosecond is over.
            self.now = self.now + std::time::Duration::from_nanos(1);
        }
        (self.now.since(began).as_secs_f64() - offset_s).min(ends_s)
    }

    /// The agents, if there are any.
    pub fn agents(&self) -> Option<&Agents> {
        self.hub.agents.as_ref()
    }

    /// The agents, to freeze them or let them settle between two sessions.
    pub fn agents_mut(&mut self) -> Option<&mut Agents> {
        self.hub.agents.as_mut()
    }

    /// Each agent as it can be kept, with the number of its node and the peers to which its actions belong; a
    /// shared one has number 0 and no peers.
    pub fn checkpoints(&self) -> Vec<(usize, Checkpoint)> {
        let Some(agents) = &self.hub.agents else { return Vec::new() };
        let checkpoint = |(node, learner): (usize, &Learner)| {
            let peers = if agents.are_shared() { Vec::new() } else { self.peers_of(node as u32) };
            (node, Checkpoint { learner: learner.clone(), peers })
        };
        agents.learners().iter().enumerate().map(checkpoint).collect()
    }

    fn peers_of(&self, node: u32) -> Vec<String> {
        self.nodes[node as usize].peers().names().map(String::from).collect()
    }

    /// The counts of all nodes together, since the beginning.
    pub fn counters(&self) -> Counters {
        let mut sum = self.counted;
        for node in &self.nodes {
            sum += *node.counters();
        }
        sum
    }

    /// What has happened so far: arrivals and all other events.
    pub fn events(&self) -> u64 {
        self.hub.events
    }

    #[inline]
    fn arrive<O: Observer>(&mut self, arrival: &Arrival, observer: &mut O) {
        let node = arrival.node;
        let kind = &self.scenario.jobs[usize::from(arrival.task_type)];
        let demand_s = match arrival.service_s {
            Some(known) => known,
            None => kind.service.sample(&mut self.draws[node as usize].demands),
        };
        let device = &self.devices[node as usize];
        if !device.up || !device.offers(kind.function) {
            return refused(*arrival, observer);
        }
        self.hub.open_jobs += 1;
        let here = Here::of(arrival, demand_s);
        let at_node = ArrivalAtNode {
            source: Source::Client,
            id: None,
            function: FunctionId(kind.function),
            task_type: arrival.task_type,
            deadline: kind.deadline,
            policy: PolicyChoice::Configured,
            told: None,
        };
        self.enter(node, at_node, here, observer);
    }

    /// A job comes through a node's door.
    #[inline]
    fn enter<O: Observer>(&mut self, node: u32, arrival: ArrivalAtNode, mut here: Here, observer: &mut O) {
        here.key = self.nodes[node as usize].next_key();
        self.devices[node as usize].put(here);
        self.turn(node, None, observer, |node, now, rng, sink| {
            node.arrive(now, arrival, rng, sink);
        });
        self.after(node, observer);
    }

    #[inline]
    fn deliver<O: Observer>(&mut self, node: u32, event: Event, observer: &mut O) {
        self.deliver_answer(node, event, None, observer);
    }

    /// An event, and where the job ran whose answer it may be.
    #[inline]
    fn deliver_answer<O: Observer>(
        &mut self,
        node: u32,
        event: Event,
        returned: Option<Ran>,
        observer: &mut O,
    ) {
        self.turn(node, returned, observer, |node, now, rng, sink| node.handle(now, event, rng, sink));
        self.after(node, observer);
    }

    /// Lets a node do something; `returned` is where the answered job ran.
    #[inline]
    fn turn<O: Observer>(
        &mut self,
        node: u32,
        returned: Option<Ran>,
        observer: &mut O,
        act: impl FnOnce(&mut Node, Time, &mut Xoshiro256PlusPlus, &mut Sink<'_, O>),
    ) {
        let index = node as usize;
        let device = &mut self.devices[index];
        let now = self.now;
        let mut sink = Sink { hub: &mut self.hub, device, observer, node, now, returned };
        act(&mut self.nodes[index], now, &mut self.draws[index].node, &mut sink);
    }

    /// What follows at once on an event of a node: its agent's choices, and that others see its load.
    #[inline]
    fn after<O: Observer>(&mut self, node: u32, observer: &mut O) {
        while let Some((job, choice)) = self.hub.choices.pop_front() {
            self.choose(node, job, choice, observer);
        }
        self.see(node);
    }

    /// Whoever knows everything knows this node's load.
    #[inline]
    fn see(&self, node: u32) {
        if let Some(board) = &self.board {
            let slots = self.nodes[node as usize].slots();
            board.note(node as usize, slots.running(), slots.queued(), self.devices[node as usize].up);
        }
    }

    fn choose<O: Observer>(&mut self, node: u32, job: JobKey, choice: Option<Choice>, observer: &mut O) {
        let eid = self.nodes[node as usize].next_eid();
        if let Some(agents) = &mut self.hub.agents {
            agents.choose(node, eid);
        }
        self.turn(node, None, observer, |node, now, rng, sink| {
            node.handle(now, Event::Acted { job, choice }, rng, sink);
        });
        if self.nodes[node as usize].next_eid() == eid
            && let Some(agents) = &mut self.hub.agents
        {
            agents.unchoose(node);
        }
    }

    #[inline]
    fn happen<O: Observer>(&mut self, happening: Happening, observer: &mut O) {
        match happening {
            Happening::Executed { node, life, job } => {
                let device = &mut self.devices[node as usize];
                if device.life == life {
                    self.executed(node, job, observer);
                }
            }
            Happening::Shared { node, forecast } => {
                if let Some(job) = self.devices[node as usize].pop_shared(self.now, forecast) {
                    self.hub.forecast(node, &self.devices[node as usize]);
                    self.executed(node, job, observer);
                }
            }
            Happening::Wake { node, life } => {
                let device = &mut self.devices[node as usize];
                if device.life == life && device.wakes == Some(self.now) {
                    device.wakes = None;
                    self.deliver(node, Event::Wake, observer);
                }
            }
            Happening::ProbeArrives { probe } => self.probe_arrives(probe),
            Happening::ProbeReturns { probe } => {
                let probe = self.hub.probes.remove(probe as usize);
                let asker = probe.asker;
                if self.devices[asker.node as usize].life == asker.life {
                    // Nodes have been told beforehand who is who.
                    let Probe { peer, load, offer, .. } = probe;
                    let event = Event::Probed { job: asker.key, peer, load, offer, node: None };
                    self.deliver(asker.node, event, observer);
                }
            }
            Happening::JobArrives { travel } => self.job_arrives(travel, observer),
            Happening::AnswerReturns { answer } => self.answer_returns(answer, observer),
            Happening::Publish => self.publish(),
            Happening::Fails { node } => self.fail(node, observer),
            Happening::Comes { node } => self.come(node),
            Happening::Leaves { node } => self.leave(node),
            Happening::Noticed { node } => self.notice(node),
        }
    }

    #[inline]
    fn executed<O: Observer>(&mut self, node: u32, job: JobKey, observer: &mut O) {
        let device = &mut self.devices[node as usize];
        // Unless it has been given up, and its instance with it.
        if let Some(here) = device.get_mut(job) {
            let function = self.scenario.jobs[usize::from(here.task_type)].function;
            device.end(self.now, function);
        }
        self.deliver(node, Event::Executed { job, success: true }, observer);
    }

    fn probe_arrives(&mut self, number: u32) {
        let Some(probe) = self.hub.probes.get_mut(number as usize) else { return };
        let (target, asker) = (probe.target, probe.asker);
        if self.devices[target as usize].up {
            let node = &self.nodes[target as usize];
            let load = match &self.published {
                Some(published) => published[target as usize],
                None => load(node),
            };
            probe.load = Some(load);
            probe.offer = probe.question.and_then(|question| node.offer(&question, load));
        }
        if self.hub.is_lost(self.now, target, asker.node) {
            self.hub.probes.remove(number as usize);
            return;
        }
        let delay = self.hub.network.delay(target, asker.node, PROBE_BYTES, &mut self.hub.rng);
        self.hub.at(self.now + delay, Happening::ProbeReturns { probe: number });
    }

    fn job_arrives<O: Observer>(&mut self, travel: u32, observer: &mut O) {
        let travel = self.hub.travels.remove(travel as usize);
        let device = &self.devices[travel.target as usize];
        let answer = match device.up {
            true if device.offers(travel.arrival.function.0) => None,
            true => Some(ForwardAnswer::NotTaken),
            false if device.leaving => Some(ForwardAnswer::NotTaken),
            // Nobody listens there.
            false => Some(ForwardAnswer::NotReached),
        };
        match (answer, travel.here.from) {
            (None, _) => self.enter(travel.target, travel.arrival, travel.here, observer),
            (Some(answer), Some(from)) => {
                self.hub.answer(self.now, travel.target, from, answer, &travel.here, None);
            }
            (Some(_), None) => {}
        }
    }

    fn answer_returns<O: Observer>(&mut self, answer: u32, observer: &mut O) {
        let Answer { to, answer, ran, hops } = self.hub.answers.remove(answer as usize);
        let device = &mut self.devices[to.node as usize];
        if device.life != to.life {
            return;
        }
        if let Some(here) = device.get_mut(to.key) {
            here.hops = hops;
        }
        self.deliver_answer(to.node, Event::Forwarded { job: to.key, answer }, ran, observer);
    }

    fn publish(&mut self) {
        if let (Some(published), Some(every)) = (&mut self.published, self.hub.network.view_refresh()) {
            for (published, node) in published.iter_mut().zip(&self.nodes) {
                *published = load(node);
            }
            self.hub.at(self.now + every, Happening::Publish);
        }
    }

    fn cancel_all<O: Observer>(&mut self, observer: &mut O) {
        for device in &mut self.devices {
            let waiting: Vec<_> = device.known().filter(|here| here.from.is_none()).copied().collect();
            for here in waiting {
                observer.finished(&ended(here.arrival(), Outcome::Cancelled));
                self.hub.open_jobs -= 1;
            }
        }
    }
}

/// When the observer is to be asked next.
struct Look {
    at: Time,
    events: u64,
}

impl Look {
    const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

    fn new(now: Time, events: u64) -> Self {
        Look { at: now + Look::SECOND, events: events + EVENTS_A_LOOK }
    }

    #[inline]
    fn is_due(&mut self, now: Time, events: u64) -> bool {
        let due = now >= self.at || events >= self.events;
        if due {
            (self.at, self.events) = (now + Look::SECOND, events + EVENTS_A_LOOK);
        }
        due
    }
}

/// Nobody watches while nodes get to know each other.
struct Nobody;

impl Observer for Nobody {
    fn finished(&mut self, _: &Finished<'_>) {}
}

fn load(node: &Node) -> PeerLoad {
    let slots: &Slots = node.slots();
    PeerLoad { running: slots.running(), queued: slots.queued(), slots: slots.capacity().slots }
}

/// A client that found nobody, or no such function.
fn refused<O: Observer>(arrival: Arrival, observer: &mut O) {
    observer.finished(&ended(arrival, Outcome::Failed(p2pfaas_core::Failure::Function)));
}

/// A job of which nothing more is known than how it ended.
fn ended(arrival: Arrival, outcome: Outcome) -> Finished<'static> {
    Finished {
        arrival,
        latency: std::time::Duration::ZERO,
        outcome,
        executed_by: None,
        forwarded: false,
        hops: 0,
        probes: 0,
        timings: Timings::default(),
        learned: None,
    }
}
