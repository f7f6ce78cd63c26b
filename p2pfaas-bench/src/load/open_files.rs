//! Sockets for all jobs that may be under way: many systems give a program 1024 files, and let it ask
//! for more.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::MAX_UNANSWERED;

/// Files that a job may take where the nodes are in this process: both ends of its connection, and of
/// that over which it is forwarded. Without any left, connections wait for each other.
const A_JOB: u64 = 4;

/// Asks for as many files as there may be jobs without an answer. How many of these there may be then.
pub(super) fn room() -> usize {
    let wanted = A_JOB * MAX_UNANSWERED as u64;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return MAX_UNANSWERED };
    let raised = wanted.min(hard);
    let limit = match soft < raised && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
        true => raised,
        false => soft,
    };
    usize::try_from(limit / A_JOB).map_or(MAX_UNANSWERED, |room| room.clamp(1, MAX_UNANSWERED))
}
