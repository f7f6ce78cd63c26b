//! The cluster of `docker-compose.yml` in real containers, with load on it through the published ports, while nodes are killed,
//! paused, cut off from each other, and restarted one after the other.
//!
//! It needs a cluster that is up, Docker, and leave to enter the network of its containers: `deploy/test.sh` does the whole.

mod docker;
#[path = "../overload/http.rs"]
mod http;
mod load;

use std::time::{Duration, Instant};

use docker::Cluster;
use load::{Load, Outcome};

const SLOTS_AND_QUEUE: usize = 8;
/// Within this, nobody sends anything to who is gone.
const SUSPECTED: Duration = Duration::from_secs(3);
/// Within this, a cluster is whole again.
const WHOLE: Duration = Duration::from_secs(10);
/// The same after a start, which a busy machine may take its time for.
const RESTARTED: Duration = Duration::from_secs(60);
/// Megabytes (2^20 bytes) of a container of a node, learner included.
const MEMORY_MIB: f64 = 30.0;
const NODES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs containers: deploy/test.sh"]
async fn a_cluster_in_containers_outlives_what_happens_to_its_nodes() {
    let cluster = Cluster::of_compose(NODES);
    cluster.whole(RESTARTED, Instant::now()).await;
    // Every job goes to a peer, so that many are at the node that is killed.
    cluster.set_policy("ForwardScheduler", &["1"]).await;
    let load = Load::start(NODES);
    load.run_for(Duration::from_secs(5)).await;
    assert_eq!(load.count(Outcome::is_lost), 0, "without a fault nothing is lost");

    a_node_is_killed(&cluster, &load).await;
    cluster.set_policy("PowerOfNScheduler", &["1", "2", "true", "1"]).await;
    a_node_is_paused(&cluster, &load).await;
    two_are_cut_off_from_three(&cluster, &load).await;
    one_after_the_other_is_restarted(&cluster, &load).await;
    what_was_learned_survives(&cluster, &load).await;
    load.stop().await;
}

async fn a_node_is_killed(cluster: &Cluster, load: &Load) {
    let victim = 1;
    load.forget();
    let killed = Instant::now();
    cluster.kill(victim);
    let noticed = cluster.peers_of_others(victim, NODES - 2, SUSPECTED, killed).await;
    load.run_for(Duration::from_secs(5)).await;
    let lost_there = |call: &Outcome| call.node == victim && call.is_lost();
    // It closes all its connections at once. What began later found at most Docker's port, and no node.
    let died = load.ends(lost_there).into_iter().min().unwrap_or(killed);
    let under_way = load.count(|call| call.node == victim && call.began < died && call.ended >= died);
    let of_victim = load.count(|call| lost_there(call) && call.began < died);
    let nobody_there = load.count(lost_there) - of_victim;
    let lost_elsewhere = |call: &Outcome| call.node != victim && call.is_lost();
    let of_others = load.count(lost_elsewhere);
    let last = load.ends(lost_elsewhere).into_iter().max().map(|ended| ended.saturating_duration_since(died));
    println!(
        "killed: the others stopped sending to it after {noticed:?}; of {under_way} calls under way through its port \
         {of_victim} are lost, and {of_others} that others had forwarded to it, the last {last:?} later; {nobody_there} \
         found only Docker's port"
    );
    // What it ran or had queued, and one on its way from each of the others.
    assert!(of_others < SLOTS_AND_QUEUE + NODES, "{of_others}");
    assert!(last.is_none_or(|last| last <= SUSPECTED), "{last:?}");
    let started = Instant::now();
    cluster.start(victim);
    let whole = cluster.whole(WHOLE, started).await;
    println!("killed: started again, and the cluster was whole after {whole:?}");
    load.enter(victim);
}

async fn a_node_is_paused(cluster: &Cluster, load: &Load) {
    let victim = 2;
    load.leave(victim);
    load.run_for(Duration::from_secs(1)).await;
    load.forget();
    let paused = Instant::now();
    cluster.pause(victim);
    let noticed = cluster.peers_of_others(victim, NODES - 2, SUSPECTED, paused).await;
    load.run_for(Duration::from_secs(12)).await;
    let unpaused = Instant::now();
    cluster.unpause(victim);
    let whole = cluster.whole(WHOLE, unpaused).await;
    load.settle().await;
    let lost = load.count(Outcome::is_lost);
    println!("paused for 12 s: avoided after {noticed:?}, whole again after {whole:?}, {lost} calls lost");
    assert!(lost <= SLOTS_AND_QUEUE, "only what it ran or had queued: {lost}");
    load.enter(victim);
}

async fn two_are_cut_off_from_three(cluster: &Cluster, load: &Load) {
    load.run_for(Duration::from_secs(1)).await;
    load.forget();
    let (few, many) = ([0, 1], [2, 3, 4]);
    let cut = Instant::now();
    cluster.cut(&few, &many);
    let noticed =
        cluster.peers(&few, 1, SUSPECTED, cut).await.max(cluster.peers(&many, 2, SUSPECTED, cut).await);
    // Until each side counts the other as dead.
    load.run_for(Duration::from_secs(15)).await;
    let served = load.count(|call| call.began > cut + SUSPECTED && call.is_served());
    cluster.heal(&few, &many);
    let whole = cluster.whole(WHOLE, Instant::now()).await;
    load.settle().await;
    let lost = load.count(Outcome::is_lost);
    println!(
        "cut off for 15 s: avoided after {noticed:?}, {served} calls served meanwhile, whole again after {whole:?}, {lost} \
         calls lost"
    );
    assert!(served > 0);
    // Each side may have had as much at the other as that runs and queues.
    assert!(lost <= NODES * SLOTS_AND_QUEUE, "{lost}");
}

async fn one_after_the_other_is_restarted(cluster: &Cluster, load: &Load) {
    load.forget();
    for node in 0..NODES {
        // As whoever balances the load does: no new calls, then the signal.
        load.leave(node);
        load.run_for(Duration::from_millis(500)).await;
        cluster.restart(node);
        cluster.whole(RESTARTED, Instant::now()).await;
        load.enter(node);
        load.run_for(Duration::from_secs(1)).await;
    }
    let (served, lost) = (load.count(Outcome::is_served), load.count(Outcome::is_lost));
    println!("restarted one after the other: {served} calls served, {lost} lost");
    assert_eq!(lost, 0);
    let memory = cluster.memory_mib();
    println!("memory of the containers of nodes under load, in MiB: {memory:?}");
    assert!(memory.iter().all(|memory| *memory < MEMORY_MIB), "{memory:?}");
}

async fn what_was_learned_survives(cluster: &Cluster, load: &Load) {
    let learner = 3;
    cluster.set_policy("LearningScheduler", &["1"]).await;
    load.run_for(Duration::from_secs(5)).await;
    load.pause().await;
    let before = cluster.settled_weights(learner).await;
    assert!(before.len() > 100, "it has learned something: {before}");
    cluster.restart(learner);
    cluster.whole(RESTARTED, Instant::now()).await;
    assert_eq!(cluster.settled_weights(learner).await, before);
    println!("what node {} has learned ({} bytes) is the same after a restart", learner + 1, before.len());
}
