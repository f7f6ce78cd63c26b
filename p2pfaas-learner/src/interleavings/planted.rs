//! The online agent with a bug that the checks must find: whoever waits lets go of the lock before it listens.

pub(crate) mod sync {
    pub(crate) use crate::interleavings::threads as thread;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    pub(crate) use crate::interleavings::locks::Mutex;
    pub(crate) type Condvar = crate::interleavings::locks::Condvar<false>;
}

#[path = "../online.rs"]
pub(crate) mod online;
