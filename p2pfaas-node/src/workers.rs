//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection and the calls that it causes stay on one thread: no wake-up crosses cores, which
//! is a third of a call's cost on the runtime that shares tasks among threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Some threads, or none: then everything stays on the caller's runtime.
pub(crate) struct Workers {
    handles: Vec<Handle>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
    next: AtomicUsize,
}

impl Workers {
    pub(crate) fn start(count: usize) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut handles = Vec::new();
        let mut threads = Vec::new();
        for index in 0..count {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            handles.push(runtime.handle().clone());
            let mut stopped = stopped.clone();
            let thread = std::thread::Builder::new().name(format!("p2pfaas-{index}"));
            threads.push(thread.spawn(move || {
                // An error means that nobody is left who could say stop.
                let _ = runtime.block_on(stopped.changed());
                // What still computes or looks up a name is not waited for.
                runtime.shutdown_background();
            })?);
        }
        Ok(Workers { handles, threads: Mutex::new(threads), stop, next: AtomicUsize::new(0) })
    }

    /// The runtime of the thread whose turn it is.
    pub(crate) fn next(&self) -> Handle {
        match self.handles.len() {
            0 => Handle::current(),
            count => self.handles[self.next.fetch_add(1, Ordering::Relaxed) % count].clone(),
        }
    }

    /// Ends the threads and what still runs on them.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A thread that panicked has ended, too.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
