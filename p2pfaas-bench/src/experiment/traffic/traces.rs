//! Traffic that is read from files.

use std::path::PathBuf;
use std::sync::Arc;

use p2pfaas_sim::arrivals::{
    ArrivalKind, Counts, Durations, Invocations, Loading, Memory, Profile, Recorded, Stages, TraceError,
    Traffic, Within,
};

use super::keys::{self, FORMATS, Keys, Turns};
use super::{Place, Values, above_0};
use crate::experiment::problem::{At, Collector};
use crate::experiment::suggest::did_you_mean;
use crate::recorded::{self, Wanted};

/// Stands for the node in the names of files.
const NODE: &str = "{node}";
const PROFILE: &str = "lines index,value with values from 0 to 1, one file for all nodes or, with {node} in its \
                       name, one each";
const COUNTS: &str = "a file with the columns HashOwner,HashApp,HashFunction,Trigger,1,2,...";
const DURATIONS: &str =
    "a file with the columns HashOwner,HashApp,HashFunction,Count,percentile_Average_0,...";
const MEMORY: &str = "a file with the columns HashOwner,HashApp,SampleCount,AverageAllocatedMb,...";
const INVOCATIONS: &str = "a file with the columns app,func,end_timestamp,duration";
const STAGES: &str = "a JSON file {function: {node: [jobs per second, one a stage]}}";
const RECORDED: &str =
    "a results folder of `p2pfaas run`, its jobs.parquet, or what `p2pfaas record` made of it";
const FROM: &str = "the second of the trace with which the run begins, 0 or more";

pub(super) fn kind(mut values: Values<'_, '_>, of_all: bool, place: &Place<'_>) -> Option<ArrivalKind> {
    match &values.raw.keys {
        Keys::Profile { file, period_s, skip_bad } => {
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
            let profile = Profile::check(&paths.collect::<Vec<_>>(), period_s?, is(skip_bad));
            values.checked(file, profile, PROFILE).map(ArrivalKind::Profile)
        }
        Keys::Counts { file, durations, memory, minute_s, from_s, within, turns, skip_bad } => {
            let expected = "seconds that a minute of the trace takes, above 0";
            let minute_s = values.number("minute_s", minute_s, Some(60.0), above_0, expected);
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let within = values.within(within);
            let turns = values.turns(turns, place);
            let skip_bad = is(skip_bad);
            let durations = durations.as_ref().map(|at| {
                let read = Durations::read(&path(place, &at.value), skip_bad);
                values.checked(at, read, DURATIONS)
            });
            let memory = memory.as_ref().map(|at| {
                let read = Memory::read(&path(place, &at.value), skip_bad);
                values.checked(at, read, MEMORY)
            });
            let file = values.file(file, COUNTS)?;
            let loading = Loading { durations: durations.as_ref().and_then(Option::as_ref), skip_bad };
            let counts = Counts::check(&path(place, &file.value), place.nodes?.try_into().ok()?, &loading);
            let mut counts = values.checked(file, counts, COUNTS)?;
            (counts.minute_s, counts.from_s, counts.within) = (minute_s?, from_s?, within?);
            turns?.give(&mut counts.row_nodes, &mut counts.row_task_types);
            // Wrong tables have been told of.
            (durations.is_none_or(|read| read.is_some()) && memory.is_none_or(|read| read.is_some()))
                .then_some(ArrivalKind::Counts(counts))
        }
        Keys::Invocations { file, from_s, turns, skip_bad } => {
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let turns = values.turns(turns, place);
            let file = values.file(file, INVOCATIONS)?;
            let nodes = place.nodes?.try_into().ok()?;
            let calls = Invocations::check(&path(place, &file.value), nodes, is(skip_bad));
            let mut calls = values.checked(file, calls, INVOCATIONS)?;
            turns?.give(&mut calls.nodes, &mut calls.task_types);
            Some(ArrivalKind::Recorded(Recorded { recording: Arc::new(calls), from_s: from_s? }))
        }
        Keys::Stages { file, stage_s, ramp_s, from_s, turns } => {
            let stage_s =
                values.number("stage_s", stage_s, Some(60.0), above_0, "seconds of a stage, above 0");
            let most_s = stage_s.unwrap_or(f64::INFINITY);
            let short = |ramp_s: f64| (0.0..=most_s).contains(&ramp_s);
            let expected = "seconds in which a stage's rate is reached, from 0 to stage_s";
            let ramp_s = values.number("ramp_s", ramp_s, Some(0.0), short, expected);
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let turns = values.turns(turns, place);
            let file = values.file(file, STAGES)?;
            let stages = Stages::read(&path(place, &file.value), place.nodes?.try_into().ok()?);
            let mut stages = values.checked(file, stages, STAGES)?;
            (stages.stage_s, stages.ramp_s, stages.from_s) = (stage_s?, ramp_s?, from_s?);
            if of_all {
                // Each function is a kind of job.
                stages.task_types = (0..u16::try_from(place.task_types).ok()?).collect();
            }
            turns?.give(&mut stages.nodes, &mut stages.task_types);
            Some(ArrivalKind::Stages(stages))
        }
        Keys::Recorded { file, policy, seed, from_s, skip_bad } => {
            let from_s = values.number("from_s", from_s, Some(0.0), not_below_0, FROM);
            let file = values.file(file, RECORDED)?;
            let wanted = Wanted {
                policy: policy.as_ref().map(|at| at.value.clone()),
                seed: seed.as_ref().map(|at| at.value),
                skip_bad: is(skip_bad),
            };
            let path = path(place, &file.value);
            let run = recorded::open(&path, &wanted, place.nodes?, place.task_types, place.speeds);
            let recording = values.checked(file, run, RECORDED)?;
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

/// A switch; off unless it is said.
fn is(at: &Option<At<bool>>) -> bool {
    at.as_ref().is_some_and(|at| at.value)
}

/// Lists that are taken in turns, where they were given.
struct Taken {
    nodes: Option<Vec<u32>>,
    task_types: Option<Vec<u16>>,
}

impl Taken {
    fn give(self, nodes: &mut Vec<u32>, task_types: &mut Vec<u16>) {
        if let Some(given) = self.nodes {
            *nodes = given;
        }
        if let Some(given) = self.task_types {
            *task_types = given;
        }
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

    fn turns(&mut self, turns: &Turns, place: &Place<'_>) -> Option<Taken> {
        let Turns { row_nodes, row_task_types } = turns;
        let nodes = row_nodes.as_ref().map(|at| self.indices(at, place.nodes, "nodes"));
        let types = row_task_types.as_ref().map(|at| self.indices(at, Some(place.task_types), "task types"));
        // Both are looked at before one that is wrong ends it.
        Some(Taken {
            nodes: nodes.map_or(Some(None), |nodes| nodes.map(Some))?,
            task_types: types.map_or(Some(None), |types| types.map(Some))?,
        })
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
        (
            Keys::Recorded { file: Some(file), .. } | Keys::Invocations { file: Some(file), .. },
            ArrivalKind::Recorded(recorded),
        ) => (file, recorded.recording.first_s() - recorded.from_s),
        (Keys::Stages { file: Some(file), .. }, ArrivalKind::Stages(stages)) => (file, -stages.from_s),
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
