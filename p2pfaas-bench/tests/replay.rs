//! Recorded runs and recorded nodes, replayed.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use p2pfaas_bench::beside::Beside;
use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::progress::Progress;
use p2pfaas_bench::replay::{Plan, replay_log};
use p2pfaas_bench::results::Folder;
use p2pfaas_bench::simulate::{self, SimProgress, VirtualTime};
use p2pfaas_bench::summary::Summary;
use p2pfaas_bench::{beside, run};
use p2pfaas_core::policy::Registry;
use p2pfaas_node::BUILTIN_FUNCTIONS;
use parquet::file::reader::{FileReader, SerializedFileReader};
use tokio_util::sync::CancellationToken;

/// Speeds by which no time can be divided exactly, two task types, and no room for some of the jobs.
const SIMULATED: &str = r#"
[cluster]
slots = 2
queue = 1
[[cluster.node]]
speed = 0.7
[[cluster.node]]
count = 2
speed = 3.0
[traffic]
kind = "poisson"
rates = [8.0, 6.0, 3.0]
[[jobs]]
name = "short"
share = 0.7
service = { kind = "exponential", mean_s = 0.3 }
deadline_s = 0.5
[[jobs]]
name = "long"
share = 0.3
service = { kind = "gamma", mean_s = 0.9, cv = 0.5 }
deadline_s = 1.0
[[policy]]
label = "none"
name = "NoScheduler"
[[policy]]
label = "power"
name = "PowerOfNScheduler"
threshold = 1
[run]
warmup_s = 3
duration_s = 60
seeds = [4, 9]
"#;

const LEARNED: &str =
    "[[policy]]\nlabel = \"learned\"\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 5\n";

fn known(registry: &Registry) -> Known<'_> {
    Known { registry, functions: &BUILTIN_FUNCTIONS }
}

fn parse(text: &str, place: Place) -> Experiment {
    let registry = Registry::builtin();
    Experiment::parse(Path::new("tiny.toml"), text.into(), place, &known(&registry))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn simulate(experiment: &Experiment, engine: &dyn simulate::Engine, folder: &Path) -> Summary {
    let out = Folder::create(Some(folder), experiment).unwrap();
    let options = simulate::Options { threads: None, jobs: true };
    let cancel = CancellationToken::new();
    simulate::run(experiment, engine, &out, options, &cancel, &SimProgress::hidden()).unwrap()
}

fn record(text: &str, folder: &Path) {
    simulate(&parse(text, Place::Sim), &VirtualTime::new(Registry::builtin()), folder);
}

fn replay(recorded: &Path, into: &Path) -> Beside {
    let registry = Registry::builtin();
    let plan = Plan::new(recorded, &known(&registry)).unwrap();
    let engine = plan.engine(VirtualTime::new(Registry::builtin()));
    let summary = simulate(&plan.experiment, &engine, into);
    Beside::of(&plan.measured, &summary, plan.notes.clone())
}

/// What became of each job, in the order of policies, seeds and jobs.
fn jobs(folder: &Path) -> Vec<Vec<String>> {
    const COLUMNS: [&str; 11] = [
        "policy",
        "seed",
        "job",
        "node",
        "task_type",
        "scheduled_s",
        "phase",
        "outcome",
        "in_time",
        "executed_by",
        "hops",
    ];
    let reader = SerializedFileReader::try_from(folder.join("jobs.parquet").as_path()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
    let cells = rows.map(|row| {
        let cell = |name| row.get_column_iter().find(|(column, _)| *column == name).unwrap().1.to_string();
        COLUMNS.map(cell).to_vec()
    });
    let mut jobs: Vec<_> = cells.collect();
    jobs.sort();
    jobs
}

#[test]
fn a_simulated_run_is_replayed_with_the_same_outcome_of_every_job() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(SIMULATED, first.path());
    let beside = replay(first.path(), second.path());
    let recorded = jobs(first.path());
    assert!(recorded.len() > 3_000, "{} jobs", recorded.len());
    for outcome in ["\"served\"", "\"dropped\""] {
        assert!(recorded.iter().any(|job| job[7] == outcome), "{outcome}");
    }
    assert!(recorded == jobs(second.path()), "every job has the same fate");
    assert_eq!(beside.policies.len(), 2);
    for pair in &beside.policies {
        let difference = pair.difference;
        assert_eq!((difference.in_time, difference.forwarded, difference.dropped), (0.0, 0.0, 0.0));
        assert!(difference.latency_mean_s.unwrap().abs() < 1e-8, "{pair:?}");
    }
    assert!(beside.notes.is_empty(), "{:?}", beside.notes);
}

#[test]
fn a_simulation_beside_a_run_draws_from_its_service_times() {
    let folder = tempfile::tempdir().unwrap();
    record(SIMULATED, folder.path());
    let mut experiment = parse(&SIMULATED.replace("service", "#"), Place::SimMeasured);
    let registry = Registry::builtin();
    let measured = beside::Measured::open(folder.path(), &known(&registry)).unwrap();
    measured.is_of(&experiment, &Registry::builtin()).unwrap();
    assert!(measured.give_times(&mut experiment).unwrap().is_empty());
    for (job, mean_s) in experiment.jobs.iter().zip([0.3, 0.9]) {
        let seen_s = job.service.as_ref().unwrap().mean_s();
        assert!((seen_s / mean_s - 1.0).abs() < 0.1, "{}: {seen_s}", job.name);
    }
    let there = tempfile::tempdir().unwrap();
    let summary = simulate(&experiment, &VirtualTime::new(Registry::builtin()), there.path());
    // The same arrivals, other demands of the same law: 2000 jobs.
    for pair in Beside::of(&measured, &summary, Vec::new()).policies {
        let difference = pair.difference;
        assert!(difference.in_time.abs() < 0.04 && difference.forwarded.abs() < 0.04, "{pair:?}");
        assert!(difference.in_time != 0.0, "{pair:?}");
    }
    // Jobs that ran there take what they took.
    let times = measured.job_times().unwrap();
    let summary =
        simulate(&experiment, &VirtualTime::with_times(registry, times), &there.path().join("measured"));
    for pair in Beside::of(&measured, &summary, Vec::new()).policies {
        let difference = pair.difference;
        assert!(difference.in_time.abs() < 0.002 && difference.dropped.abs() < 0.002, "{pair:?}");
    }
}

#[test]
fn learned_policies_are_replayed_by_the_agents_that_were_kept_and_left_out_without_them() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    record(&format!("{SIMULATED}{LEARNED}"), first.path());
    let beside = replay(first.path(), second.path());
    let learned = beside.policies.iter().find(|pair| pair.label == "learned").unwrap();
    assert!(learned.difference.in_time.abs() < 0.05, "{learned:?}");
    assert_eq!(beside.notes, ["learned: agents only act, as the measured run kept them"]);
    let training = jobs(second.path()).iter().filter(|job| job[6] == "\"training\"").count();
    assert_eq!(training, 0);

    fs::remove_file(first.path().join("agents/learned-seed9-node2.ckpt")).unwrap();
    let beside = replay(first.path(), tempfile::tempdir().unwrap().path());
    assert_eq!(beside.policies.len(), 2);
    let [left_out, missing] = &beside.notes[..] else { panic!("{:?}", beside.notes) };
    assert!(left_out.starts_with("learned: left out") && left_out.contains("agents"), "{left_out}");
    assert_eq!(missing, "learned: measured, not simulated");
}

fn p2pfaas(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_p2pfaas")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn nodes_of_an_embedded_cluster_are_replayed_with_the_same_effects() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = parse(
        "[cluster]\nslots = 1\nqueue = 1\n[[cluster.node]]\nspeed = 0.5\n[[cluster.node]]\nspeed = 2\n\
         [traffic]\nkind = \"poisson\"\nrates = [40.0, 5.0]\n[[jobs]]\nfunction = \"echo\"\n\
         service = { kind = \"exponential\", mean_s = 0.03 }\n[[policy]]\nlabel = \"power of two\"\n\
         name = \"PowerOfNScheduler\"\nthreshold = 1\n[run]\nduration_s = 1\n",
        Place::Local,
    );
    let out = Folder::create(Some(folder.path()), &experiment).unwrap();
    let options = run::Options { event_logs: true };
    let (registry, cancel) = (Registry::builtin(), CancellationToken::new());
    let progress = Progress::hidden(&experiment);
    run::run(&experiment, registry.clone(), &out, options, &cancel, &progress).unwrap();

    let logs = [0, 1].map(|node| out.event_log("power_of_two", 1, node));
    let arrived = logs.each_ref().map(|log| {
        let replayed = replay_log(log, &registry).unwrap_or_else(|error| panic!("{error}"));
        assert!(replayed.effects > 0);
        replayed.counters.arrived
    });
    let due = jobs(folder.path()).len() as u64;
    assert!(arrived.iter().sum::<u64>() > due, "{due} came from clients, and some again from the peer");

    let same = p2pfaas(&["replay", text(&logs[0])]);
    let told = String::from_utf8(same.stdout).unwrap();
    assert!(same.status.success() && told.ends_with("effects, all the same\n"), "{told}");
    // Something that the node never did.
    let log = fs::read_to_string(&logs[0]).unwrap();
    let mut lines: Vec<_> = log.lines().collect();
    let with_effects = |line: &&str| line.contains("\"effects\":[{");
    let removed = lines.iter().position(with_effects).unwrap();
    let (entry, _) = lines[removed].split_once("\"effects\":").unwrap();
    let changed = format!("{entry}\"effects\":[]}}");
    lines[removed] = &changed;
    fs::write(&logs[1], lines.join("\n")).unwrap();
    let differs = p2pfaas(&["replay", text(&logs[1])]);
    let told = String::from_utf8(differs.stderr).unwrap();
    assert_eq!(differs.status.code(), Some(1), "{told}");
    assert!(told.contains("the replay did"), "{told}");
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], part: &str| {
        let output = p2pfaas(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(part), "{told}");
    };
    refused(&["replay", text(&folder.path().join("none.log"))], "none.log: cannot be read");
    refused(&["replay", text(folder.path())], "summary.json: cannot be read");
    record(SIMULATED, folder.path());
    let file = folder.path().join("experiment.toml");
    let beside = ["run", text(&file), "--beside", text(folder.path())];
    refused(&beside, "it needs --on sim");
    let other = folder.path().join("other.toml");
    fs::write(&other, SIMULATED.replace("warmup_s = 3", "warmup_s = 4")).unwrap();
    refused(
        &["run", text(&other), "--on", "sim", "--beside", text(folder.path())],
        "experiment.toml: another experiment: run.warmup_s is not the same as in other",
    );
    let summary = folder.path().join("summary.json");
    let text_of = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, text_of.replace("\"seed\": 9", "\"seed\": 8")).unwrap();
    refused(&["replay", text(folder.path())], "jobs.parquet: there is no job of policy \"none\" with seed 8");
    fs::remove_file(folder.path().join("jobs.parquet")).unwrap();
    refused(&["replay", text(folder.path())], "has no jobs.parquet; a run on the simulator writes it");
}
