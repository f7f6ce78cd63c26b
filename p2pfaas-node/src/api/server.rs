//! Accepts connections and serves them with a router, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::Door;
use super::places::Places;
use crate::workers::Workers;

/// Connections open at once; one more waits at the door.
const MAX_CONNECTIONS: usize = 16_384;
/// Of them for one address.
const MAX_CONNECTIONS_OF_ONE: usize = MAX_CONNECTIONS / 2;
/// For the answers that jobs get when the grace time is over to go out.
const LAST_ANSWERS_TIMEOUT: Duration = Duration::from_secs(1);
/// For a client to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The address of the other side, as handlers get it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remote(pub std::net::IpAddr);

/// A listening server.
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    accepting: JoinHandle<(GracefulShutdown, JoinSet<()>)>,
}

impl Server {
    pub(crate) fn start(listener: TcpListener, door: Door, workers: Arc<Workers>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Server { stop, accepting: tokio::spawn(accept(listener, Arc::new(door), workers, stopped)) }
    }

    /// Stops accepting, and waits until open requests are answered. When the deadline has come,
    /// lets `end_all` answer them, and closes what is still open then.
    pub(crate) async fn stop(self, deadline: Instant, end_all: impl FnOnce()) {
        self.stop.send_replace(true);
        let Ok((connections, mut tasks)) = self.accepting.await else { return };
        let mut closed = std::pin::pin!(connections.shutdown());
        if tokio::time::timeout_at(deadline, &mut closed).await.is_err() {
            tracing::warn!("some requests had not been answered when the grace time was over");
            end_all();
            // What is open after that waits for its client, not for this node.
            let _ = tokio::time::timeout(LAST_ANSWERS_TIMEOUT, closed).await;
        }
        tasks.shutdown().await;
    }
}

async fn accept(
    listener: TcpListener,
    door: Arc<Door>,
    workers: Arc<Workers>,
    mut stopped: watch::Receiver<bool>,
) -> (GracefulShutdown, JoinSet<()>) {
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let places = Places::new(MAX_CONNECTIONS, MAX_CONNECTIONS_OF_ONE);
    let mut http = http1::Builder::new();
    // Go's canonical spelling, `X-P2pfaas-Version`, byte for byte.
    http.title_case_headers(true).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    loop {
        let (stream, remote) = tokio::select! {
            _ = stopped.changed() => return (connections, tasks),
            accepted = listener.accept() => match accepted {
                Ok((stream, remote)) => (stream, remote.ip()),
                Err(error) => {
                    // Out of descriptors, mostly: give those who have one time to end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let place = tokio::select! {
            _ = stopped.changed() => return (connections, tasks),
            place = places.take(remote) => place,
        };
        // One address has as many as it may: this one is closed.
        let Some(place) = place else { continue };
        while tasks.try_join_next().is_some() {}
        let (http, door, watcher) = (http.clone(), door.clone(), connections.watcher());
        let stream = stream.set_nodelay(true).and_then(|()| stream.into_std());
        let serve = async move {
            let Ok(stream) = stream.and_then(TcpStream::from_std) else { return };
            let service = service_fn(move |request: Request<Incoming>| door.clone().answer(remote, request));
            // A client that breaks off is its own business; its job has been told.
            let _ = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await;
            drop(place);
        };
        tasks.spawn_on(serve, &workers.next());
    }
}
