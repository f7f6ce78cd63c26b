//! The scheduler's HTTP interface: everything of fact sheet 1.1 to 1.5, and what is ours.

pub(crate) mod answer;
mod configuration;
mod development;
pub(crate) mod error;
pub(crate) mod function;
mod monitoring;
mod peer_function;
pub(crate) mod server;
mod system;

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Shared;

#[derive(OpenApi)]
#[openapi(
    info(title = "P2PFaaS node", description = "Scheduler of one P2PFaaS node: calls functions, forwards jobs, tells its load."),
    components(schemas(error::ErrorMessage))
)]
struct ApiDescription;

/// All routes of the scheduler's port.
pub(crate) fn scheduler_router(shared: Arc<Shared>) -> Router {
    let mut documented = OpenApiRouter::with_openapi(ApiDescription::openapi())
        .routes(routes!(monitoring::hello, monitoring::hello_post))
        .routes(routes!(function::call, function::call_get))
        .routes(routes!(peer_function::call))
        .routes(routes!(monitoring::load))
        .routes(routes!(monitoring::scale_delay))
        .routes(routes!(monitoring::health))
        .routes(routes!(monitoring::metrics))
        .routes(routes!(configuration::read, configuration::write))
        .routes(routes!(configuration::read_policy, configuration::write_policy))
        .routes(routes!(system::functions, system::deploy, system::update, system::delete))
        .routes(routes!(system::function))
        .routes(routes!(system::scale));
    if shared.development {
        documented = documented.merge(development::routes());
    }
    let (router, description) = documented.split_for_parts();
    let description = description.to_pretty_json().unwrap_or_default();
    router
        .route("/openapi.json", get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }))
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n").into_response())
        .with_state(shared)
}
