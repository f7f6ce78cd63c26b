//! The machines that a node has heard of.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use p2pfaas_core::NodeId;
use p2pfaas_core::defaults::MAX_PEERS;
use p2pfaas_core::wire::{DISCOVERY_PORT, Machine, PORT};

/// Where a machine is: `host[:port[:discovery port]]`, IPv6 in brackets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Name or IP address, without brackets.
    pub host: String,
    /// Port of its scheduler.
    pub port: u16,
    /// Port of its discovery.
    pub discovery_port: u16,
}

impl Address {
    /// `host:port` of its scheduler.
    pub fn scheduler(&self) -> String {
        self.to_authority(self.port)
    }

    /// `host:port` of its discovery.
    pub fn discovery(&self) -> String {
        self.to_authority(self.discovery_port)
    }

    /// Whether both are the same scheduler, whatever is believed of its discovery.
    pub fn is_same_scheduler(&self, other: &Address) -> bool {
        self.host == other.host && self.port == other.port
    }

    /// The host alone, as it stands before a port.
    pub(crate) fn without_ports(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }

    fn to_authority(&self, port: u16) -> String {
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }
}

/// Text that is no address of a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected host[:port[:discovery port]], got {0:?}")]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let error = || ParseAddressError(text.to_string());
        let (host, ports) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(error)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || !host.chars().all(known) {
            return Err(error());
        }
        let mut ports = match ports.strip_prefix(':') {
            Some(ports) => ports.split(':'),
            None if ports.is_empty() => {
                return Ok(Address { host: host.into(), port: PORT, discovery_port: DISCOVERY_PORT });
            }
            None => return Err(error()),
        };
        let port = ports.next().unwrap_or_default().parse().map_err(|_| error())?;
        let discovery_port = match ports.next() {
            Some(port) => port.parse().map_err(|_| error())?,
            None => DISCOVERY_PORT,
        };
        // A hosts file has the learner's port last; nobody here needs it.
        if ports.next().is_some_and(|learner| learner.parse::<u16>().is_err()) || ports.next().is_some() {
            return Err(error());
        }
        Ok(Address { host: host.into(), port, discovery_port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheduler())
    }
}

/// What is known of a machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Was given by hand: always taken to be there.
    pub fixed: bool,
    /// Has answered this node itself, and not been silent for too long since.
    pub answers: bool,
    pub node: Option<NodeId>,
    pub name: String,
    pub group: String,
    pub ping_s: f64,
    pub last_update: i64,
    pub dead_polls: u32,
}

/// Machines by address. Bounded: one more than the bound is not taken up.
#[derive(Debug, Default)]
pub(crate) struct Table(BTreeMap<Address, Entry>);

impl Table {
    pub(crate) fn set_static(&mut self, addresses: impl Iterator<Item = Address>) {
        self.0.retain(|_, entry| !entry.fixed);
        for address in addresses {
            self.0.entry(address).or_default().fixed = true;
        }
    }

    /// Whether it was new and has been taken up.
    pub(crate) fn add_candidate(&mut self, address: Address) -> bool {
        if self.0.len() >= MAX_PEERS as usize || self.0.keys().any(|known| known.is_same_scheduler(&address))
        {
            return false;
        }
        self.0.insert(address, Entry::default());
        true
    }

    pub(crate) fn alive(&self) -> impl Iterator<Item = (&Address, &Entry)> {
        self.0.iter().filter(|(_, entry)| entry.fixed || entry.answers)
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn get_mut(&mut self, address: &Address) -> Option<&mut Entry> {
        self.0.get_mut(address)
    }

    pub(crate) fn silent(&mut self, scheduler: &str) {
        let same = |(address, _): &(&Address, &mut Entry)| address.scheduler() == scheduler;
        if let Some((_, entry)) = self.0.iter_mut().find(same) {
            entry.answers = false;
        }
    }

    pub(crate) fn remove(&mut self, address: &Address) {
        self.0.remove(address);
    }

    /// Forgets all but the machines that were given by hand.
    pub(crate) fn reset(&mut self) {
        self.0.retain(|_, entry| entry.fixed);
    }

    /// The machines that are there, in the order of their names.
    pub(crate) fn machines(&self) -> Vec<Machine> {
        let machine = |(address, entry): (&Address, &Entry)| Machine {
            id: if entry.name.is_empty() { address.host.clone() } else { entry.name.clone() },
            ip: address.host.clone(),
            name: if entry.name.is_empty() { address.host.clone() } else { entry.name.clone() },
            group_name: entry.group.clone(),
            ping: entry.ping_s,
            last_update: entry.last_update,
            alive: true,
            dead_polls: entry.dead_polls,
            port: address.port,
            discovery_port: address.discovery_port,
        };
        let mut machines: Vec<Machine> = self.alive().map(machine).collect();
        machines.sort_by(|a, b| a.name.cmp(&b.name));
        machines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_up_to_three_ports() {
        let parts = |text: &str| text.parse().map(|a: Address| (a.host, a.port, a.discovery_port));
        assert_eq!(parts("10.0.0.1"), Ok(("10.0.0.1".into(), 18080, 19000)));
        assert_eq!(parts("node-1:81"), Ok(("node-1".into(), 81, 19000)));
        assert_eq!(parts("node-1:81:91:101"), Ok(("node-1".into(), 81, 91)));
        assert_eq!(parts("[::1]:81"), Ok(("::1".into(), 81, 19000)));
        assert_eq!("[::1]:81".parse::<Address>().map(|a| a.scheduler()), Ok("[::1]:81".into()));
        for text in ["", ":80", "a:b", "a:1:2:3:4", "a/b", "[::1", "a:99999", "http://a"] {
            assert!(parts(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_candidate_is_not_listed_before_it_has_answered() {
        let mut table = Table::default();
        let address: Address = "10.0.0.1".parse().unwrap();
        assert!(table.add_candidate(address.clone()));
        assert!(!table.add_candidate(address.clone()));
        assert!(table.machines().is_empty());
        table.get_mut(&address).unwrap().answers = true;
        assert_eq!(table.machines().len(), 1);
    }
}
