//! The scheduler's HTTP interface: everything of fact sheet 1.1 to 1.5, and what is ours.

pub(crate) mod answer;
mod configuration;
mod development;
pub(crate) mod error;
pub(crate) mod function;
mod monitoring;
mod names;
mod peer_function;
pub(crate) mod server;
mod system;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;
use tower_service::Service as _;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::functions::RegisteredFunction;
use crate::shared::Shared;

/// Where requests come in: a router, with a short way past it for the calls of functions, which
/// are nearly all requests of a busy node.
pub(crate) struct Door {
    router: Router,
    calls: Option<Arc<Shared>>,
}

impl From<Router> for Door {
    fn from(router: Router) -> Self {
        Door { router, calls: None }
    }
}

impl Door {
    /// The scheduler's.
    pub(crate) fn scheduler(shared: Arc<Shared>) -> Self {
        Door { router: scheduler_router(shared.clone()), calls: Some(shared) }
    }

    pub(crate) async fn answer(
        self: Arc<Self>,
        remote: IpAddr,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        if let Some((shared, from, function)) = self.short_way(&request) {
            let answer = match from {
                Caller::Client => Ok(function::call_function(shared, function, request).await),
                Caller::Peer => {
                    peer_function::call_function(shared, Ok(function), Some(remote), request).await
                }
            };
            return Ok(answer.unwrap_or_else(IntoResponse::into_response));
        }
        if by_a_web_page(&request) {
            let refused = "web pages may not change this node\n";
            return Ok((StatusCode::FORBIDDEN, refused).into_response());
        }
        request.extensions_mut().insert(server::Remote(remote));
        self.router.clone().call(request).await
    }

    fn short_way(
        &self,
        request: &Request<Incoming>,
    ) -> Option<(&Arc<Shared>, Caller, Arc<RegisteredFunction>)> {
        let shared = self.calls.as_ref()?;
        let path = request.uri().path();
        let (caller, name) = match *request.method() {
            Method::GET => (Caller::Client, path.strip_prefix("/function/")?),
            Method::POST => match path.strip_prefix("/function/") {
                Some(name) => (Caller::Client, name),
                None => (Caller::Peer, path.strip_prefix("/peer/function/")?),
            },
            _ => return None,
        };
        Some((shared, caller, shared.functions.get(name)?.clone()))
    }
}

/// A browser says from which page a request comes. A page that somebody visits on this machine must
/// not reach what loopback protects; functions it may call.
fn by_a_web_page(request: &Request<Incoming>) -> bool {
    let harmless = *request.method() == Method::GET && request.uri().path() != "/reset";
    !harmless && request.headers().contains_key(header::ORIGIN)
}

/// Who calls a function.
enum Caller {
    Client,
    Peer,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "P2PFaaS node",
        description = "Scheduler of one P2PFaaS node: calls functions, forwards jobs, tells its load."
    ),
    components(schemas(error::ErrorMessage))
)]
struct ApiDescription;

/// All routes of the scheduler's port.
fn scheduler_router(shared: Arc<Shared>) -> Router {
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
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n").into_response())
        .with_state(shared)
}
