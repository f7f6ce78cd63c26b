//! State encoders: which numbers a learner sees, as a text such as `type+load/2+peer_loads:3`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::descriptor::bad;
use super::*;
use crate::agent::{Feature, StateSpace};
use crate::defaults::{MAX_STATE_PEERS, PROBE_TIMEOUT, STATE_ARRIVAL_RATE, STATE_PEER_AGE, STATE_TIME_LEFT};
use crate::slots::{Capacity, TypeCount};

/// What a learner sees: groups of numbers, joined by `+`. After a group `/STEP` divides its numbers,
/// so that a table that cuts them to integers takes steps of that size.
///
/// | group | numbers |
/// |---|---|
/// | `type` | task type of the job |
/// | `running` | jobs that run here, by task type |
/// | `queued` | jobs that wait here, by task type |
/// | `time_left` | seconds to the deadline, at most 30; 30 without a deadline |
/// | `free` | free slots |
/// | `load` | running + queued |
/// | `room` | free places in the queue |
/// | `peer_loads:K` | last known load of the peers with the numbers 0 to K-1; -1 unknown |
/// | `peer_ages:K` | seconds since they told it, at most 10; 10 unknown |
/// | `round_trips:K` | seconds from a probe of them to its answer; -1 unknown |
/// | `rate` | jobs of clients that arrive here in a second |
///
/// A step leaves -1 for unknown as it is. `reference` is `type+running+queued`.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Group {
    kind: Kind,
    step: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Type,
    Running,
    Queued,
    TimeLeft,
    Free,
    Load,
    Room,
    PeerLoads(u32),
    PeerAges(u32),
    RoundTrips(u32),
    Rate,
}

/// What a group says of a peer that it knows nothing of.
const UNKNOWN: f64 = -1.0;
/// The text of the default.
const REFERENCE: &str = "reference";
/// Steps are from 1 / this to this.
const MAX_STEP: f64 = 1e6;
const PLAIN: [(&str, Kind); 8] = [
    ("type", Kind::Type),
    ("running", Kind::Running),
    ("queued", Kind::Queued),
    ("time_left", Kind::TimeLeft),
    ("free", Kind::Free),
    ("load", Kind::Load),
    ("room", Kind::Room),
    ("rate", Kind::Rate),
];
type OfPeers = fn(u32) -> Kind;
const OF_PEERS: [(&str, OfPeers); 3] =
    [("peer_loads", Kind::PeerLoads), ("peer_ages", Kind::PeerAges), ("round_trips", Kind::RoundTrips)];

impl Default for Encoder {
    fn default() -> Self {
        let groups = [Kind::Type, Kind::Running, Kind::Queued].map(|kind| Group { kind, step: 1.0 });
        Encoder { groups: groups.into() }
    }
}

impl Encoder {
    /// Writes the state behind what is there. `task_types` are those of the groups by type.
    pub fn encode(&self, task_types: u32, situation: &Situation<'_>, state: &mut Vec<f64>) {
        let (slots, peers) = (situation.slots, situation.peers);
        for group in &self.groups {
            let mut put = |number: f64| state.push(number / group.step);
            match group.kind {
                Kind::Type => put(f64::from(situation.job.task_type)),
                Kind::Running => by_type(slots, task_types).for_each(|count| put(f64::from(count.running))),
                Kind::Queued => by_type(slots, task_types).for_each(|count| put(f64::from(count.queued))),
                Kind::TimeLeft => put(seconds(situation.job.deadline_left, STATE_TIME_LEFT)),
                Kind::Free => put(f64::from(slots.free())),
                Kind::Load => put(f64::from(slots.load())),
                Kind::Room => put(f64::from(slots.capacity().queue.saturating_sub(slots.queued()))),
                Kind::Rate => put(situation.arrival_rate_per_s()),
                Kind::PeerAges(count) => {
                    let age = |peer| peers.view(PeerId(peer)).and_then(|view| view.age);
                    (0..count).for_each(|peer| put(seconds(age(peer), STATE_PEER_AGE)));
                }
                Kind::PeerLoads(count) => {
                    let load = |peer| peers.view(PeerId(peer))?.load;
                    let load = |peer| load(peer).map(|load| f64::from(load.total()) / group.step);
                    state.extend((0..count).map(|peer| load(peer).unwrap_or(UNKNOWN)));
                }
                Kind::RoundTrips(count) => {
                    let time = |peer| peers.view(PeerId(peer))?.round_trip;
                    let time = |peer| time(peer).map(|time| time.as_secs_f64() / group.step);
                    state.extend((0..count).map(|peer| time(peer).unwrap_or(UNKNOWN)));
                }
            }
        }
    }

    /// The numbers that [`Encoder::encode`] writes, in its order, at a node of this capacity.
    pub fn space(&self, task_types: u32, capacity: Capacity) -> StateSpace {
        let mut features = Vec::new();
        for Group { kind, step } in &self.groups {
            let high = kind.high(task_types, capacity) / step;
            let low = if matches!(kind, Kind::PeerLoads(_) | Kind::RoundTrips(_)) { UNKNOWN } else { 0.0 };
            let (name, count) = match *kind {
                Kind::Running => ("running", task_types),
                Kind::Queued => ("queued", task_types),
                Kind::PeerLoads(count) => ("peer_load", count),
                Kind::PeerAges(count) => ("peer_age", count),
                Kind::RoundTrips(count) => ("round_trip", count),
                _ => {
                    features.push(Feature { name: kind.word().into(), low, high });
                    continue;
                }
            };
            features.extend((0..count).map(|index| Feature { name: format!("{name}_{index}"), low, high }));
        }
        StateSpace { encoder: self.to_string(), features }
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Type => "type",
            Kind::Running => "running",
            Kind::Queued => "queued",
            Kind::TimeLeft => "time_left",
            Kind::Free => "free",
            Kind::Load => "load",
            Kind::Room => "room",
            Kind::PeerLoads(_) => "peer_loads",
            Kind::PeerAges(_) => "peer_ages",
            Kind::RoundTrips(_) => "round_trips",
            Kind::Rate => "rate",
        }
    }

    fn peers(self) -> Option<u32> {
        match self {
            Kind::PeerLoads(count) | Kind::PeerAges(count) | Kind::RoundTrips(count) => Some(count),
            _ => None,
        }
    }

    fn high(self, task_types: u32, capacity: Capacity) -> f64 {
        let at_least_1 = |count: u32| f64::from(count.max(1));
        match self {
            Kind::Type => at_least_1(task_types.saturating_sub(1)),
            Kind::Running | Kind::Free => at_least_1(capacity.slots),
            Kind::Queued | Kind::Room => at_least_1(capacity.queue),
            Kind::Load | Kind::PeerLoads(_) => at_least_1(capacity.slots.saturating_add(capacity.queue)),
            Kind::TimeLeft => STATE_TIME_LEFT.as_secs_f64(),
            Kind::PeerAges(_) => STATE_PEER_AGE.as_secs_f64(),
            Kind::RoundTrips(_) => PROBE_TIMEOUT.as_secs_f64(),
            Kind::Rate => STATE_ARRIVAL_RATE,
        }
    }
}

fn by_type(slots: &Slots, task_types: u32) -> impl Iterator<Item = TypeCount> {
    let none = std::iter::repeat(TypeCount::default());
    slots.by_type().iter().copied().chain(none).take(task_types as usize)
}

/// At most `bound`, which also stands for none.
fn seconds(span: Option<Duration>, bound: Duration) -> f64 {
    span.map_or(bound, |span| span.min(bound)).as_secs_f64()
}

impl fmt::Display for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Encoder::default() {
            return f.write_str(REFERENCE);
        }
        for (index, Group { kind, step }) in self.groups.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { "+" }, kind.word())?;
            if let Some(peers) = kind.peers() {
                write!(f, ":{peers}")?;
            }
            if *step != 1.0 {
                write!(f, "/{step}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Encoder {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        if text == REFERENCE {
            return Ok(Encoder::default());
        }
        let mut groups: Vec<Group> = Vec::new();
        for part in text.split('+') {
            let group = group(part)?;
            if groups.iter().any(|known| known.kind.word() == group.kind.word()) {
                return Err(bad("state", "each group once", part));
            }
            groups.push(group);
        }
        Ok(Encoder { groups })
    }
}

fn group(text: &str) -> Result<Group, PolicyError> {
    let (kind, step) = match text.split_once('/') {
        None => (text, Some(1.0)),
        Some((kind, step)) => {
            let step = step.parse().ok();
            (kind, step.filter(|step: &f64| (1.0 / MAX_STEP..=MAX_STEP).contains(step)))
        }
    };
    let step = step.ok_or_else(|| bad("state", "a step from 0.000001 to 1000000 after /", text))?;
    let kind = match kind.split_once(':') {
        None => PLAIN.iter().find(|(word, _)| *word == kind).map(|(_, kind)| *kind),
        Some((word, count)) => match OF_PEERS.iter().find(|(known, _)| *known == word) {
            None => None,
            Some((_, of_peers)) => {
                let count = count.parse().ok().filter(|count| (1..=MAX_STATE_PEERS).contains(count));
                let expected = format!("a count of peers from 1 to {MAX_STATE_PEERS} after :");
                Some(of_peers(count.ok_or_else(|| bad("state", &expected, text))?))
            }
        },
    };
    let kind = kind.ok_or_else(|| {
        let plain = PLAIN.map(|(word, _)| word.to_string());
        let known: Vec<_> = plain.into_iter().chain(OF_PEERS.map(|(word, _)| format!("{word}:K"))).collect();
        bad("state", &format!("{REFERENCE}, or groups joined by +: {}", known.join(", ")), text)
    })?;
    Ok(Group { kind, step })
}
