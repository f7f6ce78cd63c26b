use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use p2pfaas_core::policy::Registry;

use super::*;
use crate::testing::{Pretended, sweep_file};

const VARIES: [&str; 2] = ["traffic.rate=1..2/3", "cluster.slots=1..2"];

/// A folder with an experiment file in it.
struct Bench {
    folder: tempfile::TempDir,
    registry: Registry,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tiny.toml"), sweep_file()).unwrap();
        Bench { folder, registry: Registry::builtin() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn known(&self) -> Known<'_> {
        Known { registry: &self.registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS }
    }

    fn plan(&self) -> Plan {
        let varies = VARIES.map(|text| text.parse().unwrap()).into();
        Plan::new(&self.path("tiny.toml"), varies, &self.known()).unwrap()
    }

    /// Runs what is left of a shard, and says how many runs that were.
    fn sweep(&self, out: &str, shard: &str) -> (Swept, usize) {
        let engine = Pretended::default();
        let swept = self.sweep_with(out, shard, &engine, &CancellationToken::new());
        (swept, engine.begun.into_inner())
    }

    fn sweep_with(&self, out: &str, shard: &str, engine: &Pretended, cancel: &CancellationToken) -> Swept {
        let plan = self.plan();
        let store = Store::open(&self.path(out), Manifest::of(&plan), &plan.source).unwrap();
        let shard = shard.parse::<ShardChoice>().unwrap().resolve(|_| None).unwrap();
        let sweep = Sweep { plan: &plan, store: &store, known: self.known(), engine };
        let points = sweep.pending(shard);
        sweep.run(&points, NonZeroUsize::new(2), cancel, &SimProgress::hidden()).unwrap()
    }

    fn files(&self, out: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(out), &self.path(out), &mut files);
        files
    }

    fn merge(&self, parts: &[&str], partial: bool) -> Result<Merged, String> {
        let parts: Vec<_> = parts.iter().map(|part| self.path(part)).collect();
        let base = format!("{}/", self.folder.path().display());
        merge(&self.path("merged"), &parts, partial).map_err(|error| error.to_string().replace(&base, ""))
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().into(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_sweep_leaves_a_line_a_point_and_policy_a_folder_a_point_and_a_picture() {
    let bench = Bench::new();
    let (swept, runs) = bench.sweep("out", "1/1");
    assert_eq!((swept, runs), (Swept { finished: 6, all: 6, left: 0 }, 24));
    let files = bench.files("out");
    let text = |name: &str| String::from_utf8(files[Path::new(name)].clone()).unwrap();
    let csv = text("sweep.csv");
    assert_eq!(csv.lines().count(), 1 + 6 * 2, "{csv}");
    assert!(csv.contains("\n3,1.5,2,1 2,pow,"), "{csv}");
    assert!(text("points/0003/experiment.toml").contains("rate = 1.5"));
    assert!(text("points/0005/summary.json").contains("\"on\": \"sim\""));
    assert!(text("sweep.svg").contains("tiny: jobs in time over traffic.rate"));
    assert_eq!(files.len(), 4 + 6 * 3, "{:?}", files.keys());
}

#[test]
fn a_sweep_that_is_run_again_runs_nothing_again() {
    let bench = Bench::new();
    bench.sweep("out", "1/1");
    let before = bench.files("out");
    assert_eq!(bench.sweep("out", "1/1"), (Swept { finished: 6, all: 6, left: 0 }, 0));
    assert!(bench.files("out") == before);
}

/// When, what it leaves behind, and how many runs are then still to be made.
type Kill = (&'static str, fn(&Path), usize);

#[test]
fn a_sweep_goes_on_after_a_kill_at_any_moment_and_ends_as_if_there_had_been_none() {
    let bench = Bench::new();
    bench.sweep("whole", "1/1");
    let whole = bench.files("whole");
    let kills: [Kill; 6] = [
        ("before anything", |out| fs::remove_dir_all(out).unwrap(), 24),
        (
            "before the manifest",
            |out| {
                fs::remove_dir_all(out.join("points")).unwrap();
                fs::remove_file(out.join("sweep.toml")).unwrap();
            },
            24,
        ),
        ("between two points", |out| fs::remove_dir_all(out.join("points/0002")).unwrap(), 4),
        (
            "while a point was written",
            |out| {
                fs::rename(out.join("points/0004"), out.join("points/.0004-77")).unwrap();
                fs::remove_file(out.join("points/.0004-77/rows.csv")).unwrap();
            },
            4,
        ),
        (
            "with half of a point gone",
            |out| fs::remove_file(out.join("points/0001/summary.json")).unwrap(),
            4,
        ),
        (
            "before the table",
            |out| {
                fs::remove_file(out.join("sweep.svg")).unwrap();
                fs::write(out.join("sweep.csv"), "half a li").unwrap();
            },
            0,
        ),
    ];
    for (when, damage, expected_runs) in kills {
        bench.sweep("out", "1/1");
        damage(&bench.path("out"));
        assert_eq!(bench.sweep("out", "1/1").1, expected_runs, "{when}");
        assert!(bench.files("out") == whole, "{when}");
    }
}

#[test]
fn an_interrupted_sweep_keeps_its_finished_points_and_can_go_on() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let engine = Pretended { cancel_after: Some((10, cancel.clone())), ..Pretended::default() };
    let swept = bench.sweep_with("out", "1/1", &engine, &cancel);
    assert!(swept.finished < 6 && swept.left == 6 - swept.finished, "{swept:?}");
    assert!(bench.path("out").join("sweep.csv").is_file());
    bench.sweep("out", "1/1");
    bench.sweep("whole", "1/1");
    assert!(bench.files("out") == bench.files("whole"));
}

#[test]
fn another_file_another_vary_or_another_version_are_refused() {
    let bench = Bench::new();
    bench.sweep("out", "1/1");
    let plan = bench.plan();
    let open = |manifest: Manifest, source: &str| {
        Store::open(&bench.path("out"), manifest, source).unwrap_err().to_string()
    };
    let manifest = Manifest::of(&plan);
    let changed = format!("{}\n# changed", plan.source);
    assert!(
        open(manifest.clone(), &changed).contains("the experiment file has changed; expected a new folder")
    );
    let older = Manifest { version: "0.0.1".into(), ..manifest.clone() };
    assert!(open(older, &plan.source).contains("its program version is"));
    let other = Manifest { vary: vec!["traffic.rate=1..6".into()], ..manifest };
    assert!(
        open(other, &plan.source).contains("its --vary is [traffic.rate=1..2/3 cluster.slots=1..2] and not")
    );
}

#[test]
fn a_sweep_does_not_write_into_the_folder_of_a_run() {
    let bench = Bench::new();
    let plan = bench.plan();
    fs::create_dir(bench.path("run")).unwrap();
    fs::write(bench.path("run/summary.json"), "{}").unwrap();
    let error = Store::open(&bench.path("run"), Manifest::of(&plan), &plan.source).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("summary.json is that of `p2pfaas run`"),
        "{error}"
    );
    assert_eq!(fs::read_dir(bench.path("run")).unwrap().count(), 1);
}

#[test]
fn shards_in_one_folder_or_merged_from_several_are_the_whole_byte_for_byte() {
    let bench = Bench::new();
    bench.sweep("whole", "1/1");
    let whole = bench.files("whole");
    let mut runs = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        runs += bench.sweep("same", shard).1;
        bench.sweep(&format!("part{}", &shard[..1]), shard);
    }
    assert_eq!(runs, 24);
    assert!(bench.files("same") == whole);
    assert_eq!(bench.merge(&["part1", "part2", "part3"], false), Ok(Merged { points: 6, all: 6 }));
    assert!(bench.files("merged") == whole);
}

#[test]
fn a_merge_with_missing_points_names_them_and_writes_nothing_unless_partial() {
    let bench = Bench::new();
    bench.sweep("part1", "1/3");
    bench.sweep("part3", "3/3");
    let error = bench.merge(&["part1", "part3"], false).unwrap_err();
    assert_eq!(error, "2 of 6 points are missing: 1, 4; expected all of them, or --partial");
    assert!(!bench.path("merged").exists());
    assert_eq!(bench.merge(&["part1", "part3"], true), Ok(Merged { points: 4, all: 6 }));
    // What is missing can be brought later.
    bench.sweep("part2", "2/3");
    assert_eq!(bench.merge(&["part2"], false), Ok(Merged { points: 6, all: 6 }));
    bench.sweep("whole", "1/1");
    assert!(bench.files("merged") == bench.files("whole"));
}

#[test]
fn the_same_point_twice_must_have_the_same_results() {
    let bench = Bench::new();
    bench.sweep("a", "1/1");
    bench.sweep("b", "2/3");
    assert_eq!(bench.merge(&["a", "b"], false), Ok(Merged { points: 6, all: 6 }));
    fs::remove_dir_all(bench.path("merged")).unwrap();
    fs::write(bench.path("b/points/0004/rows.csv"), "something else\n").unwrap();
    let error = bench.merge(&["a", "b"], false).unwrap_err();
    assert_eq!(error, "point 4 is in a and in b, with different results");
    assert!(!bench.path("merged").exists());
}

#[test]
fn parts_of_different_sweeps_are_not_merged() {
    let bench = Bench::new();
    bench.sweep("a", "1/2");
    fs::write(bench.path("tiny.toml"), format!("{}# changed", sweep_file())).unwrap();
    bench.sweep("b", "2/2");
    let error = bench.merge(&["a", "b"], false).unwrap_err();
    assert_eq!(error, "b is not a part of the sweep that a is a part of: the experiment file has changed");
    assert!(bench.merge(&["nowhere"], false).unwrap_err().starts_with("cannot read nowhere/sweep.toml"));
}
