//! A policy in a crate of its own.
