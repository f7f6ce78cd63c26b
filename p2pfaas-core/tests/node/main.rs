//! What a node promises, checked from outside: through events and effects alone.

mod admission;
mod any_order;
mod cluster;
mod encoder;
mod fixture;
mod learning;
mod model;
mod offers;
mod peers;
mod policies;
mod registry;
mod replay;
mod shed;
mod stages;
mod wire;
