//! How often one client may call.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Clients that are known at once. Beyond it, and if all of them call just now, new ones are refused.
const MAX_CLIENTS: usize = 65_536;
/// Calls between two looks for clients that are gone.
const SWEEP_EVERY: usize = 4_096;
/// What a client is told to wait when there are too many of them.
const CROWDED_WAIT: Duration = Duration::from_secs(1);

/// Calls of functions that one client may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRate {
    /// Calls a second, in the long run.
    pub per_second: NonZeroU32,
    /// Calls at once.
    pub burst: NonZeroU32,
}

impl FromStr for ClientRate {
    type Err = String;

    /// `RATE` or `RATE:BURST`; without a burst, twice the rate.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "calls a second as RATE or RATE:BURST, whole numbers from 1".to_string();
        let number = |text: &str| text.parse::<NonZeroU32>().map_err(|_| expected());
        match text.split_once(':') {
            Some((rate, burst)) => Ok(ClientRate { per_second: number(rate)?, burst: number(burst)? }),
            None => {
                let per_second = number(text)?;
                Ok(ClientRate { per_second, burst: per_second.saturating_add(per_second.get()) })
            }
        }
    }
}

/// The clients of a node, by their addresses. Those behind one IPv6 network are one client: it can take any address of it.
pub(super) struct ClientLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    calls: AtomicUsize,
}

impl ClientLimit {
    pub(super) fn new(rate: ClientRate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        ClientLimit {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            calls: AtomicUsize::new(0),
        }
    }

    /// Counts a call; `Err` says when the next one may come.
    pub(super) fn call(&self, client: IpAddr) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        if self.limiter.len() >= MAX_CLIENTS {
            self.limiter.retain_recent();
            if self.limiter.len() >= MAX_CLIENTS {
                return Err(CROWDED_WAIT);
            }
        }
        let too_soon = |refused: governor::NotUntil<_>| refused.wait_time_from(self.clock.now());
        self.limiter.check_key(&network(client)).map_err(too_soon)
    }
}

fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}
