//! Work that keeps a processor busy, beside the threads that serve requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::executor::ExecuteError;

/// Runs `work` on a blocking thread. When the caller goes away, work that has not begun never
/// does, and work under way sees its flag set.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Result<T, ExecuteError> {
    let given_up = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&given_up);
    let mut under_way = UnderWay { handle: spawn_blocking(move || work(&flag)), given_up };
    (&mut under_way.handle).await.map_err(|error| ExecuteError::Failed(error.to_string()))
}

struct UnderWay<T> {
    handle: JoinHandle<T>,
    given_up: Arc<AtomicBool>,
}

impl<T> Drop for UnderWay<T> {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.handle.abort();
    }
}
