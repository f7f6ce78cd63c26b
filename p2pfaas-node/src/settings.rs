//! All that a node can be told, as values. Where they come from is [`crate::config`]'s business.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use p2pfaas_core::agent::FixedTable;
use p2pfaas_core::membership::MembershipConfig;
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::{NodeConfig, defaults};
use p2pfaas_learner::AgentConfig;

use crate::async_calls::AsyncSettings;
use crate::executor::{Function, OpenFaas};
use crate::security::{BearerToken, SecuritySettings};

/// A node's settings. The default is a node on a free loopback port without peers and functions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Unique id of this machine; empty: `p2pfaas-<address>`, with the port where it is not 18080.
    pub machine_id: String,
    /// Address under which peers reach this node; empty: the one it listens on.
    pub machine_ip: String,
    /// Group of machines, for discovery.
    pub group: String,
    /// Scheduler's address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Discovery's address; `None` serves none.
    pub discovery_listen: Option<SocketAddr>,
    /// Learner's address; `None` serves none.
    pub learner_listen: Option<SocketAddr>,
    /// Address of the learner's websocket; `None` serves none.
    pub learner_ws_listen: Option<SocketAddr>,
    /// Folder for what must outlive the process; `None` keeps nothing.
    pub data: Option<PathBuf>,
    /// Peers that are always there: `host[:port[:discovery port]]`.
    pub peers: Vec<String>,
    /// UDP address of the gossip; `None` for none. Port 0 takes that of the scheduler.
    pub gossip_listen: Option<SocketAddr>,
    /// Members to say hello to, `host[:port]`; a name is all its addresses.
    pub join: Vec<String>,
    /// The times of the gossip.
    pub gossip: MembershipConfig,
    /// Machines to ask for peers, in the same form.
    pub init_servers: Vec<String>,
    /// Functions on offer; a call of another one is 404.
    pub functions: Vec<Function>,
    /// The OpenFaaS gateway behind `/system/*`, if there is one.
    pub openfaas: Option<OpenFaas>,
    /// Bounds of the state machine.
    pub core: NodeConfig,
    /// The policy.
    pub policy: Descriptor,
    /// The policy that decides when the learner cannot.
    pub fallback: Descriptor,
    /// Where the agent of LearningScheduler is.
    pub learner: LearnerPlace,
    /// What is shown to a learner service.
    pub learner_token: Option<BearerToken>,
    /// Seed of the node's generator.
    pub seed: u64,
    /// Largest request body, and largest answer of a function or a peer.
    pub max_body_bytes: usize,
    /// Between two polls of the discovery.
    pub poll_interval: Duration,
    /// For one poll.
    pub poll_timeout: Duration,
    /// Polls in a row without an answer after which a machine counts as dead.
    pub dead_polls: u32,
    /// How long jobs may take to finish at shutdown before they are answered with an error.
    pub shutdown_grace: Duration,
    /// File for the event log.
    pub event_log: Option<PathBuf>,
    /// Threads that serve requests, each with a runtime of its own; 0: all stays on the runtime
    /// that starts the node.
    pub workers: usize,
    /// Serve `/dev/*`.
    pub development: bool,
    /// Bounds of the calls that are answered later; there are some only with a data folder.
    pub async_calls: AsyncSettings,
    /// Who may do what.
    pub security: SecuritySettings,
}

/// Where the agent of LearningScheduler is.
#[derive(Debug, Clone, Default)]
pub enum LearnerPlace {
    /// There is none: every decision is the fallback's.
    #[default]
    Nowhere,
    /// A fixed table.
    Table(FixedTable),
    /// In this process.
    Here(Box<AgentSettings>),
    /// A learner service.
    There(LearnerAddress),
}

/// An agent in this process.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// Its parameters; `None`: those of its checkpoint, else the defaults.
    pub config: Option<AgentConfig>,
    /// Checkpoint to start from, when the data folder has none of this node's own.
    pub start: Option<PathBuf>,
    /// Only act, always by what it believes best.
    pub frozen: bool,
    /// Between two checkpoints in the data folder.
    pub checkpoint_interval: Duration,
}

impl Default for AgentSettings {
    fn default() -> Self {
        AgentSettings {
            config: None,
            start: None,
            frozen: false,
            checkpoint_interval: Duration::from_secs(10),
        }
    }
}

/// A learner service's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnerAddress {
    /// Name or IP address.
    pub host: String,
    /// Port of its HTTP interface.
    pub port: u16,
    /// Port of its websocket.
    pub websocket_port: u16,
}

impl LearnerAddress {
    /// The host as it stands in a URL: an IPv6 address in brackets.
    pub(crate) fn in_url(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl std::fmt::Display for LearnerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.in_url(), self.port, self.websocket_port)
    }
}

impl Default for Settings {
    fn default() -> Self {
        let descriptor =
            |(name, parameters): (&str, &[&str])| Descriptor::new(name, parameters.iter().copied());
        Settings {
            machine_id: String::new(),
            machine_ip: String::new(),
            group: String::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            discovery_listen: None,
            learner_listen: None,
            learner_ws_listen: None,
            data: None,
            peers: Vec::new(),
            gossip_listen: None,
            join: Vec::new(),
            gossip: MembershipConfig::default(),
            init_servers: Vec::new(),
            functions: Vec::new(),
            openfaas: None,
            core: NodeConfig::default(),
            policy: descriptor(defaults::POLICY),
            fallback: descriptor(defaults::FALLBACK),
            learner: LearnerPlace::Nowhere,
            learner_token: None,
            seed: 0,
            max_body_bytes: 16 << 20,
            poll_interval: Duration::from_secs(10),
            poll_timeout: Duration::from_secs(2),
            dead_polls: 3,
            shutdown_grace: Duration::from_secs(10),
            event_log: None,
            workers: 0,
            development: false,
            async_calls: AsyncSettings::default(),
            security: SecuritySettings::default(),
        }
    }
}
