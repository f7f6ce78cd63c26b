//! Sends one job to a node and reads its answer.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use p2pfaas_core::wire::headers;

/// A job without an answer by then has failed.
pub const TIME_OUT: Duration = Duration::from_secs(30);
const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);
/// Connections that wait for their next job, per node; beyond it they are closed after use.
const MAX_IDLE: usize = 256;
/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// An HTTP client with connections that are kept open.
#[derive(Debug, Clone)]
pub struct Client {
    http: HyperClient<HttpConnector, Full<Bytes>>,
}

/// One job as it is sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function at its node.
    pub uri: Uri,
    /// What it sends.
    pub payload: Bytes,
    /// Its task type.
    pub task_type: u16,
    /// Seconds that it has.
    pub deadline_s: Option<f64>,
    /// Travels with the job to whoever runs it.
    pub tracing: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A job without an answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The time-out was over.
    #[error("no answer within {} s", TIME_OUT.as_secs())]
    TimedOut,
    /// The job cannot be put into a request.
    #[error("cannot be sent: {0}")]
    Request(#[from] http::Error),
    /// No connection, or it broke.
    #[error("no connection: {}", chain(.0))]
    Connection(#[from] hyper_util::client::legacy::Error),
    /// The answer's body did not come whole.
    #[error("the answer broke off: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
}

/// An error with its causes, of which hyper keeps the telling ones inside.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Default for Client {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIME_OUT));
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        Client { http }
    }
}

impl Client {
    /// Sends a job and waits for the whole answer.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn call(&self, call: Call) -> Result<Answer, CallError> {
        tokio::time::timeout(TIME_OUT, self.exchange(call)).await.map_err(|_| CallError::TimedOut)?
    }

    async fn exchange(&self, call: Call) -> Result<Answer, CallError> {
        let mut request = Request::post(call.uri)
            .header(header::CONTENT_TYPE, content_type(&call.payload))
            .header(headers::TASK_TYPE, u32::from(call.task_type))
            .header(headers::TRACING_ID, call.tracing);
        if let Some(deadline_s) = call.deadline_s {
            request = request.header(headers::DEADLINE, format!("{deadline_s:.6}"));
        }
        let response = self.http.request(request.body(Full::new(call.payload))?).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(CallError::Body)?;
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

/// Where a node offers a function.
///
/// # Errors
/// The name cannot stand in an address.
pub fn function_uri(node: SocketAddr, function: &str) -> Result<Uri, http::Error> {
    Uri::builder()
        .scheme("http")
        .authority(node.to_string())
        .path_and_query(format!("/function/{function}"))
        .build()
}

fn content_type(payload: &[u8]) -> HeaderValue {
    HeaderValue::from_static(match payload {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        _ => "application/octet-stream",
    })
}
