//! Changes one value in the text of an experiment file and leaves the rest, lines and comments, as it is.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, Value};

use crate::experiment::Choice;

/// A path that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EditError {
    /// How far it leads, in the words of the experiment's reader.
    pub key: String,
    pub reason: String,
    pub expected: String,
}

/// Sets the value at a path: keys, numbers from 0 in lists, names or labels in lists of tables. What is
/// not there is added, so that the reader of the experiment can say whether there is such a key.
///
/// Returns the key in the words of that reader: `policy[0].threshold`.
pub(super) fn set(document: &mut DocumentMut, path: &[String], value: &Choice) -> Result<String, EditError> {
    in_table(document.as_table_mut(), path, String::new(), value)
}

fn in_table(
    table: &mut dyn TableLike,
    path: &[String],
    around: String,
    value: &Choice,
) -> Result<String, EditError> {
    let [name, rest @ ..] = path else { return Err(too_short(around)) };
    let key = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
    if rest.is_empty() {
        match table.get_mut(name) {
            Some(Item::Value(old)) => replace(old, value),
            Some(item) if item.is_array_of_tables() || item.is_table() => return Err(too_short(key)),
            _ => drop(table.insert(name, Item::Value(value.to_toml()))),
        }
        return Ok(key);
    }
    if !table.contains_key(name) {
        table.insert(name, Item::Table(Table::new()));
    }
    match table.get_mut(name) {
        Some(item) => in_item(item, rest, key, value),
        None => Err(too_short(key)),
    }
}

fn in_item(item: &mut Item, path: &[String], key: String, value: &Choice) -> Result<String, EditError> {
    if let Some(tables) = item.as_array_of_tables_mut() {
        let (index, rest) = element(tables, path, &key)?;
        let key = format!("{key}[{index}]");
        return match tables.get_mut(index) {
            Some(table) => in_table(table, rest, key, value),
            None => Err(too_short(key)),
        };
    }
    if let Some(array) = item.as_array_mut() {
        return in_array(array, path, key, value);
    }
    if let Some(table) = item.as_table_like_mut() {
        return in_table(table, path, key, value);
    }
    Err(EditError { reason: "is a single value, and has nothing in it".into(), expected: String::new(), key })
}

fn in_array(array: &mut Array, path: &[String], key: String, value: &Choice) -> Result<String, EditError> {
    let [name, rest @ ..] = path else { return Err(too_short(key)) };
    let count = array.len();
    let element = name.parse().ok().and_then(|index: usize| array.get_mut(index));
    match (element, rest) {
        (Some(old), []) => {
            replace(old, value);
            Ok(key)
        }
        (Some(Value::InlineTable(table)), rest) => in_table(table, rest, format!("{key}[{name}]"), value),
        (Some(_), _) => Err(too_short(key)),
        (None, _) => Err(EditError {
            reason: format!("has no element {name}"),
            expected: format!("a number from 0 to {}", count.saturating_sub(1)),
            key,
        }),
    }
}

/// Which of several tables is meant: that with this name or label, or this number from 0.
fn element<'a>(
    tables: &ArrayOfTables,
    path: &'a [String],
    key: &str,
) -> Result<(usize, &'a [String]), EditError> {
    let [wanted, rest @ ..] = path else { return Err(too_short(key.into())) };
    let names: Vec<_> = tables.iter().map(name).collect();
    let named: Vec<_> = (0..names.len()).filter(|index| names[*index] == Some(wanted.as_str())).collect();
    let number = wanted.parse().ok().filter(|index| *index < names.len());
    match (&named[..], number) {
        ([index], _) => Ok((*index, rest)),
        ([], Some(index)) => Ok((index, rest)),
        ([], None) => {
            let known: Vec<_> = names.iter().flatten().map(|name| format!("\"{name}\"")).collect();
            let known =
                if known.is_empty() { String::new() } else { format!(", or one of {}", known.join(", ")) };
            Err(EditError {
                key: key.into(),
                reason: format!("there is no [[{key}]] \"{wanted}\""),
                expected: format!("a number from 0 to {}{known}", names.len().saturating_sub(1)),
            })
        }
        (several, _) => Err(EditError {
            key: key.into(),
            reason: format!("{} of the [[{key}]] tables are called \"{wanted}\"", several.len()),
            expected: format!("the number of one of them: {several:?}"),
        }),
    }
}

/// A policy's label, else a name.
fn name(table: &Table) -> Option<&str> {
    ["label", "name"].iter().find_map(|key| table.get(key)?.as_str())
}

/// The new value keeps the place of the old one, and its type where the old one says what it must be:
/// a text stays a text, a list a list.
fn replace(old: &mut Value, value: &Choice) {
    let mut new = match (&*old, value.to_toml()) {
        (Value::String(_), new) if !new.is_str() => Value::from(value.text()),
        (Value::Array(_), new) if !new.is_array() => Value::from_iter([new]),
        (_, new) => new,
    };
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

fn too_short(key: String) -> EditError {
    let expected = format!("a key in it, as in {key}.KEY");
    EditError { reason: "is a table, and not a value".into(), expected, key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Vary;

    const FILE: &str = r#"# what it is
[cluster]
nodes = 2 # two

[traffic]
kind = "poisson"
rate = 1.0   # jobs

[[jobs]]
name = "a"
service = { kind = "exponential", mean_s = 0.1 }

[[policy]]
name = "NoScheduler"

[[policy]]
label = "power of two"
name = "PowerOfNScheduler"
parameters = ["1", "2", "true", "1"]

[policy.agent]
alpha = 0.1

[run]
seeds = [1, 2]
"#;

    fn edited(vary: &str) -> Result<(String, String), String> {
        let vary: Vary = vary.parse().unwrap();
        let mut document: DocumentMut = FILE.parse().unwrap();
        match set(&mut document, &vary.path, &vary.values[0]) {
            Ok(key) => Ok((key, document.to_string())),
            Err(EditError { key, reason, expected }) => Err(format!("{key}: {reason}; {expected}")),
        }
    }

    #[test]
    fn one_value_changes_and_every_line_stays_where_it_is() {
        for (vary, key, from, to) in [
            ("cluster.nodes=7", "cluster.nodes", "nodes = 2 # two", "nodes = 7 # two"),
            ("traffic.rate=2", "traffic.rate", "rate = 1.0   # jobs", "rate = 2   # jobs"),
            ("traffic.kind=deterministic", "traffic.kind", "\"poisson\"", "\"deterministic\""),
            ("jobs.0.service.mean_s=0.5", "jobs[0].service.mean_s", "mean_s = 0.1", "mean_s = 0.5"),
            ("jobs.a.name=b", "jobs[0].name", "name = \"a\"", "name = \"b\""),
            ("policy.1.parameters.1=3", "policy[1].parameters", "\"2\"", "\"3\""),
            ("policy.power of two.agent.alpha=0.2", "policy[1].agent.alpha", "alpha = 0.1", "alpha = 0.2"),
            ("run.seeds=5", "run.seeds", "[1, 2]", "[5]"),
            ("run.seeds=[7,8]", "run.seeds", "[1, 2]", "[7,8]"),
            ("run.seeds.1=9", "run.seeds", "[1, 2]", "[1, 9]"),
        ] {
            let expected = FILE.replacen(from, to, 1);
            assert_ne!(expected, FILE, "{from}");
            assert_eq!(edited(vary), Ok((key.to_string(), expected)), "{vary}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_added_to_its_table() {
        let (key, text) = edited("cluster.queue=3").unwrap();
        assert_eq!((key.as_str(), text), ("cluster.queue", FILE.replace("# two\n", "# two\nqueue = 3\n")));
        let (key, text) = edited("policy.NoScheduler.threshold=3").unwrap();
        assert_eq!(key, "policy[0].threshold");
        assert!(text.contains("name = \"NoScheduler\"\nthreshold = 3\n"), "{text}");
        let (_, text) = edited("network.latency_ms=5").unwrap();
        assert!(text.contains("[network]\nlatency_ms = 5\n"), "{text}");
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused_with_how_far_it_leads() {
        for (vary, complaint) in [
            (
                "policy.2.threshold=1",
                "policy: there is no [[policy]] \"2\"; a number from 0 to 1, or one of \"NoScheduler\", \
                 \"power of two\"",
            ),
            ("policy.1=1", "policy[1]: is a table, and not a value; a key in it, as in policy[1].KEY"),
            ("jobs.b.share=1", "jobs: there is no [[jobs]] \"b\"; a number from 0 to 0, or one of \"a\""),
            ("traffic.rate.mean=1", "traffic.rate: is a single value, and has nothing in it; "),
            ("run.seeds.2=1", "run.seeds: has no element 2; a number from 0 to 1"),
        ] {
            assert_eq!(edited(vary), Err(complaint.to_string()));
        }
    }
}
