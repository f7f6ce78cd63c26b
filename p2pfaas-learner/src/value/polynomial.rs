//! Polynomial features (Sutton & Barto, 9.5.1).

use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::linear::{Basis, Features};
use crate::config::{AgentConfig, ConfigError};

/// Linear in all products of powers up to `order` of the state's numbers.
pub type Polynomial = Features<Powers>;

/// Plain products.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Powers;

impl Polynomial {
    /// Everything is worth `config.initial`.
    ///
    /// # Errors
    /// Nobody has declared the bounds, or they and the order make too many features.
    pub fn polynomial(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Self, ConfigError> {
        Features::new(config, Bounds::new(config, space)?)
    }
}

impl Basis for Powers {
    type Factor = f64;

    const ONE: f64 = 1.0;

    fn factor(unit: f64) -> f64 {
        unit
    }

    fn feature(product: f64) -> f64 {
        product
    }

    /// One of n: each is within 0 and 1, so that no step goes beyond what it aims at.
    fn step(_powers: &[u32], features: usize) -> f64 {
        1.0 / features as f64
    }
}
