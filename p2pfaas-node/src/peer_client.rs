//! Calls to other schedulers: probes and forwards, as old nodes make them (fact sheet 1.2, 1.5).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use p2pfaas_core::offers::Question;
use p2pfaas_core::wire::{
    ErrorBody, ErrorCode, MACHINE_USER_AGENT, PeerJobRequest, PeerJobResponse, headers,
};
use p2pfaas_core::{Forward, ForwardAnswer, NodeId, PeerId, PeerLoad};
use parking_lot::RwLock;

use crate::client::{CallSettings, Client, ClientError};
use crate::drive::Probed;
use crate::offers;
use crate::security::Security;

/// A job on its way to a peer.
pub(crate) struct ForwardJob {
    pub function: Arc<str>,
    pub payload: Bytes,
    pub content_type: Option<HeaderValue>,
    pub tracing: String,
    pub traceparent: Option<HeaderValue>,
    pub forward: Forward,
}

/// What a peer said about a forwarded job.
pub(crate) enum PeerAnswer {
    /// A proper answer.
    Proper { response: PeerJobResponse, status: StatusCode, body: Bytes, outcome: ForwardAnswer },
    /// None, or nonsense.
    Improper { reason: String },
    /// Nothing of the job has been sent.
    NotReached { reason: String },
}

impl PeerAnswer {
    pub(crate) fn outcome(&self) -> ForwardAnswer {
        match self {
            PeerAnswer::Proper { outcome, .. } => *outcome,
            PeerAnswer::Improper { .. } => ForwardAnswer::NoAnswer,
            PeerAnswer::NotReached { .. } => ForwardAnswer::NotReached,
        }
    }
}

/// A call of a peer without an answer that can be believed.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("its answer is not signed with the cluster's key")]
    NotBelieved,
}

impl CallError {
    /// Nothing has been sent, so that nothing can have begun there.
    fn is_unsent(&self) -> bool {
        matches!(self, CallError::Client(ClientError::Connect { .. } | ClientError::BadAddress(_)))
    }
}

/// The peers' addresses by their numbers, and connections to them.
pub(crate) struct PeerClient {
    client: Client,
    addresses: RwLock<Vec<Known>>,
    security: Arc<Security>,
}

/// A peer as it can be called.
#[derive(Clone)]
struct Known {
    address: Option<Authority>,
    /// It is signed for, once it has told it.
    node: Option<NodeId>,
}

impl PeerClient {
    pub(crate) fn new(max_answer_bytes: usize, security: Arc<Security>) -> Arc<Self> {
        // The body travels as base64 inside JSON: a third more, and the timings of the path.
        let max_answer_bytes = max_answer_bytes / 3 * 4 + (64 << 10);
        Arc::new(PeerClient {
            client: Client::new(CallSettings::new(max_answer_bytes)),
            addresses: RwLock::default(),
            security,
        })
    }

    /// The addresses of peers 0, 1, …, and who is known to be there.
    pub(crate) fn set_addresses<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
        node: impl Fn(&str) -> Option<NodeId>,
    ) {
        let known = names.map(|name| Known { address: name.parse().ok(), node: node(name) });
        *self.addresses.write() = known.collect();
    }

    /// The peer at this address, when there is exactly one.
    pub(crate) fn by_ip(&self, ip: &str) -> Option<PeerId> {
        let addresses = self.addresses.read();
        let is_there = |known: &Known| known.address.as_ref().is_some_and(|address| address.host() == ip);
        let mut found = addresses.iter().enumerate().filter(|(_, known)| is_there(known));
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Some(PeerId(index as u32)),
            _ => None,
        }
    }

    fn learn(&self, peer: PeerId, node: Option<NodeId>) {
        let known = self.addresses.read().get(peer.0 as usize).and_then(|known| known.node);
        if node.is_some()
            && node != known
            && let Some(known) = self.addresses.write().get_mut(peer.0 as usize)
        {
            known.node = node;
        }
    }

    fn uri(&self, peer: PeerId, path: &str) -> Option<Uri> {
        let authority = self.addresses.read().get(peer.0 as usize)?.address.clone()?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority);
        parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
        Uri::from_parts(parts).ok()
    }

    fn request(&self, peer: PeerId, method: Method, path: &str, body: Bytes) -> Option<Request<Bytes>> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.uri(peer, path)?;
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(MACHINE_USER_AGENT));
        Some(request)
    }

    /// Asks a peer for its load, and with a question about a job of this function for its offer.
    pub(crate) fn probe(
        self: &Arc<Self>,
        peer: PeerId,
        function: &Arc<str>,
        question: Option<Question>,
    ) -> impl Future<Output = Probed> + Send + use<> {
        let (this, function) = (self.clone(), function.clone());
        async move {
            let mut request = this.request(peer, Method::GET, "/monitoring/load", Bytes::new());
            if let (Some(request), Some(question)) = (&mut request, question) {
                offers::ask(request.headers_mut(), &function, &question);
            }
            let response = match request {
                // Whoever is there now may be another one than before: the answer tells.
                Some(request) => this.send(request, None).await.ok(),
                None => None,
            };
            let answer = response.filter(|response| response.status().is_success());
            let headers = answer.as_ref().map(|response| response.headers());
            let node = headers.and_then(|headers| text(headers, headers::NODE_ID)?.parse().ok());
            this.learn(peer, node);
            Probed { peer, load: headers.and_then(load), offer: headers.and_then(offers::made), node }
        }
    }

    pub(crate) fn forward(
        self: &Arc<Self>,
        job: ForwardJob,
    ) -> impl Future<Output = PeerAnswer> + Send + use<> {
        let this = self.clone();
        async move {
            let peer = job.forward.peer;
            let Some(request) = this.forward_request(job) else {
                return PeerAnswer::NotReached { reason: "its address cannot be used".into() };
            };
            let to = this.addresses.read().get(peer.0 as usize).and_then(|known| known.node);
            match this.send(request, to).await {
                Ok(response) => peer_answer(&response),
                Err(error) if error.is_unsent() => PeerAnswer::NotReached { reason: error.to_string() },
                Err(error) => PeerAnswer::Improper { reason: error.to_string() },
            }
        }
    }

    fn forward_request(&self, job: ForwardJob) -> Option<Request<Bytes>> {
        let ForwardJob { function, payload, content_type, tracing, traceparent, forward } = job;
        let content_type_text =
            content_type.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        let message = PeerJobRequest {
            service_id_request: forward.id.number,
            service_id_tracing: tracing.clone(),
            function_name: function.to_string(),
            hops: i64::from(forward.hops),
            peers_list: None,
            payload: BASE64.encode(&payload),
            content_type: content_type_text.to_string(),
            headers: None,
            job_id: Some(forward.id.to_string()),
            visited: Some(forward.visited.iter().map(NodeId::to_string).collect()),
            task_type: Some(forward.task_type),
            deadline_seconds: forward.deadline.map(|left| left.as_secs_f64()),
            told_load: forward.told,
        };
        let body = serde_json::to_vec(&message).ok()?;
        let path = format!("/peer/function/{function}");
        let mut request = self.request(forward.peer, Method::POST, &path, body.into())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let tracing = headers::tracing_with_job(&tracing, forward.id);
        if let Ok(tracing) = HeaderValue::from_str(&tracing) {
            headers.insert(headers::TRACING_ID, tracing);
        }
        if let Some(traceparent) = traceparent.or_else(|| crate::trace::begin(forward.id)) {
            headers.insert("traceparent", traceparent);
        }
        Some(request)
    }

    /// Sends a call, signed where there is a key, and believes an answer that is signed as well.
    async fn send(
        &self,
        mut request: Request<Bytes>,
        to: Option<NodeId>,
    ) -> Result<http::Response<Bytes>, CallError> {
        let signature = self.security.sign(&mut request, to);
        let response = self.client.send(request).await?;
        let (status, headers, body) = (response.status(), response.headers(), response.body());
        match self.security.believes(signature.as_ref(), status, headers, body) {
            true => Ok(response),
            false => Err(CallError::NotBelieved),
        }
    }

    /// One question to a machine's discovery.
    pub(crate) async fn get(
        &self,
        uri: Uri,
        own: HeaderMap,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, String> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri;
        *request.headers_mut() = own;
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(MACHINE_USER_AGENT));
        match tokio::time::timeout(timeout, self.send(request, None)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {timeout:?}")),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn load(headers: &HeaderMap) -> Option<PeerLoad> {
    let number = |name| text(headers, name)?.trim().parse().ok();
    Some(PeerLoad {
        running: number(headers::LOAD)?,
        queued: number(headers::QUEUE_LENGTH)?,
        slots: number(headers::MAX_LOAD).unwrap_or(0),
    })
}

pub(crate) fn peer_answer(response: &http::Response<Bytes>) -> PeerAnswer {
    let improper = |reason: &str| PeerAnswer::Improper { reason: reason.into() };
    let Ok(message) = serde_json::from_slice::<PeerJobResponse>(response.body()) else {
        return improper("its answer is not the JSON of a peer");
    };
    if message.peers_list.as_ref().is_none_or(Vec::is_empty) {
        return improper("its answer has no peers_list");
    }
    let Ok(body) = BASE64.decode(&message.body) else {
        return improper("the body in its answer is not base64");
    };
    // A status without a body cannot carry this message: then it is in the message only.
    let of_function = message.from_function.and(StatusCode::from_u16(message.status_code).ok());
    let status = of_function.unwrap_or(response.status());
    // What it says about the request (4xx) says nothing against the peer.
    let failed = match status.is_client_error() {
        true => ForwardAnswer::FunctionRefused,
        false => ForwardAnswer::FunctionFailed,
    };
    let outcome = if status.is_success() {
        ForwardAnswer::Served
    } else if message.from_function == Some(true) {
        failed
    } else {
        let code = serde_json::from_slice::<ErrorBody>(&body).map(|error| error.code);
        match code {
            Ok(code) if code == ErrorCode::NoRoom.code() => ForwardAnswer::Dropped,
            Ok(code) if code == ErrorCode::Rejected.code() => ForwardAnswer::Rejected,
            // Said before the job began there: no such function, or about to end.
            Ok(_) if message.taken == Some(false) => ForwardAnswer::NotTaken,
            _ => failed,
        }
    };
    // Old executors lose the function's status: any success is 200 to the client.
    let status = if message.from_function.is_none() && status.is_success() { StatusCode::OK } else { status };
    PeerAnswer::Proper { response: message, status, body: body.into(), outcome }
}
