//! From the file as written to an [`Experiment`]: ranges, sums, names, defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use p2pfaas_core::policy::{Policy, PolicyError};

use p2pfaas_sim::reference::ReferenceKind;

use super::problem::{At, Collector};
use super::suggest::did_you_mean;
use super::*;
use crate::recorded::Speeds;

/// Policies.
const MAX_LIST: usize = 64;
/// Seeds of one experiment.
const MAX_SEEDS: usize = 1_000;
/// Letters of a label that stand in the names of files.
const LONGEST_FILE_NAME: usize = 100;

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
    let all_own = !file.jobs.is_empty() && file.jobs.iter().all(|job| job.traffic.is_some());
    if file.traffic.is_none() && !all_own {
        problems.missing("traffic", &start, "a table [traffic] with kind and rate");
    }
    if file.run.is_none() {
        problems.missing("run", &start, "a table [run] with duration_s");
    }
    let cluster = file.cluster.as_ref().and_then(|cluster| cluster::resolve(cluster, place, problems));
    let node_count = cluster.as_ref().map(|(nodes, _)| nodes.len());
    let run = file.run.as_ref().and_then(|raw| run(raw, problems));
    let nodes = cluster.iter().flat_map(|(nodes, _)| nodes);
    let speeds = Speeds::new(nodes.map(|node| node.speed).collect());
    let traffic_place = traffic::Place {
        path,
        nodes: node_count,
        speeds: &speeds,
        task_types: file.jobs.len(),
        // A cool-down does not change what comes before it.
        horizon_s: run.as_ref().map(|run| run.warmup_s + run.duration_s),
    };
    let traffic = match place {
        // Its traces may not lie beside what was recorded.
        Place::SimRecorded => Some(Vec::new()),
        _ => traffics(file, &traffic_place, problems),
    };
    let jobs = jobs::resolve(
        &file.jobs,
        file.traffic.as_ref(),
        &jobs::Place { on: place, path, known, speeds: &speeds },
        problems,
    );
    let policies = policies(&file.policies, node_count.unwrap_or(1), path, place, known, problems);
    if let (Some(raw), Some(jobs)) = (&file.cluster, &jobs) {
        cluster::functions_called(raw, jobs, problems);
    }
    let seed = run.as_ref().and_then(|run| run.seeds.first()).copied();
    let network = match (&file.network, place) {
        (Some(raw), place) if place.is_simulated() => network::resolve(raw, node_count, seed, path, problems),
        // What else there is has been refused.
        _ => Some(NetworkSpec::default()),
    };
    let ((nodes, cluster), network) = (cluster?, network?);
    let (mut traffic, jobs, policies) = (traffic?, jobs?, policies?);
    if let (true, Some(shared)) = (file.traffic.is_some(), traffic.first_mut()) {
        shared.shares = jobs.iter().map(|job| job.share).collect();
    }
    let run = run?;
    if matches!(place, Place::Local | Place::Sim) {
        emulation(file, &nodes, &jobs, problems);
    }
    let train_s = policies.iter().map(PolicySpec::train_s).fold(0.0, f64::max);
    let horizon_s = run.horizon_s();
    for (raw, traffic) in tables(file).zip(&traffic) {
        traffic::fits(raw, traffic, train_s, horizon_s, problems);
    }
    let expected_jobs: f64 = traffic.iter().map(|traffic| traffic.expected_jobs(-train_s, horizon_s)).sum();
    let most_jobs = most_jobs(place);
    if let (true, Some(raw)) = (expected_jobs > most_jobs, &file.run) {
        let digits =
            if expected_jobs < 1e12 { format!("{expected_jobs:.0}") } else { format!("{expected_jobs:.0e}") };
        let reason = format!("about {digits} jobs in one run are too many");
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
        warmup_s: run.warmup_s,
        duration_s: run.duration_s,
        cooldown_s: run.cooldown_s,
        seeds: run.seeds,
        vary: file.run.as_ref().map_or_else(Vec::new, |run| run.vary.clone()),
    })
}

/// Jobs of one run, on average.
fn most_jobs(place: Place) -> f64 {
    match place {
        // Each of them is a row in the results.
        Place::Local | Place::Fleet(_) => 1e7,
        _ => 1e10,
    }
}

/// `[traffic]`, then the task types' own.
fn tables(file: &file::File) -> impl Iterator<Item = &traffic::keys::Traffic> {
    file.traffic.iter().chain(file.jobs.iter().filter_map(|job| job.traffic.as_ref()))
}

/// One for each of [`tables`]; that of `[traffic]` without shares.
fn traffics(
    file: &file::File,
    place: &traffic::Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<Vec<Traffic>> {
    let shared = file.traffic.iter().map(|raw| traffic::resolve(raw, true, place, problems));
    let mut all: Vec<_> = shared.collect();
    for (task_type, job) in file.jobs.iter().enumerate() {
        if let Some(raw) = &job.traffic {
            let shares = (0..file.jobs.len()).map(|other| f64::from(u8::from(other == task_type))).collect();
            let own = traffic::resolve(raw, false, place, problems);
            all.push(own.map(|own| Traffic { shares, ..own }));
        }
    }
    // All are looked at before the first that is wrong ends it.
    all.into_iter().collect()
}

fn policies(
    raw: &[file::Policy],
    nodes: usize,
    path: &Path,
    place: Place,
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
        let reference = raw.name.as_ref().and_then(|name| ReferenceKind::find(&name.value));
        let (descriptor, policy) = match reference {
            Some(kind) => match reference_policy(raw, kind, place, known, problems) {
                Some(descriptor) => (descriptor, None),
                None => continue,
            },
            None => match build(raw, known, problems) {
                Some(policy) => (policy.descriptor(), Some(policy)),
                None => continue,
            },
        };
        let label = raw.label.as_ref().map_or_else(|| descriptor.to_string(), |at| at.value.clone());
        if label.trim().is_empty() || !labels.insert(label.clone()) {
            let span = raw.label.as_ref().map_or(&raw.span, |at| &at.span);
            let reason = format!("the label \"{label}\" is empty or taken");
            problems.add(&format!("{}.label", raw.path), span, reason, "a label of its own for each policy");
        }
        let agent =
            policy.as_ref().and_then(|policy| learned::agent(raw, &**policy, nodes, path, place, problems));
        let reward = policy.map_or_else(Reward::default, |policy| learned::reward(raw, &*policy, problems));
        let file_name = file_name(&label, &policies);
        policies.push(PolicySpec { label, file_name, descriptor, agent, reward, reference: false });
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

/// A full-information policy: there is none outside of the simulator.
fn reference_policy(
    raw: &file::Policy,
    kind: &ReferenceKind,
    place: Place,
    known: &Known<'_>,
    problems: &mut Collector<'_>,
) -> Option<Descriptor> {
    let name = raw.name.as_ref()?;
    if !place.is_simulated() {
        let reason = format!("{} knows the loads of all nodes at once, which no real node can", kind.name);
        problems.at(name, reason, "another policy (this one only --on sim)");
        return None;
    }
    for table in raw.agent.iter().map(|agent| &agent.parameters).chain(&raw.reward) {
        let reason = format!("{} asks no agent", kind.name);
        problems.add(&table.path, &table.span, reason, "no such table");
    }
    let built = match (&raw.parameters, &raw.typed[..]) {
        (Some(parameters), []) => kind.from_wire(&parameters.value),
        (Some(_), [(_, first), ..]) => {
            let reason = "parameters are given both as a list and by name";
            problems.at(first, reason, "one of the two forms");
            return None;
        }
        (None, typed) => {
            kind.from_typed(&typed.iter().map(|(name, at)| (name.clone(), at.value.clone())).collect())
        }
    };
    match built {
        Ok(reference) => Some(reference.descriptor()),
        Err(error) => {
            refuse_policy(raw, name, &error, known, problems);
            None
        }
    }
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
            let kinds = known.registry.kinds().map(|(name, _)| name);
            let near = did_you_mean(text, kinds.chain(ReferenceKind::ALL.iter().map(|kind| kind.name)));
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

/// `[run]`, checked.
struct Times {
    warmup_s: f64,
    duration_s: f64,
    cooldown_s: f64,
    seeds: Vec<u64>,
}

impl Times {
    fn horizon_s(&self) -> f64 {
        self.warmup_s + self.duration_s + self.cooldown_s
    }
}

fn run(raw: &file::Run, problems: &mut Collector<'_>) -> Option<Times> {
    let mut beside = |at: &Option<At<f64>>| {
        let Some(at) = at else { return 0.0 };
        if !(at.value.is_finite() && at.value >= 0.0) {
            problems.refused(at, "seconds, 0 or more");
        }
        at.value
    };
    let (warmup_s, cooldown_s) = (beside(&raw.warmup_s), beside(&raw.cooldown_s));
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
    Some(Times { warmup_s, duration_s: duration_s?, cooldown_s, seeds })
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
