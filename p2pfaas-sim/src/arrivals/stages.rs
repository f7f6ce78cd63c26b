//! Rates by stages: JSON `{function: {node: [rates]}}`, as the load tests of DFaaS with k6 take it.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::TraceError;
use super::modulated::Segment;

/// Bytes of a file: its rates are kept in memory, at most 16 bytes for two of the file.
const LARGEST_FILE: u64 = 64 << 20;

/// Poisson arrivals, whose rate has a value a stage for each function and node.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// Seconds that a stage takes.
    pub stage_s: f64,
    /// Seconds at the beginning of a stage in which the rate goes in a straight line from that of the stage
    /// before (0 before the first) to its own; 0 to `stage_s`.
    pub ramp_s: f64,
    /// Where in the trace the run's second 0 is, seconds.
    pub from_s: f64,
    /// The node of each node of the file, in the order in which they come; they take them in turns.
    pub nodes: Vec<u32>,
    /// The task type of each function, in the order in which they come; they take them in turns. None: drawn
    /// by the traffic's shares.
    pub task_types: Vec<u16>,
    names: Arc<Names>,
    streams: Arc<[Stream]>,
}

#[derive(Debug, PartialEq, Default)]
struct Names {
    functions: Vec<String>,
    nodes: Vec<String>,
}

/// The rates of a function at a node.
#[derive(Debug, PartialEq)]
struct Stream {
    function: usize,
    node: usize,
    /// Jobs per second.
    rates: Arc<[f64]>,
}

impl Stages {
    /// Reads a file. Stages take 60 seconds, rates jump, the run begins with the trace, and the file's nodes
    /// go to the nodes in turns.
    ///
    /// # Errors
    /// The file, its form or a rate is not right.
    pub fn read(path: &Path, nodes: u32) -> Result<Stages, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::unreadable(path, error))?;
        let size = file.metadata().map_err(|error| TraceError::unreadable(path, error))?.len();
        let refused = |reason: String| TraceError::File { path: path.into(), reason };
        if size > LARGEST_FILE {
            return Err(refused(format!("is larger than {} MiB", LARGEST_FILE >> 20)));
        }
        let read: Result<Ordered<Ordered<Vec<Rate>>>, _> = serde_json::from_reader(BufReader::new(file));
        let Ordered(functions) = read.map_err(|error| TraceError::Line {
            path: path.into(),
            line: error.line() as u64,
            reason: without_place(&error.to_string()),
        })?;
        let (mut names, mut streams) = (Names::default(), Vec::new());
        for (function, Ordered(rates)) in functions {
            for (node, rates) in rates {
                let known = names.nodes.iter().position(|known| *known == node);
                let at = known.unwrap_or_else(|| {
                    names.nodes.push(node);
                    names.nodes.len() - 1
                });
                let rates = rates.into_iter().map(|Rate(rate)| rate).collect();
                streams.push(Stream { function: names.functions.len(), node: at, rates });
            }
            names.functions.push(function);
        }
        if streams.iter().all(|stream| stream.rates.is_empty()) {
            return Err(refused("there is no rate".into()));
        }
        Ok(Stages {
            stage_s: 60.0,
            ramp_s: 0.0,
            from_s: 0.0,
            nodes: (0..nodes).collect(),
            task_types: Vec::new(),
            names: Arc::new(names),
            streams: streams.into(),
        })
    }

    /// Names of the functions, in the order of the file.
    pub fn functions(&self) -> &[String] {
        &self.names.functions
    }

    /// Names of the file's nodes, in the order in which they come.
    pub fn node_names(&self) -> &[String] {
        &self.names.nodes
    }

    /// The stages of the longest list.
    pub fn stages(&self) -> usize {
        self.streams.iter().map(|stream| stream.rates.len()).max().unwrap_or(0)
    }

    /// Jobs on average between two seconds of the run.
    pub fn jobs(&self, begins_s: f64, ends_s: f64) -> f64 {
        (0..self.streams.len()).map(|stream| self.area(stream, begins_s, ends_s)).sum()
    }

    fn area(&self, stream: usize, begins_s: f64, ends_s: f64) -> f64 {
        let mut rates = self.rates(stream, begins_s);
        let (mut at_s, mut area) = (begins_s, 0.0);
        while at_s < ends_s {
            let Segment { begins_s, ends_s: until_s, factor, slope } = rates.next();
            let until_s = until_s.min(ends_s);
            let middle_s = 0.5 * (at_s + until_s);
            area += (until_s - at_s) * (factor + slope * (middle_s - begins_s));
            at_s = until_s;
        }
        area
    }

    /// How many pairs of a function and a node there are.
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Node and task type of a pair.
    pub(super) fn of(&self, stream: usize) -> (u32, Option<u16>) {
        let Stream { function, node, .. } = self.streams[stream];
        let node = super::invocations::in_turns(&self.nodes, node).unwrap_or(0);
        (node, super::invocations::in_turns(&self.task_types, function))
    }

    pub(super) fn rates(&self, stream: usize, begins_s: f64) -> StageRates {
        let mut rates = StageRates {
            rates: Arc::clone(&self.streams[stream].rates),
            stage_s: self.stage_s,
            ramp_s: self.ramp_s,
            from_s: self.from_s,
            begins_s,
            part: 0,
        };
        while rates.part(rates.part).is_some_and(|part| part.ends_s <= begins_s) {
            rates.part += 1;
        }
        rates
    }
}

/// The rates of a function at a node, from a second of the run on.
#[derive(Debug)]
pub(super) struct StageRates {
    rates: Arc<[f64]>,
    stage_s: f64,
    ramp_s: f64,
    from_s: f64,
    /// The next segment begins there or before.
    begins_s: f64,
    /// Two a stage: its ramp, then the rest.
    part: usize,
}

impl StageRates {
    pub fn next(&mut self) -> Segment {
        let quiet = |begins_s, ends_s| Segment { begins_s, ends_s, factor: 0.0, slope: 0.0 };
        if self.begins_s < -self.from_s {
            let begins_s = std::mem::replace(&mut self.begins_s, -self.from_s);
            return quiet(begins_s, self.begins_s);
        }
        while let Some(segment) = self.part(self.part) {
            self.part += 1;
            if segment.ends_s > segment.begins_s {
                return segment;
            }
        }
        quiet(self.rates.len() as f64 * self.stage_s - self.from_s, f64::INFINITY)
    }

    /// A part of a stage; `None` after the last.
    fn part(&self, part: usize) -> Option<Segment> {
        let stage = part / 2;
        let rate = *self.rates.get(stage)?;
        let stage_s = |stage: usize| stage as f64 * self.stage_s - self.from_s;
        let flat_s = stage_s(stage) + self.ramp_s;
        if part % 2 == 1 {
            return Some(Segment { begins_s: flat_s, ends_s: stage_s(stage + 1), factor: rate, slope: 0.0 });
        }
        let before = stage.checked_sub(1).and_then(|before| self.rates.get(before)).copied().unwrap_or(0.0);
        let slope = if self.ramp_s > 0.0 { (rate - before) / self.ramp_s } else { 0.0 };
        Some(Segment { begins_s: stage_s(stage), ends_s: flat_s, factor: before, slope })
    }
}

/// The text of an error whose line is told anyway.
fn without_place(error: &str) -> String {
    error.rsplit_once(" at line ").map_or(error, |(reason, _)| reason).to_string()
}

/// An object in the order of the file, without a name twice.
struct Ordered<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, {function: {node: [rates]}}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut pairs, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("{name:?} is there twice")));
                    }
                    pairs.push((name, value));
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Object(std::marker::PhantomData))
    }
}

/// Jobs per second.
struct Rate(f64);

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rate = f64::deserialize(deserializer)?;
        let refused = || D::Error::custom(format!("{rate} is not a rate, jobs per second and 0 or more"));
        if rate.is_finite() && rate >= 0.0 { Ok(Rate(rate)) } else { Err(refused()) }
    }
}
