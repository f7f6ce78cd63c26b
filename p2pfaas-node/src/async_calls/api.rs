//! `X-Async` on a call, and `/async/{id}`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use p2pfaas_core::Arrival;
use p2pfaas_core::wire::ErrorCode;
use serde::Serialize;

use super::{AcceptError, AsyncCalls, Call, CallId, State as CallState};
use crate::api::answer::too_many_calls;
use crate::api::error::{ErrorMessage, WireError};
use crate::clock::unix_ms;
use crate::executor::FunctionCall;
use crate::functions::RegisteredFunction;
use crate::shared::Shared;

/// Request: answer later.
const ASYNC: HeaderName = HeaderName::from_static("x-async");
/// Answer: how a call ended that was answered later.
const OUTCOME: HeaderName = HeaderName::from_static("x-p2pfaas-async-outcome");

/// Before a client may come again that found too many calls here.
const WHEN_FULL: Duration = Duration::from_secs(1);

/// A call that is not over.
#[derive(Serialize, utoipa::ToSchema)]
struct Accepted {
    /// Its id: who has it can fetch the result.
    id: String,
    /// Where the result will be.
    result: String,
}

/// Whether a call is to be answered later.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    headers.get(&ASYNC).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"false"))
}

/// Accepts a call that is answered later.
///
/// # Errors
/// There is no journal, no room, or the disk failed; then the call has not been accepted.
pub(crate) async fn accept(
    shared: &Shared,
    function: &RegisteredFunction,
    arrival: &Arrival,
    call: FunctionCall,
) -> Result<Response, WireError> {
    let calls = calls(shared)?;
    let deadline = arrival.deadline.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let call = Call {
        function: function.name.to_string(),
        payload: call.payload.to_vec(),
        content_type: call.content_type.map(|value| value.as_bytes().to_vec()),
        tracing: call.tracing,
        task_type: arrival.task_type,
        deadline_ms: deadline.map(|left_ms| unix_ms().saturating_add(left_ms)),
    };
    // A client that goes away now may have been promised something: what was begun is done.
    let accepting = calls.clone();
    let accepted = tokio::spawn(async move { accepting.accept(call).await }).await;
    match accepted.map_err(|_| WireError::new(ErrorCode::ShuttingDown, "this node is shutting down"))? {
        Ok(id) => Ok(under_way(id)),
        Err(error @ AcceptError::Full) => Ok(too_many_calls(&error.to_string(), WHEN_FULL)),
        Err(error @ AcceptError::Journal(_)) => Err(database(error)),
    }
}

/// The result of a call that is answered later.
///
/// The function's answer, with its status, once the call is over; `X-P2pfaas-Async-Outcome` tells whether it was served,
/// failed, or whether nobody knows since the node crashed while it was under way.
#[utoipa::path(
    get, path = "/async/{id}", tag = "functions",
    params(("id" = String, Path, description = "What the call was answered with")),
    responses(
        (status = 200, description = "The function's answer, with the function's own status"),
        (status = 202, description = "The call is not over", body = Accepted),
        (status = 404, description = "No such call, or its result is not kept any more", body = ErrorMessage),
    )
)]
pub(crate) async fn result(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, WireError> {
    let id = CallId::parse(&id).ok_or_else(no_such_call)?;
    match calls(&shared)?.state(id).map_err(database)? {
        None => Err(no_such_call()),
        Some(CallState::Open) => Ok(under_way(id)),
        Some(CallState::Over(stored)) => Ok(stored.answer(OUTCOME)),
    }
}

/// Forget a result.
#[utoipa::path(
    delete, path = "/async/{id}", tag = "functions",
    params(("id" = String, Path, description = "What the call was answered with")),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "No such result; of a call that is not over there is none yet", body = ErrorMessage),
    )
)]
pub(crate) async fn forget(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<StatusCode, WireError> {
    let id = CallId::parse(&id).ok_or_else(no_such_call)?;
    match calls(&shared)?.forget(id).await.map_err(database)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_such_call()),
    }
}

fn calls(shared: &Shared) -> Result<&Arc<AsyncCalls>, WireError> {
    shared.async_calls.as_ref().ok_or_else(|| {
        let message =
            "this node can keep nothing, and so answers no call later: it needs a data folder (data)";
        WireError::new(ErrorCode::MalformedInput, message)
    })
}

fn under_way(id: CallId) -> Response {
    let result = format!("/async/{id}");
    let accepted = Accepted { id: id.to_string(), result: result.clone() };
    let body = Bytes::from(serde_json::to_vec(&accepted).unwrap_or_default());
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = (StatusCode::ACCEPTED, [json], body).into_response();
    if let Ok(place) = HeaderValue::from_str(&result) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn no_such_call() -> WireError {
    WireError::new(ErrorCode::NotFound, "no such call, or its result is not kept any more")
}

fn database(error: impl std::fmt::Display) -> WireError {
    WireError::new(ErrorCode::Database, error.to_string())
}
