//! Lets requests through that may do what they ask for, and counts the others.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Method};
use p2pfaas_core::wire::ErrorCode;

use super::tokens::{Role, Tokens, bearer};

/// Why a request is refused, and what would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are no tokens, and it comes from another machine.
    #[error("only this machine may do this while there are no tokens (tokens)")]
    Elsewhere,
    /// It brings no token.
    #[error("this needs a token with the role {0}: Authorization: Bearer TOKEN")]
    NoToken(Role),
    /// It brings one that is not known.
    #[error("there is no such token")]
    UnknownToken,
    /// Its token is for something else.
    #[error("this token has not the role {0}")]
    OtherRole(Role),
}

impl Refusal {
    /// What the wire says of it: 401 or 403.
    pub fn code(self) -> ErrorCode {
        match self {
            Refusal::NoToken(_) | Refusal::UnknownToken => ErrorCode::Unauthenticated,
            Refusal::Elsewhere | Refusal::OtherRole(_) => ErrorCode::Forbidden,
        }
    }
}

/// Asks for tokens.
#[derive(Debug, Default)]
pub struct Guard {
    tokens: Tokens,
    open: bool,
    refused: AtomicU64,
}

impl Guard {
    /// With tokens a request must bring one with the role. Without any, whoever is on this machine may do everything,
    /// everybody may where it is `open`, and nobody else.
    pub fn new(tokens: Tokens, open: bool) -> Self {
        Guard { tokens, open, refused: AtomicU64::new(0) }
    }

    /// Whether a request may do what needs this role.
    ///
    /// # Errors
    /// It may not.
    pub fn allow(&self, role: Role, remote: IpAddr, headers: &HeaderMap) -> Result<(), Refusal> {
        let allowed = self.allowed(role, remote, headers);
        if allowed.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        allowed
    }

    /// Requests that were refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn allowed(&self, role: Role, remote: IpAddr, headers: &HeaderMap) -> Result<(), Refusal> {
        if role == Role::Call && !self.tokens.has(role) {
            return Ok(());
        }
        if self.tokens.is_empty() {
            let may = self.open || remote.to_canonical().is_loopback();
            return if may { Ok(()) } else { Err(Refusal::Elsewhere) };
        }
        let token = bearer(headers).ok_or(Refusal::NoToken(role))?;
        let roles = self.tokens.roles(token).ok_or(Refusal::UnknownToken)?;
        if roles.contains(&role) { Ok(()) } else { Err(Refusal::OtherRole(role)) }
    }
}

/// What a learner tells everybody.
const OPEN: [&str; 6] =
    ["/", "/health", "/metrics", "/learner/stats", "/learner/parameters", "/openapi.json"];

/// The role that a request to a learner's HTTP interface needs; `None` for what everybody may who reaches it.
pub fn needed_role(method: &Method, path: &str) -> Option<Role> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    // A choice takes of the agent's epsilon, and some GETs train or forget.
    let open = reads && OPEN.contains(&path);
    (!open).then_some(Role::Learn)
}
