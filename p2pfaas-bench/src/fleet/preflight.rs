//! Looks at every node before anything is changed, and tells all that is wrong at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, header};
use p2pfaas_core::wire::{DiscoveryConfiguration, Machine, SchedulerConfiguration};
use p2pfaas_node::Address;

use super::api::{Api, ApiError};
use super::before::NodeBefore;
use crate::experiment::{Experiment, NodeSpec};

/// By how many seconds a node's clock may be off.
const MAX_CLOCK_OFF_S: f64 = 2.0;

/// What is known of a node that can take part.
#[derive(Debug, Clone)]
pub(super) struct NodeFound {
    pub scheduler: SocketAddr,
    /// What it was before anything was changed.
    pub before: NodeBefore,
    /// Under which it stands in the answers of its peers; empty where that is not known.
    pub machine_id: String,
    version: String,
    ours: bool,
    /// `Err`: why its discovery does not tell.
    peers: Result<Vec<Machine>, String>,
    clock_off_s: Option<f64>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of the hosts; without those that cannot take part.
    pub nodes: Vec<NodeFound>,
    pub problems: Vec<String>,
    /// Nodes that do not know all others, which may only need time.
    pub unacquainted: Vec<String>,
    pub warnings: Vec<String>,
}

/// Functions that a node must have, each with a payload to try it with.
pub(super) type Functions = Vec<(String, Bytes)>;

/// Asks a node all that has to be known; `Err`: all that is wrong with it.
pub(super) async fn ask(api: &Api, host: &Address, functions: Functions) -> Result<NodeFound, Vec<String>> {
    let named = |what: &dyn std::fmt::Display| vec![format!("{host}: {what}")];
    let scheduler = resolve(&host.host, host.port).await.map_err(|error| named(&error))?;
    let asked_at = SystemTime::now();
    let (hello, headers) = api.hello(scheduler).await.map_err(|error| named(&error))?;
    let clock_off_s = clock_off_s(&headers, asked_at, SystemTime::now());
    let text = |key: &str| hello.get(key).and_then(|value| value.as_str()).unwrap_or("?");
    let version = format!("{} {}", text("name"), text("version"));

    let mut problems = Vec::new();
    let mut wrong = |what: String| problems.push(format!("{host}: {what}"));
    for (function, payload) in functions {
        match api.call(scheduler, &function, payload).await {
            Ok(()) => {}
            Err(error) => wrong(format!("a call of {function} on this node alone: {error}")),
        }
    }
    let configuration = api.configuration(scheduler).await.map_err(|error| wrong(error.to_string()));
    let policy = api.policy(scheduler).await.map_err(|error| wrong(error.to_string()));
    let ours = api.is_ours(scheduler).await.map_err(|error| wrong(error.to_string()));
    let discovery = match resolve(&host.host, host.discovery_port).await {
        Ok(discovery) => self::discovery(api, discovery).await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    let (machine_id, peers) = match discovery {
        Ok((identity, peers)) => (identity.machine_id, Ok(peers)),
        Err(error) => (String::new(), Err(error)),
    };
    match (configuration, policy, ours) {
        (Ok(configuration), Ok(policy), Ok(ours)) if problems.is_empty() => Ok(NodeFound {
            scheduler,
            before: NodeBefore { host: host.scheduler(), configuration, policy },
            machine_id,
            version,
            ours,
            peers,
            clock_off_s,
        }),
        _ => Err(problems),
    }
}

async fn discovery(
    api: &Api,
    discovery: SocketAddr,
) -> Result<(DiscoveryConfiguration, Vec<Machine>), ApiError> {
    Ok((api.identity(discovery).await?, api.machines(discovery).await?))
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut found =
        tokio::net::lookup_host((host, port)).await.map_err(|error| format!("no such host: {error}"))?;
    found.next().ok_or_else(|| "this host has no address".to_string())
}

/// What only shows when all are looked at together.
pub(super) fn compare(hosts: &[Address], experiment: &Experiment, found: &mut Found) {
    if found.nodes.len() < hosts.len() {
        return;
    }
    if hosts.len() > 1 {
        peers(hosts, found);
    }
    let Found { nodes, problems, warnings, .. } = found;
    if hosts.len() > 1 {
        machine_ids(nodes, problems);
    }
    for ((host, node), spec) in hosts.iter().zip(&*nodes).zip(&experiment.nodes) {
        let slots = node.before.configuration.parallel_running_functions_max;
        if !node.ours && spec.given.slots && spec.slots != slots {
            problems.push(format!(
                "{host}: an old scheduler takes its slots only when it starts, and has {slots}; the file wants {}",
                spec.slots
            ));
        }
        if let Some(off_s) = node.clock_off_s.filter(|off_s| off_s.abs() > MAX_CLOCK_OFF_S) {
            warnings.push(format!(
                "{host}: its clock is {off_s:+.0} s off this one: its own log will not fit these results, \
                 whose times are all of this machine"
            ));
        }
    }
    let mut different = |what: &str, of: &dyn Fn(&NodeFound) -> String| {
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for node in &*nodes {
            groups.entry(of(node)).or_default().push(&node.before.host);
        }
        if groups.len() > 1 {
            let groups: Vec<_> =
                groups.iter().map(|(value, hosts)| format!("{value} on {}", hosts.join(", "))).collect();
            warnings.push(format!("the nodes have different {what}: {}", groups.join("; ")));
        }
    };
    different("versions", &|node| match node.ours {
        true => node.version.clone(),
        false => format!("{} (an old scheduler)", node.version),
    });
    different("policies now, and will get back each its own", &|node| node.before.policy.to_string());
    let kept = |spec: &NodeSpec| !(spec.given.slots && spec.given.queue);
    if experiment.nodes.iter().any(kept) {
        different("slots or queues", &|node| capacity(&node.before.configuration));
    }
}

fn capacity(configuration: &SchedulerConfiguration) -> String {
    let SchedulerConfiguration { parallel_running_functions_max: slots, queue_length_max, queue_enabled } =
        configuration;
    let queue = if *queue_enabled { *queue_length_max } else { 0 };
    format!("{slots} slots and {queue} queue places")
}

/// Every node must know every other, and should know nobody else.
fn peers(hosts: &[Address], found: &mut Found) {
    let Found { nodes, problems, unacquainted, warnings } = found;
    let nodes = &*nodes;
    for (host, node) in hosts.iter().zip(nodes) {
        let machines = match &node.peers {
            Ok(machines) => machines,
            Err(reason) => {
                problems.push(format!(
                    "{host}: its discovery does not answer at {}: {reason}; if it has another port, write \
                     host:port:discovery port into the hosts file",
                    host.discovery()
                ));
                continue;
            }
        };
        let is = |machine: &Machine, (other, of): (&Address, &NodeFound)| {
            let by_name = !of.machine_id.is_empty() && [&machine.name, &machine.id].contains(&&of.machine_id);
            let ip = of.scheduler.ip().to_string();
            by_name || ([&ip, &other.host].contains(&&machine.ip) && machine.port == other.port)
        };
        let others = || hosts.iter().zip(nodes).filter(|(other, _)| *other != host);
        let missing: Vec<_> = others()
            .filter(|other| !machines.iter().any(|machine| machine.alive && is(machine, *other)))
            .map(|(other, _)| other.to_string())
            .collect();
        if !missing.is_empty() {
            unacquainted.push(format!("{host}: it does not know its peers {}", missing.join(", ")));
        }
        let strangers =
            machines.iter().filter(|machine| machine.alive && !others().any(|other| is(machine, other)));
        let strangers: Vec<_> = strangers.map(|machine| machine.ip.as_str()).collect();
        if !strangers.is_empty() {
            warnings.push(format!(
                "{host}: it knows machines that are not in the hosts file, and may give them jobs: {}",
                strangers.join(", ")
            ));
        }
    }
}

/// They tell who ran a job.
fn machine_ids(nodes: &[NodeFound], problems: &mut Vec<String>) {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.machine_id.is_empty()) {
        let host = &node.before.host;
        if let Some(other) = known.insert(&node.machine_id, host) {
            problems.push(format!(
                "{host}: its machine id \"{}\" is also that of {other}, or both lines are the same node",
                node.machine_id
            ));
        }
    }
}

/// Seconds by which a node's clock is before ours, as far as the whole seconds of its `Date` tell.
fn clock_off_s(headers: &HeaderMap, asked_at: SystemTime, answered_at: SystemTime) -> Option<f64> {
    let date = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    let seconds = |earlier: SystemTime, later: SystemTime| {
        later.duration_since(earlier).map_or(0.0, |span: Duration| span.as_secs_f64())
    };
    // It was written somewhere between question and answer, and stands for a whole second.
    let ahead_s = seconds(answered_at, date);
    let behind_s = seconds(date + Duration::from_secs(1), asked_at);
    Some(ahead_s - behind_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_clock_is_off_only_by_what_whole_seconds_do_not_explain() {
        let at = |seconds: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(1e6 + seconds);
        let off = |date_s: f64, asked_s: f64, answered_s: f64| {
            let value = HeaderValue::from_str(&httpdate::fmt_http_date(at(date_s))).unwrap();
            clock_off_s(&HeaderMap::from_iter([(header::DATE, value)]), at(asked_s), at(answered_s)).unwrap()
        };
        assert_eq!(off(10.0, 10.9, 11.2), 0.0);
        assert_eq!(off(10.0, 9.5, 10.1), 0.0);
        assert!((off(10.0, 14.5, 14.6) + 3.5).abs() < 1e-6);
        assert!((off(20.0, 14.5, 14.6) - 5.4).abs() < 1e-6);
        assert_eq!(clock_off_s(&HeaderMap::new(), at(0.0), at(0.0)), None);
    }
}
