//! What all handlers share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::access::Guard;
use super::error::ApiError;
use super::metrics::Metrics;
use crate::online::Online;

/// The agent, and what is counted before it.
pub(super) struct Service {
    pub online: Arc<Online>,
    pub metrics: Metrics,
    /// Batches that were turned away because the inbox stayed full.
    pub turned_away: AtomicU64,
    /// Batches and experiences that were refused because something in them is wrong.
    pub refused: AtomicU64,
    /// Where changed parameters are kept.
    pub parameters_file: Option<PathBuf>,
    /// Who counts those that were refused, if that is shown here.
    pub guard: Option<Arc<Guard>>,
    /// Held while a whole agent comes or goes: one at a time, because it may be large.
    pub whole_agent: Semaphore,
    /// Held while parameters are changed, so that none of two changes is lost.
    pub changing: Mutex<()>,
}

impl Service {
    /// Of an agent, for whoever keeps its parameters and its guard himself.
    pub fn new(online: Arc<Online>) -> Self {
        Service {
            online,
            metrics: Metrics::new(),
            turned_away: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            parameters_file: None,
            guard: None,
            whole_agent: Semaphore::new(1),
            changing: Mutex::new(()),
        }
    }

    /// Waits for the turn to carry a whole agent.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.whole_agent.acquire().await.map_err(|error| ApiError::internal(error.to_string()))
    }

    /// Runs what may wait for training or for the disk apart from the requests.
    pub async fn apart<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        tokio::task::spawn_blocking(move || work(&self))
            .await
            .map_err(|error| ApiError::internal(error.to_string()))
    }
}
