//! Signatures of peers' calls and of the answers to them.
//!
//! A call is signed with its method, path, time, a nonce, the node that it is meant for, the tracing header (in
//! which our job id travels) and its body; an answer with the call's code, its status, the headers that a peer reads, and
//! its body. So nothing of either can be altered, sent again, or given as the answer to something else.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use p2pfaas_core::NodeId;
use p2pfaas_core::wire::headers;
use rand::RngExt;

use super::key::ClusterKey;
use crate::clock::unix_ms;

/// The header in both directions.
pub(super) const HEADER: &str = "x-p2pfaas-signature";

/// Headers of an answer that a peer acts on.
const READ_IN_ANSWERS: [&str; 11] = [
    headers::LOAD,
    headers::MAX_LOAD,
    headers::QUEUE_LENGTH,
    headers::OFFER_IN_TIME,
    headers::OFFER_PRICE,
    headers::NODE_ID,
    headers::MACHINE_IP,
    headers::MACHINE_NAME,
    headers::MACHINE_GROUP_NAME,
    headers::MACHINE_PORT,
    headers::MACHINE_DISCOVERY_PORT,
];

/// A peer's call, as it is signed.
pub(crate) struct Message<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// The signature of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    key: u32,
    /// When it was signed, in milliseconds since 1970.
    pub at_ms: u64,
    /// Never twice.
    pub nonce: u128,
    /// The node that it is meant for, where the sender knew it.
    pub to: Option<NodeId>,
    code: [u8; 32],
}

impl Signature {
    /// Reads the header's form: `v1 KEY TIME NONCE TO CODE`, in hex but for the time; `-` for no node.
    pub(super) fn parse(text: &str) -> Option<Signature> {
        let mut parts = text.split(' ');
        let mut next = || parts.next();
        if next()? != "v1" {
            return None;
        }
        let key = hex(next()?, 8)? as u32;
        let at_ms = next()?.parse().ok()?;
        let nonce = hex(next()?, 32)?;
        let to = match next()? {
            "-" => None,
            id => Some(id.parse().ok()?),
        };
        let code = code(next()?)?;
        next().is_none().then_some(Signature { key, at_ms, nonce, to, code })
    }

    fn text(&self) -> String {
        let Signature { key, at_ms, nonce, to, code } = self;
        let to = to.map_or_else(|| "-".into(), |id| id.to_string());
        format!("v1 {key:08x} {at_ms} {nonce:032x} {to} {}", hex_of(code))
    }

    /// Whether it is a key of this cluster's, of this very message.
    pub(super) fn is_of(&self, key: &ClusterKey, message: &Message<'_>) -> bool {
        let head = head(self.at_ms, self.nonce, self.to);
        key.has_signed(self.key, &self.code, &parts(&head, message))
    }
}

fn head(at_ms: u64, nonce: u128, to: Option<NodeId>) -> String {
    format!("call {at_ms} {nonce:032x} {}", to.map_or_else(|| "-".into(), |id| id.to_string()))
}

fn parts<'a>(head: &'a str, message: &'a Message<'_>) -> [&'a [u8]; 5] {
    let tracing = message.headers.get(headers::TRACING_ID).map_or(&b""[..], HeaderValue::as_bytes);
    [head.as_bytes(), message.method.as_str().as_bytes(), message.path.as_bytes(), tracing, message.body]
}

/// Signs a call to a node; the header is to be added to it. Returns what its answer is checked against.
pub(super) fn sign_request(
    key: &ClusterKey,
    message: &Message<'_>,
    to: Option<NodeId>,
) -> Option<(HeaderValue, Signature)> {
    let (at_ms, nonce) = (unix_ms(), rand::rng().random());
    let head = head(at_ms, nonce, to);
    let (id, code) = key.sign(&parts(&head, message));
    let signature = Signature { key: id, at_ms, nonce, to, code };
    Some((HeaderValue::from_str(&signature.text()).ok()?, signature))
}

/// Signs the answer to a signed call.
pub(super) fn sign_answer(
    key: &ClusterKey,
    to: &Signature,
    status: StatusCode,
    answer: &mut HeaderMap,
    body: &[u8],
) {
    let status = status.as_u16().to_be_bytes();
    let (id, code) = key.sign(&answer_parts(to, &status, answer, body));
    if let Ok(value) = HeaderValue::from_str(&format!("v1 {id:08x} {}", hex_of(&code))) {
        answer.insert(HEADER, value);
    }
}

/// Whether an answer is that of a node of this cluster to this very call.
pub(super) fn verify_answer(
    key: &ClusterKey,
    to: &Signature,
    status: StatusCode,
    answer: &HeaderMap,
    body: &[u8],
) -> bool {
    let read = || {
        let text = answer.get(HEADER)?.to_str().ok()?;
        let mut words = text.strip_prefix("v1 ")?.split(' ');
        Some((hex(words.next()?, 8)? as u32, code(words.next()?)?))
    };
    let status = status.as_u16().to_be_bytes();
    read().is_some_and(|(id, code)| key.has_signed(id, &code, &answer_parts(to, &status, answer, body)))
}

fn answer_parts<'a>(
    to: &'a Signature,
    status: &'a [u8],
    answer: &'a HeaderMap,
    body: &'a [u8],
) -> Vec<&'a [u8]> {
    let read = READ_IN_ANSWERS.iter().map(|name| answer.get(*name).map_or(&b""[..], HeaderValue::as_bytes));
    [&b"answer"[..], &to.code, status, body].into_iter().chain(read).collect()
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let right = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    right.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn hex_of(code: &[u8; 32]) -> String {
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn code(text: &str) -> Option<[u8; 32]> {
    let (high, low) = text.split_at_checked(32)?;
    let (high, low) = (hex(high, 32)?.to_be_bytes(), hex(low, 32)?.to_be_bytes());
    [high, low].concat().try_into().ok()
}
