//! What a trace is like: how many jobs it has, how they come, and what they take.
//!
//! | format | told by | what is known |
//! |---|---|---|
//! | `recorded` | a folder, Parquet, or CSV with `at_s` | arrivals, service times |
//! | `azure-2021` | the columns `app,func,end_timestamp,duration` | arrivals, service times |
//! | `azure-2019` | the columns `HashOwner,HashApp,HashFunction,Trigger,1,2,...` | jobs a minute; with its tables also service times and memory |
//! | `azure-2019-durations` | a column `percentile_Average_0` | service times |
//! | `azure-2019-memory` | a column `AverageAllocatedMb` | memory |
//! | `k6` | JSON | rates |
//! | `profile` | lines `index,value` | factors of a rate |
//!
//! Files are read in passes; a pass keeps what its format says, and bins of bounded number.

mod chart;
mod format;
mod info;
mod jobs;
mod look;
mod text;
mod times;
mod windows;

pub use format::Format;
pub use info::{Burstiness, Durations, Info, MemoryOfApps, Rate, Series};
pub use look::{Asked, look};
pub use text::render;

#[cfg(test)]
mod tests;
