//! The agent as a whole: forgetting, and checkpoints.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::MAX_UPLOAD_BYTES;
use super::error::{ApiError, ErrorMessage};
use super::state::Service;
use super::train::read_body;
use crate::checkpoint::Checkpoint;

/// Forgets what has been learned.
#[utoipa::path(get, path = "/learner/reset", tag = "agent", responses(
    (status = 200, description = "Forgotten"),
    (status = 400, description = "The parameters do not make an agent (code 4); nothing is changed", body = ErrorMessage),
))]
pub(super) async fn reset(State(service): State<Arc<Service>>) -> Result<(), ApiError> {
    let reset = service.apart(|service| service.online.reset()).await?;
    reset.map_err(|error| ApiError::bad(error.to_string()))
}

/// Forgets what has been learned.
#[utoipa::path(post, path = "/learner/reset", tag = "agent", responses((status = 200, description = "As for GET")))]
pub(super) async fn reset_post(state: State<Arc<Service>>) -> Result<(), ApiError> {
    reset(state).await
}

/// The agent as it is now, in a file.
#[utoipa::path(get, path = "/learner/checkpoint", tag = "agent", responses((status = 200, description = "A checkpoint", content_type = "application/octet-stream")))]
pub(super) async fn download(State(service): State<Arc<Service>>) -> Result<Response, ApiError> {
    let _one_at_a_time = service.turn().await?;
    let bytes = service.clone().apart(|service| service.online.checkpoint().to_bytes()).await?;
    let bytes = bytes.map_err(|error| ApiError::internal(error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"agent.ckpt\""),
    ];
    Ok((headers, bytes).into_response())
}

/// Goes on with the agent of a checkpoint. It must be made of the same parts.
#[utoipa::path(post, path = "/learner/checkpoint", tag = "agent", request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, description = "Goes on with it"),
    (status = 400, description = "Not a checkpoint, or of another agent (code 4); nothing is changed", body = ErrorMessage),
    (status = 413, description = "Too large (code 4)", body = ErrorMessage),
))]
pub(super) async fn upload(State(service): State<Arc<Service>>, body: Body) -> Result<(), ApiError> {
    let _one_at_a_time = service.turn().await?;
    let bytes = read_body(body, MAX_UPLOAD_BYTES).await?;
    service.clone().apart(move |service| service.go_on_with(&bytes)).await?
}

/// Goes on with the agent of a checkpoint.
#[utoipa::path(put, path = "/learner/checkpoint", tag = "agent", request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, description = "As for POST")))]
pub(super) async fn upload_put(state: State<Arc<Service>>, body: Body) -> Result<(), ApiError> {
    upload(state, body).await
}

/// Writes the checkpoint file now.
#[utoipa::path(post, path = "/learner/checkpoint/save", tag = "agent", responses(
    (status = 200, description = "Written, if the learner has a file"),
    (status = 500, description = "It cannot be written (code 2); the one before it is still there", body = ErrorMessage),
))]
pub(super) async fn save(State(service): State<Arc<Service>>) -> Result<(), ApiError> {
    let saved = service.apart(|service| service.online.save()).await?;
    saved.map_err(|error| ApiError::disk(error.to_string()))
}

impl Service {
    fn go_on_with(&self, bytes: &[u8]) -> Result<(), ApiError> {
        let wrong = |why: String| ApiError::bad(why);
        let checkpoint = Checkpoint::from_bytes(bytes, Path::new("the body"));
        let checkpoint = checkpoint.map_err(|error| wrong(error.to_string()))?;
        let _one_at_a_time = self.changing.lock();
        let (config, space) = (self.online.config(), self.online.space());
        checkpoint.fits(&config, space.as_ref()).map_err(|misfit| wrong(misfit.to_string()))?;
        self.online.restore(checkpoint).map_err(|error| wrong(error.to_string()))
    }
}
