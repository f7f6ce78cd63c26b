//! What the online agent shares between threads is made of. The checks of its interleavings compile the same agent with
//! shuttle's in the place of these.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(crate) use std::thread;

pub(crate) use parking_lot::{Condvar, Mutex};
