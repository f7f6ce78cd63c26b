//! What charts need to know of each run, kept while it goes on, in memory that does not grow with the jobs.
//!
//! A run has at most [`BUCKETS`] stretches of time, and its nodes at most [`MAX_ROWS`] rows: in larger
//! clusters a row stands for several nodes. All that runs under several seeds have in common is counted in
//! whole numbers, so that it is the same in whatever order they end.

mod axis;
mod policy;
mod rows;
mod run;
mod seen;

pub use axis::{Axis, BUCKETS};
pub use policy::{PolicySeries, SeedSeries};
pub use rows::{MAX_ROWS, NodeCounts, Rows};
pub use run::{ACTIONS, Bucket, FATES, MAX_TYPES, RunSeries, Timeline};
pub use seen::Seen;

#[cfg(test)]
mod tests;
