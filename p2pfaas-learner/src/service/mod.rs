//! The learner service: the old learner's protocol (fact sheet 1.7), and what is ours.
//!
//! [`router`] is its HTTP interface (port 19020) and [`serve_websocket`] its websocket (port 8765), each
//! before an [`Online`] agent that somebody else keeps: the node, or [`command::run`], the whole of
//! the `p2pfaas-learner` program. Who may use them is an [`access::Guard`]'s business.
//!
//! Bad input is 400 with `{code, message}`, and changes nothing: a batch is trained as a whole or not
//! at all. A full inbox is waited for, and then 503 with `Retry-After`.

pub mod access;
mod act;
mod agent;
mod batch;
pub mod command;
mod error;
mod folder;
mod health;
mod metrics;
mod monitoring;
mod numbers;
mod parameters;
mod server;
mod signals;
mod start;
mod state;
mod train;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, Method, StatusCode, header};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::online::Online;

pub use health::ask_health;
pub use server::serve;
pub use signals::StopSignals;
pub use websocket::serve_websocket;

/// Experiences in one batch, at most.
pub const MAX_BATCH: usize = 10_000;
/// Bytes of one batch, at most.
pub const MAX_BATCH_BYTES: usize = 8 << 20;
/// Numbers in one state, at most.
pub const MAX_STATE_NUMBERS: usize = 1_024;
/// Bytes of parameters, at most.
pub const MAX_PARAMETERS_BYTES: usize = 64 << 10;
/// Bytes of a checkpoint that is brought over HTTP, at most.
pub const MAX_UPLOAD_BYTES: usize = 256 << 20;

/// All routes of the learner's port. They ask nobody who he is: [`serve`] does, and so must whoever else serves them.
pub fn router(online: Arc<Online>) -> Router {
    routes(state::Service::new(online))
}

fn routes(service: state::Service) -> Router {
    let documented = OpenApiRouter::with_openapi(ApiDescription::openapi())
        .routes(routes!(monitoring::hello))
        .routes(routes!(act::act))
        .routes(routes!(train::train))
        .routes(routes!(train::train_batch))
        .routes(routes!(parameters::read, parameters::write))
        .routes(routes!(monitoring::stats))
        .routes(routes!(monitoring::weights))
        .routes(routes!(agent::reset, agent::reset_post))
        .routes(routes!(agent::download, agent::upload, agent::upload_put))
        .routes(routes!(agent::save))
        .routes(routes!(monitoring::health))
        .routes(routes!(monitoring::metrics));
    let (router, description) = documented.split_for_parts();
    let description = description.to_pretty_json().unwrap_or_default();
    router
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n").into_response())
        .layer(middleware::from_fn(refuse_web_pages))
        .with_state(Arc::new(service))
}

#[derive(OpenApi)]
#[openapi(
    info(title = "P2PFaaS learner", description = "The agent of one P2PFaaS node: acts, and learns."),
    components(schemas(error::ErrorMessage))
)]
struct ApiDescription;

async fn refuse_web_pages(request: Request, next: Next) -> Response {
    let changes = *request.method() != Method::GET && *request.method() != Method::HEAD
        || matches!(request.uri().path(), "/act" | "/train" | "/learner/reset");
    if changes && by_a_web_page(request.headers()) {
        return (StatusCode::FORBIDDEN, "web pages may not change this learner\n").into_response();
    }
    next.run(request).await
}

/// A browser says from which page a request comes. A page that somebody visits on this machine must
/// not reach what loopback protects.
fn by_a_web_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    site || headers.contains_key(header::ORIGIN)
}

/// See [`crate::fuzz`].
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(bytes: &[u8]) {
    if let Ok(entries) = batch::read(bytes, 0.1, None) {
        entries.iter().for_each(|entry| drop(batch::check(entry, Some(3))));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (numbers::state(text), numbers::eid_text(text), numbers::float(text));
    }
}
