//! The reference's files in the data folder (fact sheet 1.1, 4.1).

use std::path::Path;

use serde_json::Value as Json;

use super::ReadFile;
use super::errors::Problem;
use super::given::{Given, Layer, Value};
use super::keys::Key;

/// Where the reference keeps its data.
pub(super) const FOLDER: &str = "/data";

/// File, and its fields with the keys that they give.
type OldFile = (&'static str, &'static [(&'static str, &'static str)]);

const SLOTS_AND_QUEUE: OldFile = (
    "p2p_faas-scheduler.json",
    &[
        ("parallel_running_functions_max", "slots"),
        ("queue_length_max", "queue"),
        // Only `false` says something: no queue, whatever its length.
        ("queue_enabled", "queue"),
    ],
);

const POLICY: OldFile = ("p2p_faas-scheduler-config.json", &[("name", "policy"), ("parameters", "policy")]);

const DISCOVERY: OldFile = (
    "p2p_faas-discovery.json",
    &[
        ("machine_ip", "machine-ip"),
        ("machine_id", "machine-id"),
        ("machine_group_name", "group"),
        ("init_servers", "init-server"),
    ],
);

/// Reads the files that are in the folder. `None` if none is.
pub(super) fn read(folder: &Path, read_file: ReadFile<'_>) -> Option<Layer> {
    let mut layer = Layer::default();
    let mut any = false;
    for (name, fields) in [SLOTS_AND_QUEUE, POLICY, DISCOVERY] {
        let path = folder.join(name);
        let origin = path.display().to_string();
        let broken = |found: String| Problem {
            key: name.into(),
            origin: origin.clone(),
            expected: "the reference's JSON file".into(),
            found,
        };
        match read_file(&path) {
            Ok(text) => match serde_json::from_str(&text) {
                Ok(Json::Object(object)) => {
                    let unknown = object.keys().filter(|key| fields.iter().all(|(field, _)| field != key));
                    let warnings =
                        unknown.map(|key| format!("{origin}: the field {key} is unknown and has no effect"));
                    layer.warnings.extend(warnings);
                    take(name, &object, fields, &origin, &mut layer);
                }
                Ok(_) => layer.wrong(broken("another kind of JSON".into())),
                Err(error) => layer.wrong(broken(error.to_string())),
            },
            Err(error) if is_absent(&error) => continue,
            Err(error) => layer.wrong(broken(error.to_string())),
        }
        any = true;
    }
    any.then_some(layer)
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn take(
    name: &str,
    object: &serde_json::Map<String, Json>,
    fields: &[(&str, &'static str)],
    origin: &str,
    layer: &mut Layer,
) {
    if name == POLICY.0 {
        let table = fields
            .iter()
            .filter_map(|(field, _)| Some(((*field).to_string(), given(object.get(*field)?, origin)?)));
        let value = Value::Table(table.collect());
        return give(layer, "policy", Given { value, origin: origin.into() });
    }
    for (field, key) in fields {
        let Some(value) = object.get(*field) else { continue };
        match (*field, value) {
            ("queue_length_max", _) if object.get("queue_enabled") == Some(&Json::Bool(false)) => {}
            ("queue_enabled", Json::Bool(true)) => {}
            ("queue_enabled", Json::Bool(false)) => give(layer, key, Given::text("0", origin)),
            ("queue_enabled", other) => {
                let problem = Problem::value("queue_enabled", origin, "true or false", &other.to_string());
                layer.wrong(problem);
            }
            // What the reference has not been told yet is written as an empty text.
            (_, Json::String(text)) if text.is_empty() => {}
            _ => {
                if let Some(given) = given(value, origin) {
                    give(layer, key, given);
                }
            }
        }
    }
}

fn give(layer: &mut Layer, key: &str, given: Given) {
    if let Some(key) = Key::named(key) {
        layer.give(key, given);
    }
}

/// `None` for `null`, which is how Go writes an empty list.
fn given(json: &Json, origin: &str) -> Option<Given> {
    let value = match json {
        Json::Null => return None,
        Json::String(text) => Value::Text(text.clone()),
        Json::Bool(_) | Json::Number(_) => Value::Text(json.to_string()),
        Json::Array(items) => Value::List(items.iter().filter_map(|item| given(item, origin)).collect()),
        Json::Object(entries) => {
            let entry = |(name, value): (&String, &Json)| Some((name.clone(), given(value, origin)?));
            Value::Table(entries.iter().filter_map(entry).collect())
        }
    };
    Some(Given { value, origin: origin.into() })
}
