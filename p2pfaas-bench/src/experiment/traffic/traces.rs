//! Traffic that is read from files.

use std::path::PathBuf;
use std::sync::Arc;

use p2pfaas_sim::arrivals::{ArrivalKind, Counts, Profile, Recorded, TraceError, Traffic, Within};

use super::keys::{self, FORMATS, Keys};
use super::{Place, Values, above_0};
use crate::experiment::problem::{At, Collector};
use crate::experiment::suggest::did_you_mean;
use crate::recorded::{RecordedRun, Wanted};

/// Stands for the node in the names of files.
const NODE: &str = "{node}";
const PROFILE: &str = "lines index,value with values from 0 to 1, one file for all nodes or, with {node} in its \
                       name, one each";
const COUNTS: &str = "a file with the columns HashOwner,HashApp,HashFunction,Trigger,1,2,...";
const RECORDED: &str = "a results folder of `p2pfaas run`, or its jobs.parquet";
const FROM: &str = "the second of the trace with which the run begins, 0 or more";

pub(super) fn kind(mut values: Values<'_, '_>, place: &Place<'_>) -> Option<ArrivalKind> {
    match &values.raw.keys {
        Keys::Profile { file, period_s } => {
            let period_s = values.number(
                "period_s",
                period_s,
                place.horizon_s.or(Some(1.0)),
                above_0,
                "seconds, above 0",
            );
            let file = values.file(file, PROFILE)?;
            let paths =
                (0..place.nodes?).map(|node| path(place, &file.value.replace(NODE, &node.to_string())));
            let profile = Profile::check(&paths.collect::<Vec<_>>(), period_s?);
            values.checked(file, profile, PROFILE).map(ArrivalKind::Profile)
        }
        Keys::Counts { file, minute_s, from_s, within, row_nodes, row_task_types } => {
            let expected = "seconds that a minute of the trace takes, above 0";
            let minute_s = values.number("minute_s", minute_s, Some(60.0), above_0, expected);
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let within = values.within(within);
            let nodes = row_nodes.as_ref().map(|at| values.indices(at, place.nodes, "nodes"));
            let task_types =
                row_task_types.as_ref().map(|at| values.indices(at, Some(place.task_types), "task types"));
            let file = values.file(file, COUNTS)?;
            let counts = Counts::check(&path(place, &file.value), place.nodes?.try_into().ok()?);
            let mut counts = values.checked(file, counts, COUNTS)?;
            (counts.minute_s, counts.from_s, counts.within) = (minute_s?, from_s?, within?);
            if let Some(nodes) = nodes {
                counts.row_nodes = nodes?;
            }
            if let Some(task_types) = task_types {
                counts.row_task_types = task_types?;
            }
            Some(ArrivalKind::Counts(counts))
        }
        Keys::Recorded { file, policy, seed, from_s } => {
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let file = values.file(file, RECORDED)?;
            let wanted = Wanted {
                policy: policy.as_ref().map(|at| at.value.clone()),
                seed: seed.as_ref().map(|at| at.value),
            };
            let path = path(place, &file.value);
            let run = RecordedRun::check(&path, &wanted, place.nodes?, place.task_types, place.speeds);
            let recording = Arc::new(values.checked(file, run, RECORDED)?);
            Some(ArrivalKind::Recorded(Recorded { recording, from_s: from_s? }))
        }
        Keys::NoFormat(format) => {
            let expected = format!("one of {}", FORMATS.join(", "));
            match format {
                None => values.missing("format", &expected),
                Some(at) => {
                    let near = did_you_mean(&at.value, FORMATS);
                    values.problems.at(at, format!("unknown value \"{}\"{near}", at.value), &expected);
                }
            }
            None
        }
        Keys::None | Keys::Mmpp { .. } | Keys::Sinusoid { .. } | Keys::FlashCrowd { .. } => None,
    }
}

fn not_below_0(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

/// Relative files are looked for beside the experiment file.
fn path(place: &Place<'_>, name: &str) -> PathBuf {
    place.path.parent().map_or_else(|| name.into(), |folder| folder.join(name))
}

impl<'a> Values<'a, '_> {
    fn file(&mut self, at: &'a Option<At<String>>, expected: &str) -> Option<&'a At<String>> {
        if at.is_none() {
            self.missing("file", expected);
        }
        at.as_ref()
    }

    fn checked<T>(&mut self, at: &At<String>, read: Result<T, TraceError>, expected: &str) -> Option<T> {
        read.map_err(|error| self.problems.at(at, error.to_string(), expected)).ok()
    }

    fn within(&mut self, at: &Option<At<String>>) -> Option<Within> {
        match at.as_ref().map_or("random", |at| at.value.as_str()) {
            "random" => Some(Within::Random),
            "even" => Some(Within::Even),
            _ => {
                if let Some(at) = at {
                    self.problems.refused(at, "\"random\" or \"even\": where in their minute calls are");
                }
                None
            }
        }
    }
}

/// A trace must have jobs for the run, and for the training before it.
pub(super) fn fits(
    raw: &keys::Traffic,
    traffic: &Traffic,
    train_s: f64,
    horizon_s: f64,
    problems: &mut Collector<'_>,
) {
    let (file, begins_s) = match (&raw.keys, &traffic.kind) {
        (Keys::Counts { file: Some(file), .. }, ArrivalKind::Counts(counts)) => (file, -counts.from_s),
        (Keys::Recorded { file: Some(file), .. }, ArrivalKind::Recorded(recorded)) => {
            (file, recorded.recording.first_s() - recorded.from_s)
        }
        _ => return,
    };
    if train_s > 0.0 && -train_s < begins_s {
        let reason = format!("a training of {train_s} s would begin before the trace");
        problems.at(file, reason, "from_s with so many seconds of the trace before it");
    }
    if traffic.expected_jobs(0.0, horizon_s) == 0.0 {
        let reason = format!("there is no job in the {horizon_s} s of a run");
        problems.at(file, reason, "another from_s, or another trace");
    }
}
