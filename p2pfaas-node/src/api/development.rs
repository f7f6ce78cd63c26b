//! `/dev/*`: for trying things out; only with `--development` (fact sheet 1.1).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use bytes::Bytes;
use p2pfaas_core::JobKey;
use p2pfaas_core::agent::Observation;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::error::{ErrorMessage, WireError};
use super::function::read_body;
use crate::shared::Shared;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(http_get))
        .routes(routes!(http_post))
        .routes(routes!(parallel))
        .routes(routes!(act))
        .routes(routes!(act_ws))
        .routes(routes!(train))
}

/// Answers.
#[utoipa::path(get, path = "/dev/http/get", tag = "development", responses((status = 200, description = "Empty")))]
async fn http_get() {}

/// Answers with what it got.
#[utoipa::path(post, path = "/dev/http/post", tag = "development", responses(
    (status = 200, description = "The body"),
    (status = 413, description = "The body is too large (code 4)", body = ErrorMessage),
))]
async fn http_post(State(shared): State<Arc<Shared>>, body: Body) -> Result<Bytes, WireError> {
    read_body(body, shared.max_body_bytes).await
}

#[derive(Deserialize)]
struct Seconds {
    seconds: Option<f64>,
}

/// Answers after some seconds, 5 unless said otherwise, 60 at the most.
#[utoipa::path(get, path = "/dev/test/parallel", tag = "development",
    params(("seconds" = Option<f64>, Query, description = "How long")),
    responses((status = 200, description = "Empty"))
)]
async fn parallel(Query(Seconds { seconds }): Query<Seconds>) {
    let seconds = seconds.filter(|seconds| seconds.is_finite()).unwrap_or(5.0);
    tokio::time::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 60.0))).await;
}

/// Asks the agent about a fixed state.
#[utoipa::path(get, path = "/dev/learning/act", tag = "development", responses((status = 200, description = "Empty")))]
async fn act(State(shared): State<Arc<Shared>>) {
    shared.engine.learner().ask(JobKey::NOBODY, &Observation { state: vec![0.0; 3], mask: vec![true; 3] });
}

/// The same.
#[utoipa::path(get, path = "/dev/learning/act_ws", tag = "development", responses((status = 200, description = "Empty")))]
async fn act_ws(state: State<Arc<Shared>>) {
    act(state).await;
}

/// Takes note of nothing: the agent of this node does not learn.
#[utoipa::path(get, path = "/dev/learning/train", tag = "development", responses((status = 200, description = "Empty")))]
async fn train() {}
