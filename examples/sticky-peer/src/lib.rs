//! A scheduling policy in a crate of its own: the template for yours.
//!
//! `StickyPeer` stays with a peer that has room, in the manner of sticky random routing: while this
//! node's load is below `threshold` a job runs here. From there on the job goes to the peer that
//! last took one, without a question, as often as it had free slots when it was asked. Only when
//! that room is used up, or the peer is gone or suspected, is one random peer probed; if it is less
//! loaded it gets the job and is the next one to stay with. Most forwards need no probe.
//!
//! # How to write your own
//!
//! 1. Make a crate that depends on `p2pfaas-core` alone.
//! 2. Write a type for the policy's parameters and memory. One value serves one node.
//! 3. Implement [`Policy`]: [`Policy::arrived`] is asked first; after a [`Decision::Probe`] comes
//!    [`Policy::probed`]. Draw from the generator that is passed in and take the moment from
//!    [`Situation::now`], so that simulator, service and replayed logs all see the same policy.
//!    Ask only `situation.peers` for peers: it leaves out those where the job has been.
//! 4. Implement [`PolicyKind`]: name, parameters in the order of the wire, how it is built.
//! 5. Hand it to the program: `sticky_peer::register(&mut registry)`. Now
//!    `{"name": "StickyPeer", "parameters": ["4", "1"]}` chooses it, in experiments and on nodes.

use p2pfaas_core::PeerId;
use p2pfaas_core::policy::*;

/// Makes `StickyPeer` known by its name.
pub fn register(registry: &mut Registry) {
    registry.register::<StickyPeer>();
}

/// See the [crate].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyPeer {
    /// Own load from which on jobs are sent away.
    pub threshold: u32,
    /// Forwards that a job may see.
    pub max_hops: u32,
    /// The peer that last took a job, and how many more it has room for.
    sticky: Option<(PeerId, u32)>,
}

impl Policy for StickyPeer {
    fn descriptor(&self) -> Descriptor {
        let parameters = [self.threshold.to_string(), self.max_hops.to_string()];
        Descriptor::new(Self::NAME, parameters.iter().map(String::as_str))
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.slots.load() < self.threshold || situation.job.hops >= self.max_hops {
            return Decision::Local;
        }
        if let Some((peer, room)) = self.sticky.take_if(|(peer, _)| situation.peers.contains(*peer)) {
            self.sticky = (room > 1).then_some((peer, room - 1));
            return Decision::Forward(peer);
        }
        situation.peers.any(rng).map_or(Decision::Local, |peer| Decision::Probe([peer].into_iter().collect()))
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], _: &mut dyn Rng) -> Decision {
        let own = situation.slots.load();
        // A probe that failed has no load. It never counts as an idle peer.
        let answer = replies.iter().find_map(|reply| reply.load.map(|load| (reply.peer, load)));
        let Some((peer, load)) = answer.filter(|(_, load)| load.total() < own) else {
            return Decision::Local;
        };
        let more = load.slots.saturating_sub(load.total() + 1);
        self.sticky = (more > 0).then_some((peer, more));
        Decision::Forward(peer)
    }
}

impl PolicyKind for StickyPeer {
    const NAME: &str = "StickyPeer";
    const PARAMETERS: &[Parameter] = &[
        Parameter { name: "threshold", default: "4", meaning: "own load from which on jobs are sent away" },
        Parameter { name: "max_hops", default: "1", meaning: "forwards that a job may see" },
    ];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(StickyPeer {
            threshold: values.u32("threshold")?,
            max_hops: values.u32("max_hops")?,
            sticky: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use p2pfaas_core::*;
    use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn it_stays_with_a_peer_as_long_as_that_had_room_and_then_probes_again() {
        let mut registry = Registry::builtin();
        register(&mut registry);
        let build = |name, parameter| registry.build_typed(name, &[parameter].into()).unwrap();
        let policy = build("StickyPeer", ("threshold".into(), "1".into()));
        assert_eq!(policy.full_name(), "StickyPeer(1, 1)");
        let fallback = build("NoScheduler", ("loss".into(), "false".into()));
        let mut node = Node::new(NodeId(1), NodeConfig::default(), policy, fallback);

        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut happens = |event| {
            let mut effects: Vec<Effect> = Vec::new();
            node.handle(Time::ZERO, event, &mut rng, &mut effects);
            effects.retain(|effect| !matches!(effect, Effect::WakeAt { .. }));
            effects.pop()
        };
        let arrival = || Event::Arrive(Arrival::from_client(FunctionId(0)));
        happens(Event::SetPeers(vec![("peer:18080".into(), Some(NodeId(2)))]));
        assert!(matches!(happens(arrival()), Some(Effect::Execute { .. })), "below the threshold");
        let Some(Effect::Probe { job, peer, .. }) = happens(arrival()) else { panic!("nobody is known yet") };
        let load = Some(PeerLoad { running: 0, queued: 0, slots: 3 });
        let taken = happens(Event::Probed { job, peer, load, offer: None, node: None });
        assert!(matches!(taken, Some(Effect::Forward { .. })));
        for _ in 0..2 {
            assert!(matches!(happens(arrival()), Some(Effect::Forward { .. })), "without a probe");
        }
        let Some(Effect::Probe { job, peer, .. }) = happens(arrival()) else {
            panic!("its three slots are used")
        };
        let failed = happens(Event::Probed { job, peer, load: None, offer: None, node: None });
        assert_eq!(failed, Some(Effect::Execute { job }));
    }
}
