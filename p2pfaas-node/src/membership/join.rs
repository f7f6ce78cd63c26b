//! Whom a member says hello to: addresses and names, which are looked up again each time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::drive::Post;
use crate::discovery::Address;
use crate::shared::Shared;

/// Between two hellos while nobody is known.
const ALONE: Duration = Duration::from_secs(1);
/// Between two hellos otherwise: who has come under a name since, and a cluster that fell apart.
const AMONG_OTHERS: Duration = Duration::from_secs(30);
/// For a name to be looked up.
const LOOKUP: Duration = Duration::from_secs(5);
/// Addresses of one name.
const MAX_ADDRESSES: usize = 256;

/// All addresses of `host:port`; none if it cannot be looked up now.
pub(super) async fn resolve(authority: &str) -> Vec<SocketAddr> {
    match tokio::time::timeout(LOOKUP, tokio::net::lookup_host(authority)).await {
        Ok(Ok(addresses)) => {
            addresses.filter(|address| !address.ip().is_unspecified()).take(MAX_ADDRESSES).collect()
        }
        Ok(Err(error)) => {
            tracing::debug!(authority, %error, "not found");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!(authority, "looking it up takes too long");
            Vec::new()
        }
    }
}

/// Runs as long as the node.
pub(super) async fn join(shared: Arc<Shared>) {
    let Some(gossip) = &shared.gossip else { return };
    let known: Vec<Address> = gossip.join.iter().filter_map(|text| text.parse().ok()).collect();
    if known.is_empty() {
        return;
    }
    loop {
        for address in &known {
            for address in resolve(&address.scheduler()).await {
                let mut post = Post::new(gossip);
                let mut machine = gossip.machine.lock();
                machine.join(gossip.now(), address, &mut post);
                drop(machine);
                post.deliver(&shared);
            }
        }
        let alone = gossip.machine.lock().active() == 0;
        tokio::time::sleep(if alone { ALONE } else { AMONG_OTHERS }).await;
    }
}
