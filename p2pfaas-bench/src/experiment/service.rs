//! `service = { ... }`: how long jobs take.

use std::ops::Range;

use p2pfaas_sim::service::Service;

use super::jobs::Place;
use super::problem::{At, Collector};
use super::reader::Table;
use super::suggest::did_you_mean;
use crate::recorded::service_times;

const FILE: &str = "a file with a number of seconds a line, a results folder, or a jobs.parquet";

/// The table as it is written.
pub(super) struct Keys {
    pub path: String,
    pub span: Range<usize>,
    pub kind: Option<At<String>>,
    pub mean_s: Option<At<f64>>,
    pub sd_s: Option<At<f64>>,
    pub cv: Option<At<f64>>,
    pub file: Option<At<String>>,
}

pub(super) fn read(mut table: Table<'_>, problems: &mut Collector<'_>) -> Keys {
    let keys = Keys {
        path: table.path.clone(),
        span: table.span.clone(),
        kind: table.take("kind", problems),
        mean_s: table.take("mean_s", problems),
        sd_s: table.take("sd_s", problems),
        cv: table.take("cv", problems),
        file: table.take("file", problems),
    };
    table.finish(problems);
    keys
}

/// The service times of a task type.
pub(super) fn resolve(
    raw: &Keys,
    task_type: usize,
    place: &Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<Service> {
    let key = |name: &str| format!("{}.{name}", raw.path);
    let kinds = Service::KINDS.join(", ");
    let kind = match &raw.kind {
        None => {
            problems.missing(&key("kind"), &raw.span, &format!("one of {kinds}"));
            None
        }
        Some(at) if Service::KINDS.contains(&at.value.as_str()) => Some(at.value.as_str()),
        Some(at) => {
            let near = did_you_mean(&at.value, Service::KINDS);
            problems.at(at, format!("unknown kind \"{}\"{near}", at.value), &format!("one of {kinds}"));
            None
        }
    };
    if kind == Some("empirical") {
        return seen(raw, task_type, place, problems);
    }
    if let Some(file) = &raw.file {
        problems.at(file, "only empirical service times have a file", "kind = \"empirical\"");
    }
    let mut positive = |at: &At<f64>, expected: &str| {
        let good = at.value.is_finite() && at.value > 0.0;
        if !good {
            problems.refused(at, expected);
        }
        good.then_some(at.value)
    };
    let mean_s = raw.mean_s.as_ref().map(|at| positive(at, "seconds, above 0"));
    let sd_s = raw.sd_s.as_ref().map(|at| positive(at, "seconds, above 0"));
    let cv = raw.cv.as_ref().map(|at| positive(at, "standard deviation over mean, above 0"));
    if mean_s.is_none() {
        problems.missing(&key("mean_s"), &raw.span, "the mean service time in seconds");
    }
    let (kind, mean_s) = (kind?, mean_s??);
    if matches!(kind, "exponential" | "deterministic") {
        for at in [&raw.sd_s, &raw.cv].into_iter().flatten() {
            problems.at(at, format!("{kind} service times have no such parameter"), "only mean_s");
        }
        return Some(match kind {
            "exponential" => Service::Exponential { mean_s },
            _ => Service::Deterministic { mean_s },
        });
    }
    let cv = match (sd_s, cv) {
        (Some(sd_s), None) => sd_s? / mean_s,
        (None, Some(cv)) => cv?,
        _ => {
            let reason = format!("{kind} service times need a spread");
            problems.add(&raw.path, &raw.span, reason, "either sd_s or cv");
            return None;
        }
    };
    Some(match kind {
        "lognormal" => Service::LogNormal { mean_s, cv },
        _ => Service::Gamma { mean_s, cv },
    })
}

fn seen(raw: &Keys, task_type: usize, place: &Place<'_>, problems: &mut Collector<'_>) -> Option<Service> {
    for at in [&raw.mean_s, &raw.sd_s, &raw.cv].into_iter().flatten() {
        problems.at(at, "empirical service times have no such parameter", "only file");
    }
    let Some(file) = &raw.file else {
        problems.missing(&format!("{}.file", raw.path), &raw.span, FILE);
        return None;
    };
    let path =
        place.path.parent().map_or_else(|| file.value.clone().into(), |folder| folder.join(&file.value));
    match service_times(&path, task_type, place.speeds) {
        Ok(times) => Some(Service::Empirical(times)),
        Err(error) => {
            problems.at(file, error.to_string(), FILE);
            None
        }
    }
}
