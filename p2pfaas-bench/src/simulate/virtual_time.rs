//! Runs in the simulator's world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use p2pfaas_core::Outcome as NodeOutcome;
use p2pfaas_core::policy::Registry;
use p2pfaas_sim::arrivals::{Arrival, Schedule};
use p2pfaas_sim::learning::Glimpse;
use p2pfaas_sim::reference::ReferenceKind;
use p2pfaas_sim::world::{Contender, Finished, Observer, World};

use super::scenario::{contender, scenario};
use super::{Ended, Engine, EngineError, Watcher};
use crate::experiment::{Experiment, PolicySpec};
use crate::job::{JobRecord, NodeReport, Outcome, Phase};
use crate::recorded::JobTimes;
use crate::series::Seen;
use crate::summary::LearningSummary;
use crate::tally::Counted;

/// The simulator, with the policies that there are.
#[derive(Debug)]
pub struct VirtualTime {
    registry: Arc<Registry>,
    times: JobTimes,
    /// Those whose policy works something out beforehand, which all seeds then share: by the text of the
    /// experiment and the label.
    contenders: Mutex<BTreeMap<(String, String), Contender>>,
}

/// Experiments and policies for which that is kept.
const MAX_KEPT: usize = 64;

impl VirtualTime {
    /// With these policies, and the full-information ones that every simulator has.
    pub fn new(registry: Registry) -> Self {
        let registry = Arc::new(registry);
        VirtualTime { registry, times: JobTimes::default(), contenders: Mutex::default() }
    }

    /// The same, where jobs take what they took before; of the others it is drawn.
    pub fn with_times(registry: Registry, times: JobTimes) -> Self {
        VirtualTime { times, ..VirtualTime::new(registry) }
    }

    fn contender(&self, experiment: &Experiment, policy: &PolicySpec) -> Contender {
        if ReferenceKind::find(&policy.descriptor.name).is_none() {
            return contender(experiment, policy, &self.registry);
        }
        let mut kept = self.contenders.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let key = (experiment.source.clone(), policy.label.clone());
        kept.entry(key).or_insert_with(|| contender(experiment, policy, &self.registry)).clone()
    }
}

impl Engine for VirtualTime {
    fn run(
        &self,
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        watcher: &mut Watcher<'_>,
    ) -> Result<Ended, EngineError> {
        let scenario = scenario(experiment);
        let contender = self.contender(experiment, policy);
        let mut world = World::new(&scenario, &contender, seed).map_err(boxed)?;
        let before = experiences(&world);
        let known = |arrival: &Arrival| self.times.of(seed, arrival);
        let mut told = Told { experiment, watcher, goes_on: true };
        let train_s = policy.train_s();
        if train_s > 0.0 {
            let training = Schedule::training(&scenario.traffic, seed, train_s);
            session(&mut world, training, (-train_s, 0.0), &mut told, known)?;
        }
        if let (Some(agent), Some(agents)) = (&policy.agent, world.agents_mut()) {
            agents.settle();
            agents.freeze(!agent.keep_learning);
        }
        let (trained, fallbacks) = (experiences(&world), world.counters().fallbacks);
        let mut ended_s = 0.0;
        if told.goes_on {
            let horizon_s = experiment.horizon_s();
            let arrivals = Schedule::new(&scenario.traffic, seed, horizon_s);
            ended_s = session(&mut world, arrivals, (0.0, horizon_s), &mut told, known)?;
        }
        let learning = policy.learns().then(|| LearningSummary {
            training_s: train_s,
            experiences: trained - before,
            experiences_after_training: experiences(&world) - trained,
            experiences_lost: lost(&world),
        });
        let agents = if policy.learns() { world.checkpoints() } else { Vec::new() };
        Ok(Ended { ended_s, fallbacks: world.counters().fallbacks - fallbacks, learning, agents })
    }
}

fn boxed(error: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError(Box::new(error))
}

/// Lives through a session, of whose jobs `known` says what they take; a trace that cannot be read to its end is an error.
fn session(
    world: &mut World<'_>,
    mut arrivals: Schedule,
    (begins_s, ends_s): (f64, f64),
    told: &mut Told<'_, '_>,
    known: impl Fn(&Arrival) -> Option<f64>,
) -> Result<f64, EngineError> {
    let timed = arrivals.by_ref().map(|arrival| Arrival { service_s: known(&arrival), ..arrival });
    let ended_s = world.session(timed, begins_s, ends_s, told);
    match arrivals.failure() {
        Some(failure) => Err(boxed(failure.clone())),
        None => Ok(ended_s),
    }
}

fn experiences(world: &World<'_>) -> u64 {
    let learners = world.agents().into_iter().flat_map(|agents| agents.learners());
    learners.map(|learner| learner.counters().trained).sum()
}

fn lost(world: &World<'_>) -> u64 {
    let learners = world.agents().into_iter().flat_map(|agents| agents.learners());
    learners.map(|learner| learner.counters().episodes.gaps).sum()
}

/// Tells the watcher what the world tells.
struct Told<'a, 'w> {
    experiment: &'a Experiment,
    watcher: &'a mut Watcher<'w>,
    goes_on: bool,
}

impl Observer for Told<'_, '_> {
    fn finished(&mut self, job: &Finished<'_>) {
        let latency_s = job.latency.as_secs_f64();
        let deadline_s = self.experiment.jobs[usize::from(job.arrival.task_type)].deadline_s;
        let phase = self.experiment.phase(job.arrival.at_s);
        let outcome = outcome(job.outcome);
        let counted = Counted {
            at_s: job.arrival.at_s,
            phase,
            outcome,
            in_time: outcome == Outcome::Served
                && deadline_s.is_none_or(|deadline_s| latency_s <= deadline_s),
            latency_s: (outcome != Outcome::Cancelled).then_some(latency_s),
            lag_s: None,
            forwarded: job.forwarded,
            probes: job.probes,
        };
        let seen = Seen {
            counted,
            node: job.arrival.node,
            task_type: job.arrival.task_type,
            executed_by: job.executed_by,
            execution_s: job.timings.execution.map(|execution| execution.as_secs_f64()),
            action: job.learned.map(|learned| learned.choice.action),
            epsilon: job.learned.map(|learned| learned.choice.epsilon),
            reward: job.learned.and_then(|learned| learned.reward),
        };
        self.watcher.finished(&seen, || record(job, phase, deadline_s));
    }

    fn passed(&mut self, second: f64, agents: Option<Glimpse>) -> bool {
        self.goes_on = self.watcher.at(second, agents);
        self.goes_on
    }
}

fn outcome(outcome: NodeOutcome) -> Outcome {
    match outcome {
        NodeOutcome::Served => Outcome::Served,
        NodeOutcome::Dropped => Outcome::Dropped,
        NodeOutcome::Rejected => Outcome::Rejected,
        NodeOutcome::Failed(_) => Outcome::Failed,
        NodeOutcome::Cancelled => Outcome::Cancelled,
    }
}

/// What a client and the headers of an answer would have told. There is no HTTP: no status, no code.
fn record(job: &Finished<'_>, phase: Phase, deadline_s: Option<f64>) -> JobRecord {
    let at_s = job.arrival.at_s;
    let outcome = outcome(job.outcome);
    let seconds = |span: Option<std::time::Duration>| span.map(|span| span.as_secs_f64());
    let learned = job.learned;
    JobRecord {
        arrival: job.arrival,
        phase,
        deadline_s,
        sent_s: Some(at_s),
        answered_s: (outcome != Outcome::Cancelled).then_some(at_s + job.latency.as_secs_f64()),
        outcome,
        status: None,
        code: None,
        error: None,
        executed_by: job.executed_by,
        report: NodeReport {
            last_node: None,
            forwarded: job.forwarded,
            hops: job.hops,
            probes: job.probes,
            scheduling_s: Some(job.timings.scheduling.as_secs_f64()),
            probing_s: seconds(job.timings.probing),
            queue_s: seconds(job.timings.queue),
            execution_s: seconds(job.timings.execution),
            forwarding_s: seconds(job.timings.forwarding),
            total_s: Some(job.timings.total.as_secs_f64()),
            eid: learned.map(|learned| learned.eid),
            state: learned.map(|learned| {
                let numbers: Vec<_> = learned.state.iter().map(f64::to_string).collect();
                numbers.join(",")
            }),
            action: learned.map(|learned| learned.choice.action as i32),
            epsilon: learned.map(|learned| learned.choice.epsilon),
            probability: learned.and_then(|learned| learned.choice.probability),
            reward: learned.and_then(|learned| learned.reward),
        },
    }
}
