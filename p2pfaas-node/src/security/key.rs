//! The key of a cluster: what is derived of it signs calls and seals datagrams.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use p2pfaas_learner::service::access::Secret;
use rand::RngExt;
use sha2::Sha256;

/// Keys in a ring: one that signs, and old or coming ones that are believed as well.
const MAX_KEYS: usize = 8;
/// Bytes of a nonce before a sealed datagram.
const NONCE_BYTES: usize = 24;

/// Keys that all nodes of a cluster share; the first signs and seals, all are believed. So a key is changed
/// without a pause: add the new one behind the old one everywhere, then put it first everywhere, then
/// take the old one away.
#[derive(Debug, Clone)]
pub struct ClusterKey {
    /// At least one.
    ring: Vec<Key>,
}

#[derive(Debug, Clone)]
struct Key {
    id: u32,
    signing: Secret,
    sealing: Secret,
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: expected 32 random bytes as base64 or as 64 hex digits, as `openssl rand -base64 32` makes them, \
     one key a line, at most {MAX_KEYS}"
)]
pub struct ParseKeyError {
    /// The line, from 1.
    pub line: usize,
}

impl FromStr for ClusterKey {
    type Err = ParseKeyError;

    /// A key a line; the first is used. Empty lines, and lines that begin with `#`, say nothing.
    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut ring = Vec::new();
        for (line, text) in lines {
            let bytes = bytes(text).filter(|_| ring.len() < MAX_KEYS).ok_or(ParseKeyError { line })?;
            ring.push(Key::new(&bytes));
        }
        if ring.is_empty() { Err(ParseKeyError { line: 1 }) } else { Ok(ClusterKey { ring }) }
    }
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        return Some(bytes);
    }
    BASE64.decode(text).ok()?.try_into().ok()
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Key {
        // One key for each purpose, so that nothing made for one can be taken for the other.
        let derived = |purpose: &str| mac(bytes, &[purpose.as_bytes()]);
        let id = derived("p2pfaas key id");
        Key {
            id: u32::from_be_bytes([id[0], id[1], id[2], id[3]]),
            signing: Secret(derived("p2pfaas signing")),
            sealing: Secret(derived("p2pfaas sealing")),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.sealing.0.into())
    }
}

/// HMAC-SHA256 of these parts, each after its length, so that none can be moved into another.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    begin(key, parts).finalize().into_bytes().into()
}

fn begin(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    // Any length of key will do for HMAC.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

impl ClusterKey {
    /// Number of the key that signs, and the code of these parts under it.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> (u32, [u8; 32]) {
        let key = &self.ring[0];
        (key.id, mac(&key.signing.0, parts))
    }

    /// Whether a key of the ring has made this code of these parts. Takes the same time wherever they differ.
    pub(super) fn has_signed(&self, id: u32, code: &[u8; 32], parts: &[&[u8]]) -> bool {
        let mut keys = self.ring.iter().filter(|key| key.id == id);
        keys.any(|key| begin(&key.signing.0, parts).verify_slice(code).is_ok())
    }

    /// A datagram that only this cluster can read and make; `to` is bound to it and not in it.
    pub fn seal(&self, plain: &[u8], to: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: plain, aad: to };
        // It fails only for more bytes than a datagram can have.
        let sealed = self.ring[0].cipher().encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
        [&nonce[..], &sealed].concat()
    }

    /// What was sealed in a datagram, if that was done in this cluster and nobody has changed it.
    pub fn open(&self, sealed: &[u8], to: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let open =
            |key: &Key| key.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: to }).ok();
        self.ring.iter().find_map(open)
    }
}
