//! Errors as the wire has them: `{code, message}` with the HTTP status of the code.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use p2pfaas_core::wire::{ErrorBody, ErrorCode};

/// An error that a caller gets.
#[derive(Debug, Clone)]
pub(crate) struct WireError {
    pub code: ErrorCode,
    pub message: String,
}

/// The body of an error, for the description of the interface.
#[derive(utoipa::ToSchema, serde::Serialize)]
pub(crate) struct ErrorMessage {
    /// Code of the error (fact sheet 1.3), for example 400: no room.
    #[allow(dead_code, reason = "described, never built")]
    code: u32,
    /// For people.
    #[allow(dead_code, reason = "described, never built")]
    message: String,
}

impl WireError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        WireError { code, message: message.into() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let body = ErrorBody { code: self.code.code(), message: self.message.clone() };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for WireError {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body().into());
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
