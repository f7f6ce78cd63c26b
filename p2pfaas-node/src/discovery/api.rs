//! The discovery's port (fact sheet 1.8).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue};
use p2pfaas_core::wire::{
    DISCOVERY_PORT, DiscoveryConfiguration, ErrorCode, MACHINE_USER_AGENT, PORT, headers,
};
use serde::Deserialize;

use super::table::Address;
use crate::api::SignedByPeer;
use crate::api::error::WireError;
use crate::api::function::read_body;
use crate::api::server::Remote;
use crate::shared::Shared;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(hello))
        .route("/list", get(list))
        .route("/reset", get(reset))
        .route("/configuration", get(read).post(write))
        .with_state(shared)
}

async fn hello() -> String {
    format!("p2pfaas-discovery {}", crate::VERSION)
}

/// The machines that are there. A machine that asks becomes a candidate, in a cluster with a key if it has it: it
/// is listed once it has answered this node.
async fn list(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let known = shared.security.takes_unsigned() || request.extensions().get::<SignedByPeer>().is_some();
    if let Some(caller) = caller(&request).filter(|_| known) {
        shared.discovery.add_candidate(caller);
    }
    let mut machines = shared.discovery.table.read().machines();
    if let Some(gossip) = &shared.gossip {
        gossip.add_machines(&mut machines);
    }
    (own_headers(&shared), Json(machines)).into_response()
}

/// Forgets the machines that were found. Those given by hand stay.
async fn reset(State(shared): State<Arc<Shared>>) {
    shared.discovery.table.write().reset();
    shared.peers_changed();
}

async fn read(State(shared): State<Arc<Shared>>) -> Result<Json<DiscoveryConfiguration>, WireError> {
    let configuration = shared.discovery.configuration.read().clone();
    if configuration.machine_ip.is_empty() {
        let message = "this machine does not know its address yet (set machine-ip)";
        return Err(WireError::new(ErrorCode::NotConfigured, message));
    }
    Ok(Json(configuration))
}

#[derive(Deserialize)]
struct Change {
    machine_ip: Option<String>,
    machine_id: Option<String>,
    machine_group_name: Option<String>,
    init_servers: Option<Vec<String>>,
}

async fn write(State(shared): State<Arc<Shared>>, body: Body) -> Result<(), WireError> {
    let body = read_body(body, shared.max_body_bytes).await?;
    let change: Change = serde_json::from_slice(&body)
        .map_err(|error| WireError::new(ErrorCode::Generic, format!("not the JSON of this call: {error}")))?;
    let init_servers = {
        let mut configuration = shared.discovery.configuration.write();
        let DiscoveryConfiguration { machine_ip, machine_id, machine_group_name, init_servers } =
            &mut *configuration;
        replace(machine_ip, change.machine_ip);
        replace(machine_id, change.machine_id);
        replace(machine_group_name, change.machine_group_name);
        replace(init_servers, change.init_servers);
        init_servers.clone()
    };
    shared.discovery.add_candidates(&init_servers);
    let saved = shared.store.discovery(|| shared.discovery.configuration.read().clone());
    saved.map_err(|error| WireError::new(ErrorCode::Generic, format!("changed, but not saved: {error}")))
}

fn replace<T>(place: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *place = new;
    }
}

/// The machine that asks, if it says who it is and really is at that address.
fn caller(request: &Request) -> Option<Address> {
    let text = |name: &str| request.headers().get(name)?.to_str().ok();
    let remote = request.extensions().get::<Remote>()?.0;
    if text("user-agent") != Some(MACHINE_USER_AGENT) {
        return None;
    }
    let ip: std::net::IpAddr = text(headers::MACHINE_IP)?.parse().ok()?;
    let port = |name: &str, default: u16| text(name).map_or(Some(default), |port| port.parse().ok());
    (ip == remote.to_canonical()).then_some(Address {
        host: ip.to_string(),
        port: port(headers::MACHINE_PORT, PORT)?,
        discovery_port: port(headers::MACHINE_DISCOVERY_PORT, DISCOVERY_PORT)?,
    })
}

/// The headers by which this machine shows itself.
pub(super) fn own_headers(shared: &Shared) -> HeaderMap {
    let identity = shared.discovery.identity();
    let mut own = HeaderMap::with_capacity(6);
    let texts = [
        (headers::MACHINE_IP, identity.ip),
        (headers::MACHINE_NAME, identity.id),
        (headers::MACHINE_GROUP_NAME, identity.group),
        (headers::MACHINE_PORT, shared.discovery.port.to_string()),
        (headers::MACHINE_DISCOVERY_PORT, shared.discovery.discovery_port.to_string()),
        (headers::NODE_ID, shared.node_id.to_string()),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            own.insert(name, value);
        }
    }
    own
}
