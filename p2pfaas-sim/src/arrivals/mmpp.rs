//! A Poisson process whose rate jumps with the states of a Markov chain (Fischer and Meier-Hellstern,
//! "The Markov-modulated Poisson process cookbook", Performance Evaluation 18, 1993).

use rand::RngExt;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::modulated::Segment;

/// States with a factor of the node's rate each. After a state comes any of the others, all as likely.
/// The chain begins as if it had been running forever.
#[derive(Debug, Clone, PartialEq)]
pub struct Mmpp {
    /// What each state multiplies the rate by, 0 or more.
    pub factors: Vec<f64>,
    /// How long each state lasts on average, seconds, above 0; exponential. As many as factors.
    pub sojourns_s: Vec<f64>,
    /// Whether all nodes are in the same state, instead of each in its own.
    pub common: bool,
}

impl Mmpp {
    /// The factor, averaged over time.
    pub fn mean_factor(&self) -> f64 {
        let time_s: f64 = self.sojourns_s.iter().sum();
        self.factors.iter().zip(&self.sojourns_s).map(|(factor, time)| factor * time).sum::<f64>() / time_s
    }
}

#[derive(Debug)]
pub(super) struct MmppRates {
    chain: Mmpp,
    state: Option<usize>,
    ends_s: f64,
    draws: Xoshiro256PlusPlus,
}

impl MmppRates {
    pub fn new(chain: Mmpp, begins_s: f64, draws: Xoshiro256PlusPlus) -> Self {
        MmppRates { chain, state: None, ends_s: begins_s, draws }
    }

    pub fn next(&mut self) -> Segment {
        let state = match self.state {
            None => self.first(),
            Some(state) => self.other(state),
        };
        self.state = Some(state);
        let sojourn: f64 = self.draws.sample(Exp1);
        let begins_s = self.ends_s;
        self.ends_s += sojourn * self.chain.sojourns_s[state];
        Segment { begins_s, ends_s: self.ends_s, factor: self.chain.factors[state], slope: 0.0 }
    }

    /// Every state is entered as often, so that the time in each is as its sojourn.
    fn first(&mut self) -> usize {
        let time_s: f64 = self.chain.sojourns_s.iter().sum();
        let mut left_s = self.draws.random::<f64>() * time_s;
        let last = self.chain.sojourns_s.len() - 1;
        let passed = |sojourn_s: &f64| {
            left_s -= sojourn_s;
            left_s < 0.0
        };
        self.chain.sojourns_s.iter().position(passed).unwrap_or(last)
    }

    fn other(&mut self, state: usize) -> usize {
        let states = self.chain.factors.len();
        if states == 1 {
            return 0;
        }
        let step = if states == 2 { 1 } else { self.draws.random_range(1..states) };
        (state + step) % states
    }
}
