//! What the nodes want done, in virtual time.

use p2pfaas_core::agent::{Experience, Observation};
use p2pfaas_core::offers::Question;
use p2pfaas_core::{
    Arrival as ArrivalAtNode, Effects, Forward, ForwardAnswer, FunctionId, JobKey, Outcome, PeerId,
    PolicyChoice, Report, Source, Time, Timings,
};

use super::device::{Device, Ran};
use super::here::{Here, Sender};
use super::hub::{Happening, Hub, Probe, Travel};
use super::observer::{Finished, Observer};

/// A probe is small: what it takes on the way is latency alone.
pub(super) const PROBE_BYTES: u64 = 0;

/// Takes the effects of one node while it handles one event.
pub(super) struct Sink<'a, O> {
    pub hub: &'a mut Hub,
    pub device: &'a mut Device,
    pub observer: &'a mut O,
    pub node: u32,
    pub now: Time,
    /// Where the job ran whose answer has come back with this event.
    pub returned: Option<Ran>,
}

impl<O: Observer> Sink<'_, O> {
    fn sender(&self, key: JobKey) -> Sender {
        Sender { node: self.node, life: self.device.life, key }
    }

    /// An answer to the node that sent a job.
    fn reply(&mut self, to: Sender, answer: ForwardAnswer, here: &Here, ran: Option<Ran>) {
        self.hub.answer(self.now, self.node, to, answer, here, ran);
    }

    fn tell_client(&mut self, here: &Here, report: &Report<'_>, ran: Option<Ran>) {
        self.hub.open_jobs -= 1;
        let timings = Timings {
            queue: ran.and_then(|ran| ran.queue),
            execution: ran.and_then(|ran| ran.execution),
            ..report.timings
        };
        self.observer.finished(&Finished {
            arrival: here.arrival(),
            latency: report.timings.total,
            outcome: report.outcome,
            executed_by: ran.map(|ran| ran.node),
            forwarded: report.forwarded_to.is_some(),
            hops: here.hops,
            probes: report.probes,
            timings,
            learned: report.learned,
        });
    }
}

impl<O: Observer> Effects for Sink<'_, O> {
    #[inline]
    fn execute(&mut self, job: JobKey) {
        let Some(here) = self.device.get_mut(job) else { return };
        here.runs = true;
        let (demand_s, task_type) = (here.demand_s, here.task_type);
        let function = self.hub.jobs[usize::from(task_type)].function;
        match self.device.start(self.now, job, demand_s, function) {
            Some(takes) => {
                let executed = Happening::Executed { node: self.node, life: self.device.life, job };
                self.hub.at(self.now + takes, executed);
            }
            None => self.hub.forecast(self.node, self.device),
        }
    }

    #[inline]
    fn probe(&mut self, job: JobKey, peer: PeerId, question: Option<&Question>) {
        let asker = self.sender(job);
        let Some(target) = self.hub.network.neighbour(self.node, peer.0) else { return };
        if self.hub.is_lost(self.now, self.node, target) || self.hub.network.probe_lost(&mut self.hub.rng) {
            return;
        }
        let delay = self.hub.network.delay(self.node, target, PROBE_BYTES, &mut self.hub.rng);
        let probe = self.hub.probes.insert(Probe {
            asker,
            peer,
            target,
            load: None,
            question: question.copied(),
            offer: None,
        }) as u32;
        self.hub.at(self.now + delay, Happening::ProbeArrives { probe });
    }

    fn forward(&mut self, job: JobKey, forward: &Forward) {
        let sender = self.sender(job);
        let Some(here) = self.device.get_mut(job) else { return };
        here.hops = forward.hops;
        let mut here = *here;
        let Some(target) = self.hub.network.neighbour(self.node, forward.peer.0) else { return };
        let kind = &self.hub.jobs[usize::from(here.task_type)];
        let (bytes, function) = (kind.payload_bytes, FunctionId(kind.function));
        if self.hub.is_lost(self.now, self.node, target) {
            return;
        }
        let delay = self.hub.network.delay(self.node, target, bytes, &mut self.hub.rng);
        let arrival = ArrivalAtNode {
            source: Source::Peer {
                sender: self.hub.network.number(target, self.node).map(PeerId),
                hops: forward.hops,
                visited: forward.visited.clone(),
            },
            id: Some(forward.id),
            function,
            task_type: forward.task_type,
            deadline: forward.deadline,
            policy: PolicyChoice::Configured,
            told: forward.told,
        };
        (here.from, here.runs) = (Some(sender), false);
        let travel = self.hub.travels.insert(Travel { target, arrival, here }) as u32;
        self.hub.at(self.now + delay, Happening::JobArrives { travel });
    }

    fn ask(&mut self, job: JobKey, observation: &Observation) {
        let choice = self.hub.agents.as_mut().and_then(|agents| agents.act(self.node, observation));
        self.hub.choices.push_back((job, choice));
    }

    fn learn(&mut self, experience: &Experience<'_>) {
        if let Some(agents) = &mut self.hub.agents {
            agents.learn(self.now, self.node, experience);
        }
    }

    #[inline]
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        let Some(here) = self.device.take(job) else { return };
        let ran = match report.forwarded_to {
            Some(_) => self.returned,
            None => report.timings.execution.map(|execution| Ran {
                node: self.node,
                queue: report.timings.queue,
                execution: Some(execution),
            }),
        };
        match here.from {
            None => self.tell_client(&here, report, ran),
            Some(sender) => self.reply(sender, answer_of(report.outcome), &here, ran),
        }
    }

    fn abandon(&mut self, job: JobKey) {
        if let Some(here) = self.device.get_mut(job).filter(|here| here.runs) {
            let function = self.hub.jobs[usize::from(here.task_type)].function;
            self.device.abandon(self.now, job, function);
        }
        self.hub.forecast(self.node, self.device);
    }

    fn wake_at(&mut self, at: Time) {
        let at = at.max(self.now);
        self.device.wakes = Some(at);
        self.hub.at(at, Happening::Wake { node: self.node, life: self.device.life });
    }
}

/// What the node that forwarded a job hears; the same as over HTTP.
fn answer_of(outcome: Outcome) -> ForwardAnswer {
    match outcome {
        Outcome::Served => ForwardAnswer::Served,
        Outcome::Dropped => ForwardAnswer::Dropped,
        Outcome::Rejected => ForwardAnswer::Rejected,
        Outcome::Failed(_) => ForwardAnswer::FunctionFailed,
        Outcome::Cancelled => ForwardAnswer::NoAnswer,
    }
}
