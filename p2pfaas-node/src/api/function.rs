//! `/function/{function}`: a client's call.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use p2pfaas_core::wire::ErrorCode;
use p2pfaas_core::{Arrival, PolicyChoice, Source};

use super::answer::{client_answer, client_error};
use super::error::{ErrorMessage, WireError};
use super::names;
use crate::async_calls;
use crate::drive::drive;
use crate::executor::FunctionCall;
use crate::functions::RegisteredFunction;
use crate::shared::Shared;
use crate::trace::Trace;

/// For a caller to send the body of its request.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Call a function.
///
/// The job is run here, forwarded to a peer or rejected, as the policy decides. Status, body,
/// content type and `X-` headers of the function come through; `X-P2pfaas-*` headers tell where the
/// job ran and how long everything took.
#[utoipa::path(
    post, path = "/function/{function}", tag = "functions",
    params(
        ("function" = String, Path, description = "Name of a registered function"),
        ("X-P2pfaas-Deadline-Seconds" = Option<f64>, Header, description = "Seconds until the job is of no use"),
        ("X-Async" = Option<String>, Header, description = "Anything but false: accept it now and answer later, see /async/{id}"),
        ("X-P2pfaas-Scheduler-Learning-Task-Type" = Option<f64>, Header, description = "Index of the task type"),
        ("X-P2pfaas-Scheduler-Task-Tracing-Id" = Option<String>, Header, description = "Text that travels with the job"),
        ("X-P2pfaas-Scheduler-Bypass" = Option<String>, Header, description = "Anything: run it here, drop it when no slot is free"),
        ("X-P2pfaas-Scheduler-Forward" = Option<String>, Header, description = "Anything: forward it to a random peer"),
        ("X-P2pfaas-Scheduler-Reject" = Option<String>, Header, description = "Anything: reject it"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "Payload"),
    responses(
        (status = 200, description = "The function's answer, with the function's own status and content type"),
        (status = 202, description = "With X-Async: accepted, and on disk; the body tells where the result will be"),
        (status = 400, description = "A header that cannot be read", body = ErrorMessage),
        (status = 401, description = "A token is needed", body = ErrorMessage),
        (status = 404, description = "No such function", body = ErrorMessage),
        (status = 413, description = "The payload is too large", body = ErrorMessage),
        (status = 429, description = "More calls than this client may make, or more than can be answered later; see Retry-After", body = ErrorMessage),
        (status = 500, description = "Dropped (code 400), forward failed (403), or the function failed (1)", body = ErrorMessage),
        (status = 503, description = "Rejected by the policy (code 401), or the node is shutting down (1)", body = ErrorMessage),
    )
)]
pub(crate) async fn call(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match find(&shared, &name) {
        Ok(function) => call_function(&shared, function, request).await,
        Err(error) => {
            // See `try_call`; whether it can be read is of no interest any more.
            let _ = read_body(request.into_body(), shared.max_body_bytes).await;
            client_error(&shared, &error)
        }
    }
}

pub(super) async fn call_function<B>(
    shared: &Arc<Shared>,
    function: Arc<RegisteredFunction>,
    request: http::Request<B>,
) -> Response
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    let answer = try_call(shared, function, request).await;
    answer.unwrap_or_else(|error| client_error(shared, &error))
}

async fn try_call<B>(
    shared: &Arc<Shared>,
    function: Arc<RegisteredFunction>,
    request: http::Request<B>,
) -> Result<Response, WireError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    let (parts, body) = request.into_parts();
    // Before any refusal: a caller that is cut off while it sends may never see the answer.
    let payload = read_body(body, shared.max_body_bytes).await?;
    refuse_when_draining(shared)?;
    let headers = &parts.headers;
    let arrival = Arrival {
        source: Source::Client,
        id: None,
        function: function.id,
        task_type: task_type(headers),
        deadline: deadline(headers)?.or(function.deadline),
        policy: policy_choice(headers),
        told: None,
    };
    let trace = Trace::from_header(headers.get(&names::TRACEPARENT));
    let call = FunctionCall {
        payload,
        content_type: headers.get(header::CONTENT_TYPE).cloned(),
        tracing: text(headers, &names::TRACING_ID).unwrap_or_default().to_string(),
        task_type: arrival.task_type,
        traceparent: trace.header(),
    };
    if async_calls::api::is_asked(headers) {
        return async_calls::api::accept(shared, &function, &arrival, call).await;
    }
    let finished = drive(shared.clone(), function.clone(), arrival, call).await;
    Ok(client_answer(shared, &function, &trace, finished))
}

/// Call a function without a payload; the function gets a POST all the same.
#[utoipa::path(
    get, path = "/function/{function}", tag = "functions",
    params(("function" = String, Path, description = "Name of a registered function")),
    responses(
        (status = 200, description = "As for POST"),
        (status = 400, description = "A header that cannot be read", body = ErrorMessage),
        (status = 404, description = "No such function", body = ErrorMessage),
        (status = 413, description = "A payload all the same, and it is too large", body = ErrorMessage),
        (status = 500, description = "As for POST", body = ErrorMessage),
        (status = 503, description = "As for POST", body = ErrorMessage),
    )
)]
pub(crate) async fn call_get(state: State<Arc<Shared>>, path: Path<String>, request: Request) -> Response {
    call(state, path, request).await
}

pub(super) fn refuse_when_draining(shared: &Shared) -> Result<(), WireError> {
    match shared.draining.load(Ordering::Acquire) {
        true => Err(WireError::new(ErrorCode::ShuttingDown, "this node is shutting down")),
        false => Ok(()),
    }
}

pub(super) fn find(shared: &Shared, name: &str) -> Result<Arc<RegisteredFunction>, WireError> {
    shared.functions.get(name).cloned().ok_or_else(|| {
        let known = shared.functions.names().join(", ");
        let message = format!("no function {name:?} is registered at this node; registered are: {known}");
        WireError::new(ErrorCode::NotFound, message)
    })
}

pub(crate) async fn read_body<B>(body: B, max_bytes: usize) -> Result<Bytes, WireError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<axum::BoxError>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max_bytes).collect());
    let Ok(read) = whole.await else {
        let message = format!("the body was not there within {} s", BODY_TIMEOUT.as_secs());
        return Err(WireError::new(ErrorCode::MalformedInput, message));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {max_bytes} bytes (max-body-bytes)");
            Err(WireError::new(ErrorCode::BodyTooLarge, message))
        }
        Err(error) => {
            Err(WireError::new(ErrorCode::MalformedInput, format!("the body cannot be read: {error}")))
        }
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

/// A float in text; 0 when it is missing or no index.
fn task_type(headers: &HeaderMap) -> u16 {
    let number = text(headers, &names::TASK_TYPE).and_then(|text| text.trim().parse::<f64>().ok());
    number.filter(|number| (0.0..=f64::from(u16::MAX)).contains(number)).map_or(0, |number| number as u16)
}

fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, WireError> {
    let Some(text) = text(headers, &names::DEADLINE) else { return Ok(None) };
    let seconds = text.trim().parse::<f64>().ok();
    let span = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    span.map(Some).ok_or_else(|| {
        let message = format!("X-P2pfaas-Deadline-Seconds: expected seconds such as 0.25, got {text:?}");
        WireError::new(ErrorCode::MalformedInput, message)
    })
}

fn policy_choice(headers: &HeaderMap) -> PolicyChoice {
    let asked = |name: &HeaderName| text(headers, name).is_some();
    if asked(&names::BYPASS) {
        PolicyChoice::Bypass
    } else if asked(&names::FORWARD) {
        PolicyChoice::Forward
    } else if asked(&names::REJECT) {
        PolicyChoice::Reject
    } else {
        PolicyChoice::Configured
    }
}
