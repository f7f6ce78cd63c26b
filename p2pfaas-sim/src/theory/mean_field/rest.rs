//! Where the equations of the mean field rest.
//!
//! At rest as much flows from j to j + 1 jobs as back. What flows up from j depends only on the shares of
//! nodes with j jobs and more, so from the share of the fullest nodes all others follow, one after another
//! downwards; and the share of the fullest is the one with which they add up to 1.

use std::cmp::Ordering;

use super::Field;
use crate::theory::balanced::{Choice, PowerOfN};

/// Shares below this one are taken as 0: with few probes shares fall so fast that numbers end first.
const LEAST_SHARE: f64 = 1e-300;

/// Newton steps after which a share is taken as it is; a handful are needed.
const MAX_NEWTON_STEPS: u32 = 200;

impl Field<'_> {
    pub(super) fn rest(&self) -> Vec<f64> {
        let places = self.station.places() as usize;
        let fullest = self.fullest(places);
        // Halves in logarithms: each share is as precise as its number can be.
        let (mut low, mut high) = (LEAST_SHARE.ln(), 0.0);
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            match self.below(fullest, middle.exp()) {
                Some(law) if law.iter().sum::<f64>() < 1.0 => low = middle,
                _ => high = middle,
            }
        }
        // The least share leads to a sum below 1, or else the first place is the fullest, see there.
        let mut law = self.below(fullest, low.exp()).unwrap_or_else(|| vec![1.0]);
        let sum: f64 = law.iter().sum();
        law.iter_mut().for_each(|share| *share /= sum);
        law.resize(places + 1, 0.0);
        law
    }

    /// The highest load whose share is not below the least one.
    fn fullest(&self, places: usize) -> usize {
        let is_seen =
            |load: usize| self.below(load, LEAST_SHARE).is_some_and(|law| law.iter().sum::<f64>() < 1.0);
        let (mut seen, mut unseen) = (0, places + 1);
        while seen + 1 < unseen {
            let middle = (seen + unseen) / 2;
            if is_seen(middle) { seen = middle } else { unseen = middle }
        }
        seen
    }

    /// All shares from that of the fullest nodes; nothing if they come to more than 1.
    fn below(&self, fullest: usize, share: f64) -> Option<Vec<f64>> {
        let policy = &self.policy;
        let mut law = vec![0.0; fullest + 1];
        law[fullest] = share;
        // Of nodes with more jobs than `load`: their share, and the part of it whose jobs look for others.
        let (mut above, mut looking) = (0.0, 0.0);
        for load in (0..fullest).rev() {
            let fuller = load + 1;
            if policy.probes_at(fuller) {
                looking += match policy.choice {
                    Choice::LeastLoaded => law[fuller],
                    Choice::RandomAmongNotMoreLoaded => law[fuller] * policy.per_share(1.0 - above),
                };
            }
            above += law[fuller];
            if above >= 1.0 {
                return None;
            }
            let down = self.station.rate_per_s(fuller as u32) * law[fuller] / self.arrivals_per_s;
            law[load] = match policy.choice {
                Choice::LeastLoaded => policy.least_loaded_below(load, down, above, looking),
                Choice::RandomAmongNotMoreLoaded => policy.random_below(load, down, above, looking),
            };
        }
        Some(law)
    }
}

impl PowerOfN {
    /// p with p (above + p)^F + looking ((above + p)^F - above^F) = down; below the threshold the first
    /// term is p. Infinite if it is more than is left.
    fn least_loaded_below(&self, load: usize, down: f64, above: f64, looking: f64) -> f64 {
        let fan_out = f64::from(self.fan_out);
        let probes = self.probes_at(load);
        // The left side and its derivative times p.
        let left = |share: f64| {
            let own = above + share;
            let grows = share * fan_out * own.powf(fan_out - 1.0);
            let (stays, bends) = if probes { (self.all_have(own), grows) } else { (1.0, 0.0) };
            let value = share * (stays + looking * self.least_of(share, own));
            (value, share * (stays + bends) + looking * grows)
        };
        let mut share = 1.0 - above;
        if left(share).0 <= down {
            return f64::INFINITY;
        }
        // It is a sum of powers of p, so its logarithm is convex in that of p: from a p that is too large
        // Newton's method only comes down.
        for _ in 0..MAX_NEWTON_STEPS {
            let (value, slope) = left(share);
            let next = share * ((down / value).ln() * value / slope).exp();
            // Incomparable where the left side is below the least number: then this p is near enough.
            match next.partial_cmp(&share) {
                Some(Ordering::Less) => share = next,
                _ => break,
            }
        }
        share
    }

    /// p with p (above^F + (1 - above^F) p / (1 - above)) + p looking = down; below the threshold the bracket is
    /// 1.
    fn random_below(&self, load: usize, down: f64, above: f64, looking: f64) -> f64 {
        if !self.probes_at(load) || self.fan_out == 0 {
            return down / (1.0 + looking);
        }
        let linear = self.all_have(above) + looking;
        let square = self.per_share(1.0 - above);
        2.0 * down / (linear + (linear * linear + 4.0 * square * down).sqrt())
    }
}
