//! A learner service of ours beside the node, and who may use it.

use std::sync::Arc;

use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_learner::service::access::Guard;
use p2pfaas_learner::{AgentConfig, Counters, Learner, Online, OnlineOptions, service};
use p2pfaas_node::LearnerAddress;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running learner service, which explores half of the time.
pub struct OwnLearner {
    online: Arc<Online>,
    pub guard: Arc<Guard>,
    http: u16,
    websocket: u16,
    stop: watch::Sender<bool>,
    serving: [JoinHandle<()>; 2],
}

impl OwnLearner {
    pub async fn start(guard: Guard) -> OwnLearner {
        let config = AgentConfig { epsilon_start: 0.5, epsilon_min: 0.5, ..AgentConfig::default() };
        let learner = Learner::new(config, None, 1).expect("valid");
        let online = Online::start(Checkpoint { learner, peers: Vec::new() }, OnlineOptions::default());
        let (online, guard) = (online.expect("starts"), Arc::new(guard));
        let bind = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (http, websocket) = (bind().await, bind().await);
        let port = |listener: &TcpListener| listener.local_addr().expect("bound").port();
        let (http_port, websocket_port) = (port(&http), port(&websocket));
        let (stop, stopped) = watch::channel(false);
        let router = service::router(online.clone());
        let serving = [
            tokio::spawn(service::serve(http, router, guard.clone(), stopped.clone())),
            tokio::spawn(service::serve_websocket(websocket, online.clone(), guard.clone(), stopped)),
        ];
        OwnLearner { online, guard, http: http_port, websocket: websocket_port, stop, serving }
    }

    pub fn address(&self) -> LearnerAddress {
        LearnerAddress { host: "127.0.0.1".into(), port: self.http, websocket_port: self.websocket }
    }

    /// What it has done, when all that it was taught has been trained.
    pub async fn settled(&self) -> Counters {
        let online = self.online.clone();
        tokio::task::spawn_blocking(move || {
            online.settle();
            online.stats().counters
        })
        .await
        .expect("settles")
    }

    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.serving {
            task.await.expect("ends");
        }
    }
}
