//! What the nodes were before a run, and how they become so again.

use std::time::Duration;

use p2pfaas_core::policy::Descriptor;
use p2pfaas_core::wire::SchedulerConfiguration;
use serde::Serialize;

use super::api::{Api, ApiError};

/// Tries to give a node back what it had.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// A node as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct NodeBefore {
    /// `host:port`.
    pub host: String,
    pub configuration: SchedulerConfiguration,
    pub policy: Descriptor,
}

/// Nodes that have not become what they were.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}{} of the fleet's nodes could not be given back what they had:\n{}\nThese commands do it:\n{}",
    .after.as_ref().map_or_else(String::new, |error| format!("{error}\n")),
    .reasons.len(), .reasons.join("\n"), .commands.join("\n")
)]
pub struct NotRestored {
    /// What had ended the run before, if it was an error.
    pub after: Option<String>,
    /// Which, and why not.
    pub reasons: Vec<String>,
    /// What would do it.
    pub commands: Vec<String>,
}

impl NodeBefore {
    /// Gives a node back what it had.
    pub(super) async fn restore(&self, api: &Api, node: std::net::SocketAddr) -> Result<(), ApiError> {
        let mut tried = 0;
        loop {
            let restored = match api.set_policy(node, &self.policy).await {
                Ok(()) => api.set_configuration(node, &self.change()).await,
                Err(error) => Err(error),
            };
            tried += 1;
            match restored {
                Err(error) if tried >= TRIES => return Err(error),
                Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
                Ok(()) => return Ok(()),
            }
        }
    }

    fn change(&self) -> serde_json::Value {
        // Cannot fail: numbers and a boolean.
        serde_json::to_value(self.configuration).unwrap_or_default()
    }

    /// What a person would type to do it.
    pub(super) fn commands(&self) -> [String; 2] {
        let policy = serde_json::to_string(&self.policy).unwrap_or_default();
        let post = |path: &str, body: &str| {
            let quoted = body.replace('\'', "'\\''");
            format!("curl -sS -X POST --data '{quoted}' http://{}{path}", self.host)
        };
        [post("/configuration/scheduler", &policy), post("/configuration", &self.change().to_string())]
    }
}

/// The text of `fleet-before.json`.
pub(super) fn to_json<'a>(nodes: impl Iterator<Item = &'a NodeBefore>) -> String {
    #[derive(Serialize)]
    struct Node<'a> {
        #[serde(flatten)]
        before: &'a NodeBefore,
        restore: [String; 2],
    }
    let nodes: Vec<_> = nodes.map(|before| Node { before, restore: before.commands() }).collect();
    let mut text = serde_json::to_string_pretty(&serde_json::json!({ "nodes": nodes })).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_say_exactly_what_was_there() {
        let configuration = SchedulerConfiguration {
            parallel_running_functions_max: 4,
            queue_length_max: 100,
            queue_enabled: true,
        };
        let policy = Descriptor { name: "Mine".into(), parameters: vec!["it's".into()] };
        let before = NodeBefore { host: "[::1]:81".into(), configuration, policy };
        let [policy, slots] = before.commands();
        assert_eq!(
            policy,
            "curl -sS -X POST --data '{\"name\":\"Mine\",\"parameters\":[\"it'\\''s\"]}' \
             http://[::1]:81/configuration/scheduler"
        );
        assert!(slots.contains("\"parallel_running_functions_max\":4"), "{slots}");
        let json: serde_json::Value = serde_json::from_str(&to_json([before].iter())).unwrap();
        assert_eq!(json["nodes"][0]["configuration"]["queue_length_max"], 100);
        assert_eq!(json["nodes"][0]["restore"][0], policy);
    }
}
