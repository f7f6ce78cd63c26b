//! The function as an HTTP service, in the contract of OpenFaaS functions.
//!
//! `POST` to any path calls the function; `GET /_/health` and `GET /_/ready` answer 200 until the
//! service is told to stop, then 503. Told to stop, it takes no more connections, finishes the
//! calls that it has, and ends.

use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::function::{Answer, FaceFunction, FunctionError};

/// How much the service takes on, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Calls that compute at the same time. More than there are processors only slows each down.
    pub parallel_max: usize,
    /// Calls that wait for their turn. One more gets 429. Each holds its body in memory.
    pub waiting_max: usize,
    /// How long the body of a request may take to arrive; then 408.
    pub body_timeout_s: u32,
    /// How long calls may go on once the service is told to stop.
    pub grace_s: u32,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        let parallel_max = std::thread::available_parallelism().map_or(1, usize::from);
        Self { parallel_max, waiting_max: 4 * parallel_max, body_timeout_s: 30, grace_s: 30 }
    }
}

/// Serves the function on `listener` until `stop` is ready, and the calls then in hand are done or
/// the grace is over.
pub async fn serve(
    listener: TcpListener,
    function: Arc<FaceFunction>,
    settings: ServiceSettings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = Arc::new(Service::new(function, settings));
    let router = router(Arc::clone(&service));
    let (told, stopping) = oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("stopping: finishing the calls in hand");
        service.stopping.store(true, Ordering::Relaxed);
        // Nobody listens if the server has failed meanwhile; then there is nothing to limit.
        let _ = told.send(());
    });
    let grace_over = async {
        match stopping.await {
            Ok(()) => sleep(Duration::from_secs(u64::from(settings.grace_s))).await,
            Err(_) => pending().await,
        }
    };
    tokio::select! {
        ended = server => ended,
        () = grace_over => {
            tracing::warn!(grace_s = settings.grace_s, "the grace is over: calls in hand are cut off");
            Ok(())
        }
    }
}

struct Service {
    function: Arc<FaceFunction>,
    settings: ServiceSettings,
    /// One permit for each call that computes.
    processors: Arc<Semaphore>,
    /// One permit for each call that computes or waits.
    places: Arc<Semaphore>,
    stopping: AtomicBool,
}

impl Service {
    fn new(function: Arc<FaceFunction>, settings: ServiceSettings) -> Self {
        let processors = settings.parallel_max.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = processors + settings.waiting_max.min(Semaphore::MAX_PERMITS / 2);
        Self {
            function,
            settings,
            processors: Arc::new(Semaphore::new(processors)),
            places: Arc::new(Semaphore::new(places)),
            stopping: AtomicBool::new(false),
        }
    }
}

fn router(service: Arc<Service>) -> Router {
    let body_bytes_max = service.function.settings().limits.body_bytes_max;
    Router::new()
        .route("/_/health", get(alive))
        .route("/_/ready", get(alive))
        .fallback_service(post(call).with_state(Arc::clone(&service)))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(service)
}

async fn alive(State(service): State<Arc<Service>>) -> (StatusCode, &'static str) {
    if service.stopping.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::OK, "OK")
    }
}

async fn call(State(service): State<Arc<Service>>, request: Request) -> Response {
    let start = Instant::now();
    let outcome = attempt(service, request).await;
    let elapsed_s = start.elapsed().as_secs_f64();
    match outcome {
        Ok(answer) => {
            tracing::info!(faces = answer.faces, elapsed_s, "answered");
            let content_type = HeaderValue::from_static(answer.content_type);
            ([(header::CONTENT_TYPE, content_type)], answer.body).into_response()
        }
        Err(failure) => {
            let (status, why) = failure.explain();
            tracing::warn!(status = status.as_u16(), elapsed_s, "failed: {why}");
            (status, Json(serde_json::json!({ "error": why }))).into_response()
        }
    }
}

async fn attempt(service: Arc<Service>, request: Request) -> Result<Answer, Failure> {
    let place = Arc::clone(&service.places).try_acquire_owned().map_err(|_| Failure::Busy)?;
    let body_timeout = Duration::from_secs(u64::from(service.settings.body_timeout_s));
    let body = timeout(body_timeout, Bytes::from_request(request, &()))
        .await
        .map_err(|_| Failure::SlowBody)?
        .map_err(Failure::Body)?;
    let processor = Arc::clone(&service.processors).acquire_owned().await.map_err(|_| Failure::Busy)?;
    let permits: [OwnedSemaphorePermit; 2] = [place, processor];
    let work = spawn_blocking(move || {
        // Held by the work, not by the request: if the client goes away, the work still counts.
        let _permits = permits;
        service.function.call(&body)
    });
    work.await.map_err(|_| Failure::Panicked)?.map_err(Failure::Function)
}

enum Failure {
    Busy,
    SlowBody,
    Body(BytesRejection),
    Function(FunctionError),
    Panicked,
}

impl Failure {
    fn explain(&self) -> (StatusCode, String) {
        match self {
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "too many calls in hand".to_owned()),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned()),
            Self::Body(rejection) => (rejection.status(), rejection.body_text()),
            Self::Function(error) => {
                let status = StatusCode::from_u16(error.http_status());
                (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.to_string())
            }
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "the call broke".to_owned()),
        }
    }
}
