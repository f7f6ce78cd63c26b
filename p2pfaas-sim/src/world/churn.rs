//! Nodes that fail, are repaired, join and leave, and peers that notice it later.

use std::time::Duration;

use p2pfaas_core::{Event, ForwardAnswer, Outcome};
use rand_distr::{Distribution, Exp1};

use super::hub::Happening;
use super::observer::Observer;
use super::{Nobody, World, ended};

impl World<'_> {
    /// When each node will fail for the first time.
    pub(super) fn begin_faults(&mut self) {
        for node in 0..self.scenario.nodes.len() as u32 {
            if self.devices[node as usize].up {
                self.next_failure(node);
            }
        }
    }

    /// When in this run which nodes join and leave.
    pub(super) fn begin_membership(&mut self) {
        for (node, spec) in self.scenario.nodes.iter().enumerate() {
            let node = node as u32;
            for (second, happening) in
                [(spec.joins_s, Happening::Comes { node }), (spec.leaves_s, Happening::Leaves { node })]
            {
                if let Some(second) = second {
                    self.hub.at(self.now + seconds(second), happening);
                }
            }
        }
    }

    fn next_failure(&mut self, node: u32) {
        let Some(faults) = self.scenario.nodes[node as usize].faults else { return };
        let draw: f64 = Exp1.sample(&mut self.faults[node as usize]);
        self.hub.at(self.now + seconds(draw * faults.mtbf_s), Happening::Fails { node });
    }

    /// A node breaks down with all that it has. Its clients and the peers that gave it jobs see their
    /// connections end.
    pub(super) fn fail<O: Observer>(&mut self, node: u32, observer: &mut O) {
        let index = node as usize;
        if !self.devices[index].up {
            return;
        }
        for here in self.devices[index].fail() {
            match here.from {
                Some(from) => self.hub.answer(self.now, node, from, ForwardAnswer::NoAnswer, &here, None),
                None => {
                    self.hub.open_jobs -= 1;
                    let failure = p2pfaas_core::Failure::Function;
                    observer.finished(&ended(here.arrival(), Outcome::Failed(failure)));
                }
            }
        }
        self.see(node);
        self.hub.at(self.now + self.scenario.detection, Happening::Noticed { node });
        if let Some(faults) = self.scenario.nodes[index].faults {
            let draw: f64 = Exp1.sample(&mut self.faults[index]);
            self.hub.at(self.now + seconds(draw * faults.mttr_s), Happening::Comes { node });
        }
    }

    /// A node is there, with nothing in it.
    pub(super) fn come(&mut self, node: u32) {
        let index = node as usize;
        // Who has left while it was repaired stays away.
        if self.devices[index].up || self.devices[index].leaving {
            return;
        }
        let before = &self.nodes[index];
        let (number, eid) = (before.next_job_number(), before.next_eid());
        // It could be built before, and so it can now.
        if let Ok(fresh) = self.policy_of(node).and_then(|policy| self.node(node, policy, number, eid)) {
            let before = std::mem::replace(&mut self.nodes[index], fresh);
            self.counted += *before.counters();
        }
        if let Some(agents) = &mut self.hub.agents {
            agents.restart(self.now, node, eid, self.scenario.job_timeout);
        }
        self.devices[index].up = true;
        if let Some(published) = &mut self.published {
            published[index] = super::load(&self.nodes[index]);
        }
        self.introduce(node);
        self.see(node);
        self.hub.at(self.now + self.scenario.detection, Happening::Noticed { node });
        self.next_failure(node);
    }

    /// A node takes no new jobs, and finishes what it has.
    pub(super) fn leave(&mut self, node: u32) {
        let device = &mut self.devices[node as usize];
        (device.up, device.leaving) = (false, true);
        self.see(node);
        self.hub.at(self.now + self.scenario.detection, Happening::Noticed { node });
    }

    /// Peers notice what has become of a node.
    pub(super) fn notice(&mut self, node: u32) {
        let up = self.devices[node as usize].up;
        if self.believed_up[node as usize] == up {
            return;
        }
        self.believed_up[node as usize] = up;
        let peers: Vec<_> = self.hub.network.neighbours(node).collect();
        for peer in peers {
            if !self.devices[peer as usize].up {
                continue;
            }
            let names = self.peer_names(peer, |other| self.believed_up[other as usize]);
            self.deliver(peer, Event::SetPeers(names), &mut Nobody);
        }
    }
}

/// Saturates: what comes after the end of the clock never comes.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
