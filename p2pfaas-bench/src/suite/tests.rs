use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use p2pfaas_core::policy::Registry;
use tokio_util::sync::CancellationToken;

use super::families::{Told, families};
use super::measured::{Measured, Role, Row, Tuning};
use super::store::{Case, Line};
use super::tune::{RUNS_OF_THE_BEST, budget};
use super::*;
use crate::experiment::{Experiment, Known, Place, PolicySpec};
use crate::offered::Offered;
use crate::simulate::{Ended, Engine, EngineError, SimProgress, Watcher};
use crate::testing::{Pretended, experiments_folder};

/// A scenario that takes no time.
const TINY: &str = "# Is it small? Yes.\n[cluster]\nnodes = 2\nslots = 1\nqueue = 1\n[traffic]\nkind = \"poisson\"\nrate = 1.0\n\
     [[jobs]]\nfunction = \"echo\"\nservice = { kind = \"exponential\", mean_s = 0.3 }\ndeadline_s = 0.5\n[[policy]]\n\
     name = \"NoScheduler\"\n[run]\nduration_s = 4\n[suite]\nloads = [0.5, 0.9]\n[suite.draw]\n\
     nodes = { from = 2, to = 3 }\nmean_s = { from = 0.2, to = 0.4 }\n";

const LEARNED: &str =
    "[[policy]]\nlabel = \"mine\"\nname = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 1\nalpha = 0.1\n";

struct Bench {
    folder: tempfile::TempDir,
    registry: Registry,
    scenarios: Vec<Scenario>,
}

impl Bench {
    fn new() -> Bench {
        let scenarios = vec![Scenario::parse(Path::new("tiny.toml"), TINY).unwrap()];
        Bench { folder: tempfile::tempdir().unwrap(), registry: Registry::builtin(), scenarios }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn entries(&self, text: &str) -> Entries {
        let path = self.path("policies.toml");
        fs::write(&path, text).unwrap();
        Entries::load(&path, &[]).unwrap()
    }

    /// Runs what is missing, and says what there is then.
    fn run(&self, engine: &dyn Engine, entries: &Entries, cancel: &CancellationToken) -> (Ran, String) {
        let store = Store::open(&self.path("out")).unwrap();
        let known = known(&self.registry);
        let suite = Suite {
            scenarios: &self.scenarios,
            loads: &[],
            seeds: &[1, 2],
            entries,
            store: &store,
            known,
            engine,
        };
        let works = suite.works().unwrap();
        let ran = suite.run(&works, NonZeroUsize::new(2), cancel, &SimProgress::hidden()).unwrap();
        let text = write(&suite, &ran, "head").unwrap();
        (ran, text)
    }
}

fn known(registry: &Registry) -> Known<'_> {
    Known { registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS }
}

fn shipped() -> Vec<Scenario> {
    let all = Scenario::all(&experiments_folder().join("suite")).unwrap();
    assert_eq!(all.len(), 8);
    all
}

/// The experiment of an instance that lies in a folder.
fn read(instance: &Instance, registry: &Registry) -> Experiment {
    let folder = tempfile::tempdir().unwrap();
    let path = instance.write(folder.path()).unwrap();
    let experiment = Experiment::load(&path, Place::Sim, &known(registry));
    experiment.unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_same_seed_draws_the_same_bytes_and_another_one_another_instance() {
    let registry = Registry::builtin();
    for scenario in shipped() {
        let draw = |load: f64, seed| Instance::draw(&scenario, load, seed, &known(&registry)).unwrap();
        let load = scenario.loads[0];
        let one = draw(load, 7);
        assert_eq!(one, draw(load, 7), "{}", scenario.name);
        let mut texts = BTreeSet::new();
        for seed in [1, 2, 3, 10_000] {
            let other = draw(load, seed);
            let drawn = read(&other, &registry);
            assert_eq!(drawn.seeds, [arrival_seed(seed, 0)]);
            assert!((60.0..=120.0).contains(&drawn.duration_s) && drawn.warmup_s == 10.0);
            assert!((8..=16).contains(&drawn.nodes.len()));
            // Without its first line, which names the seed, and its seeds.
            let text = other.text.split_once('\n').unwrap().1.replace(&format!("[{}]", drawn.seeds[0]), "");
            texts.insert(text);
            assert!(other.text.contains(&format!("--seed {seed} --scenario {}", scenario.name)));
        }
        assert_eq!(texts.len(), 4, "{}", scenario.name);
    }
}

#[test]
fn loads_come_out_as_they_were_asked_for_and_nothing_else_changes_with_them() {
    let registry = Registry::builtin();
    for scenario in shipped() {
        for seed in [1, 2, 10_001] {
            let mut before: Option<Experiment> = None;
            for load in &scenario.loads {
                let instance = Instance::draw(&scenario, *load, seed, &known(&registry)).unwrap();
                let drawn = read(&instance, &registry);
                // By hand for steady traffic; what changes with time is checked where it is reckoned.
                if scenario.name == "speeds" {
                    let work = drawn.traffic[0].rates.iter().sum::<f64>()
                        * drawn.jobs[0].service.clone().unwrap().mean_s();
                    let can: f64 = drawn.nodes.iter().map(|node| f64::from(node.slots) * node.speed).sum();
                    assert!((work / can - load).abs() < 1e-5, "{}: {}", instance.name, work / can);
                }
                let there = Offered::of(&drawn).all_rho().unwrap();
                assert!((there - load).abs() < 1e-5, "{}: {there}", instance.name);
                if let Some(before) = before.replace(drawn.clone()) {
                    assert_eq!((&before.nodes, &before.jobs), (&drawn.nodes, &drawn.jobs));
                    assert_eq!(before.network, drawn.network);
                    assert_eq!(before.traffic[0].kind, drawn.traffic[0].kind);
                }
            }
        }
    }
}

#[test]
fn what_a_scenario_is_about_is_in_what_is_drawn_of_it() {
    let registry = Registry::builtin();
    for scenario in shipped() {
        let instance = Instance::draw(&scenario, scenario.loads[0], 3, &known(&registry)).unwrap();
        let drawn = read(&instance, &registry);
        let speeds: BTreeSet<_> = drawn.nodes.iter().map(|node| node.speed.to_bits()).collect();
        assert_eq!(speeds.len() > 1, scenario.name == "speeds", "{}", scenario.name);
        assert_eq!(drawn.jobs.len() == 2, scenario.name == "types");
        assert_eq!(drawn.network.view_refresh.is_some(), scenario.name == "stale");
        assert_eq!(drawn.nodes[0].faults.is_some(), scenario.name == "failing");
        assert_eq!(instance.text.contains("edges.csv"), scenario.name == "links");
        let far = ["links", "city"].contains(&scenario.name.as_str());
        assert_eq!(instance.text.contains("latency.csv"), far);
        assert!(scenario.question.ends_with('?'), "{}", scenario.question);
    }
}

#[test]
fn the_grid_has_all_families_and_each_of_its_policies_can_be_built() {
    let registry = Registry::builtin();
    let scenario = &shipped()[0];
    let instance = Instance::draw(scenario, scenario.loads[0], 1, &known(&registry)).unwrap();
    let drawn = read(&instance, &registry);
    let families = families(&drawn, &registry).unwrap();
    let room = (drawn.nodes[0].slots + drawn.nodes[0].queue) as usize;
    let family = |name: &str| families.iter().find(|family| family.name == name).unwrap();
    // fan_out 1, 2, 3, 5, 8 and all, every threshold, alone, on aware nodes, and shedding.
    assert_eq!(family("power of n").candidates.len(), 6 * (room + 1) * 3);
    let labels: Vec<_> = family("power of n").candidates.iter().map(|policy| policy.label()).collect();
    for label in [
        format!("PowerOfNScheduler({}, {room}, true, 1)", drawn.nodes.len() - 1),
        "PowerOfNScheduler(1, 0, true, 1) + deadline_aware".into(),
        "PowerOfNScheduler(3, 2, true, 1, shed=late)".into(),
    ] {
        assert!(labels.contains(&label), "{label}: {labels:?}");
    }
    assert_eq!(family("policy improvement").candidates.len(), 6 * 2);
    assert_eq!(family("policy improvement").told, Told::Model);
    assert_eq!(family("full information").candidates.len(), 4 * 2);
    for name in ["no co-operation", "forward", "power of n", "power of n, tau"] {
        assert_eq!(family(name).told, Told::Nothing);
    }
}

/// Notes which arrivals each policy has met.
#[derive(Default)]
struct Noting {
    inner: Pretended,
    seen: Mutex<Vec<(String, u64)>>,
}

impl Engine for Noting {
    fn run(
        &self,
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        watcher: &mut Watcher<'_>,
    ) -> Result<Ended, EngineError> {
        self.seen.lock().unwrap().push((policy.label.clone(), seed));
        self.inner.run(experiment, policy, seed, watcher)
    }
}

#[test]
fn tuning_never_meets_the_arrivals_of_an_evaluation() {
    let bench = Bench::new();
    let engine = Noting::default();
    let (ran, _) = bench.run(&engine, &Entries::default(), &CancellationToken::new());
    let evaluations = [1, 2].map(|seed| arrival_seed(seed, 0));
    let seen = engine.seen.into_inner().unwrap();
    let (evaluated, tuned): (Vec<_>, Vec<_>) = seen.iter().partition(|(_, seed)| evaluations.contains(seed));
    // One run a row and no more.
    assert_eq!(evaluated.len(), ran.lines.iter().map(|(line, _)| line.rows.len()).sum::<usize>());
    let by_tuning: u64 = ran
        .lines
        .iter()
        .flat_map(|(line, _)| &line.rows)
        .filter_map(|row| row.tuning)
        .map(|tuning| tuning.runs)
        .sum();
    assert_eq!(tuned.len() as u64, by_tuning);
    // Nor would those of any other draw.
    let all: BTreeSet<_> = (1..500).map(|seed| arrival_seed(seed, 0)).collect();
    assert!(tuned.iter().all(|(_, seed)| !all.contains(seed)));
    const { assert!(RUNS_OF_THE_BEST < ARRIVALS_A_DRAW) };
}

#[test]
fn what_is_tuned_is_the_best_under_the_arrivals_of_tuning_and_its_budget_is_told() {
    let bench = Bench::new();
    let (ran, _) = bench.run(&Pretended::default(), &Entries::default(), &CancellationToken::new());
    assert_eq!((ran.lines.len(), ran.left), (4, 0));
    for (line, _) in &ran.lines {
        assert_eq!(line.rows[0].policy, "NoScheduler(false)");
        assert_eq!(line.rows[1].policy, "PowerOfNScheduler(1, 2, true, 1)");
        for row in &line.rows[2..] {
            let tuning = row.tuning.unwrap();
            assert_eq!(tuning.runs, budget(tuning.candidates), "{row:?}");
        }
    }
}

#[test]
fn a_suite_that_was_ended_goes_on_and_a_new_or_changed_policy_costs_only_its_own_runs() {
    let bench = Bench::new();
    let none = Entries::default();
    let go = || CancellationToken::new();
    let whole = {
        let other = Bench::new();
        other.run(&Pretended::default(), &none, &go()).1
    };
    let cancel = go();
    let engine = Pretended { cancel_after: Some((300, cancel.clone())), ..Pretended::default() };
    let (ran, _) = bench.run(&engine, &none, &cancel);
    assert!(ran.left > 0 && ran.lines.len() == 4 - ran.left, "{ran:?}");
    // As a kill leaves it.
    let path = bench.path("out/instances.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"scenario\":\"tiny\",\"lo")).unwrap();
    let again = Pretended::default();
    let (ran, text) = bench.run(&again, &none, &go());
    assert_eq!((ran.lines.len(), ran.left), (4, 0));
    let timeless = |text: &str| text.split("## What tuning").next().unwrap().to_string();
    assert_eq!(timeless(&text), timeless(&whole));

    let once = |entries: &Entries| {
        let engine = Pretended::default();
        let (ran, text) = bench.run(&engine, entries, &go());
        assert_eq!(ran.left, 0);
        (engine.begun.into_inner(), text)
    };
    assert_eq!(once(&none).0, 0, "all is there");
    let (runs, text) = once(&bench.entries(LEARNED));
    assert_eq!(runs, 4, "one an instance");
    assert!(text.contains("## mine") && text.contains("### mine: over all loads"), "{text}");
    assert_eq!(once(&bench.entries(LEARNED)).0, 0);
    assert_eq!(once(&bench.entries(&LEARNED.replace("alpha = 0.1", "alpha = 0.2"))).0, 4);
    assert_eq!(once(&bench.entries(&format!("{LEARNED}[[policy]]\nname = \"RejectScheduler\"\n"))).0, 4);
}

#[test]
fn a_policy_is_another_one_when_a_file_that_it_names_has_changed_and_a_wrong_list_is_refused() {
    let bench = Bench::new();
    let text = LEARNED.replace("alpha = 0.1", "checkpoint = \"a-{node}.ckpt\"");
    let print = || bench.entries(&text).iter().next().unwrap().print.clone();
    let before = print();
    assert_eq!(before, print());
    fs::write(bench.path("a-1.ckpt"), "weights").unwrap();
    assert_ne!(before, print());
    for (text, part) in [
        ("[run]\nduration_s = 1\n", "\"run\" is not known"),
        ("[[policy]]\nfan_out = 1\n", "a policy without a name"),
        ("[[policy]]\nname = \"A\"\n[[policy]]\nname = \"A\"\n", "two policies are called \"A\""),
        ("[[policy]]\nname = \"A\"\ndeadline_aware = 1\n", "expected true or false"),
    ] {
        let path = bench.path("policies.toml");
        fs::write(&path, text).unwrap();
        let error = Entries::load(&path, &[]).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    let path = bench.path("policies.toml");
    fs::write(&path, LEARNED).unwrap();
    let error = Entries::load(&path, &["yours".into()]).unwrap_err().to_string();
    assert!(error.contains("no policy \"yours\"; expected one of mine"), "{error}");
}

#[test]
fn a_scenario_that_is_wrong_is_refused_with_the_reason() {
    for (from, to, part) in [
        ("[suite]\n", "[run]\n", "duplicate key"),
        ("loads = [0.5, 0.9]", "loads = []", "one or more numbers above 0"),
        ("nodes = { from = 2, to = 3 }", "node = 3", "unknown field `node`"),
        ("{ from = 0.2, to = 0.4 }", "{ from = 0.4, to = 0.2 }", "a law is not one"),
        ("{ from = 0.2, to = 0.4 }", "{ from = 0.0, to = 0.4, log = true }", "from must be above 0"),
        ("{ from = 0.2, to = 0.4 }", "[]", "a law is not one"),
    ] {
        // The last one, where there are several.
        let (head, tail) = TINY.split_at(TINY.rfind(from).unwrap());
        let text = format!("{head}{}", tail.replacen(from, to, 1));
        let error = Scenario::parse(Path::new("tiny.toml"), &text).unwrap_err().to_string();
        assert!(error.contains(part), "{from}: {error}");
    }
    let without = TINY.split("[suite]").next().unwrap();
    let error = Scenario::parse(Path::new("tiny.toml"), without).unwrap_err().to_string();
    assert!(error.contains("there is no table [suite]"), "{error}");
    let text = format!("{TINY}[[suite.draw.jobs]]\ndeadline = 2\n[[suite.draw.jobs]]\ndeadline = 2\n");
    let error = Scenario::parse(Path::new("tiny.toml"), &text).unwrap_err().to_string();
    assert!(error.contains("2 [[suite.draw.jobs]] for 1 [[jobs]]"), "{error}");
    let all = shipped();
    let error = Scenario::named(all, &["speed".into()]).unwrap_err().to_string();
    assert!(error.contains("expected one of city, equal"), "{error}");
}

#[test]
fn seeds_are_for_development_or_for_evaluation_and_never_for_both() {
    let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
    assert_eq!(seeds("3"), Ok(vec![1, 2, 3]));
    assert_eq!(seeds("10000..10001"), Ok(vec![10_000, 10_001]));
    assert_eq!(range_of(9_999), SeedRange::Development);
    assert_eq!(range_of(10_000), SeedRange::Evaluation);
    assert!(seeds("9999..10000").unwrap_err().contains("one of the two"));
    for wrong in ["0", "0..3", "5..4", "many", "1..99999"] {
        assert!(seeds(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_gap_closed_is_the_part_of_the_way_from_tuned_to_best_known() {
    let close = |left: Option<f64>, right: f64| assert!((left.unwrap() - right).abs() < 1e-9, "{left:?}");
    close(report::gap_closed(0.85, 0.8, 0.9), 0.5);
    close(report::gap_closed(0.78, 0.8, 0.9), -0.2);
    close(report::gap_closed(0.92, 0.8, 0.9), 1.2);
    assert_eq!(report::gap_closed(0.85, 0.8, 0.8), None);
    assert_eq!(report::gap_closed(0.85, 0.8, 0.7), None);
}

fn measured(in_time: f64) -> Measured {
    Measured {
        offered: 1000,
        in_time,
        dropped: 0.0,
        rejected: 0.0,
        failed: 0.0,
        forwarded: 0.0,
        probes_per_job: 1.0,
        worst_node: in_time,
        jain: 1.0,
        p99_s: None,
    }
}

fn lines(load: f64, seed: u64, learned: f64) -> (Line, Vec<Line>) {
    let row = |label: &str, role, score: Option<f64>, in_time| Row {
        label: label.into(),
        role,
        policy: label.into(),
        tuning: score.map(|score| Tuning { score, candidates: 3, runs: 9 }),
        measured: measured(in_time),
    };
    let case = Case { scenario: "tiny".into(), load, seed };
    let rows = vec![
        row("none", Role::Fixed, None, 0.5),
        row("PowerOfN(1, 2)", Role::Fixed, None, 0.6),
        // Better by the evaluation, but not by the tuning.
        row("forward", Role::Tuned(Told::Nothing), Some(0.7), 0.9),
        row("power of n", Role::Tuned(Told::Nothing), Some(0.8), 0.8),
        row("policy improvement", Role::Tuned(Told::Model), Some(0.85), 0.85),
        row("full information", Role::Tuned(Told::Everything), Some(0.9), 0.9),
    ];
    let line = |learned: Option<&str>, rows| Line {
        case: case.clone(),
        instance: "0".into(),
        learned: learned.map(str::to_string),
        took_s: 1.0,
        rows,
    };
    (line(None, rows), vec![line(Some("1"), vec![row("mine", Role::Learned, None, learned)])])
}

fn rendered(learned: impl Fn(f64, u64) -> f64) -> String {
    let scenarios = [Scenario::parse(Path::new("tiny.toml"), TINY).unwrap()];
    let cases = [(0.5, 1), (0.5, 2), (0.5, 3), (0.9, 1), (0.9, 2), (0.9, 3)];
    let lines: Vec<_> =
        cases.into_iter().map(|(load, seed)| lines(load, seed, learned(load, seed))).collect();
    report::render(&scenarios, &["mine"], &lines, "head")
}

#[test]
fn the_summary_pairs_by_seeds_chooses_by_tuning_and_says_who_wins() {
    let text = rendered(|_, seed| 0.84 + 0.001 * seed as f64);
    // Tuned static is the one with the better tuning, not the one that was lucky in the evaluation.
    assert!(
        text.contains(
            "| tiny | 0.5 | 3 | 50.0 ±0.0 | 60.0 ±0.0 | 80.0 ±0.0 | 85.0 ±0.0 | 90.0 ±0.0 | 90.0 ±0.0 | +20.0"
        ),
        "{text}"
    );
    // 84.1, 84.2, 84.3: +4.2 -+ 4.303 * 0.1 / sqrt(3); (0.842 - 0.8) / (0.9 - 0.8).
    assert!(text.contains("| tiny | 0.9 | 3 | 84.2 ±0.2 | 80.0 ±0.0 | 90.0 ±0.0 | +4.2 [+4.0, +4.4] | -0.8 [-1.0, -0.6] | 42 % |"), "{text}");
    assert!(text.contains("| tiny | 6 | +4.2 [+4.0, +4.4] | wins | 42 % |"), "{text}");
    assert!(text.contains("below tuned static anywhere: no; the least is +4.2 at tiny at load"), "{text}");
}

#[test]
fn a_loss_at_one_load_is_told_although_the_mean_over_loads_is_no_difference() {
    let text = rendered(|load, seed| {
        let way = if load == 0.5 { -0.03 } else { 0.03 };
        0.8 + way + 0.01 * (seed as f64 - 2.0)
    });
    assert!(text.contains("| tiny | 6 | +0.0 [-2.5, +2.5] | no difference | 0 % |"), "{text}");
    assert!(
        text.contains("below tuned static anywhere: yes; the least is -3.0 at tiny at load 0.5"),
        "{text}"
    );
    let loses = rendered(|_, seed| 0.7 + 0.001 * seed as f64);
    assert!(loses.contains("| loses |"), "{loses}");
}
