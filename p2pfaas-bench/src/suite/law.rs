//! What `[suite.draw]` says of a number, and the numbers that are drawn.

use p2pfaas_sim::streams::{Purpose, generator, text_owner};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;

/// A law that a number is drawn from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Law {
    /// Always this.
    Number(f64),
    /// One of these, each as likely.
    OneOf(Vec<f64>),
    /// Uniform between two numbers.
    Range(Range),
}

/// Two numbers, and what lies between them.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least.
    pub from: f64,
    /// The most; of whole numbers it is drawn as well.
    pub to: f64,
    /// The logarithm is uniform, so that doubling is as likely everywhere.
    #[serde(default)]
    pub log: bool,
}

impl Law {
    /// Why nothing can be drawn from it, if that is so.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let right = |number: &f64| number.is_finite() && *number >= 0.0;
        match self {
            Law::Number(number) if right(number) => None,
            Law::OneOf(numbers) if !numbers.is_empty() && numbers.iter().all(right) => None,
            Law::Range(range) if range.log && range.from == 0.0 => {
                Some("from must be above 0, where log is true")
            }
            Law::Range(range) if right(&range.from) && right(&range.to) && range.from <= range.to => None,
            _ => Some("a number of 0 or more, a list of such, or { from = LEAST, to = MOST }"),
        }
    }
}

/// What is drawn for one scenario under one seed. Each key has a stream of its own, so that a key more never changes
/// what is drawn for the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draws<'a> {
    pub scenario: &'a str,
    pub seed: u64,
}

impl Draws<'_> {
    /// The stream of a key.
    pub fn stream(&self, key: &str) -> Xoshiro256PlusPlus {
        generator(self.seed, Purpose::Topology, text_owner(&format!("suite/{}/{key}", self.scenario)))
    }

    /// A number, to four digits.
    pub fn real(&self, key: &str, law: &Law) -> f64 {
        real(law, &mut self.stream(key))
    }

    /// As many of them.
    pub fn reals(&self, key: &str, law: &Law, count: usize) -> Vec<f64> {
        let mut stream = self.stream(key);
        (0..count).map(|_| real(law, &mut stream)).collect()
    }

    /// A whole number.
    pub fn whole(&self, key: &str, law: &Law) -> usize {
        let mut stream = self.stream(key);
        match law {
            Law::Range(Range { from, to, .. }) => stream.random_range(*from as usize..=*to as usize),
            other => real(other, &mut stream) as usize,
        }
    }

    /// One of these.
    pub fn one_of<'b, T>(&self, key: &str, list: &'b [T]) -> Option<&'b T> {
        (!list.is_empty()).then(|| &list[self.stream(key).random_range(0..list.len())])
    }

    /// So many of the numbers below `count`, in their order.
    pub fn some(&self, key: &str, wanted: usize, count: usize) -> Vec<usize> {
        let mut stream = self.stream(key);
        let mut all: Vec<usize> = (0..count).collect();
        let mut chosen = Vec::new();
        for _ in 0..wanted.min(count) {
            chosen.push(all.swap_remove(stream.random_range(0..all.len())));
        }
        chosen.sort_unstable();
        chosen
    }
}

fn real(law: &Law, stream: &mut Xoshiro256PlusPlus) -> f64 {
    let number = match law {
        Law::Number(number) => *number,
        Law::OneOf(numbers) => numbers[stream.random_range(0..numbers.len())],
        Law::Range(Range { from, to, log: false }) => from + (to - from) * stream.random::<f64>(),
        Law::Range(Range { from, to, log: true }) => from * (to / from).powf(stream.random::<f64>()),
    };
    rounded(number, 4)
}

/// To so many digits that count, so that files can be read.
pub(super) fn rounded(number: f64, digits: usize) -> f64 {
    // What has been written by this program can be read by it.
    format!("{number:.*e}", digits.saturating_sub(1)).parse().unwrap_or(number)
}
