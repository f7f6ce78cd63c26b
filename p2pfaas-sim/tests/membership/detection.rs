//! How soon a crash is noticed, and that nobody else is taken for dead.

use std::time::Duration;

use p2pfaas_core::membership::{Change, MemberState};
use p2pfaas_sim::gossip::GossipScenario;

use crate::{SECOND, agreed_within, settled};

#[test]
fn all_survivors_suspect_a_crashed_member_within_3_s_and_hold_it_for_dead_within_10_s() {
    for (members, seeds) in [(5, 40), (12, 40), (100, 10)] {
        for seed in 0..seeds {
            let mut cluster = settled(GossipScenario::lan(members, seed));
            cluster.run_for(Duration::from_millis(37 * seed));
            let crashed = (seed % u64::from(members)) as u32;
            cluster.crash(crashed);
            cluster.run_for(3 * SECOND);
            let state = |cluster: &p2pfaas_sim::gossip::GossipCluster, by| {
                cluster.view(by, crashed).map(|member| member.state)
            };
            for by in (0..members).filter(|by| *by != crashed) {
                let seen = state(&cluster, by);
                assert_ne!(seen, Some(MemberState::Alive), "after 3 s, {by} of {members}, seed {seed}");
            }
            cluster.run_for(7 * SECOND);
            for by in (0..members).filter(|by| *by != crashed) {
                let seen = state(&cluster, by);
                assert_eq!(seen, Some(MemberState::Dead), "after 10 s, {by} of {members}, seed {seed}");
            }
            assert!(cluster.take_noticed().iter().all(|noticed| noticed.about == crashed), "nobody else");
        }
    }
}

#[test]
fn without_loss_nobody_is_suspected_and_with_a_tenth_lost_nobody_alive_is_held_for_dead() {
    for (members, loss) in [(5, 0.0), (12, 0.0), (5, 0.1), (12, 0.1)] {
        let mut cluster = settled(GossipScenario { loss, ..GossipScenario::lan(members, 3) });
        cluster.run_for(1_800 * SECOND);
        let noticed = cluster.take_noticed();
        let of = |change| noticed.iter().filter(|noticed| noticed.change == change).count();
        assert_eq!(of(Change::Down), 0, "{members} members, {loss} lost");
        if loss == 0.0 {
            assert_eq!(of(Change::Suspected), 0, "{members} members");
        } else {
            assert!(of(Change::Suspected) > 0, "the test sees suspicions");
            assert_eq!(of(Change::Metadata) + of(Change::Up), 0);
        }
        agreed_within(&mut cluster, 10);
    }
}

#[test]
fn a_member_that_leaves_is_gone_at_once_and_is_not_missed() {
    for seed in 0..20 {
        let mut cluster = settled(GossipScenario::lan(12, seed));
        cluster.leave(5);
        cluster.run_for(SECOND);
        for by in (0..12).filter(|by| *by != 5) {
            assert_eq!(
                cluster.view(by, 5).map(|member| member.state),
                Some(MemberState::Dead),
                "seed {seed}"
            );
        }
        let noticed = cluster.take_noticed();
        assert!(noticed.iter().all(|noticed| noticed.change == Change::Down && noticed.about == 5));
    }
}
