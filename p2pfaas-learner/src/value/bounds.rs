//! The ranges of a state's numbers.

use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ConfigError};

/// Numbers of a state that an approximation can look at.
pub const MAX_NUMBERS: usize = 256;

/// Brings each number of a state into 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bounds(Vec<[f64; 2]>);

impl Bounds {
    /// As the policy declares them, or else as the configuration does.
    pub(crate) fn new(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Self, ConfigError> {
        let bounds: Vec<[f64; 2]> = match space {
            Some(space) if !space.features.is_empty() => {
                space.features.iter().map(|feature| [feature.low, feature.high]).collect()
            }
            _ => config.bounds.clone(),
        };
        let name = config.value.name();
        let mismatch = |text: String| Err(ConfigError::Mismatch(text));
        if bounds.is_empty() {
            return mismatch(format!(
                "value {name:?} needs to know the range of each number of a state, and the policy does not \
                 declare them: give `bounds`, a list of [low, high]"
            ));
        }
        if bounds.len() > MAX_NUMBERS {
            return mismatch(format!(
                "value {name:?} looks at {MAX_NUMBERS} numbers of a state at most; it has {}",
                bounds.len()
            ));
        }
        if let Some([low, high]) = bounds.iter().find(|bounds| !is_range(bounds)) {
            return mismatch(format!(
                "the range of a state's number must be finite and not empty; found {low} to {high}"
            ));
        }
        Ok(Bounds(bounds))
    }

    /// Numbers of a state.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The state's numbers within 0 and 1. What is beyond a bound counts as the bound; what is not a
    /// number, or not there, as the lower one.
    pub(crate) fn unit<'a>(&'a self, state: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.0.iter().enumerate().map(|(place, [low, high])| {
            let number = state.get(place).copied().unwrap_or(*low);
            // `max` and `min` take the other one where one is not a number.
            (number.max(*low).min(*high) - low) / (high - low)
        })
    }
}

/// Whether this is a range of finite size.
pub(crate) fn is_range([low, high]: &[f64; 2]) -> bool {
    low < high && (high - low).is_finite()
}
