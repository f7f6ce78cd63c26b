//! Who else is there: the peers that were given, and the old discovery protocol (fact sheet 1.8, 4).
//!
//! Where the reference takes anybody's word for a machine, a machine counts as alive here only
//! when it has answered this node itself, and a dead one is not revived by those who still list it.

mod api;
pub(crate) mod poll;
mod table;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use p2pfaas_core::NodeId;
use p2pfaas_core::wire::DiscoveryConfiguration;
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::settings::Settings;
pub(crate) use api::router;
use table::Table;
pub use table::{Address, ParseAddressError};

/// This node, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub ip: String,
    pub id: String,
    pub group: String,
}

pub(crate) struct Discovery {
    configuration: RwLock<DiscoveryConfiguration>,
    table: RwLock<Table>,
    /// Own ports, as peers must use them.
    port: u16,
    discovery_port: u16,
    poll_now: Notify,
}

impl Discovery {
    pub(crate) fn new(settings: &Settings, address: SocketAddr, discovery: Option<SocketAddr>) -> Arc<Self> {
        let mut machine_ip = settings.machine_ip.clone();
        if machine_ip.is_empty() {
            let known = settings.peers.iter().chain(&settings.init_servers).chain(&settings.join);
            // A name to join may not be there yet: then the way to anywhere (an address that is nobody's) must do.
            let anywhere = (!settings.join.is_empty()).then(|| "192.0.2.1".to_string());
            machine_ip = own_ip(address, known.chain(&anywhere).filter_map(|text| text.parse().ok()));
        }
        let mut machine_id = settings.machine_id.clone();
        if machine_id.is_empty() {
            machine_id = default_machine_id(&machine_ip, address.port());
        }
        let this = Discovery {
            configuration: RwLock::new(DiscoveryConfiguration {
                machine_ip,
                machine_id,
                machine_group_name: settings.group.clone(),
                init_servers: settings.init_servers.clone(),
            }),
            table: RwLock::default(),
            port: address.port(),
            discovery_port: discovery.map_or(p2pfaas_core::wire::DISCOVERY_PORT, |address| address.port()),
            poll_now: Notify::new(),
        };
        this.set_static_peers(&settings.peers);
        this.add_candidates(&settings.init_servers);
        Arc::new(this)
    }

    pub(crate) fn identity(&self) -> Identity {
        let configuration = self.configuration.read();
        Identity {
            ip: configuration.machine_ip.clone(),
            id: configuration.machine_id.clone(),
            group: configuration.machine_group_name.clone(),
        }
    }

    /// Replaces the peers that are always there.
    pub(crate) fn set_static_peers(&self, peers: &[String]) {
        let own = self.own_address();
        let addresses = peers
            .iter()
            .filter_map(|peer| peer.parse().ok())
            .filter(|address: &Address| !address.is_same_scheduler(&own));
        self.table.write().set_static(addresses);
    }

    /// Machines that may be there: they count once they have answered.
    pub(crate) fn add_candidates(&self, machines: &[String]) {
        let addresses = machines.iter().filter_map(|machine| machine.parse().ok());
        for address in addresses {
            self.add_candidate(address);
        }
    }

    pub(crate) fn add_candidate(&self, address: Address) {
        if !address.is_same_scheduler(&self.own_address()) && self.table.write().add_candidate(address) {
            self.poll_now.notify_one();
        }
    }

    /// Addresses and identities of the machines that are there.
    pub(crate) fn alive_peers(&self) -> Vec<(String, Option<NodeId>)> {
        self.table.read().alive().map(|(address, entry)| (address.scheduler(), entry.node)).collect()
    }

    /// How long the last poll of each machine took that has answered one, by scheduler, in seconds.
    pub(crate) fn round_trips(&self) -> HashMap<String, f64> {
        let table = self.table.read();
        let polled = table.alive().filter(|(_, entry)| entry.ping_s > 0.0);
        polled.map(|(address, entry)| (address.scheduler(), entry.ping_s)).collect()
    }

    /// Gossip holds this scheduler for dead: it must answer a poll before it counts as there again.
    pub(crate) fn silent(&self, scheduler: &str) {
        self.table.write().silent(scheduler);
    }

    fn own_address(&self) -> Address {
        let ip = self.configuration.read().machine_ip.clone();
        Address { host: ip, port: self.port, discovery_port: self.discovery_port }
    }
}

/// The address under which others reach this node: the one it listens on, or, when it listens on
/// all, the one from which it would speak to a peer. Empty when there is no way to know.
fn own_ip(listening: SocketAddr, mut peers: impl Iterator<Item = Address>) -> String {
    if !listening.ip().is_unspecified() {
        return listening.ip().to_string();
    }
    let towards = |peer: Address| {
        // Connecting a UDP socket sends nothing; it only picks the route.
        let socket = std::net::UdpSocket::bind((listening.ip(), 0)).ok()?;
        socket.connect((peer.host.as_str(), peer.port)).ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    };
    peers.find_map(towards).unwrap_or_default()
}

/// The machine id of a node that was given none.
fn default_machine_id(ip: &str, port: u16) -> String {
    if port == p2pfaas_core::wire::PORT { format!("p2pfaas-{ip}") } else { format!("p2pfaas-{ip}:{port}") }
}
