//! The world: what becomes of jobs in virtual time.

mod alone;
mod churn;
mod devices;
mod learning;
mod network;
mod support;
mod whole;
