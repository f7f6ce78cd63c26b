//! Learned policies: tables `[[policy]]` of a file, each compared on every instance.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value};

use crate::experiment::{Experiment, Known, Place, PolicySpec, Problems};

/// The policies of a file.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is called.
    pub label: String,
    /// A number for all that it says, and for the files that it names: with another one it is another policy.
    pub print: String,
    deadline_aware: bool,
    /// Its table alone.
    text: String,
}

/// Nodes whose files are looked at where each node has its own.
const MOST_NODES: usize = 64;

/// A list of policies that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not TOML, or no list of policies.
    #[error("{path}: {reason}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// None of its policies has this label.
    #[error("{path} has no policy \"{label}\"; expected one of {known}")]
    Unknown {
        /// Which.
        path: PathBuf,
        /// The label.
        label: String,
        /// Those that there are.
        known: String,
    },
}

impl Entries {
    /// Reads a file; of its policies only those of these labels, if there are any.
    ///
    /// # Errors
    /// It cannot be read, or is no list of policies.
    pub fn load(path: &Path, only: &[String]) -> Result<Entries, EntriesError> {
        let text = fs::read_to_string(path);
        let text = text.map_err(|source| EntriesError::Read { path: path.into(), source })?;
        let wrong = |reason: String| EntriesError::Wrong { path: path.into(), reason };
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| wrong(error.to_string()))?;
        if let Some((key, _)) = document.iter().find(|(key, _)| *key != "policy") {
            return Err(wrong(format!("\"{key}\" is not known; expected tables [[policy]]")));
        }
        let count = match document.get("policy") {
            None => 0,
            Some(item) => match item.as_array_of_tables() {
                Some(tables) => tables.len(),
                None => return Err(wrong("policy: expected tables [[policy]]".into())),
            },
        };
        let mut entries: Vec<Entry> = Vec::new();
        for place in 0..count {
            let entry = Entry::read(&document, place, path).map_err(wrong)?;
            if entries.iter().any(|other| other.label == entry.label) {
                return Err(wrong(format!("two policies are called \"{}\"", entry.label)));
            }
            entries.push(entry);
        }
        for label in only {
            if !entries.iter().any(|entry| &entry.label == label) {
                let known = entries.iter().map(|entry| entry.label.as_str()).collect::<Vec<_>>().join(", ");
                return Err(EntriesError::Unknown { path: path.into(), label: label.clone(), known });
            }
        }
        entries.retain(|entry| only.is_empty() || only.contains(&entry.label));
        Ok(Entries { path: path.into(), entries })
    }

    /// The policies.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// A policy for an instance, and whether its nodes are aware of deadlines.
    ///
    /// # Errors
    /// There is no such policy, or it is not for such a cluster.
    pub fn policy(
        &self,
        entry: &Entry,
        instance: &str,
        known: &Known<'_>,
    ) -> Result<(PolicySpec, bool), Problems> {
        // It has been read before: it is TOML.
        let mut document: DocumentMut = instance.parse().unwrap_or_default();
        // What it names lies beside the instance, and a policy's own files beside the list.
        document.remove("network");
        document.remove("policy");
        let text = format!("{document}\n{}", entry.text);
        let experiment = Experiment::parse(&self.path, text, Place::Sim, known)?;
        match experiment.policies.into_iter().next() {
            Some(policy) => Ok((policy, entry.deadline_aware)),
            None => unreachable!("an experiment without a policy is refused"),
        }
    }
}

impl Entry {
    /// That at a place of a list.
    fn read(list: &DocumentMut, place: usize, path: &Path) -> Result<Entry, String> {
        let mut alone = list.clone();
        let tables = alone.get_mut("policy").and_then(Item::as_array_of_tables_mut);
        let tables = tables.ok_or("expected tables [[policy]]")?;
        let mut number = 0..;
        tables.retain(|_| number.next() == Some(place));
        let table = tables.get_mut(0).ok_or("expected tables [[policy]]")?;
        let deadline_aware = match table.remove("deadline_aware") {
            None => false,
            Some(item) => item.as_bool().ok_or("deadline_aware: expected true or false")?,
        };
        let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_string);
        let label = text("label").or_else(|| text("name")).ok_or("a policy without a name")?;
        let names = texts(table);
        let text = alone.to_string();
        let mut bytes = format!("{deadline_aware}\n{text}").into_bytes();
        let folder = path.parent().unwrap_or(Path::new(""));
        for name in names {
            let each = (0..MOST_NODES).map(|node| name.replace("{node}", &node.to_string()));
            let files = if name.contains("{node}") { each.collect() } else { vec![name] };
            for file in files {
                // Most texts are no names of files.
                bytes.extend(fs::read(folder.join(file)).unwrap_or_default());
            }
        }
        let print = format!("{:08x}", crc32c::crc32c(&bytes));
        Ok(Entry { label, print, deadline_aware, text })
    }
}

/// All texts of a table, and of those in it.
fn texts(table: &Table) -> Vec<String> {
    let mut all = Vec::new();
    for (_, item) in table.iter() {
        match item {
            Item::Value(Value::String(text)) => all.push(text.value().clone()),
            Item::Table(inner) => all.extend(texts(inner)),
            _ => {}
        }
    }
    all
}
