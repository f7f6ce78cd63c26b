//! The readers of whatever comes over the network or from a file, on any bytes. Only there for `cargo fuzz`, and
//! for a test that gives them what was kept of it; see `fuzz/`.

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::checkpoint::Checkpoint;

/// A batch of experiences, and the texts of single ones.
pub fn experiences(bytes: &[u8]) {
    crate::service::fuzz(bytes);
}

/// A checkpoint.
pub fn checkpoint(bytes: &[u8]) {
    let _ = Checkpoint::from_bytes(bytes, Path::new("agent.ckpt"));
}
