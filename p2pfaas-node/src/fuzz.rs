//! The readers of whatever comes over the network or from a file, on any bytes. Only there for `cargo fuzz`, and
//! for a test that gives them what was kept of it; see `fuzz/`.

mod gossip;
#[cfg(test)]
mod tests;

use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use p2pfaas_core::NodeId;
use p2pfaas_core::log::{Entry, Header};
use p2pfaas_core::policy::Registry;
use p2pfaas_core::wire::{Machine, PeerJobRequest, headers};

pub use gossip::gossip;

use crate::security::{ClusterKey, Message, Security, SecuritySettings, Tokens};

const KEY: &str = "6f0f6a3c1d5e4b2a9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b";

/// An answer of a function, a peer or a gateway.
pub fn answer(bytes: &[u8]) {
    crate::client::fuzz(bytes);
}

/// The body of a peer's answer to a forwarded job.
pub fn peer_answer(bytes: &[u8]) {
    let _ = crate::peer_client::peer_answer(&Response::new(Bytes::copy_from_slice(bytes)));
}

/// A job that a peer brings.
pub fn peer_job(bytes: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<PeerJobRequest>(bytes) {
        let _ = message.visited_nodes();
        let _ = message.job_id.as_ref().map(|id| id.parse::<p2pfaas_core::JobId>());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (text, id) = headers::split_tracing(text);
        if let Some(id) = id {
            assert_eq!(headers::split_tracing(&headers::tracing_with_job(text, id)), (text, Some(id)));
        }
    }
}

/// The signature of a call.
pub fn signature(bytes: &[u8]) {
    let key: Option<ClusterKey> = KEY.parse().ok();
    let security = Security::new(SecuritySettings { key, ..SecuritySettings::default() });
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    headers.insert("x-p2pfaas-signature", value);
    let message = Message { method: &Method::POST, path: "/", headers: &headers, body: bytes };
    assert!(security.check_peer(&message, NodeId::from_machine_id("this")).is_err());
}

/// A sealed datagram, a key, tokens.
pub fn secrets(bytes: &[u8]) {
    if let Ok(key) = KEY.parse::<ClusterKey>() {
        assert!(key.open(bytes, b"").is_none());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (text.parse::<ClusterKey>(), text.parse::<Tokens>(), text.parse::<crate::ClientRate>());
    }
}

/// What a discovery answers.
pub fn machines(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Vec<Machine>>(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = text.parse::<crate::Address>();
    }
}

/// An event log: its header, and a line an event.
pub fn event_log(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let _ = lines.next().map(serde_json::from_slice::<Header>);
    lines.for_each(|line| drop(serde_json::from_slice::<Entry>(line)));
}

/// A configuration file.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read_file = |path: &Path| match path.to_str() {
        Some("node.toml") => Ok(text.to_string()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let arguments = ["p2pfaas-node", "--config", "node.toml"].map(Into::into);
    let _ = crate::config::load(arguments, [], &read_file, &Registry::builtin());
}
