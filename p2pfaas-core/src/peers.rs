//! What a node knows of its peers.

use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::Time;
use crate::defaults::{MAX_PEERS, ROUND_TRIP_WEIGHT};
use crate::job::NodeId;

/// A peer, by its number in this node's table. It stays the same while the node lives, also when
/// the peer goes and comes back, so that a learned action keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PeerId(pub u32);

/// A few peers, without repeats.
pub type PeerSet = SmallVec<[PeerId; 4]>;

/// A peer's load, as it told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PeerLoad {
    /// Jobs running there.
    pub running: u32,
    /// Jobs waiting there.
    pub queued: u32,
    /// Its slots.
    pub slots: u32,
}

impl PeerLoad {
    /// Running + queued.
    pub fn total(self) -> u32 {
        self.running.saturating_add(self.queued)
    }
}

#[derive(Debug, Clone)]
struct Peer {
    name: String,
    node: Option<NodeId>,
    present: bool,
    suspected_until: Time,
    load: Option<(PeerLoad, Time)>,
    round_trip: Option<Duration>,
}

impl Peer {
    fn new(name: &str) -> Self {
        Peer {
            name: name.to_string(),
            node: None,
            present: false,
            suspected_until: Time::ZERO,
            load: None,
            round_trip: None,
        }
    }
}

/// What is known of a peer at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeerView {
    /// The load that it told last.
    pub load: Option<PeerLoad>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// From a probe until its answer, smoothed.
    pub round_trip: Option<Duration>,
    /// Whether the job may go there.
    pub available: bool,
}

/// The table of peers. Its bound is [`MAX_PEERS`]; beyond it the numbers of gone peers are
/// used again, and what then finds no number is left out.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    peers: Vec<Peer>,
    present: Vec<PeerId>,
}

impl Peers {
    /// These names have the first numbers, and are gone until they come.
    pub(crate) fn numbered(names: &[String]) -> Self {
        let peers = names.iter().take(MAX_PEERS as usize).map(|name| Peer::new(name)).collect();
        Peers { peers, present: Vec::new() }
    }

    /// Replaces the set of present peers. New names get the next numbers, in name order.
    pub(crate) fn set(&mut self, names: &[(String, Option<NodeId>)]) {
        for peer in &mut self.peers {
            peer.present = false;
        }
        let mut sorted: Vec<_> = names.iter().collect();
        sorted.sort();
        // Those that are known come first, so that none of them loses its number to a new one.
        sorted.retain(|(name, node)| match self.peers.iter_mut().find(|peer| peer.name == *name) {
            Some(peer) => {
                peer.present = true;
                peer.node = node.or(peer.node);
                false
            }
            None => true,
        });
        for (name, node) in sorted {
            let peer = Peer { node: *node, present: true, ..Peer::new(name) };
            if self.peers.len() < MAX_PEERS as usize {
                self.peers.push(peer);
            } else if let Some(gone) = self.peers.iter_mut().find(|peer| !peer.present) {
                *gone = peer;
            }
        }
        self.present =
            (0..self.peers.len() as u32).map(PeerId).filter(|id| self.peers[id.0 as usize].present).collect();
    }

    /// A peer's name, as the driver gave it.
    pub fn name(&self, peer: PeerId) -> Option<&str> {
        self.peers.get(peer.0 as usize).map(|peer| peer.name.as_str())
    }

    /// The names of all peers ever known, in the order of their numbers. A node that is started with
    /// them as [`NodeConfig::peer_numbers`](crate::NodeConfig) goes on with the same numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.peers.iter().map(|peer| peer.name.as_str())
    }

    /// The peer with this name, present or gone.
    pub fn by_name(&self, name: &str) -> Option<PeerId> {
        self.peers.iter().position(|peer| peer.name == name).map(|index| PeerId(index as u32))
    }

    /// Peers present now, in the order of their numbers.
    pub fn present(&self) -> &[PeerId] {
        &self.present
    }

    /// Peers ever known: one more than the largest number.
    pub fn known(&self) -> usize {
        self.peers.len()
    }

    pub(crate) fn learn_node(&mut self, peer: PeerId, node: NodeId) {
        if let Some(peer) = self.peers.get_mut(peer.0 as usize) {
            peer.node = Some(node);
        }
    }

    /// A probe has been answered.
    pub(crate) fn learn_load(&mut self, peer: PeerId, load: PeerLoad, now: Time, round_trip: Duration) {
        if let Some(peer) = self.peers.get_mut(peer.0 as usize) {
            peer.load = Some((load, now));
            peer.round_trip = Some(match peer.round_trip {
                None => round_trip,
                Some(mean) => mean.mul_f64(1.0 - ROUND_TRIP_WEIGHT) + round_trip.mul_f64(ROUND_TRIP_WEIGHT),
            });
        }
    }

    pub(crate) fn suspect(&mut self, peer: PeerId, until: Time) {
        if let Some(peer) = self.peers.get_mut(peer.0 as usize) {
            peer.suspected_until = until;
        }
    }

    /// Whether a job that has visited these nodes may go to this peer now.
    fn eligible(&self, peer: PeerId, visit: &Visit<'_>) -> bool {
        self.peers.get(peer.0 as usize).is_some_and(|entry| {
            entry.present
                && entry.suspected_until <= visit.now
                && Some(peer) != visit.sender
                && match entry.node {
                    Some(node) => node != visit.this && !visit.visited.contains(&node),
                    // Who is not known may be someone who has seen this job.
                    None => visit.visited.is_empty(),
                }
        })
    }
}

/// Where a job has been, seen from the node where it is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub now: Time,
    pub this: NodeId,
    pub visited: &'a [NodeId],
    pub sender: Option<PeerId>,
}

/// The peers to which one job may go: present, not suspected, and not visited by it.
#[derive(Debug, Clone, Copy)]
pub struct EligiblePeers<'a> {
    pub(crate) peers: &'a Peers,
    pub(crate) visit: Visit<'a>,
}

impl EligiblePeers<'_> {
    /// Whether the job may go there.
    pub fn contains(&self, peer: PeerId) -> bool {
        self.peers.eligible(peer, &self.visit)
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.peers.present.iter().copied().filter(|peer| self.contains(*peer))
    }

    /// The peer with this name, if the job may go there.
    pub fn by_name(&self, name: &str) -> Option<PeerId> {
        self.peers.by_name(name).filter(|peer| self.contains(*peer))
    }

    /// What is known of a peer, eligible or not; `None` when no peer has had this number.
    pub fn view(&self, peer: PeerId) -> Option<PeerView> {
        let entry = self.peers.peers.get(peer.0 as usize)?;
        Some(PeerView {
            load: entry.load.map(|(load, _)| load),
            age: entry.load.map(|(_, learned)| self.visit.now.since(learned)),
            round_trip: entry.round_trip,
            available: self.contains(peer),
        })
    }

    /// What is known of all peers ever known, in the order of their numbers.
    pub fn views(&self) -> impl Iterator<Item = PeerView> + '_ {
        (0..self.known() as u32).filter_map(|number| self.view(PeerId(number)))
    }

    /// Peers ever known, eligible or not: the number of forward actions of an agent.
    pub fn known(&self) -> usize {
        self.peers.known()
    }

    /// `n` peers drawn without repeats, each set equally likely; all of them if there are no more.
    pub fn sample(&self, n: u32, rng: &mut dyn Rng) -> PeerSet {
        let mut drawn = PeerSet::new();
        let present = &self.peers.present;
        let wanted = (n as usize).min(present.len());
        if wanted == 0 {
            return drawn;
        }
        // Drawing and refusing is fastest while few are asked of many; a bounded number of tries,
        // then the exact way over the whole list.
        if wanted * 2 <= present.len() {
            for _ in 0..wanted * 8 {
                let peer = present[rng.random_range(0..present.len())];
                if !drawn.contains(&peer) && self.contains(peer) {
                    drawn.push(peer);
                    if drawn.len() == wanted {
                        return drawn;
                    }
                }
            }
        }
        let mut rest: PeerSet = self.iter().filter(|peer| !drawn.contains(peer)).collect();
        while drawn.len() < wanted && !rest.is_empty() {
            let index = rng.random_range(0..rest.len());
            drawn.push(rest.swap_remove(index));
        }
        drawn
    }

    /// One peer, each equally likely.
    pub fn any(&self, rng: &mut dyn Rng) -> Option<PeerId> {
        self.sample(1, rng).first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn table(names: &[&str]) -> Vec<(String, Option<NodeId>)> {
        names.iter().map(|name| (name.to_string(), Some(NodeId::from_machine_id(name)))).collect()
    }

    #[test]
    fn a_peer_keeps_its_number_when_it_goes_and_comes_back() {
        let mut peers = Peers::default();
        peers.set(&table(&["b", "a"]));
        assert_eq!(peers.by_name("a"), Some(PeerId(0)));
        peers.set(&table(&["a", "aa"]));
        assert_eq!(peers.by_name("aa"), Some(PeerId(2)));
        assert_eq!(peers.present(), [PeerId(0), PeerId(2)]);
        peers.set(&table(&["a", "aa", "b"]));
        assert_eq!(peers.by_name("b"), Some(PeerId(1)));
    }

    #[test]
    fn restored_numbers_stay_and_new_peers_get_later_ones() {
        let mut before = Peers::default();
        before.set(&table(&["b", "c"]));
        before.set(&table(&["a", "c"]));
        let names: Vec<_> = before.names().map(String::from).collect();
        assert_eq!(names, ["b", "c", "a"]);

        let mut peers = Peers::numbered(&names);
        assert_eq!((peers.known(), peers.present()), (3, &[][..]));
        peers.set(&table(&["_", "a", "b"]));
        let numbers = ["b", "c", "a", "_"].map(|name| peers.by_name(name));
        assert_eq!(numbers, [0, 1, 2, 3].map(|number| Some(PeerId(number))));
        assert_eq!(peers.present(), [0, 2, 3].map(PeerId));
    }

    #[test]
    fn the_view_of_a_peer_is_what_it_told_and_when_and_how_fast() {
        let ms = Duration::from_millis;
        let mut peers = Peers::default();
        peers.set(&table(&["a", "b"]));
        peers.set(&table(&["a"]));
        let load = PeerLoad { running: 2, queued: 1, slots: 4 };
        let (at, this) = (|millis| Time::ZERO + ms(millis), NodeId::from_machine_id("me"));
        peers.learn_load(PeerId(0), PeerLoad::default(), at(5), ms(8));
        peers.learn_load(PeerId(0), load, at(10), ms(16));
        peers.learn_load(PeerId(7), load, at(10), ms(16));

        let visit = Visit { now: at(40), this, visited: &[], sender: None };
        let eligible = EligiblePeers { peers: &peers, visit };
        let told = PeerView { load: Some(load), age: Some(ms(30)), round_trip: Some(ms(9)), available: true };
        let nothing = PeerView { load: None, age: None, round_trip: None, available: false };
        assert_eq!(eligible.views().collect::<Vec<_>>(), [told, nothing]);
        assert_eq!(eligible.view(PeerId(2)), None);
    }

    #[test]
    fn a_number_that_is_used_again_brings_nothing_of_its_old_peer() {
        let names: Vec<_> = (0..=MAX_PEERS).map(|index| format!("p{index}")).collect();
        let mut peers = Peers::numbered(&names);
        assert_eq!(peers.known(), MAX_PEERS as usize, "the table is bounded");
        peers.learn_load(PeerId(0), PeerLoad::default(), Time::ZERO, Duration::from_millis(1));
        peers.set(&table(&["new"]));
        assert_eq!(peers.by_name("new"), Some(PeerId(0)));
        let visit = Visit { now: Time::ZERO, this: NodeId(0), visited: &[], sender: None };
        let view = EligiblePeers { peers: &peers, visit }.view(PeerId(0));
        assert_eq!(view, Some(PeerView { load: None, age: None, round_trip: None, available: true }));
    }

    #[test]
    fn samples_are_uniform_without_repeats_and_without_the_visited() {
        let mut peers = Peers::default();
        peers.set(&table(&["a", "b", "c", "d", "e", "f"]));
        let visited = [NodeId::from_machine_id("b")];
        let this = NodeId::from_machine_id("me");
        let visit = Visit { now: Time::ZERO, this, visited: &visited, sender: None };
        let eligible = EligiblePeers { peers: &peers, visit };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
        for n in 1..=6_u32 {
            let mut counts = [0_u32; 6];
            for _ in 0..6_000 {
                let drawn = eligible.sample(n, &mut rng);
                assert_eq!(drawn.len(), (n as usize).min(5));
                for peer in &drawn {
                    counts[peer.0 as usize] += 1;
                }
            }
            assert_eq!(counts[1], 0);
            let expected = 6_000 * n.min(5) / 5;
            for (index, count) in counts.iter().enumerate().filter(|(index, _)| *index != 1) {
                assert!(count.abs_diff(expected) <= 200, "n {n}, peer {index}: {count} of {expected}");
            }
        }
    }

    #[test]
    fn a_peer_of_unknown_identity_gets_only_jobs_that_have_been_nowhere() {
        let mut peers = Peers::default();
        peers.set(&[("old:18080".to_string(), None)]);
        let this = NodeId::from_machine_id("me");
        let visited = [NodeId::from_machine_id("x")];
        let eligible = |visited: &[NodeId]| {
            let visit = Visit { now: Time::ZERO, this, visited, sender: None };
            EligiblePeers { peers: &peers, visit }.contains(PeerId(0))
        };
        assert!(eligible(&[]));
        assert!(!eligible(&visited));
    }
}
