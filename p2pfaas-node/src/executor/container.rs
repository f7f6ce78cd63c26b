//! A function behind HTTP: `POST` with the payload, as the reference calls its containers.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Request, Uri, header};

use super::{ExecuteError, Execution, Executor, FunctionAnswer, FunctionCall};
use crate::client::{CallSettings, ClientError, Endpoint};

/// Calls a function container.
#[derive(Clone)]
pub struct HttpContainer {
    path: Uri,
    address: Arc<str>,
    endpoint: Endpoint,
}

impl HttpContainer {
    /// For the function at this `http://` address, whose answers may have this many bytes.
    pub fn new(uri: &Uri, max_answer_bytes: usize) -> Self {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().cloned().unwrap_or(Authority::from_static("localhost"));
        HttpContainer {
            path: path.parse().unwrap_or_default(),
            address: uri.to_string().into(),
            endpoint: Endpoint::new(&authority, CallSettings::new(max_answer_bytes)),
        }
    }
}

impl Executor for HttpContainer {
    fn execute(&self, call: FunctionCall) -> Execution {
        let HttpContainer { path, address, endpoint } = self.clone();
        Box::pin(async move {
            let request = post(path, call, HeaderMap::new());
            answer(endpoint.send(request).await, &address)
        })
    }
}

/// A call as a request, with these headers besides its own.
pub(crate) fn post(uri: Uri, call: FunctionCall, headers: HeaderMap) -> Request<Bytes> {
    let mut request = Request::new(call.payload);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if let Some(content_type) = call.content_type {
        request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    }
    if let Some(traceparent) = call.traceparent {
        request.headers_mut().insert(HeaderName::from_static("traceparent"), traceparent);
    }
    request
}

/// The function's answer, with the headers that come through to the client.
pub(crate) fn answer(
    response: Result<http::Response<Bytes>, ClientError>,
    address: &str,
) -> Result<FunctionAnswer, ExecuteError> {
    let response = response.map_err(|error| match error {
        ClientError::Connect { reason, .. } => {
            ExecuteError::Unreachable { address: address.to_string(), reason }
        }
        other => ExecuteError::BadAnswer(other.to_string()),
    })?;
    let (mut parts, body) = response.into_parts();
    if parts.headers.keys().any(|name| !comes_through(name)) {
        let headers = parts.headers.iter().filter(|(name, _)| comes_through(name));
        parts.headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    }
    Ok(FunctionAnswer { status: parts.status, headers: parts.headers, body })
}

fn comes_through(name: &HeaderName) -> bool {
    *name == header::CONTENT_TYPE || is_of_function(name)
}

/// Whether a header is the function's own to set: `X-…`, but not what a node says about a job.
pub(crate) fn is_of_function(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-") && !name.as_str().starts_with("x-p2pfaas-")
}
