//! What all requests of one node share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use p2pfaas_core::policy::Registry;
use p2pfaas_core::wire::SchedulerConfiguration;
use p2pfaas_core::{Event, NodeId, PeerId};
use parking_lot::Mutex;

use crate::async_calls::AsyncCalls;
use crate::dashboard::Dashboard;
use crate::discovery::Discovery;
use crate::engine::Engine;
use crate::executor::OpenFaas;
use crate::functions::Functions;
use crate::learner::Link;
use crate::membership::Gossip;
use crate::metrics::Metrics;
use crate::peer_client::PeerClient;
use crate::security::Security;
use crate::store::Store;

/// The parts of a node, as a request meets them.
pub(crate) struct Shared {
    pub engine: Arc<Engine>,
    pub functions: Functions,
    pub peers: Arc<PeerClient>,
    pub metrics: Arc<Metrics>,
    pub dashboard: Dashboard,
    pub discovery: Arc<Discovery>,
    pub gossip: Option<Gossip>,
    pub registry: Arc<Registry>,
    pub security: Arc<Security>,
    /// Calls that are answered later; with a data folder.
    pub async_calls: Option<Arc<AsyncCalls>>,
    pub store: Store,
    pub capacity: Mutex<SchedulerConfiguration>,
    pub openfaas: Option<OpenFaas>,
    pub node_id: NodeId,
    pub max_body_bytes: usize,
    pub development: bool,
    pub draining: AtomicBool,
    /// Names of the peers by their numbers, as the data folder has them.
    pub kept_peer_numbers: Mutex<Vec<String>>,
    /// Held while the state machine and the client are told of new peers, so that the last word is the newest.
    pub telling_peers: Mutex<()>,
}

impl Shared {
    /// Tells the state machine and the client which peers there are now.
    pub(crate) fn peers_changed(&self) {
        let _one_at_a_time = self.telling_peers.lock();
        let mut numbered = Vec::new();
        let mut peers = self.discovery.alive_peers();
        if let Some(gossip) = &self.gossip {
            gossip.add_peers(&mut peers);
        }
        let ids: HashMap<String, NodeId> =
            peers.iter().filter_map(|(name, node)| Some((name.clone(), (*node)?))).collect();
        self.engine.set_peers(peers, |peers| {
            let names = || (0..peers.known() as u32).filter_map(|id| peers.name(PeerId(id)));
            self.peers.set_addresses(names(), |name| ids.get(name).copied());
            numbered.extend(names().map(str::to_string));
        });
        for scheduler in self.gossip.iter().flat_map(Gossip::doubted) {
            self.suspect(&scheduler, true);
        }
        match self.engine.learner() {
            Link::Nowhere => {}
            Link::Here(online) => online.set_peers(numbered),
            Link::Table(_) | Link::There(_) => {
                let mut kept = self.kept_peer_numbers.lock();
                if *kept != numbered {
                    kept.clone_from(&numbered);
                    if let Err(error) = self.store.peer_numbers(|| numbered) {
                        tracing::warn!(%error, "after a restart actions may mean other peers");
                    }
                }
            }
        }
    }

    /// Tells the state machine that a peer is suspected by its fellows, or trusted again.
    pub(crate) fn suspect(&self, scheduler: &str, suspected: bool) {
        if let Some(peer) = self.engine.read(|node| node.peers().by_name(scheduler)) {
            self.engine.notice(Event::Suspected { peer, suspected });
        }
    }
}
