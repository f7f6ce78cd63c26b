use std::collections::BTreeSet;
use std::fs;

use jsonschema::Validator;

use super::*;
use crate::experiment::Place;
use crate::testing::{experiments_folder, parse_on, shipped_experiments};

fn registry() -> Registry {
    let mut registry = Registry::builtin();
    registry.register::<sticky_peer::StickyPeer>();
    registry
}

fn complaints(validator: &Validator, text: &str) -> Vec<String> {
    let file: toml::Table = text.parse().unwrap();
    let file = serde_json::to_value(file).unwrap();
    validator.iter_errors(&file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_shipped_experiment_fits_the_schema_and_names_it() {
    let validator = jsonschema::draft202012::new(&schema(&registry())).unwrap();
    for file in shipped_experiments() {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(complaints(&validator, &text), Vec::<String>::new(), "{}", file.display());
        if file.ends_with("own-policy.toml") {
            // The schema of a program that knows that policy is another one.
            continue;
        }
        let named = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("#:schema ")
            .unwrap_or_else(|| panic!("{}", file.display()));
        let schema = file.parent().unwrap().join(named);
        assert_eq!(
            schema.canonicalize().unwrap(),
            experiments_folder().join("experiment.schema.json").canonicalize().unwrap()
        );
    }
}

#[test]
fn the_shipped_schema_is_the_one_that_the_command_prints() {
    let shipped = fs::read_to_string(experiments_folder().join("experiment.schema.json")).unwrap();
    assert_eq!(
        shipped,
        text(&Registry::builtin()),
        "run `p2pfaas schema > experiments/experiment.schema.json`"
    );
}

/// The keys that the reader knows at a place, by what it says of one that it does not know.
fn known_to_the_reader(text: &str) -> BTreeSet<String> {
    let problems = parse_on(Place::Sim, text).unwrap_err().problems;
    let unknown =
        problems.iter().find(|problem| problem.key.ends_with("zzz")).unwrap_or_else(|| panic!("{text}"));
    let keys = unknown.expected.strip_prefix("one of ").unwrap_or_else(|| panic!("{unknown:?}"));
    keys.split(", ").map(str::to_string).collect()
}

fn keys_of(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().cloned().collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows_and_no_others() {
    let schema = schema(&Registry::builtin());
    let at = |pointer: &str| keys_of(schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}")));
    for (text, pointer) in [
        ("zzz = 1", "/properties"),
        ("[cluster]\nzzz = 1", "/properties/cluster/properties"),
        ("[[cluster.node]]\nzzz = 1", "/properties/cluster/properties/node/items/properties"),
        ("[network]\nzzz = 1", "/properties/network/properties"),
        ("[network]\ntopology = { zzz = 1 }", "/properties/network/properties/topology/anyOf/1/properties"),
        (
            "[network]\nlatency_ms = { zzz = 1 }",
            "/properties/network/properties/latency_ms/anyOf/1/properties",
        ),
        (
            "[network]\nbandwidth_mbps = { zzz = 1 }",
            "/properties/network/properties/bandwidth_mbps/anyOf/1/properties",
        ),
        ("[[network.partition]]\nzzz = 1", "/properties/network/properties/partition/items/properties"),
        ("[[jobs]]\nzzz = 1", "/properties/jobs/items/properties"),
        ("[[jobs]]\nservice = { zzz = 1 }", "/properties/jobs/items/properties/service/properties"),
        ("[run]\nzzz = 1", "/properties/run/properties"),
    ] {
        assert_eq!(known_to_the_reader(text), at(pointer), "{pointer}");
    }
}

#[test]
fn each_kind_of_traffic_has_the_keys_that_the_reader_knows() {
    let schema = schema(&Registry::builtin());
    let kinds = schema.pointer("/$defs/traffic/allOf").unwrap().as_array().unwrap();
    let mut all = BTreeSet::new();
    let mut seen = 0;
    for kind in kinds {
        let names = |key: &str| -> Vec<String> {
            let condition = &kind["if"]["properties"][key];
            let one = condition["const"].as_str().map(str::to_string);
            let several = condition["enum"].as_array().into_iter().flatten();
            one.into_iter().chain(several.map(|name| name.as_str().unwrap().to_string())).collect()
        };
        let format =
            names("format").first().map_or_else(String::new, |format| format!("format = \"{format}\"\n"));
        let keys = kind["then"]["propertyNames"]["enum"].as_array().unwrap().iter();
        let keys: BTreeSet<_> = keys.map(|key| key.as_str().unwrap().to_string()).collect();
        for name in names("kind") {
            let text = format!("[traffic]\nkind = \"{name}\"\n{format}zzz = 1");
            assert_eq!(known_to_the_reader(&text), keys, "{text}");
            seen += 1;
        }
        all.extend(keys);
    }
    assert_eq!(seen, 10, "seven kinds, one of them with four formats");
    assert_eq!(all, keys_of(schema.pointer("/$defs/traffic/properties").unwrap()));
}

#[test]
fn agents_and_rewards_have_their_own_keys_with_meanings_and_defaults() {
    let schema = schema(&Registry::builtin());
    let policy = &schema["properties"]["policy"]["items"]["properties"];
    let agent = keys_of(&serde_json::to_value(AgentConfig::default()).unwrap());
    let more = ["checkpoint", "frozen", "train_s", "keep_learning", "shared"].map(str::to_string);
    assert_eq!(keys_of(&policy["agent"]["properties"]), agent.into_iter().chain(more).collect());
    assert_eq!(
        keys_of(&policy["reward"]["properties"]),
        keys_of(&serde_json::to_value(Reward::default()).unwrap())
    );
    for table in ["agent", "reward"] {
        for (key, value) in policy[table]["properties"].as_object().unwrap() {
            assert!(value["description"].is_string() && value["type"].is_string(), "{table}.{key}: {value}");
        }
    }
    assert_eq!(policy["agent"]["properties"]["epsilon_start"]["default"], 0.9);
    assert_eq!(policy["reward"]["properties"]["in_time"]["default"], 1.0);
    assert_eq!(policy["threshold"]["default"], 2);
    assert!(policy["fan_out"]["default"].is_null(), "it depends on the policy");
}

#[test]
fn what_is_wrong_with_a_file_is_wrong_by_the_schema() {
    let validator = jsonschema::draft202012::new(&schema(&Registry::builtin())).unwrap();
    let good = crate::testing::sweep_file();
    assert_eq!(complaints(&validator, good), Vec::<String>::new());
    for (from, to, part) in [
        ("slots = 1", "slot = 1", "'slot' was unexpected"),
        ("slots = 1", "slots = \"1\"", "is not of type \"integer\""),
        ("rate = 2.0", "rat = 2.0", "'rat' was unexpected"),
        ("rate = 2.0", "rate = 2.0\nfactors = [1]", "\"factors\""),
        ("threshold = 1", "treshold = 1", "'treshold' was unexpected"),
        ("label = \"none\"", "threshold = 1", "\"threshold\""),
        ("\"PowerOfNScheduler\"", "\"PowerOfN\"", "\"PowerOfN\" is not one of"),
        ("threshold = 1", "[policy.agent]\nalhpa = 1", "'alhpa' was unexpected"),
        ("seeds = [1, 2]", "seeds = [1, 1]", "has non-unique elements"),
    ] {
        assert!(good.contains(from), "{from}");
        let complaints = complaints(&validator, &good.replace(from, to));
        assert!(complaints.iter().any(|complaint| complaint.contains(part)), "{to}: {complaints:?}");
    }
}
