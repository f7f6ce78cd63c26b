//! The online agent under shuttle's scheduler.

pub(crate) mod sync {
    pub(crate) use crate::interleavings::threads as thread;
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    pub(crate) use crate::interleavings::locks::Mutex;
    pub(crate) type Condvar = crate::interleavings::locks::Condvar<true>;
}

#[path = "../online.rs"]
pub(crate) mod online;
