//! HTTP/1.1 to functions, peers and gateways: keep-alive connections, bounded answers.
//!
//! hyper's connections with a pool of our own: a request takes the connection that was used last,
//! and a connection that died while it was idle costs a retry on a new one, never a failed job.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;

/// For the opening of a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections kept for one address.
const MAX_IDLE: usize = 256;
/// An idle connection older than this is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A request without a proper answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address names no host, or is not `http`.
    #[error("not an http address: {0}")]
    BadAddress(String),
    /// No connection.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The other side closed or broke the protocol.
    #[error("no proper answer: {0}")]
    BadAnswer(String),
    /// The answer is larger than allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

struct Idle {
    sender: SendRequest<Full<Bytes>>,
    since: Instant,
}

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub struct Client {
    idle: Arc<Mutex<HashMap<Authority, Vec<Idle>>>>,
    max_answer_bytes: usize,
}

impl Client {
    /// A client whose answers may have this many bytes.
    pub fn new(max_answer_bytes: usize) -> Self {
        Client { idle: Arc::default(), max_answer_bytes }
    }

    /// Sends a request to its absolute `http://` URI and reads the answer. No time-out: the caller
    /// drops the future, and the connection with it.
    ///
    /// # Errors
    /// See [`ClientError`]; nothing is sent twice unless it is certain that it was not sent.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let authority = match (request.uri().authority(), request.uri().scheme_str()) {
            (Some(authority), Some("http")) => authority.clone(),
            _ => return Err(ClientError::BadAddress(request.uri().to_string())),
        };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = path.parse().map_err(|_| ClientError::BadAddress(request.uri().to_string()))?;
        *request.uri_mut() = path;
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            request.headers_mut().insert(http::header::HOST, host);
        }
        let mut request = request.map(Full::new);
        loop {
            let (mut sender, fresh) = match self.take(&authority) {
                Some(sender) => (sender, false),
                None => (connect(&authority).await?, true),
            };
            if sender.ready().await.is_err() && !fresh {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return self.read(&authority, sender, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(ClientError::BadAnswer(describe(error.error()))),
                },
            }
        }
    }

    async fn read(
        &self,
        authority: &Authority,
        sender: SendRequest<Full<Bytes>>,
        response: Response<hyper::body::Incoming>,
    ) -> Result<Response<Bytes>, ClientError> {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.max_answer_bytes).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                ClientError::TooLarge(self.max_answer_bytes)
            } else {
                ClientError::BadAnswer(error.to_string())
            }
        })?;
        self.put_back(authority, sender);
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    fn take(&self, authority: &Authority) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock();
        let connections = idle.get_mut(authority)?;
        while let Some(Idle { sender, since }) = connections.pop() {
            if !sender.is_closed() && since.elapsed() < IDLE_TIMEOUT {
                return Some(sender);
            }
        }
        None
    }

    fn put_back(&self, authority: &Authority, sender: SendRequest<Full<Bytes>>) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.idle.lock();
        let connection = Idle { sender, since: Instant::now() };
        match idle.get_mut(authority) {
            Some(connections) if connections.len() < MAX_IDLE => connections.push(connection),
            Some(_) => {}
            None => {
                idle.insert(authority.clone(), vec![connection]);
            }
        }
    }
}

async fn connect(authority: &Authority) -> Result<SendRequest<Full<Bytes>>, ClientError> {
    let failed = |reason: String| ClientError::Connect { address: authority.to_string(), reason };
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .map_err(|_| failed(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(describe(&error)))?;
    tokio::spawn(async move {
        // What goes wrong on it is seen by the request that uses it.
        let _ = connection.await;
    });
    Ok(sender)
}

fn describe(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
