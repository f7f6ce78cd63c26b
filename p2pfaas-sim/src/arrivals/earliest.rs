//! Which of many sources is next: a tournament that keeps the losers of its matches, so that a new
//! instant of the winner costs one comparison a level, without a branch to guess.

/// The earliest of a fixed number of sources; equal instants go by the sources' numbers.
#[derive(Debug)]
pub(super) struct Earliest {
    /// The winner, then the loser of each match: match `m` is between the winners of `2m` and `2m + 1`;
    /// those at or above the number of sources are the sources themselves.
    matches: Vec<i128>,
    sources: usize,
}

impl Earliest {
    /// One instant a source; infinity is never.
    pub fn new(instants: &[f64]) -> Self {
        let sources = instants.len();
        let mut winners = vec![entry(f64::INFINITY, 0); 2 * sources];
        for (source, at_s) in instants.iter().enumerate() {
            winners[sources + source] = entry(*at_s, source);
        }
        let mut matches = vec![entry(f64::INFINITY, 0); sources.max(1)];
        for at in (1..sources).rev() {
            let (left, right) = (winners[2 * at], winners[2 * at + 1]);
            winners[at] = left.min(right);
            matches[at] = left.max(right);
        }
        if let Some(winner) = winners.get(1) {
            matches[0] = *winner;
        }
        Earliest { matches, sources }
    }

    /// The next source and its instant.
    #[inline]
    pub fn get(&self) -> Option<(f64, usize)> {
        let at_s = instant(self.matches[0]);
        (at_s < f64::INFINITY).then_some((at_s, self.matches[0] as u32 as usize))
    }

    /// The next source has another instant now.
    #[inline]
    pub fn replace(&mut self, at_s: f64) {
        let source = self.matches[0] as u32 as usize;
        let mut winner = entry(at_s, source);
        let mut at = (source + self.sources) / 2;
        while at > 0 {
            let other = self.matches[at];
            // Swapped by arithmetic, all ones if the difference is below 0: half of all guesses whether it
            // is would be wrong, and a comparison is made a branch.
            let swapped = (other ^ winner) & (other.wrapping_sub(winner) >> 127);
            self.matches[at] = other ^ swapped;
            winner ^= swapped;
            at /= 2;
        }
        self.matches[0] = winner;
    }
}

const SIGN: u64 = 1 << 63;

/// Compares as the instant does, then as the source's number; of 96 bits, so that no difference overflows.
fn entry(at_s: f64, source: usize) -> i128 {
    let bits = at_s.to_bits();
    let ordered = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    i128::from(ordered) << 32 | i128::from(source as u32)
}

fn instant(entry: i128) -> f64 {
    let ordered = (entry >> 32) as u64;
    f64::from_bits(if ordered & SIGN == 0 { !ordered } else { ordered & !SIGN })
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
