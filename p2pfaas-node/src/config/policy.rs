//! The forms in which a configuration names a policy. What it may say is the registry's business.

use std::collections::BTreeMap;

use p2pfaas_core::policy::{Descriptor, PolicyError, Registry};

use super::errors::Problem;
use super::given::{Given, Value};
use super::suggest::nearest;
use super::value;

const FORMS: &str = "a policy: a text with its name and parameters, or a table with name and parameters, a list or by their names";

/// Reads `PowerOfNScheduler 1 2 true 1`, `{name, parameters = [...]}` as on the wire, or
/// `{name, fan_out = 1, ...}` with parameters by name and defaults for the others.
pub(super) fn read(key: &str, given: &Given, registry: &Registry) -> Result<Descriptor, Problem> {
    match &given.value {
        Value::Text(text) => wire(key, given, value::policy(text), registry),
        Value::Table(entries) => table(key, given, entries, registry),
        Value::List(_) => Err(Problem::value(key, &given.origin, FORMS, &given.instead())),
    }
}

fn table(
    key: &str,
    given: &Given,
    entries: &[(String, Given)],
    registry: &Registry,
) -> Result<Descriptor, Problem> {
    let forms = |given: &Given| Problem::value(key, &given.origin, FORMS, &given.instead());
    let mut name = None;
    let mut list = None;
    let mut typed = BTreeMap::new();
    for (entry, value) in entries {
        match (entry.as_str(), &value.value) {
            ("name", Value::Text(text)) => name = Some(text.clone()),
            ("parameters", Value::List(items)) => list = Some(texts(items).ok_or_else(|| forms(value))?),
            ("parameters", Value::Table(named)) => {
                for (entry, value) in named {
                    typed.insert(entry.replace('-', "_"), text(value).ok_or_else(|| forms(value))?);
                }
            }
            (_, Value::Text(text)) => {
                typed.insert(entry.replace('-', "_"), text.clone());
            }
            _ => return Err(forms(value)),
        }
    }
    let missing = || Problem::value(&format!("{key}.name"), &given.origin, "the name of a policy", "");
    let name = name.ok_or_else(missing)?;
    match list {
        None if !typed.is_empty() => registry
            .build_typed(&name, &typed)
            .map(|policy| policy.descriptor())
            .map_err(|error| problem(key, culprit(entries, &error).unwrap_or(given), error, registry)),
        Some(_) if !typed.is_empty() => Err(forms(given)),
        list => wire(key, given, Descriptor { name, parameters: list.unwrap_or_default() }, registry),
    }
}

/// The descriptor as it was written, once it has been seen that it can be built.
fn wire(
    key: &str,
    given: &Given,
    descriptor: Descriptor,
    registry: &Registry,
) -> Result<Descriptor, Problem> {
    match registry.build(&descriptor) {
        Ok(_) => Ok(descriptor),
        Err(error) => Err(problem(key, given, error, registry)),
    }
}

/// The entry of a table that an error is about.
fn culprit<'a>(entries: &'a [(String, Given)], error: &PolicyError) -> Option<&'a Given> {
    let wrong = match error {
        PolicyError::BadValue { parameter, .. } | PolicyError::UnknownParameter { parameter, .. } => {
            parameter
        }
        PolicyError::UnknownName { .. } => "name",
        PolicyError::TooFewParameters { .. } => return None,
    };
    entries.iter().find(|(entry, _)| entry.replace('-', "_") == wrong).map(|(_, given)| given)
}

fn problem(key: &str, given: &Given, error: PolicyError, registry: &Registry) -> Problem {
    let (expected, found) = match error {
        PolicyError::UnknownName { name, known } => {
            let meant = nearest(&name, registry.kinds().map(|(name, _)| name));
            let meant = meant.map_or(String::new(), |meant| format!(" (did you mean {meant}?)"));
            (format!("one of the policies {known}{meant}"), name)
        }
        PolicyError::TooFewParameters { policy, needed, names, got } => {
            (format!("{policy} with its {needed} parameters, {names}"), format!("{policy} with {got}"))
        }
        PolicyError::BadValue { parameter, expected, got } => {
            (format!("{expected} for its {parameter}"), got)
        }
        PolicyError::UnknownParameter { parameter, known } => {
            let meant = nearest(&parameter, known.split(", "));
            let meant = meant.map_or(String::new(), |meant| format!(" (did you mean {meant}?)"));
            (format!("one of its parameters {known}{meant}"), parameter)
        }
    };
    Problem::value(key, &given.origin, expected, &found)
}

fn texts(items: &[Given]) -> Option<Vec<String>> {
    items.iter().map(text).collect()
}

fn text(given: &Given) -> Option<String> {
    match &given.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}
