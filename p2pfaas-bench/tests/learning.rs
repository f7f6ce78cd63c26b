//! Agents that learn on an embedded cluster, and what is left of it.

#![allow(clippy::unwrap_used, reason = "clippy.toml's leave for tests does not cover their helpers")]

use std::path::Path;
use std::time::Duration;

use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::progress::Progress;
use p2pfaas_bench::results::Folder;
use p2pfaas_bench::run::{Options, run};
use p2pfaas_bench::summary::Summary;
use p2pfaas_core::policy::Registry;
use p2pfaas_learner::checkpoint::Checkpoint;
use p2pfaas_node::BUILTIN_FUNCTIONS;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Row;
use tokio_util::sync::CancellationToken;

const NONE: &str = "[[policy]]\nlabel = \"none\"\nname = \"NoScheduler\"\n";

fn learned(label: &str, agent: &str) -> String {
    format!("[[policy]]\nlabel = \"{label}\"\nname = \"LearningScheduler\"\n[policy.agent]\n{agent}\n")
}

/// Beside its checkpoints, if there are any.
fn experiment(folder: &Path, duration_s: f64, policies: &str) -> Experiment {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &BUILTIN_FUNCTIONS };
    let text = format!(
        "[cluster]\nslots = 1\nqueue = 1\n[[cluster.node]]\nspeed = 0.5\n[[cluster.node]]\nspeed = 4\n\
         [[cluster.node]]\nspeed = 1\n[traffic]\nkind = \"poisson\"\nrates = [60.0, 20.0, 20.0]\n\
         [[jobs]]\nfunction = \"echo\"\nservice = {{ kind = \"deterministic\", mean_s = 0.02 }}\n\
         deadline_s = 0.1\n[run]\nwarmup_s = 0.2\nduration_s = {duration_s}\nseeds = [1]\n{policies}"
    );
    Experiment::parse(&folder.join("tiny.toml"), text, Place::Local, &known)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

struct Ran {
    summary: Summary,
    rows: Vec<Row>,
    folder: Folder,
}

fn measure(experiment: &Experiment, folder: &Path, cancel: &CancellationToken) -> Ran {
    let folder = Folder::create(Some(folder), experiment).unwrap();
    let summary = run(
        experiment,
        Registry::builtin(),
        &folder,
        Options::default(),
        cancel,
        &Progress::hidden(experiment),
    )
    .unwrap();
    let reader = SerializedFileReader::try_from(folder.jobs().as_path()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    Ran { summary, rows, folder }
}

fn cell(row: &Row, name: &str) -> String {
    let (_, value) = row.get_column_iter().find(|(column, _)| *column == name).unwrap();
    value.to_string()
}

impl Ran {
    fn of(&self, policy: &str, phase: &str) -> Vec<&Row> {
        let is = |row: &&Row, name, text: &str| cell(row, name) == format!("\"{text}\"");
        let rows = self.rows.iter().filter(|row| is(row, "policy", policy) && is(row, "phase", phase));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| cell(row, "job").parse::<u64>().unwrap());
        rows
    }

    fn agent(&self, policy: &str, node: usize) -> Checkpoint {
        Checkpoint::load(&self.folder.agent(policy, 1, node)).unwrap()
    }
}

#[test]
fn agents_learn_before_the_run_from_jobs_that_are_not_counted_and_only_act_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let agent = "train_s = 2\nalpha = 0.1\nepsilon_start = 1.0\nepsilon_schedule = \"constant\"";
    let policies = format!("{NONE}{}", learned("learned", agent));
    let experiment = experiment(folder.path(), 1.0, &policies);
    let ran = measure(&experiment, folder.path(), &CancellationToken::new());
    let [none, learned] = &ran.summary.policies[..] else { panic!("two policies: {:?}", ran.summary) };

    // Training has jobs of its own, before 0; those of the run are the same under both policies.
    let times = |policy, phase| -> Vec<f64> {
        ran.of(policy, phase).iter().map(|row| cell(row, "scheduled_s").parse().unwrap()).collect()
    };
    let training = times("learned", "training");
    assert!(training.iter().all(|at_s| (-2.0..0.0).contains(at_s)) && training.len() > 100, "{training:?}");
    assert!(times("none", "training").is_empty());
    for phase in ["warmup", "measured"] {
        assert_eq!(times("none", phase), times("learned", phase), "{phase}");
        assert!(!times("learned", phase).is_empty(), "{phase}");
    }
    assert_eq!(none.offered, learned.offered);
    assert_eq!(learned.offered, ran.of("learned", "measured").len() as u64);
    let counted = ran.rows.iter().filter(|row| cell(row, "warmup") == "false").count() as u64;
    assert_eq!(counted, none.offered + learned.offered);

    // Every job that an agent was asked about has a reward, and its experience reached the agent.
    let asked = |phase| {
        let rows = ran.of("learned", phase);
        let asked: Vec<_> = rows.into_iter().filter(|row| cell(row, "action") != "null").collect();
        assert!(asked.iter().all(|row| cell(row, "reward") != "null"), "{phase}");
        asked.len() as u64
    };
    let experiences = learned.learning.unwrap();
    assert_eq!((none.learning, experiences.training_s, experiences.experiences_lost), (None, 2.0, 0));
    // The last one of each agent waits for its successor.
    let trained = asked("training");
    assert!((trained - 3..=trained).contains(&experiences.experiences), "{trained}: {experiences:?}");
    assert!(asked("measured") > 0);

    // In the run agents explore no more and learn nothing.
    assert_eq!(experiences.experiences_after_training, 0);
    let epsilons = |phase| -> Vec<f64> {
        let rows = ran.of("learned", phase);
        let epsilons = rows.iter().map(|row| cell(row, "epsilon")).filter(|text| text != "null");
        epsilons.map(|text| text.parse().unwrap()).collect()
    };
    assert!(epsilons("training").iter().all(|epsilon| *epsilon == 1.0));
    assert!(epsilons("measured").iter().all(|epsilon| *epsilon == 0.0));

    // What they know is kept, and so is the way there.
    let kept: u64 = (0..3).map(|node| ran.agent("learned", node).learner.counters().trained).sum();
    assert_eq!(kept, experiences.experiences);
    let csv = std::fs::read_to_string(folder.path().join("learning.csv")).unwrap();
    assert!(csv.contains("\nlearned,1,-2,training,") && csv.contains("\nlearned,1,0,measured,"), "{csv}");
    assert!(!csv.contains("\nnone"), "{csv}");
    let picture = std::fs::read_to_string(ran.folder.learning_picture()).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("learned") && picture.contains("none"));
}

#[test]
fn what_was_trained_can_be_used_as_it_is_or_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = experiment(folder.path(), 0.3, &learned("first", "train_s = 0.7"));
    let ran = measure(&first, folder.path(), &CancellationToken::new());
    let known: Vec<u64> = (0..3).map(|node| ran.agent("first", node).learner.counters().trained).collect();
    assert!(known.iter().all(|trained| *trained > 0), "{known:?}");

    let start = "checkpoint = \"agents/first-seed1-node{node}.ckpt\"";
    let more = format!("{}{}", learned("frozen", &format!("{start}\nfrozen = true")), {
        learned("on", &format!("{start}\nkeep_learning = true"))
    });
    let out = folder.path().join("second");
    let ran = measure(&experiment(folder.path(), 0.3, &more), &out, &CancellationToken::new());
    let [frozen, on] = &ran.summary.policies[..] else { panic!("two policies: {:?}", ran.summary) };
    assert_eq!((frozen.learning, frozen.fallbacks), (None, 0));
    assert!(!ran.folder.agent("frozen", 1, 0).exists());
    let learning = on.learning.unwrap();
    assert_eq!((learning.training_s, learning.experiences), (0.0, 0));
    assert!(learning.experiences_after_training > 0);
    let now: u64 = (0..3).map(|node| ran.agent("on", node).learner.counters().trained).sum();
    assert_eq!(now, known.iter().sum::<u64>() + learning.experiences_after_training);
}

#[test]
fn an_interrupted_training_keeps_its_jobs_and_what_was_learned() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = experiment(folder.path(), 600.0, &learned("learned", "train_s = 600"));
    let cancel = CancellationToken::new();
    let interrupt = cancel.clone();
    let waiter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        interrupt.cancel();
    });
    let ran = measure(&experiment, folder.path(), &cancel);
    waiter.join().unwrap();
    assert!(ran.summary.interrupted && ran.summary.policies.is_empty(), "{:?}", ran.summary);
    assert_eq!(ran.of("learned", "training").len(), ran.rows.len());
    for file in ["learning.csv", "learning.svg", "agents/learned-seed1-node2.ckpt"] {
        assert_eq!(
            folder.path().join(file).is_file(),
            !ran.rows.is_empty() || file.starts_with("agents"),
            "{file}"
        );
    }
}
