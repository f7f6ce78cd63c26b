//! Sockets for all jobs that may be under way: many systems give a program 1024 files, and let it ask
//! for more.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For the generator and, where they are in this process, the nodes at the other ends.
const WANTED: u64 = 4 * super::MAX_UNANSWERED as u64;

/// Asks for more, if there are too few. Where that is refused, jobs without a socket fail with that
/// reason.
pub(super) fn raise_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < WANTED
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, WANTED.min(hard), hard);
    }
}
