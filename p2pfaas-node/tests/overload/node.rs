//! Nodes in processes of their own, so that what they hold can be seen.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::http;

pub const SLOTS: usize = 8;
pub const QUEUE: usize = 8;

pub struct Node {
    process: Child,
    pub address: SocketAddr,
}

impl Node {
    /// A node that forwards what finds it loaded to the less loaded of its peers, whom it gets to know through `join`.
    async fn start(join: Option<SocketAddr>) -> Node {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = address.expect("a free port");
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2pfaas-node"));
        command.arg(format!("--listen={address}")).arg(format!("--gossip-listen={address}"));
        command.arg(format!("--machine-id=node-{}", address.port()));
        command.args(join.map(|join| format!("--join={join}")));
        command.arg(format!("--slots={SLOTS}")).arg(format!("--queue={QUEUE}"));
        command.args(["--function=sleep=builtin:sleep", "--policy=PowerOfNScheduler 1 2 true 1"]);
        command.args(["--discovery-listen=none", "--learner-listen=none", "--learner-ws-listen=none"]);
        command.args(["--learner=none", "--log=off", "--max-body-bytes=1MiB", "--threads=2"]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        let node = Node { process, address };
        for _ in 0..2_000 {
            if TcpStream::connect(address).await.is_ok() {
                return node;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("the node does not come up");
    }

    /// As many nodes that all know each other.
    pub async fn cluster(size: usize) -> Vec<Node> {
        let mut nodes = vec![Node::start(None).await];
        for _ in 1..size {
            nodes.push(Node::start(Some(nodes[0].address)).await);
        }
        for node in &nodes {
            node.knows(size - 1).await;
        }
        nodes
    }

    async fn knows(&self, peers: usize) {
        let wanted = format!("p2pfaas_peers {peers}");
        for _ in 0..2_000 {
            let told = http::get(self.address, "/metrics").await.unwrap_or_default();
            if told.lines().any(|line| line == wanted) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("not {wanted}");
    }

    pub fn memory_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("it lives").count()
    }

    /// Waits until no more descriptors are open than there were.
    pub async fn closes_down_to(&self, before: usize) {
        for _ in 0..8_000 {
            if self.descriptors() <= before {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("{} descriptors are open, and there were {before}", self.descriptors());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
