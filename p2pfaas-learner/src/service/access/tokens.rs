//! Tokens of people and scripts, and what each is good for.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::secret::Secret;

/// Tokens of one service.
const MAX_TOKENS: usize = 256;
/// Letters of a token, at least: what is shorter can be guessed.
const MIN_LETTERS: usize = 16;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// To call functions. Everybody may, while no token has this role.
    Call,
    /// To change slots, queue, policy, functions and what discovery knows.
    Configure,
    /// To ask and train the learner, to change its parameters, to take or bring its weights.
    Learn,
}

impl Role {
    const ALL: [(&str, Role); 3] =
        [("call", Role::Call), ("configure", Role::Configure), ("learn", Role::Learn)];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Role::ALL.iter().find(|(_, role)| role == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// Tokens with their roles. They themselves are not kept, only what they can be recognised by.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    known: Vec<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    digest: Secret,
    roles: Vec<Role>,
}

/// A text that is no list of tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: {reason}; expected a line a token, ROLE[,ROLE...] TOKEN, roles of call, configure and learn"
)]
pub struct ParseTokensError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong; without the token.
    pub reason: String,
}

impl FromStr for Tokens {
    type Err = ParseTokensError;

    /// A line a token: its roles, a space, the token. Empty lines, and lines that begin with `#`, say nothing.
    fn from_str(text: &str) -> Result<Self, ParseTokensError> {
        let mut known = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason: &str| ParseTokensError { line: index + 1, reason: reason.into() };
            let Some((roles, token)) = line.split_once(char::is_whitespace) else {
                return Err(wrong("a role or a token is missing"));
            };
            let token = token.trim();
            if !is_token(token) {
                return Err(wrong(&format!("a token has {MIN_LETTERS} letters or more, and no spaces")));
            }
            let role = |name: &str| {
                let known = Role::ALL.iter().find(|(known, _)| *known == name.trim());
                known.map(|(_, role)| *role).ok_or_else(|| wrong("there is no such role"))
            };
            let roles = roles.split(',').map(role).collect::<Result<_, _>>()?;
            if known.len() == MAX_TOKENS {
                return Err(wrong(&format!("there are more than {MAX_TOKENS} tokens")));
            }
            known.push(Token { digest: digest(token), roles });
        }
        Ok(Tokens { known })
    }
}

impl Tokens {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether any token has this role.
    pub fn has(&self, role: Role) -> bool {
        self.known.iter().any(|token| token.roles.contains(&role))
    }

    /// The roles of a token, if there is one.
    pub(super) fn roles(&self, token: &str) -> Option<&[Role]> {
        // Digests are compared: how long that takes tells nothing of a token.
        let digest = digest(token);
        self.known.iter().find(|known| known.digest == digest).map(|known| &known.roles[..])
    }
}

fn is_token(text: &str) -> bool {
    text.len() >= MIN_LETTERS && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn digest(token: &str) -> Secret {
    Secret(Sha256::digest(token.as_bytes()).into())
}

/// The token in a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// One token, as the one who has it sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerToken(HeaderValue);

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token of {MIN_LETTERS} letters or more, without spaces")]
pub struct ParseTokenError;

impl FromStr for BearerToken {
    type Err = ParseTokenError;

    /// The token alone; space around it, such as the end of its line, says nothing.
    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        let token = text.trim();
        let value = is_token(token).then(|| HeaderValue::from_str(&format!("Bearer {token}")).ok());
        let mut value = value.flatten().ok_or(ParseTokenError)?;
        // Its debug text does not have it.
        value.set_sensitive(true);
        Ok(BearerToken(value))
    }
}

impl BearerToken {
    /// Puts it into a request.
    pub fn put(&self, headers: &mut HeaderMap) {
        headers.insert(header::AUTHORIZATION, self.0.clone());
    }
}
