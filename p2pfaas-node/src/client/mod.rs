//! HTTP/1.1 to functions, peers and gateways: keep-alive connections, bounded answers.
//!
//! Not hyper's client: a node makes one such call for each that it gets, and the channels between
//! hyper's request, connection task and body cost as much as the rest of the node together (measured
//! on the path of a call). A connection here is used by the task that needs the answer, on the
//! thread to whose reactor it belongs, and nothing else. httparse reads the heads. The load generator
//! of `p2pfaas run` sends its jobs through it as well.

mod body;
mod connection;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response};
use parking_lot::Mutex;
use tokio::net::TcpStream;

use connection::Connection;

/// For the opening of a connection, unless the client is told otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Idle connections kept for one address, unless the client is told otherwise.
const MAX_IDLE: usize = 256;
/// Connections that have been idle for too long are closed a few at a time: many at once take long.
const CLOSED_AT_ONCE: usize = 4;
/// Addresses kept, as long as some of them are out of use.
const MAX_ENDPOINTS: usize = 1_024;
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

/// How a client treats its calls.
#[derive(Debug, Clone, Copy)]
pub struct CallSettings {
    /// Bytes of an answer's body; a larger one is refused.
    pub max_answer_bytes: usize,
    /// For the opening of a connection.
    pub connect_timeout: Duration,
    /// Idle connections kept for one address. A port stays taken for a minute after a connection was
    /// closed, so who opens many should keep them.
    pub max_idle: usize,
    /// Keep all headers of an answer, and not only those that a node reads: `Content-Type`, `X-…`
    /// and `P2pfaas-…`.
    pub all_headers: bool,
}

impl CallSettings {
    /// Of answers that may have this many bytes; everything else by default.
    pub fn new(max_answer_bytes: usize) -> Self {
        CallSettings {
            max_answer_bytes,
            connect_timeout: CONNECT_TIMEOUT,
            max_idle: MAX_IDLE,
            all_headers: false,
        }
    }
}

/// Connections to many addresses. Clones share them.
#[derive(Clone)]
pub struct Client {
    endpoints: Arc<Mutex<HashMap<Authority, Endpoint>>>,
    settings: CallSettings,
}

impl Client {
    /// A client without connections.
    pub fn new(settings: CallSettings) -> Self {
        Client { endpoints: Arc::default(), settings }
    }

    /// Sends a request to its absolute `http://` URI and reads the answer. No time-out: the caller
    /// drops the future, and the connection with it.
    ///
    /// # Errors
    /// See [`ClientError`]; nothing is sent twice.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        match (request.uri().authority(), request.uri().scheme_str()) {
            (Some(authority), Some("http")) => self.endpoint(authority).send(request).await,
            _ => Err(ClientError::BadAddress(request.uri().to_string())),
        }
    }

    fn endpoint(&self, authority: &Authority) -> Endpoint {
        let mut endpoints = self.endpoints.lock();
        if let Some(endpoint) = endpoints.get(authority) {
            return endpoint.clone();
        }
        if endpoints.len() >= MAX_ENDPOINTS {
            endpoints.retain(|_, endpoint| endpoint.is_in_use());
        }
        let endpoint = Endpoint::new(authority, self.settings);
        endpoints.insert(authority.clone(), endpoint.clone());
        endpoint
    }
}

/// Connections to one address. Clones share them.
#[derive(Clone)]
pub struct Endpoint(Arc<EndpointInner>);

struct EndpointInner {
    authority: Authority,
    idle: Mutex<Vec<Idle>>,
    settings: CallSettings,
}

struct Idle {
    connection: Connection,
    since: Instant,
    thread: ThreadId,
}

impl Endpoint {
    /// Connections to an address, of which there are none yet.
    pub fn new(authority: &Authority, settings: CallSettings) -> Self {
        Endpoint(Arc::new(EndpointInner { authority: authority.clone(), idle: Mutex::default(), settings }))
    }

    /// As [`Client::send`]; of the request's URI only the path counts.
    ///
    /// # Errors
    /// See [`ClientError`]; nothing is sent twice.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let mut connection = self.connection().await?;
        connection.write_head_of(self.0.authority.as_str(), &request);
        self.finish(connection, request.body()).await
    }

    /// Sends a request whose head the caller has put together, for calls that are all alike: from the
    /// request line to the empty line, `host` and `content-length` included. The parts are sent one
    /// after the other.
    ///
    /// # Errors
    /// See [`ClientError`]; nothing is sent twice.
    pub async fn send_raw(&self, head: &[&[u8]], body: &Bytes) -> Result<Response<Bytes>, ClientError> {
        let mut connection = self.connection().await?;
        connection.write_head(head);
        self.finish(connection, body).await
    }

    async fn connection(&self) -> Result<Connection, ClientError> {
        match self.take() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    async fn finish(&self, mut connection: Connection, body: &Bytes) -> Result<Response<Bytes>, ClientError> {
        let (response, reusable) = connection.exchange(body, &self.0.settings).await?;
        if reusable {
            self.put_back(connection);
        }
        Ok(response)
    }

    /// Whether a call is under way, or a connection has been used lately.
    fn is_in_use(&self) -> bool {
        let recently = |idle: &Idle| idle.since.elapsed() < IDLE_TIMEOUT;
        Arc::strong_count(&self.0) > 1 || self.0.idle.lock().iter().any(recently)
    }

    /// The connection of this thread that was used last and still lives.
    fn take(&self) -> Option<Connection> {
        let this_thread = std::thread::current().id();
        let mut idle = self.0.idle.lock();
        loop {
            let place = idle.iter().rposition(|idle| idle.thread == this_thread)?;
            let Idle { connection, since, .. } = idle.remove(place);
            if since.elapsed() < IDLE_TIMEOUT && connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    fn put_back(&self, connection: Connection) {
        let now = Instant::now();
        let mut idle = self.0.idle.lock();
        // The oldest come first, whichever thread they belong to.
        let too_old = |idle: &&Idle| now.duration_since(idle.since) >= IDLE_TIMEOUT;
        let closed = idle.iter().take(CLOSED_AT_ONCE).take_while(too_old).count();
        idle.drain(..closed);
        if idle.len() < self.0.settings.max_idle {
            idle.push(Idle { connection, since: now, thread: std::thread::current().id() });
        }
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let authority = &self.0.authority;
        let failed = |reason: String| ClientError::Connect { address: authority.to_string(), reason };
        let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let timeout = self.0.settings.connect_timeout;
        let stream = tokio::time::timeout(timeout, TcpStream::connect(address))
            .await
            .map_err(|_| failed(format!("no answer within {} s", timeout.as_secs_f64())))?
            .map_err(|error| failed(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
        Ok(Connection::new(stream))
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) use connection::fuzz;

#[cfg(test)]
mod tests;
