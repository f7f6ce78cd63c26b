//! Asks every known machine, now and then, who it is and whom it knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use p2pfaas_core::wire::{Machine, headers};
use tokio::task::JoinSet;

use super::api::own_headers;
use super::table::Address;
use crate::clock::unix_seconds;
use crate::shared::Shared;

/// A machine that has never answered is forgotten after this many times the allowed dead polls.
const PATIENCE: u32 = 4;

/// Machines that are taken up from one answer.
const MAX_CANDIDATES: usize = 256;
/// Between two polls, however many new machines are heard of.
const MIN_INTERVAL: Duration = Duration::from_millis(200);

/// What a machine's answer says.
struct Found {
    headers: HeaderMap,
    machines: Vec<Machine>,
    ping: Duration,
}

/// Runs as long as the node.
pub(crate) async fn poll(shared: Arc<Shared>, interval: Duration, timeout: Duration, dead_polls: u32) {
    loop {
        let mut questions = JoinSet::new();
        for address in shared.discovery.table.read().addresses() {
            let shared = shared.clone();
            questions.spawn(async move {
                let found = ask(&shared, &address, timeout).await;
                (address, found)
            });
        }
        let before = shared.discovery.alive_peers();
        while let Some(Ok((address, found))) = questions.join_next().await {
            match found {
                Ok(found) => answered(&shared, &address, found),
                Err(reason) => silent(&shared, &address, &reason, dead_polls),
            }
        }
        if before != shared.discovery.alive_peers() {
            shared.peers_changed();
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = shared.discovery.poll_now.notified() => tokio::time::sleep(MIN_INTERVAL).await,
        }
    }
}

async fn ask(shared: &Shared, address: &Address, timeout: Duration) -> Result<Found, String> {
    let uri = format!("http://{}/list", address.discovery());
    let uri = uri.parse().map_err(|_| format!("{uri} is not an address"))?;
    let start = Instant::now();
    let response = shared.peers.get(uri, own_headers(shared), timeout).await?;
    if !response.status().is_success() {
        return Err(format!("it answered {}", response.status()));
    }
    let machines = serde_json::from_slice(response.body()).map_err(|error| format!("not a list: {error}"))?;
    Ok(Found { headers: response.headers().clone(), machines, ping: start.elapsed() })
}

fn answered(shared: &Shared, address: &Address, found: Found) {
    let text = |name: &str| found.headers.get(name).and_then(|value| value.to_str().ok());
    let node = text(headers::NODE_ID).and_then(|id| id.parse().ok());
    // One machine may hold several nodes: the discovery that was asked must be that of this scheduler.
    let other = text(headers::MACHINE_PORT).filter(|port| port.parse() != Ok(address.port));
    if let Some(port) = other {
        tracing::warn!(
            peer = %address,
            discovery = address.discovery(),
            scheduler_port = port,
            "another node's discovery answers there; name the peer as host:port:discovery-port"
        );
        return;
    }
    let mut table = shared.discovery.table.write();
    if node == Some(shared.node_id) {
        tracing::info!(peer = %address, "this peer is the node itself; left out");
        return table.remove(address);
    }
    if let Some(entry) = table.get_mut(address) {
        entry.answers = true;
        entry.dead_polls = 0;
        entry.node = node;
        entry.name = text(headers::MACHINE_NAME).unwrap_or_default().to_string();
        entry.group = text(headers::MACHINE_GROUP_NAME).unwrap_or_default().to_string();
        entry.ping_s = found.ping.as_secs_f64();
        entry.last_update = unix_seconds();
    }
    drop(table);
    if shared.gossip.as_ref().is_some_and(|gossip| gossip.answers_poll(&address.scheduler())) {
        shared.suspect(&address.scheduler(), false);
    }
    for machine in found.machines.into_iter().take(MAX_CANDIDATES) {
        // Only what is an address can be asked; a name from a stranger is not looked up.
        if machine.ip.parse::<std::net::IpAddr>().is_ok() {
            let Machine { ip, port, discovery_port, .. } = machine;
            let address = Address { host: ip, port, discovery_port };
            // Members need not be polled.
            if !shared.gossip.as_ref().is_some_and(|gossip| gossip.knows(&address.scheduler())) {
                shared.discovery.add_candidate(address);
            }
        }
    }
}

fn silent(shared: &Shared, address: &Address, reason: &str, dead_polls: u32) {
    let mut table = shared.discovery.table.write();
    let Some(entry) = table.get_mut(address) else { return };
    entry.dead_polls += 1;
    entry.last_update = unix_seconds();
    if entry.answers && entry.dead_polls >= dead_polls {
        tracing::info!(machine = %address, reason, "a machine is gone");
        entry.answers = false;
    }
    if !entry.fixed && !entry.answers && entry.dead_polls >= dead_polls.saturating_mul(PATIENCE) {
        table.remove(address);
    }
}
