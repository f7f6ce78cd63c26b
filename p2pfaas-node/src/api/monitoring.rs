//! What a node tells about itself: name, load, health, metrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use p2pfaas_core::PeerLoad;
use p2pfaas_core::wire::{ErrorCode, headers};
use serde::Serialize;

use super::error::{ErrorMessage, WireError};
use crate::dashboard;
use crate::offers;
use crate::shared::Shared;

#[derive(Serialize, utoipa::ToSchema)]
struct Hello {
    name: &'static str,
    version: &'static str,
    version_commit: &'static str,
}

/// Name and version; for a browser, the dashboard.
#[utoipa::path(get, path = "/", tag = "monitoring", responses((status = 200, description = "`{name, version, version_commit}` as text; with `Accept: text/html` the dashboard")))]
pub(crate) async fn hello(headers: HeaderMap) -> Response {
    if dashboard::is_browser(&headers) { dashboard::page() } else { name_and_version() }
}

fn name_and_version() -> Response {
    let hello = Hello {
        name: "p2pfaas-scheduler",
        version: crate::VERSION,
        version_commit: option_env!("P2PFAAS_COMMIT").unwrap_or_default(),
    };
    let text = serde_json::to_string(&hello).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Name and version, also by POST.
#[utoipa::path(post, path = "/", tag = "monitoring", responses((status = 200, description = "As for GET")))]
pub(crate) async fn hello_post() -> Response {
    name_and_version()
}

/// The load of this node: what peers ask before they forward.
#[utoipa::path(
    get, path = "/monitoring/load", tag = "monitoring",
    responses((status = 200, description = "Empty; the load is in the headers", headers(
        ("X-P2pfaas-Load" = u32, description = "Jobs running"),
        ("X-P2pfaas-Maxload" = u32, description = "Slots"),
        ("X-P2pfog-Queue-Length" = u32, description = "Jobs waiting"),
        ("X-P2pfaas-Offer-In-Time" = f32, description = "To X-P2pfaas-Function, where the policy deals in offers: how likely such a job would be in time here"),
        ("X-P2pfaas-Offer-Price" = f32, description = "And how many later jobs would not be because of it"),
        ("X-P2pfaas-Node-Id" = String, description = "This node's identity among our nodes"),
    )))
)]
pub(crate) async fn load(State(shared): State<Arc<Shared>>, asked: HeaderMap) -> HeaderMap {
    let question = offers::asked(&asked, |name| shared.functions.get(name).map(|function| function.id));
    let (load, offer) = shared.engine.read(|node| {
        let slots = node.slots();
        let (running, queued, slots) = (slots.running(), slots.queued(), slots.capacity().slots);
        let load = PeerLoad { running, queued, slots };
        (load, question.and_then(|question| node.offer(&question, load)))
    });
    let mut answer = HeaderMap::with_capacity(6);
    answer.insert(headers::LOAD, HeaderValue::from(load.running));
    answer.insert(headers::MAX_LOAD, HeaderValue::from(load.slots));
    answer.insert(headers::QUEUE_LENGTH, HeaderValue::from(load.queued));
    if let Some(offer) = offer {
        offers::make(&mut answer, offer);
    }
    if let Ok(id) = HeaderValue::from_str(&shared.node_id.to_string()) {
        answer.insert(headers::NODE_ID, id);
    }
    answer
}

/// How long a function of the OpenFaaS gateway takes to come up.
#[utoipa::path(
    get, path = "/monitoring/scale-delay/{function}", tag = "monitoring",
    params(("function" = String, Path, description = "Name of a function of the gateway")),
    responses(
        (status = 200, description = "`{approximate_delay (s), error_margin (ms), attempts}`"),
        (status = 500, description = "No gateway, or it failed (code 300)", body = ErrorMessage),
    )
)]
pub(crate) async fn scale_delay(
    State(shared): State<Arc<Shared>>,
    Path(function): Path<String>,
) -> Result<Response, WireError> {
    let openfaas = super::system::gateway(&shared, ErrorCode::OpenFaasFailed)?;
    let delay = openfaas.scale_delay(&function).await;
    let delay = delay.map_err(|error| WireError::new(ErrorCode::OpenFaasFailed, error.to_string()))?;
    Ok(Json(delay).into_response())
}

/// Whether the node takes jobs.
#[utoipa::path(get, path = "/health", tag = "monitoring", responses(
    (status = 200, description = "It does"), (status = 503, description = "It is shutting down")
))]
pub(crate) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    if shared.draining.load(Ordering::Acquire) {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response()
    } else {
        "ok\n".into_response()
    }
}

/// Prometheus metrics.
#[utoipa::path(get, path = "/metrics", tag = "monitoring", responses((status = 200, description = "Text format 0.0.4")))]
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let (slots, peers, counters, late) = shared.engine.look(|node, seen, _| {
        (node.slots().clone(), node.peers().present().len(), *node.counters(), seen.late)
    });
    shared.metrics.late(late);
    if let Some(gossip) = &shared.gossip {
        shared.metrics.gossip(&gossip.counts());
    }
    let async_open = shared.async_calls.as_ref().map_or(0, |calls| calls.open_calls());
    let text = shared.metrics.text(
        &slots,
        peers,
        &counters,
        &shared.engine.learner().counts(),
        &shared.security.refusals(),
        async_open,
    );
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
