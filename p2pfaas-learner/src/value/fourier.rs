//! Fourier features (Sutton & Barto, 9.5.2; Konidaris et al. 2011).

use std::f64::consts::PI;
use std::ops::Mul;

use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::linear::{Basis, Features};
use crate::config::{AgentConfig, ConfigError};

/// Linear in cos(π c·s) for all vectors c of whole numbers up to `order`.
pub type Fourier = Features<Cosines>;

/// A product of e^(iπcs); its real part is the cosine of the sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cosines {
    cos: f64,
    sin: f64,
}

impl Fourier {
    /// Everything is worth `config.initial`.
    ///
    /// # Errors
    /// Nobody has declared the bounds, or they and the order make too many features.
    pub fn fourier(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Self, ConfigError> {
        Features::new(config, Bounds::new(config, space)?)
    }
}

impl Mul for Cosines {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Cosines {
            cos: self.cos * other.cos - self.sin * other.sin,
            sin: self.cos * other.sin + self.sin * other.cos,
        }
    }
}

impl Basis for Cosines {
    type Factor = Self;

    const ONE: Self = Cosines { cos: 1.0, sin: 0.0 };

    fn factor(unit: f64) -> Self {
        let (sin, cos) = (PI * unit).sin_cos();
        Cosines { cos, sin }
    }

    fn feature(product: Self) -> f64 {
        product.cos
    }

    /// 1/‖c‖, as Konidaris et al. advise: slow waves are learned fast, and fast ones slowly.
    fn step(powers: &[u32], _features: usize) -> f64 {
        let square: f64 = powers.iter().map(|power| f64::from(*power).powi(2)).sum();
        if square > 0.0 { square.sqrt().recip() } else { 1.0 }
    }
}
