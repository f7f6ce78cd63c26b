//! `[network]`: what lies between the nodes.

mod form;
mod latency;
mod topology;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use p2pfaas_core::Time;
use p2pfaas_sim::network::{NetworkError, NetworkSpec, Partition, Topology};

use super::file::each;
use super::problem::{At, Collector};
use super::reader::{Table, ValueOrTable};

use form::{Files, Form, NumberOrForm, at, place};
pub(super) use topology::TOPOLOGIES;

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

/// `[[network.partition]]`.
struct PartitionKeys {
    path: String,
    span: Range<usize>,
    from_s: Option<At<f64>>,
    until_s: Option<At<f64>>,
    groups: Option<At<Vec<Vec<u64>>>>,
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
    let topology = table.take_value_or_table("topology", problems).map(|value| match value {
        ValueOrTable::Value(kind) => Form::of_kind(kind),
        ValueOrTable::Table(table) => Form::read(table, true, false, &topology::NUMBERS, problems),
    });
    let latency = table.take_value_or_table("latency_ms", problems).map(|value| match value {
        ValueOrTable::Value(at) => NumberOrForm::Number(at),
        ValueOrTable::Table(table) => {
            NumberOrForm::of(Form::read(table, true, true, &latency::NUMBERS, problems))
        }
    });
    let bandwidth = table.take_value_or_table("bandwidth_mbps", problems).map(|value| match value {
        ValueOrTable::Value(at) => NumberOrForm::Number(at),
        ValueOrTable::Table(table) => NumberOrForm::of(Form::read(table, false, false, &[], problems)),
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
        keys.topology.as_ref().map_or(Some(Topology::Full), |form| topology::resolve(form, &files, problems));
    let latency = latency::resolve(keys.latency.as_ref(), &files, problems);
    let bandwidth = latency::bandwidth(keys.bandwidth.as_ref(), &files, problems);
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

#[cfg(test)]
mod tests;
