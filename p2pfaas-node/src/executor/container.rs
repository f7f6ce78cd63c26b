//! A function behind HTTP: `POST` with the payload, as the reference calls its containers.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Uri, header};

use super::{ExecuteError, Execution, Executor, FunctionAnswer, FunctionCall};
use crate::client::{Client, ClientError};

/// Calls a function container.
#[derive(Clone)]
pub struct HttpContainer {
    uri: Uri,
    client: Client,
}

impl HttpContainer {
    /// For the function at this `http://` address, whose answers may have this many bytes.
    pub fn new(uri: &Uri, max_answer_bytes: usize) -> Self {
        HttpContainer { uri: uri.clone(), client: Client::new(max_answer_bytes) }
    }
}

impl Executor for HttpContainer {
    fn execute(&self, call: FunctionCall) -> Execution {
        let HttpContainer { uri, client } = self.clone();
        Box::pin(async move { post(&client, uri, call, HeaderMap::new()).await })
    }
}

/// Posts a call, with these headers besides its own.
pub(crate) async fn post(
    client: &Client,
    uri: Uri,
    call: FunctionCall,
    headers: HeaderMap,
) -> Result<FunctionAnswer, ExecuteError> {
    let address = uri.clone();
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
    answer(client.send(request).await, &address)
}

/// The function's answer, with the headers that come through to the client.
pub(crate) fn answer(
    response: Result<http::Response<Bytes>, ClientError>,
    address: &Uri,
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
    *name == header::CONTENT_TYPE || name.as_str().starts_with("x-")
}
