//! Agents against known answers: small problems whose solution is in the textbook, or is computed here
//! by dynamic programming. S&B is Sutton & Barto, Reinforcement Learning, 2nd edition.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

mod access_control;
mod cliff;
mod continuous;
mod maximisation_bias;
mod random_walk;
mod world;
