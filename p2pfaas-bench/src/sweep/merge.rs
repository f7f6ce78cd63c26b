//! Puts the parts of a sweep together that several machines have run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::store::{Store, StoreError};
use crate::results::WriteError;

/// Points that are named when they are missing.
const MAX_TOLD: usize = 20;

/// Parts that do not make a whole. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder that cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Parts of different sweeps.
    #[error("{second} is not a part of the sweep that {first} is a part of: {difference}")]
    Different {
        /// A part.
        first: String,
        /// Another one.
        second: String,
        /// In what the first differs.
        difference: String,
    },
    /// The same point with different results.
    #[error("point {point} is in {first} and in {second}, with different results")]
    Overlap {
        /// The point.
        point: usize,
        /// Where it is.
        first: String,
        /// And where else.
        second: String,
    },
    /// Points that are nowhere.
    #[error("{count} of {all} points are missing: {list}; expected all of them, or --partial")]
    Missing {
        /// How many.
        count: usize,
        /// Of how many.
        all: usize,
        /// Which ones.
        list: String,
    },
}

impl MergeError {
    /// Whether the command was wrong, and not the machine.
    pub fn is_input(&self) -> bool {
        match self {
            MergeError::Store(error) => error.is_input(),
            MergeError::Write(_) => false,
            _ => true,
        }
    }
}

/// What was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Points that are there.
    pub points: usize,
    /// Points of the whole sweep.
    pub all: usize,
}

/// Joins parts into one folder, which may have been begun. The whole is what one machine alone would have
/// made, byte for byte.
///
/// # Errors
/// The parts do not make a whole; then nothing was written. Or it cannot be written.
pub fn merge(out: &Path, parts: &[PathBuf], partial: bool) -> Result<Merged, MergeError> {
    let stores = parts.iter().map(|part| Store::read(part)).collect::<Result<Vec<_>, _>>()?;
    let Some((first, others)) = stores.split_first() else { return Ok(Merged { points: 0, all: 0 }) };
    let source = first.source()?;
    let there = Store::read(out).ok();
    for other in there.iter().chain(others) {
        if let Some(difference) = first.difference(other.manifest(), &other.source()?)? {
            let (first, second) = (name(first), name(other));
            return Err(MergeError::Different { first, second, difference });
        }
    }
    let mut owners: BTreeMap<usize, &Store> = BTreeMap::new();
    for store in there.iter().chain(&stores) {
        for point in store.finished() {
            let owner = *owners.entry(point).or_insert(store);
            if owner.path() != store.path() && owner.files(point)? != store.files(point)? {
                return Err(MergeError::Overlap { point, first: name(owner), second: name(store) });
            }
        }
    }
    let all = first.manifest().points;
    let missing: Vec<_> = (0..all).filter(|point| !owners.contains_key(point)).collect();
    if !missing.is_empty() && !partial {
        return Err(MergeError::Missing { count: missing.len(), all, list: list(&missing) });
    }
    let whole = Store::open(out, first.manifest().clone(), &source)?;
    for (point, owner) in &owners {
        if !whole.has(*point) {
            whole.put(*point, owner.files(*point)?)?;
        }
    }
    Ok(Merged { points: whole.assemble()?.len(), all })
}

fn name(store: &Store) -> String {
    store.path().display().to_string()
}

fn list(points: &[usize]) -> String {
    let told: Vec<_> = points.iter().take(MAX_TOLD).map(usize::to_string).collect();
    let more = if points.len() > MAX_TOLD { ", ..." } else { "" };
    format!("{}{more}", told.join(", "))
}
