//! x
pub mod cluster;
pub mod detector;
pub mod frontal;
pub mod pico;
