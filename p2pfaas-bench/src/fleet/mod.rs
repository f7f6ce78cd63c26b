//! A fleet.

/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct FleetError;
