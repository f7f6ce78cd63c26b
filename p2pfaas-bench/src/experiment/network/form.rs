//! Values of `[network]` that are a table: a kind, or a file, with parameters.

use std::ops::Range;
use std::path::Path;

use p2pfaas_sim::network::FileError;
use toml::de::DeValue;

use super::super::problem::{At, Collector};
use super::super::reader::{FromToml, Table};
use super::super::suggest::did_you_mean;

/// A table with a kind and its parameters.
pub(in super::super) struct Form {
    pub path: String,
    pub span: Range<usize>,
    pub kind: Option<At<String>>,
    pub file: Option<At<String>>,
    pub coordinates: Option<At<Places>>,
    /// All other parameters are numbers.
    numbers: Vec<(&'static str, At<f64>)>,
}

/// A number, or a table.
pub(super) enum NumberOrForm {
    Number(At<f64>),
    Form(Box<Form>),
}

/// Where the nodes are.
pub(in super::super) enum Places {
    File(String),
    Listed(Vec<Vec<f64>>),
}

impl FromToml for Places {
    const EXPECTED: &str = "the name of a file, or a list [[latitude, longitude], ...]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        String::from_toml(value).map(Places::File).or_else(|| FromToml::from_toml(value).map(Places::Listed))
    }
}

impl NumberOrForm {
    pub fn of(form: Form) -> Self {
        NumberOrForm::Form(Box::new(form))
    }
}

impl Form {
    /// Reads a table: whether it may have a kind and coordinates, and which numbers.
    pub fn read(
        mut table: Table<'_>,
        kinds: bool,
        coordinates: bool,
        numbers: &[&'static str],
        problems: &mut Collector<'_>,
    ) -> Form {
        let form = Form {
            path: table.path.clone(),
            span: table.span.clone(),
            kind: if kinds { table.take("kind", problems) } else { None },
            file: table.take("file", problems),
            coordinates: if coordinates { table.take("coordinates", problems) } else { None },
            numbers: numbers.iter().filter_map(|name| Some((*name, table.take(name, problems)?))).collect(),
        };
        table.finish(problems);
        form
    }

    /// A kind without parameters.
    pub fn of_kind(kind: At<String>) -> Self {
        let (path, span) = (kind.key.clone(), kind.span.clone());
        Form { path, span, kind: Some(kind), file: None, coordinates: None, numbers: Vec::new() }
    }

    /// Where it stands.
    pub fn place(&self) -> At<()> {
        at(&self.path, &self.span)
    }

    /// Its kind, one of these.
    pub fn kind<'a>(&self, kinds: &[&'a str], problems: &mut Collector<'_>) -> Option<&'a str> {
        let expected = || format!("one of {}", kinds.join(", "));
        let Some(at) = &self.kind else {
            problems.missing(&format!("{}.kind", self.path), &self.span, &expected());
            return None;
        };
        let found = kinds.iter().find(|kind| **kind == at.value);
        if found.is_none() {
            let near = did_you_mean(&at.value, kinds.iter().copied());
            problems.at(at, format!("unknown kind \"{}\"{near}", at.value), &expected());
        }
        found.copied()
    }

    /// A parameter.
    pub fn number(&self, name: &str) -> Option<&At<f64>> {
        self.numbers.iter().find(|(given, _)| *given == name).map(|(_, at)| at)
    }

    /// A parameter that must be there and is a whole number.
    pub fn whole(&self, name: &str, problems: &mut Collector<'_>) -> Option<u32> {
        const WHOLE: &str = "a whole number, 1 or more";
        let Some(at) = self.number(name) else {
            problems.missing(&format!("{}.{name}", self.path), &self.span, WHOLE);
            return None;
        };
        let good = at.value.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&at.value);
        if !good {
            problems.refused(at, WHOLE);
        }
        good.then_some(at.value as u32)
    }

    /// Refuses parameters that would be ignored.
    pub fn only(&self, what: &str, names: &[&str], problems: &mut Collector<'_>) {
        let file = self.file.iter().map(|at| ("file", place(at)));
        let given = self.numbers.iter().map(|(name, at)| (*name, place(at))).chain(file);
        for (_, at) in given.filter(|(name, _)| !names.contains(name)) {
            let expected =
                if names.is_empty() { "none".into() } else { format!("only {}", names.join(", ")) };
            problems.at(&at, format!("{what} has no such parameter"), &expected);
        }
    }
}

/// Where files are looked for, and for how many nodes they are.
pub(super) struct Files<'a> {
    pub folder: &'a Path,
    pub nodes: usize,
}

impl Files<'_> {
    /// Reads a file that is named at a place.
    pub fn read<T, U>(
        &self,
        at: &At<U>,
        name: &str,
        read: fn(&Path, usize) -> Result<T, FileError>,
        problems: &mut Collector<'_>,
    ) -> Option<T> {
        let path = self.folder.join(name);
        match read(&path, self.nodes) {
            Ok(value) => Some(value),
            Err(error) => {
                problems.at(at, error.to_string(), "");
                None
            }
        }
    }
}

/// Where a value stands.
pub(super) fn place<T>(value: &At<T>) -> At<()> {
    at(&value.key, &value.span)
}

/// A place without a value.
pub(super) fn at(key: &str, span: &Range<usize>) -> At<()> {
    At { value: (), key: key.into(), span: span.clone() }
}
