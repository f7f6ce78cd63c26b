use std::fs;
use std::path::Path;

use crate::experiment::{Known, Problems};
use crate::testing::{parse_on, shipped_experiments};

use super::*;

const SHORT: &str = r#"
[cluster]
nodes = 2
slots = 1 # each
queue = 0

[traffic]
kind = "poisson"
rate = 2.0

[[jobs]]
function = "echo"
service = { kind = "exponential", mean_s = 0.1 }

[[policy]]
name = "PowerOfNScheduler"
threshold = 1

[run]
duration_s = 5
"#;

fn registry() -> Registry {
    let mut registry = Registry::builtin();
    registry.register::<sticky_peer::StickyPeer>();
    registry
}

fn read(path: &Path, text: &str, place: Place) -> Result<Experiment, Problems> {
    let registry = registry();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    Experiment::parse(path, text.into(), place, &known)
}

#[test]
fn every_shipped_experiment_is_the_same_experiment_as_run() {
    let mut read_somewhere = 0;
    for path in shipped_experiments() {
        let text = fs::read_to_string(&path).unwrap();
        for place in [Place::Sim, Place::Local, Place::Fleet(3)] {
            let Ok(given) = read(&path, &text, place) else { continue };
            let as_run = as_run(&given, place, &registry());
            let again = read(&path, &as_run, place);
            let again = again.unwrap_or_else(|problems| panic!("{problems}\n{as_run}"));
            let source = given.source.clone();
            assert_eq!(Experiment { source, ..again.clone() }, given, "{}\n{as_run}", path.display());
            assert_eq!(super::as_run(&again, place, &registry()), as_run, "nothing is left unsaid");
            read_somewhere += 1;
        }
    }
    assert!(read_somewhere > 16, "{read_somewhere}");
}

#[test]
fn defaults_are_filled_in_and_what_was_written_stays() {
    let given = Experiment { seeds: vec![4, 5], ..parse_on(Place::Local, SHORT).unwrap() };
    let text = as_run(&given, Place::Local, &Registry::builtin());
    assert!(text.contains("slots = 1 # each\n") && text.contains("rate = 2.0\n"), "{text}");
    let file: toml::Table = text.parse().unwrap();
    let at = |path: &[&str]| {
        let mut value = file.get(path[0]).unwrap_or_else(|| panic!("{path:?}\n{text}"));
        for key in &path[1..] {
            let list = value.as_array().and_then(|list| list.get(key.parse::<usize>().ok()?));
            value = list.or_else(|| value.get(key)).unwrap_or_else(|| panic!("{path:?}\n{text}"));
        }
        value.to_string()
    };
    for (path, expected) in [
        (&["cluster", "speed"][..], "1"),
        (&["cluster", "job_timeout_s"], "30"),
        (&["cluster", "discipline"], "\"fifo\""),
        (&["jobs", "0", "name"], "\"job-0\""),
        (&["policy", "0", "fan_out"], "1"),
        (&["policy", "0", "threshold"], "1"),
        (&["policy", "0", "loss"], "true"),
        (&["policy", "0", "max_hops"], "1"),
        (&["run", "warmup_s"], "0"),
        (&["run", "seeds"], "[4, 5]"),
    ] {
        assert_eq!(at(path), expected, "{path:?}");
    }
    assert!(!text.contains("detect_s") && !text.contains("[network]"), "real nodes have none:\n{text}");
    let simulated = as_run(&parse_on(Place::Sim, SHORT).unwrap(), Place::Sim, &Registry::builtin());
    assert!(simulated.contains("detect_s = 1\n") && simulated.contains("[network]\n"), "{simulated}");
}

#[test]
fn agents_and_rewards_are_said_in_full_unless_a_checkpoint_says_what_they_are() {
    let learned = SHORT.replace(
        "name = \"PowerOfNScheduler\"\nthreshold = 1",
        "name = \"LearningScheduler\"\n[policy.agent]\ntrain_s = 9\nalpha = 0.5",
    );
    let given = parse_on(Place::Sim, &learned).unwrap();
    let text = as_run(&given, Place::Sim, &Registry::builtin());
    for part in ["alpha = 0.5\n", "epsilon_min = ", "frozen = false\n", "[policy.reward]\n", "in_time = "] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let again = parse_on(Place::Sim, &text).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(again.policies, given.policies);
}

#[test]
fn a_fleet_gets_its_number_of_nodes() {
    let given = SHORT.replace("nodes = 2\n", "");
    let given = parse_on(Place::Fleet(3), &given).unwrap_or_else(|problems| panic!("{problems}"));
    let text = as_run(&given, Place::Fleet(3), &Registry::builtin());
    assert!(text.contains("nodes = 3\n") && !text.contains("job_timeout_s"), "{text}");
}

#[test]
fn where_it_comes_from_is_told_and_not_read_again() {
    #[derive(Serialize)]
    struct Facts {
        commit: &'static str,
        cores: usize,
    }
    let given = parse_on(Place::Sim, SHORT).unwrap();
    let text = as_run(&given, Place::Sim, &Registry::builtin());
    let told = with_provenance(&text, &Facts { commit: "abc", cores: 2 });
    assert!(
        told.starts_with(&text) && told.ends_with("[provenance]\ncommit = \"abc\"\ncores = 2\n"),
        "{told}"
    );
    let again = parse_on(Place::Sim, &told).unwrap_or_else(|problems| panic!("{problems}\n{told}"));
    assert_eq!(as_run(&again, Place::Sim, &Registry::builtin()), text, "it does not stay");
}
