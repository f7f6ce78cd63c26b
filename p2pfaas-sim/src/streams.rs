//! Independent streams of random numbers out of one seed: one for each purpose and owner, so that
//! what is drawn for one never shifts what is drawn for another.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Gaps between a node's arrivals.
    Arrivals = 1,
    /// Task types of a node's arrivals.
    TaskTypes = 2,
    /// Payloads of a node's arrivals.
    Payloads = 3,
    /// A job's service demand.
    Demand = 4,
    /// A node's own decisions.
    Node = 5,
    /// A training's arrivals, which have this as their seed.
    Training = 6,
    /// What happens to messages: random latencies, losses.
    Network = 7,
    /// When a node fails and is repaired.
    Faults = 8,
    /// A run's random graph of neighbours.
    Topology = 9,
    /// The states that a node's rate of arrivals goes through.
    Modulation = 10,
    /// What a function's jobs take, where a trace tells of it.
    ServiceTimes = 11,
    /// A member's choices when it looks after the others.
    Membership = 12,
}

/// The generator of one purpose and owner.
pub fn generator(seed: u64, purpose: Purpose, owner: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, purpose, owner))
}

/// The seed of one purpose and owner.
pub fn stream_seed(seed: u64, purpose: Purpose, owner: u64) -> u64 {
    mix(mix(mix(seed) ^ purpose as u64) ^ owner)
}

/// A number for a text, to be an owner: FNV-1a.
pub fn text_owner(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of SplitMix64: neighbours become strangers.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_purposes_and_owners_all_make_another_stream() {
        let base = stream_seed(1, Purpose::Arrivals, 0);
        assert_eq!(base, stream_seed(1, Purpose::Arrivals, 0));
        assert_ne!(base, stream_seed(2, Purpose::Arrivals, 0));
        assert_ne!(base, stream_seed(1, Purpose::TaskTypes, 0));
        assert_ne!(base, stream_seed(1, Purpose::Arrivals, 1));
    }
}
