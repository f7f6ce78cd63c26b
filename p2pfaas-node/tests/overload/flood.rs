//! Clients that call on schedule, and at once when they are late: ten times what the cluster can serve.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::http;
use crate::node::{Node, SLOTS};

pub const SERVICE: Duration = Duration::from_millis(50);
/// What arrives, in capacities.
pub const OVERLOAD: usize = 10;
pub const CLIENTS_OF_A_NODE: u32 = 60;

/// What became of the calls.
#[derive(Default)]
pub struct Answers {
    pub sent: usize,
    pub dropped: usize,
    /// How long those took that were served.
    pub served: Vec<Duration>,
    /// From the first call to the last answer.
    pub length: Duration,
}

impl Answers {
    /// Calls, in capacities of the cluster: those that arrived, and those that were served.
    pub fn offered_and_served(&self, nodes: usize) -> (f64, f64) {
        let capacity = (nodes * SLOTS) as f64 * self.length.as_secs_f64() / SERVICE.as_secs_f64();
        (self.sent as f64 / capacity, self.served.len() as f64 / capacity)
    }

    pub fn p99(&mut self) -> Duration {
        self.served.sort_unstable();
        self.served[self.served.len() * 99 / 100]
    }
}

pub async fn flood(nodes: &[Node], length: Duration) -> Answers {
    let per_second = OVERLOAD as f64 * SLOTS as f64 / SERVICE.as_secs_f64();
    let gap = Duration::from_secs_f64(f64::from(CLIENTS_OF_A_NODE) / per_second);
    let start = Instant::now();
    let clients: Vec<_> = nodes
        .iter()
        .flat_map(|node| (0..CLIENTS_OF_A_NODE).map(|number| (node.address, number)))
        .map(|(node, number)| {
            let first = start + gap * number / CLIENTS_OF_A_NODE;
            tokio::spawn(client(node, first, gap, start + length))
        })
        .collect();
    let mut all = Answers::default();
    for client in clients {
        let answers = client.await.expect("no panic");
        all.sent += answers.sent;
        all.dropped += answers.dropped;
        all.served.extend(answers.served);
    }
    all.length = start.elapsed();
    all
}

async fn client(node: SocketAddr, first: Instant, gap: Duration, until: Instant) -> Answers {
    let mut stream = TcpStream::connect(node).await.expect("connects");
    let (mut buffer, mut answers, mut due) = (Vec::new(), Answers::default(), first);
    let call = http::call(SERVICE.as_secs_f64().to_string().as_bytes());
    while due < until {
        sleep_until(due).await;
        let began = Instant::now();
        if began >= until {
            break;
        }
        answers.sent += 1;
        stream.write_all(&call).await.expect("writes");
        match http::status(&mut stream, &mut buffer).await.expect("an answer to each call") {
            200 => answers.served.push(began.elapsed()),
            500 => answers.dropped += 1,
            other => panic!("status {other}"),
        }
        due += gap;
    }
    answers
}
