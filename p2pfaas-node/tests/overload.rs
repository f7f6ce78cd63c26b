//! One node under more than it can do: ten times its capacity, clients that dawdle, clients that leave, giant
//! bodies. Its memory and its descriptors stay where they were, each call is answered once, and what it serves comes
//! from the front of its bounded queue.
//!
//! The phases take some seconds each. `P2PFAAS_TEST_OVERLOAD_S=300 cargo test --release -p p2pfaas-node --test overload --
//! --nocapture` floods it for five minutes, and then also looks at how much it served, and how soon: a machine that is
//! busy with other things cannot promise that.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until};

const SLOTS: usize = 8;
const QUEUE: usize = 8;
const SERVICE: Duration = Duration::from_millis(50);
/// What arrives, in capacities.
const OVERLOAD: usize = 10;
const CLIENTS: usize = 100;
/// Growth that an allocator may have between two looks.
const SLACK_KIB: usize = 24 << 10;

struct Node {
    process: Child,
    address: SocketAddr,
}

impl Node {
    async fn start() -> Node {
        let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = address.expect("a free port");
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2pfaas-node"));
        command.arg(format!("--listen={address}")).arg(format!("--slots={SLOTS}"));
        command
            .arg(format!("--queue={QUEUE}"))
            .args(["--function=sleep=builtin:sleep", "--policy=NoScheduler false"]);
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

    fn memory_kib(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("it lives").count()
    }

    /// Waits until no more descriptors are open than there were.
    async fn closes_down_to(&self, before: usize) {
        for _ in 0..2_000 {
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

fn seconds() -> Option<u64> {
    std::env::var("P2PFAAS_TEST_OVERLOAD_S").ok().and_then(|text| text.parse().ok())
}

fn request(body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST /function/sleep HTTP/1.1\r\nHost: node\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The status of the next answer on a connection.
async fn status(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<u16> {
    buffer.clear();
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    head.split(' ').nth(1)?.parse().ok()
}

#[derive(Default)]
struct Counts {
    sent: AtomicUsize,
    served: AtomicUsize,
    dropped: AtomicUsize,
}

/// Calls on schedule, whatever the answers do; returns how long those that were served took.
async fn client(
    node: SocketAddr,
    first: Instant,
    gap: Duration,
    until: Instant,
    counts: Arc<Counts>,
) -> Vec<Duration> {
    let mut stream = TcpStream::connect(node).await.expect("connects");
    let (mut buffer, mut took, mut due) = (Vec::new(), Vec::new(), first);
    let call = request(SERVICE.as_secs_f64().to_string().as_bytes());
    while due < until {
        sleep_until(due).await;
        let began = Instant::now();
        counts.sent.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&call).await.expect("writes");
        match status(&mut stream, &mut buffer).await.expect("an answer to each call") {
            200 => {
                counts.served.fetch_add(1, Ordering::Relaxed);
                took.push(began.elapsed());
            }
            500 => drop(counts.dropped.fetch_add(1, Ordering::Relaxed)),
            other => panic!("status {other}"),
        }
        due += gap;
    }
    took
}

async fn flood(node: &Node, length: Duration) -> (Arc<Counts>, Vec<Duration>) {
    let counts = Arc::new(Counts::default());
    let per_second = OVERLOAD as f64 * SLOTS as f64 / SERVICE.as_secs_f64();
    let gap = Duration::from_secs_f64(CLIENTS as f64 / per_second);
    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS as u32)
        .map(|number| {
            let first = start + gap * number / CLIENTS as u32;
            tokio::spawn(client(node.address, first, gap, start + length, counts.clone()))
        })
        .collect();
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await.expect("no panic"));
    }
    (counts, took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_its_capacity_neither_grows_a_node_nor_stops_it() {
    let node = Node::start().await;
    let length = Duration::from_secs(seconds().unwrap_or(4));
    flood(&node, Duration::from_secs(2)).await;
    let (memory_kib, descriptors) = (node.memory_kib(), node.descriptors());
    let (counts, mut took) = flood(&node, length).await;
    let after_kib = node.memory_kib();
    node.closes_down_to(descriptors.max(32)).await;
    let [sent, served, dropped] =
        [&counts.sent, &counts.served, &counts.dropped].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(sent, served + dropped, "each call is answered once");
    assert!(served > 0 && dropped > 0, "{served} served, {dropped} dropped");
    assert!(after_kib <= memory_kib + SLACK_KIB, "{memory_kib} KiB before, {after_kib} KiB after");
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    let goodput = served as f64 * SERVICE.as_secs_f64() / SLOTS as f64 / length.as_secs_f64();
    println!(
        "{} s at {OVERLOAD} times the capacity: {sent} calls, {served} served ({:.1} % of the capacity), p99 {} ms, \
         memory {memory_kib} to {after_kib} KiB",
        length.as_secs(),
        goodput * 100.0,
        p99.as_millis()
    );
    if seconds().is_some() {
        // Whoever is served waited for at most a queue before it.
        let bound = SERVICE * (QUEUE / SLOTS + 1) as u32;
        assert!(goodput >= 0.9, "{goodput}");
        assert!(p99 <= bound + Duration::from_millis(50), "{p99:?}, and the queue takes {bound:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_dawdle_leave_or_send_giants_cost_nothing_that_stays() {
    let node = Node::start().await;
    let mut buffer = Vec::new();
    let mut good = TcpStream::connect(node.address).await.expect("connects");
    good.write_all(&request(b"0")).await.expect("writes");
    assert_eq!(status(&mut good, &mut buffer).await, Some(200));
    let (memory_kib, descriptors) = (node.memory_kib(), node.descriptors());
    // A head that never ends, and a body that never comes.
    let mut dawdlers = Vec::new();
    for number in 0..400 {
        let mut stream = TcpStream::connect(node.address).await.expect("connects");
        let bytes: &[u8] = if number % 2 == 0 {
            b"POST /func"
        } else {
            b"POST /function/sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n0"
        };
        stream.write_all(bytes).await.expect("writes");
        dawdlers.push(stream);
    }
    // Others are served all the same.
    for _ in 0..50 {
        good.write_all(&request(b"0")).await.expect("writes");
        assert_eq!(status(&mut good, &mut buffer).await, Some(200));
    }
    drop(dawdlers);
    node.closes_down_to(descriptors).await;
    // Clients that are gone before their answers.
    for _ in 0..1_000 {
        let mut stream = TcpStream::connect(node.address).await.expect("connects");
        stream.write_all(&request(b"0.01")).await.expect("writes");
    }
    node.closes_down_to(descriptors).await;
    // More than it takes, promised and sent.
    let giant = vec![b'x'; 1 << 20];
    for _ in 0..30 {
        let mut stream = TcpStream::connect(node.address).await.expect("connects");
        let head = "POST /function/sleep HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("writes");
        // It may have closed in the middle of it.
        for _ in 0..4 {
            let _ = stream.write_all(&giant).await;
        }
    }
    node.closes_down_to(descriptors).await;
    good.write_all(&request(b"0")).await.expect("writes");
    assert_eq!(status(&mut good, &mut buffer).await, Some(200));
    let after_kib = node.memory_kib();
    println!("memory {memory_kib} to {after_kib} KiB");
    assert!(after_kib <= memory_kib + SLACK_KIB, "{memory_kib} KiB before, {after_kib} KiB after");
}
