//! The JSON Schema of experiment files, for editors. What the file's own tables are called and mean stands in
//! `schema.json`; policies, agents and rewards add what they know of themselves.

use std::collections::BTreeMap;

use p2pfaas_core::policy::{Parameter, Registry};
use p2pfaas_core::reward::Reward;
use p2pfaas_learner::{AgentConfig, Backend, ExplorationKind, ReplayKind, RuleKind, ScheduleKind, ValueKind};
use p2pfaas_sim::reference::ReferenceKind;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The part that is written by hand.
const TABLES: &str = include_str!("schema.json");

/// Keys of `[[policy]]` that are not parameters.
const POLICY_KEYS: [&str; 5] = ["name", "label", "parameters", "agent", "reward"];

/// The schema as a text.
pub fn text(registry: &Registry) -> String {
    // Nothing in it can fail: it is a value already.
    let mut text = serde_json::to_string_pretty(&schema(registry)).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema, with these policies.
pub fn schema(registry: &Registry) -> Value {
    // A text of our own, which a test reads.
    let mut schema: Value = serde_json::from_str(TABLES).unwrap_or_default();
    let policy = &mut schema["properties"]["policy"]["items"];
    policies(policy, registry);
    let agent = &mut policy["properties"]["agent"]["properties"];
    defaults(agent, &AgentConfig::default());
    for (key, names) in [
        ("value", ValueKind::NAMES),
        ("rule", RuleKind::NAMES),
        ("exploration", ExplorationKind::NAMES),
        ("epsilon_schedule", ScheduleKind::NAMES),
        ("backend", Backend::NAMES),
        ("replay", ReplayKind::NAMES),
    ] {
        agent[key]["enum"] = json!(names);
    }
    defaults(&mut policy["properties"]["reward"]["properties"], &Reward::default());
    schema
}

/// A policy as it stands in a file: its name, its parameters and its options.
type Kind = (&'static str, Vec<&'static Parameter>);

fn policies(policy: &mut Value, registry: &Registry) {
    let own = registry.kinds().map(|(name, parameters)| {
        let all: Vec<_> = parameters.iter().chain(registry.options(name)).collect();
        (name, all)
    });
    let marks = ReferenceKind::ALL.iter().map(|kind| (kind.name, kind.parameters.iter().collect()));
    let kinds: Vec<Kind> = own.chain(marks).collect();
    policy["properties"]["name"]["enum"] = kinds.iter().map(|(name, _)| *name).collect();
    // The same name may mean the same in several policies.
    let mut meanings: BTreeMap<&str, Vec<&Parameter>> = BTreeMap::new();
    for parameter in kinds.iter().flat_map(|(_, parameters)| parameters) {
        let known = meanings.entry(parameter.name).or_default();
        if !known.iter().any(|other| (other.meaning, other.default) == (parameter.meaning, parameter.default))
        {
            known.push(parameter);
        }
    }
    for (name, parameters) in meanings {
        policy["properties"][name] = parameter(&parameters);
    }
    let only = |(name, parameters): &Kind| {
        let keys: Vec<_> = POLICY_KEYS.into_iter().chain(parameters.iter().map(|known| known.name)).collect();
        json!({
            "if": { "properties": { "name": { "const": name } }, "required": ["name"] },
            "then": { "propertyNames": { "enum": keys } },
        })
    };
    policy["allOf"] = kinds.iter().map(only).collect();
}

/// Values by name may be written as they are or as a text.
fn parameter(known: &[&Parameter]) -> Value {
    let meanings: Vec<_> = known.iter().map(|parameter| parameter.meaning).collect();
    let mut schema = Map::new();
    schema.insert("description".into(), meanings.join("; or ").into());
    schema.insert("type".into(), json!(["string", "number", "boolean"]));
    if let [only] = known {
        let default = serde_json::from_str(only.default).ok().filter(|value: &Value| !value.is_object());
        schema.insert("default".into(), default.unwrap_or_else(|| only.default.into()));
    }
    schema.into()
}

/// What a table has by default, and of which type that is.
fn defaults(properties: &mut Value, table: &impl Serialize) {
    let Ok(Value::Object(defaults)) = serde_json::to_value(table) else { return };
    for (key, default) in defaults {
        let kind = match &default {
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::Array(_) => "array",
            _ => "string",
        };
        properties[&key]["type"] = kind.into();
        properties[&key]["default"] = default;
    }
}

#[cfg(test)]
mod tests;
