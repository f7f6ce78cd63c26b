//! The log of a run: one line for everything that happens to a node and for everything that it wants done.

use p2pfaas_core::{Effect, Event, ForwardAnswer, Outcome, PeerLoad, Source, Time};

/// Lines that are kept of a run; those behind are left out, and it is said how many.
const MAX_LINES: usize = 200_000;

/// Where lines go: nowhere, mostly. A seed that is of interest is run once more.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Option<Vec<String>>,
    left_out: u64,
}

impl Log {
    /// One that keeps what it gets.
    pub fn kept() -> Self {
        Log { lines: Some(Vec::new()), left_out: 0 }
    }

    pub fn line(&mut self, at: Time, machine: &str, text: impl FnOnce() -> String) {
        match &mut self.lines {
            None => {}
            Some(lines) if lines.len() == MAX_LINES => self.left_out += 1,
            Some(lines) => {
                let at_s = at.as_nanos() as f64 / 1e9;
                lines.push(format!("{at_s:>13.6} {machine:<5} {}", text()));
            }
        }
    }

    /// What was kept.
    pub fn into_lines(self) -> Vec<String> {
        let mut lines = self.lines.unwrap_or_default();
        if self.left_out > 0 {
            lines.push(format!("... and {} lines", self.left_out));
        }
        lines
    }
}

/// An event in words; `job` names its job.
pub(super) fn event(event: &Event, job: &str) -> String {
    match event {
        Event::Arrive(arrival) => {
            let from = match &arrival.source {
                Source::Client => "a client".to_string(),
                Source::Peer { hops, visited, .. } => {
                    format!("a node, hops {hops}, visited {}", visited.len())
                }
                Source::ForeignPeer { hops, .. } => format!("an old peer, hops {hops}"),
            };
            let deadline = arrival.deadline.map_or(String::new(), |left| format!(", deadline {left:?}"));
            format!("<- {job} arrives from {from}, type {}{deadline}", arrival.task_type)
        }
        Event::Probed { peer, load, node, .. } => {
            let load = load.map_or("nothing".to_string(), |PeerLoad { running, queued, .. }| {
                format!("load {running}+{queued}")
            });
            let who = if node.is_some() { ", a node of ours" } else { "" };
            format!("<- {job} probe of peer {}: {load}{who}", peer.0)
        }
        Event::Acted { choice, .. } => match choice {
            Some(choice) => format!("<- {job} the learner chose {}", choice.action),
            None => format!("<- {job} the learner chose nothing"),
        },
        Event::Executed { success, .. } => {
            format!("<- {job} the function {}", if *success { "answered" } else { "failed" })
        }
        Event::Forwarded { answer, .. } => format!("<- {job} forward: {}", answer_word(*answer)),
        Event::Cancel { .. } => format!("<- {job} its client went away"),
        Event::Wake => "<- wake".into(),
        Event::SetCapacity(capacity) => {
            format!("<- {} slots, {} queue places", capacity.slots, capacity.queue)
        }
        Event::Suspected { peer, suspected } => {
            format!("<- peer {} is {}", peer.0, if *suspected { "suspected" } else { "trusted again" })
        }
        Event::Told(told) => format!("<- loads of {} peers", told.len()),
        Event::SetPeers(peers) => {
            let names = peers
                .iter()
                .take(12)
                .map(|(name, node)| if node.is_some() { name.clone() } else { format!("{name}?") });
            let more =
                if peers.len() > 12 { format!(" and {} more", peers.len() - 12) } else { String::new() };
            format!("<- peers {}{more}", names.collect::<Vec<_>>().join(" "))
        }
    }
}

/// An effect in words.
pub(super) fn effect(effect: &Effect, job: &str) -> String {
    match effect {
        Effect::Execute { .. } => format!("-> {job} execute"),
        Effect::Probe { peer, .. } => format!("-> {job} probe peer {}", peer.0),
        Effect::Forward { forward, .. } => {
            format!("-> {job} forward to peer {}, hops {}, id {}", forward.peer.0, forward.hops, forward.id)
        }
        Effect::Ask { observation, .. } => {
            format!("-> {job} ask the learner, {} actions", observation.mask.len())
        }
        Effect::Learn { eid, choice, reward, .. } => {
            format!("-> learn experience {eid}: action {}, reward {reward:?}", choice.action)
        }
        Effect::Answer { outcome, .. } => format!("-> {job} answer: {}", outcome_words(*outcome)),
        Effect::Abandon { .. } => format!("-> {job} abandon"),
        Effect::WakeAt { at } => format!("-> wake me at {:.6}", at.as_nanos() as f64 / 1e9),
    }
}

fn outcome_words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed(failure) => format!("failed ({failure:?})"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn answer_word(answer: ForwardAnswer) -> &'static str {
    match answer {
        ForwardAnswer::Served => "served",
        ForwardAnswer::Dropped => "dropped",
        ForwardAnswer::Rejected => "rejected",
        ForwardAnswer::FunctionFailed => "the function failed",
        ForwardAnswer::FunctionRefused => "the function refused it",
        ForwardAnswer::NotTaken => "not taken",
        ForwardAnswer::NoAnswer => "no answer",
        ForwardAnswer::NotReached => "not reached",
    }
}
