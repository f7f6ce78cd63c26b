//! How long messages take.

use std::time::Duration;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp, Gamma, LogNormal};

use super::matrix::Matrix;
use super::place::{Coordinates, Globe};

/// How long a message without a body takes, one way, node to node.
#[derive(Debug, Clone, PartialEq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Drawn for each message.
    Random {
        /// Milliseconds that are added to what is drawn.
        base_ms: f64,
        /// What is drawn.
        jitter: Jitter,
    },
    /// Known for each pair of nodes, milliseconds.
    Matrix(Matrix),
    /// As long as light takes in a fibre along the great circle, at two thirds of its speed in the void.
    Geographic {
        /// Where the nodes are.
        places: Vec<Coordinates>,
        /// How much longer than the great circle the way is; at least 1.
        route_factor: f64,
        /// Milliseconds that are added.
        base_ms: f64,
    },
}

impl Default for Latency {
    fn default() -> Self {
        Latency::Constant(Duration::ZERO)
    }
}

/// A distribution of milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// Exponential.
    Exponential {
        /// Mean, above 0.
        mean_ms: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Mean (not that of the logarithm), above 0.
        mean_ms: f64,
        /// Standard deviation over mean, above 0.
        cv: f64,
    },
    /// Gamma.
    Gamma {
        /// Mean, above 0.
        mean_ms: f64,
        /// Standard deviation over mean, above 0.
        cv: f64,
    },
    /// Uniform.
    Uniform {
        /// Least, 0 or more.
        min_ms: f64,
        /// Most, not below the least.
        max_ms: f64,
    },
}

impl Jitter {
    /// Names in experiment files.
    pub const KINDS: [&str; 4] = ["exponential", "lognormal", "gamma", "uniform"];
}

/// Latencies that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LatencyError {
    /// There is no such distribution.
    #[error("there is no distribution {0:?}")]
    Jitter(Jitter),
    /// No number of milliseconds.
    #[error("{0} ms; it must be 0 or more")]
    Base(f64),
    /// A way that is shorter than the shortest.
    #[error("a route factor of {0}; it must be at least 1")]
    RouteFactor(f64),
    /// They are those of another network.
    #[error("latencies of {known} nodes for {nodes} nodes")]
    OtherNodes {
        /// Nodes whose latencies are known.
        known: usize,
        /// Nodes that there are.
        nodes: usize,
    },
}

impl Latency {
    pub(super) fn build(&self, nodes: usize) -> Result<Links, LatencyError> {
        let base = |base_ms: f64| {
            let good = base_ms.is_finite() && base_ms >= 0.0;
            if good { Ok(base_ms) } else { Err(LatencyError::Base(base_ms)) }
        };
        let same =
            |known| if known == nodes { Ok(()) } else { Err(LatencyError::OtherNodes { known, nodes }) };
        Ok(match self {
            Latency::Constant(delay) => Links::Constant(*delay),
            Latency::Random { base_ms, jitter } => {
                let law = Law::new(*jitter).ok_or(LatencyError::Jitter(*jitter))?;
                Links::Random { base_ms: base(*base_ms)?, law }
            }
            Latency::Matrix(matrix) => {
                same(matrix.nodes())?;
                Links::Matrix(matrix.clone())
            }
            Latency::Geographic { places, route_factor, base_ms } => {
                same(places.len())?;
                if !(route_factor.is_finite() && *route_factor >= 1.0) {
                    return Err(LatencyError::RouteFactor(*route_factor));
                }
                Links::Geographic { base_ms: base(*base_ms)?, globe: Globe::new(places, *route_factor) }
            }
        })
    }
}

/// Latencies, ready to be asked.
#[derive(Debug, Clone)]
pub(super) enum Links {
    Constant(Duration),
    Random { base_ms: f64, law: Law },
    Matrix(Matrix),
    Geographic { base_ms: f64, globe: Globe },
}

impl Links {
    #[inline]
    pub fn delay<R: Rng + ?Sized>(&self, from: u32, to: u32, rng: &mut R) -> Duration {
        match self {
            Links::Constant(delay) => *delay,
            Links::Random { base_ms, law } => milliseconds(base_ms + law.sample(rng)),
            Links::Matrix(matrix) => milliseconds(matrix.get(from, to)),
            Links::Geographic { base_ms, globe } => milliseconds(base_ms + globe.delay_ms(from, to)),
        }
    }
}

/// To the next nanosecond; what is longer than the clock goes is as long as it goes.
pub(super) fn milliseconds(ms: f64) -> Duration {
    Duration::from_nanos((ms * 1e6).round() as u64)
}

/// A distribution, ready to be drawn from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Law {
    Exponential(Exp<f64>),
    LogNormal(LogNormal<f64>),
    Gamma(Gamma<f64>),
    Uniform { min_ms: f64, width_ms: f64 },
}

impl Law {
    /// `None` where a parameter is out of its range.
    fn new(jitter: Jitter) -> Option<Self> {
        let positive = |value: f64| (value.is_finite() && value > 0.0).then_some(value);
        match jitter {
            Jitter::Exponential { mean_ms } => Exp::new(1.0 / positive(mean_ms)?).ok().map(Law::Exponential),
            Jitter::LogNormal { mean_ms, cv } => {
                LogNormal::from_mean_cv(positive(mean_ms)?, positive(cv)?).ok().map(Law::LogNormal)
            }
            Jitter::Gamma { mean_ms, cv } => {
                let shape = 1.0 / positive(cv)?.powi(2);
                Gamma::new(shape, positive(mean_ms)? / shape).ok().map(Law::Gamma)
            }
            Jitter::Uniform { min_ms, max_ms } => {
                let good = min_ms >= 0.0 && max_ms.is_finite() && max_ms >= min_ms;
                good.then_some(Law::Uniform { min_ms, width_ms: max_ms - min_ms })
            }
        }
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        match self {
            Law::Exponential(law) => law.sample(rng),
            Law::LogNormal(law) => law.sample(rng),
            Law::Gamma(law) => law.sample(rng),
            Law::Uniform { min_ms, width_ms } => min_ms + width_ms * rng.random::<f64>(),
        }
    }
}
