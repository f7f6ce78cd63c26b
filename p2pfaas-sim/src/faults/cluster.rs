//! The cluster: takes what happens next off the calendar, does it to a machine, and checks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use p2pfaas_core::offers::Question;
use p2pfaas_core::policy::Policy;
use p2pfaas_core::{
    Arrival, Counters, Event, ForwardAnswer, JobKey, Node, NodeConfig, NodeId, PeerId, PeerLoad, Source, Time,
};

use super::act;
use super::books::Story;
use super::checks::{self, Before};
use super::happening::{Back, Brought, Happening, Hub, Whom};
use super::invariants::{Broken, Checked, Invariant, holds};
use super::life::{Life, Stage, Task};
use super::log::{self, Log};
use super::planted::Planted;
use super::policies::Policies;
use super::schedule::{Fault, Schedule};
use super::trial::Lived;
use super::{clock::Clock, setup, strays};
use crate::calendar::{BinaryHeap, Calendar};
use crate::streams::{Purpose, generator};

/// A cluster in which more happens than this never comes to rest.
const MAX_STEPS: u64 = 100_000;

/// What a restarted node leaves out of its numbers, which come from the time of the day.
const NUMBERS_BETWEEN_LIVES: u64 = 1_000;

/// What a machine keeps when its process ends.
#[derive(Debug, Default)]
struct Kept {
    lives: u32,
    next_job_number: u64,
    next_eid: u64,
    peer_numbers: Vec<String>,
}

pub(super) struct Cluster<'a> {
    seed: u64,
    policies: &'a Policies<'a>,
    schedule: Schedule,
    lives: Vec<Option<Box<Life>>>,
    kept: Vec<Kept>,
    pub hub: Hub,
    pub steps: u64,
}

impl<'a> Cluster<'a> {
    pub fn new(seed: u64, policies: &'a Policies<'a>, planted: Option<Planted>, log: Log) -> Checked<Self> {
        let drawn = setup::draw(seed, policies);
        let schedule =
            drawn.map_err(|error| Broken { invariant: Invariant::Repeatable, what: error.to_string() })?;
        let nodes = schedule.nodes.len();
        let hub = Hub {
            now: Time::ZERO,
            calendar: BinaryHeap::default(),
            network: schedule.network.clone(),
            weather: schedule.weather,
            chance: generator(seed, Purpose::Network, 0),
            stories: Vec::new(),
            log,
            planted,
            lived: Lived { clusters: 1, nodes: nodes as u64, ..Lived::default() },
            names: (0..nodes + schedule.old.len()).map(|machine| setup::name(machine, nodes)).collect(),
            nodes,
            truthful: schedule.truthful,
            has_timeouts: schedule.nodes.iter().all(|node| node.config.job_timeout.is_some()),
            executions: schedule.nodes.iter().map(|node| node.execution).collect(),
            next_ticket: 0,
            at_once: Vec::new(),
            effects: Vec::new(),
        };
        let lives = (0..nodes).map(|_| None).collect();
        let kept = (0..nodes).map(|_| Kept::default()).collect();
        Ok(Cluster { seed, policies, schedule, lives, kept, hub, steps: 0 })
    }

    /// Lives through it all.
    pub fn run(&mut self) -> Checked {
        for node in 0..self.hub.nodes {
            if self.schedule.nodes[node].begins {
                self.start(node)?;
            }
        }
        for (number, job) in self.schedule.jobs.iter().enumerate() {
            self.hub.calendar.push(job.at, Happening::Due(number));
        }
        for (at, fault) in &self.schedule.faults {
            self.hub.calendar.push(*at, Happening::Fault(fault.clone()));
        }
        while let Some((at, happening)) = self.hub.calendar.pop() {
            self.hub.now = at;
            self.steps += 1;
            holds(self.steps <= MAX_STEPS, Invariant::Quiet, || {
                format!("{MAX_STEPS} steps, and more to come")
            })?;
            self.happen(happening)?;
        }
        self.lives.iter().flatten().try_for_each(|life| checks::quiet(life))?;
        self.hub.lived.steps = self.steps;
        self.hub.all_heard()
    }

    fn happen(&mut self, happening: Happening) -> Checked {
        match happening {
            Happening::Due(number) => self.due(number),
            Happening::JobArrives { machine, arrival, brought } => {
                self.job_arrives(machine, arrival, brought)
            }
            Happening::JobRepeats { to, arrival, lineage } => {
                if self.life(to).is_none_or(|life| life.draining) {
                    return Ok(());
                }
                self.hub.lived.repeated += 1;
                let brought = Brought { lineage, back: Back::Stranger, ticket: None };
                self.deliver(to.node, Event::Arrive(arrival), Some(brought))
            }
            Happening::ProbeArrives { machine, from, job, peer, question } => {
                self.probe_arrives(machine, from, job, peer, question);
                Ok(())
            }
            Happening::Event { to, mut event } => {
                if let Some(bug) = self.hub.planted {
                    bug.spoil_event(&mut event);
                }
                if self.is_there(to) { self.deliver(to.node, event, None) } else { Ok(()) }
            }
            Happening::Wake { to, alarm } => {
                let wanted = self.life(to).is_some_and(|life| life.alarms == alarm && life.alarm.is_some());
                let lost = self.hub.planted.is_some_and(|bug| bug.loses_wake(alarm));
                if wanted && !lost { self.deliver(to.node, Event::Wake, None) } else { Ok(()) }
            }
            Happening::Closed { machine, ticket } => self.closed(machine, ticket),
            Happening::Fault(fault) => self.befall(fault),
        }
    }

    fn life(&self, whom: Whom) -> Option<&Life> {
        self.lives[whom.node].as_deref().filter(|life| life.whom == whom)
    }

    fn is_there(&self, whom: Whom) -> bool {
        self.life(whom).is_some()
    }

    /// A client brings a job, or somebody makes one up.
    fn due(&mut self, number: usize) -> Checked {
        let job = &self.schedule.jobs[number];
        let (machine, arrival, leaves, forged) = (job.machine, job.arrival.clone(), job.leaves, job.forged);
        let lineage = self.hub.stories.len();
        self.hub.stories.push(Story { forged, ..Story::default() });
        self.hub.lived.jobs += 1;
        if machine >= self.hub.nodes {
            return self.hub.old_peer_has_client(machine, lineage);
        }
        let back = if forged { Back::Stranger } else { Back::Client };
        let Some(life) = self.lives[machine].as_deref().filter(|life| !life.draining) else { return Ok(()) };
        let whom = life.whom;
        let key = life.node.next_key();
        self.hub.stories[lineage].accepted = !forged;
        if !forged {
            self.hub.visits(lineage, machine)?;
        }
        self.deliver(machine, Event::Arrive(arrival), Some(Brought { lineage, back, ticket: None }))?;
        if let Some(delay) = leaves.filter(|_| self.hub.chance(self.hub.weather.client_leaves)) {
            self.hub.after(delay, Happening::Event { to: whom, event: Event::Cancel { job: key } });
        }
        Ok(())
    }

    fn job_arrives(&mut self, machine: usize, mut arrival: Arrival, brought: Brought) -> Checked {
        if machine >= self.hub.nodes {
            let keeps_id = self.schedule.old[machine - self.hub.nodes];
            return self.hub.old_peer_gets(machine, arrival.id, keeps_id, brought);
        }
        let Some(life) = self.lives[machine].as_deref_mut() else {
            self.hub.reply(machine, brought.back, ForwardAnswer::NotReached);
            return Ok(());
        };
        if life.draining || self.hub.chance(self.hub.weather.not_offered) {
            self.hub.reply(machine, brought.back, ForwardAnswer::NotTaken);
            return Ok(());
        }
        if self.hub.chance(0.02) {
            arrival.deadline = Some(Duration::ZERO);
        }
        let closed = brought.ticket.is_some_and(|ticket| life.closed.remove(&ticket));
        let (to, lineage, job) = (life.whom, brought.lineage, life.node.next_key());
        if matches!(arrival.source, Source::Peer { .. }) && self.hub.chance(self.hub.weather.repeated) {
            let (delay, arrival) = (self.hub.within(Duration::from_secs(1)), arrival.clone());
            self.hub.after(delay, Happening::JobRepeats { to, arrival, lineage });
        }
        self.hub.visits(brought.lineage, machine)?;
        self.deliver(machine, Event::Arrive(arrival), Some(brought))?;
        if closed { self.deliver(machine, Event::Cancel { job }, None) } else { Ok(()) }
    }

    fn probe_arrives(
        &mut self,
        machine: usize,
        from: Whom,
        job: JobKey,
        peer: PeerId,
        question: Option<Question>,
    ) {
        if machine >= self.hub.nodes {
            return self.hub.old_peer_is_probed(machine, from, job, peer);
        }
        let Some(life) = self.lives[machine].as_deref() else { return self.hub.lost_probe(from, job, peer) };
        let slots = life.node.slots();
        let (running, queued, slots) = (slots.running(), slots.queued(), slots.capacity().slots);
        let load = PeerLoad { running, queued, slots };
        let offer = question.and_then(|question| life.node.offer(&question, load));
        let event = Event::Probed { job, peer, load: Some(load), offer, node: Some(life.node.id()) };
        self.hub.answer_probe(machine, from, event);
    }

    fn closed(&mut self, machine: usize, ticket: u64) -> Checked {
        let Some(life) = self.lives.get_mut(machine).and_then(Option::as_deref_mut) else { return Ok(()) };
        match life.of_ticket(ticket) {
            Some(job) => self.deliver(machine, Event::Cancel { job }, None),
            None => {
                life.closed.insert(ticket);
                Ok(())
            }
        }
    }

    /// Something happens to a node, and what its learner then says at once; now and then something that nobody waits for.
    fn deliver(&mut self, node: usize, event: Event, brought: Option<Brought>) -> Checked {
        let stray = self.hub.chance(self.hub.weather.stray);
        let last = stray.then(|| event.clone());
        self.turn(node, event, brought)?;
        while let Some(event) = self.hub.at_once.pop() {
            self.turn(node, event, None)?;
        }
        let stray = last.zip(self.lives[node].as_deref());
        let stray = stray.and_then(|(last, life)| strays::draw(&mut self.hub, life, &last));
        stray.map_or(Ok(()), |event| self.turn(node, event, None))
    }

    fn turn(&mut self, node: usize, event: Event, brought: Option<Brought>) -> Checked {
        let Some(life) = self.lives[node].as_deref_mut() else { return Ok(()) };
        let hub = &mut self.hub;
        let now = life.clock.read(hub.now);
        let before = Before::of(life, &event);
        let ejections = life.node.counters().ejections;
        if let Event::Executed { job, success: true } = &event
            && before.expected()
            && let Some(task) = life.tasks.get(job)
        {
            hub.stories[task.brought.lineage].succeeded = true;
        }
        if before.expected() {
            life.note(now, &event);
        } else {
            life.seen.stray_events += 1;
            hub.lived.strays += 1;
        }
        let mut effects = std::mem::take(&mut hub.effects);
        effects.clear();
        match (&event, brought) {
            (Event::Arrive(arrival), Some(brought)) => {
                let own = p2pfaas_core::JobId { origin: life.node.id(), number: life.node.next_job_number() };
                let (id, source) = (arrival.id.unwrap_or(own), arrival.source.clone());
                let key = life.node.next_key();
                if let (true, Source::Peer { visited, .. }) = (key.has_place(), &source)
                    && !life.taken.insert((id, visited.last().copied()))
                {
                    life.seen.repeated += 1;
                }
                life.tasks.insert(
                    key,
                    Task { brought, id, source, arrived: now, stage: Stage::Idle, unreached: Vec::new() },
                );
                hub.log.line(hub.now, &hub.names[node], || log::event(&event, &life.word(key)));
                let given = life.node.arrive(now, arrival.clone(), &mut life.rng, &mut effects);
                holds(given == key, Invariant::OneAnswer, || "a job has another key than was said".into())?;
            }
            _ => {
                hub.log.line(hub.now, &hub.names[node], || log::event(&event, &life.word_of(&event)));
                life.node.handle(now, event.clone(), &mut life.rng, &mut effects);
            }
        }
        if let Some(bug) = hub.planted {
            bug.spoil_effects(life, &event, &mut effects);
        }
        for effect in &effects {
            hub.log.line(hub.now, &hub.names[node], || log::effect(effect, &life.word_of_effect(effect)));
        }
        checks::effects(life, &before, &event, &effects)?;
        for effect in effects.drain(..) {
            act::carry_out(hub, life, now, effect)?;
        }
        hub.effects = effects;
        self.hub.lived.ejections += life.node.counters().ejections - ejections;
        checks::state(life, &before, now)
    }

    fn befall(&mut self, fault: Fault) -> Checked {
        let (Fault::Crash { node, .. }
        | Fault::Start { node }
        | Fault::Leave { node, .. }
        | Fault::Gone { node, .. }
        | Fault::SetPeers { node, .. }
        | Fault::Hears { node, .. }
        | Fault::SetCapacity { node, .. }
        | Fault::SetPolicy { node, .. }
        | Fault::Jump { node, .. }
        | Fault::Wake { node }) = fault;
        if let Fault::Start { .. } = fault {
            return if self.lives[node].is_none() { self.start(node) } else { Ok(()) };
        }
        let Some(life) = self.lives[node].as_deref_mut() else { return Ok(()) };
        match fault {
            Fault::Start { .. } => Ok(()),
            Fault::Crash { seen, .. } => {
                self.crash(node, seen);
                Ok(())
            }
            Fault::Leave { grace, .. } => {
                let gone = Fault::Gone { node, life: life.whom.life };
                life.draining = true;
                self.hub.log.line(self.hub.now, &self.hub.names[node], || "== leaves".into());
                self.hub.after(grace, Happening::Fault(gone));
                Ok(())
            }
            Fault::Gone { life: number, .. } if number == life.whom.life => self.gone(node),
            Fault::Gone { .. } => Ok(()),
            Fault::SetPeers { peers, .. } => self.deliver(node, Event::SetPeers(peers), None),
            Fault::Hears { news, .. } => self.deliver(node, news, None),
            Fault::SetCapacity { capacity, .. } => self.deliver(node, Event::SetCapacity(capacity), None),
            Fault::SetPolicy { policy, .. } => {
                let built = build(self.policies, &policy)?;
                life.policies += 1;
                self.hub.log.line(self.hub.now, &self.hub.names[node], || format!("== policy {policy}"));
                life.node.set_policy(built);
                Ok(())
            }
            Fault::Jump { by_ns, .. } => {
                life.clock.jump(by_ns);
                let hub = &mut self.hub;
                hub.log.line(hub.now, &hub.names[node], || {
                    format!("== clock set by {:.6} s", by_ns as f64 / 1e9)
                });
                hub.alarm(life);
                Ok(())
            }
            Fault::Wake { .. } => self.deliver(node, Event::Wake, None),
        }
    }

    fn start(&mut self, node: usize) -> Checked {
        let (plan, kept) = (&self.schedule.nodes[node], &mut self.kept[node]);
        let peer_numbers =
            if plan.keeps_numbers { std::mem::take(&mut kept.peer_numbers) } else { Vec::new() };
        let config = NodeConfig {
            first_job_number: kept.next_job_number,
            first_eid: kept.next_eid,
            peer_numbers,
            ..plan.config.clone()
        };
        let whom = Whom { node, life: kept.lives };
        kept.lives += 1;
        let id = NodeId::from_machine_id(&self.hub.names[node]);
        let (policy, fallback) = (build(self.policies, &plan.policy)?, build(self.policies, &plan.fallback)?);
        let owner = (node as u64) << 32 | u64::from(whom.life);
        let life = Life {
            whom,
            node: Node::new(id, config.clone(), policy, fallback),
            rng: generator(self.seed, Purpose::Node, owner),
            clock: Clock::new(self.hub.now, plan.clock_base, plan.clock_rate_ppm, plan.raw_clock),
            capacity: config.capacity,
            config,
            learner_at_once: plan.learner_at_once,
            tasks: BTreeMap::new(),
            dead: VecDeque::new(),
            alarm: None,
            alarms: 0,
            draining: false,
            closed: BTreeSet::new(),
            forwarded: VecDeque::new(),
            taken: BTreeSet::new(),
            learned: BTreeSet::new(),
            seen: Counters::default(),
            counted: Counters::default(),
            not_reached: 0,
            policies: 5,
        };
        self.lives[node] = Some(Box::new(life));
        self.hub.lived.lives += 1;
        let (policy, peers) = (&plan.policy, plan.peers.clone());
        self.hub.log.line(self.hub.now, &self.hub.names[node], || format!("== starts with {policy}"));
        self.deliver(node, Event::SetPeers(peers), None)
    }

    /// All that it has is lost.
    fn crash(&mut self, node: usize, seen: bool) {
        let Some(life) = self.lives[node].take() else { return };
        self.hub.log.line(self.hub.now, &self.hub.names[node], || "== breaks down".into());
        self.hub.lived.crashes += 1;
        for task in life.tasks.values() {
            match task.brought.back {
                Back::Client => self.hub.stories[task.brought.lineage].lost = true,
                back if seen || !self.hub.has_timeouts => self.hub.reply(node, back, ForwardAnswer::NoAnswer),
                _ => {}
            }
            if let (true, Stage::Forwarding { machine: Some(machine), ticket, .. }) = (seen, &task.stage) {
                let (machine, ticket) = (*machine, *ticket);
                self.hub.after(Duration::from_millis(1), Happening::Closed { machine, ticket });
            }
        }
        self.keep(node, &life);
    }

    /// It ends its jobs as `p2pfaas-node` does at its end, and is gone.
    fn gone(&mut self, node: usize) -> Checked {
        let jobs = |cluster: &Self| -> Vec<JobKey> {
            cluster.lives[node]
                .as_deref()
                .map(|life| life.tasks.keys().copied().collect())
                .unwrap_or_default()
        };
        for job in jobs(self) {
            self.turn(node, Event::Cancel { job }, None)?;
        }
        for job in jobs(self) {
            self.turn(node, Event::Executed { job, success: false }, None)?;
        }
        let Some(mut life) = self.lives[node].take() else { return Ok(()) };
        self.hub.log.line(self.hub.now, &self.hub.names[node], || "== is gone".into());
        // What is still set are time-outs of jobs that have ended.
        let now = life.clock.read(self.hub.now) + Duration::from_secs(60);
        let mut effects = std::mem::take(&mut self.hub.effects);
        life.node.handle(now, Event::Wake, &mut life.rng, &mut effects);
        self.hub.effects = effects;
        self.keep(node, &life);
        checks::quiet(&life)
    }

    fn keep(&mut self, node: usize, life: &Life) {
        let kept = &mut self.kept[node];
        kept.next_job_number = life.node.next_job_number() + NUMBERS_BETWEEN_LIVES;
        kept.next_eid = life.node.next_eid() + NUMBERS_BETWEEN_LIVES;
        kept.peer_numbers = life.node.peers().names().map(String::from).collect();
    }
}

fn build(policies: &Policies<'_>, descriptor: &p2pfaas_core::policy::Descriptor) -> Checked<Box<dyn Policy>> {
    let built = policies.registry.build(descriptor);
    built.map_err(|error| Broken { invariant: Invariant::Repeatable, what: error.to_string() })
}
