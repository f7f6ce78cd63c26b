//! Serves a router at a listener: the node has its own.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
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

use super::access::{Guard, needed_role};
use super::error::ApiError;

/// Connections open at once; one more waits at the door.
const MAX_CONNECTIONS: usize = 1_024;
/// For a client to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// For open requests to be answered at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Of the body of a request that is refused so much is read: who is cut off while he sends may never see the answer.
const REFUSED_BODY_BYTES: usize = 1 << 20;
/// For it to arrive.
const REFUSED_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves whom the guard lets through until it is told to stop; then answers what has been asked, within a grace time.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    guard: Arc<Guard>,
    mut stop: watch::Receiver<bool>,
) {
    let connections = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
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
        let (place, stream, remote) = match accepted {
            (place, Ok((stream, remote))) => (place, stream, remote.ip()),
            (_, Err(error)) => {
                // Out of descriptors, mostly: give those who have one time to end.
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (router, guard) = (router.clone(), guard.clone());
        let service = service_fn(move |request| answer(router.clone(), guard.clone(), remote, request));
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

async fn answer(
    mut router: Router,
    guard: Arc<Guard>,
    remote: IpAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let role = needed_role(request.method(), request.uri().path());
    let allowed = role.map_or(Ok(()), |role| guard.allow(role, remote, request.headers()));
    match allowed {
        Ok(()) => router.call(request).await,
        Err(refusal) => {
            // Whether it comes in time is of no interest any more.
            let _ = tokio::time::timeout(REFUSED_BODY_TIMEOUT, pass_over(request.into_body())).await;
            Ok(ApiError::refused(refusal).into_response())
        }
    }
}

/// Reads and forgets.
async fn pass_over(body: Incoming) {
    let mut chunks = Body::new(body).into_data_stream();
    let mut left = REFUSED_BODY_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
