//! `[[jobs]]`: the kinds of jobs, as they are written and what they mean.

use std::ops::{Range, RangeInclusive};
use std::path::Path;

use super::problem::{At, Collector};
use super::reader::Table;
use super::suggest::did_you_mean;
use super::traffic::keys::{self, Traffic};
use super::{JobType, Known, PayloadSpec, service};
use crate::recorded::Speeds;

/// Task types.
const MAX_JOBS: usize = 64;
/// Sides of sample pictures, pixels.
const SAMPLE_SIDES: RangeInclusive<u32> = 24..=1024;
/// How far the shares' sum may be from 1.
const SHARE_TOLERANCE: f64 = 1e-6;

/// One table as it is written.
pub(super) struct Job {
    pub path: String,
    pub span: Range<usize>,
    pub name: Option<At<String>>,
    pub share: Option<At<f64>>,
    pub function: Option<At<String>>,
    pub payload: Option<At<String>>,
    pub service: Option<service::Keys>,
    pub deadline_s: Option<At<f64>>,
    pub payload_bytes: Option<At<u64>>,
    pub answer_bytes: Option<At<u64>>,
    /// `[jobs.traffic]`.
    pub traffic: Option<Traffic>,
}

pub(super) fn read(mut table: Table<'_>, problems: &mut Collector<'_>) -> Job {
    let job = Job {
        path: table.path.clone(),
        span: table.span.clone(),
        name: table.take("name", problems),
        share: table.take("share", problems),
        function: table.take("function", problems),
        payload: table.take("payload", problems),
        service: table.take_table("service", problems).map(|table| service::read(table, problems)),
        deadline_s: table.take("deadline_s", problems),
        payload_bytes: table.take("payload_bytes", problems),
        answer_bytes: table.take("answer_bytes", problems),
        traffic: table.take_table("traffic", problems).map(|table| keys::read(table, false, problems)),
    };
    table.finish(problems);
    job
}

/// Where jobs run, and what they refer to.
pub(super) struct Place<'a> {
    /// The experiment file; payloads and service times are looked for beside it.
    pub path: &'a Path,
    pub on: super::Place,
    pub known: &'a Known<'a>,
    pub speeds: &'a Speeds,
}

/// How a job comes by its share of `[traffic]`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// It has traffic of its own.
    Own,
    /// The trace knows which job has which task type.
    Trace,
    /// There is nobody to share with.
    Alone,
    Shares,
}

/// The task types; `shared` is `[traffic]`.
pub(super) fn resolve(
    raw: &[Job],
    shared: Option<&Traffic>,
    place: &Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<Vec<JobType>> {
    if raw.is_empty() || raw.len() > MAX_JOBS {
        let expected = format!("1 to {MAX_JOBS} tables [[jobs]], each with function and share");
        problems.add("jobs", &(0..0), format!("{} task types", raw.len()), &expected);
        return None;
    }
    let sharing: Vec<&Job> = raw.iter().filter(|raw| raw.traffic.is_none()).collect();
    if let (true, Some(shared)) = (sharing.is_empty(), shared) {
        let reason = "every task type has traffic of its own";
        problems.add(&shared.path, &shared.span, reason, "no such table, or a task type without its own");
    }
    let trace = shared.is_some_and(|shared| shared.keys.have_task_types());
    let how = |raw: &Job| match raw.traffic {
        Some(_) => Sharing::Own,
        None if trace => Sharing::Trace,
        None if sharing.len() == 1 => Sharing::Alone,
        None => Sharing::Shares,
    };
    let jobs = raw.iter().enumerate().map(|(index, raw)| job(raw, index, how(raw), place, problems));
    // All are looked at before the first that is wrong ends it.
    let jobs: Vec<_> = jobs.collect();
    if sharing.len() > 1 && !trace {
        shares(&sharing, problems);
    }
    jobs.into_iter().collect()
}

/// The sum is checked as soon as every share is there, whatever else is wrong with the jobs.
fn shares(raw: &[&Job], problems: &mut Collector<'_>) {
    let shares: Vec<_> = raw.iter().filter_map(|raw| raw.share.as_ref()).collect();
    let sum: f64 = shares.iter().map(|share| share.value).sum();
    let all = shares.len() == raw.len() && shares.iter().all(|share| (0.0..=1.0).contains(&share.value));
    if let (true, Some(last)) = (all && (sum - 1.0).abs() > SHARE_TOLERANCE, shares.last()) {
        let sum = format!("{sum:.6}");
        let sum = sum.trim_end_matches('0').trim_end_matches('.');
        problems.at(last, format!("all shares add up to {sum}"), "shares that add up to 1");
    }
}

fn job(
    raw: &Job,
    index: usize,
    sharing: Sharing,
    place: &Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<JobType> {
    let key = |name: &str| format!("{}.{name}", raw.path);
    let share = share(raw, sharing, problems);
    let known = place.known;
    let functions = || known.functions.join(", ");
    let name = raw.name.as_ref().map_or_else(|| format!("job-{index}"), |at| at.value.clone());
    let simulated = place.on.is_simulated();
    let function = match &raw.function {
        // There nothing is called: a function is only a name that nodes may or may not offer.
        Some(at) if simulated => Some(at.value.clone()),
        None if simulated => Some(name.clone()),
        None => {
            problems.missing(&key("function"), &raw.span, &format!("one of {}", functions()));
            None
        }
        // What a fleet offers is asked of its nodes.
        Some(at) if matches!(place.on, super::Place::Fleet(_)) => {
            if !is_segment(&at.value) {
                problems.refused(at, "letters, digits and any of -_. : it becomes part of an address");
            }
            Some(at.value.clone())
        }
        Some(at) if known.functions.contains(&at.value.as_str()) => Some(at.value.clone()),
        Some(at) => {
            let near = did_you_mean(&at.value, known.functions.iter().copied());
            problems.at(
                at,
                format!("unknown function \"{}\"{near}", at.value),
                &format!("one of {}", functions()),
            );
            None
        }
    };
    let deadline_s = raw.deadline_s.as_ref().map(|at| {
        if !(at.value.is_finite() && at.value > 0.0) {
            problems.refused(at, "seconds, above 0");
        }
        at.value
    });
    let sent = raw.payload.as_ref().filter(|_| !simulated);
    let payload = sent.map_or(Some(PayloadSpec::Empty), |at| payload(at, place.path, problems));
    let given = raw.service.as_ref().filter(|_| place.on != super::Place::SimRecorded);
    let service = given.map_or(Some(None), |raw| service::resolve(raw, index, place, problems).map(Some));
    if place.on == super::Place::Sim && raw.service.is_none() {
        let expected = "service = { kind = ..., mean_s = ... }, the time that a job takes at speed 1";
        problems.missing(&key("service"), &raw.span, expected);
    }
    Some(JobType {
        name,
        share: share?,
        function: function?,
        payload: payload?,
        service: service?,
        deadline_s,
        payload_bytes: raw.payload_bytes.as_ref().map_or(0, |at| at.value),
        answer_bytes: raw.answer_bytes.as_ref().map_or(0, |at| at.value),
    })
}

/// Whether a name can stand between two slashes of an address as it is.
fn is_segment(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !name.starts_with('.')
}

fn share(raw: &Job, sharing: Sharing, problems: &mut Collector<'_>) -> Option<f64> {
    match (sharing, &raw.share) {
        (Sharing::Alone, None) => Some(1.0),
        (Sharing::Own | Sharing::Trace, None) => Some(0.0),
        (Sharing::Own, Some(at)) => {
            problems.at(at, "given together with traffic of its own", "one of the two");
            None
        }
        (Sharing::Trace, Some(at)) => {
            problems.at(at, "the trace says which jobs are of which task type", "no share");
            None
        }
        (Sharing::Shares, None) => {
            let expected = "its share of the jobs; all shares add up to 1";
            problems.missing(&format!("{}.share", raw.path), &raw.span, expected);
            None
        }
        (Sharing::Alone, Some(at)) if (at.value - 1.0).abs() > SHARE_TOLERANCE => {
            problems.refused(at, "1, since there are no other jobs");
            None
        }
        (_, Some(at)) if (0.0..=1.0).contains(&at.value) => Some(at.value),
        (_, Some(at)) => {
            problems.refused(at, "a share of the jobs, from 0 to 1");
            None
        }
    }
}

/// `sample:SIDE`, `text:WORDS`, or a file; relative ones are looked for beside the experiment file.
fn payload(at: &At<String>, path: &Path, problems: &mut Collector<'_>) -> Option<PayloadSpec> {
    if let Some(side) = at.value.strip_prefix("sample:") {
        let side = side.parse().ok().filter(|side| SAMPLE_SIDES.contains(side));
        if side.is_none() {
            let (least, most) = SAMPLE_SIDES.into_inner();
            problems.refused(at, &format!("sample:SIDE with a side from {least} to {most} pixels"));
        }
        return side.map(PayloadSpec::Sample);
    }
    if let Some(text) = at.value.strip_prefix("text:") {
        return Some(PayloadSpec::Text(text.into()));
    }
    let name = at.value.strip_prefix("file:").unwrap_or(&at.value);
    let file = path.parent().unwrap_or(Path::new("")).join(name);
    match std::fs::File::open(&file).and_then(|open| open.metadata()) {
        Ok(metadata) if metadata.is_file() => Some(PayloadSpec::File(file)),
        outcome => {
            let reason = outcome.map_or_else(|error| error.to_string(), |_| "not a file".into());
            let reason = format!("{} cannot be read: {reason}", file.display());
            problems.at(at, reason, "a file (beside the experiment file), sample:SIDE, or text:WORDS");
            None
        }
    }
}
