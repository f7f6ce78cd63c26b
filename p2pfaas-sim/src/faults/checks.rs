//! What is checked of a node after each event.

use p2pfaas_core::defaults::{MAX_FAN_OUT, MAX_OUTLIERS, MAX_PEERS};
use p2pfaas_core::{Counters, Effect, Event, FunctionId, JobKey, Time};
use smallvec::SmallVec;

use super::invariants::{Checked, Invariant, holds};
use super::life::{Life, Stage};

/// What a node was before an event.
pub(super) struct Before {
    tasks: usize,
    queued: u32,
    expected: bool,
}

impl Before {
    pub fn of(life: &Life, event: &Event) -> Self {
        Before { tasks: life.tasks.len(), queued: life.node.slots().queued(), expected: life.expects(event) }
    }

    pub fn expected(&self) -> bool {
        self.expected
    }
}

/// Of the effects alone.
pub(super) fn effects(life: &Life, before: &Before, event: &Event, effects: &[Effect]) -> Checked {
    if !before.expected {
        return holds(effects.is_empty(), Invariant::Strays, || {
            format!("nobody waited for this, and: {effects:?}")
        });
    }
    if let Event::Cancel { job } = event
        && life.tasks.get(job).is_some_and(|task| task.stage == Stage::Running)
    {
        return holds(effects.is_empty(), Invariant::OneAnswer, || {
            format!("a function that runs keeps its slot, whoever goes away: {effects:?}")
        });
    }
    let mut jobs: SmallVec<[JobKey; 8]> = SmallVec::new();
    let (mut probes, mut others, mut alarms) = (0, 0, 0);
    for effect in effects {
        let job = match effect {
            Effect::WakeAt { .. } => {
                alarms += 1;
                continue;
            }
            Effect::Probe { job, .. } => {
                probes += 1;
                Some(job)
            }
            Effect::Learn { .. } => None,
            Effect::Execute { job }
            | Effect::Forward { job, .. }
            | Effect::Ask { job, .. }
            | Effect::Answer { job, .. }
            | Effect::Abandon { job } => Some(job),
        };
        others += usize::from(!matches!(effect, Effect::Probe { .. }));
        jobs.extend(job.filter(|job| !jobs.contains(job)).copied());
    }
    let touched = jobs.len();
    // Its own job, and those whose turn it is then.
    let most = match event {
        Event::Wake => before.tasks,
        _ => 1 + before.queued as usize,
    };
    let bounded = alarms <= 1
        && touched <= most
        && probes <= touched * 2 * MAX_FAN_OUT as usize
        && others <= touched * 6;
    holds(bounded, Invariant::BoundedEffects, || {
        format!("{probes} probes, {others} other effects for {touched} jobs, {alarms} alarms: {event:?}")
    })
}

/// Of the node as it is now.
pub(super) fn state(life: &mut Life, before: &Before, now: Time) -> Checked {
    let (slots, counters) = (life.node.slots(), *life.node.counters());
    let (running, under_way) = (life.running(), life.tasks.len());
    holds(slots.running() == running && slots.capacity() == life.capacity, Invariant::Slots, || {
        format!("{running} functions run, the node counts {} in {:?}", slots.running(), slots.capacity())
    })?;
    let (queued, capacity) = (slots.queued(), life.capacity);
    holds(queued <= capacity.queue.max(before.queued), Invariant::Slots, || {
        format!("{queued} wait in {} places", capacity.queue)
    })?;
    holds(queued == 0 || running >= capacity.slots, Invariant::Slots, || {
        format!("{queued} wait, and {running} of {} slots are taken", capacity.slots)
    })?;
    let by_type =
        slots.by_type().iter().fold((0, 0), |sum, count| (sum.0 + count.running, sum.1 + count.queued));
    holds(by_type == (running, queued), Invariant::Slots, || format!("by type they are {by_type:?}"))?;

    let Counters { fallbacks, forwards_refused, retries, retries_refused, ejections, .. } = counters;
    let seen = Counters { fallbacks, forwards_refused, retries, retries_refused, ejections, ..life.seen };
    holds(counters == seen, Invariant::Conservation, || format!("counted {counters:?}, seen {seen:?}"))?;
    let adds_up = counters.arrived == counters.answered() + under_way as u64;
    holds(adds_up && life.node.jobs_under_way() == under_way, Invariant::Conservation, || {
        format!(
            "{under_way} jobs are under way by the driver's books, {} by the node's: {counters:?}",
            life.node.jobs_under_way()
        )
    })?;
    holds(retries + retries_refused == life.not_reached, Invariant::Conservation, || {
        format!("{} forwards reached nobody: {counters:?}", life.not_reached)
    })?;
    let forward = fallbacks >= life.counted.fallbacks && forwards_refused >= life.counted.forwards_refused;
    holds(forward, Invariant::Conservation, || "a count has gone back".into())?;
    life.counted = counters;

    let (due, alarm) = (life.due(), life.alarm);
    holds(due.is_none_or(|due| alarm.is_some_and(|alarm| alarm <= due)), Invariant::Alarm, || {
        format!("something ends at {due:?}, and the alarm is set for {alarm:?}")
    })?;
    // A clock that goes back shows moments at which others were out.
    if !life.clock.is_raw() && counters.ejections > 0 {
        let peers = life.node.peers();
        let present = peers.present().iter();
        let out = present.filter(|peer| peers.is_ejected(FunctionId(0), **peer, now)).count();
        let most = peers.present().len().div_ceil(2);
        holds(out <= most, Invariant::Targets, || format!("{out} peers are left out, {most} may be"))?;
    }
    tables(life)
}

fn tables(life: &Life) -> Checked {
    let (tables, config, jobs) = (life.node.tables(), &life.config, life.tasks.len());
    let bounded = tables.jobs == jobs
        && jobs <= config.max_jobs as usize
        && tables.timers <= 4 * jobs + 64
        && tables.forwarded_ids <= config.forwarded_ids as usize
        && tables.taken_ids <= config.taken_ids as usize
        && tables.policies <= life.policies.min(5 + config.max_jobs as usize)
        && tables.foreign_forwards <= config.max_foreign_forwards
        && tables.outliers <= MAX_OUTLIERS
        && tables.peers <= MAX_PEERS as usize;
    holds(bounded, Invariant::BoundedTables, || format!("{tables:?} for {jobs} jobs under way"))
}

/// When nothing is on its way to it any more.
pub(super) fn quiet(life: &Life) -> Checked {
    let (tables, slots) = (life.node.tables(), life.node.slots());
    let left = (tables.jobs, tables.timers, tables.foreign_forwards, slots.load());
    holds(left == (0, 0, 0, 0), Invariant::Quiet, || {
        format!("jobs, time-outs, forwards and load are {left:?} at {}", life.node.id())
    })?;
    let (learned, chosen) = (life.learned.len() as u64, life.node.next_eid() - life.config.first_eid);
    holds(learned == chosen, Invariant::Quiet, || format!("{chosen} choices, and {learned} experiences"))
}
