//! Takes typed values out of TOML tables; what nobody took is an unknown key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::problem::{At, Collector};
use super::suggest::did_you_mean;

/// A type that a key can have.
pub(super) trait FromToml: Sized {
    /// In words, for messages.
    const EXPECTED: &str;
    fn from_toml(value: &DeValue<'_>) -> Option<Self>;
}

impl FromToml for bool {
    const EXPECTED: &str = "true or false";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl FromToml for u64 {
    const EXPECTED: &str = "a whole number, 0 or more";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        value.as_integer().and_then(integer).and_then(|number| number.try_into().ok())
    }
}

impl FromToml for f64 {
    const EXPECTED: &str = "a number";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Integer(number) => integer(number).map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        }
    }
}

impl FromToml for String {
    const EXPECTED: &str = "a text in quotes";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(str::to_string)
    }
}

impl FromToml for Vec<f64> {
    const EXPECTED: &str = "a list of numbers, [1.0, 2.0]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        list(value)
    }
}

impl FromToml for Vec<u64> {
    const EXPECTED: &str = "a list of whole numbers, [1, 2, 3]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        list(value)
    }
}

impl FromToml for Vec<String> {
    const EXPECTED: &str = "a list of texts in quotes, [\"1\", \"true\"]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        list(value)
    }
}

impl FromToml for Vec<Vec<u64>> {
    const EXPECTED: &str = "lists of numbers of nodes, [[0, 1], [2, 3]]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        list(value)
    }
}

impl FromToml for Vec<Vec<f64>> {
    const EXPECTED: &str = "lists of numbers, [[1.0, 2.0], [3.0, 4.0]]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        list(value)
    }
}

/// Any single value, as text.
pub(super) struct Scalar(pub String);

impl FromToml for Scalar {
    const EXPECTED: &str = "a number, a text, true or false";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => integer(number)?.to_string(),
            DeValue::Float(number) => number.as_str().to_string(),
            DeValue::Boolean(value) => value.to_string(),
            _ => return None,
        };
        Some(Scalar(text))
    }
}

impl FromToml for serde_json::Value {
    const EXPECTED: &str = "a number, a text, true or false, or a list of these";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        Some(match value {
            DeValue::Integer(number) => integer(number)?.into(),
            DeValue::Float(_) => f64::from_toml(value).filter(|number| number.is_finite())?.into(),
            DeValue::Boolean(value) => (*value).into(),
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Array(_) => list::<Self>(value)?.into(),
            _ => return None,
        })
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn list<T: FromToml>(value: &DeValue<'_>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(|value| T::from_toml(value.get_ref())).collect()
}

/// What a key has that takes a single value or a table.
pub(super) enum ValueOrTable<'a, T> {
    Value(At<T>),
    Table(Table<'a>),
}

/// A table that is being read.
pub(super) struct Table<'a> {
    /// The keys around it, joined by dots.
    pub path: String,
    /// Where it stands.
    pub span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub fn new(path: impl Into<String>, span: Range<usize>, table: &'a DeTable<'a>) -> Self {
        Table { path: path.into(), span, table, asked: Vec::new() }
    }

    /// The full name of a key of this table.
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.into() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a value.
    pub fn take<T: FromToml>(&mut self, name: &'static str, problems: &mut Collector<'_>) -> Option<At<T>> {
        let value = self.raw(name)?;
        let read = T::from_toml(value.get_ref());
        if read.is_none() {
            let reason = format!("{} is not right", problems.text(&value.span()));
            problems.add(&self.key(name), &value.span(), reason, T::EXPECTED);
        }
        Some(At { value: read?, key: self.key(name), span: value.span() })
    }

    /// Takes a value or a table.
    pub fn take_value_or_table<T: FromToml>(
        &mut self,
        name: &'static str,
        problems: &mut Collector<'_>,
    ) -> Option<ValueOrTable<'a, T>> {
        match self.raw(name)?.get_ref() {
            DeValue::Table(_) => self.take_table(name, problems).map(ValueOrTable::Table),
            _ => self.take(name, problems).map(ValueOrTable::Value),
        }
    }

    /// Takes a table.
    pub fn take_table(&mut self, name: &'static str, problems: &mut Collector<'_>) -> Option<Table<'a>> {
        let value = self.raw(name)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(self.key(name), value.span(), table)),
            _ => {
                let reason = format!("{} is not right", problems.text(&value.span()));
                problems.add(&self.key(name), &value.span(), reason, "a table");
                None
            }
        }
    }

    /// Takes an array of tables.
    pub fn take_tables(&mut self, name: &'static str, problems: &mut Collector<'_>) -> Vec<Table<'a>> {
        let Some(value) = self.raw(name) else { return Vec::new() };
        let key = self.key(name);
        let tables: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            let table = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| {
                let table = value.get_ref().as_table()?;
                Some(Table::new(format!("{key}[{index}]"), value.span(), table))
            };
            array.iter().enumerate().map(table).collect()
        });
        tables.unwrap_or_else(|| {
            problems.add(&key, &value.span(), "not right", &format!("tables that begin with [[{key}]]"));
            Vec::new()
        })
    }

    /// The keys that were not asked for, with their places.
    pub fn rest(&self) -> impl Iterator<Item = (At<&'a str>, At<&'a DeValue<'a>>)> + '_ {
        self.table.iter().filter(|(name, _)| !self.asked.contains(&name.get_ref().as_ref())).map(
            |(name, value)| {
                let key = self.key(name.get_ref());
                let name = At { value: name.get_ref().as_ref(), key: key.clone(), span: name.span() };
                (name, At { value: value.get_ref(), key, span: value.span() })
            },
        )
    }

    /// Every key that nobody asked for is unknown.
    pub fn finish(self, problems: &mut Collector<'_>) {
        let expected = format!("one of {}", self.asked.join(", "));
        for (name, _) in self.rest() {
            let near = did_you_mean(name.value, self.asked.iter().copied());
            problems.at(&name, format!("unknown key{near}"), &expected);
        }
    }

    fn raw(&mut self, name: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }
}
