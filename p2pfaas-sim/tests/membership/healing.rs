//! Partitions, members that come back, and all at once.

use p2pfaas_core::membership::MemberState;
use p2pfaas_sim::gossip::{GossipCluster, GossipScenario, Noticed};

use crate::{SECOND, agreed_within, settled};

#[test]
fn a_parted_network_becomes_two_clusters_and_one_again_when_it_heals() {
    for (members, seeds) in [(4, 10), (12, 10), (60, 2)] {
        for seed in 0..seeds {
            let mut cluster = settled(GossipScenario::lan(members, seed));
            cluster.part(Some(&|member| u8::from(member % 3 == 0)));
            cluster.run_for(60 * SECOND);
            for by in 0..members {
                for about in (0..members).filter(|about| *about != by) {
                    let same = (by % 3 == 0) == (about % 3 == 0);
                    let seen = cluster.view(by, about).map(|member| member.state);
                    let expected = if same { MemberState::Alive } else { MemberState::Dead };
                    assert_eq!(seen, Some(expected), "{by} of {about} among {members}, seed {seed}");
                }
            }
            cluster.part(None);
            agreed_within(&mut cluster, 60);
        }
    }
}

#[test]
fn a_member_that_is_started_again_at_its_address_is_back_at_once_and_never_held_for_dead_twice() {
    for seed in 0..20 {
        let mut cluster = settled(GossipScenario::lan(12, seed));
        let before = cluster.view(0, 7).map(|member| member.identity.life);
        cluster.crash(7);
        cluster.run_for(SECOND);
        cluster.start(7);
        agreed_within(&mut cluster, 15);
        assert!(cluster.view(0, 7).map(|member| member.identity.life) > before);

        cluster.crash(7);
        cluster.run_for(20 * SECOND);
        cluster.start(7);
        agreed_within(&mut cluster, 15);
    }
}

#[test]
fn a_crash_while_a_fifth_of_all_datagrams_is_lost_is_found_out_all_the_same() {
    for seed in 0..10 {
        let mut cluster = settled(GossipScenario { loss: 0.2, ..GossipScenario::lan(12, seed) });
        cluster.crash(3);
        cluster.run_for(20 * SECOND);
        for by in (0..12).filter(|by| *by != 3) {
            assert_eq!(
                cluster.view(by, 3).map(|member| member.state),
                Some(MemberState::Dead),
                "seed {seed}"
            );
        }
    }
}

fn all_start_at_once(members: u32) {
    let mut cluster = GossipCluster::new(GossipScenario::lan(members, 1));
    cluster.start_all();
    // All know all, and what each of them is.
    let seconds = agreed_within(&mut cluster, 90);
    println!("{members} members at once: {seconds} s");
}

#[test]
fn two_hundred_members_that_start_at_once_find_each_other() {
    all_start_at_once(200);
}

#[test]
#[ignore = "takes a minute: a million answers"]
fn a_thousand_members_that_start_at_once_find_each_other() {
    all_start_at_once(1_000);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut cluster = GossipCluster::new(GossipScenario { loss: 0.1, ..GossipScenario::lan(12, seed) });
        cluster.start_all();
        cluster.run_for(20 * SECOND);
        cluster.crash(2);
        cluster.run_for(20 * SECOND);
        let sent: Vec<u64> = (0..12).map(|member| cluster.counters(member).bytes_out).collect();
        (cluster.take_noticed(), sent)
    };
    let first: (Vec<Noticed>, Vec<u64>) = history(1);
    assert!(first.0.len() > 100);
    assert_eq!(first, history(1));
    assert_ne!(first, history(2));
}
