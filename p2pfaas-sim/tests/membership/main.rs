//! Members that look after each other, over a network that loses, delays and parts.

mod detection;
mod healing;
mod traffic;

use std::time::Duration;

use p2pfaas_sim::gossip::{GossipCluster, GossipScenario};

const SECOND: Duration = Duration::from_secs(1);

/// A cluster whose members have found each other.
fn settled(scenario: GossipScenario) -> GossipCluster {
    let mut cluster = GossipCluster::new(scenario);
    cluster.start_all();
    agreed_within(&mut cluster, 60);
    cluster.take_noticed();
    cluster
}

/// Lets time pass until all agree; the seconds that it took.
fn agreed_within(cluster: &mut GossipCluster, seconds: u32) -> u32 {
    for passed in 0..=seconds {
        if cluster.agrees() {
            return passed;
        }
        cluster.run_for(SECOND);
    }
    panic!("no agreement within {seconds} s");
}
