//! What it costs: each member sends as much among many as among few.

use p2pfaas_core::PeerLoad;
use p2pfaas_sim::gossip::GossipScenario;

use crate::{SECOND, settled};

/// Datagrams and bytes that a member sends in a second, while loads change, and the age of the loads that it knows.
fn traffic(members: u32, seconds: u32) -> (f64, f64, f64) {
    let mut cluster = settled(GossipScenario::lan(members, 1));
    let sent = |cluster: &p2pfaas_sim::gossip::GossipCluster| {
        let counts = (0..members).map(|member| cluster.counters(member));
        counts.fold((0, 0), |(datagrams, bytes), of| (datagrams + of.datagrams_out, bytes + of.bytes_out))
    };
    // News of who has joined have been passed on by then.
    cluster.run_for(60 * SECOND);
    let before = sent(&cluster);
    for second in 0..seconds {
        for member in 0..members {
            cluster.set_load(member, PeerLoad { running: (second + member) % 5, queued: 0, slots: 4 });
        }
        cluster.run_for(SECOND);
    }
    let after = sent(&cluster);
    let span = f64::from(seconds) * f64::from(members);
    let now = cluster.now();
    let ages: Vec<f64> = (1..members)
        .filter_map(|about| cluster.view(0, about)?.load)
        .map(|(_, at)| now.since(at).as_secs_f64())
        .collect();
    let age = ages.iter().sum::<f64>() / ages.len() as f64;
    ((after.0 - before.0) as f64 / span, (after.1 - before.1) as f64 / span, age)
}

fn as_much_among_many_as_among_ten(many: &[(u32, u32)]) {
    println!("members datagrams/s bytes/s age of a load in s");
    let measured = |&(members, seconds): &(u32, u32)| {
        let (datagrams, bytes, age) = traffic(members, seconds);
        println!("{members:>7} {datagrams:>11.1} {bytes:>7.0} {age:>18.2}");
        (datagrams, bytes, age)
    };
    let ten = measured(&(10, 60));
    for many in many.iter().map(measured) {
        assert!(many.0 < 1.5 * ten.0, "{} datagrams against {}", many.0, ten.0);
        assert!(many.1 < 1.5 * ten.1, "{} bytes against {}", many.1, ten.1);
    }
    assert!(ten.2 < 2.0, "a load is {} s old among ten", ten.2);
}

#[test]
fn a_member_sends_as_much_among_two_hundred_as_among_ten() {
    as_much_among_many_as_among_ten(&[(50, 30), (200, 10)]);
}

#[test]
#[ignore = "takes two minutes"]
fn a_member_sends_as_much_among_a_thousand_as_among_ten() {
    as_much_among_many_as_among_ten(&[(100, 30), (1_000, 10)]);
}
