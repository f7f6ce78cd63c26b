//! Replays the event log of one node: the same events must have the same effects, bit for bit.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};

use p2pfaas_core::log::{Entry, Header, ReplayError, replay};
use p2pfaas_core::policy::Registry;
use p2pfaas_core::{Counters, NodeId};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A log that cannot be replayed, or whose replay differs.
#[derive(Debug, thiserror::Error)]
pub enum EventLogError {
    /// The file cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("{path}:{line}: {reason}; expected {expected}, as `p2pfaas-node --event-log FILE` writes it")]
    BadLine {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A policy that is not known here, or another effect than the log has.
    #[error("{path}: {error}")]
    Replay {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: Box<ReplayError>,
    },
}

impl EventLogError {
    /// Whether the log is right, and its replay did something else.
    pub fn is_difference(&self) -> bool {
        let EventLogError::Replay { error, .. } = self else { return false };
        matches!(**error, ReplayError::Differs { .. })
    }
}

/// What a replay went through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replayed {
    /// The node.
    pub node: NodeId,
    /// Events, and changes of the policy.
    pub entries: usize,
    /// Effects, all of them as in the log.
    pub effects: usize,
    /// What the node had counted in the end.
    pub counters: Counters,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replayed { node, entries, effects, .. } = self;
        write!(f, "node {node}: {entries} events, {effects} effects, all the same")
    }
}

/// Replays a whole log. It is read line by line: memory does not grow with it.
///
/// # Errors
/// A file that is no log; the first effect that differs.
pub fn replay_log(path: &Path, registry: &Registry) -> Result<Replayed, EventLogError> {
    let unreadable = |source| EventLogError::Unreadable { path: path.into(), source };
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
    let first = lines.next().transpose().map_err(unreadable)?.unwrap_or_default();
    let header: Header = serde_json::from_str(&first).map_err(|error| EventLogError::BadLine {
        path: path.into(),
        line: 1,
        reason: error.to_string(),
        expected: "what the node was when the log began",
    })?;
    let mut entries = Entries { path, lines, line: 1, entries: 0, effects: 0, broken: None };
    let node = replay::<Xoshiro256PlusPlus>(&header, &mut entries, registry);
    if let Some(broken) = entries.broken {
        return Err(broken);
    }
    let node = node.map_err(|error| EventLogError::Replay { path: path.into(), error: Box::new(error) })?;
    let Entries { entries, effects, .. } = entries;
    Ok(Replayed { node: header.node, entries, effects, counters: *node.counters() })
}

/// The entries of a log, until its end or its first broken line.
struct Entries<'a> {
    path: &'a Path,
    lines: Lines<BufReader<File>>,
    line: usize,
    entries: usize,
    effects: usize,
    broken: Option<EventLogError>,
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.line += 1;
        let read = self.lines.next()?.map_err(|error| error.to_string());
        let parsed =
            read.and_then(|text| serde_json::from_str::<Entry>(&text).map_err(|error| error.to_string()));
        match parsed {
            Ok(entry) => {
                self.entries += 1;
                self.effects += entry.effects.len();
                Some(entry)
            }
            Err(reason) => {
                self.broken = Some(EventLogError::BadLine {
                    path: self.path.into(),
                    line: self.line,
                    reason,
                    expected: "an event with its effects",
                });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2pfaas_core::log::Input;
    use p2pfaas_core::policy::Descriptor;
    use p2pfaas_core::{Arrival, Effect, Event, FunctionId, Node, NodeConfig, Time};
    use rand_xoshiro::rand_core::SeedableRng;
    use std::io::Write;

    /// The log of a node that gets jobs and never has one executed.
    fn log(change: impl Fn(usize, &mut Entry)) -> tempfile::NamedTempFile {
        let registry = Registry::builtin();
        let policy = Descriptor::new("NoScheduler", ["true"]);
        let header = Header {
            node: NodeId(7),
            seed: 3,
            config: NodeConfig::default(),
            policy: policy.clone(),
            fallback: policy.clone(),
        };
        let build = || registry.build(&policy).unwrap();
        let mut node = Node::new(header.node, header.config.clone(), build(), build());
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(header.seed);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", serde_json::to_string(&header).unwrap()).unwrap();
        for index in 0..12 {
            let (at, event) =
                (Time::from_nanos(index as u64), Event::Arrive(Arrival::from_client(FunctionId(0))));
            let mut effects = Vec::new();
            node.handle(at, event.clone(), &mut rng, &mut effects);
            let mut entry = Entry { at, input: Input::Event(event), effects };
            change(index, &mut entry);
            writeln!(file, "{}", serde_json::to_string(&entry).unwrap()).unwrap();
        }
        file
    }

    #[test]
    fn a_log_is_replayed_to_its_end_with_the_same_effects() {
        let file = log(|_, _| {});
        let replayed = replay_log(file.path(), &Registry::builtin()).unwrap();
        assert_eq!((replayed.node, replayed.entries, replayed.counters.arrived), (NodeId(7), 12, 12));
        assert!(replayed.effects >= 8, "four run, and the rest is dropped or waits");
        let text = format!("node 0000000000000007: 12 events, {} effects, all the same", replayed.effects);
        assert_eq!(replayed.to_string(), text);
    }

    #[test]
    fn the_first_effect_that_differs_is_told() {
        let file = log(|index, entry| {
            if index == 2 {
                entry.effects.retain(|effect| !matches!(effect, Effect::Execute { .. }));
            }
        });
        let error = replay_log(file.path(), &Registry::builtin()).unwrap_err();
        assert!(error.is_difference() && error.to_string().contains("entry 2"), "{error}");
    }

    #[test]
    fn a_broken_line_is_refused_with_its_number() {
        let mut file = log(|_, _| {});
        writeln!(file, "{{\"at\": 5").unwrap();
        let error = replay_log(file.path(), &Registry::builtin()).unwrap_err().to_string();
        assert!(error.contains(&format!("{}:14: ", file.path().display())), "{error}");
        let missing = replay_log(Path::new("/nowhere.log"), &Registry::builtin()).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
