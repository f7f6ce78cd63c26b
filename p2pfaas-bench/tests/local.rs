//! Whole experiments on embedded clusters.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::path::Path;
use std::time::Duration;

use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::kept;
use p2pfaas_bench::progress::Progress;
use p2pfaas_bench::results::Folder;
use p2pfaas_bench::run::{Options, run};
use p2pfaas_bench::summary::Summary;
use p2pfaas_core::policy::Registry;
use p2pfaas_node::BUILTIN_FUNCTIONS;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Row;
use tokio_util::sync::CancellationToken;

fn experiment(duration_s: f64, more: &str) -> Experiment {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &BUILTIN_FUNCTIONS };
    let text = format!(
        "[cluster]\nslots = 1\nqueue = 0\n[[cluster.node]]\nspeed = 0.5\n[[cluster.node]]\nspeed = 4\n\
         [traffic]\nkind = \"poisson\"\nrates = [40.0, 5.0]\n\
         [[jobs]]\nfunction = \"echo\"\nservice = {{ kind = \"deterministic\", mean_s = 0.05 }}\n\
         deadline_s = 20.0\n[run]\nwarmup_s = 0.2\nduration_s = {duration_s}\nseeds = [1]\n{more}"
    );
    Experiment::parse(Path::new("tiny.toml"), text, Place::Local, &known)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

const NONE: &str = "[[policy]]\nlabel = \"none\"\nname = \"NoScheduler\"\n";
const POWER: &str = "[[policy]]\nlabel = \"power\"\nname = \"PowerOfNScheduler\"\nthreshold = 1\n";

fn measure(experiment: &Experiment, folder: &Path, cancel: &CancellationToken) -> (Summary, Vec<Row>) {
    let folder = Folder::create(Some(folder), experiment).unwrap();
    let progress = Progress::hidden(experiment);
    let summary =
        run(experiment, Registry::builtin(), &folder, Options::default(), cancel, &progress).unwrap();
    let reader = SerializedFileReader::try_from(folder.jobs().as_path()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    (summary, rows)
}

fn cell(row: &Row, name: &str) -> String {
    let (_, value) = row.get_column_iter().find(|(column, _)| *column == name).unwrap();
    value.to_string()
}

fn of<'a>(rows: &'a [Row], policy: &str) -> Vec<&'a Row> {
    let name = format!("\"{policy}\"");
    let mut rows: Vec<_> = rows.iter().filter(|row| cell(row, "policy") == name).collect();
    rows.sort_by_key(|row| cell(row, "job").parse::<u64>().unwrap());
    rows
}

#[test]
fn an_interrupted_run_goes_on_where_it_was_ended_and_keeps_the_rows_that_were_there() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(0.8, &format!("{NONE}{POWER}"));
    let manifest = kept::Manifest::of(&experiment, "--on local".into());
    let go = |folder: &Folder, cancel: &CancellationToken| {
        let progress = Progress::hidden(&experiment);
        run(&experiment, Registry::builtin(), folder, Options::default(), cancel, &progress).unwrap()
    };
    let cancel = CancellationToken::new();
    let out = kept::open(Some(folder.path()), None, &experiment, &manifest).unwrap();
    let first_run = folder.path().join("runs/0000.run");
    let interrupted = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !first_run.is_file() {
                std::thread::yield_now();
            }
            cancel.cancel();
        });
        go(&out, &cancel)
    });
    assert!(interrupted.interrupted);
    let kept_rows = std::fs::read(folder.path().join("runs/0000.parquet")).unwrap();

    let out = kept::open(None, Some(folder.path()), &experiment, &manifest).unwrap();
    let summary = go(&out, &CancellationToken::new());
    assert!(!summary.interrupted && !folder.path().join("runs").exists());
    assert_eq!(summary.policies.len(), 2);
    assert_eq!(summary.policies[0], interrupted.policies[0], "the first policy was not run again");
    let reader = SerializedFileReader::try_from(folder.path().join("jobs.parquet").as_path()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let kept_rows = SerializedFileReader::new(bytes::Bytes::from(kept_rows)).unwrap();
    let kept_rows: Vec<_> = kept_rows.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows[..kept_rows.len()], kept_rows[..]);
    assert!(!of(&rows, "power").is_empty());
}

#[test]
fn two_nodes_serve_the_same_jobs_under_both_policies_and_every_job_has_one_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(1.5, &format!("{NONE}{POWER}"));
    let (summary, rows) = measure(&experiment, folder.path(), &CancellationToken::new());
    assert!(!summary.interrupted);
    let [none, power] = &summary.policies[..] else { panic!("two policies: {summary:?}") };

    // The same jobs, whatever becomes of them.
    assert_eq!(none.offered, power.offered);
    let jobs = |policy| of(&rows, policy).iter().map(|row| cell(row, "scheduled_s")).collect::<Vec<_>>();
    assert_eq!(jobs("none"), jobs("power"));

    for policy in [none, power] {
        let served = policy.served as f64 / policy.offered as f64;
        let sum = served + policy.dropped + policy.rejected + policy.failed + policy.cancelled;
        assert!((sum - 1.0).abs() < 1e-9, "{policy:?}");
        assert_eq!(
            (policy.failed, policy.cancelled, policy.rejected),
            (0.0, 0.0, 0.0),
            "{:?}",
            summary.warnings
        );
        assert!(policy.served > 0 && policy.cost.unwrap().executions > 0);
        let counted = of(&rows, &policy.label).iter().filter(|row| cell(row, "warmup") == "false").count();
        assert_eq!(counted as u64, policy.offered);
    }
    // Three of four jobs find the slow node's only slot taken; nobody helps, or the fast node does.
    assert_eq!((none.forwarded, none.probes_per_job), (0.0, 0.0));
    assert!(none.dropped > 0.2, "{none:?}");
    assert!(power.forwarded > 0.0 && power.probes_per_job > 0.0, "{power:?}");

    let helped = of(&rows, "power").into_iter().find(|row| {
        cell(row, "node") == "0" && cell(row, "executed_by") == "1" && cell(row, "outcome") == "\"served\""
    });
    let helped = helped.expect("the fast node helps the slow one");
    assert_eq!((cell(helped, "forwarded"), cell(helped, "hops")), ("true".into(), "1".into()));
    // 50 ms at speed 4, and no real device is faster than its emulation.
    assert!(cell(helped, "execution_s").parse::<f64>().unwrap() >= 0.0125);
    let alone = of(&rows, "none").into_iter().find(|row| cell(row, "executed_by") == "0").unwrap();
    assert!(cell(alone, "execution_s").parse::<f64>().unwrap() >= 0.1);

    for file in ["summary.json", "summary.csv", "experiment.toml"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn an_interrupted_experiment_keeps_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(600.0, &format!("{NONE}{POWER}"));
    let cancel = CancellationToken::new();
    let interrupt = cancel.clone();
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(1));
        interrupt.cancel();
    });
    let (summary, rows) = measure(&experiment, folder.path(), &cancel);
    waiter.join().unwrap();
    assert!(summary.interrupted);
    let labels: Vec<_> = summary.policies.iter().map(|policy| policy.label.as_str()).collect();
    assert!(labels.len() <= 1 && labels.iter().all(|label| *label == "none"), "{labels:?}");
    let counted = rows.iter().filter(|row| cell(row, "warmup") == "false").count() as u64;
    assert_eq!(counted, summary.policies.iter().map(|policy| policy.offered).sum::<u64>());
    assert!(summary.policies.iter().all(|policy| policy.measured_s < 600.0));
}

#[test]
fn a_node_serves_the_functions_that_it_offers_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &BUILTIN_FUNCTIONS };
    let text = format!(
        "[cluster]\n[[cluster.node]]\nfunctions = [\"echo\"]\n[[cluster.node]]\n\
         [traffic]\nkind = \"deterministic\"\nrate = 40.0\n\
         [[jobs]]\nshare = 0.5\nfunction = \"echo\"\n[[jobs]]\nshare = 0.5\nfunction = \"sleep\"\npayload = \"text:0\"\n\
         [run]\nduration_s = 0.5\n{NONE}"
    );
    let experiment = Experiment::parse(Path::new("tiny.toml"), text, Place::Local, &known)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let (_, rows) = measure(&experiment, folder.path(), &CancellationToken::new());
    let outcomes = |node: &str, job_type: &str| {
        let there = rows.iter().filter(|row| cell(row, "node") == node && cell(row, "task_type") == job_type);
        there.map(|row| cell(row, "outcome")).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(outcomes("0", "1"), ["\"failed\"".to_string()].into());
    for (node, job_type) in [("0", "0"), ("1", "0"), ("1", "1")] {
        assert_eq!(outcomes(node, job_type), ["\"served\"".to_string()].into(), "{node} {job_type}");
    }
}
