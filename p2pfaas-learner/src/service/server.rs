//! Serves a router at a listener: the node has its own.

use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service as _;
use tracing::warn;

/// Connections open at once; one more waits at the door.
const MAX_CONNECTIONS: usize = 1_024;
/// For a client to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// For open requests to be answered at the end.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until it is told to stop; then answers what has been asked, within a grace time.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let places = std::sync::Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = http1::Builder::new();
    // Go's canonical spelling, `X-P2pfaas-Eps`, byte for byte.
    http.title_case_headers(true).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let (place, stream) = match accepted {
            (place, Ok((stream, _))) => (place, stream),
            (_, Err(error)) => {
                // Out of descriptors, mostly: give those who have one time to end.
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| router.clone().call(request));
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tasks.spawn(async move {
            // A client that breaks off is its own business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        warn!("some requests had not been answered when the grace time was over");
    }
    tasks.shutdown().await;
}
