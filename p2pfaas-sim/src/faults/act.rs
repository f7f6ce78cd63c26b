//! Carries out what a node wants done, as its service would, and checks that it may want it.

use std::time::Duration;

use p2pfaas_core::agent::{Choice, Observation};
use p2pfaas_core::offers::Question;
use p2pfaas_core::{
    Arrival, Effect, Event, Failure, Forward, ForwardAnswer, FunctionId, JobKey, NodeId, Outcome, PeerId,
    PolicyChoice, Source, Time,
};
use rand::RngExt;

use super::happening::{Back, Brought, Happening, Hub};
use super::invariants::{Broken, Checked, Invariant, holds};
use super::life::{Life, Stage, Task};

/// A function that hangs answers after this long where no job has a time-out.
const HANGS: Duration = Duration::from_secs(5);

pub(super) fn carry_out(hub: &mut Hub, life: &mut Life, now: Time, effect: Effect) -> Checked {
    match effect {
        Effect::Execute { job } => execute(hub, life, job),
        Effect::Probe { job, peer, question } => probe(hub, life, now, job, peer, question),
        Effect::Forward { job, forward } => send(hub, life, job, forward),
        Effect::Ask { job, observation } => ask(hub, life, now, job, &observation),
        Effect::Learn { eid, reward, .. } => learn(life, eid, reward),
        Effect::Answer { job, id, outcome, .. } => {
            holds(life.tasks.get(&job).is_none_or(|task| task.id == id), Invariant::OneAnswer, || {
                format!("an answer under the id {id} to another job")
            })?;
            answer(hub, life, job, outcome)
        }
        // Its answer follows, and with it the connection or the function ends.
        Effect::Abandon { job } => {
            let stage = life.tasks.get(&job).map(|task| &task.stage);
            let busy = matches!(stage, Some(Stage::Running | Stage::Forwarding { .. }));
            holds(busy, Invariant::OneAnswer, || format!("a job is abandoned that is {stage:?}"))
        }
        Effect::WakeAt { at } => {
            wake_at(hub, life, at);
            Ok(())
        }
    }
}

/// The job of an effect that may begin something new for it.
fn undecided<'a>(life: &'a mut Life, job: JobKey, what: &str) -> Checked<&'a mut Task> {
    let broken = |what| Broken { invariant: Invariant::OneAnswer, what };
    match life.tasks.get_mut(&job) {
        None => Err(broken(format!("{what}, for a job that is not under way"))),
        Some(task) if task.stage != Stage::Idle => {
            Err(broken(format!("{what}, while it is {:?}", task.stage)))
        }
        Some(task) => Ok(task),
    }
}

fn execute(hub: &mut Hub, life: &mut Life, job: JobKey) -> Checked {
    let (running, slots, to) = (life.running(), life.capacity.slots, life.whom);
    holds(running < slots, Invariant::Slots, || format!("one more runs than the {slots} slots"))?;
    let task = undecided(life, job, "it is to run")?;
    task.stage = Stage::Running;
    let lineage = task.brought.lineage;
    hub.begins(lineage)?;
    let weather = hub.weather;
    let is_broken = weather.fails_at == Some(to.node);
    let success = !hub.chance(if is_broken { 0.95 } else { weather.function_fails });
    let event = Event::Executed { job, success };
    if hub.chance(weather.function_hangs) {
        if life.config.job_timeout.is_none() {
            hub.after(HANGS, Happening::Event { to, event });
        }
        return Ok(());
    }
    let takes = hub.execution(to.node);
    if hub.chance(0.03) {
        hub.after(takes + Duration::from_millis(1), Happening::Event { to, event: event.clone() });
    }
    hub.after(takes, Happening::Event { to, event });
    Ok(())
}

/// Whether a node may turn to this peer about this job.
fn may_go(life: &Life, task: &Task, peer: PeerId) -> Checked {
    let peers = life.node.peers();
    let sender = match &task.source {
        Source::Client => None,
        Source::Peer { sender, .. } | Source::ForeignPeer { sender, .. } => *sender,
    };
    holds(peers.present().contains(&peer), Invariant::Targets, || format!("peer {} has gone", peer.0))?;
    holds(sender != Some(peer), Invariant::Targets, || format!("peer {} has sent the job", peer.0))?;
    let name = peers.name(peer).unwrap_or_default();
    let unreached = task.unreached.contains(&peer);
    holds(!unreached, Invariant::Targets, || format!("peer {} was not reached with it just now", peer.0))?;
    let twins = peers.present().iter().filter(|other| peers.name(**other) == Some(name)).count();
    holds(twins == 1, Invariant::Targets, || format!("{name} is there under {twins} numbers"))
}

fn probe(
    hub: &mut Hub,
    life: &mut Life,
    now: Time,
    job: JobKey,
    peer: PeerId,
    question: Option<Question>,
) -> Checked {
    let from = life.whom;
    if let Some(task) = life.tasks.get(&job) {
        may_go(life, task, peer)?;
    }
    life.seen.probes += 1;
    hub.lived.probes += 1;
    let name = life.node.peers().name(peer).unwrap_or_default().to_string();
    match life.tasks.get_mut(&job).map(|task| &mut task.stage) {
        Some(Stage::Probing { open, since }) if *since == now => {
            holds(!open.contains(&peer), Invariant::Targets, || format!("{name} is probed twice"))?;
            open.push(peer);
        }
        _ => {
            undecided(life, job, "peers are to be probed")?.stage =
                Stage::Probing { open: vec![peer], since: now }
        }
    }
    let machine = hub.machine(&name);
    match machine.and_then(|machine| Some((machine, hub.travel(from.node, machine)?))) {
        Some((machine, delay)) => {
            hub.after(delay, Happening::ProbeArrives { machine, from, job, peer, question })
        }
        None => hub.lost_probe(from, job, peer),
    }
    Ok(())
}

fn send(hub: &mut Hub, life: &mut Life, job: JobKey, mut forward: Forward) -> Checked {
    let from = life.whom;
    let this = life.node.id();
    check_forward(life, this, job, &forward)?;
    let task = undecided(life, job, "it is to be forwarded")?;
    let lineage = task.brought.lineage;
    let name = life.node.peers().name(forward.peer).unwrap_or_default().to_string();
    let machine = hub.machine(&name);
    let ticket = hub.next_ticket;
    hub.next_ticket += 1;
    if let Some(task) = life.tasks.get_mut(&job) {
        task.stage = Stage::Forwarding { peer: forward.peer, machine, ticket };
    }
    life.seen.forwarded += 1;
    hub.lived.forwarded += 1;
    if let Some(bug) = hub.planted {
        bug.spoil_forward(&mut forward);
    }
    // The service tells nobody who sent a job: the path does.
    let source = Source::Peer { sender: None, hops: forward.hops, visited: forward.visited };
    let arrival = Arrival {
        source,
        id: Some(forward.id),
        function: FunctionId(0),
        task_type: forward.task_type,
        deadline: forward.deadline,
        policy: PolicyChoice::Configured,
        told: forward.told,
    };
    let brought = Brought { lineage, back: Back::Node { to: from, key: job }, ticket: Some(ticket) };
    match machine {
        // Nobody has that address.
        None => {
            let event = Event::Forwarded { job, answer: ForwardAnswer::NotReached };
            hub.after(Duration::from_millis(1), Happening::Event { to: from, event });
        }
        Some(machine) => match hub.travel(from.node, machine) {
            Some(delay) => hub.after(delay, Happening::JobArrives { machine, arrival, brought }),
            // It is the connection that is not made, or the job on it that is lost.
            None if hub.chance(0.5) => hub.lost_forward(from, job, ForwardAnswer::NotReached),
            None => hub.lost_forward(from, job, ForwardAnswer::NoAnswer),
        },
    }
    Ok(())
}

fn check_forward(life: &mut Life, this: NodeId, job: JobKey, forward: &Forward) -> Checked {
    let Some(task) = life.tasks.get(&job) else { return Ok(()) };
    may_go(life, task, forward.peer)?;
    let (hops, path): (u32, &[NodeId]) = match &task.source {
        Source::Client => (0, &[]),
        Source::Peer { hops, visited, .. } => ((*hops).max(1), visited),
        Source::ForeignPeer { hops, .. } => ((*hops).max(1), &[]),
    };
    let bound = life.config.max_hops;
    holds(forward.hops == hops.saturating_add(1) && forward.hops <= bound, Invariant::Path, || {
        format!("it came with {hops} hops and goes with {}, {bound} are allowed", forward.hops)
    })?;
    let grown = forward.visited.split_last() == Some((&this, path));
    holds(grown && forward.id == task.id, Invariant::Path, || {
        format!("path or id have changed: {forward:?}")
    })?;
    holds(!path.contains(&this), Invariant::ForwardOnce, || {
        "a job that has been here already, by its own path, goes on".into()
    })?;
    let by_client = task.source == Source::Client;
    let known = life.forwarded.contains(&forward.id);
    holds(by_client || !known, Invariant::ForwardOnce, || {
        format!("id {} goes on a second time", forward.id)
    })?;
    if !known {
        life.forwarded.push_back(forward.id);
        if life.forwarded.len() > life.config.forwarded_ids as usize {
            life.forwarded.pop_front();
        }
    }
    Ok(())
}

fn ask(hub: &mut Hub, life: &mut Life, now: Time, job: JobKey, observation: &Observation) -> Checked {
    let to = life.whom;
    undecided(life, job, "the learner is to be asked")?.stage = Stage::Asking { since: now };
    life.seen.asks += 1;
    let actions = observation.mask.len() as u32;
    let action = match hub.chance.random_range(0..20) {
        0 => u32::MAX,
        1 => actions,
        2 => 2,
        _ => hub.chance.random_range(0..actions.max(1)),
    };
    let epsilon = if hub.chance(0.02) { f64::NAN } else { 0.1 };
    let choice = Some(Choice { action, epsilon, probability: None }).filter(|_| !hub.chance(0.1));
    let event = Event::Acted { job, choice };
    if life.learner_at_once {
        hub.at_once.push(event);
    } else if !hub.chance(0.1) {
        let most = life.config.ask_timeout * 2;
        if hub.chance(0.05) {
            let delay = hub.within(most);
            hub.after(delay, Happening::Event { to, event: event.clone() });
        }
        let delay = hub.within(most);
        hub.after(delay, Happening::Event { to, event });
    }
    Ok(())
}

fn learn(life: &mut Life, eid: u64, reward: Option<f64>) -> Checked {
    let given = life.config.first_eid..life.node.next_eid();
    holds(given.contains(&eid), Invariant::Learning, || format!("nobody chose under the number {eid}"))?;
    holds(life.learned.insert(eid), Invariant::Learning, || format!("experience {eid} comes twice"))?;
    holds(reward.is_none_or(f64::is_finite), Invariant::Learning, || format!("a reward of {reward:?}"))
}

fn answer(hub: &mut Hub, life: &mut Life, job: JobKey, outcome: Outcome) -> Checked {
    let Some(task) = life.end(job) else {
        return holds(false, Invariant::OneAnswer, || format!("{outcome:?} for a job that is not under way"));
    };
    count(life, &task, outcome);
    let story = &hub.stories[task.brought.lineage];
    let lineage = task.brought.lineage;
    holds(outcome != Outcome::Served || story.succeeded || story.stripped, Invariant::Truth, || {
        format!("job {lineage} is said to be served, and its function never answered with success")
    })?;
    // A connection on which nobody waits is closed.
    if let Stage::Forwarding { machine: Some(machine), ticket, .. } = task.stage
        && matches!(outcome, Outcome::Cancelled | Outcome::Failed(Failure::TimedOut))
        && let Some(delay) = hub.travel(life.whom.node, machine)
    {
        hub.after(delay, Happening::Closed { machine, ticket });
    }
    match task.brought.back {
        Back::Client => hub.heard(lineage, outcome),
        back => {
            hub.reply(life.whom.node, back, answer_of(outcome));
            Ok(())
        }
    }
}

fn count(life: &mut Life, task: &Task, outcome: Outcome) {
    let seen = &mut life.seen;
    match outcome {
        Outcome::Served => seen.served += 1,
        Outcome::Dropped => seen.dropped += 1,
        Outcome::Rejected => seen.rejected += 1,
        Outcome::Failed(_) => seen.failed += 1,
        Outcome::Cancelled => seen.cancelled += 1,
    }
    let out = matches!(task.stage, Stage::Forwarding { .. });
    seen.forwards_failed += u64::from(out && outcome == Outcome::Failed(Failure::TimedOut));
}

/// What the node that sent a job reads out of the answer, as over HTTP.
fn answer_of(outcome: Outcome) -> ForwardAnswer {
    match outcome {
        Outcome::Served => ForwardAnswer::Served,
        Outcome::Dropped => ForwardAnswer::Dropped,
        Outcome::Rejected => ForwardAnswer::Rejected,
        Outcome::Failed(_) | Outcome::Cancelled => ForwardAnswer::FunctionFailed,
    }
}

fn wake_at(hub: &mut Hub, life: &mut Life, at: Time) {
    life.alarm = Some(at);
    life.alarms += 1;
    hub.alarm(life);
}

impl Hub {
    /// Puts a node's alarm on the calendar, by its clock.
    pub fn alarm(&mut self, life: &Life) {
        let Some(at) = life.alarm else { return };
        let late = if self.chance(self.weather.late_wake) {
            self.within(Duration::from_millis(20))
        } else {
            Duration::ZERO
        };
        let wake = Happening::Wake { to: life.whom, alarm: life.alarms };
        let when = life.clock.when(at).max(self.now) + late;
        self.after(when.since(self.now), wake);
    }

    /// A probe, or its answer, is lost: its time-out tells, or the connection.
    pub fn lost_probe(&mut self, to: super::happening::Whom, job: JobKey, peer: PeerId) {
        if let Some(delay) = self.noticed(true) {
            let event = Event::Probed { job, peer, load: None, offer: None, node: None };
            self.after(delay, Happening::Event { to, event });
        }
    }

    /// How long a function takes at a node.
    fn execution(&mut self, node: usize) -> Duration {
        let mean = self.executions[node];
        self.within(mean * 2)
    }
}
