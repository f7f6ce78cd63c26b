//! Old and foreign peers: they forget hops and path, and not all of them are honest.

use std::time::Duration;

use p2pfaas_core::{
    Arrival, Event, ForwardAnswer, FunctionId, JobId, JobKey, NodeId, PeerId, PeerLoad, PolicyChoice, Source,
};
use rand::RngExt;

use super::happening::{Back, Brought, Happening, Hub, Whom};
use super::invariants::Checked;

/// Times that old peers send one job on. In the world a loop through those that forget everything ends with the
/// time-outs of the nodes between them; here it ends sooner.
const MAX_RESENT: u32 = 5;

impl Hub {
    /// An old peer has a job.
    pub(super) fn old_peer_gets(
        &mut self,
        machine: usize,
        id: Option<JobId>,
        keeps_id: bool,
        brought: Brought,
    ) -> Checked {
        let story = &mut self.stories[brought.lineage];
        story.stripped = true;
        let resends = story.resent < MAX_RESENT;
        match self.chance.random_range(0..20) {
            0..=7 if resends => self.send_on(machine, id.filter(|_| keeps_id), brought),
            8 | 9 if resends => {
                // The same answer comes twice, then.
                self.stories[brought.lineage].copies += 1;
                self.send_on(machine, id.filter(|_| keeps_id), brought);
                self.runs(machine, brought)?;
            }
            10 => self.reply(machine, brought.back, ForwardAnswer::NoAnswer),
            11 => self.reply(machine, brought.back, ForwardAnswer::Dropped),
            12 => self.reply(machine, brought.back, ForwardAnswer::Rejected),
            13 => {
                // It lies: it has taken it.
                self.stories[brought.lineage].copies += 1;
                self.runs(machine, brought)?;
                self.reply(machine, brought.back, ForwardAnswer::NotTaken);
            }
            14 if self.has_timeouts => {}
            _ => self.runs(machine, brought)?,
        }
        Ok(())
    }

    fn runs(&mut self, machine: usize, brought: Brought) -> Checked {
        self.begins(brought.lineage)?;
        let success = !self.chance(self.weather.function_fails);
        let answer = if success { ForwardAnswer::Served } else { ForwardAnswer::FunctionFailed };
        self.reply(machine, brought.back, answer);
        Ok(())
    }

    /// As a new job, to anybody.
    fn send_on(&mut self, machine: usize, id: Option<JobId>, brought: Brought) {
        let target = self.chance.random_range(0..self.names.len());
        self.stories[brought.lineage].resent += 1;
        let sender = self.chance(0.3).then(|| PeerId(self.chance.random_range(0..self.names.len() as u32)));
        let source = Source::ForeignPeer { sender, hops: self.chance.random_range(0..2) };
        let task_type = self.chance.random_range(0..4);
        let function = FunctionId(0);
        let policy = PolicyChoice::Configured;
        let arrival = Arrival { source, id, function, task_type, deadline: None, policy, told: None };
        let brought = Brought { ticket: None, ..brought };
        match self.travel(machine, target) {
            Some(delay) => self.after(delay, Happening::JobArrives { machine: target, arrival, brought }),
            None => self.reply(machine, brought.back, ForwardAnswer::NoAnswer),
        }
    }

    /// What an old peer says of its load, and who it says that it is.
    pub(super) fn old_peer_is_probed(&mut self, machine: usize, from: Whom, job: JobKey, peer: PeerId) {
        let mut number =
            || if self.chance.random_bool(0.1) { u32::MAX } else { self.chance.random_range(0..4) };
        let load = PeerLoad { running: number(), queued: number(), slots: number() };
        let other = self.chance.random_range(0..self.names.len());
        let lies = !self.truthful && self.chance(0.2);
        let node = lies.then(|| NodeId::from_machine_id(&self.names[other]));
        self.answer_probe(machine, from, Event::Probed { job, peer, load: Some(load), offer: None, node });
    }

    /// An answer to a probe on its way.
    pub(super) fn answer_probe(&mut self, machine: usize, to: Whom, event: Event) {
        match (self.travel(machine, to.node), event) {
            (Some(delay), event) => {
                self.after(delay, Happening::Event { to, event: event.clone() });
                if self.chance(0.02) {
                    self.after(delay + Duration::from_millis(2), Happening::Event { to, event });
                }
            }
            (None, Event::Probed { job, peer, .. }) => self.lost_probe(to, job, peer),
            (None, _) => {}
        }
    }

    /// A client brings an old peer a job.
    pub(super) fn old_peer_has_client(&mut self, machine: usize, lineage: usize) -> Checked {
        self.old_peer_gets(machine, None, false, Brought { lineage, back: Back::Stranger, ticket: None })
    }
}
