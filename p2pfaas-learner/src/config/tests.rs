//! Parameters as files and clients give them.

use serde_json::{Value as Json, json};

use super::*;

fn set(config: &mut AgentConfig, flat: Json) -> Result<Vec<ConfigWarning>, ConfigError> {
    config.set(flat.as_object().unwrap())
}

fn changed(flat: Json) -> Result<AgentConfig, ConfigError> {
    let mut config = AgentConfig::default();
    set(&mut config, flat).map(|_| config)
}

fn error(flat: Json) -> String {
    changed(flat).unwrap_err().to_string()
}

#[test]
fn the_defaults_can_be() {
    assert_eq!(AgentConfig::default().check(), Ok(()));
}

#[test]
fn the_authors_own_script_is_understood_with_a_warning() {
    let mut config = AgentConfig::default();
    let script = json!({
        "actions_n": 14, "alpha": 0.001, "beta": 0.1, "window_size": 10, "epsilon": 0.9,
        "epsilon_min": 0.05, "epsilon_decay": 0.9995, "epsilon_decay_enabled": true,
        "entry_missing_max_attempts": 50,
    });
    let warnings = set(&mut config, script).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].0.contains("epsilon_start"), "{warnings:?}");
    assert_eq!((config.actions_n, config.alpha, config.epsilon_start), (14, 0.001, 0.9));
    assert_eq!(config.gamma, AgentConfig::default().gamma, "the others stay");
}

#[test]
fn epsilon_means_epsilon_start_unless_that_is_given_too() {
    assert_eq!(changed(json!({"epsilon": 0.3})).unwrap().epsilon_start, 0.3);
    assert_eq!(changed(json!({"epsilon": 0.3, "epsilon_start": 0.4})).unwrap().epsilon_start, 0.4);
    assert!(error(json!({"epsilon": "much"})).starts_with("epsilon: expected a number"));
}

#[test]
fn an_unknown_name_is_refused_with_a_suggestion() {
    assert_eq!(error(json!({"alhpa": 0.1})), "unknown parameter \"alhpa\"; did you mean \"alpha\"?");
    assert!(error(json!({"epsilon_strat": 0.1})).ends_with("did you mean \"epsilon_start\"?"));
    assert_eq!(error(json!({"zzzz": 0.1})), "unknown parameter \"zzzz\"");
}

#[test]
fn numbers_may_be_given_as_text() {
    let config = changed(json!({
        "alpha": "0.1", "actions_n": " 14 ", "steps": 8.0, "gamma": 1, "epsilon_decay_enabled": "False",
        "hidden": "[32, 16]", "bounds": [[0, 4], [0, 8.5]], "rule": "sarsa",
    }));
    let config = config.unwrap();
    assert_eq!((config.alpha, config.actions_n, config.steps, config.gamma), (0.1, 14, 8, 1.0));
    assert!(!config.epsilon_decay_enabled, "\"False\" is false, other than with the old learner");
    assert_eq!((config.hidden, config.bounds), (vec![32, 16], vec![[0.0, 4.0], [0.0, 8.5]]));
}

#[test]
fn a_wrong_type_is_refused_with_what_was_expected() {
    for (flat, text) in [
        (json!({"alpha": "fast"}), "alpha: expected a number; found \"fast\""),
        (json!({"alpha": null}), "alpha: expected a number; found null"),
        (json!({"actions_n": 2.5}), "actions_n: expected a whole number, 0 or more; found 2.5"),
        (json!({"actions_n": -1}), "actions_n: expected a whole number, 0 or more; found -1"),
        (json!({"actions_n": 1e10}), "actions_n: expected a whole number, 0 or more; found 10000000000.0"),
        (json!({"epsilon_decay_enabled": 1}), "epsilon_decay_enabled: expected true or false; found 1"),
        (json!({"replay": "all"}), "replay: expected one of uniform, prioritised; found \"all\""),
        (json!({"bounds": [1, 2]}), "bounds: expected a list of pairs [low, high]; found [1,2]"),
        (json!({"hidden": "64"}), "hidden: expected a list of whole numbers; found \"64\""),
    ] {
        assert_eq!(error(flat), text);
    }
}

#[test]
fn a_value_out_of_its_range_is_refused_by_its_name() {
    for flat in [
        json!({"alpha": 0}),
        json!({"alpha": 1.5}),
        json!({"beta": -0.1}),
        json!({"gamma": 1.1}),
        json!({"lambda": -1}),
        json!({"steps": 0}),
        json!({"steps": 100_000}),
        json!({"actions_n": 0}),
        json!({"actions_n": 1_000_000}),
        json!({"epsilon_start": 1.1}),
        json!({"epsilon_min": -0.1}),
        json!({"epsilon_decay": 0}),
        json!({"epsilon_steps": 0}),
        json!({"ucb_c": -1}),
        json!({"max_states": 0}),
        json!({"tilings": 6}),
        json!({"tiles": 0}),
        json!({"tile_weights": 0}),
        json!({"order": 0}),
        json!({"bounds": [[1, 1]]}),
        json!({"hidden": [0]}),
        json!({"hidden": [1_000_000]}),
        json!({"hidden": [1, 1, 1, 1, 1, 1, 1, 1, 1]}),
        json!({"replay_size": 0}),
        json!({"batch_size": 60_000}),
        json!({"learning_starts": 60_000}),
        json!({"train_every": 0}),
        json!({"target_every": 0}),
        json!({"priority_alpha": 2}),
        json!({"priority_beta": 2}),
        json!({"window_size": 0}),
        json!({"entry_missing_max_attempts": 0}),
        json!({"entry_missing_max_seconds": 0}),
    ] {
        let name = flat.as_object().unwrap().keys().next().unwrap().clone();
        match changed(flat.clone()) {
            Err(ConfigError::BadValue { name: found, .. }) => assert_eq!(found, name),
            other => panic!("{flat}: {other:?}"),
        }
    }
    for name in ["alpha", "initial", "ucb_c", "entry_missing_max_seconds"] {
        for number in [f64::NAN, f64::INFINITY] {
            let mut config = AgentConfig::default();
            match name {
                "alpha" => config.alpha = number,
                "initial" => config.initial = number,
                "ucb_c" => config.ucb_c = number,
                _ => config.entry_missing_max_seconds = number,
            }
            assert!(matches!(config.check(), Err(ConfigError::BadValue { .. })), "{name} = {number}");
        }
    }
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    for flat in [
        json!({"value": "network", "rule": "sarsa-lambda"}),
        json!({"value": "network", "rule": "differential-sarsa"}),
        json!({"value": "tiles", "rule": "reference"}),
        json!({"rule": "reference", "window_size": 1}),
        json!({"value": "fourier", "exploration": "ucb"}),
        json!({"epsilon_schedule": "reach", "epsilon_min": 0}),
        json!({"actions_n": 1_000, "max_states": 1_000_000}),
        json!({"value": "tiles", "actions_n": 1_000, "tile_weights": 1_000_000}),
    ] {
        assert!(matches!(changed(flat.clone()), Err(ConfigError::Mismatch(_))), "{flat}");
    }
    for flat in [
        json!({"value": "network", "rule": "q-learning"}),
        json!({"value": "tiles", "rule": "sarsa-lambda"}),
        json!({"value": "polynomial", "rule": "double-q-learning", "exploration": "boltzmann"}),
        json!({"rule": "reference", "exploration": "ucb"}),
        json!({"exploration": "boltzmann", "epsilon_start": 5.0}),
    ] {
        assert!(changed(flat.clone()).is_ok(), "{flat}");
    }
}

#[test]
fn parameters_are_set_all_or_none() {
    let mut config = AgentConfig::default();
    for flat in [
        json!({"alpha": 0.5, "gama": 0.5}),
        json!({"alpha": 0.5, "gamma": 7}),
        json!({"alpha": 0.5, "gamma": "x"}),
        json!({"alpha": 0.5, "value": "tiles", "exploration": "ucb"}),
    ] {
        assert!(set(&mut config, flat).is_err());
        assert_eq!(config, AgentConfig::default());
    }
}
