//! The learner's port, as far as an agent that does not learn can serve it (fact sheet 1.7): who
//! it is, its parameters, an action for a state. Old scripts look for it before they begin.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use p2pfaas_core::JobKey;
use p2pfaas_core::agent::{FixedTable, Observation};
use p2pfaas_core::wire::{go, headers};

use super::{Asked, Link};
use crate::shared::Shared;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/act", get(act))
        .route("/learner/parameters", get(parameters))
        .route("/learner/reset", get(reset))
        .with_state(shared)
}

async fn hello() -> String {
    format!("p2pfaas-learner {}", crate::VERSION)
}

async fn parameters(State(shared): State<Arc<Shared>>) -> Json<serde_json::Value> {
    let table = match shared.engine.learner() {
        Link::Table(table) => table.clone(),
        _ => FixedTable::default(),
    };
    Json(serde_json::json!({ "name": "FixedTable", "parameters": table }))
}

/// A fixed table has nothing to forget.
async fn reset() {}

async fn act(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let text = headers.get(headers::LEARNER_STATE).and_then(|text| text.to_str().ok());
    let numbers = text.map(|text| text.split(',').map(|number| number.trim().parse::<f64>()));
    let Some(Ok(state)) = numbers.map(Iterator::collect::<Result<Vec<f64>, _>>) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let actions = shared.engine.read(|node| node.peers().known()) + 3;
    let observation = Observation { state, mask: vec![true; actions] };
    match shared.engine.learner().ask(JobKey::NOBODY, &observation) {
        Asked::Now(Some(choice)) => {
            ([(headers::LEARNER_EPS, go::format_f(choice.epsilon))], choice.action.to_string())
                .into_response()
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
