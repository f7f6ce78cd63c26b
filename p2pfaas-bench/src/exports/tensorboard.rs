//! Learning curves as TensorBoard event files, with the tags that reinforcement-learning people know, from
//! `learning.csv`: an episode is a second of the run, a step a decision of an agent.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use serde::Deserialize;

use super::{ExportError, Run, file_name};

/// TensorBoard finds a file by this beginning of its name; a number of seconds and a host follow.
const FILE: &str = "events.out.tfevents.0.p2pfaas";

/// A record of an event file, as far as we write it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Scalar {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(float, optional, tag = "2")]
    pub value: Option<f32>,
}

/// A line of `learning.csv`.
#[derive(Debug, Deserialize)]
struct Second {
    policy: String,
    seed: i64,
    second: f64,
    offered: u64,
    in_time: Option<f64>,
    reward_mean: Option<f64>,
    epsilon: Option<f64>,
    td_error: Option<f64>,
}

/// One folder a run; none where nobody learned.
pub(super) fn write(results: &Path, out: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let path = results.join("learning.csv");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut runs: BTreeMap<Run, Vec<Second>> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(&path).map_err(|error| ExportError::read(&path, error))?;
    for second in reader.deserialize::<Second>() {
        let second = second.map_err(|error| ExportError::read(&path, error))?;
        runs.entry(Run { policy: second.policy.clone(), seed: second.seed }).or_default().push(second);
    }
    let mut made = Vec::new();
    for (run, seconds) in runs {
        let folder = out.join("tensorboard").join(format!("{}-seed{}", file_name(&run.policy), run.seed));
        fs::create_dir_all(&folder).map_err(|error| ExportError::write(&folder, error))?;
        let path = folder.join(FILE);
        fs::write(&path, events(&seconds)).map_err(|error| ExportError::write(&path, error))?;
        made.push(path);
    }
    Ok(made)
}

fn events(seconds: &[Second]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let version = Event { file_version: Some("brain.Event:2".into()), ..Event::default() };
    record(&version, &mut bytes);
    let begins_s = seconds.first().map_or(0.0, |second| second.second);
    let mut step = 0;
    for second in seconds {
        step += second.offered as i64;
        let elapsed_s = second.second - begins_s;
        let scalars = [
            ("charts/episodic_return", second.reward_mean.map(|mean| mean * second.offered as f64)),
            ("charts/reward_mean", second.reward_mean),
            ("charts/in_time", second.in_time),
            ("charts/epsilon", second.epsilon),
            ("charts/SPS", Some(step as f64 / (elapsed_s + 1.0))),
            ("losses/td_loss", second.td_error),
        ];
        let values = scalars
            .into_iter()
            .filter_map(|(tag, value)| Some(Scalar { tag: tag.into(), value: Some(value? as f32) }));
        let summary = Some(Summary { values: values.collect() });
        // The clock is the run's, so that the same run gives the same file.
        record(&Event { wall_time: elapsed_s, step, file_version: None, summary }, &mut bytes);
    }
    bytes
}

/// Length, checksum, bytes, checksum: the TFRecord format.
fn record(event: &Event, into: &mut Vec<u8>) {
    let bytes = event.encode_to_vec();
    let length = (bytes.len() as u64).to_le_bytes();
    into.extend(length);
    into.extend(masked(&length).to_le_bytes());
    into.extend(&bytes);
    into.extend(masked(&bytes).to_le_bytes());
}

/// The checksum of TFRecord: CRC-32C, turned and moved, so that a file within a file does not look right.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    const DELTA: u32 = 0xa282_ead8;
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(DELTA)
}
