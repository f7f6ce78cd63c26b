//! The learner service, from outside: bytes on its sockets, files in its folder, and its process.

mod access;
mod batches;
mod checkpoints;
mod command;
mod crash;
mod old_traffic;
mod parameters;
mod support;
mod websocket;
mod wire;
