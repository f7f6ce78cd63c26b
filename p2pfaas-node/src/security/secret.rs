//! Bytes that no log may show.

use std::fmt;

/// A secret. Its debug text does not have it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
