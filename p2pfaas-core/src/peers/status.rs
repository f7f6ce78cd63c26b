//! What a node can tell people about a peer.

use std::time::Duration;

use super::{Marks, PeerId, PeerLoad, Peers, Told};
use crate::Time;

/// What is known of a peer, whatever a job may do with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeerStatus {
    /// The load that it told last.
    pub load: Option<PeerLoad>,
    /// How long ago that was.
    pub age: Option<Duration>,
    /// From a probe until its answer, smoothed.
    pub round_trip: Option<Duration>,
    /// Whether it is there.
    pub present: bool,
    /// How long it is still left alone after a forward to it has failed.
    pub left_alone: Option<Duration>,
    /// Whether its fellows suspect it.
    pub doubted: bool,
}

impl Peers {
    /// What is known of a peer; `None` when no peer has had this number.
    pub fn status(&self, peer: PeerId, now: Time) -> Option<PeerStatus> {
        let index = peer.0 as usize;
        let (told, marks) = (self.told.get(index)?, self.marks[index]);
        let suspected = marks.has(Marks::SUSPECTED) && self.suspected_until[index] > now;
        Some(PeerStatus {
            load: told.known.then_some(told.load),
            age: told.known.then(|| now.since(told.learned)),
            round_trip: (told.round_trip_ns != Told::NEVER).then(|| Duration::from_nanos(told.round_trip_ns)),
            present: marks.has(Marks::PRESENT),
            left_alone: suspected.then(|| self.suspected_until[index].since(now)),
            doubted: marks.has(Marks::DOUBTED),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    #[test]
    fn the_status_of_a_peer_tells_load_round_trip_and_every_suspicion() {
        let at = |ms| Time::ZERO + Duration::from_millis(ms);
        let mut peers = Peers::numbered(NodeId::from_machine_id("me"), &[]);
        peers.set(&[("a".into(), None), ("b".into(), None)], at(0));
        let [a, b] = [PeerId(0), PeerId(1)];
        let load = PeerLoad { running: 1, queued: 2, slots: 3 };
        peers.learn_load(a, load, at(10), Duration::from_millis(4));
        peers.suspect(a, at(20), Duration::from_millis(50));
        peers.doubt(b, true);

        let status = peers.status(a, at(30)).expect("known");
        assert_eq!(
            status,
            PeerStatus {
                load: Some(load),
                age: Some(Duration::from_millis(20)),
                round_trip: Some(Duration::from_millis(4)),
                present: true,
                left_alone: Some(Duration::from_millis(40)),
                doubted: false,
            }
        );
        assert_eq!(peers.status(a, at(70)).and_then(|status| status.left_alone), None);
        let other = peers.status(b, at(30)).expect("known");
        assert!(other.doubted && other.load.is_none() && other.round_trip.is_none());
        peers.set(&[("b".into(), None)], at(30));
        assert_eq!(peers.status(a, at(30)).map(|status| status.present), Some(false));
        assert_eq!(peers.status(PeerId(9), at(30)), None);
    }
}
