//! `--vary key=range` and `[run] vary`: what is varied, and over which values.

use std::ops::Range;
use std::str::FromStr;

use toml::de::DeValue;
use toml_edit::Value;

use super::problem::{At, Collector};
use super::reader::Table;

/// Values of one key.
const MAX_VALUES: usize = 10_000;
/// Digits of a value between the ends of a range.
const DIGITS: usize = 12;

const FORM: &str = "KEY=1,2,5 or KEY=0.5..1.0/6 (6 values, both ends among them) or KEY=1..5 (whole numbers) or \
                    KEY=word,word";

/// A key and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// As it was written.
    pub text: String,
    /// The key, as it was written.
    pub key: String,
    /// The same in parts.
    pub path: Vec<String>,
    /// What it becomes, in this order.
    pub values: Vec<Choice>,
}

/// One value, as a text that means it in TOML or, if it means nothing there, is a text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice(pub String);

/// All combinations of what is varied, numbered from 0; the last key changes fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product(pub Vec<Vary>);

impl Product {
    /// Number of combinations: 1 of nothing.
    pub fn count(&self) -> usize {
        self.0.iter().map(|vary| vary.values.len()).fold(1, usize::saturating_mul)
    }

    /// The values of a combination, in the order of the keys.
    pub fn choices(&self, point: usize) -> Vec<&Choice> {
        let mut rest = point;
        let choice = |vary: &'_ Vary| {
            let count = vary.values.len().max(1);
            let place = rest % count;
            rest /= count;
            place
        };
        let mut places: Vec<_> = self.0.iter().rev().map(choice).collect();
        places.reverse();
        self.0.iter().zip(places).filter_map(|(vary, place)| vary.values.get(place)).collect()
    }

    /// A combination as one would write it.
    pub fn describe(&self, point: usize) -> String {
        let each = self.0.iter().zip(self.choices(point));
        each.map(|(vary, Choice(value))| format!("{}={value}", vary.key)).collect::<Vec<_>>().join(", ")
    }
}

/// A `--vary` that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; expected {expected}")]
pub struct VaryError {
    reason: String,
    expected: &'static str,
}

/// Reads `[run] vary`, in the order of the file. A key is a path in quotes, or the tables and keys of a path
/// themselves; a value is a list, or a text with a range.
pub(super) fn read(table: &Table<'_>, problems: &mut Collector<'_>) -> Vec<Vary> {
    let mut found = Vec::new();
    for (name, value) in table.rest() {
        leaves(name.value.into(), value, &mut found);
    }
    found.sort_by_key(|(_, value)| value.span.start);
    let mut varies: Vec<Vary> = Vec::new();
    for (key, at) in found {
        match format!("{key}={}", range(&at, problems)).parse::<Vary>() {
            Ok(vary) if varies.iter().any(|other| other.path == vary.path) => {
                problems.at(&at, "this key is varied twice", "each key once, with all of its values");
            }
            Ok(vary) => varies.push(vary),
            Err(error) => problems.at(&at, error.reason, error.expected),
        }
    }
    varies
}

/// The values in a table and in those that it has in it.
fn leaves<'a>(key: String, at: At<&'a DeValue<'a>>, found: &mut Vec<(String, At<&'a DeValue<'a>>)>) {
    let DeValue::Table(table) = at.value else { return found.push((key, at)) };
    for (name, value) in table {
        let part = name.get_ref();
        let part = if part.contains('.') { format!("\"{part}\"") } else { part.to_string() };
        let inner = At { value: value.get_ref(), key: format!("{}.{part}", at.key), span: value.span() };
        leaves(format!("{key}.{part}"), inner, found);
    }
}

/// Values as `--vary` has them: a text is a range, a list one value after the other.
fn range(at: &At<&DeValue<'_>>, problems: &Collector<'_>) -> String {
    let one = |value: &DeValue<'_>, span: &Range<usize>| match value {
        DeValue::String(text) => Value::from(text.as_ref()).to_string(),
        _ => problems.source(span).to_string(),
    };
    match at.value {
        DeValue::String(text) => text.to_string(),
        DeValue::Array(values) => {
            let values = values.iter().map(|value| one(value.get_ref(), &value.span()));
            values.collect::<Vec<_>>().join(",")
        }
        value => one(value, &at.span),
    }
}

impl Choice {
    /// The value for the file.
    pub fn to_toml(&self) -> Value {
        self.0.parse().unwrap_or_else(|_| Value::from(self.text()))
    }

    /// Without quotes.
    pub fn text(&self) -> &str {
        let inner = self.0.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        inner.unwrap_or(&self.0)
    }

    /// As a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl FromStr for Vary {
    type Err = VaryError;

    fn from_str(text: &str) -> Result<Vary, VaryError> {
        let (key, range) = text.split_once('=').ok_or_else(|| refused("there is no =", FORM))?;
        let key = key.trim();
        let path = path(key)?;
        let mut values = Vec::new();
        for item in split(range, ',')? {
            values.extend(self::values(item.trim())?);
            if values.len() > MAX_VALUES {
                return Err(refused(format!("{} values", values.len()), "at most 10000"));
            }
        }
        let twice = values.iter().enumerate().find(|(index, value)| values[..*index].contains(value));
        if let Some((_, Choice(value))) = twice {
            return Err(refused(format!("{value} is there twice"), "each value once"));
        }
        Ok(Vary { text: text.into(), key: key.into(), path, values })
    }
}

/// Parts between dots; those in double quotes may have dots themselves.
fn path(key: &str) -> Result<Vec<String>, VaryError> {
    const EXPECTED: &str = "a path into the experiment file, such as traffic.rate, policy.0.fan_out or \
                            policy.LABEL.threshold";
    let mut parts = Vec::new();
    for part in split(key, '.')? {
        let part = part.trim();
        let part = part.strip_prefix('"').and_then(|part| part.strip_suffix('"')).unwrap_or(part);
        if part.is_empty() {
            return Err(refused(format!("\"{key}\" is not a key"), EXPECTED));
        }
        parts.push(part.to_string());
    }
    match parts.len() {
        0 | 1 => Err(refused(format!("\"{key}\" is not a key within a table"), EXPECTED)),
        _ => Ok(parts),
    }
}

/// At a separator that is not within quotes or brackets.
fn split(text: &str, separator: char) -> Result<Vec<&str>, VaryError> {
    let (mut depth, mut quoted, mut begin) = (0_i32, false, 0);
    let mut parts = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ if letter == separator && depth == 0 => {
                parts.push(&text[begin..at]);
                begin = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    match depth == 0 && !quoted {
        true => Ok(parts),
        false => Err(refused(format!("\"{text}\" has a bracket or a quote without its other"), FORM)),
    }
}

/// One value, or those of a range.
fn values(item: &str) -> Result<Vec<Choice>, VaryError> {
    if item.is_empty() {
        return Err(refused("a value is empty", FORM));
    }
    let Some((low, rest)) = item.split_once("..") else { return Ok(vec![Choice(item.into())]) };
    let (high, count) = match rest.split_once('/') {
        Some((high, count)) => (high, Some(count)),
        None => (rest, None),
    };
    // Words may have two dots, as a path has.
    let (Ok(from), Ok(to)) = (low.trim().parse::<f64>(), high.trim().parse::<f64>()) else {
        return Ok(vec![Choice(item.into())]);
    };
    if !(from.is_finite() && to.is_finite() && from < to) {
        return Err(refused(format!("{item} does not go up"), "a range from a lower to a higher number"));
    }
    let whole = |text: &str| text.trim().parse::<i64>().ok();
    match (count, whole(low), whole(high)) {
        (Some(count), low, high) => {
            let count = count.trim().parse().ok().filter(|count| (2..=MAX_VALUES).contains(count));
            let count =
                count.ok_or_else(|| refused(item, "at least 2 values, both ends among them: 0.5..1.0/6"))?;
            Ok(between(from, to, count, low.is_some() && high.is_some()))
        }
        (None, Some(low), Some(high)) if high.abs_diff(low) < MAX_VALUES as u64 => {
            Ok((low..=high).map(|value| Choice(value.to_string())).collect())
        }
        (None, Some(_), Some(_)) => Err(refused(format!("{item} has too many values"), "at most 10000")),
        _ => Err(refused(
            format!("{item} does not say how many values"),
            "their number behind a slash, as in 0.5..1.0/6, unless both ends are whole numbers",
        )),
    }
}

/// So many values at equal distances. Whole numbers, if the ends are and all others, too.
fn between(from: f64, to: f64, count: usize, whole_ends: bool) -> Vec<Choice> {
    let at = |index: usize| from + (to - from) * index as f64 / (count - 1) as f64;
    // What adding makes of 0.6 should still be called 0.6.
    let round = |value: f64| format!("{value:.DIGITS$e}").parse().unwrap_or(value);
    let values: Vec<f64> = (0..count).map(at).map(round).collect();
    let whole = whole_ends && values.iter().all(|value| value.fract() == 0.0);
    let text = |value: &f64| if whole { format!("{value:.0}") } else { format!("{value:?}") };
    values.iter().map(|value| Choice(text(value))).collect()
}

fn refused(reason: impl Into<String>, expected: &'static str) -> VaryError {
    VaryError { reason: reason.into(), expected }
}

#[cfg(test)]
mod tests;
