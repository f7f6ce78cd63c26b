//! The scheduler's HTTP interface: everything of fact sheet 1.1 to 1.5, and what is ours.

pub(crate) mod answer;
mod configuration;
mod development;
pub(crate) mod error;
pub(crate) mod function;
mod monitoring;
mod names;
mod peer_function;
mod places;
pub(crate) mod server;
mod system;
mod web_page;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use p2pfaas_core::NodeId;
use tower_service::Service as _;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::functions::RegisteredFunction;
use crate::security::{Interface, Message, Role, Security, Signature, needed};
use crate::shared::Shared;
use error::WireError;

/// Where requests come in: a router, with a short way past it for the calls of functions, which
/// are nearly all requests of a busy node.
pub(crate) struct Door {
    router: Router,
    calls: Option<Arc<Shared>>,
    security: Arc<Security>,
    interface: Interface,
    node_id: NodeId,
}

/// Stands in a request that a peer has signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedByPeer;

impl Door {
    /// Of a router.
    pub(crate) fn new(
        router: Router,
        security: Arc<Security>,
        interface: Interface,
        node_id: NodeId,
    ) -> Self {
        Door { router, calls: None, security, interface, node_id }
    }

    /// The scheduler's.
    pub(crate) fn scheduler(shared: Arc<Shared>) -> Self {
        let router = scheduler_router(shared.clone());
        let door = Door::new(router, shared.security.clone(), Interface::Scheduler, shared.node_id);
        Door { calls: Some(shared), ..door }
    }

    pub(crate) async fn answer(
        self: Arc<Self>,
        remote: IpAddr,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        if let Some((shared, from, function)) = self.short_way(&request) {
            let answer = match from {
                Caller::Client => match self.refused_client(remote, request.headers()) {
                    None => Ok(function::call_function(shared, function, request).await),
                    Some(refusal) => Ok(refusal),
                },
                Caller::Peer => {
                    peer_function::call_function(shared, Ok(function), Some(remote), request).await
                }
            };
            return Ok(answer.unwrap_or_else(IntoResponse::into_response));
        }
        let tokens = self.security.has_tokens();
        let (method, path) = (request.method(), request.uri().path());
        if web_page::is_refused(self.interface, method, path, request.headers(), tokens) {
            let refused = "web pages may not change this node\n";
            return Ok((StatusCode::FORBIDDEN, refused).into_response());
        }
        let refusal = match needed(self.interface, method, path) {
            None => None,
            // Of a function that is not registered, or is written in another way, or a question for a result.
            Some(Role::Call) => self.refused_client(remote, request.headers()),
            Some(role) => {
                let allowed = self.security.allow(role, remote, request.headers());
                allowed.err().map(IntoResponse::into_response)
            }
        };
        if let Some(refusal) = refusal {
            return Ok(refusal);
        }
        let signature = match self.signed_question(&request) {
            Ok(signature) => signature,
            Err(refused) => return Ok(refused.into_response()),
        };
        if signature.is_some() {
            request.extensions_mut().insert(SignedByPeer);
        }
        request.extensions_mut().insert(server::Remote(remote));
        let answer = self.router.clone().call(request).await?;
        Ok(answer::signed(&self.security, signature.as_ref(), answer).await)
    }

    /// The refusal of a client that may not call functions, or not just now.
    fn refused_client(&self, remote: IpAddr, headers: &HeaderMap) -> Option<Response> {
        let allowed = self.security.allow(Role::Call, remote, headers);
        let refusal = allowed.err().map(IntoResponse::into_response);
        refusal.or_else(|| self.security.client_calls(remote).err().map(beyond_its_rate))
    }

    /// The signature of a peer's question; jobs have theirs looked at with their bodies.
    fn signed_question(&self, request: &Request<Incoming>) -> Result<Option<Signature>, WireError> {
        if *request.method() != Method::GET || !self.security.is_signed(request.headers()) {
            return Ok(None);
        }
        let message = Message {
            method: request.method(),
            path: request.uri().path(),
            headers: request.headers(),
            body: b"",
        };
        self.security.check_peer(&message, self.node_id)
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

fn beyond_its_rate(wait: Duration) -> Response {
    answer::too_many_calls("more calls than this node takes from one client (client-rate)", wait)
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
        .routes(routes!(crate::async_calls::api::result, crate::async_calls::api::forget))
        .routes(routes!(peer_function::call))
        .routes(routes!(monitoring::load))
        .routes(routes!(monitoring::scale_delay))
        .routes(routes!(monitoring::health))
        .routes(routes!(monitoring::metrics))
        .routes(routes!(configuration::read, configuration::write))
        .routes(routes!(configuration::read_policy, configuration::write_policy))
        .routes(routes!(system::functions, system::deploy, system::update, system::delete))
        .routes(routes!(system::function))
        .routes(routes!(system::scale))
        .merge(crate::dashboard::routes());
    if shared.development {
        documented = documented.merge(development::routes());
    }
    let (router, description) = documented.split_for_parts();
    let description = description.to_pretty_json().unwrap_or_default();
    router
        .merge(crate::dashboard::file_routes())
        .route(
            "/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }),
        )
        .fallback(async || (StatusCode::NOT_FOUND, "404 page not found\n").into_response())
        .with_state(shared)
}
