//! The forms in which a policy is named: a wire descriptor with string parameters, and a typed
//! form with names. Both end in the same [`Values`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::wire::go;

/// A policy as the wire names it: `{"name": "...", "parameters": ["...", ...]}` (fact sheet 2.4).
///
/// Beyond the positional parameters, strings `key=value` give options that old nodes do not know
/// (and ignore).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Descriptor {
    /// The policy's name.
    pub name: String,
    /// Its parameters, all strings.
    #[serde(default)]
    pub parameters: Vec<String>,
}

impl Descriptor {
    /// A descriptor with these parameters.
    pub fn new<'a>(name: &str, parameters: impl IntoIterator<Item = &'a str>) -> Self {
        Descriptor {
            name: name.to_string(),
            parameters: parameters.into_iter().map(str::to_string).collect(),
        }
    }
}

impl fmt::Display for Descriptor {
    /// `Name(a, b)`, and only `Name` when there are no parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.parameters.is_empty() {
            write!(f, "({})", self.parameters.join(", "))?;
        }
        Ok(())
    }
}

/// A parameter of a policy: its name in the typed form; its place in the list is its place on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Name in the typed form.
    pub name: &'static str,
    /// Value in the typed form when it is left out. On the wire every parameter must be given.
    pub default: &'static str,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// A policy that cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// No policy has this name.
    #[error("unknown policy {name:?}; known are {known}")]
    UnknownName {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// The wire form has too few parameters.
    #[error("{policy} needs {needed} parameters ({names}), got {got}")]
    TooFewParameters {
        /// The policy.
        policy: String,
        /// How many it needs.
        needed: usize,
        /// Their names, in order.
        names: String,
        /// How many there were.
        got: usize,
    },
    /// A parameter has a value that it cannot have.
    #[error("parameter {parameter}: expected {expected}, got {got:?}")]
    BadValue {
        /// The parameter.
        parameter: String,
        /// What it takes.
        expected: String,
        /// What it got.
        got: String,
    },
    /// The typed form names a parameter that does not exist.
    #[error("unknown parameter {parameter:?}; known are {known}")]
    UnknownParameter {
        /// The parameter.
        parameter: String,
        /// The names that exist.
        known: String,
    },
}

/// The parameters of one policy, by name, while it is built. Each getter takes its value out; what
/// nobody took is an unknown parameter.
#[derive(Debug, Clone, Default)]
pub struct Values {
    values: BTreeMap<String, String>,
    asked: Vec<&'static str>,
}

impl Values {
    /// From the wire form. Further strings than `key=value` are ignored, as in the reference.
    ///
    /// # Errors
    /// Too few parameters, an option given twice.
    pub fn from_wire(policy: &str, list: &[Parameter], strings: &[String]) -> Result<Self, PolicyError> {
        let (options, positional): (Vec<_>, Vec<_>) = strings.iter().partition(|text| text.contains('='));
        if positional.len() < list.len() {
            return Err(PolicyError::TooFewParameters {
                policy: policy.to_string(),
                needed: list.len(),
                names: list.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", "),
                got: positional.len(),
            });
        }
        let named =
            list.iter().zip(positional).map(|(parameter, text)| (parameter.name.to_string(), text.clone()));
        let mut values: BTreeMap<String, String> = named.collect();
        for (key, value) in options.iter().filter_map(|text| text.split_once('=')) {
            if values.insert(key.to_string(), value.to_string()).is_some() {
                return Err(bad(key, "its value once", value));
            }
        }
        Ok(Values { values, asked: Vec::new() })
    }

    /// From the typed form: what is left out has its default.
    pub fn from_typed(list: &[Parameter], typed: &BTreeMap<String, String>) -> Self {
        let defaults =
            list.iter().map(|parameter| (parameter.name.to_string(), parameter.default.to_string()));
        let mut values: BTreeMap<_, _> = defaults.collect();
        values.extend(typed.clone());
        Values { values, asked: Vec::new() }
    }

    /// Takes a text.
    pub fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_default()
    }

    /// Takes a whole number, as Go's unsigned 32-bit.
    pub fn u32(&mut self, name: &'static str) -> Result<u32, PolicyError> {
        let text = self.text(name);
        text.parse().map_err(|_| bad(name, "a whole number from 0 to 4294967295", &text))
    }

    /// Takes a boolean, as Go's `ParseBool`: 1, t, true, 0, f, false and their capitals.
    pub fn bool(&mut self, name: &'static str) -> Result<bool, PolicyError> {
        let text = self.text(name);
        go::parse_bool(&text).ok_or_else(|| bad(name, "true or false", &text))
    }

    /// Takes a span, in Go's syntax: `10s`, `200ms`, `1.5s`.
    pub fn duration(&mut self, name: &'static str) -> Result<Duration, PolicyError> {
        let text = self.text(name);
        go::parse_duration(&text).ok_or_else(|| bad(name, "a span such as 200ms or 1.5s", &text))
    }

    /// Takes an option that may be absent and is one of `words`; the first word is its default.
    pub fn one_of(
        &mut self,
        name: &'static str,
        words: &[&'static str],
    ) -> Result<&'static str, PolicyError> {
        match self.optional(name) {
            None => Ok(words[0]),
            Some(text) => words
                .iter()
                .find(|word| **word == text)
                .copied()
                .ok_or_else(|| bad(name, &words.join(" or "), &text)),
        }
    }

    /// Takes an option that may be absent.
    pub fn optional(&mut self, name: &'static str) -> Option<String> {
        self.asked.push(name);
        self.values.remove(name)
    }

    /// Ends the building.
    ///
    /// # Errors
    /// A value that nobody took.
    pub fn finish(self) -> Result<(), PolicyError> {
        match self.values.into_keys().next() {
            None => Ok(()),
            Some(parameter) => Err(PolicyError::UnknownParameter { parameter, known: self.asked.join(", ") }),
        }
    }
}

pub(super) fn bad(parameter: &str, expected: &str, got: &str) -> PolicyError {
    PolicyError::BadValue {
        parameter: parameter.into(),
        expected: expected.into(),
        got: got.chars().take(80).collect(),
    }
}
