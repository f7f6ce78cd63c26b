//! How often members look after each other, and every bound of the protocol.

use std::num::{NonZeroU8, NonZeroUsize};
use std::time::Duration;

use foca::PeriodicParams;

/// Bytes of a datagram on the wire, however it is sealed: what goes through a network in one piece.
pub const MAX_DATAGRAM: usize = 1_400;
/// Bytes that a seal may add to a datagram.
pub const MAX_SEAL: usize = 64;
/// Bytes of a datagram before it is sealed.
pub const MAX_FRAME: usize = MAX_DATAGRAM - MAX_SEAL;
/// Bytes of the failure detector in a datagram; the rest is for loads.
pub(super) const MAX_SWIM: usize = 1_000;
/// Members that are known, dead ones included. News of further ones are passed over.
pub const MAX_MEMBERS: usize = crate::defaults::MAX_PEERS as usize;
/// Loads of others in one datagram.
pub(super) const MAX_HEARD: usize = 8;
/// A load older than this is not passed on.
pub(super) const MAX_HEARD_AGE: Duration = Duration::from_secs(10);
/// Members that are asked for what they are, between two gossips.
pub(super) const MAX_ASKED_AT_ONCE: usize = 16;
/// Before a member that has not answered what it is is asked again.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Between two lives that a member begins since somebody speaks of a later one.
pub(super) const MIN_LIFE: Duration = Duration::from_secs(1);
/// How often a member that leaves says so to a few others.
pub(super) const FAREWELLS: usize = 4;

/// The protocol's times. The defaults are memberlist's for a LAN where these keep what is promised: a dead member is
/// suspected within 3 s and declared dead within 10 s. To this end it probes each 300 ms (memberlist: 1 s), waits 120 ms
/// (500 ms) for an answer, and waits 5 s (4 s times log10 of the members) for a suspect to defend itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipConfig {
    /// Between two probes. Each probe asks one member; who has not answered by the next one is suspected.
    pub probe_interval: Duration,
    /// For the direct answer to a probe, before others are asked to try. At most half of `probe_interval`.
    pub probe_timeout: Duration,
    /// Others that are asked to try.
    pub indirect_probes: usize,
    /// For a suspect to defend itself before it is declared dead.
    pub suspicion: Duration,
    /// Between two gossips, when there is news.
    pub gossip_interval: Duration,
    /// Members that hear one gossip.
    pub gossip_members: usize,
    /// Between two requests for a list of members (memberlist: push-pull).
    pub exchange_interval: Duration,
    /// Between two attempts to reach two of the dead, so that a parted network comes together again.
    pub revive_interval: Duration,
    /// A dead member is forgotten after this.
    pub forget: Duration,
}

impl Default for MembershipConfig {
    fn default() -> Self {
        MembershipConfig {
            probe_interval: Duration::from_millis(300),
            probe_timeout: Duration::from_millis(120),
            indirect_probes: 3,
            suspicion: Duration::from_secs(5),
            gossip_interval: Duration::from_millis(200),
            gossip_members: 3,
            exchange_interval: Duration::from_secs(30),
            revive_interval: Duration::from_secs(10),
            forget: Duration::from_secs(3600),
        }
    }
}

impl MembershipConfig {
    /// The default with other times to find out that somebody is dead; the rest keeps its proportion to them.
    pub fn with_times(probe_interval: Duration, suspicion: Duration) -> Self {
        let default = MembershipConfig::default();
        let in_proportion = |span: Duration| {
            span.mul_f64(probe_interval.as_secs_f64() / default.probe_interval.as_secs_f64())
        };
        MembershipConfig {
            probe_interval,
            probe_timeout: in_proportion(default.probe_timeout),
            gossip_interval: in_proportion(default.gossip_interval),
            revive_interval: in_proportion(default.revive_interval),
            suspicion,
            ..default
        }
    }

    /// The same for foca, among so many members. What cannot be is made to fit.
    pub(super) fn foca(&self, members: usize) -> foca::Config {
        const SHORTEST: Duration = Duration::from_millis(1);
        let count = |number: usize| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        let often = |span: Duration, members| {
            Some(PeriodicParams { frequency: span.max(SHORTEST), num_members: count(members) })
        };
        let probe_period = self.probe_interval.max(2 * SHORTEST);
        foca::Config {
            probe_period,
            probe_rtt: self.probe_timeout.clamp(SHORTEST, probe_period / 2),
            num_indirect_probes: count(self.indirect_probes),
            max_transmissions: transmissions(members),
            suspect_to_down_after: self.suspicion.max(SHORTEST),
            remove_down_after: Some(self.forget),
            max_packet_size: count(MAX_SWIM),
            notify_down_members: true,
            periodic_announce: often(self.exchange_interval, 1),
            periodic_announce_to_down_members: often(self.revive_interval, 2),
            periodic_gossip: often(self.gossip_interval, self.gossip_members),
        }
    }
}

/// How often a member passes a piece of news on, as memberlist: 4 times the digits of the number of members.
pub(super) fn transmissions(members: usize) -> NonZeroU8 {
    const MULTIPLIER: u8 = 4;
    let digits = (members.max(1)).ilog10() as u8 + 1;
    NonZeroU8::new(MULTIPLIER * digits).unwrap_or(NonZeroU8::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_passed_on_as_often_as_memberlist_does() {
        let times = [(0, 4), (1, 4), (9, 4), (10, 8), (99, 8), (100, 12), (4_096, 16)];
        for (members, expected) in times {
            assert_eq!(transmissions(members).get(), expected, "{members}");
        }
    }

    #[test]
    fn times_that_cannot_be_are_made_to_fit() {
        let config = MembershipConfig {
            probe_interval: Duration::ZERO,
            probe_timeout: Duration::MAX,
            suspicion: Duration::ZERO,
            indirect_probes: 0,
            ..MembershipConfig::default()
        };
        let foca = config.foca(0);
        assert!(foca.probe_rtt < foca.probe_period && !foca.probe_rtt.is_zero());
        assert!(!foca.suspect_to_down_after.is_zero());
    }
}
