//! A cluster under more than it can do: ten times its capacity, beside clients that dawdle, clients that leave, giant
//! bodies. The memory and the descriptors of its nodes stay where they were, each call is answered once, and what is
//! served comes from the front of a bounded queue.
//!
//! The phases take some seconds each. `P2PFAAS_TEST_OVERLOAD_S=300 cargo test --release -p p2pfaas-node --test overload --
//! --nocapture` floods it for five minutes, once alone and once among hostile clients (or for hours, as a soak), and
//! then also looks at how much it served, and how soon: a machine that is busy with other things cannot promise that.

mod flood;
mod hostile;
mod http;
mod node;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use flood::{CLIENTS_OF_A_NODE, SERVICE, flood};
use node::{Node, QUEUE, SLOTS};

const NODES: usize = 3;
/// Growth that an allocator may have between two looks.
const SLACK_KIB: usize = 24 << 10;
/// What a node that is short of processors may add to the time of a call.
const SLACK: Duration = Duration::from_millis(50);
/// What stays open between peers: at most a connection for each call that was ever under way at once, and a node's own.
const POOLED: usize = NODES * CLIENTS_OF_A_NODE as usize + 64;

/// What a node holds.
struct Held {
    memory_kib: usize,
    descriptors: usize,
}

fn held(nodes: &[Node]) -> Vec<Held> {
    let look = |node: &Node| Held { memory_kib: node.memory_kib(), descriptors: node.descriptors() };
    nodes.iter().map(look).collect()
}

/// The seconds of a flood, if it is the long one.
fn seconds() -> Option<u64> {
    std::env::var("P2PFAAS_TEST_OVERLOAD_S").ok().and_then(|text| text.parse().ok())
}

async fn endures(among: &str, hostile: bool) {
    let nodes = Node::cluster(NODES).await;
    let length = Duration::from_secs(seconds().unwrap_or(4));
    flood(&nodes, Duration::from_secs(2)).await;
    let before = held(&nodes);
    let mut answers = if hostile {
        tokio::select! {
            answers = flood(&nodes, length) => answers,
            () = hostile::pester(&nodes) => unreachable!("it never ends"),
        }
    } else {
        flood(&nodes, length).await
    };
    let after = held(&nodes);
    for (node, before) in nodes.iter().zip(&before) {
        node.closes_down_to(before.descriptors.max(POOLED)).await;
    }
    let memory: Vec<_> =
        before.iter().zip(&after).map(|(before, after)| (before.memory_kib, after.memory_kib)).collect();
    let ((offered, served), p99) = (answers.offered_and_served(NODES), answers.p99());
    println!(
        "{among}: {} s, {} calls to {NODES} nodes ({offered:.1} times their capacity), {} served ({:.1} % of it), \
         p99 {} ms, memory in KiB before and after {memory:?}, descriptors {:?}",
        answers.length.as_secs(),
        answers.sent,
        answers.served.len(),
        served * 100.0,
        p99.as_millis(),
        after.iter().map(|held| held.descriptors).collect::<Vec<_>>()
    );
    assert_eq!(answers.sent, answers.served.len() + answers.dropped, "each call is answered once");
    assert!(!answers.served.is_empty() && answers.dropped > 0, "{} dropped", answers.dropped);
    for (before, after) in memory {
        assert!(after <= before + SLACK_KIB, "{before} KiB before, {after} KiB after");
    }
    if seconds().is_some() {
        // Whoever is served waited for at most a queue before it.
        let bound = SERVICE * (QUEUE / SLOTS + 1) as u32;
        assert!(served >= 0.9, "{served}");
        assert!(p99 <= bound + SLACK, "{p99:?}, and the queue takes {bound:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_its_capacity_neither_grows_a_cluster_nor_stops_it_even_among_hostile_clients() {
    endures("alone", false).await;
    endures("among hostile clients", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_dawdle_leave_or_send_giants_cost_nothing_that_stays() {
    let node = Node::cluster(1).await.remove(0);
    let mut buffer = Vec::new();
    let mut good = TcpStream::connect(node.address).await.expect("connects");
    good.write_all(&http::call(b"0")).await.expect("writes");
    assert_eq!(http::status(&mut good, &mut buffer).await, Some(200));
    let (memory_kib, descriptors) = (node.memory_kib(), node.descriptors());
    let dawdlers = hostile::dawdle(node.address, 400).await;
    assert!(!dawdlers.is_empty());
    // Others are served all the same.
    for _ in 0..50 {
        good.write_all(&http::call(b"0")).await.expect("writes");
        assert_eq!(http::status(&mut good, &mut buffer).await, Some(200));
    }
    drop(dawdlers);
    node.closes_down_to(descriptors).await;
    for _ in 0..1_000 {
        hostile::leave(node.address).await;
    }
    node.closes_down_to(descriptors).await;
    for _ in 0..30 {
        hostile::send_giant(node.address).await;
    }
    node.closes_down_to(descriptors).await;
    good.write_all(&http::call(b"0")).await.expect("writes");
    assert_eq!(http::status(&mut good, &mut buffer).await, Some(200));
    let after_kib = node.memory_kib();
    println!("memory {memory_kib} to {after_kib} KiB");
    assert!(after_kib <= memory_kib + SLACK_KIB, "{memory_kib} KiB before, {after_kib} KiB after");
}
