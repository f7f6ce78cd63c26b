//! A state's numbers as a network's inputs.

use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ConfigError};

/// Brings each number from its declared range to [-1, 1]. What lies outside is clipped; what is no
/// number, or missing, is in the middle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    bounds: Vec<[f64; 2]>,
}

impl Scaling {
    /// By the ranges that the policy declares or, where it declares none, those of the configuration.
    ///
    /// # Errors
    /// Nobody has declared them, or one of them is no range.
    pub fn new(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Self, ConfigError> {
        let declared = space.map(|space| &space.features).filter(|features| !features.is_empty());
        let bounds: Vec<[f64; 2]> = match declared {
            Some(features) => features.iter().map(|feature| [feature.low, feature.high]).collect(),
            None => config.bounds.clone(),
        };
        if bounds.is_empty() {
            return Err(ConfigError::Mismatch(
                "value = \"network\" needs the range of each number of a state: the policy declares none, \
                 and bounds is empty"
                    .into(),
            ));
        }
        let is_range = |[low, high]: &[f64; 2]| low < high && (high - low).is_finite();
        if let Some([low, high]) = bounds.iter().find(|range| !is_range(range)) {
            return Err(ConfigError::Mismatch(format!("[{low}, {high}] is no range of a state's number")));
        }
        Ok(Scaling { bounds })
    }

    /// Numbers of a state.
    pub fn inputs(&self) -> usize {
        self.bounds.len()
    }

    /// Appends a state's inputs.
    pub fn scale(&self, state: &[f64], out: &mut impl Extend<f32>) {
        out.extend(self.bounds.iter().enumerate().map(|(index, [low, high])| {
            let number = state.get(index).copied().unwrap_or(f64::NAN);
            let scaled = 2.0 * (number - low) / (high - low) - 1.0;
            if scaled.is_nan() { 0.0 } else { scaled.clamp(-1.0, 1.0) as f32 }
        }));
    }
}

#[cfg(test)]
mod tests {
    use p2pfaas_core::agent::Feature;

    use super::*;

    fn scaled(scaling: &Scaling, state: &[f64]) -> Vec<f32> {
        let mut inputs = Vec::new();
        scaling.scale(state, &mut inputs);
        inputs
    }

    #[test]
    fn a_state_is_brought_into_range_whatever_it_holds() {
        let config = AgentConfig { bounds: vec![[0.0, 10.0], [-1.0, 3.0]], ..AgentConfig::default() };
        let scaling = Scaling::new(&config, None).expect("ranges");
        assert_eq!(scaled(&scaling, &[0.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(scaled(&scaling, &[7.5, 1.0, 9.0]), [0.5, 0.0]);
        assert_eq!(scaled(&scaling, &[11.0, -2.0]), [1.0, -1.0]);
        assert_eq!(scaled(&scaling, &[f64::INFINITY, f64::NEG_INFINITY]), [1.0, -1.0]);
        assert_eq!(scaled(&scaling, &[f64::NAN]), [0.0, 0.0]);
    }

    #[test]
    fn what_the_policy_declares_counts_before_the_configuration() {
        let config = AgentConfig { bounds: vec![[0.0, 10.0]], ..AgentConfig::default() };
        let feature = Feature { name: "running".into(), low: 0.0, high: 4.0 };
        let space = StateSpace { encoder: "loads".into(), features: vec![feature] };
        let scaling = Scaling::new(&config, Some(&space)).expect("ranges");
        assert_eq!(scaled(&scaling, &[3.0]), [0.5]);
    }

    #[test]
    fn states_whose_ranges_nobody_knows_are_refused() {
        let missing = Scaling::new(&AgentConfig::default(), None);
        assert!(matches!(missing, Err(ConfigError::Mismatch(_))));
        for bad in [[1.0, 1.0], [2.0, 1.0], [0.0, f64::INFINITY], [f64::NAN, 1.0]] {
            let config = AgentConfig { bounds: vec![bad], ..AgentConfig::default() };
            assert!(matches!(Scaling::new(&config, None), Err(ConfigError::Mismatch(_))), "{bad:?}");
        }
    }
}
