//! Bytes that no log may show, and where a secret is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A secret. Its debug text does not have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a secret is; it never stands in a configuration itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

impl SecretPlace {
    /// `file:PATH`, `env:NAME` or `none`.
    ///
    /// # Errors
    /// What was expected in place of the text.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == "none" {
            return Ok(None);
        }
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("file", path) if !path.is_empty() => Ok(Some(SecretPlace::File(path.into()))),
            ("env", name) if !name.is_empty() => Ok(Some(SecretPlace::Variable(name.into()))),
            _ => Err("the place of the secret: file:PATH or env:VARIABLE, or none".into()),
        }
    }

    /// The secret, by these ways to read a file and a variable.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn read<T: FromStr<Err: fmt::Display>>(
        &self,
        read_file: impl FnOnce(&Path) -> std::io::Result<String>,
        variable: impl FnOnce(&str) -> Option<String>,
    ) -> Result<T, SecretError> {
        let text = match self {
            SecretPlace::File(path) => read_file(path).map_err(|error| error.to_string()),
            SecretPlace::Variable(name) => {
                let text = variable(name).filter(|text| !text.is_empty());
                text.ok_or_else(|| "there is no such variable".into())
            }
        };
        let text = text.map_err(SecretError::Unreadable)?;
        text.parse().map_err(|error: T::Err| SecretError::Wrong(error.to_string()))
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretPlace::File(path) => write!(f, "file:{}", path.display()),
            SecretPlace::Variable(name) => write!(f, "env:{name}"),
        }
    }
}

/// Why there is no secret; without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("a secret that can be read was expected: {0}")]
    Unreadable(String),
    /// It is something else than what was expected.
    #[error("{0}; found something else, which is not shown")]
    Wrong(String),
}
