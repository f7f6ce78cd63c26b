//! `/peer/function/{function}`: a job that a peer forwards to this node (fact sheet 1.5).
//!
//! Every answer has a `peers_list`: an old scheduler dies of one without.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::Body;
use p2pfaas_core::wire::{ErrorCode, MACHINE_USER_AGENT, PeerJobRequest, headers};
use p2pfaas_core::{Arrival, PolicyChoice, Source};

use super::answer::{peer_answer, peer_error, signed};
use super::error::WireError;
use super::function::{find, read_body, refuse_when_draining, text};
use super::names;
use super::server::Remote;
use crate::drive::drive;
use crate::executor::FunctionCall;
use crate::functions::RegisteredFunction;
use crate::security::Message;
use crate::shared::Shared;
use crate::trace::Trace;

/// Run or pass on a job of a peer.
#[utoipa::path(
    post, path = "/peer/function/{function}", tag = "peers",
    params(
        ("function" = String, Path, description = "Name of a registered function"),
        ("User-Agent" = String, Header, description = "`Machine`"),
    ),
    request_body(content = String, content_type = "application/json", description = "Job with base64 payload, hops and path"),
    responses(
        (status = 200, description = "`{peers_list, body, status_code}`, executor first, body as base64"),
        (status = 400, description = "The same form, as with all errors here; the message cannot be read (code 4 in its body)"),
        (status = 401, description = "Not signed, or not so that it can be believed (code 1)"),
        (status = 404, description = "No such function (code 3)"),
        (status = 413, description = "The message is too large (code 4)"),
        (status = 500, description = "Dropped (code 400), forward failed (403), or the function failed (1); to others than machines plain `{code, message}`"),
        (status = 503, description = "Rejected by the policy (code 401), or the node is shutting down (1)"),
    )
)]
pub(crate) async fn call(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, WireError> {
    let remote = request.extensions().get::<Remote>().map(|remote| remote.0);
    call_function(&shared, find(&shared, &name), remote, request).await
}

pub(super) async fn call_function<B>(
    shared: &Arc<Shared>,
    function: Result<Arc<RegisteredFunction>, WireError>,
    remote: Option<IpAddr>,
    request: http::Request<B>,
) -> Result<Response, WireError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    let (parts, body) = request.into_parts();
    if text(&parts.headers, &header::USER_AGENT) != Some(MACHINE_USER_AGENT) {
        return Err(WireError::new(
            ErrorCode::Generic,
            "only machines may call this: User-Agent must be Machine",
        ));
    }
    let mut signature = None;
    let job = async {
        // Before any refusal: a peer that is cut off while it sends may never see the answer. Base64
        // makes the message a third larger than its payload.
        let body = read_body(body, shared.max_body_bytes / 3 * 4 + (64 << 10)).await?;
        let call =
            Message { method: &parts.method, path: parts.uri.path(), headers: &parts.headers, body: &body };
        signature = shared.security.check_peer(&call, shared.node_id)?;
        refuse_when_draining(shared)?;
        let function = function?;
        let message: PeerJobRequest = serde_json::from_slice(&body).map_err(|error| {
            WireError::new(ErrorCode::MalformedInput, format!("not a peer's job: {error}"))
        })?;
        let payload = BASE64.decode(&message.payload).map_err(|error| {
            WireError::new(ErrorCode::MalformedInput, format!("the payload is not base64: {error}"))
        })?;
        Ok((function, message, payload))
    };
    let (function, message, payload) = match job.await {
        Ok(job) => job,
        Err(error) => {
            let answer = peer_error(shared, &error);
            return Ok(signed(&shared.security, signature.as_ref(), answer).await);
        }
    };
    let (tracing, id_behind_tracing) =
        headers::split_tracing(text(&parts.headers, &names::TRACING_ID).unwrap_or_default());
    let hops = u32::try_from(message.hops.max(1)).unwrap_or(u32::MAX);
    let id = message.job_id.as_ref().and_then(|id| id.parse().ok());
    let sender = || remote.and_then(|ip| shared.peers.by_ip(&ip.to_string()));
    let (source, id) = match (message.visited_nodes(), id) {
        (Some(visited), Some(id)) => (Source::Peer { sender: None, hops, visited }, Some(id)),
        _ => (Source::ForeignPeer { sender: sender(), hops }, id_behind_tracing),
    };
    let given =
        message.deadline_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    let deadline = match source {
        Source::ForeignPeer { .. } => given.or(function.deadline),
        _ => given,
    };
    let arrival = Arrival {
        source,
        id,
        function: function.id,
        task_type: message.task_type.unwrap_or(0),
        deadline,
        policy: PolicyChoice::Configured,
        told: message.told_load,
    };
    let trace = Trace::from_header(parts.headers.get(&names::TRACEPARENT));
    let content_type = Some(message.content_type.as_str()).filter(|text| !text.is_empty());
    let call = FunctionCall {
        payload: payload.into(),
        content_type: content_type.and_then(|text| HeaderValue::from_str(text).ok()),
        tracing: tracing.to_string(),
        task_type: arrival.task_type,
        traceparent: trace.header(),
    };
    let finished = drive(shared.clone(), function.clone(), arrival, call).await;
    let answer = peer_answer(shared, &function, &trace, finished);
    Ok(signed(&shared.security, signature.as_ref(), answer).await)
}
