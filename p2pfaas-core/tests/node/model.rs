//! A model of the world around one node. It is told everything that the node is told, keeps its
//! own books about every job, and checks each effect and each count against them.
//!
//! The model knows no policy's rule. What it knows is what any node owes to anybody: its bounds, one
//! answer a job, the order of its queue, where a job may go.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use p2pfaas_core::agent::{Choice, Observation};
use p2pfaas_core::log::{Entry, Header, Input};
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::fixture::{Reports, me};

/// Where a job stands, as far as its effects tell.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// The node has to do something about it in this very step.
    Deciding,
    Probing {
        open: Vec<PeerId>,
        since: Time,
    },
    Waiting {
        until: Time,
    },
    Asked {
        since: Time,
    },
    /// Since this step; the node makes no effect of it.
    Queued {
        step: u64,
    },
    Running,
    Forwarded,
    Answered(Outcome),
}

#[derive(Debug)]
pub struct Job {
    pub key: JobKey,
    pub stage: Stage,
    arrival: Arrival,
    id: JobId,
    arrived: Time,
    policy: Descriptor,
    policy_name: String,
    probes: u32,
    probing_started: Option<Time>,
    forwarded_to: Option<PeerId>,
    /// The last peer that could not be reached with it.
    unreached: Option<PeerId>,
    /// It goes nowhere any more.
    stays: bool,
    asks: u32,
    seen: Observation,
    chosen: Option<Chosen>,
}

/// A choice that has been taken: one experience is owed for it.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    eid: u64,
    choice: Choice,
}

/// The node and the books about it.
pub struct World {
    pub node: Node,
    pub now: Time,
    pub jobs: Vec<Job>,
    /// Every probe ever sent.
    pub probes: Vec<(JobKey, PeerId)>,
    /// All that happened, as a driver records it.
    pub header: Header,
    pub log: Vec<Entry>,
    registry: Registry,
    rng: Xoshiro256PlusPlus,
    config: NodeConfig,
    capacity: Capacity,
    policy: Descriptor,
    index: HashMap<JobKey, usize>,
    identities: HashMap<String, Option<NodeId>>,
    present: HashSet<String>,
    suspected_until: HashMap<PeerId, Time>,
    /// Breakdowns in a row.
    breakdowns: HashMap<PeerId, u32>,
    doubted: HashSet<PeerId>,
    /// With the one function that there is, at the beginning of this step.
    ejected: HashSet<PeerId>,
    /// By a time-out: of the jobs of the same step some are decided about before it, some after.
    suspected_in_this_step: Vec<PeerId>,
    forwarded: HashSet<JobId>,
    /// Jobs of our nodes, each by the last node of its path.
    taken: HashSet<(JobId, Option<NodeId>)>,
    /// In hundredths of a retry, and the second up to which it has been filled.
    retries: (u64, Time),
    next_eid: u64,
    counted: Counters,
    wake: Option<Time>,
    step: u64,
    woken: bool,
}

impl World {
    pub fn new(config: NodeConfig, policy: Descriptor, fallback: Descriptor, seed: u64) -> Self {
        let registry = Registry::builtin();
        let build = |descriptor| registry.build(descriptor).expect("a policy that exists");
        World {
            node: Node::new(me(), config.clone(), build(&policy), build(&fallback)),
            now: Time::ZERO,
            jobs: Vec::new(),
            probes: Vec::new(),
            header: Header { node: me(), seed, config: config.clone(), policy: policy.clone(), fallback },
            log: Vec::new(),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            capacity: config.capacity,
            next_eid: config.first_eid,
            config,
            policy,
            index: HashMap::new(),
            identities: HashMap::new(),
            present: HashSet::new(),
            suspected_until: HashMap::new(),
            breakdowns: HashMap::new(),
            doubted: HashSet::new(),
            ejected: HashSet::new(),
            suspected_in_this_step: Vec::new(),
            forwarded: HashSet::new(),
            taken: HashSet::new(),
            retries: (1_000, Time::ZERO),
            counted: Counters::default(),
            wake: None,
            step: 0,
            woken: false,
            registry,
        }
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// The moment at which the node wants to be woken.
    pub fn wake(&self) -> Option<Time> {
        self.wake
    }

    pub fn set_policy(&mut self, descriptor: &Descriptor) {
        self.policy = descriptor.clone();
        self.record(Input::SetPolicy(descriptor.clone()), &[]);
        self.node.set_policy(self.registry.build(descriptor).expect("a policy that exists"));
        self.check_counts();
    }

    pub fn arrive(&mut self, arrival: Arrival) {
        self.begin_step();
        self.counted.arrived += 1;
        let own = JobId { origin: me(), number: self.config.first_job_number + self.counted.arrived - 1 };
        let policy = match arrival.policy {
            PolicyChoice::Configured => self.policy.clone(),
            PolicyChoice::Bypass => Descriptor::new("NoScheduler", ["true"]),
            PolicyChoice::Forward => Descriptor::new("ForwardScheduler", ["1"]),
            PolicyChoice::Reject => Descriptor::new("RejectScheduler", []),
        };
        let (mut effects, mut reports) = (Vec::new(), Reports::default());
        let mut sink = (&mut effects, &mut reports);
        let key = self.node.arrive(self.now, arrival.clone(), &mut self.rng, &mut sink);
        self.record(Input::Event(Event::Arrive(arrival.clone())), &effects);
        assert!(!self.index.contains_key(&key), "a key is given once");
        self.index.insert(key, self.jobs.len());
        self.jobs.push(Job {
            key,
            stage: Stage::Deciding,
            id: arrival.id.unwrap_or(own),
            arrival,
            arrived: self.now,
            policy_name: self.registry.build(&policy).expect("a policy that exists").full_name(),
            policy,
            probes: 0,
            probing_started: None,
            forwarded_to: None,
            unreached: None,
            stays: false,
            asks: 0,
            seen: Observation::default(),
            chosen: None,
        });
        let job = &self.jobs[self.jobs.len() - 1];
        let mut ends = Vec::new();
        if let (true, Source::Peer { visited, .. }) = (key.has_place(), &job.arrival.source)
            && !self.taken.insert((job.id, visited.last().copied()))
        {
            self.counted.repeated += 1;
            ends.push((key, Some(Outcome::Failed(Failure::Repeated))));
        }
        self.follow(effects, reports, ends);
    }

    pub fn handle(&mut self, event: Event) {
        self.begin_step();
        let ends = self.expect(&event);
        self.woken = event == Event::Wake;
        let (mut effects, mut reports) = (Vec::new(), Reports::default());
        self.node.handle(self.now, event.clone(), &mut self.rng, &mut (&mut effects, &mut reports));
        self.record(Input::Event(event), &effects);
        self.follow(effects, reports, ends);
        for peer in std::mem::take(&mut self.suspected_in_this_step) {
            self.suspect(peer);
        }
        self.woken = false;
    }

    fn begin_step(&mut self) {
        self.step += 1;
        // Who is ejected is the subject of tests of its own; that nobody who is gets a job is this one's.
        let peers = self.node.peers();
        let out = |peer: &PeerId| peers.is_ejected(FunctionId(0), *peer, self.now);
        self.ejected = (0..peers.known() as u32).map(PeerId).filter(out).collect();
    }

    fn record(&mut self, input: Input, effects: &[Effect]) {
        self.log.push(Entry { at: self.now, input, effects: effects.to_vec() });
    }

    /// Answers all that is open until every job has ended, by answers or by time-outs alone.
    pub fn drain(&mut self, by_time_outs: bool) {
        if !by_time_outs && self.capacity.slots == 0 {
            self.handle(Event::SetCapacity(Capacity { slots: 1, ..self.capacity }));
        }
        while let Some(job) = self.jobs.iter().find(|job| !matches!(job.stage, Stage::Answered(_))) {
            let (key, stage) = (job.key, job.stage.clone());
            match stage {
                Stage::Running if !by_time_outs => self.handle(Event::Executed { job: key, success: true }),
                Stage::Forwarded if !by_time_outs => {
                    self.handle(Event::Forwarded { job: key, answer: ForwardAnswer::Served });
                }
                Stage::Queued { .. } if !by_time_outs => {
                    let running = self.keys(|stage| *stage == Stage::Running);
                    self.handle(Event::Executed { job: running[0], success: true });
                }
                _ => {
                    self.now = self.now.max(self.wake.expect("whoever waits has a time-out"));
                    self.handle(Event::Wake);
                }
            }
        }
        assert_eq!(self.node.jobs_under_way(), 0);
        assert_eq!(self.node.slots().load(), 0);
        assert_eq!(self.node.counters().arrived, self.node.counters().answered());
    }

    pub fn keys(&self, stage: impl Fn(&Stage) -> bool) -> Vec<JobKey> {
        self.jobs.iter().filter(|job| stage(&job.stage)).map(|job| job.key).collect()
    }

    /// A forward to a peer has failed.
    fn suspect(&mut self, peer: PeerId) {
        if self.suspected_until.get(&peer).is_none_or(|until| *until <= self.now) {
            let before = self.breakdowns.entry(peer).or_default();
            let span = (self.config.suspicion * 2_u32.pow(*before)).min(Duration::from_secs(60));
            *before += 1;
            self.suspected_until.insert(peer, self.now + span);
        }
    }

    /// Whether a job may be decided about again, by the default share and burst.
    fn takes_retry(&mut self) -> bool {
        let (credit, filled) = &mut self.retries;
        while self.now.since(*filled) >= Duration::from_secs(1) {
            *filled = *filled + Duration::from_secs(1);
            *credit = (*credit + 100).min(1_000);
        }
        let enough = *credit >= 100;
        *credit -= if enough { 100 } else { 0 };
        let counts = (&mut self.counted.retries, &mut self.counted.retries_refused);
        *(if enough { counts.0 } else { counts.1 }) += 1;
        enough
    }

    fn count(&self, stage: impl Fn(&Stage) -> bool) -> u32 {
        self.jobs.iter().filter(|job| stage(&job.stage)).count() as u32
    }

    /// Enters an event into the books; which jobs must end by it, and how when that is certain.
    fn expect(&mut self, event: &Event) -> Vec<(JobKey, Option<Outcome>)> {
        let job = |world: &Self, key| world.index.get(key).copied();
        match event {
            Event::Arrive(_) => panic!("arrivals go through arrive()"),
            Event::Probed { job: key, peer, load, node, .. } => {
                if let (Some(node), Some(name)) = (node, self.node.peers().name(*peer)) {
                    self.identities.insert(name.to_string(), Some(*node));
                }
                let index = job(self, key);
                let open = index.and_then(|index| match &mut self.jobs[index].stage {
                    Stage::Probing { open, .. } if open.contains(peer) => Some((index, open)),
                    _ => None,
                });
                let Some((index, open)) = open else { return self.stray() };
                open.retain(|open| open != peer);
                let over = open.is_empty();
                if over {
                    self.jobs[index].stage = Stage::Deciding;
                }
                self.counted.probes_failed += u64::from(load.is_none());
                Vec::new()
            }
            Event::Acted { job: key, choice } => match job(self, key) {
                Some(index) if matches!(self.jobs[index].stage, Stage::Asked { .. }) => {
                    self.jobs[index].stage = Stage::Deciding;
                    self.choose(index, *choice);
                    Vec::new()
                }
                _ => self.stray(),
            },
            Event::Executed { job: key, success } => match job(self, key) {
                Some(index) if self.jobs[index].stage == Stage::Running => {
                    vec![(
                        *key,
                        Some(if *success { Outcome::Served } else { Outcome::Failed(Failure::Function) }),
                    )]
                }
                _ => self.stray(),
            },
            Event::Forwarded { job: key, answer } => match job(self, key) {
                Some(index) if self.jobs[index].stage == Stage::Forwarded => {
                    let peer = self.jobs[index].forwarded_to.expect("a forwarded job");
                    let left_alone = self.suspected_until.get(&peer).is_some_and(|until| *until > self.now);
                    let failed = matches!(answer, ForwardAnswer::NoAnswer | ForwardAnswer::NotReached);
                    if !failed && !left_alone {
                        self.breakdowns.remove(&peer);
                    }
                    if failed {
                        self.suspect(peer);
                        self.counted.forwards_failed += 1;
                    }
                    let outcome = match answer {
                        ForwardAnswer::NotTaken => {
                            self.jobs[index].stage = Stage::Deciding;
                            self.jobs[index].forwarded_to = None;
                            return Vec::new();
                        }
                        ForwardAnswer::Served => Outcome::Served,
                        ForwardAnswer::Dropped => Outcome::Dropped,
                        ForwardAnswer::Rejected => Outcome::Rejected,
                        ForwardAnswer::FunctionFailed | ForwardAnswer::FunctionRefused => {
                            Outcome::Failed(Failure::Function)
                        }
                        ForwardAnswer::NotReached if self.takes_retry() => {
                            let job = &mut self.jobs[index];
                            job.stage = Stage::Deciding;
                            job.forwarded_to = None;
                            job.stays |= job.unreached.replace(peer).is_some() || job.chosen.is_some();
                            return Vec::new();
                        }
                        ForwardAnswer::NotReached | ForwardAnswer::NoAnswer => {
                            Outcome::Failed(Failure::Forward)
                        }
                    };
                    vec![(*key, Some(outcome))]
                }
                _ => self.stray(),
            },
            Event::Cancel { job: key } => match job(self, key).map(|index| &self.jobs[index].stage) {
                None | Some(Stage::Answered(_)) => self.stray(),
                Some(Stage::Running) => Vec::new(),
                Some(_) => vec![(*key, Some(Outcome::Cancelled))],
            },
            Event::Wake => self.expect_time_outs(),
            Event::SetCapacity(capacity) => {
                self.capacity = *capacity;
                Vec::new()
            }
            Event::SetPeers(peers) => {
                self.present = peers.iter().map(|(name, _)| name.clone()).collect();
                for (name, node) in peers {
                    let known = self.identities.entry(name.clone()).or_default();
                    *known = node.or(*known);
                }
                let Self { doubted, node, present, .. } = self;
                doubted.retain(|peer| node.peers().name(*peer).is_some_and(|name| present.contains(name)));
                Vec::new()
            }
            Event::Suspected { peer, suspected } => {
                let here = self.node.peers().name(*peer).is_some_and(|name| self.present.contains(name));
                if *suspected && here {
                    self.doubted.insert(*peer);
                } else {
                    self.doubted.remove(peer);
                }
                Vec::new()
            }
            Event::Told(_) => Vec::new(),
        }
    }

    /// The learner has chosen. A choice that cannot be carried out is passed over, unless the
    /// policy wants no fallback; any other is taken, and has the next number.
    fn choose(&mut self, index: usize, choice: Option<Choice>) {
        let job = &self.jobs[index];
        let no_fallback = job.asks == 1 && job.policy.parameters.iter().any(|text| text == "fallback=none");
        let taken = choice.filter(|choice| {
            let peer = choice.action.checked_sub(3).map(PeerId);
            no_fallback || peer.is_none_or(|peer| self.may_go(job, peer).is_ok())
        });
        if let Some(choice) = taken {
            self.jobs[index].chosen = Some(Chosen { eid: self.next_eid, choice });
            self.next_eid += 1;
        }
    }

    fn stray(&mut self) -> Vec<(JobKey, Option<Outcome>)> {
        self.counted.stray_events += 1;
        Vec::new()
    }

    fn expect_time_outs(&mut self) -> Vec<(JobKey, Option<Outcome>)> {
        self.wake = None;
        let mut ends = Vec::new();
        for job in &mut self.jobs {
            let own =
                self.config.job_timeout.map(|timeout| job.arrived + timeout).filter(|at| *at <= self.now);
            let stage = stage_ends(&job.stage, &self.config).filter(|at| *at <= self.now);
            let stage_first = stage.is_some_and(|stage| own.is_none_or(|own| stage < own));
            if stage_first {
                if let Stage::Probing { open, .. } = &job.stage {
                    self.counted.probes_failed += open.len() as u64;
                }
                job.stage = Stage::Deciding;
            }
            if own.is_some() && !matches!(job.stage, Stage::Answered(_)) {
                // A job that is decided about, or is in the queue, may end otherwise just before.
                let certain = !matches!(job.stage, Stage::Deciding | Stage::Queued { .. });
                ends.push((job.key, certain.then_some(Outcome::Failed(Failure::TimedOut))));
            }
        }
        ends
    }

    /// Checks the effects of one step, in their order, and the books behind it.
    fn follow(&mut self, effects: Vec<Effect>, reports: Reports, ends: Vec<(JobKey, Option<Outcome>)>) {
        let mut abandoned = None;
        let mut learned = None;
        for effect in effects {
            assert!(
                learned.is_none() || matches!(effect, Effect::Answer { .. }),
                "an experience, then its answer"
            );
            if !matches!(effect, Effect::Learn { .. })
                && let Some(abandoned) = abandoned.take()
            {
                let follows = matches!(&effect, Effect::Answer { job, outcome, .. } if *job == abandoned
                    && matches!(outcome, Outcome::Cancelled | Outcome::Failed(Failure::TimedOut)));
                assert!(follows, "an abandoned job ends at once, not {effect:?}");
            }
            match effect {
                Effect::WakeAt { at } => self.wake = Some(self.wake.map_or(at, |wake| wake.min(at))),
                Effect::Execute { job } => self.execute(job),
                Effect::Probe { job, peer, .. } => self.probe(job, peer),
                Effect::Forward { job, forward } => self.forward(job, &forward),
                Effect::Ask { job, observation } => {
                    self.counted.asks += 1;
                    assert_eq!(observation.mask.len(), 3 + self.node.peers().known());
                    for (peer, allowed) in observation.mask[3..].iter().enumerate() {
                        assert!(!allowed || self.may_go(self.job(job), PeerId(peer as u32)).is_ok());
                    }
                    let since = self.now;
                    let job = self.undecided(job);
                    assert!(job.arrival.source == Source::Client && !job.stays);
                    job.stage = Stage::Asked { since };
                    job.asks += 1;
                    job.seen = observation;
                }
                Effect::Learn { eid, state, mask, choice, reward } => {
                    let seen = Observation { state, mask };
                    learned = Some((eid, choice, seen, reward));
                }
                Effect::Abandon { job } => {
                    assert!(matches!(self.job(job).stage, Stage::Running | Stage::Forwarded));
                    abandoned = Some(job);
                }
                Effect::Answer { job, id, outcome, timings, probes, forwarded_to } => {
                    if outcome == Outcome::Failed(Failure::TimedOut)
                        && self.job(job).stage == Stage::Forwarded
                    {
                        let peer = self.job(job).forwarded_to.expect("a forwarded job");
                        self.suspected_in_this_step.push(peer);
                        self.counted.forwards_failed += 1;
                    }
                    self.answer(job, outcome);
                    let job = self.job(job);
                    let owed = job.chosen.map(|Chosen { eid, choice }| {
                        (eid, choice, job.seen.clone(), self.reward(job, outcome))
                    });
                    assert_eq!(learned.take(), owed, "one experience for a choice, none without one");
                    assert_eq!((id, probes, forwarded_to), (job.id, job.probes, job.forwarded_to));
                    assert_eq!(timings.total, self.now.since(job.arrived));
                    assert!(timings.scheduling <= timings.total);
                }
            }
        }
        assert_eq!(abandoned, None);
        assert_eq!(learned, None);
        for (key, outcome) in ends {
            let Stage::Answered(was) = self.job(key).stage else {
                panic!("{:?} must have ended", self.job(key))
            };
            assert!(outcome.is_none_or(|outcome| outcome == was), "{was:?}, not {outcome:?}");
        }
        for heard in reports.0 {
            let job = self.job(heard.job);
            assert_eq!(heard.policy, job.policy_name);
            let learned = job.chosen.map(|chosen| (job.seen.state.clone(), chosen.choice));
            assert_eq!(heard.learned, learned);
        }
        self.settle();
        self.check_counts();
        self.check_alarm_clock();
    }

    /// What the choice about a job was worth, when nobody has set other rewards.
    fn reward(&self, job: &Job, outcome: Outcome) -> Option<f64> {
        let deadline = job.arrival.deadline.map(|left| job.arrived + left);
        let in_time = deadline.is_none_or(|deadline| self.now <= deadline);
        match outcome {
            Outcome::Cancelled => None,
            Outcome::Served if in_time => Some(1.0),
            _ => Some(0.0),
        }
    }

    fn job(&self, key: JobKey) -> &Job {
        &self.jobs[self.index[&key]]
    }

    fn job_mut(&mut self, key: JobKey) -> &mut Job {
        &mut self.jobs[self.index[&key]]
    }

    /// A job about which the node may say something new.
    fn undecided(&mut self, key: JobKey) -> &mut Job {
        let job = self.job_mut(key);
        assert_eq!(job.stage, Stage::Deciding, "an effect out of turn for {:?}", job.arrival);
        job
    }

    fn execute(&mut self, key: JobKey) {
        let since = |stage: &Stage| match stage {
            Stage::Queued { step } => Some(*step),
            Stage::Deciding => Some(self.step),
            _ => None,
        };
        let own = since(&self.job(key).stage).expect("only a job that is decided about or queued starts");
        assert!(
            self.count(|stage| *stage == Stage::Running) < self.capacity.slots,
            "slots are never exceeded"
        );
        for other in self.jobs.iter().filter(|job| matches!(job.stage, Stage::Queued { .. })) {
            assert!(since(&other.stage) >= Some(own), "first come, first served");
        }
        self.job_mut(key).stage = Stage::Running;
    }

    fn probe(&mut self, key: JobKey, peer: PeerId) {
        assert_eq!(self.may_go(self.job(key), peer), Ok(()), "only who may get the job is probed");
        let now = self.now;
        let job = self.job_mut(key);
        match &mut job.stage {
            Stage::Probing { open, since } if *since == now && !open.contains(&peer) => open.push(peer),
            Stage::Deciding => job.stage = Stage::Probing { open: vec![peer], since: now },
            _ => panic!("a probe out of turn for {job:?}"),
        }
        job.probes += 1;
        job.probing_started = job.probing_started.or(Some(now));
        self.probes.push((key, peer));
        self.counted.probes += 1;
    }

    fn forward(&mut self, key: JobKey, forward: &Forward) {
        assert_eq!(self.may_go(self.job(key), forward.peer), Ok(()));
        let max_hops = self.config.max_hops;
        let job = self.undecided(key);
        let (hops, mut visited) = match &job.arrival.source {
            Source::Client => (0, Visited::new()),
            Source::Peer { hops, visited, .. } => ((*hops).max(1), visited.clone()),
            Source::ForeignPeer { hops, .. } => ((*hops).max(1), Visited::new()),
        };
        visited.push(me());
        assert_eq!((forward.hops, &forward.visited), (hops + 1, &visited));
        assert!(forward.hops <= max_hops.min(policys_max_hops(&job.policy)));
        assert_eq!(forward.id, job.id);
        let foreign = matches!(job.arrival.source, Source::ForeignPeer { .. });
        assert!(
            !foreign || job.id.origin != me() || job.policy.name == "RoundRobinWithMasterScheduler",
            "only a master passes on what it cannot recognise"
        );
        job.stage = Stage::Forwarded;
        job.forwarded_to = Some(forward.peer);
        let first = job.unreached.is_none();
        let (id, client) = (job.id, job.arrival.source == Source::Client);
        assert!(self.forwarded.insert(id) || client, "a peer's job is forwarded once");
        self.counted.forwarded += 1;
        self.retries.0 = (self.retries.0 + if first { 20 } else { 0 }).min(1_000);
    }

    fn answer(&mut self, key: JobKey, outcome: Outcome) {
        let job = self.job(key);
        assert!(!matches!(job.stage, Stage::Answered(_)), "one answer a job");
        let timed_out = self.config.job_timeout.is_some_and(|timeout| job.arrived + timeout <= self.now);
        assert!(outcome != Outcome::Failed(Failure::TimedOut) || self.woken && timed_out);
        let full = self.count(|stage| *stage == Stage::Running) >= self.capacity.slots
            && self.count(|stage| matches!(stage, Stage::Queued { .. })) >= self.capacity.queue;
        let own_reason = !["PowerOfNScheduler", "PowerOfNSchedulerTau", "ForwardScheduler"]
            .contains(&job.policy.name.as_str())
            || job.stage == Stage::Forwarded
            || self.config.deadline_aware
            || key.index() >= self.config.max_jobs as usize;
        assert!(
            outcome != Outcome::Dropped || full || own_reason || self.woken,
            "dropped though there is room"
        );
        self.job_mut(key).stage = Stage::Answered(outcome);
        match outcome {
            Outcome::Served => self.counted.served += 1,
            Outcome::Dropped => self.counted.dropped += 1,
            Outcome::Rejected => self.counted.rejected += 1,
            Outcome::Failed(_) => self.counted.failed += 1,
            Outcome::Cancelled => self.counted.cancelled += 1,
        }
    }

    /// Whether the job may go to this peer now, or why not.
    fn may_go(&self, job: &Job, peer: PeerId) -> Result<(), &'static str> {
        let (sender, visited): (_, &[NodeId]) = match &job.arrival.source {
            Source::Client => (None, &[]),
            Source::Peer { sender, visited, .. } => (*sender, visited),
            Source::ForeignPeer { sender, .. } => (*sender, &[]),
        };
        let name = self.node.peers().name(peer).ok_or("unknown peer")?;
        match self.identities.get(name).copied().flatten() {
            _ if !self.present.contains(name) => Err("it has gone"),
            _ if self.ejected.contains(&peer) => Err("its function fails there"),
            _ if job.stays => Err("it runs here"),
            _ if job.unreached == Some(peer) => Err("it could not be reached"),
            _ if sender == Some(peer) => Err("it has sent the job"),
            _ if self.doubted.contains(&peer) => Err("its fellows suspect it"),
            _ if self.suspected_until.get(&peer).is_some_and(|until| *until > self.now) => {
                Err("it is suspected")
            }
            Some(node) if node == me() => Err("it is this node"),
            Some(node) if visited.contains(&node) => Err("the job has been there"),
            None if !visited.is_empty() => Err("the job may have been there"),
            _ => Ok(()),
        }
    }

    /// Jobs about which the node has made no effect: they wait for old information, or in the queue.
    fn settle(&mut self) {
        for job in self.jobs.iter_mut().filter(|job| job.stage == Stage::Deciding) {
            let tau = (job.policy.name == "PowerOfNSchedulerTau").then(|| job.policy.parameters[4].clone());
            let tau = tau.and_then(|tau| wire::go::parse_duration(&tau));
            let ripe = job.probing_started.zip(tau).map(|(start, tau)| start + tau);
            job.stage = match ripe.filter(|ripe| *ripe > self.now) {
                Some(until) => Stage::Waiting { until },
                None => Stage::Queued { step: self.step },
            };
        }
        let joined = self.count(|stage| *stage == Stage::Queued { step: self.step });
        let queued = self.count(|stage| matches!(stage, Stage::Queued { .. }));
        assert!(joined == 0 || queued <= self.capacity.queue, "nobody joins a full queue");
    }

    fn check_counts(&self) {
        let (slots, counters) = (self.node.slots(), *self.node.counters());
        let running = self.count(|stage| *stage == Stage::Running);
        let queued = self.count(|stage| matches!(stage, Stage::Queued { .. }));
        assert_eq!((slots.running(), slots.queued()), (running, queued));
        assert_eq!(slots.load(), running + queued);
        assert_eq!(slots.capacity(), self.capacity);
        assert!(queued == 0 || running >= self.capacity.slots, "nobody waits while a slot is free");
        for task_type in 0..self.config.task_types {
            let of_type = |wanted: fn(&Stage) -> bool| {
                let type_of = |job: &&Job| match job.arrival.task_type {
                    known if known < self.config.task_types => known == task_type,
                    _ => task_type == 0,
                };
                self.jobs.iter().filter(type_of).filter(|job| wanted(&job.stage)).count() as u32
            };
            let count = TypeCount {
                running: of_type(|stage| *stage == Stage::Running),
                queued: of_type(|stage| matches!(stage, Stage::Queued { .. })),
            };
            assert_eq!(slots.by_type()[usize::from(task_type)], count);
        }
        let Counters { fallbacks, forwards_refused, ejections, .. } = counters;
        assert_eq!(counters, Counters { fallbacks, forwards_refused, ejections, ..self.counted });
        let under_way = self.count(|stage| !matches!(stage, Stage::Answered(_)));
        assert_eq!(self.node.jobs_under_way(), under_way as usize);
        assert_eq!(counters.arrived, counters.answered() + u64::from(under_way));
    }

    /// Whatever is over one day, the node has asked to be woken by then.
    fn check_alarm_clock(&self) {
        for job in self.jobs.iter().filter(|job| !matches!(job.stage, Stage::Answered(_))) {
            let own = self.config.job_timeout.map(|timeout| job.arrived + timeout);
            let due = [own, stage_ends(&job.stage, &self.config)].into_iter().flatten().min();
            assert!(
                due.is_none_or(|due| self.wake.is_some_and(|wake| wake <= due)),
                "nobody wakes for {job:?}"
            );
        }
    }
}

fn stage_ends(stage: &Stage, config: &NodeConfig) -> Option<Time> {
    match stage {
        Stage::Probing { since, .. } => Some(*since + config.probe_timeout),
        Stage::Asked { since } => Some(*since + config.ask_timeout),
        Stage::Waiting { until } => Some(*until),
        _ => None,
    }
}

fn policys_max_hops(policy: &Descriptor) -> u32 {
    let parameter = match policy.name.as_str() {
        "ForwardScheduler" => &policy.parameters[0],
        "PowerOfNScheduler" | "PowerOfNSchedulerTau" => &policy.parameters[3],
        _ => return u32::MAX,
    };
    parameter.parse().expect("a number")
}
