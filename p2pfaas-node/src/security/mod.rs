//! Who may do what: the key of the cluster between nodes, tokens for people and scripts, a limit for
//! clients. `SECURITY.md` says against what this helps, and against what it does not.

mod access;
mod clients;
mod key;
mod replays;
mod secret;
mod signature;
mod tokens;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use p2pfaas_core::NodeId;
use p2pfaas_core::wire::ErrorCode;
use parking_lot::Mutex;

use crate::api::error::WireError;
use crate::clock::unix_ms;
use clients::ClientLimit;
use replays::Replays;

pub(crate) use access::Interface;
pub use clients::ClientRate;
pub use key::{ClusterKey, ParseKeyError};
pub(crate) use signature::{Message, Signature};
pub use tokens::{ParseTokensError, Role, Tokens};

/// What a node demands of those who speak to it.
#[derive(Debug, Clone)]
pub struct SecuritySettings {
    /// With it peers' calls are signed and unsigned ones refused.
    pub key: Option<ClusterKey>,
    /// Take unsigned calls of peers all the same: for clusters with nodes that know no key.
    pub allow_unsigned_peers: bool,
    /// By how much the time in a signed call may differ from this node's clock.
    pub signature_window: Duration,
    /// Who may change this node, over HTTP. Without any, whoever is on this machine may.
    pub tokens: Tokens,
    /// Everybody who reaches the node may do everything, as with the old P2PFaaS.
    pub open: bool,
    /// Calls of functions that one client may make; `None`: any number.
    pub client_rate: Option<ClientRate>,
}

impl SecuritySettings {
    /// Whether what a peer sends may be taken although nobody has signed or sealed it.
    pub(crate) fn takes_unsigned(&self) -> bool {
        self.key.is_none() || self.allow_unsigned_peers
    }
}

impl Default for SecuritySettings {
    fn default() -> Self {
        SecuritySettings {
            key: None,
            allow_unsigned_peers: false,
            signature_window: Duration::from_secs(30),
            tokens: Tokens::default(),
            open: false,
            client_rate: None,
        }
    }
}

/// The same while a node runs: with what has been seen, and how often something was refused.
pub(crate) struct Security {
    settings: SecuritySettings,
    replays: Mutex<Replays>,
    clients: Option<ClientLimit>,
    pub refused: Refused,
}

/// How often something was refused, by reason.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// A peer's call without a signature.
    pub unsigned: AtomicU64,
    /// A signature of another key, or not of this message.
    pub forged: AtomicU64,
    /// A signed call that has been here before.
    pub replayed: AtomicU64,
    /// A signed call outside of the time window.
    pub stale: AtomicU64,
    /// An answer of a peer without the right signature.
    pub answers: AtomicU64,
    /// A change without a token that allows it.
    pub tokens: AtomicU64,
    /// A client's call beyond its rate.
    pub clients: AtomicU64,
}

impl Refused {
    /// Each reason with its count.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("unsigned", &self.unsigned),
            ("forged", &self.forged),
            ("replayed", &self.replayed),
            ("stale", &self.stale),
            ("answer", &self.answers),
            ("token", &self.tokens),
            ("client_rate", &self.clients),
        ]
        .map(|(reason, count)| (reason, count.load(Ordering::Relaxed)))
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Security {
    pub(crate) fn new(settings: SecuritySettings) -> Arc<Self> {
        Arc::new(Security {
            replays: Mutex::new(Replays::new(settings.signature_window, unix_ms())),
            clients: settings.client_rate.map(ClientLimit::new),
            refused: Refused::default(),
            settings,
        })
    }

    /// The key that signs, and checks what others have signed.
    fn key(&self) -> Option<&ClusterKey> {
        self.settings.key.as_ref()
    }

    /// Signs a call to a peer, if there is a key; what it returns is for [`Security::believes`].
    pub(crate) fn sign(&self, request: &mut Request<Bytes>, to: Option<NodeId>) -> Option<Signature> {
        let message = Message {
            method: request.method(),
            path: request.uri().path(),
            headers: request.headers(),
            body: request.body(),
        };
        let (header, signature) = signature::sign_request(self.key()?, &message, to)?;
        request.headers_mut().insert(signature::HEADER, header);
        Some(signature)
    }

    /// Whether an answer to a call that was signed so is a peer's.
    pub(crate) fn believes(
        &self,
        call: Option<&Signature>,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> bool {
        let (Some(key), Some(call)) = (self.key(), call) else { return true };
        let unsigned = !headers.contains_key(signature::HEADER);
        let believed =
            (unsigned && self.takes_unsigned()) || signature::verify_answer(key, call, status, headers, body);
        if !believed {
            count(&self.refused.answers);
        }
        believed
    }

    /// Signs the answer to a call that was signed.
    pub(crate) fn sign_answer(
        &self,
        call: Option<&Signature>,
        status: StatusCode,
        headers: &mut HeaderMap,
        body: &[u8],
    ) {
        if let (Some(key), Some(call)) = (self.key(), call) {
            signature::sign_answer(key, call, status, headers, body);
        }
    }

    /// Whether a request says that it is a peer's.
    pub(crate) fn is_signed(&self, headers: &HeaderMap) -> bool {
        self.settings.key.is_some() && headers.contains_key(signature::HEADER)
    }

    /// Whether a call of a peer may be taken that nobody has signed.
    pub(crate) fn takes_unsigned(&self) -> bool {
        self.settings.takes_unsigned()
    }

    /// Checks a peer's call. `Ok(None)`: there is no signature, and none is needed.
    ///
    /// # Errors
    /// It is not of this cluster, not of now, not to this node, or has been here before.
    pub(crate) fn check_peer(
        &self,
        message: &Message<'_>,
        this: NodeId,
    ) -> Result<Option<Signature>, WireError> {
        let Some(key) = self.key() else { return Ok(None) };
        let Some(text) = message.headers.get(signature::HEADER) else {
            if self.takes_unsigned() {
                return Ok(None);
            }
            count(&self.refused.unsigned);
            return Err(unauthenticated("peers must sign their calls with the cluster's key (cluster-key)"));
        };
        let signature = text.to_str().ok().and_then(Signature::parse);
        let genuine = signature.filter(|signature| signature.is_of(key, message));
        let Some(signature) = genuine else {
            count(&self.refused.forged);
            return Err(unauthenticated(
                "the signature is not of this cluster's key, or not of this message",
            ));
        };
        if signature.to.is_some_and(|to| to != this) {
            count(&self.refused.forged);
            return Err(unauthenticated("the call was signed for another node"));
        }
        let now_ms = unix_ms();
        let fresh = self.replays.lock().admit(signature.at_ms, signature.nonce, now_ms);
        match fresh {
            Ok(()) => Ok(Some(signature)),
            Err(replays::Refusal::Stale) => {
                count(&self.refused.stale);
                let off_s = (signature.at_ms as f64 - now_ms as f64) / 1e3;
                let message = format!(
                    "the call was signed {off_s:+.1} s from this node's time (signature-window); are both clocks right?"
                );
                Err(unauthenticated(message))
            }
            Err(replays::Refusal::Replayed) => {
                count(&self.refused.replayed);
                Err(unauthenticated("the same signed call has been here before"))
            }
        }
    }

    /// Whether a request may do what it asks for.
    ///
    /// With tokens it must bring one with the role. Without any, whoever is on this machine may, everybody may where
    /// the node is `--open`, and nobody else.
    ///
    /// # Errors
    /// It may not; the message says what would help.
    pub(crate) fn allow(&self, role: Role, remote: IpAddr, headers: &HeaderMap) -> Result<(), WireError> {
        let tokens = &self.settings.tokens;
        if role == Role::Call && !tokens.has(role) {
            return Ok(());
        }
        if tokens.is_empty() {
            if self.settings.open || remote.to_canonical().is_loopback() {
                return Ok(());
            }
            count(&self.refused.tokens);
            return Err(forbidden("only this machine may do this while the node has no tokens (tokens)"));
        }
        let refused = match tokens::bearer(headers) {
            None => Err(unauthenticated(format!(
                "this needs a token with the role {role}: Authorization: Bearer TOKEN"
            ))),
            Some(token) => match tokens.roles(token) {
                None => Err(unauthenticated("there is no such token")),
                Some(roles) if roles.contains(&role) => return Ok(()),
                Some(_) => Err(forbidden(format!("this token has not the role {role}"))),
            },
        };
        count(&self.refused.tokens);
        refused
    }

    /// Whether a change needs a token, from wherever it comes.
    pub(crate) fn has_tokens(&self) -> bool {
        !self.settings.tokens.is_empty()
    }

    /// Counts a client's call; `Err` has the time after which it may call again.
    ///
    /// # Errors
    /// It has called more often than it may.
    pub(crate) fn client_calls(&self, client: IpAddr) -> Result<(), Duration> {
        let Some(limit) = &self.clients else { return Ok(()) };
        limit.call(client).inspect_err(|_| count(&self.refused.clients))
    }

    /// What a request of this kind needs, and whether it has it.
    ///
    /// # Errors
    /// It has not.
    pub(crate) fn check_access(
        &self,
        interface: Interface,
        method: &Method,
        path: &str,
        remote: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), WireError> {
        access::needed(interface, method, path).map_or(Ok(()), |role| self.allow(role, remote, headers))
    }
}

fn unauthenticated(message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::Unauthenticated, message)
}

fn forbidden(message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::Forbidden, message)
}

#[cfg(test)]
mod tests;
