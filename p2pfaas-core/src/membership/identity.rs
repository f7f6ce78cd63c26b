//! A member as the protocol knows it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The latest life that is believed; beyond it a datagram is garbage.
const MAX_LIFE: u64 = 1 << 53;

/// An address, and which of the lives at this address.
///
/// A member that is declared dead cannot take that back, but begins another life; so does one that is
/// started again. The later life wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Where its datagrams go.
    pub address: SocketAddr,
    /// Grows from life to life. A start takes the milliseconds of the calendar's clock.
    pub life: u64,
}

impl Identity {
    /// The member at this address whose life is not known: to say hello to it.
    pub(super) fn anyone_at(address: SocketAddr) -> Self {
        Identity { address, life: 0 }
    }

    pub(super) fn is_believable(&self) -> bool {
        self.life <= MAX_LIFE && self.address.port() != 0 && !self.address.ip().is_unspecified()
    }

    /// The same member in its next life, if there is one.
    pub(super) fn after(&self, life: u64) -> Option<Self> {
        let next = Identity { life: life.max(self.life).saturating_add(1), ..*self };
        next.is_believable().then_some(next)
    }
}

impl foca::Identity for Identity {
    type Addr = SocketAddr;

    fn renew(&self) -> Option<Self> {
        self.after(self.life)
    }

    fn addr(&self) -> SocketAddr {
        self.address
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.life > adversary.life
    }
}
