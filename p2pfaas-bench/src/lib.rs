//! The `p2pfaas` command: run an experiment file and compare its policies; train and judge agents.
//!
//! [`run_command`] is the whole program; a program with policies of its own calls it with a bigger
//! registry. The modules below are its parts, in the order in which a run meets them:
//!
//! - [`experiment`] reads and checks the file;
//! - [`embedded`] starts the nodes, on devices that [`emulate`] slows down to what the file says;
//! - [`load`] sends the jobs, on schedule, whatever the answers do;
//! - [`simulate`] does the same in virtual time, and [`sweep`] does it for many values of what is varied;
//! - [`curve`] follows agents while they learn;
//! - [`tally`], [`distribution`], [`statistics`] and [`summary`] make numbers of what came back, [`results`] keeps them;
//! - [`beside`] compares what was measured with what is simulated, and [`replay`] lets a recorded run or node
//!   live through the same once more;
//! - [`theory`] says what should come out, where that is known;
//! - [`traces`] reads what runs left behind, [`train`] and [`evaluate`] make agents of it and judge them.

pub mod answer;
pub mod beside;
pub mod cli;
mod command;
pub mod cost;
pub mod curve;
pub mod distribution;
pub mod embedded;
pub mod emulate;
pub mod evaluate;
pub mod experiment;
pub mod fleet;
mod interrupt;
pub mod job;
pub mod load;
pub mod local;
pub mod payload;
pub mod policies;
pub mod progress;
pub mod recorded;
pub mod replay;
pub mod results;
pub mod run;
pub mod simulate;
pub mod site;
mod stage;
pub mod statistics;
pub mod summary;
pub mod sweep;
pub mod table;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod theory;
pub mod traces;
pub mod train;
pub mod warnings;

pub use command::run_command;
