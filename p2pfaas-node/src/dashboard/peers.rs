//! The cluster as this node sees it.

use std::collections::{BTreeMap, HashMap};

use p2pfaas_core::membership::MemberState;
use p2pfaas_core::{PeerId, PeerLoad, PeerStatus};
use serde::Serialize;

use crate::membership::Gossip;
use crate::shared::Shared;

/// Peers told, at most.
const MAX_TOLD: usize = 512;

/// The peers, and what many of them have in common.
#[derive(Debug, Default, Serialize)]
pub(super) struct PeerTable {
    peers: Vec<Peer>,
    /// Peers that there are.
    known: usize,
    /// What peers offer, each set once.
    offers: Vec<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Peer {
    /// `host:port` of its scheduler.
    name: String,
    /// Its machine id, if it has told it.
    id: Option<String>,
    state: State,
    /// Jobs running and waiting there, and its slots, as it told them last.
    load: Option<[u32; 3]>,
    /// How long ago that was.
    age_ms: Option<u64>,
    /// From a probe, or a poll of the discovery, to its answer.
    round_trip_ms: Option<f64>,
    /// How long no job goes there.
    left_alone_ms: Option<u64>,
    /// Which of the offers is its.
    offers: Option<usize>,
    version: Option<String>,
}

/// Whether a peer is there, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Up,
    /// A forward to it has failed: it is left alone for a while.
    LeftAlone,
    /// Its fellows suspect it.
    Suspected,
    /// Gossip holds it for dead.
    Dead,
    /// It was there, and is not.
    Gone,
}

/// What gossip knows of a member.
struct Told {
    state: MemberState,
    id: String,
    version: String,
    functions: Vec<String>,
}

impl PeerTable {
    pub(super) fn of(shared: &Shared) -> PeerTable {
        let mut members: HashMap<String, Told> = HashMap::new();
        if let Some(gossip) = &shared.gossip {
            members = told(gossip);
        }
        let polled = shared.discovery.round_trips();
        let mut statuses: BTreeMap<String, Option<PeerStatus>> = shared.engine.look(|node, _, now| {
            let peers = node.peers();
            let known = (0..peers.known() as u32).map(PeerId);
            known.filter_map(|peer| Some((peers.name(peer)?.to_string(), peers.status(peer, now)))).collect()
        });
        for name in members.keys() {
            statuses.entry(name.clone()).or_default();
        }
        let mut table = PeerTable { known: statuses.len(), ..PeerTable::default() };
        for (name, status) in statuses {
            let member = members.remove(&name);
            let poll_s = polled.get(&name).copied();
            table.add(name, status, member, poll_s);
        }
        // Whoever is not there makes room first; what is left out is counted.
        table.peers.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
        table.peers.truncate(MAX_TOLD);
        table
    }

    fn add(&mut self, name: String, status: Option<PeerStatus>, member: Option<Told>, poll_s: Option<f64>) {
        let ms = |span: std::time::Duration| span.as_millis() as u64;
        let round_trip_s = status.and_then(|status| status.round_trip).map(|span| span.as_secs_f64());
        let state = state(status.as_ref(), member.as_ref().map(|member| member.state));
        let (id, version, functions) = match member {
            Some(member) => (Some(member.id), Some(member.version), Some(member.functions)),
            None => (None, None, None),
        };
        let offers = functions.map(|functions| self.offer(functions));
        let load = |load: PeerLoad| [load.running, load.queued, load.slots];
        self.peers.push(Peer {
            name,
            id,
            state,
            load: status.and_then(|status| status.load).map(load),
            age_ms: status.and_then(|status| status.age).map(ms),
            round_trip_ms: round_trip_s.or(poll_s).map(|seconds| (seconds * 1e5).round() / 1e2),
            left_alone_ms: status.and_then(|status| status.left_alone).map(ms),
            offers,
            version,
        });
    }

    fn offer(&mut self, functions: Vec<String>) -> usize {
        let known = self.offers.iter().position(|known| *known == functions);
        known.unwrap_or_else(|| {
            self.offers.push(functions);
            self.offers.len() - 1
        })
    }
}

fn state(status: Option<&PeerStatus>, member: Option<MemberState>) -> State {
    let present = status.is_some_and(|status| status.present);
    if !present {
        return if member == Some(MemberState::Dead) { State::Dead } else { State::Gone };
    }
    if status.is_some_and(|status| status.doubted) {
        State::Suspected
    } else if status.is_some_and(|status| status.left_alone.is_some()) {
        State::LeftAlone
    } else {
        State::Up
    }
}

fn told(gossip: &Gossip) -> HashMap<String, Told> {
    let mut members = HashMap::new();
    gossip.each(|member, metadata| {
        let told = Told {
            state: member.state,
            id: metadata.machine_id.clone(),
            version: metadata.version.clone(),
            functions: metadata.functions.clone(),
        };
        // One that has come back under a new identity is there, whatever its old one is.
        let known = members.get(&metadata.scheduler).map(|told: &Told| told.state);
        if known.is_none_or(|known| told.state < known) {
            members.insert(metadata.scheduler.clone(), told);
        }
    });
    members
}
