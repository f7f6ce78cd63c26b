//! Which of many sources is next: a tournament that keeps the losers of its matches, so that a new
//! instant of the winner costs one comparison a level, without a branch to guess.

use std::hint::select_unpredictable;

/// The earliest of a fixed number of sources; equal instants go by the sources' numbers.
#[derive(Debug)]
pub(super) struct Earliest {
    /// The winner, then the loser of each match: match `m` is between the winners of `2m` and `2m + 1`;
    /// those at or above the number of sources are the sources themselves.
    matches: Vec<Entry>,
    sources: usize,
}

/// A source and its instant.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// In the order of the instants.
    order: u64,
    source: u64,
}

impl Earliest {
    /// One instant a source; infinity is never.
    pub fn new(instants: &[f64]) -> Self {
        let sources = instants.len();
        let never = Entry::new(f64::INFINITY, 0);
        let mut winners = vec![never; 2 * sources];
        for (source, at_s) in instants.iter().enumerate() {
            winners[sources + source] = Entry::new(*at_s, source as u64);
        }
        let mut matches = vec![never; sources.max(1)];
        for at in (1..sources).rev() {
            (winners[at], matches[at]) = winners[2 * at].play(winners[2 * at + 1]);
        }
        if let Some(winner) = winners.get(1) {
            matches[0] = *winner;
        }
        Earliest { matches, sources }
    }

    /// The next source and its instant.
    #[inline]
    pub fn get(&self) -> Option<(f64, usize)> {
        let at_s = self.matches[0].at_s();
        (at_s < f64::INFINITY).then_some((at_s, self.matches[0].source as usize))
    }

    /// The next source has another instant now.
    #[inline]
    pub fn replace(&mut self, at_s: f64) {
        let source = self.matches[0].source;
        let mut winner = Entry::new(at_s, source);
        let mut at = (source as usize + self.sources) / 2;
        while let (1.., Some(other)) = (at, self.matches.get_mut(at)) {
            (winner, *other) = other.play(winner);
            at /= 2;
        }
        self.matches[0] = winner;
    }
}

const SIGN: u64 = 1 << 63;

impl Entry {
    fn new(at_s: f64, source: u64) -> Self {
        let bits = at_s.to_bits();
        Entry { order: if bits & SIGN == 0 { bits | SIGN } else { !bits }, source }
    }

    fn at_s(self) -> f64 {
        f64::from_bits(if self.order & SIGN == 0 { !self.order } else { self.order & !SIGN })
    }

    /// Winner and loser. Half of all guesses who that is would be wrong: nothing may be a branch.
    #[inline]
    fn play(self, other: Entry) -> (Entry, Entry) {
        let wins = self.number() < other.number();
        let choose = |this, that| select_unpredictable(wins, this, that);
        (
            Entry {
                order: choose(self.order, other.order),
                source: choose(self.source, other.source),
            },
            Entry {
                order: choose(other.order, self.order),
                source: choose(other.source, self.source),
            },
        )
    }

    fn number(self) -> u128 {
        u128::from(self.order) << 64 | u128::from(self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_instants_they_come_in_order_and_equal_ones_by_source(
            gaps in prop::collection::vec(prop::collection::vec(0_u8..4, 0..6), 0..20)
        ) {
            let instants = |gaps: &Vec<u8>| {
                gaps.iter().scan(-5.0, |at, gap| { *at += f64::from(*gap); Some(*at) }).collect::<Vec<_>>()
            };
            let streams: Vec<_> = gaps.iter().map(instants).collect();
            let mut expected: Vec<_> = streams.iter().enumerate()
                .flat_map(|(source, stream)| stream.iter().map(move |at| (*at, source))).collect();
            expected.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
            let mut taken = vec![0; streams.len()];
            let next = |source: usize, taken: usize| *streams[source].get(taken).unwrap_or(&f64::INFINITY);
            let mut earliest = Earliest::new(&(0..streams.len()).map(|s| next(s, 0)).collect::<Vec<_>>());
            let mut got = Vec::new();
            while let Some((at, source)) = earliest.get() {
                got.push((at, source));
                taken[source] += 1;
                earliest.replace(next(source, taken[source]));
            }
            prop_assert_eq!(got, expected);
        }
    }
}
