//! What is wrong with an experiment file, collected.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// The key, with the tables around it; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What would be right; may be empty.
    pub expected: String,
}

/// All that is wrong with one file. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, in the order of the lines.
    pub problems: Vec<Problem>,
}

impl Problems {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let problem = Problem {
            line: None,
            key: String::new(),
            reason: format!("cannot be read: {error}"),
            expected: "an experiment file in TOML; see experiments/quickstart.toml".into(),
        };
        Problems { file: path.into(), problems: vec![problem] }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Problems {
    /// One line a problem: `file:line: key: reason; expected ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file.display())?;
            if let Some(line) = problem.line {
                write!(f, ":{line}")?;
            }
            write!(f, ": ")?;
            if !problem.key.is_empty() {
                write!(f, "{}: ", problem.key)?;
            }
            write!(f, "{}", problem.reason)?;
            if !problem.expected.is_empty() {
                write!(f, "; expected {}", problem.expected)?;
            }
        }
        Ok(())
    }
}

/// A value with the place where it stood.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub key: String,
    pub span: Range<usize>,
}

/// Gathers problems while a file is read and resolved.
pub(super) struct Collector<'a> {
    source: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Collector<'a> {
    pub fn new(source: &'a str) -> Self {
        Collector { source, problems: Vec::new() }
    }

    /// Something is wrong at a place in the text.
    pub fn add(&mut self, key: &str, span: &Range<usize>, reason: impl Into<String>, expected: &str) {
        let before = self.source.get(..span.start).unwrap_or(self.source);
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        self.problems.push(Problem {
            line: Some(line),
            key: key.into(),
            reason: reason.into(),
            expected: expected.into(),
        });
    }

    /// A value is wrong.
    pub fn at<T>(&mut self, at: &At<T>, reason: impl Into<String>, expected: &str) {
        self.add(&at.key, &at.span, reason, expected);
    }

    /// A value is wrong; the reason is the value itself.
    pub fn refused<T>(&mut self, at: &At<T>, expected: &str) {
        let text = self.text(&at.span);
        self.at(at, format!("{text} is not possible"), expected);
    }

    /// A key is not there at all.
    pub fn missing(&mut self, key: &str, span: &Range<usize>, expected: &str) {
        self.add(key, span, "missing", expected);
    }

    /// The whole text of a place.
    pub fn source(&self, span: &Range<usize>) -> &'a str {
        self.source.get(span.clone()).unwrap_or_default()
    }

    /// The text of a place, cut short.
    pub fn text(&self, span: &Range<usize>) -> String {
        const LONGEST: usize = 40;
        let text = self.source(span);
        let line = text.lines().next().unwrap_or_default();
        let cut: String = line.chars().take(LONGEST).collect();
        if cut.len() < text.len() { format!("{cut}...") } else { cut }
    }

    pub fn finish(mut self, path: &Path) -> Problems {
        self.problems.sort_by_key(|problem| problem.line);
        Problems { file: path.into(), problems: self.problems }
    }
}
