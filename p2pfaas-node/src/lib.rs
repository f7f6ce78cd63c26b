//! The P2PFaaS node service: the state machine of [`p2pfaas_core`] with a real clock and HTTP.
//!
//! [`run`] is the whole program; a program with policies of its own calls it with a bigger
//! registry. [`NodeService`] is one node inside another program: an embedded cluster, a test.

mod api;
mod async_calls;
mod client;
mod clock;
mod command;
mod config;
mod dashboard;
mod discovery;
mod drive;
mod engine;
mod event_log;
mod executor;
mod functions;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod learner;
mod membership;
mod metrics;
mod offers;
mod peer_client;
mod security;
mod service;
mod settings;
mod shared;
mod store;
mod supervisor;
mod trace;
mod workers;

/// Version, as the header `X-P2pfaas-Version` tells it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub use async_calls::{AsyncSettings, JournalError};
pub use client::{CallSettings, Client, ClientError, Endpoint};
pub use command::run;
pub use discovery::{Address, ParseAddressError};
pub use executor::builtin::NAMES as BUILTIN_FUNCTIONS;
pub use executor::{
    Credentials, Deployment, ExecuteError, Execution, Executor, Function, FunctionAnswer, FunctionCall,
    HttpContainer, OpenFaas, ScaleDelay, builtin,
};
pub use learner::AgentError;
pub use membership::GossipError;
pub use security::{
    BearerToken, ClientRate, ClusterKey, ParseKeyError, ParseTokenError, ParseTokensError, Role,
    SecuritySettings, Tokens,
};
pub use service::{NodeService, StartError};
pub use settings::{AgentSettings, LearnerAddress, LearnerPlace, Settings};
