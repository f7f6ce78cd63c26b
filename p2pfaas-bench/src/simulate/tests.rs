use std::path::Path;

use p2pfaas_core::policy::Registry;

use super::*;
use crate::experiment::Place;
use crate::testing::{Pretended, parse_on, sweep_file};
use parquet::file::reader::{FileReader, SerializedFileReader};

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
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap())).collect()
}

fn names(there: &There) -> Vec<&str> {
    there.files.keys().filter_map(|name| name.to_str()).collect()
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

#[test]
fn every_policy_and_seed_is_run_and_no_clock_shows_in_the_results() {
    let engine = Pretended::default();
    let there = simulate(2, false, &engine, &CancellationToken::new());
    assert_eq!(engine.begun.into_inner(), 4);
    assert_eq!(names(&there), ["experiment.toml", "summary.csv", "summary.json"]);
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
    assert_eq!(names(&there), ["experiment.toml", "jobs.parquet", "summary.csv", "summary.json"]);
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
