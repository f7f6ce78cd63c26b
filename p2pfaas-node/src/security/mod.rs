//! Who may do what: the key of the cluster between nodes, tokens for people and scripts, a limit for
//! clients. `SECURITY.md` says against what this helps, and against what it does not.

mod access;
mod clients;
mod key;
mod replays;
mod signature;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use p2pfaas_core::NodeId;
use p2pfaas_core::wire::ErrorCode;
use p2pfaas_learner::service::access::Guard;
use parking_lot::Mutex;

use crate::api::error::WireError;
use crate::clock::unix_ms;
use clients::ClientLimit;
use replays::Replays;

pub(crate) use access::{Interface, needed};
pub use clients::ClientRate;
pub use key::{ClusterKey, ParseKeyError};
pub use p2pfaas_learner::service::access::{BearerToken, ParseTokenError, ParseTokensError, Role, Tokens};
pub(crate) use signature::{Message, Signature};

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
    guard: Arc<Guard>,
    refused: Refused,
}

/// How often something was refused, by reason; for want of a token the guard counts.
#[derive(Debug, Default)]
struct Refused {
    /// A peer's call without a signature.
    unsigned: AtomicU64,
    /// A signature of another key, or not of this message.
    forged: AtomicU64,
    /// A signed call that has been here before.
    replayed: AtomicU64,
    /// A signed call outside of the time window.
    stale: AtomicU64,
    /// An answer of a peer without the right signature.
    answers: AtomicU64,
    /// A client's call beyond its rate.
    clients: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Security {
    pub(crate) fn new(settings: SecuritySettings) -> Arc<Self> {
        Arc::new(Security {
            replays: Mutex::new(Replays::new(settings.signature_window, unix_ms())),
            clients: settings.client_rate.map(ClientLimit::new),
            guard: Arc::new(Guard::new(settings.tokens.clone(), settings.open)),
            refused: Refused::default(),
            settings,
        })
    }

    /// How often something was refused: each reason with its count.
    pub(crate) fn refusals(&self) -> [(&'static str, u64); 7] {
        let Refused { unsigned, forged, replayed, stale, answers, clients } = &self.refused;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("unsigned", read(unsigned)),
            ("forged", read(forged)),
            ("replayed", read(replayed)),
            ("stale", read(stale)),
            ("answer", read(answers)),
            ("token", self.guard.refused()),
            ("client_rate", read(clients)),
        ]
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

    /// Whether a request may do what it asks for; see [`Guard::new`].
    ///
    /// # Errors
    /// It may not; the message says what would help.
    pub(crate) fn allow(&self, role: Role, remote: IpAddr, headers: &HeaderMap) -> Result<(), WireError> {
        let allowed = self.guard.allow(role, remote, headers);
        allowed.map_err(|refusal| WireError::new(refusal.code(), refusal.to_string()))
    }

    /// Asks for tokens.
    pub(crate) fn guard(&self) -> &Arc<Guard> {
        &self.guard
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
}

fn unauthenticated(message: impl Into<String>) -> WireError {
    WireError::new(ErrorCode::Unauthenticated, message)
}

#[cfg(test)]
mod tests;
