//! What a source gives: values as they were written, and where.

use super::errors::Problem;
use super::keys::{Key, Set};

/// A value as it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub value: Value,
    /// Where it stands, in words.
    pub origin: String,
}

/// Texts, in whatever shape the source has for them.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    List(Vec<Given>),
    Table(Vec<(String, Given)>),
}

impl Given {
    pub(super) fn text(text: impl Into<String>, origin: &str) -> Self {
        Given { value: Value::Text(text.into()), origin: origin.into() }
    }

    /// A text, which for keys that take several has commas or spaces between them.
    pub(super) fn words(key: &Key, text: &str, origin: &str) -> Self {
        if key.takes_several() {
            let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
            let list = words.map(|word| Given::text(word, origin)).collect();
            Given { value: Value::List(list), origin: origin.into() }
        } else {
            Given::text(text, origin)
        }
    }

    /// The same for a key's value. What was meant for the place of a secret may be the secret.
    pub(super) fn instead_for(&self, key: &Key) -> String {
        match key.set {
            Set::Secret(_) => "something else, which is not shown".into(),
            _ => self.instead(),
        }
    }

    /// Where a value of another shape was expected: what it is instead.
    pub(super) fn instead(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// What one source gives, in its order, and what is wrong with its form.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub values: Vec<(&'static Key, Given)>,
    /// Each with the number of values before it.
    pub problems: Vec<(usize, Problem)>,
    pub warnings: Vec<String>,
}

impl Layer {
    /// Gives a key its value. Only what takes several values may be given again, for more of them.
    pub(super) fn give(&mut self, key: &'static Key, given: Given) {
        match (self.get_mut(key), given.value) {
            (None, value) => self.values.push((key, Given { value, ..given })),
            (Some(Given { value: Value::List(before), .. }), Value::List(more)) => before.extend(more),
            (Some(before), value) => {
                let again = Given { value, origin: given.origin };
                let expected = format!("a single value, and {} has one", before.origin);
                let problem = Problem::value(key.name, &again.origin, expected, &again.instead_for(key));
                self.wrong(problem);
            }
        }
    }

    /// Notes what is wrong in the form of the source, at this place of it.
    pub(super) fn wrong(&mut self, problem: Problem) {
        self.problems.push((self.values.len(), problem));
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.values.iter().any(|(other, _)| other.name == key.name)
    }

    fn get_mut(&mut self, key: &Key) -> Option<&mut Given> {
        self.values.iter_mut().find(|(other, _)| other.name == key.name).map(|(_, given)| given)
    }
}

impl Key {
    pub(super) fn takes_several(&self) -> bool {
        matches!(self.set, Set::List(..) | Set::Functions)
    }
}
