//! What a node knows of its peers.

mod status;

use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::Time;
use crate::defaults::{MAX_PEERS, MAX_SUSPICION, ROUND_TRIP_WEIGHT};
use crate::job::{FunctionId, NodeId};
use crate::node::prefetch::fetch;
use crate::outliers::{Judge, Outliers};

pub use status::PeerStatus;

/// A peer, by its number in this node's table. It stays the same while the node lives, also when
/// the peer goes and comes back, so that a learned action keeps its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PeerId(pub u32);

/// A few peers, without repeats.
pub type PeerSet = SmallVec<[PeerId; 4]>;

/// Breakdowns in a row that make a suspicion longer.
const MAX_DOUBLINGS: u8 = 16;

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

/// What a peer told about its load: side by side, as an answer brings it together, and in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Told {
    load: PeerLoad,
    /// Whether it has told its load at all.
    known: bool,
    learned: Time,
    round_trip_ns: u64,
}

impl Told {
    /// The round trip of a peer that has answered no probe.
    const NEVER: u64 = u64::MAX;

    const NOTHING: Told = Told {
        load: PeerLoad { running: 0, queued: 0, slots: 0 },
        known: false,
        learned: Time::ZERO,
        round_trip_ns: Told::NEVER,
    };
}

/// What decides whether a job may go to a peer: one byte a peer, as this is asked for random peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks(u8);

impl Marks {
    const PRESENT: Marks = Marks(1);
    const UNIDENTIFIED: Marks = Marks(2);
    /// It was suspected, and may still be.
    const SUSPECTED: Marks = Marks(4);
    /// It is this very node.
    const ITSELF: Marks = Marks(8);
    /// Its fellows suspect it, until they say otherwise.
    const DOUBTED: Marks = Marks(16);

    /// Present and nothing else that matters: any job may go there that has not been there.
    #[inline]
    fn is_plain(self) -> bool {
        self == Marks::PRESENT
    }

    #[inline]
    fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }

    #[inline]
    fn set(&mut self, mark: Marks, on: bool) {
        self.0 = if on { self.0 | mark.0 } else { self.0 & !mark.0 };
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
///
/// All lists but `present` have one entry a peer, by its number.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Peers {
    /// Peers that are more or less than just present. While there is none, nobody's marks need be looked up.
    special: u32,
    /// Functions that have failed at peers. While there is none, none need be looked up.
    watched: u32,
    present: Vec<PeerId>,
    told: Vec<Told>,
    marks: Vec<Marks>,
    /// 0 where it is not known.
    nodes: Vec<NodeId>,
    suspected_until: Vec<Time>,
    /// Breakdowns in a row.
    failures: Vec<u8>,
    names: Vec<Box<str>>,
    outliers: Outliers,
    this: NodeId,
}

impl Peers {
    /// The table of this node. These names have the first numbers, and are gone until they come.
    pub(crate) fn numbered(this: NodeId, names: &[String]) -> Self {
        let mut peers = Peers {
            special: 0,
            watched: 0,
            present: Vec::new(),
            told: Vec::new(),
            marks: Vec::new(),
            nodes: Vec::new(),
            suspected_until: Vec::new(),
            failures: Vec::new(),
            names: Vec::new(),
            outliers: Outliers::default(),
            this,
        };
        for name in names.iter().take(MAX_PEERS as usize) {
            peers.add(name);
        }
        peers
    }

    fn add(&mut self, name: &str) -> PeerId {
        self.marks.push(Marks::UNIDENTIFIED);
        self.special += 1;
        self.told.push(Told::NOTHING);
        self.nodes.push(NodeId(0));
        self.suspected_until.push(Time::ZERO);
        self.failures.push(0);
        self.names.push(name.into());
        PeerId(self.names.len() as u32 - 1)
    }

    #[inline]
    fn mark(&mut self, peer: PeerId, mark: Marks, on: bool) {
        let marks = &mut self.marks[peer.0 as usize];
        self.special += u32::from(marks.is_plain());
        marks.set(mark, on);
        self.special -= u32::from(marks.is_plain());
    }

    /// Replaces the set of present peers. New names get the next numbers, in name order; a name that is listed
    /// twice gets one.
    pub(crate) fn set(&mut self, names: &[(String, Option<NodeId>)], now: Time) {
        for peer in 0..self.marks.len() as u32 {
            self.mark(PeerId(peer), Marks::PRESENT, false);
        }
        let mut known: Vec<u32> = (0..self.names.len() as u32).collect();
        known.sort_by_key(|number| &self.names[*number as usize]);
        let mut sorted: Vec<_> = names.iter().collect();
        sorted.sort();
        // One machine, one number, however often it is listed: who tells its identity comes last.
        sorted.dedup_by(|later, kept| {
            let twice = later.0 == kept.0;
            if twice {
                *kept = *later;
            }
            twice
        });
        // Those that are known come first, so that none of them loses its number to a new one.
        sorted.retain(|(name, node)| {
            let place = known.partition_point(|number| *self.names[*number as usize] < **name);
            match known.get(place).filter(|number| *self.names[**number as usize] == **name) {
                Some(number) => {
                    self.come(PeerId(*number), *node);
                    false
                }
                None => true,
            }
        });
        let mut looked = 0;
        for (name, node) in sorted {
            if self.names.len() < MAX_PEERS as usize {
                let peer = self.add(name);
                self.come(peer, *node);
            } else if let Some(gone) =
                (looked..self.marks.len()).find(|place| !self.marks[*place].has(Marks::PRESENT))
            {
                looked = gone + 1;
                self.names[gone] = name.as_str().into();
                self.marks[gone] = Marks::UNIDENTIFIED;
                self.told[gone] = Told::NOTHING;
                self.nodes[gone] = NodeId(0);
                self.outliers.forget(PeerId(gone as u32));
                self.come(PeerId(gone as u32), *node);
            }
        }
        for peer in 0..self.marks.len() as u32 {
            if !self.marks[peer as usize].has(Marks::PRESENT) {
                self.mark(PeerId(peer), Marks::DOUBTED, false);
            }
        }
        self.present.clear();
        let present = (0..).zip(&self.marks).filter(|(_, marks)| marks.has(Marks::PRESENT));
        self.present.extend(present.map(|(number, _)| PeerId(number)));
        let Peers { marks, present, outliers, .. } = self;
        outliers.choose_among(&judge(marks, present, now, Duration::ZERO));
        self.watched = self.outliers.functions();
    }

    fn come(&mut self, peer: PeerId, node: Option<NodeId>) {
        self.mark(peer, Marks::PRESENT, true);
        if let Some(node) = node {
            self.learn_node(peer, node);
        }
    }

    /// A peer's name, as the driver gave it.
    pub fn name(&self, peer: PeerId) -> Option<&str> {
        self.names.get(peer.0 as usize).map(|name| &**name)
    }

    /// The names of all peers ever known, in the order of their numbers. A node that is started with
    /// them as [`NodeConfig::peer_numbers`](crate::NodeConfig) goes on with the same numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The peer with this name, present or gone.
    pub fn by_name(&self, name: &str) -> Option<PeerId> {
        self.names.iter().position(|known| **known == *name).map(|index| PeerId(index as u32))
    }

    /// Peers present now, in the order of their numbers.
    pub fn present(&self) -> &[PeerId] {
        &self.present
    }

    /// Peers ever known: one more than the largest number.
    pub fn known(&self) -> usize {
        self.names.len()
    }

    #[inline]
    pub(crate) fn learn_node(&mut self, peer: PeerId, node: NodeId) {
        let Some(known) = self.nodes.get_mut(peer.0 as usize) else { return };
        if *known != node || node == NodeId(0) {
            *known = node;
            self.mark(peer, Marks::UNIDENTIFIED, false);
            self.mark(peer, Marks::ITSELF, node == self.this);
        }
    }

    /// A probe has been answered.
    #[inline]
    pub(crate) fn learn_load(&mut self, peer: PeerId, load: PeerLoad, now: Time, round_trip: Duration) {
        let Some(told) = self.told.get_mut(peer.0 as usize) else { return };
        let newest_ns = u64::try_from(round_trip.as_nanos()).unwrap_or(Told::NEVER - 1);
        let round_trip_ns = match told.round_trip_ns {
            Told::NEVER => newest_ns,
            mean_ns => {
                let mean_ns = mean_ns as f64;
                (mean_ns + ROUND_TRIP_WEIGHT * (newest_ns as f64 - mean_ns)).round() as u64
            }
        };
        *told = Told { load, known: true, learned: now, round_trip_ns };
    }

    /// A peer's load has been heard of without a probe, `age` ago. What is known and newer stays.
    pub(crate) fn hear_load(&mut self, peer: PeerId, load: PeerLoad, now: Time, age: Duration) {
        let Some(told) = self.told.get_mut(peer.0 as usize) else { return };
        let learned = now.before(age);
        if !told.known || told.learned < learned {
            *told = Told { load, known: true, learned, round_trip_ns: told.round_trip_ns };
        }
    }

    #[inline]
    pub(crate) fn prefetch(&self, peer: PeerId) {
        let index = peer.0 as usize;
        self.told.get(index).inspect(|told| fetch(*told));
    }

    /// A forward to a peer has failed: it is left alone, twice as long as after the failure before if nothing has gone
    /// right in between. Failures while it is left alone are of the same breakdown.
    pub(crate) fn suspect(&mut self, peer: PeerId, now: Time, at_first: Duration) {
        let index = peer.0 as usize;
        let Some(until) = self.suspected_until.get_mut(index) else { return };
        if self.marks[index].has(Marks::SUSPECTED) && *until > now {
            return;
        }
        let failures = &mut self.failures[index];
        let span = at_first.saturating_mul(1 << *failures).min(MAX_SUSPICION.max(at_first));
        *failures = (*failures + 1).min(MAX_DOUBLINGS);
        *until = now + span;
        self.mark(peer, Marks::SUSPECTED, true);
    }

    /// A forward to a peer has been answered as it should. One that is being left alone is so to the end: the answer
    /// may be older than what it has failed since.
    #[inline]
    pub(crate) fn trust(&mut self, peer: PeerId, now: Time) {
        let index = peer.0 as usize;
        if self.special == 0 || !self.marks[index].has(Marks::SUSPECTED) || self.suspected_until[index] > now
        {
            return;
        }
        self.failures[index] = 0;
        self.mark(peer, Marks::SUSPECTED, false);
    }

    /// A function has run, here or at a peer; zero for `at_first` keeps no account of it. Whether its jobs do not go to that
    /// peer any more, for a while.
    #[inline]
    pub(crate) fn ran(
        &mut self,
        function: FunctionId,
        at: Option<PeerId>,
        failed: bool,
        now: Time,
        at_first: Duration,
    ) -> bool {
        if self.watched == 0 && !failed {
            return false;
        }
        let Peers { marks, present, outliers, .. } = self;
        let ejected = outliers.ran(function, at, failed, &judge(marks, present, now, at_first));
        self.watched = self.outliers.functions();
        ejected
    }

    /// Whether a function's jobs do not go to a peer, because it fails there far more than elsewhere.
    pub fn is_ejected(&self, function: FunctionId, peer: PeerId, now: Time) -> bool {
        self.watched > 0 && self.outliers.is_out(function, peer, now)
    }

    /// Functions at peers whose failures are remembered.
    pub(crate) fn outliers(&self) -> usize {
        self.outliers.len()
    }

    /// Its fellows suspect a peer, or trust it again. A peer that goes is doubted no longer.
    pub(crate) fn doubt(&mut self, peer: PeerId, doubted: bool) {
        if self.marks.get(peer.0 as usize).is_some_and(|marks| marks.has(Marks::PRESENT)) {
            self.mark(peer, Marks::DOUBTED, doubted);
        }
    }

    /// Whether a job that has visited these nodes may go to this peer now.
    #[inline]
    fn eligible(&self, peer: PeerId, visit: &Visit<'_>) -> bool {
        let index = peer.0 as usize;
        index < self.marks.len()
            && (self.special == 0 || self.marks[index].is_plain() || self.eligible_all_the_same(peer, visit))
            && Some(peer) != visit.sender
            && Some(peer) != visit.unreached
            && !self.is_ejected(visit.function, peer, visit.now)
            && (visit.visited.is_empty() || !visit.visited.contains(&self.nodes[index]))
    }

    /// The same, for a peer that is more than just present.
    #[cold]
    fn eligible_all_the_same(&self, peer: PeerId, visit: &Visit<'_>) -> bool {
        let marks = self.marks[peer.0 as usize];
        marks.has(Marks::PRESENT)
            && !marks.has(Marks::ITSELF)
            && !marks.has(Marks::DOUBTED)
            && (!marks.has(Marks::SUSPECTED) || self.suspected_until[peer.0 as usize] <= visit.now)
            // Who is not known may be someone who has seen this job.
            && (!marks.has(Marks::UNIDENTIFIED) || visit.visited.is_empty())
    }
}

fn judge<'a>(
    marks: &'a [Marks],
    present: &[PeerId],
    now: Time,
    at_first: Duration,
) -> Judge<impl Fn(PeerId) -> bool + use<'a>> {
    let is_present = |peer: PeerId| marks.get(peer.0 as usize).is_some_and(|marks| marks.has(Marks::PRESENT));
    Judge { now, at_first, present: present.len(), is_present }
}

/// Where a job has been, seen from the node where it is now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit<'a> {
    pub now: Time,
    pub function: FunctionId,
    pub visited: &'a [NodeId],
    pub sender: Option<PeerId>,
    /// The last peer that could not be reached with it.
    pub unreached: Option<PeerId>,
}

/// The peers to which one job may go: present, not suspected, not visited by it, not just found to be
/// away, and not known to fail at its function.
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
        let told = self.peers.told.get(peer.0 as usize)?;
        let probed = told.round_trip_ns != Told::NEVER;
        Some(PeerView {
            load: told.known.then_some(told.load),
            age: told.known.then(|| self.visit.now.since(told.learned)),
            round_trip: probed.then(|| Duration::from_nanos(told.round_trip_ns)),
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
        let all = present.len() == self.known();
        let wanted = (n as usize).min(present.len());
        if wanted == 0 {
            return drawn;
        }
        // Drawing and refusing is fastest while few are asked of many; a bounded number of tries,
        // then the exact way over the whole list.
        if wanted * 2 <= present.len() {
            for _ in 0..wanted * 8 {
                let index = rng.random_range(0..present.len());
                // With nobody gone, the list need not be looked up.
                let peer = if all { PeerId(index as u32) } else { present[index] };
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

    fn me() -> NodeId {
        NodeId::from_machine_id("me")
    }

    fn table_of_me() -> Peers {
        Peers::numbered(me(), &[])
    }

    fn visit() -> Visit<'static> {
        let function = FunctionId(0);
        Visit { now: Time::ZERO, function, visited: &[], sender: None, unreached: None }
    }

    fn table(names: &[&str]) -> Vec<(String, Option<NodeId>)> {
        names.iter().map(|name| (name.to_string(), Some(NodeId::from_machine_id(name)))).collect()
    }

    #[test]
    fn a_peer_keeps_its_number_when_it_goes_and_comes_back() {
        let mut peers = table_of_me();
        peers.set(&table(&["b", "a"]), Time::ZERO);
        assert_eq!(peers.by_name("a"), Some(PeerId(0)));
        peers.set(&table(&["a", "aa"]), Time::ZERO);
        assert_eq!(peers.by_name("aa"), Some(PeerId(2)));
        assert_eq!(peers.present(), [PeerId(0), PeerId(2)]);
        peers.set(&table(&["a", "aa", "b"]), Time::ZERO);
        assert_eq!(peers.by_name("b"), Some(PeerId(1)));
    }

    #[test]
    fn a_peer_that_is_listed_twice_has_one_number_and_is_drawn_once() {
        let mut peers = table_of_me();
        let node = Some(NodeId::from_machine_id("b"));
        let list = |name: &str, node| (name.to_string(), node);
        peers.set(
            &[list("b", None), list("a", None), list("b", node), list("b", None), list("a", None)],
            Time::ZERO,
        );
        assert_eq!(peers.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(peers.present(), [PeerId(0), PeerId(1)]);
        let visit = Visit { now: Time::ZERO, visited: &[me()], ..visit() };
        let eligible = EligiblePeers { peers: &peers, visit };
        assert_eq!(
            eligible.iter().collect::<Vec<_>>(),
            [PeerId(1)],
            "its identity is known, from one of the entries"
        );
    }

    #[test]
    fn restored_numbers_stay_and_new_peers_get_later_ones() {
        let mut before = table_of_me();
        before.set(&table(&["b", "c"]), Time::ZERO);
        before.set(&table(&["a", "c"]), Time::ZERO);
        let names: Vec<_> = before.names().map(String::from).collect();
        assert_eq!(names, ["b", "c", "a"]);

        let mut peers = Peers::numbered(me(), &names);
        assert_eq!((peers.known(), peers.present()), (3, &[][..]));
        peers.set(&table(&["_", "a", "b"]), Time::ZERO);
        let numbers = ["b", "c", "a", "_"].map(|name| peers.by_name(name));
        assert_eq!(numbers, [0, 1, 2, 3].map(|number| Some(PeerId(number))));
        assert_eq!(peers.present(), [0, 2, 3].map(PeerId));
    }

    #[test]
    fn the_view_of_a_peer_is_what_it_told_and_when_and_how_fast() {
        let ms = Duration::from_millis;
        let mut peers = table_of_me();
        peers.set(&table(&["a", "b"]), Time::ZERO);
        peers.set(&table(&["a"]), Time::ZERO);
        let load = PeerLoad { running: 2, queued: 1, slots: 4 };
        let at = |millis| Time::ZERO + ms(millis);
        peers.learn_load(PeerId(0), PeerLoad::default(), at(5), ms(8));
        peers.learn_load(PeerId(0), load, at(10), ms(16));
        peers.learn_load(PeerId(7), load, at(10), ms(16));

        let visit = Visit { now: at(40), visited: &[], ..visit() };
        let eligible = EligiblePeers { peers: &peers, visit };
        let told = PeerView { load: Some(load), age: Some(ms(30)), round_trip: Some(ms(9)), available: true };
        let nothing = PeerView { load: None, age: None, round_trip: None, available: false };
        assert_eq!(eligible.views().collect::<Vec<_>>(), [told, nothing]);
        assert_eq!(eligible.view(PeerId(2)), None);
    }

    #[test]
    fn a_number_that_is_used_again_brings_nothing_of_its_old_peer() {
        let names: Vec<_> = (0..=MAX_PEERS).map(|index| format!("p{index}")).collect();
        let mut peers = Peers::numbered(me(), &names);
        assert_eq!(peers.known(), MAX_PEERS as usize, "the table is bounded");
        peers.learn_load(PeerId(0), PeerLoad::default(), Time::ZERO, Duration::from_millis(1));
        peers.set(&table(&["new"]), Time::ZERO);
        assert_eq!(peers.by_name("new"), Some(PeerId(0)));
        let visit = Visit { now: Time::ZERO, visited: &[], ..visit() };
        let view = EligiblePeers { peers: &peers, visit }.view(PeerId(0));
        assert_eq!(view, Some(PeerView { load: None, age: None, round_trip: None, available: true }));
    }

    #[test]
    fn a_load_that_is_heard_of_has_its_age_and_never_replaces_a_newer_one() {
        let ms = Duration::from_millis;
        let mut peers = table_of_me();
        peers.set(&table(&["a"]), Time::ZERO);
        let load = |running| PeerLoad { running, queued: 0, slots: 4 };
        let at = |millis| Time::ZERO + ms(millis);
        let view = |peers: &Peers, now| {
            let visit = Visit { now, visited: &[], ..visit() };
            EligiblePeers { peers, visit }.view(PeerId(0)).map(|view| (view.load, view.age, view.round_trip))
        };
        peers.hear_load(PeerId(0), load(1), at(100), ms(30));
        assert_eq!(view(&peers, at(110)), Some((Some(load(1)), Some(ms(40)), None)));
        peers.hear_load(PeerId(0), load(2), at(120), ms(60));
        assert_eq!(view(&peers, at(120)), Some((Some(load(1)), Some(ms(50)), None)), "older news");
        peers.learn_load(PeerId(0), load(3), at(130), ms(8));
        peers.hear_load(PeerId(0), load(4), at(140), ms(1));
        assert_eq!(view(&peers, at(140)), Some((Some(load(4)), Some(ms(1)), Some(ms(8)))));
        peers.hear_load(PeerId(9), load(4), at(140), ms(1));
    }

    #[test]
    fn a_doubted_peer_gets_nothing_until_it_is_trusted_again_or_has_gone_and_come_back() {
        let mut peers = table_of_me();
        peers.set(&table(&["a", "b"]), Time::ZERO);
        let eligible = |peers: &Peers| {
            let visit = Visit { now: Time::ZERO, visited: &[], ..visit() };
            EligiblePeers { peers, visit }.iter().collect::<Vec<_>>()
        };
        peers.doubt(PeerId(0), true);
        peers.doubt(PeerId(7), true);
        assert_eq!(eligible(&peers), [PeerId(1)]);
        peers.set(&table(&["a", "b", "c"]), Time::ZERO);
        assert_eq!(eligible(&peers), [PeerId(1), PeerId(2)], "it stays doubted while it stays");
        peers.doubt(PeerId(0), false);
        assert_eq!(eligible(&peers).len(), 3);
        peers.doubt(PeerId(0), true);
        peers.set(&table(&["b", "c"]), Time::ZERO);
        peers.set(&table(&["a", "b", "c"]), Time::ZERO);
        assert_eq!(eligible(&peers).len(), 3);
        assert_eq!(peers.special, 0);
    }

    #[test]
    fn samples_are_uniform_without_repeats_and_without_the_visited() {
        let mut peers = table_of_me();
        peers.set(&table(&["a", "b", "c", "d", "e", "f"]), Time::ZERO);
        let visited = [NodeId::from_machine_id("b")];
        let visit = Visit { now: Time::ZERO, visited: &visited, ..visit() };
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
        let mut peers = table_of_me();
        peers.set(&[("old:18080".to_string(), None)], Time::ZERO);
        let visited = [NodeId::from_machine_id("x")];
        let eligible = |visited: &[NodeId]| {
            let visit = Visit { now: Time::ZERO, visited, ..visit() };
            EligiblePeers { peers: &peers, visit }.contains(PeerId(0))
        };
        assert!(eligible(&[]));
        assert!(!eligible(&visited));
    }
}
