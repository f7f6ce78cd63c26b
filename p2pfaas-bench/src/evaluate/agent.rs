//! What an agent's file tells of it.

use std::fmt::Write;

use p2pfaas_learner::AgentConfig;
use p2pfaas_learner::checkpoint::Summary;
use serde_json::Value;

use super::report::action_name;

/// The summary, for people: every parameter, those that are not at their defaults first.
pub fn describe(summary: &Summary) -> String {
    let Summary { config, space, trained, actions, peers, written_by } = summary;
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "agent:    {} with {}, exploring by {}",
        config.value.name(),
        config.rule.name(),
        config.exploration.name()
    );
    let _ = writeln!(text, "trained:  {trained} experiences, by p2pfaas {written_by}");
    let names: Vec<_> = (0..*actions).map(|action| action_name(action, peers)).collect();
    let _ = writeln!(text, "actions:  {actions}: {}", names.join(", "));
    if peers.is_empty() {
        let _ = writeln!(text, "peers:    not named: the first ones by name");
    }
    match space {
        None => {
            let _ = writeln!(text, "states:   their meaning is not told");
        }
        Some(space) => {
            let _ = writeln!(text, "states:   {} numbers, encoder {:?}", space.features.len(), space.encoder);
            for feature in &space.features {
                let _ = writeln!(text, "            {}: {} to {}", feature.name, feature.low, feature.high);
            }
        }
    }
    let (changed, same): (Vec<_>, Vec<_>) =
        parameters(config).into_iter().partition(|(name, value)| defaults().get(name) != Some(value));
    for (title, list) in [("changed", changed), ("default", same)] {
        for (place, (name, value)) in list.iter().enumerate() {
            let title = if place == 0 { format!("{title}:") } else { String::new() };
            let _ = writeln!(text, "{title:10}{name} = {value}");
        }
    }
    text
}

fn parameters(config: &AgentConfig) -> serde_json::Map<String, Value> {
    match serde_json::to_value(config) {
        Ok(Value::Object(parameters)) => parameters,
        _ => serde_json::Map::new(),
    }
}

fn defaults() -> serde_json::Map<String, Value> {
    parameters(&AgentConfig::default())
}
