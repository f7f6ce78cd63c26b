//! Discovery messages (fact sheet 1.8).

use serde::{Deserialize, Serialize};

/// A machine in `GET /list`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its id.
    #[serde(rename = "_id", default)]
    pub id: String,
    /// Its address, without a port.
    pub ip: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its group.
    #[serde(default)]
    pub group_name: String,
    /// Seconds that its last answer took.
    #[serde(default)]
    pub ping: f64,
    /// Unix seconds of the last poll.
    #[serde(default)]
    pub last_update: i64,
    /// Whether it is taken to be alive.
    #[serde(default)]
    pub alive: bool,
    /// Polls in a row that it has not answered.
    #[serde(default)]
    pub dead_polls: u32,
    /// Port of its scheduler; old machines do not tell, and have 18080.
    #[serde(default = "scheduler_port")]
    pub port: u16,
    /// Port of its discovery; old machines do not tell, and have 19000.
    #[serde(default = "discovery_port")]
    pub discovery_port: u16,
}

fn scheduler_port() -> u16 {
    super::PORT
}

fn discovery_port() -> u16 {
    super::DISCOVERY_PORT
}

/// `GET /configuration` of the discovery. In a `POST` every field may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscoveryConfiguration {
    /// Own address.
    pub machine_ip: String,
    /// Own id.
    pub machine_id: String,
    /// Own group.
    pub machine_group_name: String,
    /// Addresses of machines to begin with.
    pub init_servers: Vec<String>,
}
