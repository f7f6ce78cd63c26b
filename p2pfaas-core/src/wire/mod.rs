//! The wire protocol of P2PFaaS, as data: names, messages, codes and number formats
//! (fact sheet 1 and 10). Who speaks it is the driver's business.

mod errors;
pub mod go;
pub mod headers;
mod machine;
mod peer;

pub use errors::{ErrorBody, ErrorCode};
pub use machine::{DiscoveryConfiguration, Machine};
pub use peer::{MachineTimings, PeerJobRequest, PeerJobResponse, PeerTimings};

use serde::{Deserialize, Serialize};

/// Port of the scheduler.
pub const PORT: u16 = 18080;
/// Port of the discovery.
pub const DISCOVERY_PORT: u16 = 19000;
/// Port of the learner.
pub const LEARNER_PORT: u16 = 19020;
/// Default port of the learner's websocket.
pub const LEARNER_WEBSOCKET_PORT: u16 = 8765;
/// `User-Agent` of calls between nodes.
pub const MACHINE_USER_AGENT: &str = "Machine";

/// `GET /configuration` of the scheduler. In a `POST` every field may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulerConfiguration {
    /// Slots.
    pub parallel_running_functions_max: u32,
    /// Jobs that may wait.
    pub queue_length_max: u32,
    /// Whether any may wait.
    pub queue_enabled: bool,
}
