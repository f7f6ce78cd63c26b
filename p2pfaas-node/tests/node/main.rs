//! The node service over real HTTP.

mod calls;
mod support;
