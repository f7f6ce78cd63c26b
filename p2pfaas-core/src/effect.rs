//! What a node wants done: effects go into a sink that the driver passes in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Time;
use crate::agent::{Choice, Experience, Observation};
use crate::job::{JobId, JobKey, NodeId, Outcome, Timings, Visited};
use crate::offers::Question;
use crate::peers::PeerId;

/// A driver's sink for effects. Called while the node works: do no I/O here, only take notes or
/// start tasks.
pub trait Effects {
    /// Run the job's function now. Answer with [`Event::Executed`](crate::Event::Executed).
    fn execute(&mut self, job: JobKey);
    /// Ask one peer for its load, and, with a question, for its offer. Answer with [`Event::Probed`](crate::Event::Probed).
    fn probe(&mut self, job: JobKey, peer: PeerId, question: Option<&Question>);
    /// Send the job to a peer. Answer with [`Event::Forwarded`](crate::Event::Forwarded).
    fn forward(&mut self, job: JobKey, forward: &Forward);
    /// Ask the learner for an action. Answer with [`Event::Acted`](crate::Event::Acted).
    fn ask(&mut self, job: JobKey, observation: &Observation);
    /// A choice of the learner has come to its end: hand over what came of it.
    fn learn(&mut self, experience: &Experience<'_>);
    /// The job has ended: tell whoever brought it. The key is dead afterwards.
    fn answer(&mut self, job: JobKey, report: &Report<'_>);
    /// Stop running or forwarding this job; its answer follows at once and no event is expected.
    fn abandon(&mut self, job: JobKey);
    /// Send [`Event::Wake`](crate::Event::Wake) at that moment. An earlier moment replaces a later one.
    fn wake_at(&mut self, at: Time);
}

/// What travels with a job to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// Where to.
    pub peer: PeerId,
    /// The job's id.
    pub id: JobId,
    /// Forwards, this one included.
    pub hops: u32,
    /// Nodes visited, this one included.
    pub visited: Visited,
    /// Its task type.
    pub task_type: u16,
    /// Time left until its deadline.
    pub deadline: Option<Duration>,
    /// The load that the peer told when it was probed for this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<u32>,
}

/// How a job ended, for whoever brought it and for the records.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<'a> {
    /// The job's id.
    pub id: JobId,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether that was within its deadline, if it had one, by this node's clock.
    pub in_time: bool,
    /// Full name of the policy that was in force when it arrived, as in `X-P2pfaas-Scheduler`.
    pub policy: &'a str,
    /// Where the time went.
    pub timings: Timings,
    /// The peer to which it was forwarded, if it was.
    pub forwarded_to: Option<PeerId>,
    /// Probes sent for it.
    pub probes: u32,
    /// What a learner saw and chose, and what came of it; `None` when none was asked or it had no answer.
    pub learned: Option<Experience<'a>>,
}

/// An effect as a value: for tests, and for the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant is one method of Effects")]
pub enum Effect {
    Execute {
        job: JobKey,
    },
    Probe {
        job: JobKey,
        peer: PeerId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<Question>,
    },
    Forward {
        job: JobKey,
        forward: Forward,
    },
    Ask {
        job: JobKey,
        observation: Observation,
    },
    Learn {
        eid: u64,
        state: Vec<f64>,
        mask: Vec<bool>,
        choice: Choice,
        reward: Option<f64>,
    },
    Answer {
        job: JobKey,
        id: JobId,
        outcome: Outcome,
        timings: Timings,
        probes: u32,
        forwarded_to: Option<PeerId>,
    },
    Abandon {
        job: JobKey,
    },
    WakeAt {
        at: Time,
    },
}

impl Effects for Vec<Effect> {
    fn execute(&mut self, job: JobKey) {
        self.push(Effect::Execute { job });
    }
    fn probe(&mut self, job: JobKey, peer: PeerId, question: Option<&Question>) {
        self.push(Effect::Probe { job, peer, question: question.copied() });
    }
    fn forward(&mut self, job: JobKey, forward: &Forward) {
        self.push(Effect::Forward { job, forward: forward.clone() });
    }
    fn ask(&mut self, job: JobKey, observation: &Observation) {
        self.push(Effect::Ask { job, observation: observation.clone() });
    }
    fn learn(&mut self, experience: &Experience<'_>) {
        self.push(Effect::Learn {
            eid: experience.eid,
            state: experience.state.to_vec(),
            mask: experience.mask.to_vec(),
            choice: experience.choice,
            reward: experience.reward,
        });
    }
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        self.push(Effect::Answer {
            job,
            id: report.id,
            outcome: report.outcome,
            timings: report.timings,
            probes: report.probes,
            forwarded_to: report.forwarded_to,
        });
    }
    fn abandon(&mut self, job: JobKey) {
        self.push(Effect::Abandon { job });
    }
    fn wake_at(&mut self, at: Time) {
        self.push(Effect::WakeAt { at });
    }
}

/// Two sinks that both get every effect: the driver's and a recorder's.
impl<A: Effects, B: Effects> Effects for (&mut A, &mut B) {
    fn execute(&mut self, job: JobKey) {
        self.0.execute(job);
        self.1.execute(job);
    }
    fn probe(&mut self, job: JobKey, peer: PeerId, question: Option<&Question>) {
        self.0.probe(job, peer, question);
        self.1.probe(job, peer, question);
    }
    fn forward(&mut self, job: JobKey, forward: &Forward) {
        self.0.forward(job, forward);
        self.1.forward(job, forward);
    }
    fn ask(&mut self, job: JobKey, observation: &Observation) {
        self.0.ask(job, observation);
        self.1.ask(job, observation);
    }
    fn learn(&mut self, experience: &Experience<'_>) {
        self.0.learn(experience);
        self.1.learn(experience);
    }
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        self.0.answer(job, report);
        self.1.answer(job, report);
    }
    fn abandon(&mut self, job: JobKey) {
        self.0.abandon(job);
        self.1.abandon(job);
    }
    fn wake_at(&mut self, at: Time) {
        self.0.wake_at(at);
        self.1.wake_at(at);
    }
}

/// For [`Forward::visited`]: the path so far plus this node.
pub(crate) fn path_with(visited: &[NodeId], this: NodeId) -> Visited {
    let mut path = Visited::from_slice(visited);
    path.push(this);
    path
}
