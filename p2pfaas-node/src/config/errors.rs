//! All that is wrong in a configuration, told at once.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, or what stands in its place.
    pub key: String,
    /// Where it came from: a flag, a variable, a file and line.
    pub origin: String,
    /// What would have been right.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl Problem {
    /// A value that a key cannot have. It is cut: an error is no place for a whole file.
    pub(super) fn value(key: &str, origin: &str, expected: impl Into<String>, found: &str) -> Self {
        const SHOWN: usize = 80;
        let mut shown = format!("{:?}", found.chars().take(SHOWN).collect::<String>());
        if found.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        } else if found.is_empty() {
            shown = "nothing".into();
        }
        Problem { key: key.into(), origin: origin.into(), expected: expected.into(), found: shown }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { key, origin, expected, found } = self;
        write!(f, "{key} ({origin}): expected {expected}; found {found}")
    }
}

/// All problems of one configuration; there is at least one. Nothing has been started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [_] => write!(f, "the configuration has a problem:")?,
            all => write!(f, "the configuration has {} problems:", all.len())?,
        }
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}
