//! What runs a function: an HTTP container, an OpenFaaS gateway, or something built in.

pub(crate) mod builtin;
mod container;
pub(crate) mod openfaas;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

pub use builtin::builtin;
pub use container::HttpContainer;
pub(crate) use container::is_of_function;
pub use openfaas::{Credentials, Deployment, OpenFaas, ScaleDelay};

/// One call of a function.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// What the client sent.
    pub payload: Bytes,
    /// Its content type.
    pub content_type: Option<HeaderValue>,
    /// The tracing text of the job, without our job id.
    pub tracing: String,
    /// The job's task type.
    pub task_type: u16,
    /// W3C trace context to pass on.
    pub traceparent: Option<HeaderValue>,
}

/// What a function answered.
#[derive(Debug, Clone)]
pub struct FunctionAnswer {
    /// Its status; it comes through to the client.
    pub status: StatusCode,
    /// Its `Content-Type` and `X-` headers; they come through to the client.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl FunctionAnswer {
    /// A 200 answer.
    pub fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        FunctionAnswer { status: StatusCode::OK, headers, body: body.into() }
    }
}

/// A function that gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// It cannot be reached.
    #[error("cannot reach the function at {address}: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// Why not.
        reason: String,
    },
    /// It answered something that is not an HTTP answer, or too much.
    #[error("the function's answer cannot be used: {0}")]
    BadAnswer(String),
    /// It stopped working.
    #[error("the function failed: {0}")]
    Failed(String),
}

/// A call under way.
pub type Execution = Pin<Box<dyn Future<Output = Result<FunctionAnswer, ExecuteError>> + Send>>;

/// Runs a function. Time-outs are the node's: it drops the call.
pub trait Executor: Send + Sync + 'static {
    /// Starts one call.
    fn execute(&self, call: FunctionCall) -> Execution;
}

/// A function that a node offers.
#[derive(Clone)]
pub struct Function {
    /// Its name in `/function/{name}`.
    pub name: String,
    /// What runs it.
    pub executor: Arc<dyn Executor>,
    /// Deadline of its jobs that bring none.
    pub deadline: Option<Duration>,
    /// Whether running it twice does no more than running it once: then a call that is answered later is run again
    /// after a crash.
    pub idempotent: bool,
}

impl Function {
    /// A function without a deadline, of which nobody has said that it may be run twice.
    pub fn new(name: impl Into<String>, executor: Arc<dyn Executor>) -> Self {
        Function { name: name.into(), executor, deadline: None, idempotent: false }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).field("deadline", &self.deadline).finish()
    }
}
