//! The wall clock, for what must mean the same on several machines and after a restart.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The same in seconds, as the discovery writes it.
pub(crate) fn unix_seconds() -> i64 {
    (unix_ms() / 1_000) as i64
}
