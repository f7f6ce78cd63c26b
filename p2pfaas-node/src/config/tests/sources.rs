//! Which source wins, and that every key has all of them.

use super::super::command_line;
use super::super::draft::Draft;
use super::super::keys::{KEYS, Key, Set};
use super::*;
use crate::settings::Settings;

#[test]
fn flags_go_before_variables_before_our_file_before_old_files_before_defaults() {
    let old = ("/d/p2p_faas-scheduler.json", r#"{"parallel_running_functions_max": 5}"#);
    let slots = |arguments: &[&str], variables: &[(&str, &str)], files: &[(&str, &str)]| {
        node(arguments, variables, files).settings.core.capacity.slots
    };
    let (data, all) = ("data = '/d'", "data = '/d'\nslots = 6");
    let variable = ("P2PFAAS_SLOTS", "7");
    assert_eq!(slots(&["--slots", "8", "--config=f"], &[variable], &[("f", all), old]), 8);
    assert_eq!(slots(&["--config=f"], &[variable], &[("f", all), old]), 7);
    assert_eq!(slots(&["--config=f"], &[], &[("f", all), old]), 6);
    assert_eq!(slots(&["--config=f"], &[], &[("f", data), old]), 5);
    assert_eq!(slots(&["--config=f"], &[], &[("f", data)]), 4);
}

#[test]
fn a_list_from_one_source_replaces_that_of_the_next() {
    let files = [("f", "peers = ['c', 'd']\ninit-server = 'e'")];
    let loaded = node(&["--peer", "a", "--peer=b:1"], &[("P2PFAAS_CONFIG", "f")], &files);
    assert_eq!(loaded.settings.peers, ["a", "b:1"]);
    assert_eq!(loaded.settings.init_servers, ["e"]);
    let loaded = node(&["--config", "f"], &[("P2PFAAS_PEER", "x, y:2")], &files);
    assert_eq!(loaded.settings.peers, ["x", "y:2"]);
}

#[test]
fn without_any_source_the_defaults_hold_at_the_known_ports_on_loopback() {
    let Loaded { settings, functions, log, threads, warnings } = node(&[], &[], &[]);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:18080");
    assert_eq!(settings.discovery_listen.map(|address| address.to_string()), Some("127.0.0.1:19000".into()));
    assert_eq!(settings.learner_listen.map(|address| address.to_string()), Some("127.0.0.1:19020".into()));
    let Settings { core, policy, fallback, max_body_bytes, data, peers, .. } = Settings::default();
    assert_eq!((settings.core, settings.policy, settings.fallback), (core, policy, fallback));
    assert_eq!((settings.max_body_bytes, settings.data, settings.peers), (max_body_bytes, data, peers));
    assert_eq!((log.filter.as_str(), functions.len(), warnings.len()), ("info", 0, 0));
    assert!(threads >= 1);
}

/// A value for each key, as one would write it, and another than its default.
fn example(key: &Key) -> &'static str {
    match key.name {
        "listen" => "127.0.0.2:1",
        "discovery-listen" => "127.0.0.2:2",
        "learner-listen" | "learner-ws-listen" | "learner" => "none",
        "machine-id" => "id",
        "machine-ip" => "10.0.0.1",
        "group" => "cluster00",
        "peer" => "10.0.0.2:18081",
        "init-server" => "10.0.0.3",
        "gossip-listen" => "127.0.0.1:5",
        "join" => "10.0.0.9:7",
        "function" => "f=builtin:echo",
        "openfaas-url" => "http://gateway:8080",
        "policy" => "NoScheduler true",
        "fallback" => "RejectScheduler",
        "max-body-bytes" | "async-bytes" => "1MiB",
        "log" => "warn",
        "log-format" => "json",
        "config" => "f",
        _ => match key.set {
            Set::Switch(_) => "true",
            _ if key.value == "SPAN" => "1m",
            _ if key.value == "N" => "60000",
            _ => "file",
        },
    }
}

/// 60000 is too much for some.
fn fitting(key: &Key) -> &'static str {
    match key.name {
        "max-hops" | "threads" | "task-types" | "dead-polls" | "retry-percent" => "7",
        "cluster-key" | "tokens" | "learner-token" => "file:secret",
        "client-rate" => "7:8",
        _ => example(key),
    }
}

#[test]
fn every_key_has_a_flag_a_variable_and_a_key_in_the_file() {
    for key in &KEYS {
        let text = if key.name == "agent-config" { "" } else { r#"{"otherwise": 1}"# };
        let value = fitting(key);
        let needed = ["--max-jobs=1000000"];
        let needed = if key.name == "max-jobs" { &[][..] } else { &needed[..] };
        let say = |loaded: Loaded| {
            format!(
                "{:?} {:?} {:?} {:?}",
                loaded.settings,
                loaded.functions.len(),
                loaded.log,
                loaded.threads
            )
        };
        // The seed is another one each time unless it is given.
        let seed = if key.name == "seed" { vec![] } else { vec!["--seed=1"] };
        let common: Vec<&str> = needed.iter().copied().chain(seed).collect();
        let flag = format!("--{}={value}", key.name);
        let secret = match key.name {
            "tokens" => "configure 0123456789abcdef".to_string(),
            _ => "7".repeat(64),
        };
        let mut files = vec![("file", text), ("secret", secret.as_str())];
        let by_flag: Vec<&str> = common.iter().copied().chain([flag.as_str()]).collect();
        if key.name == "config" {
            files.push(("f", ""));
        }
        if key.name == "openfaas-url" {
            files.extend([("/run/secrets/basic-auth-user", "u"), ("/run/secrets/basic-auth-password", "p")]);
        }
        let flagged = say(node(&by_flag, &[], &files));
        let variable = key.variable();
        assert_eq!(say(node(&common, &[(&variable, value)], &files)), flagged, "{key:?}");
        if key.name != "config" {
            let line = format!("{} = '{value}'", key.name);
            files.push(("t", &line));
            let by_file: Vec<&str> = common.iter().copied().chain(["--config=t"]).collect();
            assert_eq!(say(node(&by_file, &[], &files)), flagged, "{key:?}");
            let silent = [
                "open",
                "config",
                "agent-config",
                "agent-table",
                "openfaas-user-file",
                "openfaas-password-file",
            ];
            if !silent.contains(&key.name) {
                assert_ne!(say(node(&common, &[], &files)), flagged, "{key:?} has an effect");
            }
        }
    }
}

#[test]
fn the_help_names_every_key_with_its_variable_and_default() {
    let Ok(Asked::Text(help)) = load(&["--help", "--slots=x"], &[], &[]) else { panic!("no help") };
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let defaults = Draft::default();
    for key in &KEYS {
        assert!(
            words.contains(&format!("--{} ", key.name)) || words.contains(&format!("--{}[", key.name)),
            "{key:?}"
        );
        assert!(words.contains(&format!("[env: {}]", key.variable())), "{key:?}");
        let default = (key.default)(&defaults);
        assert!(default.is_empty() || words.contains(&format!("[default: {default}]")), "{key:?}");
        assert!(words.contains(key.help), "{key:?}");
    }
    assert!(words.contains("Examples: ") && words.contains("Exit codes: "));
    assert!(words.contains(" PowerOfNScheduler fan_out threshold loss max_hops "));
}

#[test]
fn every_default_in_the_help_can_be_given_and_changes_nothing() {
    let defaults = Draft::default();
    let flags: Vec<String> = KEYS
        .iter()
        .map(|key| (key, (key.default)(&defaults)))
        .filter(|(_, default)| !default.is_empty())
        .map(|(key, default)| format!("--{}={default}", key.name))
        .chain(["--seed=1".to_string()])
        .collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    assert!(flags.len() > 25, "{flags:?}");
    let (given, silent) = (node(&flags, &[], &[]), node(&["--seed=1"], &[], &[]));
    assert_eq!(format!("{:?}", given.settings), format!("{:?}", silent.settings));
    assert_eq!(given.log, silent.log);
}

#[test]
fn the_examples_in_the_help_are_right() {
    let command = command_line::command(&Registry::builtin()).render_long_help().to_string();
    let commands = command.replace("\\\n", " ");
    let commands: Vec<&str> =
        commands.lines().filter_map(|line| line.trim().strip_prefix("p2pfaas-node ")).collect();
    assert_eq!(commands.len(), 4);
    for line in commands {
        // No word has spaces in it, except the policy in quotes.
        let (plain, quoted) = line.split_once(" '").unwrap_or((line, ""));
        let words = plain
            .split_whitespace()
            .chain(Some(quoted.trim_end_matches('\'')).filter(|text| !text.is_empty()));
        node(&words.collect::<Vec<_>>(), &[], &[]);
    }
    let file =
        command.split("--config:").nth(1).and_then(|rest| rest.split("Policies and").next()).expect("a file");
    let loaded = toml(file);
    assert_eq!(loaded.settings.peers, ["10.0.0.3", "10.0.0.4:18081"]);
    assert_eq!(loaded.settings.policy.to_string(), "PowerOfNScheduler(1, 2, true, 1)");
    assert_eq!(loaded.functions[0].deadline, Some(std::time::Duration::from_millis(250)));
}

#[test]
fn version_is_told() {
    let Ok(Asked::Text(text)) = load(&["--version"], &[], &[]) else { panic!("no version") };
    assert_eq!(text, format!("p2pfaas-node {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_empty_variable_says_nothing() {
    let loaded =
        node(&[], &[("P2PFAAS_SLOTS", ""), ("P2PFAAS_PEER", " , "), ("P2PFAAS_OPENFAAS_HOST", "")], &[]);
    assert_eq!((loaded.settings.core.capacity.slots, loaded.settings.peers.len()), (4, 0));
    assert_eq!(loaded.warnings, [] as [&str; 0]);
}

#[test]
fn the_seed_is_another_one_each_time_unless_it_is_given() {
    let seed = |arguments: &[&str]| node(arguments, &[], &[]).settings.seed;
    assert_ne!(seed(&[]), seed(&[]));
    assert_eq!(seed(&["--seed=18446744073709551615"]), u64::MAX);
}

#[test]
fn a_device_of_balena_is_a_machine_of_that_name_unless_another_is_given() {
    let device = ("BALENA_DEVICE_UUID", "0123abcd");
    assert_eq!(node(&[], &[device], &[]).settings.machine_id, "0123abcd");
    assert_eq!(node(&[], &[device, ("P2PFAAS_MACHINE_ID", "pi-1")], &[]).settings.machine_id, "pi-1");
    assert_eq!(node(&["--machine-id=pi-2"], &[device], &[]).settings.machine_id, "pi-2");
}
