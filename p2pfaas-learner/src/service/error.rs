//! Errors as the wire has them: `{code, message}`.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use p2pfaas_core::wire::{ErrorBody, ErrorCode};

use super::access::Refusal;

/// An error that a caller gets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ApiError {
    status: StatusCode,
    code: ErrorCode,
    message: String,
    retry_after: Option<Duration>,
}

/// The body of an error, for the description of the interface.
#[derive(utoipa::ToSchema, serde::Serialize)]
pub(super) struct ErrorMessage {
    /// Code of the error (fact sheet 1.3), for example 4: malformed input.
    #[allow(dead_code, reason = "described, never built")]
    code: u32,
    /// For people.
    #[allow(dead_code, reason = "described, never built")]
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        ApiError { status, code, message: message.into(), retry_after: None }
    }

    /// What was sent cannot be used.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::MalformedInput, message)
    }

    /// More was sent than is taken.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::BodyTooLarge, message)
    }

    /// It may not be done.
    pub fn refused(refusal: Refusal) -> Self {
        let code = refusal.code();
        let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::FORBIDDEN);
        Self::new(status, code, refusal.to_string())
    }

    /// What was sent did not arrive in time.
    pub fn too_slow() -> Self {
        let message = "the body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::MalformedInput, message)
    }

    /// There is no room for experiences now.
    pub fn full(message: impl Into<String>, retry_after: Duration) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::NoRoom, message);
        ApiError { retry_after: Some(retry_after), ..error }
    }

    /// The agent has no action.
    pub fn no_action(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::NoAction, message)
    }

    /// The disk does not do what it should.
    pub fn disk(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Database, message)
    }

    /// Something that should not happen.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Generic, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { code: self.code.code(), message: self.message };
        let mut response = Response::new(serde_json::to_vec(&body).unwrap_or_default().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
