//! What jobs send, in memory before anything starts.

use std::path::PathBuf;

use bytes::Bytes;
use pigo_function::{FunctionError, sample};

use crate::experiment::PayloadSpec;

/// A payload that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The file cannot be read.
    #[error("cannot read the payload {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The built-in pictures cannot be made.
    #[error("cannot make the sample pictures: {0}")]
    Sample(#[from] FunctionError),
}

/// The payloads of which each job sends one; never empty.
///
/// # Errors
/// They cannot be read or made.
pub fn load(payload: &PayloadSpec) -> Result<Vec<Bytes>, PayloadError> {
    Ok(match payload {
        PayloadSpec::Empty => vec![Bytes::new()],
        PayloadSpec::Text(text) => vec![Bytes::copy_from_slice(text.as_bytes())],
        PayloadSpec::File(path) => {
            let content = std::fs::read(path);
            vec![content.map_err(|source| PayloadError::File { path: path.clone(), source })?.into()]
        }
        PayloadSpec::Sample(side) => sample::crops(*side)?.into_iter().map(Bytes::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_pictures_that_differ() {
        let pictures = load(&PayloadSpec::Sample(48)).unwrap();
        assert!(pictures.len() > 1);
        assert!(pictures.iter().all(|picture| picture.starts_with(&[0xff, 0xd8])));
        assert_ne!(pictures[0], pictures[1]);
    }

    #[test]
    fn a_file_is_sent_as_it_is_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payload");
        std::fs::write(&path, b"\x00\x01").unwrap();
        assert_eq!(load(&PayloadSpec::File(path)).unwrap(), [&b"\x00\x01"[..]]);
        assert_eq!(load(&PayloadSpec::Empty).unwrap(), [Bytes::new()]);
        assert_eq!(load(&PayloadSpec::Text("0.1".into())).unwrap(), [&b"0.1"[..]]);
        let error = load(&PayloadSpec::File("no/such".into())).unwrap_err();
        assert!(error.to_string().contains("no/such"), "{error}");
    }
}
