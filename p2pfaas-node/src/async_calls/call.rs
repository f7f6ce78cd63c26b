//! A call and its result, as they are kept.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use p2pfaas_core::wire::ErrorCode;
use serde::{Deserialize, Serialize};

use crate::api::error::WireError;

/// A call that is answered later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub function: String,
    pub payload: Vec<u8>,
    pub content_type: Option<Vec<u8>>,
    pub tracing: String,
    pub task_type: u16,
    /// In milliseconds since 1970: the deadline goes on while the node is down.
    pub deadline_ms: Option<u64>,
}

impl Call {
    /// Time until its deadline at a moment; `None`: it has none.
    pub(super) fn left(&self, now_ms: u64) -> Option<Duration> {
        self.deadline_ms.map(|deadline| Duration::from_millis(deadline.saturating_sub(now_ms)))
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// The function answered with success.
    Served,
    /// It did not, or the policy refused the job, or its deadline passed before there was room.
    Failed,
    /// The node crashed while it was under way.
    Unknown,
}

impl Outcome {
    /// As the header says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Served => "served",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        }
    }
}

/// A result, as it is kept until it is fetched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub outcome: Outcome,
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Stored {
    /// Of the answer that a client would have got at once.
    pub(super) async fn of(outcome: Outcome, answer: Response) -> Stored {
        let (parts, body) = answer.into_parts();
        let headers = parts.headers.iter();
        Stored {
            outcome,
            status: parts.status.as_u16(),
            headers: headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
            // Made in this process, of a size that is bounded.
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec(),
        }
    }

    /// Of a call that was under way when the node crashed.
    pub(super) fn unknown() -> Stored {
        let message = "outcome unknown: the node crashed while the call was under way, and its function is not declared \
                       idempotent";
        Stored::error(Outcome::Unknown, &WireError::new(ErrorCode::Generic, message))
    }

    pub(super) fn error(outcome: Outcome, error: &WireError) -> Stored {
        Stored {
            outcome,
            status: error.status().as_u16(),
            headers: vec![(header::CONTENT_TYPE.to_string(), b"application/json".to_vec())],
            body: error.body(),
        }
    }

    /// The answer that a client gets, with a header that tells the outcome.
    pub(crate) fn answer(self, outcome_header: HeaderName) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
                response.headers_mut().append(name, value);
            }
        }
        response.headers_mut().insert(outcome_header, HeaderValue::from_static(self.outcome.name()));
        response
    }
}
