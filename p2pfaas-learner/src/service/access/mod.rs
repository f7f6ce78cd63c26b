//! Who may do what over HTTP: tokens with roles, as nodes and learner services have them.

mod guard;
mod secret;
mod tokens;

pub use guard::{Guard, Refusal, needed_role};
pub use secret::{Secret, SecretError, SecretPlace};
pub use tokens::{BearerToken, ParseTokenError, ParseTokensError, Role, Tokens};
