//! The node: events in, effects out.

mod arrival_rate;
mod config;
mod counters;
mod job;
mod jobs;
mod memory;
mod pace;
mod policies;
pub(crate) mod prefetch;
mod retries;
mod tables;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use crate::agent::{Choice, Observation};
use crate::defaults::MAX_FAN_OUT;
use crate::effect::{Effects, Forward, Report, path_with};
use crate::event::{Event, ForwardAnswer};
use crate::job::{Arrival, Failure, FunctionId, JobId, JobKey, NodeId, Outcome, Source, Timings};
use crate::offers::{Appraiser, Offer, Question};
use crate::peers::{EligiblePeers, PeerId, PeerLoad, PeerSet, Peers, Visit};
use crate::policy::{Decision, JobView, Policy, ProbeReply, Situation};
use crate::reward::Ended;
use crate::slots::{Admission, Slots};
use crate::{PolicyChoice, Time};

pub(crate) use arrival_rate::ArrivalRate;
pub use config::NodeConfig;
pub use counters::Counters;
use job::{Job, Moment, SourceKind, Stage, Whom};
use jobs::Jobs;
use memory::{ForwardedIds, TakenIds};
pub(crate) use pace::Pace;
use policies::Policies;
use retries::Retries;
pub use tables::Tables;
use timers::{Alarm, Timers};

/// One node's state machine. See the [crate] for how it is driven.
///
/// What every event needs stands in front, within few lines of the cache: of thousands of nodes in one process
/// none is in it.
#[repr(C, align(64))]
pub struct Node {
    policies: Policies,
    config: Arc<NodeConfig>,
    id: NodeId,
    arrival_rate: ArrivalRate,
    slots: Slots,
    jobs: Jobs,
    next_number: u64,
    timers: Timers,
    pace: Pace,
    counters: Counters,
    next_eid: u64,
    unrecognisable_forwards: u32,
    retries: Retries,
    peers: Peers,
    forwarded: ForwardedIds,
    taken: TakenIds,
    observation: Observation,
    /// Where a policy asks for offers, or has.
    appraiser: Option<Box<Appraiser>>,
    /// Whether the policy in force does.
    deals_in_offers: bool,
}

impl Node {
    /// A node whose peers are still to come, with its policy and the one that decides when a learner cannot.
    /// Nodes may share a configuration.
    pub fn new(
        id: NodeId,
        config: impl Into<Arc<NodeConfig>>,
        policy: Box<dyn Policy>,
        fallback: Box<dyn Policy>,
    ) -> Self {
        let config = config.into();
        let mut node = Node {
            policies: Policies::new(policy, fallback),
            id,
            arrival_rate: ArrivalRate::default(),
            slots: Slots::new(config.capacity, config.task_types),
            jobs: Jobs::new(config.max_jobs),
            next_number: config.first_job_number,
            timers: Timers::default(),
            pace: Pace::default(),
            counters: Counters::default(),
            next_eid: config.first_eid,
            unrecognisable_forwards: 0,
            retries: Retries::new(config.retry_percent),
            peers: Peers::numbered(id, &config.peer_numbers),
            forwarded: ForwardedIds::new(config.forwarded_ids),
            taken: TakenIds::new(config.taken_ids),
            observation: Observation::default(),
            appraiser: None,
            deals_in_offers: false,
            config,
        };
        node.look_for_an_appraiser();
        node
    }

    /// This node's identity.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Slots, queue and load.
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// What is known of the peers.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Counts since the beginning.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Jobs that have arrived and are not answered yet.
    pub fn jobs_under_way(&self) -> usize {
        self.jobs.len()
    }

    /// How much it holds.
    pub fn tables(&self) -> Tables {
        Tables {
            jobs: self.jobs.len(),
            timers: self.timers.len(),
            forwarded_ids: self.forwarded.len(),
            taken_ids: self.taken.len(),
            outliers: self.peers.outliers(),
            policies: self.policies.len(),
            foreign_forwards: self.unrecognisable_forwards,
            peers: self.peers.known(),
        }
    }

    /// The number that the next choice of a learner will have.
    pub fn next_eid(&self) -> u64 {
        self.next_eid
    }

    /// The number of the next job that has no id yet.
    pub fn next_job_number(&self) -> u64 {
        self.next_number
    }

    /// The key that the next job to arrive will have.
    #[inline]
    pub fn next_key(&self) -> JobKey {
        self.jobs.next_key()
    }

    /// The policy in force.
    pub fn policy(&self) -> &dyn Policy {
        self.policies.current()
    }

    /// Full name of the policy in force.
    pub fn policy_name(&self) -> &str {
        self.policies.current_name()
    }

    /// Changes the policy. Jobs under way finish under the one that they arrived under.
    pub fn set_policy(&mut self, policy: Box<dyn Policy>) {
        self.policies.replace(policy);
        self.look_for_an_appraiser();
    }

    /// What is known already is kept: another policy may want it again.
    fn look_for_an_appraiser(&mut self) {
        self.deals_in_offers = self.policies.current().asks_for_offers();
        if self.deals_in_offers {
            self.appraiser.get_or_insert_default();
        }
    }

    /// What a peer's job would be worth here at this load, which may be older than now; `None` where there is no room, or
    /// this node makes no offers.
    pub fn offer(&self, question: &Question, load: PeerLoad) -> Option<Offer> {
        self.appraiser.as_ref().filter(|_| self.deals_in_offers)?.offer_to_peer(
            question,
            load,
            self.slots.capacity(),
        )
    }

    /// A job has arrived. Returns the key by which effects and events name it.
    #[inline]
    pub fn arrive<E: Effects>(
        &mut self,
        now: Time,
        arrival: Arrival,
        rng: &mut dyn Rng,
        fx: &mut E,
    ) -> JobKey {
        let key = self.admit(now, arrival, rng, fx);
        self.set_alarm_clock(fx);
        key
    }

    /// Something has happened.
    ///
    /// A driver's `now` should never go back. Where it does nothing is lost or done twice: what has a time-out waits
    /// until the clock is there again, and a time that would be negative is zero.
    // A driver knows what: where it is taken in, nothing is left of the others.
    #[inline(always)]
    pub fn handle<E: Effects>(&mut self, now: Time, event: Event, rng: &mut dyn Rng, fx: &mut E) {
        match event {
            Event::Arrive(arrival) => {
                self.admit(now, arrival, rng, fx);
            }
            Event::Probed { job, peer, load, offer, node } => {
                self.probed(now, job, peer, load, offer, node, rng, fx);
            }
            Event::Acted { job, choice } => self.acted(now, job, choice, rng, fx),
            Event::Executed { job, success } => self.executed(now, job, success, fx),
            Event::Forwarded { job, answer } => self.forward_answered(now, job, answer, rng, fx),
            Event::Cancel { job } => self.cancel(now, job, fx),
            Event::Wake => self.wake(now, rng, fx),
            Event::SetCapacity(capacity) => {
                self.slots.set_capacity(capacity);
                self.fill_slots(now, fx);
            }
            Event::SetPeers(peers) => self.peers.set(&peers, now),
            Event::Suspected { peer, suspected } => self.peers.doubt(peer, suspected),
            Event::Told(loads) => {
                for (peer, load, age) in loads {
                    self.peers.hear_load(peer, load, now, age);
                }
            }
        }
        self.set_alarm_clock(fx);
    }

    #[inline]
    fn set_alarm_clock<E: Effects>(&mut self, fx: &mut E) {
        if !self.timers.are_quiet() {
            self.look_at_timers(fx);
        }
    }

    fn look_at_timers<E: Effects>(&mut self, fx: &mut E) {
        let jobs = &self.jobs;
        let alive = |key, alarm| timer_is_alive(jobs, key, alarm);
        self.timers.tidy(jobs.len(), alive);
        if let Some(at) = self.timers.arm(alive) {
            fx.wake_at(at);
        }
    }

    #[inline(always)]
    fn admit<E: Effects>(&mut self, now: Time, arrival: Arrival, rng: &mut dyn Rng, fx: &mut E) -> JobKey {
        self.counters.arrived += 1;
        if arrival.source == Source::Client {
            self.arrival_rate.arrived(now);
        }
        let number = self.next_number;
        self.next_number += 1;
        let id = arrival.id.unwrap_or(JobId { origin: self.id, number });
        let policy = self.policies.index_of(arrival.policy);
        let Some((key, job)) = self.jobs.insert() else {
            self.counters.ended(Outcome::Dropped);
            let report = Report {
                id,
                outcome: Outcome::Dropped,
                in_time: true,
                policy: self.policies.name(policy),
                timings: Timings::default(),
                forwarded_to: None,
                probes: 0,
                learned: None,
            };
            let key = self.jobs.refused_key();
            fx.answer(key, &report);
            return key;
        };
        job.id = id;
        job.function = arrival.function;
        job.task_type = if arrival.task_type < self.config.task_types { arrival.task_type } else { 0 };
        job.deadline = arrival.deadline.map_or(Moment::NEVER, |left| (now + left).into());
        job.arrived = now;
        job.policy = policy;
        job.arrival_policy = policy;
        job.set_source(arrival.source);
        if let (Some(appraiser), Some(told)) = (&mut self.appraiser, arrival.told) {
            appraiser.came(told, self.slots.load());
        }
        self.policies.hold(policy);
        let brought_by = job.visited().last().copied().unwrap_or(NodeId(0));
        if job.source == SourceKind::Peer && !self.taken.insert((id, brought_by)) {
            self.counters.repeated += 1;
            self.finish(now, key, Outcome::Failed(Failure::Repeated), fx);
            return key;
        }
        if let Some(timeout) = self.config.job_timeout {
            self.timers.set(now + timeout, key, Alarm::Job);
        }
        match self.consult(now, key, rng, |policy, situation, _, rng| policy.arrived(situation, rng)) {
            // Mostly, and then nothing need be carried about.
            Decision::Local => self.run_here(now, key, fx),
            decision => self.carry_out(now, key, decision, rng, fx),
        }
        key
    }

    /// Lets the job's policy decide.
    #[inline]
    fn consult(
        &mut self,
        now: Time,
        key: JobKey,
        rng: &mut dyn Rng,
        question: impl FnOnce(&mut dyn Policy, &Situation<'_>, &[ProbeReply], &mut dyn Rng) -> Decision,
    ) -> Decision {
        let Some(job) = self.jobs.get(key) else { return Decision::Local };
        let situation = situation(
            now,
            job,
            &self.slots,
            &self.peers,
            self.arrival_rate,
            &self.pace,
            self.appraiser.as_deref(),
        );
        question(self.policies.get_mut(job.policy), &situation, job.replies(), rng)
    }

    fn carry_out<E: Effects>(
        &mut self,
        now: Time,
        key: JobKey,
        mut decision: Decision,
        rng: &mut dyn Rng,
        fx: &mut E,
    ) {
        // A fallback may be asked for once: the fallback's own wish for a fallback runs the job here,
        // also when it comes later (a learner as the fallback would be asked again and again).
        let fallback = self.policies.fallback_index();
        if decision == Decision::Fallback
            && let Some(job) = self.jobs.get_mut(key).filter(|job| job.policy != fallback)
        {
            self.counters.fallbacks += 1;
            job.pass_to(fallback);
            decision =
                self.consult(now, key, rng, |policy, situation, _, rng| policy.arrived(situation, rng));
        }
        match decision {
            Decision::Local | Decision::Fallback => self.run_here(now, key, fx),
            Decision::Drop => self.finish(now, key, Outcome::Dropped, fx),
            Decision::Reject => {
                self.wanted_here(now, key);
                self.finish(now, key, Outcome::Rejected, fx);
            }
            Decision::Fail(failure) => self.finish(now, key, Outcome::Failed(failure), fx),
            Decision::Forward(peer) => self.forward(now, key, peer, fx),
            Decision::Probe(peers) => self.probe(now, key, &peers, fx),
            Decision::WaitUntil(at) => self.wait(now, key, at),
            Decision::Ask => self.ask(now, key, fx),
        }
    }

    fn situation(&self, now: Time, key: JobKey) -> Option<Situation<'_>> {
        let appraiser = self.appraiser.as_deref();
        let job = self.jobs.get(key)?;
        Some(situation(now, job, &self.slots, &self.peers, self.arrival_rate, &self.pace, appraiser))
    }

    /// A job ends here one way or another, if not at a peer.
    fn wanted_here(&mut self, now: Time, key: JobKey) {
        if self.appraiser.is_none() {
            return;
        }
        let Some(question) = self.situation(now, key).map(|situation| situation.question(Duration::ZERO))
        else {
            return;
        };
        let capacity = self.slots.capacity();
        if let Some(appraiser) = &mut self.appraiser {
            appraiser.wanted(now, question, capacity);
        }
    }

    #[inline]
    fn run_here<E: Effects>(&mut self, now: Time, key: JobKey, fx: &mut E) {
        self.wanted_here(now, key);
        let idle = self.slots.load() == 0;
        let hopeless = self.config.deadline_aware && self.is_hopeless(now, key, idle);
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.scheduled = now.into();
        if hopeless {
            return self.finish(now, key, Outcome::Dropped, fx);
        }
        match self.slots.admit(key, job.task_type) {
            Admission::Started => {
                job.started = now.into();
                job.enter(Stage::Running);
                fx.execute(key);
            }
            Admission::Queued => job.enter(Stage::Queued),
            Admission::Full => self.finish(now, key, Outcome::Dropped, fx),
        }
    }

    /// Whether a job cannot finish here before its deadline. An idle node tries: it delays nobody, and would otherwise never see that
    /// its jobs have become quicker.
    fn is_hopeless(&self, now: Time, key: JobKey, idle: bool) -> bool {
        let Some(deadline) = self.jobs.get(key).and_then(|job| job.deadline.get()) else { return false };
        let Some(situation) = self.situation(now, key) else { return false };
        let needed = if idle { Duration::ZERO } else { situation.expected_here() };
        now + needed > deadline
    }

    /// Whether a job that has waited takes more from those behind it than it brings, if it begins now.
    fn is_worthless(&self, now: Time, key: JobKey) -> bool {
        let Some(situation) = self.situation(now, key) else { return false };
        let may_be = situation.job.deadline_left.is_some() && situation.slots.load() > 0;
        let Some(appraiser) = self.appraiser.as_ref().filter(|_| may_be) else { return false };
        appraiser.offer_to_begin(&situation.question(Duration::ZERO), situation.slots.load()).worth() <= 0.0
    }

    /// Gives free slots to those who have waited longest.
    fn fill_slots<E: Effects>(&mut self, now: Time, fx: &mut E) {
        while let Some(key) = self.slots.next_waiting() {
            let hopeless = self.config.deadline_aware && self.is_hopeless(now, key, false)
                || self.deals_in_offers && self.is_worthless(now, key);
            let Some(job) = self.jobs.get_mut(key) else { continue };
            if hopeless {
                job.enter(Stage::Deciding);
                self.finish(now, key, Outcome::Dropped, fx);
                continue;
            }
            self.slots.start(job.task_type);
            job.started = now.into();
            job.enter(Stage::Running);
            fx.execute(key);
        }
    }

    fn forward<E: Effects>(&mut self, now: Time, key: JobKey, peer: PeerId, fx: &mut E) {
        let Some(job) = self.jobs.get(key) else { return };
        let eligible = eligible_peers(now, job, &self.peers).contains(peer);
        // It cannot be known again when it comes back. Each round of a loop holds the one before,
        // so that a bound on how many are out at once bounds every loop.
        let unrecognisable = job.source == SourceKind::ForeignPeer && job.id.origin == self.id;
        let allowed = eligible
            && job.hops < self.config.max_hops
            // Somebody took this node for another one: a job that comes back ends here.
            && !job.visited().contains(&self.id)
            && (job.source == SourceKind::Client || !self.forwarded.contains(job.id))
            && (!unrecognisable
                || self.policies.get(job.policy).passes_on_foreign_jobs()
                    && self.unrecognisable_forwards < self.config.max_foreign_forwards);
        if !allowed {
            self.counters.forwards_refused += 1;
            return self.run_here(now, key, fx);
        }
        self.forwarded.insert(job.id);
        self.counters.forwarded += 1;
        let Some(job) = self.jobs.get_mut(key) else { return };
        if job.unreached == Whom::NOBODY {
            self.retries.forwarded();
        }
        job.scheduled = now.into();
        job.forwarded = now.into();
        job.forwarded_to = peer.into();
        job.unrecognisable = unrecognisable;
        self.unrecognisable_forwards += u32::from(unrecognisable);
        job.enter(Stage::Forwarding);
        let forward = Forward {
            peer,
            id: job.id,
            hops: job.hops + 1,
            visited: path_with(job.visited(), self.id),
            task_type: job.task_type,
            deadline: job.deadline.get().map(|deadline| deadline.since(now)),
            told: job
                .replies()
                .iter()
                .find(|reply| reply.peer == peer)
                .and_then(|reply| Some(reply.load?.total())),
        };
        fx.forward(key, &forward);
    }

    fn probe<E: Effects>(&mut self, now: Time, key: JobKey, peers: &PeerSet, fx: &mut E) {
        let timeout = now + self.config.probe_timeout;
        let Some(job) = self.jobs.get_mut(key) else { return };
        let peers = &peers[..peers.len().min(MAX_FAN_OUT as usize)];
        if peers.is_empty() {
            return self.run_here(now, key, fx);
        }
        job.probe(now, peers);
        self.timers.set(timeout, key, Alarm::Stage(job.stage_number));
        self.counters.probes += peers.len() as u64;
        for peer in peers {
            // Its answer is near.
            self.peers.prefetch(*peer);
            let question = self.deals_in_offers.then(|| self.question(now, key, *peer)).flatten();
            fx.probe(key, *peer, question.as_ref());
        }
    }

    /// What a peer is asked about a job: probe, forward and answer go the same way.
    fn question(&self, now: Time, key: JobKey, peer: PeerId) -> Option<Question> {
        let situation = self.situation(now, key)?;
        let round_trip = situation.peers.view(peer).and_then(|view| view.round_trip).unwrap_or_default();
        Some(situation.question(2 * round_trip))
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one event")]
    fn probed<E: Effects>(
        &mut self,
        now: Time,
        key: JobKey,
        peer: PeerId,
        load: Option<PeerLoad>,
        offer: Option<Offer>,
        node: Option<NodeId>,
        rng: &mut dyn Rng,
        fx: &mut E,
    ) {
        if let Some(node) = node {
            self.peers.learn_node(peer, node);
        }
        let asked = self.jobs.get_mut(key).and_then(|job| job.probed(now, peer, load, offer));
        let Some((open, round_trip)) = asked else { return self.counters.stray_events += 1 };
        match load {
            Some(load) => self.peers.learn_load(peer, load, now, round_trip),
            None => self.counters.probes_failed += 1,
        }
        if open == 0 {
            self.probing_ended(now, key, rng, fx);
        }
    }

    fn probing_ended<E: Effects>(&mut self, now: Time, key: JobKey, rng: &mut dyn Rng, fx: &mut E) {
        if let Some(job) = self.jobs.get_mut(key) {
            job.end_probing(now);
        }
        let decision = self
            .consult(now, key, rng, |policy, situation, replies, rng| policy.probed(situation, replies, rng));
        self.carry_out(now, key, decision, rng, fx);
    }

    fn wait(&mut self, now: Time, key: JobKey, at: Time) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        job.enter(Stage::Waiting);
        // Never now: a policy that waits for the past would keep the node in one wake-up for ever.
        let at = at.max(now + Duration::from_nanos(1));
        self.timers.set(at, key, Alarm::Stage(job.stage_number));
    }

    fn ask<E: Effects>(&mut self, now: Time, key: JobKey, fx: &mut E) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        // A policy that asks again takes back its first choice: its number must not be missing.
        let asked = job.asked.get_or_insert_default();
        if let Some(choice) = asked.choice.take() {
            fx.learn(&asked.experience(choice, None));
        }
        job.enter(Stage::Asking);
        self.timers.set(now + self.config.ask_timeout, key, Alarm::Stage(job.stage_number));
        self.counters.asks += 1;
        let Some(job) = self.jobs.get(key) else { return };
        let situation = situation(
            now,
            job,
            &self.slots,
            &self.peers,
            self.arrival_rate,
            &self.pace,
            self.appraiser.as_deref(),
        );
        self.observation.state.clear();
        self.observation.mask.clear();
        self.policies.get(job.policy).observe(&situation, &mut self.observation);
        if let Some(asked) = self.jobs.get_mut(key).and_then(|job| job.asked.as_mut()) {
            asked.state.clone_from(&self.observation.state);
            asked.mask.clone_from(&self.observation.mask);
        }
        fx.ask(key, &self.observation);
    }

    fn acted<E: Effects>(
        &mut self,
        now: Time,
        key: JobKey,
        choice: Option<Choice>,
        rng: &mut dyn Rng,
        fx: &mut E,
    ) {
        match self.jobs.get_mut(key) {
            Some(job) if job.stage == Stage::Asking => {
                job.asked.get_or_insert_default().choice = choice;
                job.enter(Stage::Deciding);
            }
            _ => return self.counters.stray_events += 1,
        }
        let decision =
            self.consult(now, key, rng, |policy, situation, _, rng| policy.acted(situation, choice, rng));
        if let Some(asked) = self.jobs.get_mut(key).and_then(|job| job.asked.as_mut()) {
            if decision == Decision::Fallback {
                asked.choice = None;
            } else if asked.choice.is_some() {
                asked.eid = self.next_eid;
                self.next_eid += 1;
            }
        }
        self.carry_out(now, key, decision, rng, fx);
    }

    #[inline]
    fn executed<E: Effects>(&mut self, now: Time, key: JobKey, success: bool, fx: &mut E) {
        let Some(job) = self.jobs.get(key).filter(|job| job.stage == Stage::Running) else {
            return self.counters.stray_events += 1;
        };
        let seconds = now.since(job.started.or(now)).as_secs_f64();
        self.pace.executed(job.function, job.task_type, seconds);
        let function = job.function;
        if let Some(appraiser) = &mut self.appraiser {
            let question = Question { function, task_type: job.task_type, time_left: None };
            appraiser.executed(question, seconds);
        }
        self.ran(now, function, None, !success);
        let outcome = if success { Outcome::Served } else { Outcome::Failed(Failure::Function) };
        self.finish(now, key, outcome, fx);
    }

    fn forward_answered<E: Effects>(
        &mut self,
        now: Time,
        key: JobKey,
        answer: ForwardAnswer,
        rng: &mut dyn Rng,
        fx: &mut E,
    ) {
        let Some(job) = self.jobs.get(key).filter(|job| job.stage == Stage::Forwarding) else {
            return self.counters.stray_events += 1;
        };
        if !matches!(answer, ForwardAnswer::NoAnswer | ForwardAnswer::NotReached)
            && let Some(peer) = job.forwarded_to.get()
        {
            self.peers.trust(peer, now);
        }
        match answer {
            ForwardAnswer::Served | ForwardAnswer::FunctionRefused => self.ran_where_it_is(now, key, false),
            ForwardAnswer::FunctionFailed => self.ran_where_it_is(now, key, true),
            _ => {}
        }
        let outcome = match answer {
            ForwardAnswer::Served => Outcome::Served,
            ForwardAnswer::Dropped => Outcome::Dropped,
            ForwardAnswer::Rejected => Outcome::Rejected,
            ForwardAnswer::FunctionFailed | ForwardAnswer::FunctionRefused => {
                Outcome::Failed(Failure::Function)
            }
            ForwardAnswer::NotTaken => {
                self.take_back(key);
                return self.run_here(now, key, fx);
            }
            ForwardAnswer::NoAnswer => {
                self.forward_failed(now, key);
                Outcome::Failed(Failure::Forward)
            }
            ForwardAnswer::NotReached => {
                self.forward_failed(now, key);
                if self.retries.take(now) {
                    self.counters.retries += 1;
                    return self.try_again(now, key, rng, fx);
                }
                self.counters.retries_refused += 1;
                Outcome::Failed(Failure::Forward)
            }
        };
        self.finish(now, key, outcome, fx);
    }

    /// The job is here as if it had never left.
    fn take_back(&mut self, key: JobKey) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        self.unrecognisable_forwards -= u32::from(job.unrecognisable);
        job.forwarded = Moment::NEVER;
        job.forwarded_to = Whom::NOBODY;
        job.enter(Stage::Deciding);
    }

    /// A job's peer could not be reached: its policy decides once more, without that peer. After that, or where a
    /// learner has chosen the peer (its choice has one outcome), the job runs here.
    fn try_again<E: Effects>(&mut self, now: Time, key: JobKey, rng: &mut dyn Rng, fx: &mut E) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        let before = std::mem::replace(&mut job.unreached, job.forwarded_to);
        let chosen = job.asked.as_ref().is_some_and(|asked| asked.choice.is_some());
        self.take_back(key);
        if before != Whom::NOBODY || chosen {
            return self.run_here(now, key, fx);
        }
        let decision =
            self.consult(now, key, rng, |policy, situation, _, rng| policy.arrived(situation, rng));
        self.carry_out(now, key, decision, rng, fx);
    }

    /// A job's function has run at the peer to which it was forwarded, or here.
    fn ran_where_it_is(&mut self, now: Time, key: JobKey, failed: bool) {
        if let Some(job) = self.jobs.get(key) {
            self.ran(now, job.function, job.forwarded_to.get(), failed);
        }
    }

    #[inline]
    fn ran(&mut self, now: Time, function: FunctionId, at: Option<PeerId>, failed: bool) {
        let ejected = self.peers.ran(function, at, failed, now, self.config.ejection);
        self.counters.ejections += u64::from(ejected);
    }

    fn forward_failed(&mut self, now: Time, key: JobKey) {
        self.counters.forwards_failed += 1;
        if let Some(peer) = self.jobs.get(key).and_then(|job| job.forwarded_to.get()) {
            self.peers.suspect(peer, now, self.config.suspicion);
        }
    }

    fn cancel<E: Effects>(&mut self, now: Time, key: JobKey, fx: &mut E) {
        match self.jobs.get(key).map(|job| job.stage) {
            None => self.counters.stray_events += 1,
            // The function runs already and keeps its slot; its answer finds nobody.
            Some(Stage::Running) => {}
            Some(_) => self.finish(now, key, Outcome::Cancelled, fx),
        }
    }

    fn wake<E: Effects>(&mut self, now: Time, rng: &mut dyn Rng, fx: &mut E) {
        self.timers.woken();
        while let Some((key, alarm)) = self.timers.due(now) {
            if !timer_is_alive(&self.jobs, key, alarm) {
                continue;
            }
            match (alarm, self.jobs.get(key).map(|job| job.stage)) {
                (Alarm::Job, stage) => {
                    if stage == Some(Stage::Forwarding) {
                        self.forward_failed(now, key);
                    }
                    if matches!(stage, Some(Stage::Forwarding | Stage::Running)) {
                        self.ran_where_it_is(now, key, true);
                    }
                    self.finish(now, key, Outcome::Failed(Failure::TimedOut), fx);
                }
                (Alarm::Stage(_), Some(Stage::Probing { open })) => {
                    self.counters.probes_failed += u64::from(open);
                    self.probing_ended(now, key, rng, fx);
                }
                (Alarm::Stage(_), Some(Stage::Asking)) => self.acted(now, key, None, rng, fx),
                (Alarm::Stage(_), Some(Stage::Waiting)) => {
                    let decision = self.consult(now, key, rng, |policy, situation, replies, rng| {
                        policy.waited(situation, replies, rng)
                    });
                    self.carry_out(now, key, decision, rng, fx);
                }
                (Alarm::Stage(_), _) => {}
            }
        }
    }

    /// The one place where a job ends.
    fn finish<E: Effects>(&mut self, now: Time, key: JobKey, outcome: Outcome, fx: &mut E) {
        let Some(job) = self.jobs.get(key) else { return };
        let (stage, policy) = (job.stage, job.arrival_policy);
        let task_type = job.task_type;
        let cut_short = matches!(outcome, Outcome::Failed(Failure::TimedOut) | Outcome::Cancelled);
        match stage {
            Stage::Running => self.slots.finish(task_type),
            Stage::Queued => self.slots.leave_queue(key),
            Stage::Forwarding => self.unrecognisable_forwards -= u32::from(job.unrecognisable),
            _ => {}
        }
        if cut_short && matches!(stage, Stage::Running | Stage::Forwarding) {
            fx.abandon(key);
        }
        self.counters.ended(outcome);
        let ended = ended(job, outcome, now);
        let experience = job.asked.as_deref().and_then(|asked| {
            let reward = self.config.reward.of(&ended);
            Some(asked.experience(asked.choice?, reward))
        });
        if let Some(experience) = &experience {
            fx.learn(experience);
        }
        let report = Report {
            id: job.id,
            outcome,
            in_time: ended.in_time,
            policy: self.policies.name(policy),
            timings: timings(job, now),
            forwarded_to: job.forwarded_to.get(),
            probes: job.probes,
            learned: experience,
        };
        fx.answer(key, &report);
        self.jobs.remove(key);
        self.policies.release(policy);
        if stage == Stage::Running {
            self.fill_slots(now, fx);
        }
    }
}

fn timer_is_alive(jobs: &Jobs, key: JobKey, alarm: Alarm) -> bool {
    jobs.get(key).is_some_and(|job| match alarm {
        Alarm::Job => true,
        Alarm::Stage(number) => number == job.stage_number,
    })
}

fn eligible_peers<'a>(now: Time, job: &'a Job, peers: &'a Peers) -> EligiblePeers<'a> {
    let (sender, unreached) = (job.sender.get(), job.unreached.get());
    let visit = Visit { now, function: job.function, visited: job.visited(), sender, unreached };
    EligiblePeers { peers, visit }
}

fn situation<'a>(
    now: Time,
    job: &'a Job,
    slots: &'a Slots,
    peers: &'a Peers,
    arrival_rate: ArrivalRate,
    pace: &'a Pace,
    appraiser: Option<&'a Appraiser>,
) -> Situation<'a> {
    Situation {
        now,
        job: JobView {
            function: job.function,
            task_type: job.task_type,
            from_client: job.source == SourceKind::Client,
            hops: job.hops,
            origin: job.id.origin,
            arrived: job.arrived,
            probing_started: job.probing().map(|probing| probing.started),
            deadline_left: job.deadline.get().map(|deadline| deadline.since(now)),
        },
        slots,
        peers: eligible_peers(now, job, peers),
        arrival_rate,
        pace,
        appraiser,
    }
}

fn ended(job: &Job, outcome: Outcome, now: Time) -> Ended {
    Ended {
        outcome,
        in_time: job.deadline.get().is_none_or(|deadline| now <= deadline),
        task_type: job.task_type,
        total: now.since(job.arrived),
        probes: job.probes,
        forwarded: job.forwarded_to != Whom::NOBODY,
    }
}

fn timings(job: &Job, now: Time) -> Timings {
    let scheduled = job.scheduled.or(now);
    let queue_end = job.started.get().or((job.stage == Stage::Queued).then_some(now));
    Timings {
        scheduling: scheduled.since(job.arrived),
        probing: job.probing().map(|probing| probing.ended.or(now).since(probing.started)),
        queue: queue_end.map(|end| end.since(scheduled)),
        execution: job.started.get().map(|start| now.since(start)),
        forwarding: job.forwarded.get().map(|start| now.since(start)),
        total: now.since(job.arrived),
    }
}

impl Policies {
    fn index_of(&self, choice: PolicyChoice) -> u16 {
        match choice {
            PolicyChoice::Configured => self.current_index(),
            PolicyChoice::Bypass => Policies::BYPASS,
            PolicyChoice::Forward => Policies::FORWARD,
            PolicyChoice::Reject => Policies::REJECT,
        }
    }
}
