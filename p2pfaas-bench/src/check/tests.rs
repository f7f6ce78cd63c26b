use std::fs;

use p2pfaas_core::policy::Registry;

use super::*;
use crate::testing::sweep_file;

fn check_text(text: &str, on: Option<Place>) -> Result<Check, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.toml");
    fs::write(&file, text).unwrap();
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let options = Options { on, references: true, threads: NonZeroUsize::new(2).unwrap() };
    let base = format!("{}/", folder.path().display());
    check(&file, &known, options).map_err(|error| error.to_string().replace(&base, ""))
}

#[test]
fn a_check_says_what_runs_for_how_long_and_under_which_load() {
    let check = check_text(sweep_file(), Some(Place::Local)).unwrap();
    assert_eq!((check.nodes.len(), check.slots, check.queue), (2, 2, 8));
    assert!((check.rho.unwrap() - 0.6).abs() < 1e-9 && (check.jobs_per_s - 4.0).abs() < 1e-9);
    // Two policies under two seeds, 21 s each.
    assert_eq!((check.run.runs, check.run.experiment_s, check.run.jobs), (4, 84.0, 336.0));
    assert!(check.run.wall_s > 84.0 && check.references.is_empty());

    let simulated = check_text(sweep_file(), Some(Place::Sim)).unwrap();
    assert!(!simulated.references.is_empty() && simulated.run.runs > 4, "marks run as well");
    assert!(simulated.run.wall_s < 1.0);
    let text = simulated.to_text();
    for part in [
        "tiny, on the simulator (--on sim)",
        "nodes 0-1: 1 slot, 4 to wait, speed 1, 2.0 jobs/s, load 0.60",
        "job-0: 100 % of the jobs, mean service 300 ms, deadline 500 ms",
        "1 s of warm-up, 20 s measured",
        "roughly",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&simulated.to_json()).unwrap();
    assert_eq!(json["nodes"][1]["slots"], 1);
}

#[test]
fn training_counts_as_time_and_as_jobs() {
    let learned = "[[policy]]\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 100\n[run]";
    let check = check_text(&sweep_file().replace("[run]", learned), Some(Place::Local)).unwrap();
    assert_eq!((check.run.experiment_s, check.run.jobs), (84.0 + 2.0 * 121.0, 336.0 + 2.0 * 484.0));
    assert!(check.to_text().contains("after 100 s of training"));
}

#[test]
fn what_is_questionable_is_warned_of() {
    let warned = |from: &str, to: &str, part: &str| {
        assert!(sweep_file().contains(from), "{from}");
        let warnings = check_text(&sweep_file().replace(from, to), Some(Place::Sim)).unwrap().warnings;
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    };
    warned(
        "rate = 2.0",
        "rates = [4.0, 1.0]",
        "node 0 is offered more work than it can do alone, up to 1.20 times",
    );
    warned("rate = 2.0", "rate = 4.0", "the cluster is offered 1.20 times the work that it can do");
    warned(
        "deadline_s = 0.5",
        "deadline_s = 0.2",
        "below the mean service time of 300 ms, also on the fastest",
    );
    warned("slots = 1", "[[cluster.node]]\n[[cluster.node]]\nspeed = 0.5", "of nodes with speed 0.5");
    warned("warmup_s = 1", "warmup_s = 1", "shorter than 10 mean service times (300 ms each)");
    warned("[1, 2]", "[3]", "seed 3 alone is no replication");
    warned("[1, 2]", "[1, 2]", "about 80 jobs are measured");
    let calm =
        sweep_file().replace("warmup_s = 1", "warmup_s = 10").replace("duration_s = 20", "duration_s = 900");
    assert_eq!(check_text(&calm, Some(Place::Sim)).unwrap().warnings, Vec::<String>::new());
}

#[test]
fn without_a_place_it_is_checked_for_an_embedded_cluster_and_else_for_the_simulator() {
    assert_eq!(check_text(sweep_file(), None).unwrap().on, "local");
    let check = check_text(&format!("[network]\nlatency_ms = 5\n{}", sweep_file()), None).unwrap();
    assert_eq!(check.on, "sim");
    assert!(check.not_local[0].contains("network.latency_ms"), "{:?}", check.not_local);
}

#[test]
fn a_file_that_varies_is_checked_in_all_its_points() {
    let text = |values: &str| {
        format!("{}[run.vary]\ncluster.slots = {values}\ntraffic.rate = [1, 2]\n", sweep_file())
    };
    let check = check_text(&text("[1, 2, 3]"), None).unwrap();
    let sweep = check.sweep.as_ref().unwrap();
    assert_eq!((sweep.points, sweep.size.runs), (6, 24));
    assert_eq!(sweep.size.jobs, 3.0 * (168.0 + 336.0));
    assert!(check.to_text().contains("6 points, 24 runs"), "{}", check.to_text());
    assert!(check_text(&text("[0, 1]"), None).unwrap_err().contains("cluster.slots: 0 is not possible"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = sweep_file().replace("slots = 1", "slot = 1").replace("seeds = [1, 2]", "seeds = []");
    let error = check_text(&text, None).unwrap_err();
    assert_eq!(error.lines().count(), 2, "{error}");
}
