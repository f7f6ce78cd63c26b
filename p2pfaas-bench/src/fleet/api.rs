//! Calls to the HTTP interfaces of a node: ours, or an old one.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::{DiscoveryConfiguration, ErrorBody, Machine, SchedulerConfiguration, headers};
use p2pfaas_node::{CallSettings, Client, ClientError};
use serde::de::DeserializeOwned;

/// For an answer about a node.
const TIME_OUT: Duration = Duration::from_secs(5);
/// For the answer of a function.
const FUNCTION_TIME_OUT: Duration = Duration::from_secs(30);
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// Letters of an answer that stand in a message.
const MAX_QUOTED: usize = 200;

/// A token that lets its bearer change nodes.
#[derive(Debug, Clone)]
pub struct Token(HeaderValue);

/// A file without a token.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}; expected a file with a token that the nodes know, and nothing else")]
pub struct TokenError {
    path: String,
    reason: String,
}

impl Token {
    /// Reads it from a file.
    ///
    /// # Errors
    /// It cannot be read, or has something else in it.
    pub fn load(path: &Path) -> Result<Token, TokenError> {
        let wrong = |reason: String| TokenError { path: path.display().to_string(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("this is not one token".into()));
        }
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|error| wrong(error.to_string()))?;
        value.set_sensitive(true);
        Ok(Token(value))
    }
}

/// A call without a proper answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot be asked: {0}")]
    Request(#[from] http::Error),
    #[error("it answers {status}{message}")]
    Status { status: StatusCode, message: String },
    #[error("its answer to {path} is not what a node says: {reason}")]
    Answer { path: &'static str, reason: serde_json::Error },
}

/// Asks and tells nodes.
pub(super) struct Api {
    client: Client,
    /// Goes with each call, where the nodes ask for one.
    authorization: Option<HeaderValue>,
}

impl Api {
    pub(super) fn new(token: Option<&Token>) -> Api {
        let settings = CallSettings { all_headers: true, ..CallSettings::new(MAX_ANSWER_BYTES) };
        Api { client: Client::new(settings), authorization: token.map(|token| token.0.clone()) }
    }

    /// Name and version, with the headers of the answer.
    pub(super) async fn hello(&self, node: SocketAddr) -> Result<(serde_json::Value, HeaderMap), ApiError> {
        let response = self.get(node, "/").await?;
        Ok((json("/", &response)?, response.headers().clone()))
    }

    /// Whether it is one of ours, which tell an identity with their load.
    pub(super) async fn is_ours(&self, node: SocketAddr) -> Result<bool, ApiError> {
        Ok(self.get(node, "/monitoring/load").await?.headers().contains_key(headers::NODE_ID))
    }

    pub(super) async fn configuration(&self, node: SocketAddr) -> Result<SchedulerConfiguration, ApiError> {
        json("/configuration", &self.get(node, "/configuration").await?)
    }

    pub(super) async fn policy(&self, node: SocketAddr) -> Result<Descriptor, ApiError> {
        json("/configuration/scheduler", &self.get(node, "/configuration/scheduler").await?)
    }

    /// The machines that its discovery knows.
    pub(super) async fn machines(&self, discovery: SocketAddr) -> Result<Vec<Machine>, ApiError> {
        json("/list", &self.get(discovery, "/list").await?)
    }

    /// Who its discovery says that it is.
    pub(super) async fn identity(&self, discovery: SocketAddr) -> Result<DiscoveryConfiguration, ApiError> {
        json("/configuration", &self.get(discovery, "/configuration").await?)
    }

    /// Calls a function on this very node, past its policy.
    pub(super) async fn call(
        &self,
        node: SocketAddr,
        function: &str,
        payload: Bytes,
    ) -> Result<(), ApiError> {
        let request = Request::post(format!("http://{node}/function/{function}"));
        let request = request.header(headers::BYPASS, "true").body(payload)?;
        self.send(request, FUNCTION_TIME_OUT).await.map(drop)
    }

    /// Decisions of the fallback policy since the node started; `None` where it does not count them.
    pub(super) async fn fallbacks(&self, node: SocketAddr) -> Option<u64> {
        let metrics = self.get(node, "/metrics").await.ok()?;
        let text = std::str::from_utf8(metrics.body()).ok()?;
        text.lines()
            .find_map(|line| line.strip_prefix(FALLBACKS)?.trim().parse::<f64>().ok())
            .map(|count| count as u64)
    }

    pub(super) async fn set_configuration(
        &self,
        node: SocketAddr,
        change: &serde_json::Value,
    ) -> Result<(), ApiError> {
        self.post(node, "/configuration", change.to_string()).await
    }

    pub(super) async fn set_policy(&self, node: SocketAddr, policy: &Descriptor) -> Result<(), ApiError> {
        // Cannot fail: a name and texts.
        let body = serde_json::to_string(policy).unwrap_or_default();
        self.post(node, "/configuration/scheduler", body).await
    }

    async fn get(&self, node: SocketAddr, path: &str) -> Result<Response<Bytes>, ApiError> {
        let request = Request::get(format!("http://{node}{path}")).body(Bytes::new())?;
        self.send(request, TIME_OUT).await
    }

    async fn post(&self, node: SocketAddr, path: &str, body: String) -> Result<(), ApiError> {
        let request = Request::builder().method(Method::POST).uri(format!("http://{node}{path}"));
        let request = request.header(http::header::CONTENT_TYPE, "application/json").body(body.into())?;
        self.send(request, TIME_OUT).await.map(drop)
    }

    async fn send(
        &self,
        mut request: Request<Bytes>,
        time_out: Duration,
    ) -> Result<Response<Bytes>, ApiError> {
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(http::header::AUTHORIZATION, value.clone());
        }
        let answer = tokio::time::timeout(time_out, self.client.send(request)).await;
        let response = answer.map_err(|_| ApiError::TimedOut(time_out))??;
        let status = response.status();
        if !status.is_success() {
            return Err(ApiError::Status { status, message: message(response.body()) });
        }
        Ok(response)
    }
}

/// The line of a node's metrics that counts them.
const FALLBACKS: &str = "p2pfaas_node_events_total{event=\"fallback\"}";

fn json<T: DeserializeOwned>(path: &'static str, response: &Response<Bytes>) -> Result<T, ApiError> {
    serde_json::from_slice(response.body()).map_err(|reason| ApiError::Answer { path, reason })
}

/// What an error says, as a node or anybody else puts it.
fn message(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<ErrorBody>(body) {
        Ok(error) => format!("{} (code {})", error.message, error.code),
        Err(_) => String::from_utf8_lossy(body).trim().chars().take(MAX_QUOTED).collect(),
    };
    if text.is_empty() { text } else { format!(": {text}") }
}
