//! Slots, queue and policy: read and changed while jobs run.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::{ErrorCode, SchedulerConfiguration};
use p2pfaas_core::{Capacity, Event};
use serde::Deserialize;

use super::error::{ErrorMessage, WireError};
use super::function::read_body;
use crate::shared::Shared;

/// A change of slots and queue; what is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
pub(crate) struct ConfigurationChange {
    /// Slots, at least 1.
    parallel_running_functions_max: Option<u32>,
    /// Jobs that may wait.
    queue_length_max: Option<u32>,
    /// Whether any may wait.
    queue_enabled: Option<bool>,
}

/// A policy.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes p2pfaas_core::policy::Descriptor")]
pub(crate) struct PolicyDescriptor {
    /// For example `PowerOfNScheduler`.
    name: String,
    /// For example `["1", "2", "true", "1"]`.
    parameters: Vec<String>,
}

/// Slots and queue.
#[utoipa::path(get, path = "/configuration", tag = "configuration", responses(
    (status = 200, description = "Slots and queue in force", body = ConfigurationChange)
))]
pub(crate) async fn read(State(shared): State<Arc<Shared>>) -> Json<SchedulerConfiguration> {
    Json(*shared.capacity.lock())
}

/// Change slots and queue, live.
#[utoipa::path(post, path = "/configuration", tag = "configuration", request_body = ConfigurationChange, responses(
    (status = 200, description = "Changed and saved"),
    (status = 400, description = "A value that cannot be (code 4)", body = ErrorMessage),
    (status = 413, description = "The body is too large (code 4)", body = ErrorMessage),
    (status = 500, description = "Not JSON (code 1), or not saved (code 2)", body = ErrorMessage),
))]
pub(crate) async fn write(State(shared): State<Arc<Shared>>, body: Body) -> Result<(), WireError> {
    let change: ConfigurationChange = json(&shared, body, ErrorCode::Generic).await?;
    let changed = {
        let mut capacity = shared.capacity.lock();
        let changed = SchedulerConfiguration {
            parallel_running_functions_max: change
                .parallel_running_functions_max
                .unwrap_or(capacity.parallel_running_functions_max),
            queue_length_max: change.queue_length_max.unwrap_or(capacity.queue_length_max),
            queue_enabled: change.queue_enabled.unwrap_or(capacity.queue_enabled),
        };
        if changed.parallel_running_functions_max == 0 {
            let message = "parallel_running_functions_max: expected at least 1, got 0";
            return Err(WireError::new(ErrorCode::MalformedInput, message));
        }
        *capacity = changed;
        shared.engine.notice(Event::SetCapacity(Capacity {
            slots: changed.parallel_running_functions_max,
            queue: if changed.queue_enabled { changed.queue_length_max } else { 0 },
        }));
        changed
    };
    tracing::info!(?changed, "slots and queue changed");
    saved(shared.store.capacity(|| *shared.capacity.lock()))
}

/// The policy.
#[utoipa::path(get, path = "/configuration/scheduler", tag = "configuration", responses(
    (status = 200, description = "The policy in force", body = PolicyDescriptor)
))]
pub(crate) async fn read_policy(State(shared): State<Arc<Shared>>) -> Json<Descriptor> {
    Json(shared.engine.policy())
}

/// Change the policy, live; jobs under way finish under the old one.
#[utoipa::path(post, path = "/configuration/scheduler", tag = "configuration", request_body = PolicyDescriptor, responses(
    (status = 200, description = "Changed and saved"),
    (status = 400, description = "Not JSON (code 4)", body = ErrorMessage),
    (status = 413, description = "The body is too large (code 4)", body = ErrorMessage),
    (status = 500, description = "No such policy, or bad parameters (code 1), or not saved (code 2)", body = ErrorMessage),
))]
pub(crate) async fn write_policy(
    State(shared): State<Arc<Shared>>,
    body: Body,
) -> Result<Response, WireError> {
    let descriptor: Descriptor = json(&shared, body, ErrorCode::MalformedInput).await?;
    let policy = shared.registry.build(&descriptor);
    let policy = policy.map_err(|error| WireError::new(ErrorCode::Generic, error.to_string()))?;
    let name = policy.full_name();
    let changed = shared.engine.set_policy(policy);
    changed.map_err(|error| WireError::new(ErrorCode::Generic, error.to_string()))?;
    tracing::info!(policy = name, "policy changed");
    saved(shared.store.policy(|| shared.engine.policy()))?;
    Ok(().into_response())
}

pub(crate) async fn json<T: for<'de> Deserialize<'de>>(
    shared: &Shared,
    body: Body,
    code: ErrorCode,
) -> Result<T, WireError> {
    let body = read_body(body, shared.max_body_bytes).await?;
    serde_json::from_slice(&body)
        .map_err(|error| WireError::new(code, format!("not the JSON of this call: {error}")))
}

fn saved(result: Result<(), crate::store::StoreError>) -> Result<(), WireError> {
    result.map_err(|error| WireError::new(ErrorCode::Database, format!("changed, but not saved: {error}")))
}
