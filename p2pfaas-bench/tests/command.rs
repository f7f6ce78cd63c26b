//! The command as people and scripts meet it: what it prints, its exit codes, and what it does to folders.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Policies and seeds enough that a run in the simulator can be killed under way.
const FILE: &str = "[cluster]\nnodes = 4\nslots = 2\n[traffic]\nkind = \"poisson\"\nrate = 10\n[[jobs]]\n\
                    service = { kind = \"exponential\", mean_s = 0.15 }\ndeadline_s = 0.5\n[[policy]]\n\
                    name = \"NoScheduler\"\n[[policy]]\nname = \"PowerOfNScheduler\"\n[run]\nwarmup_s = 10\n\
                    duration_s = 500\nseeds = [1, 2, 3, 4, 5, 6]\n";

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small.toml"), FILE).unwrap();
        Bench(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_p2pfaas"));
        command.current_dir(self.0.path()).args(line.split(' '));
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), &mut files);
        let relative =
            |(path, bytes): (PathBuf, _)| (path.strip_prefix(self.path(folder)).unwrap().into(), bytes);
        files.into_iter().map(relative).collect()
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_check_tells_all_that_is_wrong_and_ends_with_2() {
    let bench = Bench::new();
    let good = bench.run("check small.toml --on sim");
    assert_eq!(good.status.code(), Some(0));
    assert!(text(&good.stdout).contains("4 nodes, 8 slots"), "{}", text(&good.stdout));
    let json: serde_json::Value =
        serde_json::from_slice(&bench.run("check small.toml --json").stdout).unwrap();
    assert_eq!((json["on"].as_str(), json["slots"].as_u64()), (Some("sim"), Some(8)));

    fs::write(bench.path("wrong.toml"), FILE.replace("slots", "slot").replace("rate = 10", "rate = -1"))
        .unwrap();
    for line in ["check wrong.toml", "check small.toml wrong.toml --on sim", "run wrong.toml --on sim"] {
        let wrong = bench.run(line);
        assert_eq!(wrong.status.code(), Some(2), "{line}");
        let told = text(&wrong.stderr);
        assert!(told.contains("wrong.toml:3: cluster.slot: unknown key (did you mean \"slots\"?)"), "{told}");
        assert!(told.contains("wrong.toml:6: traffic.rate: -1 is not possible"), "{told}");
    }
}

#[test]
fn a_second_run_never_overwrites_a_first() {
    let bench = Bench::new();
    let line = "run small.toml --on sim --seed 1 --no-references --out there";
    assert_eq!(bench.run(line).status.code(), Some(0));
    let before = bench.files("there");
    for line in [line, "run small.toml --on sim --seed 2 --out there", "sweep small.toml --out there"] {
        let again = bench.run(line);
        assert_eq!(again.status.code(), Some(2), "{line}");
        assert!(text(&again.stderr).contains("there"), "{}", text(&again.stderr));
        assert!(bench.files("there") == before, "{line}");
    }
}

#[test]
fn a_run_that_was_killed_goes_on_and_ends_with_the_bytes_of_one_that_was_not() {
    let bench = Bench::new();
    let line = "run small.toml --on sim --jobs --no-references --threads 1";
    assert_eq!(bench.run(&format!("{line} --out whole")).status.code(), Some(0));
    let mut killed = bench.command(&format!("{line} --out there")).stderr(Stdio::null()).spawn().unwrap();
    let first = bench.path("there/runs/0000.run");
    while !first.is_file() && killed.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(first.is_file(), "it was over before it could be killed: the file must have more to do");

    let other = bench.run("run small.toml --on sim --no-references --resume there");
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("its command is --on sim --jobs"), "{}", text(&other.stderr));
    let on = bench.run(&format!("{line} --resume there"));
    assert_eq!(on.status.code(), Some(0), "{}", text(&on.stderr));
    assert!(text(&on.stderr).contains("of 12 runs are over"), "{}", text(&on.stderr));
    assert!(bench.files("there") == bench.files("whole"));
    let nothing = bench.run(&format!("{line} --resume there"));
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("no interrupted run"), "{}", text(&nothing.stderr));
}

#[test]
fn a_sweep_needs_no_key_where_the_file_varies_its_own_and_a_run_says_that_it_is_meant() {
    let bench = Bench::new();
    let small = FILE.replace("[1, 2, 3, 4, 5, 6]", "[1]").replace("500", "20");
    fs::write(bench.path("small.toml"), format!("{small}vary = {{ cluster.slots = [1, 2, 3] }}\n")).unwrap();
    let swept = bench.run("sweep small.toml --out swept");
    assert_eq!(text(&swept.stdout), "3 of 3 points are finished\n", "{}", text(&swept.stderr));
    let point = fs::read_to_string(bench.path("swept/points/0002/experiment.toml")).unwrap();
    assert!(point.contains("slots = 3") && !point.contains("vary"), "{point}");
    let run = bench.run("run small.toml --on sim --no-references --out one");
    assert_eq!(run.status.code(), Some(0));
    assert!(
        text(&run.stderr).contains("`p2pfaas sweep small.toml` runs it for all values"),
        "{}",
        text(&run.stderr)
    );
}

#[test]
fn a_trial_under_faults_tells_the_same_seed_on_any_number_of_threads_and_ends_with_1_where_a_promise_was_broken()
 {
    let bench = Bench::new();
    let kept = bench.run("faults --seeds 300 --from 7");
    assert_eq!(kept.status.code(), Some(0), "{}", text(&kept.stdout));
    let told = text(&kept.stdout);
    assert!(told.starts_with("300 clusters of ") && told.ends_with("no promise was broken\n"), "{told}");

    let broken =
        |threads: &str| bench.run(&format!("faults --seeds 2000 --plant runs-again --threads {threads}"));
    let (one, four) = (broken("1"), broken("4"));
    assert_eq!(one.status.code(), Some(1));
    assert_eq!(text(&one.stdout), text(&four.stdout));
    let told = text(&one.stdout);
    let again = told.lines().last().unwrap().trim_start().strip_prefix("all of it: p2pfaas ").unwrap();
    let log = bench.run(again);
    assert_eq!(log.status.code(), Some(1));
    assert!(text(&log.stderr).contains("breaks executed-once"), "{}", text(&log.stderr));
    let last = text(&log.stdout).lines().last().unwrap().to_string();
    assert!(told.contains(&last), "{last} is not in {told}");

    for line in
        ["faults --policy NoSuchPolicy", "faults --plant all", "faults --seeds 2 --from 18446744073709551615"]
    {
        assert_eq!(bench.run(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn shells_editors_and_man_get_what_they_need() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&bench.run(&format!("completions {shell}")).stdout);
        assert!(script.contains("p2pfaas") && script.contains("no-references"), "{shell}");
    }
    assert_eq!(bench.run("completions tcsh").status.code(), Some(2));
    assert!(text(&bench.run("man").stdout).contains(".TH p2pfaas 1"));
    assert_eq!(bench.run("man --out pages").status.code(), Some(0));
    let page = fs::read_to_string(bench.path("pages/p2pfaas-run.1")).unwrap();
    assert!(page.contains("no\\-references"), "{page}");
    let schema: serde_json::Value = serde_json::from_slice(&bench.run("schema").stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
