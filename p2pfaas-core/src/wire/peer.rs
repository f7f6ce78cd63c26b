//! Messages between schedulers (fact sheet 1.5). Payload and body are base64.

use serde::{Deserialize, Deserializer, Serialize};

use crate::NodeId;

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A forwarded job. The last four fields are ours; old peers ignore them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerJobRequest {
    /// Written by old senders; the receiver ignores it.
    #[serde(default, deserialize_with = "null_as_default")]
    pub service_id_request: u64,
    /// Written by old senders; the header counts.
    #[serde(default, deserialize_with = "null_as_default")]
    pub service_id_tracing: String,
    /// Ignored; the URL counts.
    #[serde(default, deserialize_with = "null_as_default")]
    pub function_name: String,
    /// Forwards so far; old senders always write 1.
    #[serde(default, deserialize_with = "null_as_default")]
    pub hops: i64,
    /// Always null.
    #[serde(default)]
    pub peers_list: Option<Vec<MachineTimings>>,
    /// The payload, base64.
    #[serde(default, deserialize_with = "null_as_default")]
    pub payload: String,
    /// Content type of the payload.
    #[serde(default, deserialize_with = "null_as_default")]
    pub content_type: String,
    /// Always null.
    #[serde(default)]
    pub headers: Option<serde_json::Map<String, serde_json::Value>>,
    /// Our job id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Nodes that the job has visited, first one first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visited: Option<Vec<String>>,
    /// Task type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<u16>,
    /// Seconds until the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<f64>,
    /// The load that the receiver told when it was probed for this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_load: Option<u32>,
}

impl PeerJobRequest {
    /// Nodes that the job has visited, as ids; `None` when the sender tells none, or tells nonsense:
    /// then it is not one of our nodes.
    pub fn visited_nodes(&self) -> Option<crate::Visited> {
        let visited = self.visited.as_ref()?;
        if visited.len() > crate::defaults::MAX_HOPS as usize * 4 {
            return None;
        }
        visited.iter().map(|text| text.parse::<NodeId>().ok()).collect()
    }
}

/// The answer to a forwarded job. The last four fields are ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerJobResponse {
    /// The executor first, then each forwarding node.
    pub peers_list: Option<Vec<MachineTimings>>,
    /// Output of the function or an error body, base64.
    #[serde(default, deserialize_with = "null_as_default")]
    pub body: String,
    /// HTTP status; also that of the answer itself.
    #[serde(default, deserialize_with = "null_as_default")]
    pub status_code: u16,
    /// Content type of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The function's own `X-` headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_as_default")]
    pub function_headers: Vec<(String, String)>,
    /// Whether `body` is the function's own answer and not an error of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_function: Option<bool>,
    /// False when the job was turned away before it began here: the sender may run it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<bool>,
}

/// A node on a job's path.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MachineTimings {
    /// Its id.
    #[serde(default, deserialize_with = "null_as_default")]
    pub machine_id: String,
    /// Its address.
    #[serde(default, deserialize_with = "null_as_default")]
    pub machine_ip: String,
    /// Its times.
    #[serde(default, deserialize_with = "null_as_default")]
    pub timings: PeerTimings,
}

/// Times of one node, in seconds; unknown ones are left out. The last two are ours.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see Timings")]
pub struct PeerTimings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probing_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding_time: Option<f64>,
}
