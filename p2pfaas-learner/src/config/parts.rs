//! What an agent is made of: what cannot change without forgetting what it has learned.

use super::AgentConfig;

/// Parameters that say what an agent is made of.
const STRUCTURE: [&str; 12] = [
    "value",
    "rule",
    "exploration",
    "steps",
    "bounds",
    "tilings",
    "tiles",
    "tile_weights",
    "order",
    "hidden",
    "dueling",
    "backend",
];

impl AgentConfig {
    /// In which parts an agent of these parameters differs from one of those: `its rule is "sarsa", not
    /// "q-learning"`.
    pub fn differences(&self, wanted: &AgentConfig) -> Vec<String> {
        let [Ok(own), Ok(wanted)] = [self, wanted].map(serde_json::to_value) else { return Vec::new() };
        let differ = STRUCTURE.iter().filter(|name| own[**name] != wanted[**name]);
        differ.map(|name| format!("its {name} is {}, not {}", own[*name], wanted[*name])).collect()
    }
}
