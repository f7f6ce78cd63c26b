use std::fs;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Registry;

use super::*;
use crate::experiment::Place;
use crate::kept;
use crate::offered::expected_jobs;
use crate::testing::{Pretended, parse_on, sweep_file};
use parquet::file::reader::{FileReader, SerializedFileReader};

const NAMES: [&str; 6] =
    ["comparisons.csv", "experiment.toml", "jobs.parquet", "report.html", "summary.csv", "summary.json"];

struct There {
    summary: Summary,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

fn simulate(threads: usize, jobs: bool, engine: &Pretended, cancel: &CancellationToken) -> There {
    let folder = tempfile::tempdir().unwrap();
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    let out = Folder::create(Some(folder.path()), &experiment).unwrap();
    let options = Options { threads: NonZeroUsize::new(threads), jobs };
    let summary = run(&experiment, engine, &out, options, cancel, &SimProgress::hidden()).unwrap();
    There { summary, files: files(folder.path()) }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Without the charts.
fn names(there: &There) -> Vec<&str> {
    let files = there.files.keys().filter(|name| name.components().count() == 1);
    files.filter_map(|name| name.to_str()).collect()
}

fn rows(there: &There) -> Vec<parquet::record::Row> {
    let bytes = bytes::Bytes::from(there.files[Path::new("jobs.parquet")].clone());
    SerializedFileReader::new(bytes).unwrap().get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

#[test]
fn results_are_the_same_bytes_on_one_thread_and_on_several() {
    let once = |threads| simulate(threads, true, &Pretended::default(), &CancellationToken::new()).files;
    let one = once(1);
    assert!(one == once(2) && one == once(5));
}

/// A folder as a command makes it, so that it can be gone on with.
fn begin(folder: &Path, experiment: &Experiment, resume: bool) -> Folder {
    let manifest = kept::Manifest::of(experiment, "--on sim".into());
    let (out, resume) = if resume { (None, Some(folder)) } else { (Some(folder), None) };
    kept::open(out, resume, experiment, &manifest).unwrap()
}

fn go_on(out: &Folder, experiment: &Experiment, cancel: &CancellationToken, engine: &Pretended) {
    let options = Options { threads: NonZeroUsize::new(2), jobs: true };
    run(experiment, engine, out, options, cancel, &SimProgress::hidden()).unwrap();
}

#[test]
fn an_interrupted_run_goes_on_and_leaves_the_bytes_of_one_that_was_not() {
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    let whole = simulate(2, true, &Pretended::default(), &CancellationToken::new()).files;
    for after in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        let engine = Pretended { cancel_after: Some((after, cancel.clone())), ..Pretended::default() };
        go_on(&begin(folder.path(), &experiment, false), &experiment, &cancel, &engine);
        let over = (0..4).filter(|run| folder.path().join(format!("runs/{run:04}.run")).is_file()).count();
        assert!(over < 4 && folder.path().join("summary.json").is_file());

        let again = Pretended::default();
        go_on(&begin(folder.path(), &experiment, true), &experiment, &CancellationToken::new(), &again);
        assert_eq!(again.begun.into_inner(), 4 - over, "only what was not over");
        assert!(files(folder.path()) == whole, "after {after}");
    }
}

#[test]
fn a_run_that_was_killed_goes_on_and_what_was_over_can_be_read() {
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    let whole = simulate(2, true, &Pretended::default(), &CancellationToken::new()).files;
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let engine = Pretended { cancel_after: Some((3, cancel.clone())), ..Pretended::default() };
    go_on(&begin(folder.path(), &experiment, false), &experiment, &cancel, &engine);
    // As a kill leaves it: no summary, half a file of a run, a record that is torn.
    for name in ["summary.json", "summary.csv", "jobs.parquet"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let runs = folder.path().join("runs");
    fs::write(runs.join(".0002.parquet"), "PAR1 and no end").unwrap();
    fs::write(runs.join("0003.run"), "torn").unwrap();
    for entry in fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".parquet") && !name.starts_with('.') {
            let bytes = bytes::Bytes::from(fs::read(&entry).unwrap());
            assert!(SerializedFileReader::new(bytes).unwrap().get_row_iter(None).unwrap().count() > 0);
        }
    }
    let out = begin(folder.path(), &experiment, true);
    go_on(&out, &experiment, &CancellationToken::new(), &Pretended::default());
    assert!(files(folder.path()) == whole);
}

#[test]
fn only_the_same_run_goes_on() {
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    go_on(&begin(folder.path(), &experiment, false), &experiment, &cancel, &Pretended::default());
    let open = |experiment: &Experiment, how: &str, out: bool| {
        let manifest = kept::Manifest::of(experiment, how.into());
        let path = Some(folder.path());
        let opened = kept::open(path.filter(|_| out), path.filter(|_| !out), experiment, &manifest);
        opened.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(open(&experiment, "--on sim", true), Ok(()), "the same --out goes on, too");
    let other = parse_on(Place::Sim, &format!("{}# changed", sweep_file())).unwrap();
    for out in [true, false] {
        assert!(open(&other, "--on sim", out).unwrap_err().contains("the experiment file has changed"));
        assert!(open(&experiment, "--on local", out).unwrap_err().contains("--on sim, and not --on local"));
        let seeds = Experiment { seeds: vec![7], ..experiment.clone() };
        assert!(open(&seeds, "--on sim", out).unwrap_err().contains("[1, 2], and not [7]"));
    }
    let busy = kept::Kept::of(&Folder::open(folder.path())).unwrap();
    assert!(open(&experiment, "--on sim", true).unwrap_err().contains("another run goes on there"));
    drop(busy);
    // Nothing is left to do there, and nothing is overwritten.
    go_on(
        &begin(folder.path(), &experiment, true),
        &experiment,
        &CancellationToken::new(),
        &Pretended::default(),
    );
    assert!(open(&experiment, "--on sim", false).unwrap_err().contains("has no interrupted run"));
    assert!(open(&experiment, "--on sim", true).unwrap_err().contains("never overwrites"));
}

#[test]
fn every_policy_and_seed_is_run_and_no_clock_shows_in_the_results() {
    let engine = Pretended::default();
    let there = simulate(2, false, &engine, &CancellationToken::new());
    assert_eq!(engine.begun.into_inner(), 4);
    let without_jobs: Vec<_> = NAMES.into_iter().filter(|name| *name != "jobs.parquet").collect();
    assert_eq!(names(&there), without_jobs);
    let [none, pow] = &there.summary.policies[..] else { panic!("{:?}", there.summary) };
    assert_eq!((none.label.as_str(), pow.label.as_str()), ("none", "pow"));
    assert_eq!(none.offered, pow.offered, "the same arrivals for both");
    assert_eq!(none.per_seed.iter().map(|run| run.seed).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((none.measured_s, none.fallbacks), (40.0, 6));
    let json = String::from_utf8(there.files[Path::new("summary.json")].clone()).unwrap();
    for word in ["cpu", "cores", "busy", "lag"] {
        assert!(!json.contains(word), "{word}: {json}");
    }
}

#[test]
fn jobs_are_written_when_asked_for_in_the_order_of_policies_seeds_and_jobs() {
    let there = simulate(3, true, &Pretended::default(), &CancellationToken::new());
    assert_eq!(names(&there), NAMES);
    let rows = rows(&there);
    let cell = |row: &parquet::record::Row, name: &str| {
        row.get_column_iter().find(|(column, _)| *column == name).unwrap().1.to_string()
    };
    let runs: Vec<_> = rows.iter().map(|row| (cell(row, "policy"), cell(row, "seed"))).collect();
    let mut order = runs.clone();
    order.dedup();
    let expected = [("none", 1), ("none", 2), ("pow", 1), ("pow", 2)];
    assert_eq!(order, expected.map(|(policy, seed)| (format!("\"{policy}\""), seed.to_string())));
    let measured = rows.iter().filter(|row| cell(row, "warmup") == "false").count() as u64;
    assert_eq!(measured, there.summary.policies.iter().map(|policy| policy.offered).sum::<u64>());
}

#[test]
fn an_interrupted_simulation_keeps_what_was_finished_and_what_had_been_counted_and_marks_it() {
    let cancel = CancellationToken::new();
    let engine = Pretended { cancel_after: Some((2, cancel.clone())), ..Pretended::default() };
    let there = simulate(1, true, &engine, &cancel);
    assert!(there.summary.interrupted);
    let [none] = &there.summary.policies[..] else { panic!("{:?}", there.summary) };
    let [first, second] = &none.per_seed[..] else { panic!("{none:?}") };
    assert!(!first.interrupted && second.interrupted);
    assert!(second.offered > 0 && second.offered < first.offered, "{none:?}");
    assert!(none.measured_s < 35.0, "{none:?}");
    assert!(!rows(&there).is_empty());
}

#[test]
fn a_run_that_cannot_be_made_ends_all_and_says_which_one_it_was() {
    struct Broken;
    impl Engine for Broken {
        fn run(
            &self,
            _: &Experiment,
            policy: &crate::experiment::PolicySpec,
            _: u64,
            _: &mut Watcher<'_>,
        ) -> Result<Ended, EngineError> {
            match policy.label.as_str() {
                "pow" => Err(EngineError("no such thing".into())),
                _ => Ok(Ended::default()),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    let out = Folder::create(Some(folder.path()), &experiment).unwrap();
    let options = Options { threads: NonZeroUsize::new(1), jobs: true };
    let cancel = CancellationToken::new();
    let error = run(&experiment, &Broken, &out, options, &cancel, &SimProgress::hidden()).unwrap_err();
    assert_eq!(error.to_string(), "pow, seed 1: no such thing");
    assert!(folder.path().join("summary.json").is_file() && folder.path().join("jobs.parquet").is_file());
}

#[test]
fn the_jobs_of_all_policies_and_seeds_are_expected_with_their_trainings() {
    // 2 nodes with 2 jobs/s for 21 s, 2 policies and 2 seeds.
    let experiment = parse_on(Place::Sim, sweep_file()).unwrap();
    assert_eq!(expected_jobs(&experiment), 4.0 * 84.0);
    let learned = sweep_file()
        .replace("PowerOfNScheduler\"\nthreshold = 1", "LearningScheduler\"\n[policy.agent]\ntrain_s = 9");
    let experiment = parse_on(Place::Sim, &learned).unwrap();
    assert_eq!(expected_jobs(&experiment), 4.0 * 84.0 + 2.0 * 36.0);
}

#[test]
fn a_cool_down_sends_more_jobs_and_measures_the_same_ones() {
    let simulate = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let experiment = parse_on(Place::Sim, text).unwrap();
        let out = Folder::create(Some(folder.path()), &experiment).unwrap();
        let options = Options { threads: None, jobs: true };
        let engine = VirtualTime::new(Registry::builtin());
        let cancel = CancellationToken::new();
        let summary = run(&experiment, &engine, &out, options, &cancel, &SimProgress::hidden()).unwrap();
        There { summary, files: files(folder.path()) }
    };
    let without = simulate(sweep_file());
    let with = simulate(&sweep_file().replace("[run]\n", "[run]\ncooldown_s = 5\n"));
    let measured = |there: &There| {
        let policies = there.summary.policies.iter();
        policies.map(|policy| (policy.offered, policy.measured_s)).collect::<Vec<_>>()
    };
    assert_eq!(measured(&with), measured(&without));
    let phases = |there: &There, phase: &str| {
        let is = |row: &parquet::record::Row| {
            row.get_column_iter().any(|(name, value)| name == "phase" && value.to_string() == phase)
        };
        rows(there).iter().filter(|row| is(row)).count()
    };
    for phase in ["\"warmup\"", "\"measured\""] {
        assert_eq!(phases(&with, phase), phases(&without, phase));
    }
    assert_eq!(phases(&without, "\"cooldown\""), 0);
    // 2 policies, 2 seeds, 2 nodes, 5 s at 2 jobs/s.
    assert!((50..110).contains(&phases(&with, "\"cooldown\"")), "{}", phases(&with, "\"cooldown\""));
}
