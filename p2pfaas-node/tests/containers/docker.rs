//! What is done to the containers of a cluster, and what its nodes say then.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::http::{ask, get};

const FIRST_PORT: u16 = 18_081;
const FIRST_LEARNER_PORT: u16 = 19_021;

/// Where a node is reached from this machine.
pub fn address(node: usize) -> SocketAddr {
    published(FIRST_PORT, node)
}

fn published(first: u16, node: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, first + u16::try_from(node).expect("few nodes")))
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {text} {errors}", arguments.join(" "));
    text
}

/// The nodes of a cluster, numbered from 0.
pub struct Cluster {
    containers: Vec<String>,
}

impl Cluster {
    /// The containers `node-1` and so on of the project that `COMPOSE_PROJECT_NAME` names.
    pub fn of_compose(nodes: usize) -> Cluster {
        let project =
            std::env::var("COMPOSE_PROJECT_NAME").expect("COMPOSE_PROJECT_NAME; deploy/test.sh sets it");
        let project = format!("label=com.docker.compose.project={project}");
        let container = |node: usize| {
            let service = format!("label=com.docker.compose.service=node-{}", node + 1);
            run("docker", &["ps", "--quiet", "--filter", &project, "--filter", &service])
        };
        Cluster { containers: (0..nodes).map(container).collect() }
    }

    pub fn kill(&self, node: usize) {
        run("docker", &["kill", &self.containers[node]]);
    }

    pub fn start(&self, node: usize) {
        run("docker", &["start", &self.containers[node]]);
    }

    /// A signal to stop, the time that jobs under way take, and a start.
    pub fn restart(&self, node: usize) {
        run("docker", &["restart", "--time", "40", &self.containers[node]]);
    }

    pub fn pause(&self, node: usize) {
        run("docker", &["pause", &self.containers[node]]);
    }

    pub fn unpause(&self, node: usize) {
        run("docker", &["unpause", &self.containers[node]]);
    }

    /// From now on no packet of one side reaches the other.
    pub fn cut(&self, some: &[usize], others: &[usize]) {
        self.filter("--append", some, others);
        self.filter("--append", others, some);
    }

    pub fn heal(&self, some: &[usize], others: &[usize]) {
        self.filter("--delete", some, others);
        self.filter("--delete", others, some);
    }

    fn filter(&self, change: &str, at: &[usize], from: &[usize]) {
        for node in at {
            let process = run("docker", &["inspect", "--format", "{{.State.Pid}}", &self.containers[*node]]);
            for sender in from {
                let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
                let address = run("docker", &["inspect", "--format", address, &self.containers[*sender]]);
                let rule = ["iptables", change, "INPUT", "--source", &address, "--jump", "DROP"];
                run("nsenter", &[&["--net", "--target", &process], &rule[..]].concat());
            }
        }
    }

    /// What the containers of the nodes take.
    pub fn memory_mib(&self) -> Vec<f64> {
        let mib = |container: &String| {
            let text = run("docker", &["stats", "--no-stream", "--format", "{{.MemUsage}}", container]);
            let used = text.split('/').next().unwrap_or_default().trim();
            let used = used.strip_suffix("MiB").unwrap_or_else(|| panic!("not in MiB: {text}"));
            used.parse().expect("a number")
        };
        self.containers.iter().map(mib).collect()
    }

    /// Waits until all know all, and says how long that took.
    pub async fn whole(&self, within: Duration, since: Instant) -> Duration {
        let all: Vec<_> = (0..self.containers.len()).collect();
        self.peers(&all, self.containers.len() - 1, within, since).await
    }

    /// Waits until all but one have so many peers to send jobs to, and says how long that took.
    pub async fn peers_of_others(
        &self,
        but: usize,
        peers: usize,
        within: Duration,
        since: Instant,
    ) -> Duration {
        let others: Vec<_> = (0..self.containers.len()).filter(|node| *node != but).collect();
        self.peers(&others, peers, within, since).await
    }

    /// Waits until these have so many peers to send jobs to, and says how long that took.
    pub async fn peers(&self, of: &[usize], peers: usize, within: Duration, since: Instant) -> Duration {
        // A suspected member gets no jobs.
        let wanted = format!("p2pfaas_members{{state=\"alive\"}} {peers}");
        for node in of {
            loop {
                let told = get(address(*node), "/metrics").await.unwrap_or_default();
                if told.lines().any(|line| line == wanted) {
                    break;
                }
                let peers: Vec<_> = told.lines().filter(|line| line.starts_with("p2pfaas_members")).collect();
                assert!(
                    since.elapsed() <= within,
                    "node {node} has {peers:?} after {within:?}, not {wanted}"
                );
                sleep(Duration::from_millis(20)).await;
            }
        }
        since.elapsed()
    }

    pub async fn set_policy(&self, name: &str, parameters: &[&str]) {
        let body = serde_json::json!({ "name": name, "parameters": parameters }).to_string();
        for node in 0..self.containers.len() {
            let head = format!(
                "POST /configuration/scheduler HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let answer = ask(address(node), &[head.as_bytes(), body.as_bytes()].concat()).await;
            assert!(
                answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")),
                "node {node} takes no {name}"
            );
        }
    }

    /// What the agent of a node knows, once it learns nothing more.
    pub async fn settled_weights(&self, node: usize) -> String {
        let mut before = String::new();
        for _ in 0..100 {
            let answer =
                get(published(FIRST_LEARNER_PORT, node), "/learner/weights").await.unwrap_or_default();
            let weights = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string()).unwrap_or_default();
            if !weights.is_empty() && weights == before {
                return weights;
            }
            before = weights;
            sleep(Duration::from_millis(200)).await;
        }
        panic!("node {node} does not come to rest");
    }
}
