//! Who else is there, by gossip: drives [`p2pfaas_core::membership`] over UDP.
//!
//! It stands beside the old discovery: a member is a peer, and a machine that only speaks `/list` stays one through
//! that. The state machine is behind one lock, datagrams are sent without waiting: one that cannot be is lost, as others
//! are.

mod drive;
mod envelope;
mod join;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use p2pfaas_core::membership::{
    Identity, Member, MemberState, Membership, MembershipCounters, Metadata, TooLong,
};
use p2pfaas_core::wire::{DISCOVERY_PORT, Machine};
use p2pfaas_core::{NodeId, Time};
use parking_lot::Mutex;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use crate::clock::{unix_ms, unix_seconds};
use crate::discovery::Address;
use crate::settings::Settings;
pub(crate) use drive::run;
pub(crate) use envelope::Envelope;

/// A member that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// The socket.
    #[error("cannot listen on {address} (gossip, UDP): {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// What it would have to tell.
    #[error("this node cannot be told to others: {0}")]
    TooLong(#[from] TooLong),
}

/// Counts for the metrics.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GossipCounts {
    pub alive: usize,
    pub suspected: usize,
    pub dead: usize,
    pub counters: MembershipCounters,
    /// Datagrams that were not sealed by this cluster, or are too long.
    pub unsealed: u64,
    /// Datagrams that could not be sent.
    pub unsent: u64,
}

/// This node as a member.
pub(crate) struct Gossip {
    machine: Mutex<Membership<Xoshiro256PlusPlus>>,
    metadata: Mutex<Metadata>,
    socket: UdpSocket,
    envelope: Envelope,
    origin: Instant,
    wake_at_nanos: AtomicU64,
    wake_changed: Notify,
    join: Vec<String>,
    /// Schedulers that answer polls of the old discovery though gossip holds them for dead.
    answering: Mutex<BTreeSet<String>>,
    unsealed: AtomicU64,
    unsent: AtomicU64,
}

impl Gossip {
    /// Binds the socket. `None` if there is none to bind, or nobody could be told where this node is.
    ///
    /// # Errors
    /// An address that cannot be listened on, and a node whose names are too long to be told.
    pub(crate) async fn bind(
        settings: &Settings,
        scheduler: SocketAddr,
        metadata: Metadata,
        machine_ip: &str,
    ) -> Result<Option<Gossip>, GossipError> {
        let Some(wanted) = settings.gossip_listen else { return Ok(None) };
        let listen = |reason| GossipError::Listen { address: wanted, reason };
        let socket = bind(wanted, scheduler).await.map_err(listen)?;
        let port = socket.local_addr().map_err(listen)?.port();
        let Some(address) = join::resolve(&format_host(machine_ip, port)).await.into_iter().next() else {
            tracing::warn!(
                "no gossip: others cannot be told an address of this machine; --machine-ip gives one"
            );
            return Ok(None);
        };
        let me = Identity { address, life: unix_ms() };
        let rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed ^ me.life);
        let machine = Membership::new(Time::ZERO, me, metadata.clone(), settings.gossip.clone(), rng)?;
        tracing::info!(%address, "gossip");
        Ok(Some(Gossip {
            machine: Mutex::new(machine),
            metadata: Mutex::new(metadata),
            socket,
            envelope: Envelope::new(&settings.security),
            origin: Instant::now(),
            wake_at_nanos: AtomicU64::new(u64::MAX),
            wake_changed: Notify::new(),
            join: settings.join.clone(),
            answering: Mutex::default(),
            unsealed: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
        }))
    }

    /// Where this node's datagrams come from.
    pub(crate) fn address(&self) -> SocketAddr {
        self.machine.lock().identity().address
    }

    /// Adds the members to the peers that are known otherwise.
    pub(crate) fn add_peers(&self, peers: &mut Vec<(String, Option<NodeId>)>) {
        let known: std::collections::BTreeMap<String, usize> =
            peers.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        self.each(|member, metadata| {
            if member.state == MemberState::Dead {
                return;
            }
            match known.get(&metadata.scheduler) {
                Some(index) => peers[*index].1 = Some(metadata.node),
                None => peers.push((metadata.scheduler.clone(), Some(metadata.node))),
            }
        });
    }

    /// Schedulers of members that are suspected or dead, and that have not answered otherwise since.
    pub(crate) fn doubted(&self) -> Vec<String> {
        let mut doubted = Vec::new();
        self.each(|member, metadata| {
            if member.state != MemberState::Alive {
                doubted.push(metadata.scheduler.clone());
            }
        });
        let answering = self.answering.lock();
        doubted.retain(|name| !answering.contains(name));
        doubted
    }

    /// Whether a scheduler is that of a member that is not dead.
    pub(crate) fn knows(&self, scheduler: &str) -> bool {
        self.state_of(scheduler).is_some_and(|state| state != MemberState::Dead)
    }

    /// A scheduler has answered a poll. Whether this is news, since gossip holds it for dead.
    pub(crate) fn answers_poll(&self, scheduler: &str) -> bool {
        self.state_of(scheduler) == Some(MemberState::Dead)
            && self.answering.lock().insert(scheduler.to_string())
    }

    fn state_of(&self, scheduler: &str) -> Option<MemberState> {
        let mut state = None;
        self.each(|member, metadata| {
            if metadata.scheduler == scheduler {
                state = Some(member.state);
            }
        });
        state
    }

    /// Adds the members that are there to the machines of the old discovery.
    pub(crate) fn add_machines(&self, machines: &mut Vec<Machine>) {
        let listed: BTreeSet<(String, u16)> =
            machines.iter().map(|machine| (machine.ip.clone(), machine.port)).collect();
        self.each(|member, metadata| {
            let Ok(address) = metadata.scheduler.parse::<Address>() else { return };
            if member.state == MemberState::Dead || listed.contains(&(address.host.clone(), address.port)) {
                return;
            }
            machines.push(Machine {
                id: metadata.machine_id.clone(),
                ip: address.host,
                name: metadata.machine_id.clone(),
                group_name: metadata.group.clone(),
                ping: 0.0,
                last_update: unix_seconds(),
                alive: true,
                dead_polls: 0,
                port: address.port,
                discovery_port: Some(metadata.discovery_port)
                    .filter(|port| *port > 0)
                    .unwrap_or(DISCOVERY_PORT),
            });
        });
        machines.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Members that are not dead, as they tell of themselves.
    pub(crate) fn metadata(&self) -> Vec<Metadata> {
        let mut all = Vec::new();
        self.each(|member, metadata| {
            if member.state != MemberState::Dead {
                all.push(metadata.clone());
            }
        });
        all
    }

    /// Tells the others that this node goes.
    pub(crate) fn leave(&self) {
        let mut post = drive::Post::new(self);
        self.machine.lock().leave(self.now(), &mut post);
    }

    pub(crate) fn counts(&self) -> GossipCounts {
        let machine = self.machine.lock();
        let count = |state| machine.members().filter(|member| member.state == state).count();
        GossipCounts {
            alive: count(MemberState::Alive),
            suspected: count(MemberState::Suspected),
            dead: count(MemberState::Dead),
            counters: machine.counters(),
            unsealed: self.unsealed.load(Ordering::Relaxed),
            unsent: self.unsent.load(Ordering::Relaxed),
        }
    }

    /// All others that have told what they are.
    pub(crate) fn each(&self, mut see: impl FnMut(&Member, &Metadata)) {
        let machine = self.machine.lock();
        for member in machine.members() {
            if let Some(metadata) = &member.metadata {
                see(member, metadata);
            }
        }
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }
}

/// A free port is the scheduler's, if it can be had.
async fn bind(wanted: SocketAddr, scheduler: SocketAddr) -> io::Result<UdpSocket> {
    if wanted.port() == 0
        && let Ok(socket) = UdpSocket::bind((wanted.ip(), scheduler.port())).await
    {
        return Ok(socket);
    }
    UdpSocket::bind(wanted).await
}

fn format_host(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
