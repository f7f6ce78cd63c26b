//! What the reference is configured with keeps working.

use std::path::Path;
use std::time::Duration;

use super::super::functions::FunctionTarget;
use super::*;
use crate::settings::LearnerPlace;

fn with(variables: &[(&str, &str)]) -> Loaded {
    node(&[], variables, &[])
}

#[test]
fn development_variables_mean_what_they_meant() {
    let loaded = with(&[("P2PFAAS_DEV_ENV", "development"), ("P2PFAAS_LOG_ENV", "development")]);
    assert!(loaded.settings.development);
    assert_eq!(loaded.log.filter, "info,p2pfaas_node=debug");
    let loaded = with(&[("P2PFAAS_DEV_ENV", "production"), ("P2PFAAS_LOG_ENV", "production")]);
    assert!(!loaded.settings.development);
    assert_eq!((loaded.log.filter.as_str(), loaded.warnings.len()), ("info", 0));
}

#[test]
fn the_data_path_is_the_data_folder() {
    let loaded = with(&[("P2PFAAS_DATA_PATH", "/d")]);
    assert_eq!(loaded.settings.data.as_deref(), Some(Path::new("/d")));
}

#[test]
fn the_list_of_functions_is_of_containers_or_behind_the_gateway() {
    let targets =
        |loaded: &Loaded| loaded.functions.iter().map(|spec| spec.target.clone()).collect::<Vec<_>>();
    let loaded = with(&[("P2PFAAS_FNS_LIST", "fn-pigo, fn-loop")]);
    assert_eq!(loaded.functions[0].name, "fn-pigo");
    let container = |uri: &str| FunctionTarget::Container(uri.parse().expect("a URL"));
    assert_eq!(targets(&loaded), [container("http://fn-pigo:8080"), container("http://fn-loop:8080")]);

    let variables = [("P2PFAAS_FNS_LIST", "pigo"), ("P2PFAAS_OPENFAAS_ENABLED", "true")];
    let secrets = [("/run/secrets/basic-auth-user", "u"), ("/run/secrets/basic-auth-password", "p")];
    assert_eq!(targets(&node(&[], &variables, &secrets)), [FunctionTarget::OpenFaas("pigo".into())]);
}

#[test]
fn the_gateway_is_used_only_when_it_is_enabled() {
    let gateway = [("P2PFAAS_OPENFAAS_HOST", "gw"), ("P2PFAAS_OPENFAAS_PORT", "31112")];
    let secrets = [("/run/secrets/basic-auth-user", "u"), ("/run/secrets/basic-auth-password", "p")];
    let enabled = [gateway[0], gateway[1], ("P2PFAAS_OPENFAAS_ENABLED", "true")];
    let address = |loaded: Loaded| format!("{:?}", loaded.settings.openfaas);
    assert!(address(node(&[], &enabled, &secrets)).contains("\"http://gw:31112\""));
    let bare = [("P2PFAAS_OPENFAAS_ENABLED", "true")];
    assert!(address(node(&[], &bare, &secrets)).contains("\"http://faas_containers-openfaas-swarm:8080\""));
    let loaded = with(&gateway);
    assert!(loaded.settings.openfaas.is_none());
    let why = "the variable P2PFAAS_OPENFAAS_HOST has no effect without P2PFAAS_OPENFAAS_ENABLED=true";
    assert_eq!(loaded.warnings, [why]);
}

#[test]
fn discovery_variables_are_in_seconds_and_a_host_and_a_port() {
    let loaded = with(&[
        ("P2PFAAS_LISTENING_HOST", "127.0.0.9"),
        ("P2PFAAS_LISTENING_PORT", "19001"),
        ("P2PFAAS_POLL_TIME", "120"),
        ("P2PFAAS_POLL_TIMEOUT", "5"),
        ("P2PFAAS_MACHINE_DEAD_POLLS_THRESHOLD", "20"),
        ("P2PFAAS_INIT_SERVERS", "192.168.50.100,192.168.50.101"),
    ]);
    let settings = loaded.settings;
    assert_eq!(settings.discovery_listen.map(|address| address.to_string()), Some("127.0.0.9:19001".into()));
    assert_eq!(
        (settings.poll_interval, settings.poll_timeout),
        (Duration::from_secs(120), Duration::from_secs(5))
    );
    assert_eq!(settings.dead_polls, 20);
    assert_eq!(settings.init_servers, ["192.168.50.100", "192.168.50.101"]);
    assert_eq!(loaded.warnings, [] as [&str; 0]);

    let port = with(&[("P2PFAAS_LISTENING_PORT", "19001")]).settings.discovery_listen;
    assert_eq!(port.map(|address| address.to_string()), Some("127.0.0.1:19001".into()));
    assert_eq!(with(&[("P2PFAAS_POLL_TIMEOUT", "250ms")]).settings.poll_timeout, Duration::from_millis(250));
}

#[test]
fn what_has_no_effect_any_more_is_warned_of() {
    let loaded = with(&[
        ("P2PFAAS_SERVICE_LEARNING_PORT", "19020"),
        ("P2PFAAS_SERVICE_DISCOVERY_HOST", "discovery"),
        ("P2PFAAS_SERVICE_DISCOVERY_PORT", "19000"),
        ("P2PFAAS_DEFAULT_IFACE", "eth0"),
        ("P2PFAAS_PROF", "true"),
        ("P2PFAAS_NODE_SERVICE_HOST", "10.96.0.1"),
    ]);
    let warned = |name: &str| loaded.warnings.iter().filter(|warning| warning.contains(name)).count();
    assert_eq!(warned(" P2PFAAS_SERVICE_LEARNING_PORT "), 1);
    assert_eq!(warned(" P2PFAAS_SERVICE_DISCOVERY_"), 2);
    assert_eq!((warned(" P2PFAAS_DEFAULT_IFACE "), warned(" P2PFAAS_PROF ")), (1, 1));
    assert_eq!(warned("the variable P2PFAAS_NODE_SERVICE_HOST is unknown and has no effect"), 1);
    assert_eq!(loaded.warnings.len(), 6);
    assert_eq!(with(&[("P2PFAAS_PROF", "false")]).warnings.len(), 0);
}

#[test]
fn the_old_learners_host_is_the_learner_that_is_asked() {
    let loaded =
        with(&[("P2PFAAS_SERVICE_LEARNING_HOST", "learner"), ("P2PFAAS_SERVICE_LEARNING_PORT", "1902")]);
    let LearnerPlace::There(address) = &loaded.settings.learner else {
        panic!("{:?}", loaded.settings.learner)
    };
    assert_eq!(address.to_string(), "learner:1902:8765");
    assert_eq!(loaded.warnings, [] as [&str; 0]);
}

#[test]
fn a_variable_of_ours_goes_before_the_old_one_and_that_is_told() {
    let loaded = with(&[("P2PFAAS_POLL_TIME", "120"), ("P2PFAAS_POLL_INTERVAL", "3s")]);
    assert_eq!(loaded.settings.poll_interval, Duration::from_secs(3));
    let why = "the variable P2PFAAS_POLL_TIME has no effect: P2PFAAS_POLL_INTERVAL is given";
    assert_eq!(loaded.warnings, [why]);
}

#[test]
fn what_is_wrong_in_an_old_variable_names_it() {
    let variables = [
        ("P2PFAAS_OPENFAAS_ENABLED", "perhaps"),
        ("P2PFAAS_LISTENING_PORT", "many"),
        ("P2PFAAS_POLL_TIME", "soon"),
        ("P2PFAAS_FNS_LIST", "a/b"),
    ];
    let expected = [
        r#"poll-interval (environment P2PFAAS_POLL_TIME): expected a span of at most 1h, such as 500ms, 30s or 1m30s; found "soon""#,
        r#"discovery-listen (environment P2PFAAS_LISTENING_PORT): expected an IP address and a port, such as 127.0.0.1:18080 or [::1]:18080, or none; found "127.0.0.1:many""#,
        r#"openfaas-url (environment P2PFAAS_OPENFAAS_ENABLED): expected true or false; found "perhaps""#,
        r#"function (environment P2PFAAS_FNS_LIST): expected a function's name of letters, digits, '-', '_' and '.'; found "a/b""#,
        r#"function (environment P2PFAAS_FNS_LIST): expected http://host:port, openfaas:NAME or builtin:echo|sleep|burn|pigo; found "http://a/b:8080""#,
    ];
    let found = problems(&[], &variables, &[]);
    assert_eq!(found[..4], expected[..4]);
}

const SCHEDULER: &str = "/data/p2p_faas-scheduler.json";
const POLICY: &str = "/data/p2p_faas-scheduler-config.json";
const DISCOVERY: &str = "/data/p2p_faas-discovery.json";

#[test]
fn the_files_of_the_reference_are_read() {
    let files = [
        (SCHEDULER, r#"{"parallel_running_functions_max": 3, "queue_length_max": 2, "queue_enabled": true}"#),
        (POLICY, r#"{"name": "NoScheduler", "parameters": ["true"]}"#),
        (
            DISCOVERY,
            r#"{"machine_ip": "10.0.0.1", "machine_id": "p2pfaas-10.0.0.1", "machine_group_name": "cluster00", "init_servers": ["10.0.0.2"]}"#,
        ),
    ];
    let loaded = node(&[], &[], &files);
    let settings = loaded.settings;
    assert_eq!((settings.core.capacity.slots, settings.core.capacity.queue), (3, 2));
    assert_eq!(settings.policy.to_string(), "NoScheduler(true)");
    assert_eq!((settings.machine_ip.as_str(), settings.group.as_str()), ("10.0.0.1", "cluster00"));
    assert_eq!(
        (settings.machine_id.as_str(), settings.init_servers),
        ("p2pfaas-10.0.0.1", vec!["10.0.0.2".into()])
    );
    assert_eq!(settings.data.as_deref(), Some(Path::new("/data")));
    assert_eq!(
        loaded.warnings,
        ["/data has files of the reference, and so is the data folder; --data names another"]
    );
}

#[test]
fn files_in_another_data_folder_are_read_and_those_in_the_known_one_are_not() {
    let other = ("/d/p2p_faas-scheduler.json", r#"{"queue_length_max": 9}"#);
    let known = (SCHEDULER, r#"{"queue_length_max": 1, "parallel_running_functions_max": 1}"#);
    let loaded = node(&["--data=/d"], &[], &[other, known]);
    assert_eq!((loaded.settings.core.capacity.slots, loaded.settings.core.capacity.queue), (4, 9));
    assert_eq!(loaded.warnings, [] as [&str; 0]);
}

#[test]
fn a_queue_that_is_not_enabled_has_no_places() {
    let queue = |text| node(&[], &[], &[(SCHEDULER, text)]).settings.core.capacity.queue;
    assert_eq!(queue(r#"{"queue_length_max": 2, "queue_enabled": false}"#), 0);
    assert_eq!(queue(r#"{"queue_length_max": 2}"#), 2);
    assert_eq!(queue(r#"{"queue_enabled": true}"#), 4);
}

#[test]
fn a_discovery_that_nobody_has_configured_says_nothing() {
    let text = r#"{"machine_ip": "", "machine_id": "", "machine_group_name": "", "init_servers": null}"#;
    let settings = node(&[], &[], &[(DISCOVERY, text)]).settings;
    assert_eq!((settings.machine_ip, settings.init_servers.len()), (String::new(), 0));
}

#[test]
fn a_known_folder_that_is_not_ours_to_read_is_no_error_but_a_data_folder_is() {
    let denied = |_: &Path| Err(std::io::ErrorKind::PermissionDenied.into());
    let load = |arguments: &[&str]| {
        let arguments = arguments.iter().map(Into::into);
        super::super::load(arguments, [], &denied, &Registry::builtin())
    };
    let Ok(Asked::Node(loaded)) = load(&["p2pfaas-node"]) else { panic!("no node") };
    let why = "/data cannot be searched for files of the reference; --data names the data folder";
    assert_eq!((loaded.warnings, loaded.settings.data), (vec![why.to_string()], None));
    assert_eq!(load(&["p2pfaas-node", "--data=/data"]).expect_err("unreadable").0.len(), 3);
}

#[test]
fn a_broken_old_file_is_an_error_that_names_it() {
    let files = [
        (SCHEDULER, r#"{"parallel_running_functions_max": -1, "queue_enabled": "no"}"#),
        (POLICY, r#"{"name": "PowerOfNScheduler", "parameters": ["1", "x", "true", "1"]}"#),
        (DISCOVERY, r#"{"machine_ip": "#),
    ];
    let expected = [
        r#"slots (/data/p2p_faas-scheduler.json): expected a whole number from 1 to 65536; found "-1""#,
        r#"queue_enabled (/data/p2p_faas-scheduler.json): expected true or false; found "\"no\"""#,
        r#"policy (/data/p2p_faas-scheduler-config.json): expected a whole number from 0 to 4294967295 for its threshold; found "x""#,
        r#"p2p_faas-discovery.json (/data/p2p_faas-discovery.json): expected the reference's JSON file; found EOF while parsing a value at line 1 column 15"#,
    ];
    assert_eq!(problems(&[], &[], &files), expected);
    let fields = [(SCHEDULER, r#"{"queue_lenght_max": 2}"#)];
    let why = "/data/p2p_faas-scheduler.json: the field queue_lenght_max is unknown and has no effect";
    assert!(node(&[], &[], &fields).warnings.iter().any(|warning| warning == why));
}
