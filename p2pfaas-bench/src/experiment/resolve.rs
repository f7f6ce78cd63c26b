//! From the file as written to an [`Experiment`]: ranges, sums, names, defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use p2pfaas_core::policy::{Policy, PolicyError};

use super::problem::{At, Collector};
use super::suggest::did_you_mean;
use super::*;
use p2pfaas_sim::arrivals::ArrivalKind;
use p2pfaas_sim::service::Service;

/// Task types, policies.
const MAX_LIST: usize = 64;
/// Seeds of one experiment.
const MAX_SEEDS: usize = 1_000;
/// Letters of a label that stand in the names of files.
const LONGEST_FILE_NAME: usize = 100;
/// Sides of sample pictures, pixels.
const SAMPLE_SIDES: RangeInclusive<u32> = 24..=1024;
/// How far the shares' sum may be from 1.
const SHARE_TOLERANCE: f64 = 1e-6;

/// `None` when something is missing without which the rest makes no sense; then, and whenever
/// something is wrong, there is a problem.
pub(super) fn resolve(
    file: &file::File,
    path: &Path,
    source: &str,
    place: Place,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) -> Option<Experiment> {
    let start = 0..0;
    if file.cluster.is_none() {
        problems.missing("cluster", &start, "a table [cluster] with the number of nodes");
    }
    if file.traffic.is_none() {
        problems.missing("traffic", &start, "a table [traffic] with kind and rate");
    }
    if file.run.is_none() {
        problems.missing("run", &start, "a table [run] with duration_s");
    }
    let cluster = file.cluster.as_ref().and_then(|cluster| cluster::resolve(cluster, place, problems));
    let node_count = cluster.as_ref().map(|(nodes, _)| nodes.len());
    let traffic = file.traffic.as_ref().and_then(|raw| traffic(raw, node_count, problems));
    let jobs = jobs(&file.jobs, path, known, problems);
    let policies = policies(&file.policies, node_count.unwrap_or(1), path, known, problems);
    let run = file.run.as_ref().and_then(|raw| run(raw, problems));
    if let (Some(raw), Some(jobs)) = (&file.cluster, &jobs) {
        cluster::functions_called(raw, jobs, problems);
    }
    let seed = run.as_ref().and_then(|(_, _, seeds)| seeds.first()).copied();
    let network = match (&file.network, place) {
        (Some(raw), Place::Sim) => network::resolve(raw, node_count, seed, path, problems),
        // What else there is has been refused.
        _ => Some(NetworkSpec::default()),
    };
    let ((nodes, cluster), network) = (cluster?, network?);
    let (mut traffic, jobs, policies) = (traffic?, jobs?, policies?);
    traffic.shares = jobs.iter().map(|job| job.share).collect();
    let (warmup_s, duration_s, seeds) = run?;
    emulation(file, &nodes, &jobs, problems);
    let train_s = policies.iter().map(PolicySpec::train_s).fold(0.0, f64::max);
    let expected_jobs = traffic.rates.iter().sum::<f64>() * (train_s + warmup_s + duration_s);
    let most_jobs = most_jobs(place);
    if let (true, Some(raw)) = (expected_jobs > most_jobs, &file.run) {
        let reason = format!("about {expected_jobs:.0} jobs in one run are too many");
        problems.add("run", &raw.span, reason, &format!("at most {most_jobs:.0}"));
    }
    let name =
        path.file_stem().map_or_else(|| "experiment".into(), |stem| stem.to_string_lossy().into_owned());
    Some(Experiment {
        name,
        source: source.into(),
        nodes,
        cluster,
        network,
        traffic,
        jobs,
        policies,
        warmup_s,
        duration_s,
        seeds,
    })
}

/// Jobs of one run, on average.
fn most_jobs(place: Place) -> f64 {
    match place {
        // Each of them is a row in the results.
        Place::Local => 1e7,
        Place::Sim => 1e10,
    }
}

fn traffic(raw: &file::Traffic, nodes: Option<usize>, problems: &mut Collector<'_>) -> Option<Traffic> {
    let kind = match &raw.kind {
        None => {
            problems.missing("traffic.kind", &raw.span, "\"poisson\" or \"deterministic\"");
            None
        }
        Some(at) => match at.value.as_str() {
            "poisson" => Some(ArrivalKind::Poisson),
            "deterministic" => Some(ArrivalKind::Deterministic),
            // Refused by `local`.
            _ => return None,
        },
    };
    const RATE: &str = "jobs per second and node, 0 or more";
    let good = |rate: &f64| rate.is_finite() && *rate >= 0.0;
    let rates = match (&raw.rate, &raw.rates) {
        (Some(_), Some(rates)) => {
            problems.at(rates, "given together with traffic.rate", "one of the two");
            None
        }
        (None, None) => {
            problems.missing("traffic.rate", &raw.span, &format!("{RATE}; or rates = [...], one a node"));
            None
        }
        (Some(rate), None) if !good(&rate.value) => {
            problems.refused(rate, RATE);
            None
        }
        (Some(rate), None) => nodes.map(|nodes| (vec![rate.value; nodes], &rate.span)),
        (None, Some(rates)) => {
            let mut right = true;
            for (node, _) in rates.value.iter().enumerate().filter(|(_, rate)| !good(rate)) {
                problems.at(rates, format!("the rate of node {node} is not possible"), RATE);
                right = false;
            }
            if let Some(nodes) = nodes.filter(|nodes| *nodes != rates.value.len()) {
                let reason = format!("{} rates for {nodes} nodes", rates.value.len());
                problems.at(rates, reason, "one rate a node");
                right = false;
            }
            right.then(|| (rates.value.clone(), &rates.span))
        }
    };
    let (rates, span) = rates?;
    if rates.iter().all(|rate| *rate == 0.0) {
        problems.add("traffic", span, "no node has any traffic", "at least one rate above 0");
    }
    Some(Traffic { kind: kind?, rates, shares: Vec::new() })
}

fn jobs(
    raw: &[file::Job],
    path: &Path,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) -> Option<Vec<JobType>> {
    if raw.is_empty() || raw.len() > MAX_LIST {
        let expected = format!("1 to {MAX_LIST} tables [[jobs]], each with function and share");
        problems.add("jobs", &(0..0), format!("{} task types", raw.len()), &expected);
        return None;
    }
    let alone = raw.len() == 1;
    let jobs = raw.iter().enumerate().map(|(index, raw)| job(raw, index, alone, path, known, problems));
    // All are looked at before the first that is wrong ends it.
    let jobs: Vec<_> = jobs.collect();
    if !alone {
        shares(raw, problems);
    }
    jobs.into_iter().collect()
}

/// The sum is checked as soon as every share is there, whatever else is wrong with the jobs.
fn shares(raw: &[file::Job], problems: &mut Collector<'_>) {
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
    raw: &file::Job,
    index: usize,
    alone: bool,
    path: &Path,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) -> Option<JobType> {
    let key = |name: &str| format!("{}.{name}", raw.path);
    let share = match &raw.share {
        None if alone => Some(1.0),
        None => {
            problems.missing(&key("share"), &raw.span, "its share of the jobs; all shares add up to 1");
            None
        }
        Some(at) if alone && (at.value - 1.0).abs() > SHARE_TOLERANCE => {
            problems.refused(at, "1, since there are no other jobs");
            None
        }
        Some(at) if (0.0..=1.0).contains(&at.value) => Some(at.value),
        Some(at) => {
            problems.refused(at, "a share of the jobs, from 0 to 1");
            None
        }
    };
    let functions = || known.functions.join(", ");
    let function = match &raw.function {
        None => {
            problems.missing(&key("function"), &raw.span, &format!("one of {}", functions()));
            None
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
    let payload = raw.payload.as_ref().map_or(Some(PayloadSpec::Empty), |at| payload(at, path, problems));
    let service = raw.service.as_ref().map_or(Some(None), |raw| service(raw, problems).map(Some));
    Some(JobType {
        name: raw.name.as_ref().map_or_else(|| format!("job-{index}"), |at| at.value.clone()),
        share: share?,
        function: function?,
        payload: payload?,
        service: service?,
        deadline_s,
        payload_bytes: raw.payload_bytes.as_ref().map_or(0, |at| at.value),
        answer_bytes: raw.answer_bytes.as_ref().map_or(0, |at| at.value),
    })
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

fn service(raw: &file::Service, problems: &mut Collector<'_>) -> Option<Service> {
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

fn policies(
    raw: &[file::Policy],
    nodes: usize,
    path: &Path,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) -> Option<Vec<PolicySpec>> {
    if raw.is_empty() || raw.len() > MAX_LIST {
        let expected = format!("1 to {MAX_LIST} tables [[policy]], each with a name");
        problems.add("policy", &(0..0), format!("{} policies", raw.len()), &expected);
        return None;
    }
    let mut labels = BTreeSet::new();
    let mut policies = Vec::new();
    for raw in raw {
        let Some(policy) = build(raw, known, problems) else { continue };
        let descriptor = policy.descriptor();
        let label = raw.label.as_ref().map_or_else(|| descriptor.to_string(), |at| at.value.clone());
        if label.trim().is_empty() || !labels.insert(label.clone()) {
            let span = raw.label.as_ref().map_or(&raw.span, |at| &at.span);
            let reason = format!("the label \"{label}\" is empty or taken");
            problems.add(&format!("{}.label", raw.path), span, reason, "a label of its own for each policy");
        }
        let agent = learned::agent(raw, &*policy, nodes, path, problems);
        let reward = learned::reward(raw, &*policy, problems);
        let file_name = file_name(&label, &policies);
        policies.push(PolicySpec { label, file_name, descriptor, agent, reward });
    }
    (policies.len() == raw.len()).then_some(policies)
}

/// A label without what file systems or shells may not like.
fn file_name(label: &str, taken: &[PolicySpec]) -> String {
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || "-.".contains(letter) { letter } else { '_' };
    let mut name: String = label.trim_start_matches('.').chars().map(safe).take(LONGEST_FILE_NAME).collect();
    // Two labels may look the same then.
    let unchanged = name.clone();
    let mut number = 1;
    while name.is_empty() || taken.iter().any(|policy| policy.file_name == name) {
        number += 1;
        name = format!("{unchanged}_{number}");
    }
    name
}

/// Builds the policy once, so that whatever is wrong with it shows before anything starts.
fn build(raw: &file::Policy, known: &Known<'_>, problems: &mut Collector<'_>) -> Option<Box<dyn Policy>> {
    let Some(name) = &raw.name else {
        problems.missing(&format!("{}.name", raw.path), &raw.span, "the name of a policy");
        return None;
    };
    let built = match (&raw.parameters, &raw.typed[..]) {
        (Some(parameters), []) => known
            .registry
            .build(&Descriptor { name: name.value.clone(), parameters: parameters.value.clone() }),
        (Some(_), [(_, first), ..]) => {
            let reason = "parameters are given both as a list and by name";
            problems.at(first, reason, "one of the two forms");
            return None;
        }
        (None, typed) => {
            let typed: BTreeMap<_, _> =
                typed.iter().map(|(name, at)| (name.clone(), at.value.clone())).collect();
            known.registry.build_typed(&name.value, &typed)
        }
    };
    match built {
        Ok(policy) => Some(policy),
        Err(error) => {
            refuse_policy(raw, name, &error, known, problems);
            None
        }
    }
}

fn refuse_policy(
    raw: &file::Policy,
    name: &At<String>,
    error: &PolicyError,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) {
    let place = |parameter: &str| -> (String, &Range<usize>) {
        let typed = raw.typed.iter().find(|(name, _)| name == parameter).map(|(_, at)| at);
        match (typed, &raw.parameters) {
            (Some(at), _) => (at.key.clone(), &at.span),
            (None, Some(list)) => (list.key.clone(), &list.span),
            (None, None) => (name.key.clone(), &name.span),
        }
    };
    match error {
        PolicyError::UnknownName { name: text, known: names } => {
            let near = did_you_mean(text, known.registry.kinds().map(|(name, _)| name));
            let reason = format!("unknown policy \"{text}\"{near}");
            problems.at(name, reason, &format!("one of {names}"));
        }
        PolicyError::TooFewParameters { policy, needed, names, got } => {
            let (key, span) = place("");
            let reason = format!("{policy} has {needed} parameters, here are {got}");
            problems.add(&key, span, reason, &format!("[{names}]"));
        }
        PolicyError::BadValue { parameter, expected, got } => {
            let (key, span) = place(parameter);
            problems.add(&key, span, format!("{parameter} cannot be \"{got}\""), expected);
        }
        PolicyError::UnknownParameter { parameter, known: names } => {
            let (key, span) = place(parameter);
            let near = did_you_mean(parameter, names.split(", "));
            let reason = format!("{} has no parameter \"{parameter}\"{near}", name.value);
            problems.add(&key, span, reason, &format!("one of {names}"));
        }
    }
}

fn run(raw: &file::Run, problems: &mut Collector<'_>) -> Option<(f64, f64, Vec<u64>)> {
    let warmup_s = raw.warmup_s.as_ref().map_or(0.0, |at| {
        if !(at.value.is_finite() && at.value >= 0.0) {
            problems.refused(at, "seconds, 0 or more");
        }
        at.value
    });
    let duration_s = match &raw.duration_s {
        None => {
            problems.missing("run.duration_s", &raw.span, "the seconds to count, above 0");
            None
        }
        Some(at) => {
            if !(at.value.is_finite() && at.value > 0.0) {
                problems.refused(at, "seconds, above 0");
            }
            Some(at.value)
        }
    };
    let seeds = match &raw.seeds {
        None => vec![1],
        Some(at) => {
            let different = at.value.iter().collect::<BTreeSet<_>>().len() == at.value.len();
            if at.value.is_empty() || at.value.len() > MAX_SEEDS || !different {
                problems.refused(at, &format!("1 to {MAX_SEEDS} different seeds"));
            }
            at.value.clone()
        }
    };
    Some((warmup_s, duration_s?, seeds))
}

/// A speed divides service times: without them it would be ignored in silence.
fn emulation(file: &file::File, nodes: &[NodeSpec], jobs: &[JobType], problems: &mut Collector<'_>) {
    if nodes.iter().all(|node| node.speed == 1.0) {
        return;
    }
    for (job, raw) in jobs.iter().zip(&file.jobs).filter(|(job, _)| job.service.is_none()) {
        let reason = format!("{} has no service time for the nodes' speeds to divide", job.name);
        let key = format!("{}.service", raw.path);
        problems.add(
            &key,
            &raw.span,
            reason,
            "service = { kind = ..., mean_s = ... }, or speed 1 everywhere",
        );
    }
}
