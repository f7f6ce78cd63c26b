//! What the node shows people: a page at `/` for browsers, and what feeds it.
//!
//! | file | subject |
//! |---|---|
//! | `files.rs`, `web/*` | the page, its style and its scripts, as they are in the program |
//! | `api.rs` | the stream of what goes on, what the agent has learned, the policies that can be chosen |
//! | `snapshot.rs`, `peers.rs` | the node at a moment, and its peers |
//! | `history.rs`, `latencies.rs` | the last minutes, second by second |
//! | `learned.rs`, `choices.rs` | what a learner believes, and what it chose |
//!
//! Whoever may read `/metrics` may read all of this; what changes the node goes the way of every change.

mod api;
mod choices;
mod files;
mod history;
mod latencies;
mod learned;
mod peers;
mod snapshot;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;

use crate::shared::Shared;
pub(crate) use api::routes;
pub(crate) use choices::Choices;
pub(crate) use files::{is_browser, page, routes as file_routes};
use history::History;
pub(crate) use latencies::Latencies;

/// Between two messages of a stream.
const INTERVAL: Duration = Duration::from_secs(1);
/// Streams open at once.
const MAX_STREAMS: usize = 32;

/// The dashboard of a node, while the node runs.
pub(crate) struct Dashboard {
    began: Instant,
    history: Mutex<History>,
    news: watch::Sender<News>,
    places: Arc<Semaphore>,
    /// Held by the one who looks at what the agent has learned.
    looking: Arc<tokio::sync::Mutex<()>>,
}

/// What the streams send: only ever the newest, so that a client that reads slowly misses some and holds none.
#[derive(Debug, Clone, Default)]
struct News {
    event: Bytes,
    /// There will be no more.
    ended: bool,
}

impl Dashboard {
    pub(crate) fn new() -> Self {
        Dashboard {
            began: Instant::now(),
            history: Mutex::default(),
            news: watch::Sender::default(),
            places: Arc::new(Semaphore::new(MAX_STREAMS)),
            looking: Arc::default(),
        }
    }

    /// Ends all streams, so that the node can end.
    pub(crate) fn end(&self) {
        self.news.send_modify(|news| news.ended = true);
    }
}

/// Takes down what goes on, second by second, and tells it to whoever watches. Runs as long as the node.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reading = snapshot::read(&shared);
        shared.dashboard.history.lock().add(&reading);
        if shared.dashboard.news.receiver_count() > 0 {
            let event = event("snapshot", &snapshot::Snapshot::of(&shared, &reading));
            shared.dashboard.news.send_modify(|news| news.event = event);
        }
    }
}

/// An event of a stream (HTML standard, server-sent events); JSON has no line breaks.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}
