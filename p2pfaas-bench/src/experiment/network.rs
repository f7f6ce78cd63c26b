//! `[network]`: what lies between the nodes.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use p2pfaas_core::Time;
use p2pfaas_sim::network::{
    Bandwidth, Coordinates, FileError, Jitter, Latency, Matrix, NetworkError, NetworkSpec, Partition,
    Topology, read_edges,
};
use toml::de::DeValue;

use super::file::each;
use super::problem::{At, Collector};
use super::reader::{FromToml, Table, ValueOrTable};
use super::suggest::did_you_mean;

/// Names of the topologies.
pub(super) const TOPOLOGIES: [&str; 8] =
    ["full", "ring", "grid", "torus", "random-regular", "erdos-renyi", "barabasi-albert", "file"];

/// Rows of the timetable of partitions.
const MAX_PARTITIONS: usize = 256;

/// `[network]` as it is written.
pub(super) struct Keys {
    pub topology: Option<Form>,
    latency: Option<NumberOrForm>,
    bandwidth: Option<NumberOrForm>,
    probe_loss: Option<At<f64>>,
    view_refresh_s: Option<At<f64>>,
    partitions: Vec<PartitionKeys>,
}

/// A table with a kind and its parameters.
pub(super) struct Form {
    path: String,
    span: Range<usize>,
    pub kind: Option<At<String>>,
    file: Option<At<String>>,
    coordinates: Option<At<Places>>,
    /// All other parameters are numbers.
    numbers: Vec<(&'static str, At<f64>)>,
}

enum NumberOrForm {
    Number(At<f64>),
    Form(Box<Form>),
}

/// `[[network.partition]]`.
struct PartitionKeys {
    path: String,
    span: Range<usize>,
    from_s: Option<At<f64>>,
    until_s: Option<At<f64>>,
    groups: Option<At<Vec<Vec<u64>>>>,
}

enum Places {
    File(String),
    Listed(Vec<Vec<f64>>),
}

impl FromToml for Places {
    const EXPECTED: &str = "the name of a file, or a list [[latitude, longitude], ...]";
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        String::from_toml(value).map(Places::File).or_else(|| FromToml::from_toml(value).map(Places::Listed))
    }
}

impl Keys {
    /// The keys whose values are more than this machine's loopback can do.
    pub fn beyond_loopback(&self) -> Vec<At<()>> {
        let number = |at: &At<f64>| (at.value != 0.0).then(|| place(at));
        let either = |value: &NumberOrForm| match value {
            NumberOrForm::Number(at) => number(at),
            NumberOrForm::Form(form) => Some(form.place()),
        };
        let numbers = [&self.probe_loss, &self.view_refresh_s];
        let mut beyond: Vec<_> = numbers.into_iter().flatten().filter_map(number).collect();
        beyond.extend([&self.latency, &self.bandwidth].into_iter().flatten().filter_map(either));
        beyond.extend(self.partitions.iter().map(|keys| at(&keys.path, &keys.span)));
        beyond
    }
}

/// Reads the tables.
pub(super) fn read(mut table: Table<'_>, problems: &mut Collector<'_>) -> Keys {
    const TOPOLOGY: [&str; 5] = ["rows", "columns", "degree", "probability", "m"];
    const LATENCY: [&str; 6] = ["mean_ms", "cv", "min_ms", "max_ms", "base_ms", "route_factor"];
    let topology = table.take_value_or_table("topology", problems).map(|value| match value {
        ValueOrTable::Value(kind) => Form::of_kind(kind),
        ValueOrTable::Table(table) => form(table, true, false, &TOPOLOGY, problems),
    });
    let latency = table.take_value_or_table("latency_ms", problems).map(|value| match value {
        ValueOrTable::Value(at) => NumberOrForm::Number(at),
        ValueOrTable::Table(table) => NumberOrForm::of(form(table, true, true, &LATENCY, problems)),
    });
    let bandwidth = table.take_value_or_table("bandwidth_mbps", problems).map(|value| match value {
        ValueOrTable::Value(at) => NumberOrForm::Number(at),
        ValueOrTable::Table(table) => NumberOrForm::of(form(table, false, false, &[], problems)),
    });
    let keys = Keys {
        topology,
        latency,
        bandwidth,
        probe_loss: table.take("probe_loss", problems),
        view_refresh_s: table.take("view_refresh_s", problems),
        partitions: each(table.take_tables("partition", problems), problems, partition_keys),
    };
    table.finish(problems);
    keys
}

fn form(
    mut table: Table<'_>,
    kinds: bool,
    coordinates: bool,
    numbers: &[&'static str],
    problems: &mut Collector<'_>,
) -> Form {
    let form = Form {
        path: table.path.clone(),
        span: table.span.clone(),
        kind: if kinds { table.take("kind", problems) } else { None },
        file: table.take("file", problems),
        coordinates: if coordinates { table.take("coordinates", problems) } else { None },
        numbers: numbers.iter().filter_map(|name| Some((*name, table.take(name, problems)?))).collect(),
    };
    table.finish(problems);
    form
}

fn partition_keys(mut table: Table<'_>, problems: &mut Collector<'_>) -> PartitionKeys {
    let keys = PartitionKeys {
        path: table.path.clone(),
        span: table.span.clone(),
        from_s: table.take("from_s", problems),
        until_s: table.take("until_s", problems),
        groups: table.take("groups", problems),
    };
    table.finish(problems);
    keys
}

/// The network, where it is known how many nodes there are. That it can be is tried with the first seed.
pub(super) fn resolve(
    keys: &Keys,
    nodes: Option<usize>,
    seed: Option<u64>,
    path: &Path,
    problems: &mut Collector<'_>,
) -> Option<NetworkSpec> {
    let nodes = nodes?;
    let files = Files { folder: path.parent().unwrap_or(Path::new("")), nodes };
    // All are looked at before the first that is wrong ends it.
    let topology =
        keys.topology.as_ref().map_or(Some(Topology::Full), |form| topology(form, &files, problems));
    let latency = latency(keys.latency.as_ref(), &files, problems);
    let bandwidth = bandwidth(keys.bandwidth.as_ref(), &files, problems);
    let view_refresh = keys.view_refresh_s.as_ref().map_or(Some(Duration::ZERO), |at| {
        seconds(at, "seconds from one look at a load to the next, 0 (always) or more", problems)
    });
    let partitions = partitions(&keys.partitions, problems);
    let spec = NetworkSpec {
        topology: topology?,
        latency: latency?,
        bandwidth: bandwidth?,
        probe_loss: keys.probe_loss.as_ref().map_or(0.0, |at| at.value),
        partitions: partitions?,
        view_refresh: view_refresh.map(|refresh| (refresh > Duration::ZERO).then_some(refresh))?,
    };
    match spec.build(nodes, seed.unwrap_or_default()) {
        Ok(_) => Some(spec),
        Err(error) => {
            refuse(keys, &error, problems);
            None
        }
    }
}

/// Puts what is wrong with a network to the key that says so.
fn refuse(keys: &Keys, error: &NetworkError, problems: &mut Collector<'_>) {
    let either = |value: &Option<NumberOrForm>| match value {
        Some(NumberOrForm::Number(at)) => Some(place(at)),
        Some(NumberOrForm::Form(form)) => Some(form.place()),
        None => None,
    };
    let (at, reason) = match error {
        NetworkError::Topology(error) => (keys.topology.as_ref().map(Form::place), error.to_string()),
        NetworkError::Latency(error) => (either(&keys.latency), error.to_string()),
        NetworkError::Bandwidth(error) => (either(&keys.bandwidth), error.to_string()),
        NetworkError::ProbeLoss(_) => (keys.probe_loss.as_ref().map(place), error.to_string()),
        NetworkError::Partition { index, error } => {
            let keys = keys.partitions.get(*index);
            (keys.map(|keys| at(&keys.path, &keys.span)), error.to_string())
        }
    };
    match at {
        Some(at) => problems.at(&at, reason, ""),
        None => problems.add("network", &(0..0), reason, ""),
    }
}

fn topology(form: &Form, files: &Files<'_>, problems: &mut Collector<'_>) -> Option<Topology> {
    let kind = form.kind(&TOPOLOGIES, problems)?;
    let lattice = |problems: &mut Collector<'_>| {
        form.only(kind, &["rows", "columns"], problems);
        let [rows, columns] = ["rows", "columns"].map(|name| form.whole(name, problems));
        Some((rows?, columns?))
    };
    Some(match kind {
        "full" | "ring" => {
            form.only(kind, &[], problems);
            if kind == "full" { Topology::Full } else { Topology::Ring }
        }
        "grid" => lattice(problems).map(|(rows, columns)| Topology::Grid { rows, columns })?,
        "torus" => lattice(problems).map(|(rows, columns)| Topology::Torus { rows, columns })?,
        "random-regular" => {
            form.only(kind, &["degree"], problems);
            Topology::RandomRegular { degree: form.whole("degree", problems)? }
        }
        "erdos-renyi" => {
            form.only(kind, &["probability", "degree"], problems);
            match (form.number("probability"), form.number("degree")) {
                (Some(at), None) => Topology::ErdosRenyi { probability: at.value },
                (None, Some(at)) => {
                    let others = files.nodes.saturating_sub(1).max(1) as f64;
                    if !(at.value > 0.0 && at.value <= others) {
                        problems.refused(at, &format!("a mean degree above 0 and at most {others}"));
                        return None;
                    }
                    Topology::ErdosRenyi { probability: at.value / others }
                }
                _ => {
                    let expected = "either probability, or degree, the mean number of neighbours";
                    problems.at(&form.place(), "erdos-renyi needs one of its parameters", expected);
                    return None;
                }
            }
        }
        "barabasi-albert" => {
            form.only(kind, &["m"], problems);
            Topology::BarabasiAlbert { m: form.whole("m", problems)? }
        }
        _ => {
            form.only(kind, &["file"], problems);
            let Some(file) = &form.file else {
                problems.missing(&format!("{}.file", form.path), &form.span, "the name of a list of edges");
                return None;
            };
            Topology::Edges(files.read(file, &file.value, read_edges, problems)?)
        }
    })
}

fn latency(value: Option<&NumberOrForm>, files: &Files<'_>, problems: &mut Collector<'_>) -> Option<Latency> {
    let form = match value {
        None => return Some(Latency::default()),
        Some(NumberOrForm::Number(at)) => {
            let delay = Duration::try_from_secs_f64(at.value / 1e3);
            if delay.is_err() {
                problems.refused(at, "milliseconds, 0 or more");
            }
            return delay.ok().map(Latency::Constant);
        }
        Some(NumberOrForm::Form(form)) => form,
    };
    let base_ms = form.number("base_ms").map_or(0.0, |at| at.value);
    match (&form.kind, &form.file, &form.coordinates) {
        (Some(_), None, None) => {
            let jitter = jitter(form, problems)?;
            Some(Latency::Random { base_ms, jitter })
        }
        (None, Some(file), None) => {
            form.only("a matrix", &["file"], problems);
            files.read(file, &file.value, Matrix::read, problems).map(Latency::Matrix)
        }
        (None, None, Some(at)) => {
            form.only("a distance", &["coordinates", "route_factor", "base_ms"], problems);
            let route_factor = form.number("route_factor").map_or(1.0, |at| at.value);
            Some(Latency::Geographic { places: places(at, files, problems)?, route_factor, base_ms })
        }
        _ => {
            let reason = "not one of the forms of a latency";
            problems.at(&form.place(), reason, "a number, or a table with one of kind, file, coordinates");
            None
        }
    }
}

fn jitter(form: &Form, problems: &mut Collector<'_>) -> Option<Jitter> {
    let kind = form.kind(&Jitter::KINDS, problems)?;
    match kind {
        "exponential" => form.only(kind, &["mean_ms", "base_ms"], problems),
        "uniform" => form.only(kind, &["min_ms", "max_ms", "base_ms"], problems),
        _ => form.only(kind, &["mean_ms", "cv", "base_ms"], problems),
    }
    let mut needed = |name: &str| {
        let number = form.number(name);
        if number.is_none() {
            problems.missing(&format!("{}.{name}", form.path), &form.span, &format!("a number, for {kind}"));
        }
        number.map(|at| at.value)
    };
    match kind {
        "exponential" => Some(Jitter::Exponential { mean_ms: needed("mean_ms")? }),
        "uniform" => {
            let (min_ms, max_ms) = (needed("min_ms"), needed("max_ms"));
            Some(Jitter::Uniform { min_ms: min_ms?, max_ms: max_ms? })
        }
        _ => {
            let (mean_ms, cv) = (needed("mean_ms"), needed("cv"));
            let (mean_ms, cv) = (mean_ms?, cv?);
            Some(if kind == "gamma" {
                Jitter::Gamma { mean_ms, cv }
            } else {
                Jitter::LogNormal { mean_ms, cv }
            })
        }
    }
}

fn places(at: &At<Places>, files: &Files<'_>, problems: &mut Collector<'_>) -> Option<Vec<Coordinates>> {
    let listed = match &at.value {
        Places::File(name) => return files.read(at, name, Coordinates::read, problems),
        Places::Listed(listed) => listed,
    };
    let place = |pair: &Vec<f64>| match pair[..] {
        [latitude, longitude] => Coordinates::new(latitude, longitude),
        _ => None,
    };
    if let Some(node) = listed.iter().position(|pair| place(pair).is_none()) {
        let expected = "[latitude, longitude] with -90 to 90 and -180 to 180 degrees";
        problems.at(at, format!("the place of node {node} is not possible"), expected);
        return None;
    }
    listed.iter().map(place).collect()
}

fn bandwidth(
    value: Option<&NumberOrForm>,
    files: &Files<'_>,
    problems: &mut Collector<'_>,
) -> Option<Option<Bandwidth>> {
    match value {
        None => Some(None),
        Some(NumberOrForm::Number(at)) => Some(Some(Bandwidth::Same(at.value))),
        Some(NumberOrForm::Form(form)) => match &form.file {
            None => {
                problems.missing(&format!("{}.file", form.path), &form.span, "the name of a matrix file");
                None
            }
            Some(file) => {
                let matrix = files.read(file, &file.value, Matrix::read, problems);
                matrix.map(|matrix| Some(Bandwidth::Matrix(matrix)))
            }
        },
    }
}

fn partitions(keys: &[PartitionKeys], problems: &mut Collector<'_>) -> Option<Vec<Partition>> {
    if let Some(first) = keys.get(MAX_PARTITIONS) {
        let reason = format!("{} partitions are too many", keys.len());
        problems.add(&first.path, &first.span, reason, &format!("at most {MAX_PARTITIONS}"));
        return None;
    }
    let partitions: Vec<_> = keys.iter().map(|keys| partition(keys, problems)).collect();
    partitions.into_iter().collect()
}

fn partition(keys: &PartitionKeys, problems: &mut Collector<'_>) -> Option<Partition> {
    const SECONDS: &str = "seconds since the start of the run, 0 or more";
    const GROUPS: &str = "groups of nodes that reach each other, [[0, 1], [2, 3]]";
    let mut moment = |name: &str, at: &Option<At<f64>>| match at {
        Some(at) => seconds(at, SECONDS, problems).map(|since| Time::ZERO + since),
        None => {
            problems.missing(&format!("{}.{name}", keys.path), &keys.span, SECONDS);
            None
        }
    };
    let (from, until) = (moment("from_s", &keys.from_s), moment("until_s", &keys.until_s));
    let Some(raw) = &keys.groups else {
        problems.missing(&format!("{}.groups", keys.path), &keys.span, GROUPS);
        return None;
    };
    let groups: Option<_> = raw.value.iter().map(|group| numbers(group)).collect();
    if groups.is_none() {
        problems.refused(raw, GROUPS);
    }
    Some(Partition { from: from?, until: until?, groups: groups? })
}

fn numbers(group: &[u64]) -> Option<Vec<u32>> {
    group.iter().map(|node| u32::try_from(*node).ok()).collect()
}

fn seconds(at: &At<f64>, expected: &str, problems: &mut Collector<'_>) -> Option<Duration> {
    let span = Duration::try_from_secs_f64(at.value).ok();
    if span.is_none() {
        problems.refused(at, expected);
    }
    span
}

/// Where files are looked for, and for how many nodes they are.
struct Files<'a> {
    folder: &'a Path,
    nodes: usize,
}

impl Files<'_> {
    fn read<T, U>(
        &self,
        at: &At<U>,
        name: &str,
        read: fn(&Path, usize) -> Result<T, FileError>,
        problems: &mut Collector<'_>,
    ) -> Option<T> {
        let path: PathBuf = self.folder.join(name);
        match read(&path, self.nodes) {
            Ok(value) => Some(value),
            Err(error) => {
                problems.at(at, error.to_string(), "");
                None
            }
        }
    }
}

impl NumberOrForm {
    fn of(form: Form) -> Self {
        NumberOrForm::Form(Box::new(form))
    }
}

impl Form {
    fn of_kind(kind: At<String>) -> Self {
        let (path, span) = (kind.key.clone(), kind.span.clone());
        Form { path, span, kind: Some(kind), file: None, coordinates: None, numbers: Vec::new() }
    }

    fn place(&self) -> At<()> {
        at(&self.path, &self.span)
    }

    /// Its kind, one of these.
    fn kind<'a>(&self, kinds: &[&'a str], problems: &mut Collector<'_>) -> Option<&'a str> {
        let expected = || format!("one of {}", kinds.join(", "));
        let Some(at) = &self.kind else {
            problems.missing(&format!("{}.kind", self.path), &self.span, &expected());
            return None;
        };
        let found = kinds.iter().find(|kind| **kind == at.value);
        if found.is_none() {
            let near = did_you_mean(&at.value, kinds.iter().copied());
            problems.at(at, format!("unknown kind \"{}\"{near}", at.value), &expected());
        }
        found.copied()
    }

    fn number(&self, name: &str) -> Option<&At<f64>> {
        self.numbers.iter().find(|(given, _)| *given == name).map(|(_, at)| at)
    }

    /// A parameter that must be there and is a whole number.
    fn whole(&self, name: &str, problems: &mut Collector<'_>) -> Option<u32> {
        const WHOLE: &str = "a whole number, 1 or more";
        let Some(at) = self.number(name) else {
            problems.missing(&format!("{}.{name}", self.path), &self.span, WHOLE);
            return None;
        };
        let good = at.value.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&at.value);
        if !good {
            problems.refused(at, WHOLE);
        }
        good.then_some(at.value as u32)
    }

    /// Refuses parameters that would be ignored.
    fn only(&self, what: &str, names: &[&str], problems: &mut Collector<'_>) {
        let file = self.file.iter().map(|at| ("file", place(at)));
        let given = self.numbers.iter().map(|(name, at)| (*name, place(at))).chain(file);
        for (_, at) in given.filter(|(name, _)| !names.contains(name)) {
            let expected =
                if names.is_empty() { "none".into() } else { format!("only {}", names.join(", ")) };
            problems.at(&at, format!("{what} has no such parameter"), &expected);
        }
    }
}

/// Where a value stands.
fn place<T>(value: &At<T>) -> At<()> {
    at(&value.key, &value.span)
}

fn at(key: &str, span: &Range<usize>) -> At<()> {
    At { value: (), key: key.into(), span: span.clone() }
}

#[cfg(test)]
mod tests;
