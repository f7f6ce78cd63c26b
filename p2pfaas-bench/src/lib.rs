//! The `p2pfaas` command: run an experiment file and compare its policies; train and judge agents.
//!
//! [`run_command`] is the whole program; a program with policies of its own calls it with a bigger
//! registry. The modules below are its parts, in the order in which a run meets them:
//!
//! - [`experiment`] reads and checks the file, and [`check`] tells what it will run, by the load that is [`offered`];
//! - [`embedded`] starts the nodes, on devices that [`emulate`] slows down to what the file says;
//! - [`load`] sends the jobs, on schedule, whatever the answers do;
//! - [`simulate`] does the same in virtual time, and [`sweep`] does it for many values of what is varied;
//! - [`suite`] draws experiments, tunes static policies for each and compares learned ones with them;
//! - [`curve`] follows agents while they learn;
//! - [`tally`], [`distribution`], [`in_system`], [`statistics`] and [`summary`] make numbers of what came back, [`results`] keeps them;
//! - [`kept`] keeps the runs that are over while others go on, so that an interrupted experiment can go on;
//! - [`series`] follows what happens over time and between nodes, [`report`] makes pictures and a page of it;
//! - [`beside`] compares what was measured with what is simulated, and [`replay`] lets a recorded run or node
//!   live through the same once more;
//! - [`exports`] makes files for other programs of what was measured;
//! - [`recorded`] makes traces of runs and plays them, [`trace_info`] shows what a trace is like;
//! - [`theory`] says what should come out, where that is known;
//! - [`traces`] reads what runs left behind, [`train`] and [`evaluate`] make agents of it and judge them.

pub mod answer;
pub mod beside;
pub mod check;
pub mod cli;
mod command;
pub mod cost;
pub mod curve;
mod damaged;
pub mod distribution;
pub mod embedded;
pub mod emulate;
pub mod evaluate;
pub mod experiment;
pub mod exports;
pub mod fleet;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod in_system;
mod interrupt;
pub mod job;
pub mod kept;
pub mod load;
pub mod local;
pub mod offered;
pub mod payload;
pub mod policies;
pub mod progress;
pub mod recorded;
pub mod replay;
pub mod report;
pub mod results;
pub mod run;
pub mod series;
pub mod simulate;
pub mod site;
mod stage;
pub mod statistics;
pub mod suite;
pub mod summary;
pub mod sweep;
pub mod table;
pub mod tally;
#[cfg(test)]
mod testing;
pub mod theory;
pub mod trace_info;
pub mod traces;
pub mod train;
pub mod warnings;

pub use command::run_command;
