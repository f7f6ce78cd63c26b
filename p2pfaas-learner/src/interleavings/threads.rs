//! Shuttle's threads, which cannot tell whether they have ended, with the face of the standard library's.

use std::sync::Arc;

use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;

pub(crate) struct Builder(thread::Builder);

pub(crate) struct JoinHandle<T> {
    thread: thread::JoinHandle<T>,
    ended: Arc<AtomicBool>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder(thread::Builder::new())
    }

    pub(crate) fn name(self, name: String) -> Self {
        Builder(self.0.name(name))
    }

    pub(crate) fn spawn<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<JoinHandle<T>> {
        let ended = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&ended);
        let thread = self.0.spawn(move || {
            let result = work();
            ending.store(true, Ordering::Release);
            result
        })?;
        Ok(JoinHandle { thread, ended })
    }
}

impl<T> JoinHandle<T> {
    pub(crate) fn join(self) -> std::thread::Result<T> {
        self.thread.join()
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
