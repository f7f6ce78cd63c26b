//! Places for connections: so many in all, and so many for one address, so that nobody has all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of one server.
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most_for_one: usize,
}

/// A connection's place; dropped, it is free.
pub(super) struct Place {
    _counted: Counted,
    _one_of_all: OwnedSemaphorePermit,
}

/// One of an address, also while it waits for a place; dropped, it counts no more.
struct Counted {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(all: usize, most_for_one: usize) -> Self {
        Places { all: Arc::new(Semaphore::new(all)), taken: Arc::default(), most_for_one }
    }

    /// Waits for a place for an address; `None` when it has as many as it may have.
    pub(super) async fn take(&self, address: IpAddr) -> Option<Place> {
        {
            let mut taken = self.taken.lock();
            let own = taken.entry(address).or_default();
            if *own >= self.most_for_one {
                return None;
            }
            *own += 1;
        }
        let counted = Counted { taken: self.taken.clone(), address };
        // It is never closed.
        let one_of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(Place { _counted: counted, _one_of_all: one_of_all })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_address_leaves_places_for_others_and_what_is_given_back_is_free() {
        let places = Places::new(3, 2);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse::<IpAddr>().unwrap());
        let first = places.take(one).await.unwrap();
        let second = places.take(one).await.unwrap();
        assert!(places.take(one).await.is_none());
        let third = places.take(other).await.unwrap();
        // All are taken: who waits and gives up leaves nothing behind.
        let waited = tokio::time::timeout(Duration::from_millis(1), places.take(other)).await;
        assert!(waited.is_err());
        drop(first);
        assert!(places.take(one).await.is_some());
        drop((second, third));
        assert!(places.taken.lock().is_empty() && places.all.available_permits() == 3);
    }
}
