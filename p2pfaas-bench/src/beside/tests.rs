use std::path::Path;

use p2pfaas_core::policy::Registry;

use super::*;
use crate::experiment::{Experiment, Known, Place};
use crate::testing::{parse_on, summary};

/// 20 % fewer were forwarded there, and 5 % more were in time.
const SUMMARY: &str = r#"{"experiment": "quick", "on": "local", "seeds": [1], "interrupted": false, "warnings": ["a busy machine"],
    "policies": [
        {"label": "a", "name": "A(1)", "in_time": 0.45, "forwarded": 0.1, "dropped": 0.25,
         "latency_s": {"mean": 0.5}, "per_seed": [{"seed": 1}], "more": 7},
        {"label": "b", "name": "B", "in_time": 1, "forwarded": 0, "dropped": 0,
         "latency_s": {"mean": null}, "per_seed": []}
    ]}"#;

const FILE: &str = "[cluster]\nnodes = 2\n[traffic]\nkind = \"poisson\"\nrate = 2.0\n[[jobs]]\nname = \"picture\"\n\
                    function = \"echo\"\nservice = { kind = \"deterministic\", mean_s = 0.1 }\ndeadline_s = 0.5\n\
                    [[policy]]\nlabel = \"a\"\nname = \"NoScheduler\"\n[run]\nduration_s = 20\n";

fn folder(summary: &str, experiment: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("summary.json"), summary).unwrap();
    std::fs::write(folder.path().join("experiment.toml"), experiment).unwrap();
    folder
}

fn open(folder: &Path) -> Result<Measured, MeasuredError> {
    let registry = Registry::builtin();
    Measured::open(folder, &Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS })
}

fn here(text: &str) -> Experiment {
    parse_on(Place::SimMeasured, text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn compared() -> Beside {
    let measured = open(folder(SUMMARY, FILE).path()).unwrap();
    Beside::of(&measured, &summary(), vec!["first".into()])
}

#[test]
fn both_sides_and_their_difference_are_those_worked_out_by_hand() {
    let [pair] = &compared().policies[..] else { panic!("one policy is on both sides") };
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
    let Values { in_time, forwarded, dropped, latency_mean_s } = pair.difference;
    assert!(near(in_time, 0.4 - 0.45) && near(forwarded, 0.3 - 0.1) && near(dropped, 0.2 - 0.25), "{pair:?}");
    assert!((latency_mean_s.unwrap() - (2.5 / 6.0 - 0.5)).abs() < 1e-6, "{pair:?}");
    assert_eq!((pair.measured.in_time, pair.simulated.in_time), (0.45, 0.4));
}

#[test]
fn the_table_has_both_columns_the_largest_differences_and_the_notes() {
    let text = table(&compared());
    let row = text.lines().find(|line| line.trim_start().starts_with("a ")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    let expected = [
        "a", "45.0", "40.0", "-5.0", "10.0", "30.0", "+20.0", "25.0", "20.0", "-5.0", "500.0", "416.7",
        "-83.3",
    ];
    assert_eq!(cells, expected);
    assert!(text.contains("largest differences: 5.0 percentage points in time, 20.0 forwarded\n"), "{text}");
    assert!(text.contains("real") && !text.contains("recorded"), "{text}");
    let notes: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("note: ")).collect();
    assert_eq!(notes, ["first", "of the measured run: a busy machine", "b: measured, not simulated"]);
}

#[test]
fn what_only_one_side_has_and_other_parameters_and_seeds_are_told() {
    let there = SUMMARY.replace("A(1)", "A(2)").replace("\"b\"", "\"c\"").replace("[1]", "[2, 3]");
    let there = there.replace("false", "true").replace("\"local\"", "\"sim\"");
    let measured = open(folder(&there, FILE).path()).unwrap();
    let beside = Beside::of(&measured, &summary(), Vec::new());
    assert_eq!(beside.measured_name(), "recorded");
    let notes = [
        "the measured run was interrupted: parts of it are missing",
        "of the measured run: a busy machine",
        "measured under the seeds 2, 3, simulated under 1: these are other jobs",
        "a: measured A(2), simulated A(1)",
        "c: measured, not simulated",
    ];
    assert_eq!(beside.notes, notes);
    let mut simulated = summary();
    simulated.policies[0].label = "new".into();
    let notes = Beside::of(&measured, &simulated, Vec::new()).notes;
    assert!(notes.contains(&"new: simulated, not measured".into()), "{notes:?}");
    simulated.policies[0].name = "JoinShortestQueue".into();
    let notes = Beside::of(&measured, &simulated, Vec::new()).notes;
    assert!(!notes.iter().any(|note| note.starts_with("new")), "no node can know that: {notes:?}");
}

#[test]
fn the_comparison_is_in_the_results_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = Folder::create(Some(folder.path()), &here(FILE)).unwrap();
    let mut summary = summary();
    write(&out, &summary).unwrap();
    assert!(!folder.path().join("beside.csv").exists(), "nothing was compared");
    summary.beside = Some(compared());
    write(&out, &summary).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(json["beside"]["policies"][0]["measured"]["forwarded"], 0.1);
    let csv = read("beside.csv");
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines[0].starts_with("label,in_time_measured,in_time_simulated,in_time_difference,forwarded_"));
    assert!(lines[1].starts_with("a,0.45,0.4,-0.0"), "{csv}");
    assert_eq!((lines.len(), lines[0].split(',').count()), (2, lines[1].split(',').count()));
    let picture = read("beside.svg");
    for part in ["<svg", "simulated and real", "jobs in time, %", "jobs forwarded, %", ">\na\n<"] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
}

#[test]
fn a_folder_that_is_none_is_refused_with_its_file() {
    let empty = tempfile::tempdir().unwrap();
    let error = open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("summary.json: cannot be read"), "{error}");
    let error =
        open(folder("{\"experiment\": \"quick\", \"on\": \"local\"}", FILE).path()).unwrap_err().to_string();
    assert!(error.contains("summary.json: missing field"), "{error}");
    let error = open(folder(SUMMARY, "[cluster]\nnodes = 0\n").path()).unwrap_err().to_string();
    assert!(error.contains("experiment.toml:2: cluster.nodes"), "{error}");
    let error = open(folder(SUMMARY, FILE).path()).unwrap().give_times(&mut here(FILE)).unwrap_err();
    assert!(
        error.to_string().contains("has no jobs.parquet; a run on the simulator writes it with --jobs"),
        "{error}"
    );
}

#[test]
fn another_experiment_is_refused_with_the_key() {
    let refused = |from: &str, to: &str| {
        let there = folder(SUMMARY, FILE);
        let outcome = open(there.path()).unwrap().is_of(&here(&FILE.replace(from, to)), &Registry::builtin());
        outcome.map_err(|error| error.to_string())
    };
    for (from, to, key) in [
        ("nodes = 2", "nodes = 3", "cluster.nodes"),
        ("rate = 2.0", "rate = 2.5", "traffic.rate"),
        ("deadline_s = 0.5", "deadline_s = 0.4", "jobs"),
        ("duration_s = 20", "duration_s = 30", "run.duration_s"),
    ] {
        let error = refused(from, to).unwrap_err();
        let expected = format!("another experiment: {key} is not the same as in test");
        assert!(error.contains("experiment.toml") && error.contains(&expected), "{error}");
    }
    for (from, to) in [
        ("service = { kind = \"deterministic\", mean_s = 0.1 }", ""),
        ("[run]", "[network]\nlatency_ms = 0.3\n[run]\nseeds = [4]"),
        ("label = \"a\"", "label = \"z\""),
    ] {
        assert_eq!(refused(from, to), Ok(()));
    }
}

#[test]
fn an_experiment_whose_execution_times_are_no_demands_is_refused() {
    for (key, part) in [
        ("discipline = \"processor-sharing\"", "processor sharing"),
        ("idle_timeout_s = 1\ncold_start_s = 1", "cold starts"),
    ] {
        let file = FILE.replace("nodes = 2", &format!("nodes = 2\n{key}"));
        let error = open(folder(SUMMARY, &file).path()).unwrap_err().to_string();
        assert!(error.contains("experiment.toml") && error.contains(part), "{error}");
    }
}
