//! Shuttle's locks with the face of parking_lot's.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use shuttle::sync;

pub(crate) struct Mutex<T>(sync::Mutex<T>);

pub(crate) struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
    /// There but while its owner waits.
    held: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        Guard { mutex: self, held: Some(self.0.lock().expect("nobody has panicked")) }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("its owner does not wait")
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("its owner does not wait")
    }
}

/// A condition variable. No time ever runs out, so that whoever is not notified waits for ever: a time-out would only hide that.
/// One that is not `SOUND` lets go of the lock before it listens.
pub(crate) struct Condvar<const SOUND: bool>(sync::Condvar);

impl<const SOUND: bool> Condvar<SOUND> {
    pub(crate) fn new() -> Self {
        Condvar(sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_for<T>(&self, guard: &mut Guard<'_, T>, _: Duration) {
        let mut held = guard.held.take().expect("its owner does not wait");
        if !SOUND {
            drop(held);
            held = guard.mutex.0.lock().expect("nobody has panicked");
        }
        guard.held = Some(self.0.wait(held).expect("nobody has panicked"));
    }
}
