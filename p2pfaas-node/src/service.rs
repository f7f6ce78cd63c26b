//! One node: its parts put together, started, and stopped without losing a job.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use p2pfaas_core::membership::Metadata;
use p2pfaas_core::policy::{Descriptor, PolicyError, Registry};
use p2pfaas_core::wire::SchedulerConfiguration;
use p2pfaas_core::{Counters, Node, NodeId, Slots, log};
use p2pfaas_learner::Online;
use parking_lot::Mutex;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::api::server::Server;
use crate::async_calls::{AsyncCalls, JournalError};
use crate::dashboard::Dashboard;
use crate::discovery::{Address, Discovery};
use crate::engine::Engine;
use crate::event_log::EventLog;
use crate::functions::Functions;
use crate::learner::{AgentError, Lessons, Link, Remote};
use crate::membership::{Gossip, GossipError};
use crate::metrics::Metrics;
use crate::peer_client::PeerClient;
use crate::security::{Interface, Security};
use crate::settings::{LearnerPlace, Settings};
use crate::shared::Shared;
use crate::store::Store;
use crate::workers::Workers;

/// For the journal to take the last results when the node ends.
const LAST_RESULTS_TIMEOUT: Duration = Duration::from_secs(2);
/// For a learner service to take the last experiences when the node ends.
const LAST_LESSONS_TIMEOUT: Duration = Duration::from_secs(2);

/// A node that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({what}): {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Which service it is for.
        what: &'static str,
        /// Why not.
        reason: std::io::Error,
    },
    /// The policy cannot be built.
    #[error("the {which} cannot be built: {reason}")]
    Policy {
        /// Policy or fallback.
        which: &'static str,
        /// Why not.
        reason: PolicyError,
    },
    /// The threads that serve requests cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
    /// The agent cannot be had.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The journal of calls that are answered later cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The gossip cannot begin.
    #[error(transparent)]
    Gossip(#[from] GossipError),
    /// The event log cannot be created.
    #[error("the event log cannot be created: {0}")]
    EventLog(std::io::Error),
}

/// A running node.
pub struct NodeService {
    shared: Arc<Shared>,
    servers: Vec<Server>,
    workers: Arc<Workers>,
    background: JoinSet<()>,
    address: SocketAddr,
    discovery_address: Option<SocketAddr>,
    learner_address: Option<SocketAddr>,
    learner_ws_address: Option<SocketAddr>,
    stop_websocket: tokio::sync::watch::Sender<bool>,
    grace: Duration,
}

impl NodeService {
    /// Starts a node. It is listening when this returns.
    ///
    /// # Errors
    /// An address that cannot be listened on, a policy that cannot be built, an event log that
    /// cannot be created.
    pub async fn start(mut settings: Settings, registry: Arc<Registry>) -> Result<NodeService, StartError> {
        let listener = listen(settings.listen, "scheduler").await?;
        let discovery_listener = listen_maybe(settings.discovery_listen, "discovery").await?;
        let learner_listener = listen_maybe(settings.learner_listen, "learner").await?;
        let ws_listener = listen_maybe(settings.learner_ws_listen, "learner's websocket").await?;
        let address = local_address(&listener, settings.listen);
        let discovery_address = discovery_listener.as_ref().zip(settings.discovery_listen);
        let discovery_address = discovery_address.map(|(listener, wanted)| local_address(listener, wanted));
        let learner_address = learner_listener.as_ref().zip(settings.learner_listen);
        let learner_address = learner_address.map(|(listener, wanted)| local_address(listener, wanted));
        let learner_ws_address = ws_listener.as_ref().zip(settings.learner_ws_listen);
        let learner_ws_address = learner_ws_address.map(|(listener, wanted)| local_address(listener, wanted));

        let discovery = Discovery::new(&settings, address, discovery_address);
        let identity = discovery.identity();
        // Without an address the default machine id is that of every such node.
        let unique =
            if identity.ip.is_empty() { format!("{}#{}", identity.id, settings.seed) } else { identity.id };
        let node_id = NodeId::from_machine_id(&unique);
        let gossip = gossip(&settings, &discovery, node_id, address, discovery_address).await?;
        let (engine, lessons) = build_engine(&mut settings, node_id, &registry)?;
        let metrics = Arc::new(Metrics::new());
        let security = Security::new(settings.security);
        let functions = Functions::new(settings.functions, |name| metrics.function(name));
        let idempotent = |name: &str| functions.get(name).is_some_and(|function| function.idempotent);
        let open = |data: &std::path::PathBuf| AsyncCalls::open(data, settings.async_calls, idempotent);
        let async_calls = match settings.data.as_ref().map(open).transpose() {
            Ok(calls) => calls,
            // Nobody has ever been promised a result by this folder.
            Err(error) if !error.is_there() => {
                tracing::warn!(%error, "no call can be answered later");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let shared = Arc::new(Shared {
            functions,
            async_calls: async_calls.clone(),
            peers: PeerClient::new(settings.max_body_bytes, security.clone()),
            security: security.clone(),
            capacity: Mutex::new(SchedulerConfiguration {
                parallel_running_functions_max: settings.core.capacity.slots,
                queue_length_max: settings.core.capacity.queue,
                queue_enabled: settings.core.capacity.queue > 0,
            }),
            engine,
            metrics,
            dashboard: Dashboard::new(),
            discovery,
            gossip,
            registry,
            store: Store::new(settings.data),
            openfaas: settings.openfaas,
            node_id,
            max_body_bytes: settings.max_body_bytes,
            development: settings.development,
            draining: AtomicBool::new(false),
            kept_peer_numbers: Mutex::new(settings.core.peer_numbers),
            telling_peers: Mutex::new(()),
        });
        shared.peers_changed();

        let mut background = JoinSet::new();
        background.spawn(shared.engine.clone().keep_time());
        background.spawn(crate::dashboard::run(shared.clone()));
        let workers = Arc::new(Workers::start(settings.workers).map_err(StartError::Threads)?);
        let start = |listener, door| Server::start(listener, door, workers.clone());
        let guarded = |router, interface| crate::api::Door::new(router, security.clone(), interface, node_id);
        let mut servers = vec![start(listener, crate::api::Door::scheduler(shared.clone()))];
        if let Some(listener) = discovery_listener {
            servers.push(start(
                listener,
                guarded(crate::discovery::router(shared.clone()), Interface::Discovery),
            ));
            background.spawn(crate::discovery::poll::poll(
                shared.clone(),
                settings.poll_interval,
                settings.poll_timeout,
                settings.dead_polls,
            ));
        }
        if let Some(calls) = async_calls {
            background.spawn(crate::async_calls::run(shared.clone(), calls));
        }
        if shared.gossip.is_some() {
            background.spawn(crate::membership::run(shared.clone()));
        }
        let mut online = None;
        match shared.engine.learner() {
            Link::Here(agent) => online = Some(agent.clone()),
            Link::There(remote) => {
                background.spawn(remote.clone().answer(shared.engine.clone()));
                background.extend(lessons.map(|lessons| remote.clone().teach(lessons)));
            }
            Link::Nowhere | Link::Table(_) => {}
        }
        if let Some(listener) = learner_listener {
            let router = match &online {
                Some(online) => p2pfaas_learner::service::router(online.clone()),
                None => crate::learner::table_router(shared.clone()),
            };
            servers.push(start(listener, guarded(router, Interface::Learner)));
        }
        let (stop_websocket, stopped) = tokio::sync::watch::channel(false);
        if let (Some(listener), Some(online)) = (ws_listener, online) {
            let guard = security.guard().clone();
            background.spawn(p2pfaas_learner::service::serve_websocket(listener, online, guard, stopped));
        }
        let grace = settings.shutdown_grace;
        Ok(NodeService {
            shared,
            servers,
            workers,
            background,
            address,
            discovery_address,
            learner_address,
            learner_ws_address,
            stop_websocket,
            grace,
        })
    }

    /// Where the scheduler listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the discovery listens, if it does.
    pub fn discovery_address(&self) -> Option<SocketAddr> {
        self.discovery_address
    }

    /// Where the gossip listens, if it does.
    pub fn gossip_address(&self) -> Option<SocketAddr> {
        self.shared.gossip.as_ref().map(Gossip::address)
    }

    /// Members that gossip knows and holds for alive, as they tell of themselves.
    pub fn members(&self) -> Vec<Metadata> {
        self.shared.gossip.as_ref().map(Gossip::metadata).unwrap_or_default()
    }

    /// Where the learner listens, if it does.
    pub fn learner_address(&self) -> Option<SocketAddr> {
        self.learner_address
    }

    /// Where the learner's websocket listens, if it does.
    pub fn learner_ws_address(&self) -> Option<SocketAddr> {
        self.learner_ws_address
    }

    /// The agent in this process, if there is one.
    pub fn agent(&self) -> Option<&Arc<Online>> {
        match self.shared.engine.learner() {
            Link::Here(online) => Some(online),
            _ => None,
        }
    }

    /// The machine id under which the node shows itself.
    pub fn machine_id(&self) -> String {
        self.shared.discovery.identity().id
    }

    /// Replaces the peers that are always there: `host[:port[:discovery port]]`.
    pub fn set_peers(&self, peers: Vec<String>) {
        self.shared.discovery.set_static_peers(&peers);
        self.shared.peers_changed();
    }

    /// Changes the policy; jobs under way finish under the old one.
    ///
    /// # Errors
    /// A policy that cannot be built, or whose states the agent does not know; the old one stays.
    pub fn set_policy(&self, policy: &Descriptor) -> Result<(), StartError> {
        let built = self.shared.registry.build(policy);
        let built = built.map_err(|reason| StartError::Policy { which: "policy", reason })?;
        Ok(self.shared.engine.set_policy(built)?)
    }

    /// What the state machine has counted.
    pub fn counters(&self) -> Counters {
        self.shared.engine.counters()
    }

    /// Stops accepting, lets the jobs under way finish within the grace time, answers the rest.
    pub async fn shutdown(mut self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.dashboard.end();
        if let Some(gossip) = &self.shared.gossip {
            gossip.leave();
        }
        let deadline = tokio::time::Instant::now() + self.grace;
        let end_all = || self.shared.engine.end_all();
        join_all(self.servers.into_iter().map(|server| server.stop(deadline, end_all))).await;
        // Functions whose clients have gone still run; the timers are still kept.
        let idle = async {
            while self.shared.engine.read(|node| node.jobs_under_way()) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout_at(deadline, idle).await.is_err() {
            self.shared.engine.end_all();
        }
        if let Some(calls) = &self.shared.async_calls {
            // How they ended is still to be written.
            let _ = tokio::time::timeout(LAST_RESULTS_TIMEOUT, calls.settled()).await;
        }
        self.stop_websocket.send_replace(true);
        match self.shared.engine.learner() {
            Link::Here(online) => {
                let online = online.clone();
                // It trains what it still has, and writes its last checkpoint.
                let _ = tokio::task::spawn_blocking(move || online.stop()).await;
            }
            Link::There(remote) => {
                // What the learner does not take by then is lost with the process.
                let _ = tokio::time::timeout(LAST_LESSONS_TIMEOUT, remote.flush()).await;
            }
            Link::Nowhere | Link::Table(_) => {}
        }
        self.background.shutdown().await;
        self.workers.stop().await;
        self.shared.engine.close_log();
    }
}

fn build_engine(
    settings: &mut Settings,
    node_id: NodeId,
    registry: &Registry,
) -> Result<(Arc<Engine>, Option<Lessons>), StartError> {
    let build = |descriptor: &Descriptor, which| {
        registry.build(descriptor).map_err(|reason| StartError::Policy { which, reason })
    };
    let policy = build(&settings.policy, "policy")?;
    let fallback = build(&settings.fallback, "fallback policy")?;
    let space = policy.state_space(&Slots::new(settings.core.capacity, settings.core.task_types));
    let mut lessons = None;
    if matches!(settings.learner, LearnerPlace::Table(_) | LearnerPlace::There(_)) {
        settings.core.peer_numbers = Store::kept_peer_numbers(settings.data.as_deref());
    }
    let learner = match &settings.learner {
        LearnerPlace::Nowhere => Link::Nowhere,
        LearnerPlace::Table(table) => Link::Table(table.clone()),
        LearnerPlace::Here(agent) => {
            let data = settings.data.as_deref();
            Link::Here(crate::learner::start(agent, data, space, &mut settings.core, settings.seed)?)
        }
        LearnerPlace::There(address) => {
            let (remote, taught) =
                Remote::new(address.clone(), settings.learner_token.clone(), &settings.core);
            lessons = Some(taught);
            Link::There(remote)
        }
    };
    let header = log::Header {
        node: node_id,
        seed: settings.seed,
        config: settings.core.clone(),
        policy: policy.descriptor(),
        fallback: fallback.descriptor(),
    };
    let log = settings.event_log.as_ref().map(|path| EventLog::create(path, &header)).transpose();
    let log = log.map_err(StartError::EventLog)?;
    let node = Node::new(node_id, settings.core.clone(), policy, fallback);
    let rng = Xoshiro256PlusPlus::seed_from_u64(settings.seed);
    Ok((Engine::new(node, rng, learner, log), lessons))
}

/// This node as a member.
async fn gossip(
    settings: &Settings,
    discovery: &Discovery,
    node: NodeId,
    scheduler: SocketAddr,
    discovery_address: Option<SocketAddr>,
) -> Result<Option<Gossip>, GossipError> {
    let identity = discovery.identity();
    let own = Address { host: identity.ip.clone(), port: scheduler.port(), discovery_port: 0 };
    let mut metadata = Metadata {
        machine_id: identity.id,
        node,
        group: identity.group,
        scheduler: own.scheduler(),
        discovery_port: discovery_address.map_or(0, |address| address.port()),
        slots: settings.core.capacity.slots,
        queue: settings.core.capacity.queue,
        version: crate::VERSION.into(),
        ..Metadata::default()
    };
    metadata.offer(settings.functions.iter().map(|function| function.name.as_str()));
    Gossip::bind(settings, scheduler, metadata, &identity.ip).await
}

async fn listen(address: SocketAddr, what: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|reason| StartError::Listen { address, what, reason })
}

async fn listen_maybe(
    address: Option<SocketAddr>,
    what: &'static str,
) -> Result<Option<TcpListener>, StartError> {
    match address {
        Some(address) => listen(address, what).await.map(Some),
        None => Ok(None),
    }
}

fn local_address(listener: &TcpListener, wanted: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(wanted)
}
