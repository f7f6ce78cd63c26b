//! Agents from records: what was recorded is read, an agent is trained with it, and judged by it.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::Parser;
use p2pfaas_bench::cli::{Cli, Command as Asked, TrainArgs};
use p2pfaas_bench::job::{JobRecord, NodeReport, Outcome, Phase};
use p2pfaas_bench::results::{JobsFile, Row};
use p2pfaas_bench::traces;
use p2pfaas_bench::train;
use p2pfaas_core::agent::Observation;
use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_learner::offline::{Behaviour, Dataset, Source, Stream};
use p2pfaas_sim::arrivals::Arrival;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

/// Chance of reward 1 of actions 1 and 2 in the states "0,0", "1,0" and "2,0"; nobody takes action 0.
const CHANCES: [[f64; 2]; 3] = [[0.9, 0.3], [0.2, 0.6], [0.5, 0.2]];
const BEST: [u32; 3] = [1, 2, 1];
const BEST_VALUE: f64 = (0.9 + 0.6 + 0.5) / 3.0;
/// ε of the behaviour, whose favourite is action 2 everywhere.
const EPSILON: f64 = 0.4;

/// One job of the record.
struct Step {
    node: u32,
    eid: u64,
    state: usize,
    action: u32,
    reward: f64,
    probability: f64,
}

/// Two nodes, in the order of the jobs.
fn steps(count: u64, seed: u64) -> Vec<Step> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let step = |number: u64| {
        let state = rng.random_range(0..3_usize);
        let action = if rng.random::<f64>() < EPSILON { rng.random_range(1..3_u32) } else { 2 };
        let hit = rng.random::<f64>() < CHANCES[state][action as usize - 1];
        let probability = if action == 2 { 1.0 - EPSILON / 2.0 } else { EPSILON / 2.0 };
        let node = (number % 2) as u32;
        Step { node, eid: number / 2, state, action, reward: f64::from(hit), probability }
    };
    (0..count).map(step).collect()
}

impl Step {
    fn state(&self) -> String {
        format!("{}.000000,0.000000", self.state)
    }
}

fn write_parquet(path: &Path, steps: &[Step], change: impl Fn(&mut JobRecord)) {
    let mut file = JobsFile::create(path, "test").unwrap();
    for (number, step) in (0..).zip(steps) {
        let report = NodeReport {
            eid: Some(step.eid),
            state: Some(step.state()),
            action: Some(step.action as i32),
            epsilon: Some(EPSILON),
            probability: Some(step.probability),
            reward: Some(step.reward),
            ..NodeReport::default()
        };
        let in_time = step.reward == 1.0;
        let mut job = JobRecord {
            arrival: Arrival {
                number,
                at_s: number as f64,
                node: step.node,
                task_type: 0,
                payload: 0,
                service_s: None,
            },
            phase: Phase::Measured,
            deadline_s: None,
            sent_s: Some(number as f64),
            answered_s: Some(number as f64 + 0.1),
            outcome: if in_time { Outcome::Served } else { Outcome::Dropped },
            status: Some(200),
            code: None,
            error: None,
            executed_by: None,
            report,
        };
        change(&mut job);
        file.push(Row { policy: "learned".into(), seed: 7, job }).unwrap();
    }
    file.finish().unwrap();
}

/// As the reference client leaves it.
fn write_sqlite(path: &Path, steps: &[Step]) {
    let mut database = Connection::open(path).unwrap();
    let table = "CREATE TABLE jobs (node_id INTEGER, req_id INTEGER, type_id INTEGER, payload_name TEXT,
        requests_rate REAL, time_total REAL, time_execution REAL, times_parsed INTEGER, res_status_code INTEGER,
        res_error_code INTEGER, req_net_error INTEGER, req_net_error_message TEXT, externally_executed INTEGER,
        timestamp_start REAL, timestamp_end REAL, learning_state TEXT, learning_action REAL, learning_eps REAL,
        learning_reward REAL)";
    database.execute_batch(table).unwrap();
    let insert = "INSERT INTO jobs (node_id, req_id, type_id, req_net_error, learning_state, learning_action,
        learning_eps, learning_reward) VALUES (?1, ?2, 0, 0, ?3, ?4, ?5, ?6)";
    let transaction = database.transaction().unwrap();
    for step in steps {
        let action = f64::from(step.action);
        let values = (step.node, step.eid as i64, step.state(), action, EPSILON, step.reward);
        transaction.execute(insert, values).unwrap();
    }
    // A job whose answer never came.
    let lost = "INSERT INTO jobs (node_id, req_id, type_id, req_net_error, learning_state) VALUES (0, 999999, 0, 2, '')";
    transaction.execute(lost, ()).unwrap();
    transaction.commit().unwrap();
}

fn csv(steps: &[Step]) -> String {
    let mut text = "eid,stream,state,action,reward,epsilon,probability\n".to_string();
    for step in steps {
        let (eid, node, state) = (step.eid, step.node, step.state());
        let (action, reward, probability) = (step.action, step.reward, step.probability);
        text.push_str(&format!("{eid},{node},\"{state}\",{action},{reward},{EPSILON},{probability}\n"));
    }
    text
}

fn load(path: &Path) -> traces::Trace {
    traces::load(&[path.into()], None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(path: &Path) -> String {
    traces::load(&[path.into()], None).unwrap_err().to_string()
}

fn args(line: &[&str]) -> TrainArgs {
    let line = ["p2pfaas", "train"].iter().chain(line);
    let Asked::Train(args) = Cli::try_parse_from(line).unwrap().command else { panic!("train") };
    args
}

/// The command itself.
fn p2pfaas(line: &[&str]) -> (Output, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_p2pfaas")).args(line).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn best_of(path: &Path) -> Vec<u32> {
    let mut learner = Checkpoint::load(path).unwrap().learner;
    learner.freeze(true);
    let mut act = |state| learner.act(&Observation { state: vec![state, 0.0], mask: vec![] }).unwrap().action;
    [0.0, 1.0, 2.0].map(&mut act).to_vec()
}

/// A column of a learning curve.
fn column(curve: &Path, name: &str) -> Vec<f64> {
    let text = fs::read_to_string(curve).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let place = lines.next().unwrap().iter().position(|column| *column == name).unwrap();
    lines.map(|line| line[place].parse().unwrap()).collect()
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_same_choices_are_read_from_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let steps = steps(50, 1);
    write_parquet(&path("jobs.parquet"), &steps, |_| {});
    write_sqlite(&path("reference.db"), &steps);
    fs::write(path("record.csv"), csv(&steps)).unwrap();
    // A results folder stands for its jobs.
    let parquet = load(folder.path());
    let sqlite = load(&path("reference.db"));
    let csv = load(&path("record.csv"));
    assert_eq!((parquet.skipped, sqlite.skipped, csv.skipped), (0, 1, 0));
    let entries =
        |dataset: &Dataset| dataset.entries().map(|choice| choice.entry.clone()).collect::<Vec<_>>();
    assert_eq!(entries(&parquet.dataset).len(), 50);
    assert_eq!(entries(&parquet.dataset), entries(&sqlite.dataset));
    assert_eq!(entries(&parquet.dataset), entries(&csv.dataset));
    let names = |dataset: &Dataset| {
        dataset.streams().iter().map(|stream| stream.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&parquet.dataset), ["learned/7/0", "learned/7/1"]);
    assert_eq!(names(&sqlite.dataset), ["node 0", "node 1"]);
    assert_eq!(names(&csv.dataset), ["0", "1"]);
    let probability = |dataset: &Dataset| dataset.entries().next().unwrap().probability;
    assert!(probability(&parquet.dataset).is_some() && probability(&csv.dataset).is_some());
    assert_eq!(probability(&sqlite.dataset), None);
    let only =
        traces::load(&[path("record.csv"), path("jobs.parquet")], Some("parquet: learned/7/1")).unwrap();
    assert_eq!(only.dataset.len(), 25);
}

#[test]
fn jobs_without_a_choice_are_left_out_and_unknown_rewards_stay_in_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.parquet");
    write_parquet(&path, &steps(40, 2), |job| match job.arrival.number {
        0..10 => job.report = NodeReport::default(),
        10 => job.report.reward = None,
        _ => {}
    });
    let trace = load(&path);
    assert_eq!((trace.skipped, trace.dataset.len()), (10, 30));
    assert_eq!(trace.dataset.entries().filter(|choice| choice.entry.reward.is_none()).count(), 1);
}

#[test]
fn old_nodes_that_tell_no_rewards_are_taken_by_what_their_client_saw() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.parquet");
    let steps = steps(40, 3);
    write_parquet(&path, &steps, |job| (job.report.reward, job.report.eid) = (None, None));
    let trace = load(&path);
    assert_eq!(trace.notes.len(), 2, "{:?}", trace.notes);
    let of_node = |node| steps.iter().filter(move |step| step.node == node).map(|step| Some(step.reward));
    let expected: Vec<_> = of_node(0).chain(of_node(1)).collect();
    assert_eq!(trace.dataset.entries().map(|choice| choice.entry.reward).collect::<Vec<_>>(), expected);
    // In the order of the jobs, without gaps.
    assert_eq!(trace.dataset.streams()[1].entries[19].entry.eid, 19);
}

#[test]
fn where_numbers_are_missing_jobs_go_by_phase_and_others_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.parquet");
    let steps = steps(40, 15);
    // Node 0 tells no numbers; the file has the measured jobs before those of the training, which have the
    // same numbers.
    write_parquet(&path, &steps, |job| {
        if job.arrival.number >= 20 {
            (job.arrival.number, job.phase) = (job.arrival.number - 20, Phase::Training);
        }
        job.report.eid = job.report.eid.filter(|_| job.arrival.node == 1);
        // A gap, and more than there are jobs.
        job.report.eid = job.report.eid.map(|eid| if eid < 5 { eid } else { eid + 100 });
    });
    let trace = load(&path);
    assert_eq!(trace.notes.len(), 1, "{:?}", trace.notes);
    assert!(trace.notes[0].contains("in 1 streams"), "{:?}", trace.notes);
    let [zero, one] = trace.dataset.streams() else { panic!("two streams") };
    let told = |stream: &Stream| {
        stream.entries.iter().map(|choice| choice.entry.reward.unwrap()).collect::<Vec<_>>()
    };
    let of_node = |node: u32, part: std::ops::Range<usize>| {
        steps[part].iter().filter(move |step| step.node == node).map(|step| step.reward)
    };
    assert_eq!(told(zero), of_node(0, 20..40).chain(of_node(0, 0..20)).collect::<Vec<_>>());
    assert_eq!(zero.segments().count(), 1);
    assert_eq!(told(one), of_node(1, 0..40).collect::<Vec<_>>());
    assert_eq!(one.segments().count(), 2);
}

#[test]
fn choices_of_peers_from_several_nodes_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut steps = steps(400, 16);
    let warnings = |only: Option<&str>| traces::load(&[path("jobs.parquet")], only).unwrap().warnings;
    write_parquet(&path("jobs.parquet"), &steps, |_| {});
    assert_eq!(warnings(None), [""; 0]);
    (steps[0].action, steps[3].action) = (3, 4);
    write_parquet(&path("jobs.parquet"), &steps, |_| {});
    assert_eq!(warnings(Some("learned/7/0")), [""; 0]);
    let (jobs, agent) = (path("jobs.parquet"), path("agent.ckpt"));
    let (trace, out) = (["--trace", shown(&jobs)], ["--out", shown(&agent)]);
    for command in
        [[&["train"], &trace[..], &out].concat(), [&["evaluate"], &trace[..], &["--agent", out[1]]].concat()]
    {
        let (output, _, error) = p2pfaas(&command);
        assert_eq!(output.status.code(), Some(0), "{error}");
        for part in ["warning: the choices are of 2 nodes, and 2 of them", "--only \"learned/7/0\""] {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn one_node_is_taken_and_not_those_whose_numbers_begin_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.csv");
    let row = |node: u32| format!("{node},1,1,1,learned/1/{node}\n");
    let rows: String = (0..12).map(row).collect();
    fs::write(&path, format!("eid,state,action,reward,stream\n{rows}")).unwrap();
    let taken = |only| traces::load(std::slice::from_ref(&path), Some(only)).unwrap().dataset.len();
    assert_eq!([taken("learned/1/1"), taken("learned/1/"), taken("/11")], [1, 12, 1]);
}

#[test]
fn probabilities_are_derived_only_where_the_agent_is_known_to_be_epsilon_greedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let steps = steps(60, 14);
    write_parquet(&path("jobs.parquet"), &steps, |job| job.report.probability = None);
    write_sqlite(&path("jobs.db"), &steps);
    fs::write(path("jobs.csv"), csv(&steps)).unwrap();
    let parquet = load(&path("jobs.parquet"));
    assert_eq!(parquet.notes.len(), 1);
    assert!(parquet.notes[0].contains("60 choices have no probability"), "{:?}", parquet.notes);
    for (trace, source) in [
        (parquet, Source::Frequency),
        (load(&path("jobs.db")), Source::Derived),
        (load(&path("jobs.csv")), Source::Recorded),
    ] {
        let behaviour = Behaviour::of([&trace.dataset]);
        assert!(trace.notes.is_empty() || source == Source::Frequency, "{:?}", trace.notes);
        assert!(trace.dataset.entries().all(|choice| behaviour.probability(choice).1 == source));
    }
}

#[test]
fn what_is_wrong_with_a_record_is_told_with_file_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let head = "eid,state,action,reward,epsilon,probability\n0,\"1,2\",1,0.5,0.1,0.5\n";
    for (row, parts) in [
        ("1,\"1,x\",1,0,,", ["row 3", "\"state\"", "\"x\""]),
        ("1,\"1,2\",1.5,0,,", ["row 3", "\"action\"", "1.5"]),
        ("1,\"1,2\",-1,0,,", ["row 3", "\"action\"", "-1"]),
        ("one,\"1,2\",1,0,,", ["row 3", "\"eid\"", "one"]),
        ("1,\"1,2\",1,good,,", ["row 3", "\"reward\"", "good"]),
        ("1,\"1,2\",1,inf,,", ["row 3", "\"reward\"", "finite"]),
        ("1,\"1,2\",1,0,-0.5,", ["row 3", "\"epsilon\"", "-0.5"]),
        ("1,\"1,2\",1,0,,1.5", ["row 3", "\"probability\"", "1.5"]),
        ("1,1,2,1,0,,", ["line 3", "7 values", "double quotes"]),
        ("1,\"1,2,1,0,,", ["line 3", "quote", "not closed"]),
        ("1,\"1,2,3\",1,0,,", ["entry 1", "3 numbers", "--only"]),
        ("0,\"1,2\",0,0.5,,", ["number 0", "two different entries", "stream names"]),
    ] {
        let error = refused(&write("bad.csv", format!("{head}{row}\n").as_bytes()));
        assert!(parts.iter().all(|part| error.contains(part)), "{row}: {error}");
    }
    let missing = refused(&write("missing.csv", b"eid,state,action,rewards\n"));
    assert!(missing.contains("no column \"reward\"") && missing.contains("rewards"), "{missing}");
    assert!(refused(&write("empty.csv", b"")).contains("names the columns"));
    let none = refused(&write("none.csv", b"eid,state,action,reward\n1,,,\n"));
    assert!(none.contains("1 rows have no state or no action"), "{none}");
    assert!(refused(&write("notes.txt", b"hello")).contains("neither a Parquet file"));
    assert!(refused(&folder.path().join("nothing.csv")).contains("nothing.csv"));
    assert!(refused(folder.path()).contains("no jobs.parquet"));

    let path = folder.path().join("jobs.parquet");
    write_parquet(&path, &steps(30, 4), |job| {
        if job.arrival.number == 20 {
            job.report.state = Some("1.0;?".into());
        }
    });
    let error = refused(&path);
    assert!(error.contains("row 21") && error.contains("\"state\""), "{error}");
    let database = folder.path().join("other.db");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE tasks (x)").unwrap();
    assert!(refused(&database).contains("no table `jobs`"));
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE jobs (node_id, req_id)").unwrap();
    assert!(refused(&database).contains("no column \"learning_state\""));
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let steps = steps(200, 5);
    write_parquet(&path("jobs.parquet"), &steps, |_| {});
    write_sqlite(&path("jobs.db"), &steps);
    for name in ["jobs.parquet", "jobs.db"] {
        let whole = fs::read(path(name)).unwrap();
        let torn = path("torn");
        for length in [17, whole.len() / 3, whole.len() / 2] {
            fs::write(&torn, &whole[..length]).unwrap();
            assert!(refused(&torn).contains("cannot be read as"), "{name} of {length} bytes");
        }
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..100 {
            let mut changed = whole.clone();
            for _ in 0..3 {
                let place = rng.random_range(16..changed.len());
                changed[place] = rng.random();
            }
            fs::write(&torn, &changed).unwrap();
            // It may still be readable: what counts is that it comes back.
            let _ = traces::load(std::slice::from_ref(&torn), None);
        }
    }
}

#[test]
fn an_agent_trained_from_any_format_acts_best_and_its_curve_rises() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let steps = steps(3_000, 6);
    write_parquet(&path("jobs.parquet"), &steps, |_| {});
    write_sqlite(&path("jobs.db"), &steps);
    fs::write(path("jobs.csv"), csv(&steps)).unwrap();
    for name in ["jobs.parquet", "jobs.db", "jobs.csv"] {
        let out = path(&format!("{name}.ckpt"));
        let trace = path(name);
        let line = ["--trace", shown(&trace), "--out", shown(&out), "--set", "alpha=0.02", "--epochs", "6"];
        let outcome = train::run(&args(&line), &CancellationToken::new()).unwrap();
        assert!(!outcome.stopped);
        assert_eq!(best_of(&out), BEST, "{name}");
        let curve = path(&format!("{name}.ckpt.curve.csv"));
        let values = column(&curve, "doubly_robust");
        assert_eq!(values.len(), 7);
        assert!(values[6] > values[0] + 0.1, "{values:?}");
        assert!(column(&curve, "doubly_robust_low")[6] < BEST_VALUE);
        assert!(column(&curve, "doubly_robust_high")[6] > BEST_VALUE);
        let errors = column(&curve, "td_error");
        assert!(errors[6] < errors[0], "{errors:?}");
        let picture = fs::read_to_string(path(&format!("{name}.ckpt.curve.svg"))).unwrap();
        assert!(picture.contains("<svg") && picture.contains("doubly robust"));
        // What nobody has ever tried does not look best.
        assert!(
            outcome.text.contains("0 reject") && outcome.text.contains("doubly robust"),
            "{}",
            outcome.text
        );
    }
}

#[test]
fn actions_and_bounds_are_those_of_the_part_that_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let (record, out) = (folder.path().join("record.csv"), folder.path().join("agent.ckpt"));
    // The last two choices, which are held out, are of a state and an action that are not there before.
    let row = |eid| {
        if eid < 8 { format!("{eid},{},{},1\n", eid % 3, 1 + eid % 2) } else { format!("{eid},9,7,1\n") }
    };
    let rows: String = (0..10).map(row).collect();
    fs::write(&record, format!("eid,state,action,reward\n{rows}")).unwrap();
    let line = ["--trace", shown(&record), "--out", shown(&out), "--set", "value=tiles"];
    train::run(&args(&line), &CancellationToken::new()).unwrap();
    let learner = Checkpoint::load(&out).unwrap().learner;
    assert_eq!(learner.config().actions_n, 3);
    assert_eq!(learner.config().bounds, [[0.0, 2.0]]);
}

#[test]
fn the_same_record_and_seed_give_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.csv");
    fs::write(&record, csv(&steps(400, 7))).unwrap();
    let bytes = |name: &str| {
        let out = folder.path().join(name);
        train::run(&args(&["--trace", shown(&record), "--out", shown(&out)]), &CancellationToken::new())
            .unwrap();
        ["", ".curve.csv", ".curve.svg"].map(|ending| fs::read(format!("{}{ending}", shown(&out))).unwrap())
    };
    assert!(bytes("one") == bytes("two"));
}

#[test]
fn a_stopped_training_writes_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let (record, out) = (folder.path().join("record.csv"), folder.path().join("agent.ckpt"));
    fs::write(&record, csv(&steps(400, 8))).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = train::run(&args(&["--trace", shown(&record), "--out", shown(&out)]), &cancel).unwrap();
    assert!(outcome.stopped && outcome.text.contains("(stopped)"), "{}", outcome.text);
    Checkpoint::load(&out).unwrap();
}

#[test]
fn rules_that_cannot_learn_from_others_are_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (record, out) = (folder.path().join("record.csv"), folder.path().join("agent.ckpt"));
    let line = ["train", "--trace", shown(&record), "--out", shown(&out), "--set", "rule=sarsa"];
    let (output, _, error) = p2pfaas(&line);
    assert_eq!(output.status.code(), Some(2));
    for part in ["\"sarsa\"", "q-learning", "--as-recorded", "recorded behaviour"] {
        assert!(error.contains(part), "{error}");
    }
    fs::write(&record, csv(&steps(400, 9))).unwrap();
    let (output, text, error) = p2pfaas(&[&line[..], &["--as-recorded"]].concat());
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(text.contains("trained as recorded"), "{text}");
}

#[test]
fn evaluate_finds_the_value_that_the_agent_really_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (monday, tuesday, agent) = (path("monday.csv"), path("tuesday.csv"), path("agent.ckpt"));
    fs::write(&monday, csv(&steps(3_000, 10))).unwrap();
    fs::write(&tuesday, csv(&steps(3_000, 11))).unwrap();
    let line = ["--trace", shown(&monday), "--out", shown(&agent), "--set", "alpha=0.02"];
    train::run(&args(&line), &CancellationToken::new()).unwrap();
    let line = ["evaluate", "--trace", shown(&tuesday), "--agent", shown(&agent)];

    let (output, text, error) = p2pfaas(&line);
    assert_eq!(output.status.code(), Some(0), "{error}");
    for part in ["doubly robust", "as recorded", "effective sample size", "is not corrected", "1 run here"] {
        assert!(text.contains(part), "{text}");
    }
    let (_, json, _) = p2pfaas(&[&line[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    for estimate in ["doubly_robust", "weighted", "importance"] {
        let ci95 = told[estimate]["ci95"].as_array().unwrap();
        let [low, high] = [ci95[0].as_f64().unwrap(), ci95[1].as_f64().unwrap()];
        assert!(low < BEST_VALUE && BEST_VALUE < high, "{estimate}: {low} to {high}");
    }
    assert_eq!(told["warnings"].as_array().unwrap().len(), 0, "{json}");
    assert_eq!(told["sources"]["recorded"], 3_000);

    // An agent that always acts at random gains what random actions gain.
    let (_, json, _) = p2pfaas(&[&line[..], &["--json", "--epsilon", "1"]].concat());
    let random: serde_json::Value = serde_json::from_str(&json).unwrap();
    let value = random["weighted"]["value"].as_f64().unwrap();
    let truth = CHANCES.iter().flatten().sum::<f64>() / 6.0;
    assert!((value - truth).abs() < 0.05, "{value}");

    let (output, text, _) = p2pfaas(&["agent", shown(&agent)]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("table with differential-q-learning") && text.contains("alpha = 0.02"), "{text}");
}

#[test]
fn an_agent_is_not_judged_by_a_record_of_other_states() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (record, other, agent) = (path("record.csv"), path("other.csv"), path("agent.ckpt"));
    fs::write(&record, csv(&steps(400, 12))).unwrap();
    fs::write(&other, "eid,state,action,reward\n1,\"1,2,3\",1,0\n").unwrap();
    train::run(&args(&["--trace", shown(&record), "--out", shown(&agent)]), &CancellationToken::new())
        .unwrap();
    let (output, _, error) = p2pfaas(&["evaluate", "--trace", shown(&other), "--agent", shown(&agent)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("have 3 numbers") && error.contains("have 2"), "{error}");
    // Nor is anything else an agent.
    let (output, _, error) = p2pfaas(&["evaluate", "--trace", shown(&record), "--agent", shown(&record)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("is not a checkpoint"), "{error}");
}

#[test]
fn what_cannot_be_written_is_found_before_the_training() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.csv");
    fs::write(&record, csv(&steps(40, 13))).unwrap();
    let below_a_file: PathBuf = record.join("agent.ckpt");
    for out in [folder.path(), &below_a_file] {
        let (output, _, error) = p2pfaas(&["train", "--trace", shown(&record), "--out", shown(out)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("cannot write") && !error.contains("epoch"), "{error}");
    }
}
