//! Our own file, in TOML.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Problem;
use super::given::{Given, Layer, Value};
use super::keys::{KEYS, Key};
use super::suggest::nearest;

/// Reads the file's text; all that is wrong in its form is told, and what can be read is taken.
pub(super) fn read(path: &Path, text: &str) -> Layer {
    let file = File { path, text };
    let mut layer = Layer::default();
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = file.line(error.span().map_or(0, |span| span.start));
        let found = error.message().lines().next().unwrap_or_default().to_string();
        layer.wrong(Problem { key: "syntax".into(), origin: line, expected: "TOML".into(), found });
    }
    for (name, origin, value) in file.entries(table.get_ref()) {
        match Key::named(&name).filter(|key| key.name != "config") {
            Some(key) => layer.give(key, file.given(key, value)),
            None => {
                let known = KEYS.iter().map(|key| key.name).filter(|name| *name != "config");
                let expected = match nearest(&name.replace('_', "-"), known) {
                    Some(meant) => format!("a known key; did you mean {meant}?"),
                    None => "a known key; --help lists them".into(),
                };
                layer.wrong(Problem::value(&name, &origin, expected, &name));
            }
        }
    }
    layer
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn line(&self, offset: usize) -> String {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("{} line {line}", self.path.display())
    }

    /// Name, place and value of each entry, in the order of the file.
    fn entries<'t>(&self, table: &'t DeTable<'_>) -> Vec<(String, String, &'t Spanned<DeValue<'t>>)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let entry = |(name, value): (&'t Spanned<_>, &'t Spanned<DeValue<'_>>)| {
            let name: &Spanned<std::borrow::Cow<'_, str>> = name;
            (name.get_ref().to_string(), self.line(name.span().start), value)
        };
        entries.into_iter().map(entry).collect()
    }

    fn given(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Given {
        let given = self.value(value);
        // A list of one item may be written without brackets, as in a variable.
        match &given.value {
            Value::Text(text) => Given::words(key, text, &given.origin),
            _ => given,
        }
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Given {
        let origin = self.line(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                let decimal = i128::from_str_radix(number.as_str(), number.radix());
                Value::Text(decimal.map_or_else(|_| number.to_string(), |number| number.to_string()))
            }
            DeValue::Float(number) => Value::Text(number.as_str().into()),
            DeValue::Boolean(on) => Value::Text(on.to_string()),
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.value(item)).collect()),
            DeValue::Table(table) => {
                let entry = |(name, origin, value): (String, String, &Spanned<DeValue<'_>>)| {
                    (name, Given { origin, ..self.value(value) })
                };
                Value::Table(self.entries(table).into_iter().map(entry).collect())
            }
        };
        Given { value, origin }
    }
}
