//! Fetches the picture behind a URL, from public addresses only.
//!
//! Whoever may call the function chooses the URL, and the function sits inside a network that they
//! may not reach: it must not become their arm. The guard is the resolver that the HTTP client
//! uses for every connection, those of redirects too: the addresses that it has let through are
//! the very ones that the client connects to. A name is never looked up a second time, so that a
//! second answer cannot differ from the first.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str;
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use crate::function::{FetchSettings, FunctionError};

/// A chain of redirects longer than this is no picture.
const REDIRECTS_MAX: u32 = 5;
/// No URL of a picture is longer.
const URL_BYTES_MAX: usize = 8192;

/// Whether an address is one of the public internet: not private, loopback, link-local, shared
/// (carrier NAT), multicast, reserved, for documentation, nor an IPv6 address that carries such an
/// IPv4 address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        // 192.0.0/24 protocol assignments, 192.0.2/24 documentation, 192.88.99/24 6to4 relays.
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        // 198.18/15 benchmarks, 198.51.100/24 documentation.
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        // Multicast, reserved, broadcast.
        224.. => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let carried = |high: u16, low: u16| {
        let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(w, x, y, z))
    };
    match (a, b) {
        // NAT64 (64:ff9b::/96) and 6to4 (2002::/16) lead to the IPv4 address in them.
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => carried(g, h),
        (0x2002, _) => carried(b, c),
        // Teredo, benchmarks, ORCHID and other protocol assignments (2001::/23), documentation.
        (0x2001, 0..0x200 | 0xdb8) | (0x3fff, 0..0x1000) => false,
        // All else that is public begins with 001. This leaves out loopback, unspecified,
        // IPv4-mapped (an IPv4 connection in disguise), unique local, link-local, multicast.
        _ => a & 0xe000 == 0x2000,
    }
}

/// Fetches pictures.
pub struct Fetcher {
    agent: Agent,
    bytes_max: usize,
    timeout_s: u32,
}

impl Fetcher {
    pub fn new(settings: FetchSettings, bytes_max: usize) -> Self {
        let allow: fn(SocketAddr) -> bool =
            if settings.allow_private { |_| true } else { |address| is_public(address.ip()) };
        Self::with_guard(settings.timeout_s, bytes_max, allow)
    }

    fn with_guard(
        timeout_s: u32,
        bytes_max: usize,
        allow: impl Fn(SocketAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(u64::from(timeout_s))))
            .max_redirects(REDIRECTS_MAX)
            // A proxy would look up the name itself, out of the guard's sight.
            .proxy(None)
            .accept("image/jpeg, image/png")
            .user_agent("pigo-function")
            .build();
        let guard = Guard { inner: DefaultResolver::default(), allow: Box::new(allow) };
        Self { agent: Agent::with_parts(config, DefaultConnector::default(), guard), bytes_max, timeout_s }
    }

    /// The bytes behind the URL in `body`.
    pub fn fetch(&self, body: &[u8]) -> Result<Vec<u8>, FunctionError> {
        let url = str::from_utf8(body.trim_ascii())
            .map_err(|_| FunctionError::BadUrl("the body is not text".to_owned()))?;
        if url.len() > URL_BYTES_MAX {
            return Err(FunctionError::BadUrl(format!("longer than {URL_BYTES_MAX} bytes")));
        }
        let uri: Uri = url.parse().map_err(|_| FunctionError::BadUrl("the body is no URL".to_owned()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(FunctionError::BadUrl("it must begin with http:// or https://".to_owned()));
        }
        let mut response = self.agent.get(uri).call().map_err(|error| self.explain(error))?;
        // One byte more than allowed tells "too long" from "just fits".
        let limit = self.bytes_max as u64;
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| self.explain(error))
    }

    fn explain(&self, error: Error) -> FunctionError {
        match error {
            Error::BodyExceedsLimit(_) => FunctionError::TooManyBytes { bytes_max: self.bytes_max },
            Error::Timeout(_) => FunctionError::FetchTimeout(self.timeout_s),
            Error::BadUri(why) => FunctionError::BadUrl(why),
            Error::StatusCode(status) => FunctionError::Fetch(format!("its server answers {status}")),
            Error::Other(other) => match other.downcast_ref::<Forbidden>() {
                Some(Forbidden(address)) => FunctionError::ForbiddenAddress(address.ip()),
                None => FunctionError::Fetch(other.to_string()),
            },
            other => FunctionError::Fetch(other.to_string()),
        }
    }
}

/// Looks up names and refuses addresses.
struct Guard {
    inner: DefaultResolver,
    allow: Box<dyn Fn(SocketAddr) -> bool + Send + Sync>,
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let addresses = self.inner.resolve(uri, config, timeout)?;
        // One forbidden address spoils the name: a host with a public and a private one is a trap.
        match addresses.iter().find(|address| !(self.allow)(**address)) {
            Some(address) => Err(Error::Other(Box::new(Forbidden(*address)))),
            None => Ok(addresses),
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the address {0} is not allowed")]
struct Forbidden(SocketAddr);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// Answers every connection with `answer`, and counts the connections.
    fn server(answer: String) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let head = BufReader::new(stream.try_clone().unwrap()).lines();
                head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                // The client may have hung up.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (address, count)
    }

    #[test]
    fn a_redirect_to_a_forbidden_address_is_not_followed() {
        let (secret, reached) = server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".to_owned());
        for target in [format!("http://{secret}/"), format!("http://localhost:{}/", secret.port())] {
            let (start, started) = server(format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ));
            let fetcher = Fetcher::with_guard(5, 100, move |address| address == start);
            let error = fetcher.fetch(format!("http://{start}/").as_bytes()).unwrap_err();
            assert!(matches!(error, FunctionError::ForbiddenAddress(_)), "{error}");
            assert_eq!(started.load(Ordering::SeqCst), 1);
        }
        assert_eq!(reached.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn the_guard_sees_every_address_before_it_is_connected_to() {
        let (secret, reached) = server("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".to_owned());
        let fetcher = Fetcher::new(FetchSettings::default(), 100);
        for host in ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"] {
            let url = format!("http://{host}:{}/", secret.port());
            assert!(fetcher.fetch(url.as_bytes()).is_err(), "{url}");
        }
        assert_eq!(reached.load(Ordering::SeqCst), 0);
    }
}
