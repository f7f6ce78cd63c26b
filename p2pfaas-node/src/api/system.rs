//! `/system/*`: passed through to the OpenFaaS gateway (fact sheet 1.1).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use p2pfaas_core::wire::ErrorCode;

use super::configuration::json;
use super::error::{ErrorMessage, WireError};
use crate::executor::{Deployment, ExecuteError, FunctionAnswer, OpenFaas};
use crate::shared::Shared;

pub(super) fn gateway(shared: &Shared, code: ErrorCode) -> Result<&OpenFaas, WireError> {
    shared
        .openfaas
        .as_ref()
        .ok_or_else(|| WireError::new(code, "this node has no OpenFaaS gateway (set openfaas-url)"))
}

fn passed_through(
    answer: Result<FunctionAnswer, ExecuteError>,
    code: ErrorCode,
) -> Result<Response, WireError> {
    let answer = answer.map_err(|error| WireError::new(code, error.to_string()))?;
    Ok((answer.status, answer.headers, answer.body).into_response())
}

/// The gateway's functions.
#[utoipa::path(get, path = "/system/functions", tag = "openfaas", responses(
    (status = 200, description = "The gateway's answer"),
    (status = 500, description = "No gateway, or it failed (code 300)", body = ErrorMessage),
))]
pub(crate) async fn functions(State(shared): State<Arc<Shared>>) -> Result<Response, WireError> {
    let openfaas = gateway(&shared, ErrorCode::OpenFaasFailed)?;
    passed_through(openfaas.functions().await, ErrorCode::OpenFaasFailed)
}

/// Deploy a function at the gateway.
#[utoipa::path(post, path = "/system/functions", tag = "openfaas",
    request_body(content = String, content_type = "application/json", description = "`{openfaas_service: {...}, deadline}`"),
    responses(
        (status = 200, description = "The gateway's answer"),
        (status = 400, description = "Not JSON (code 4)", body = ErrorMessage),
        (status = 413, description = "The body is too large (code 4)", body = ErrorMessage),
        (status = 500, description = "No gateway, or it failed (code 200)", body = ErrorMessage),
    )
)]
pub(crate) async fn deploy(State(shared): State<Arc<Shared>>, body: Body) -> Result<Response, WireError> {
    let request: Deployment = json(&shared, body, ErrorCode::MalformedInput).await?;
    let openfaas = gateway(&shared, ErrorCode::DeployFailed)?;
    passed_through(openfaas.deploy(&request).await, ErrorCode::DeployFailed)
}

/// Does nothing, as in the reference.
#[utoipa::path(put, path = "/system/functions", tag = "openfaas", responses((status = 200, description = "Empty")))]
pub(crate) async fn update() {}

/// Does nothing, as in the reference.
#[utoipa::path(delete, path = "/system/functions", tag = "openfaas", responses((status = 200, description = "Empty")))]
pub(crate) async fn delete() {}

/// One function of the gateway.
#[utoipa::path(get, path = "/system/function/{function}", tag = "openfaas",
    params(("function" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The gateway's answer"),
        (status = 500, description = "No gateway, or it failed (code 300)", body = ErrorMessage),
    )
)]
pub(crate) async fn function(
    State(shared): State<Arc<Shared>>,
    Path(function): Path<String>,
) -> Result<Response, WireError> {
    let openfaas = gateway(&shared, ErrorCode::OpenFaasFailed)?;
    passed_through(openfaas.function(&function).await, ErrorCode::OpenFaasFailed)
}

/// Change the number of replicas of a function of the gateway.
#[utoipa::path(post, path = "/system/scale-function/{function}", tag = "openfaas",
    params(("function" = String, Path, description = "Its name")),
    request_body(content = String, content_type = "application/json", description = "`{service, replicas}`; only `replicas` is used"),
    responses(
        (status = 200, description = "The gateway's answer"),
        (status = 400, description = "Not JSON (code 4)", body = ErrorMessage),
        (status = 413, description = "The body is too large (code 4)", body = ErrorMessage),
        (status = 500, description = "No gateway, or it failed (code 300)", body = ErrorMessage),
    )
)]
pub(crate) async fn scale(
    State(shared): State<Arc<Shared>>,
    Path(function): Path<String>,
    body: Body,
) -> Result<Response, WireError> {
    #[derive(serde::Deserialize)]
    struct Scale {
        replicas: u64,
    }
    let Scale { replicas } = json(&shared, body, ErrorCode::MalformedInput).await?;
    let openfaas = gateway(&shared, ErrorCode::OpenFaasFailed)?;
    passed_through(openfaas.scale(&function, replicas).await, ErrorCode::OpenFaasFailed)
}
