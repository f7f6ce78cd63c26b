//! The world: what becomes of jobs in virtual time.

mod alone;
mod support;
