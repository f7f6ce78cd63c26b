//! What a learner tells about itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::{Value as Any, json};

use super::error::ApiError;
use super::state::Service;
use crate::config::ValueKind;
use crate::learner::Learner;
use crate::online::Stats;
use crate::value::Value;

/// Name and version.
#[utoipa::path(get, path = "/", tag = "monitoring", responses((status = 200, description = "Name and version as text", body = String)))]
pub(super) async fn hello() -> String {
    format!("p2pfaas-learner {}", env!("CARGO_PKG_VERSION"))
}

/// Whether it acts and learns.
#[utoipa::path(get, path = "/health", tag = "monitoring", responses(
    (status = 200, description = "It does", body = String), (status = 503, description = "Its training has ended")
))]
pub(super) async fn health(State(service): State<Arc<Service>>) -> Response {
    if service.online.is_running() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "training has ended\n").into_response()
    }
}

/// Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "monitoring", responses((status = 200, description = "Text format 0.0.4", body = String)))]
pub(super) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let text = service.apart(|service| {
        let refused = service.guard.as_ref().map(|guard| guard.refused());
        service.metrics.text(&service.stats(), refused)
    });
    let text = text.await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// What `/learner/stats` answers: what the old learner does, and what is ours.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct StatsAnswer {
    /// Actions chosen.
    pub inferences: u64,
    /// Experiences trained.
    pub trained_items: u64,
    /// ε, or the temperature, of the next choice.
    pub epsilon: f64,
    /// Unbroken runs of experiences.
    pub episodes: u64,
    /// Experiences that wait: for an earlier one, for their successor, or in the inbox.
    pub pending_entries: usize,
    /// Largest number of an experience that came.
    pub eid_max_seen: u64,
    /// Number of the experience trained last.
    pub eid_last_trained: u64,
    /// Experiences received.
    pub received: u64,
    /// Numbers that never came in time, and were given up: how often.
    pub gaps: u64,
    /// Experiences that came again, and were not trained again.
    pub duplicates: u64,
    /// Experiences that came after they had been given up.
    pub late: u64,
    /// Times that the numbers began anew.
    pub restarts: u64,
    /// Experiences for which there was no room.
    pub lost: u64,
    /// Batches that were turned away because there was no room.
    pub turned_away: u64,
    /// Batches and experiences that were refused because something in them is wrong.
    pub refused: u64,
    /// Average reward, as the rule estimates it.
    pub average_reward: Option<f64>,
    /// Moving mean of the TD errors' sizes.
    pub mean_error: f64,
    /// States that have a value of their own (tables).
    pub states: usize,
    /// States that have lost theirs to newer ones.
    pub states_evicted: u64,
    /// Whether it only acts.
    pub frozen: bool,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Checkpoints that could not be written.
    pub checkpoint_errors: u64,
}

impl Service {
    /// What has been done so far. May wait for training.
    pub(super) fn stats(&self) -> StatsAnswer {
        let Stats { counters, inbox, lost, checkpoints, checkpoint_errors } = self.online.stats();
        StatsAnswer {
            inferences: counters.inferences,
            trained_items: counters.trained,
            epsilon: counters.epsilon,
            episodes: counters.segments,
            pending_entries: counters.pending + inbox,
            eid_max_seen: counters.episodes.eid_max_seen,
            eid_last_trained: counters.eid_last_trained,
            received: counters.episodes.received,
            gaps: counters.episodes.gaps,
            duplicates: counters.episodes.duplicates,
            late: counters.episodes.late,
            restarts: counters.episodes.restarts,
            lost,
            turned_away: self.turned_away.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            average_reward: counters.average_reward,
            mean_error: counters.mean_error,
            states: counters.states,
            states_evicted: counters.states_evicted,
            frozen: self.online.is_frozen(),
            checkpoints,
            checkpoint_errors,
        }
    }
}

/// What it has done so far.
#[utoipa::path(get, path = "/learner/stats", tag = "monitoring", responses((status = 200, description = "Counters", body = StatsAnswer)))]
pub(super) async fn stats(State(service): State<Arc<Service>>) -> Result<Json<StatsAnswer>, ApiError> {
    Ok(Json(service.apart(Service::stats).await?))
}

/// What it believes: the table, or a description where there is none.
///
/// A table is `{actions_map, states_map, table}`: each action's column, each state's row (the state is
/// its numbers joined by commas), and the values. Whatever the agent is, `/learner/checkpoint` has all of it.
#[utoipa::path(get, path = "/learner/weights", tag = "agent", responses((status = 200, description = "`{actions_map, states_map, table}`")))]
pub(super) async fn weights(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let _one_at_a_time = service.turn().await?;
    let text =
        service.clone().apart(|service| weights_of(&service.online.checkpoint().learner).to_string()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn weights_of(learner: &Learner) -> Any {
    let values = learner.values();
    let Value::Table(table) = &values.first else {
        let config = learner.config();
        return json!({
            "value": ValueKind::name(config.value),
            "actions": values.actions(),
            "parameters": config,
            "weights": "at /learner/checkpoint",
        });
    };
    let (mut states, mut rows) = (serde_json::Map::new(), Vec::new());
    let (mut row, mut scratch) = (Vec::new(), Vec::new());
    for (place, (key, _)) in table.rows().enumerate() {
        let state: Vec<f64> = key.iter().map(|number| *number as f64).collect();
        // Of twin tables the mean, by which the agent acts.
        values.values(&state, &mut row, &mut scratch);
        let key = key.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        states.insert(key, place.into());
        rows.push(json!(row));
    }
    let actions: serde_json::Map<_, _> =
        (0..values.actions()).map(|action| (action.to_string(), action.into())).collect();
    json!({ "actions_map": actions, "states_map": states, "table": rows })
}
