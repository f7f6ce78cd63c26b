//! Parquet files of others may be damaged, and of some that are the library asserts what it should refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;

/// What is read; an error also where the library panics. What it reads with is not to be used after an error.
///
/// # Errors
/// It cannot be read.
pub fn survived<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let read = catch_unwind(AssertUnwindSafe(read));
    read.unwrap_or_else(|_| Err(ParquetError::General("it is damaged".into())))
}
