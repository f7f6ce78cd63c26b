//! The requests, of which all but the tracing id is put together before the first is sent.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Authority;
use http::{Response, Uri};
use p2pfaas_core::wire::headers;
use p2pfaas_node::{CallSettings, ClientError, Endpoint};
use p2pfaas_sim::arrivals::Arrival;

use super::{TIME_OUT, Targets};
use crate::emulate::with_demand;
use crate::experiment::Experiment;

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What came back.
pub(super) type Answer = Response<Bytes>;

/// A job without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("no answer within {} s", TIME_OUT.as_secs())]
    TimedOut,
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("there is no host in the address {0}")]
    NoHost(Uri),
}

/// All requests that may have to be sent.
pub(super) struct Requests {
    /// By node, then by task type.
    functions: Vec<Vec<Function>>,
    /// By task type.
    payloads: Vec<Vec<Payload>>,
}

/// A task type's function on a node.
struct Function {
    /// `Err`: the address, which cannot be called.
    endpoint: Result<Endpoint, Uri>,
    /// From the request line to the tracing id.
    head: Vec<u8>,
}

struct Payload {
    /// From the tracing id to the empty line.
    tail: Vec<u8>,
    body: Bytes,
}

impl Requests {
    /// `room`: so many may be under way at once, to whichever node.
    pub(super) fn new(experiment: &Experiment, targets: &Targets, room: usize) -> Requests {
        let settings = CallSettings {
            connect_timeout: CONNECT_TIMEOUT,
            max_idle: room,
            ..CallSettings::new(MAX_ANSWER_BYTES)
        };
        let function = |(task_type, uri): (usize, &Uri), endpoint: &Result<Endpoint, Uri>| Function {
            endpoint: endpoint.clone(),
            head: head(uri, task_type, experiment.jobs[task_type].deadline_s),
        };
        let node = |uris: &Vec<Uri>| {
            // One endpoint a node, so that task types share its connections.
            let first = uris.first().and_then(Uri::authority);
            let shared = first.map(|authority| Endpoint::new(authority, settings));
            let endpoint = |uri: &Uri| match uri.authority() {
                Some(authority) if Some(authority) == first => shared.clone().ok_or_else(|| uri.clone()),
                Some(authority) => Ok(Endpoint::new(authority, settings)),
                None => Err(uri.clone()),
            };
            uris.iter().enumerate().map(|(index, uri)| function((index, uri), &endpoint(uri))).collect()
        };
        let payload = |body: &Bytes| Payload { tail: tail(body), body: body.clone() };
        Requests {
            functions: targets.functions.iter().map(node).collect(),
            payloads: targets.payloads.iter().map(|all| all.iter().map(payload).collect()).collect(),
        }
    }

    /// Sends a job to its node and waits for the whole answer.
    pub(super) async fn send(&self, arrival: &Arrival, tag: &str) -> Result<Answer, CallError> {
        let task_type = usize::from(arrival.task_type);
        let Function { endpoint, head } = &self.functions[arrival.node as usize][task_type];
        let endpoint = endpoint.as_ref().map_err(|uri| CallError::NoHost(uri.clone()))?;
        let payloads = &self.payloads[task_type];
        let Payload { tail, body } = &payloads[arrival.payload as usize % payloads.len()];
        let mut tracing = String::with_capacity(tag.len() + 48);
        // Writing to a text cannot fail.
        let _ = write!(tracing, "{tag}-{}", arrival.number);
        let tracing = with_demand(tracing, arrival.service_s);
        let parts = [head.as_slice(), tracing.as_bytes(), tail];
        let answer = tokio::time::timeout(TIME_OUT, endpoint.send_raw(&parts, body)).await;
        Ok(answer.map_err(|_| CallError::TimedOut)??)
    }
}

fn head(uri: &Uri, task_type: usize, deadline_s: Option<f64>) -> Vec<u8> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", Authority::as_str);
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{}: {task_type}\r\n", headers::TASK_TYPE);
    if let Some(deadline_s) = deadline_s {
        let _ = write!(head, "{}: {deadline_s:.6}\r\n", headers::DEADLINE);
    }
    head += headers::TRACING_ID;
    head += ": ";
    head.into_bytes()
}

fn tail(body: &Bytes) -> Vec<u8> {
    let (kind, length) = (content_type(body), body.len());
    format!("\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

fn content_type(payload: &[u8]) -> &'static str {
    match payload {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        _ => "application/octet-stream",
    }
}

/// Where a node offers a function. `node` is `host:port`.
///
/// # Errors
/// The name cannot stand in an address.
pub fn function_uri(node: &str, function: &str) -> Result<Uri, http::Error> {
    Uri::builder().scheme("http").authority(node).path_and_query(format!("/function/{function}")).build()
}
