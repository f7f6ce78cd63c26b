//! Numbered tasks on all cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

/// Does tasks 0 to `count` - 1; each thread takes the next one as soon as it is free, so that they begin in
/// the order of their numbers. After a stop none begins any more.
pub(crate) fn each(
    threads: Option<NonZeroUsize>,
    count: usize,
    stop: &CancellationToken,
    task: impl Fn(usize) + Sync,
) -> Result<(), rayon::ThreadPoolBuildError> {
    // 0 is rayon's word for the number of cores.
    let threads = threads.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|_| "run".into()).build()?;
    let next = AtomicUsize::new(0);
    pool.broadcast(|_| {
        while !stop.is_cancelled() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            task(number);
        }
    });
    Ok(())
}
