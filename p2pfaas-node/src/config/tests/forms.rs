//! The forms in which values are written, above all in the TOML file.

use std::time::Duration;

use p2pfaas_learner::RuleKind;

use super::super::functions::FunctionTarget;
use super::*;
use crate::settings::LearnerPlace;

fn policy(text: &str) -> String {
    toml(text).settings.policy.to_string()
}

#[test]
fn a_policy_is_words_or_a_table_as_on_the_wire_or_a_table_of_names() {
    let all = "PowerOfNScheduler(2, 3, true, 1)";
    assert_eq!(policy("policy = 'PowerOfNScheduler 2 3 true 1'"), all);
    assert_eq!(policy("policy = 'PowerOfNScheduler(2, 3, true, 1)'"), all);
    assert_eq!(policy("[policy]\nname = 'PowerOfNScheduler'\nparameters = ['2', '3', 'true', '1']"), all);
    assert_eq!(policy("[policy]\nname = 'PowerOfNScheduler'\nparameters = [2, 3, true, 1]"), all);
    assert_eq!(policy("[policy]\nname = 'PowerOfNScheduler'\nfan_out = 2\nthreshold = 3"), all);
    assert_eq!(policy("[policy]\nname = 'PowerOfNScheduler'\nfan-out = 2\nthreshold = 3"), all);
    assert_eq!(
        policy("[policy]\nname = 'PowerOfNScheduler'\n[policy.parameters]\nfan_out = 2\nthreshold = 3"),
        all
    );
    assert_eq!(policy("policy.name = 'RejectScheduler'"), "RejectScheduler");
    let fallback = toml("[fallback]\nname = 'NoScheduler'\nparameters = ['false']").settings.fallback;
    assert_eq!(fallback.to_string(), "NoScheduler(false)");
    let flag = node(&["--policy", "PowerOfNScheduler 2 3 true 1 choice=least-loaded"], &[], &[]);
    assert_eq!(flag.settings.policy.to_string(), "PowerOfNScheduler(2, 3, true, 1, choice=least-loaded)");
}

#[test]
fn functions_are_texts_or_tables_or_one_table() {
    let expected = [
        ("a", FunctionTarget::Builtin("echo".into()), None),
        ("b", FunctionTarget::Container("http://b:8080".parse().expect("a URL")), None),
    ];
    let forms = [
        "function = ['a=builtin:echo', 'b=http://b:8080']",
        "functions = 'a=builtin:echo, b=http://b:8080'",
        "[functions]\na = 'builtin:echo'\nb = 'http://b:8080'",
        "[[function]]\nname = 'a'\nurl = 'builtin:echo'\n[[function]]\nname = 'b'\nurl = 'http://b:8080'",
        "[functions.a]\nurl = 'builtin:echo'\n[functions.b]\nurl = 'http://b:8080'",
    ];
    for form in forms {
        let loaded = toml(form);
        let specs: Vec<_> =
            loaded.functions.into_iter().map(|spec| (spec.name, spec.target, spec.deadline)).collect();
        let expected = expected.clone().map(|(name, target, deadline)| (name.to_string(), target, deadline));
        assert_eq!(specs, expected, "{form}");
        assert_eq!(loaded.settings.functions.len(), 2);
    }
}

#[test]
fn a_function_table_has_a_deadline() {
    let forms = [
        "[[function]]\nname = 'a'\nurl = 'builtin:echo'\ndeadline_s = 0.25",
        "[function]\nname = 'a'\nurl = 'builtin:echo'\ndeadline-s = '0.25'",
        "[functions]\na = { url = 'builtin:echo', deadline_s = 0.25 }",
    ];
    for form in forms {
        let function = toml(form).settings.functions.remove(0);
        assert_eq!(
            (function.name.as_str(), function.deadline),
            ("a", Some(Duration::from_millis(250))),
            "{form}"
        );
    }
}

#[test]
fn several_peers_and_functions_may_follow_one_flag() {
    let loaded = node(&["--peer", "a", "b:1", "--function", "f=builtin:echo", "g=builtin:sleep"], &[], &[]);
    assert_eq!(loaded.settings.peers, ["a", "b:1"]);
    assert_eq!(loaded.functions.len(), 2);
}

#[test]
fn a_switch_is_on_alone_and_takes_a_value() {
    assert!(node(&["--development"], &[], &[]).settings.development);
    assert!(!node(&["--development=false"], &[("P2PFAAS_DEVELOPMENT", "true")], &[]).settings.development);
    assert!(node(&[], &[("P2PFAAS_DEVELOPMENT", "1")], &[]).settings.development);
}

#[test]
fn numbers_and_underscores_are_toml() {
    let loaded = toml("max_jobs = 0x8_000\nqueue = 1_000\njob-timeout = 'none'\ndead_polls = '4'");
    let core = loaded.settings.core;
    assert_eq!((core.max_jobs, core.capacity.queue, core.job_timeout), (32_768, 1_000, None));
    assert_eq!(loaded.settings.dead_polls, 4);
}

#[test]
fn an_address_other_than_loopback_needs_open() {
    let loaded = node(&["--open", "--listen=10.0.0.1:1", "--discovery-listen=0.0.0.0:2"], &[], &[]);
    assert_eq!(loaded.settings.listen.to_string(), "10.0.0.1:1");
    assert!(node(&["--listen=[::1]:1"], &[], &[]).settings.listen.is_ipv6());
    let loaded = node(&["--open", "--listen=0.0.0.0:1"], &[], &[]);
    let open = "open, and no cluster-key: everybody who reaches this node may change it, and give it jobs as if it were a peer";
    let why = "listen is 0.0.0.0:1: others cannot be told an address of this machine without machine-ip";
    assert_eq!(loaded.warnings, [open, why]);
    let loaded = node(&["--open", "--listen=0.0.0.0:1", "--peer=10.0.0.2"], &[], &[]);
    assert_eq!(loaded.warnings, [open]);
}

#[test]
fn with_a_key_of_the_cluster_addresses_need_no_open_but_for_the_websocket() {
    let key = "6f0f6a3c1d5e4b2a9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b";
    let flags = [
        "--cluster-key=env:THE_KEY",
        "--listen=10.0.0.1:1",
        "--learner-listen=10.0.0.1:2",
        "--learner-ws-listen=10.0.0.1:4",
        "--gossip-listen=10.0.0.1:3",
    ];
    let variables = [("THE_KEY", key)];
    let loaded = node(&flags, &variables, &[]);
    assert_eq!(loaded.warnings, [] as [&str; 0]);
    assert!(loaded.settings.security.key.is_some() && !format!("{loaded:?}").contains("6f0f"));
}

#[test]
fn a_learners_token_is_read_for_a_learner_service_and_shown_nowhere() {
    let files =
        [("token", "the-trainers-token\n"), ("two", "the-trainers-token another"), ("short", "hunter2")];
    let flags = ["--learner=learner", "--learner-token=file:token"];
    let loaded = node(&flags, &[], &files);
    assert_eq!(loaded.settings.learner_token, Some("the-trainers-token".parse().expect("a token")));
    assert_eq!(loaded.warnings, [] as [&str; 0]);
    assert!(!format!("{loaded:?}").contains("trainers"), "{loaded:?}");
    let idle = node(&flags[1..], &[], &files);
    assert_eq!(idle.warnings, ["learner-token has no effect without a learner service (learner = HOST)"]);
    for file in ["two", "short", "nowhere"] {
        let found = problems(&["--learner=learner", &format!("--learner-token=file:{file}")], &[], &files);
        assert!(found.len() == 1 && found[0].starts_with("learner-token (flag --learner-token"), "{found:?}");
        assert!(!found[0].contains("hunter2") && !found[0].contains("another"), "{found:?}");
    }
}

#[test]
fn no_message_has_a_secret() {
    let tokens = "configure hunter2-hunter2-hunter2\nrule hunter2-hunter2-hunter2";
    let found = problems(
        &["--cluster-key=hunter2", "--tokens=file:tokens"],
        &[("P2PFAAS_TOKEN", "hunter2"), ("P2PFAAS_CLUSTER_KEY", "hunter2")],
        &[("tokens", tokens)],
    );
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|problem| !problem.contains("hunter2")), "{found:?}");
    assert!(
        found[3].contains("file:tokens") && found[3].contains("line 2: there is no such role"),
        "{found:?}"
    );
    let missing = problems(&["--cluster-key=env:NOT_THERE"], &[], &[]);
    assert_eq!(
        missing,
        [
            "cluster-key (flag --cluster-key, env:NOT_THERE): expected a secret that can be read; found there is no such variable"
        ]
    );
}

#[test]
fn the_gateway_has_its_credentials_from_files() {
    let flags = ["--openfaas-url=http://gateway:8080", "--function=f=openfaas:f"];
    let secrets =
        [("/run/secrets/basic-auth-user", "admin\n"), ("/run/secrets/basic-auth-password", "s3cret\n")];
    let loaded = node(&flags, &[], &secrets);
    assert!(loaded.settings.openfaas.is_some() && loaded.settings.functions.len() == 1);
    assert!(!format!("{loaded:?}").contains("s3cret"));

    let open = ["--openfaas-user-file=none", "--openfaas-password-file=none"];
    assert!(node(&[flags[0], open[0], open[1]], &[], &[]).settings.openfaas.is_some());
    let loaded = node(&["--openfaas-user-file=f"], &[], &[]);
    assert_eq!(loaded.warnings, ["openfaas-user-file has no effect without openfaas-url"]);
}

#[test]
fn the_agent_of_learning_scheduler_is_a_table_in_a_file() {
    let policy = "--policy=LearningScheduler 2";
    let files = [("table.json", r#"{"actions": {"0,1": 1}, "otherwise": 2}"#)];
    let loaded = node(&[policy, "--agent-table=table.json"], &[], &files);
    let LearnerPlace::Table(table) = loaded.settings.learner else { panic!("{:?}", loaded.settings.learner) };
    assert_eq!((table.otherwise, loaded.settings.learner_ws_listen), (Some(2), None));
    assert_eq!(loaded.warnings, [] as [&str; 0]);
    let why = "LearningScheduler has no learner: PowerOfNScheduler(1, 2, true, 1) decides";
    assert_eq!(node(&[policy, "--learner=none"], &[], &[]).warnings, [why]);
}

#[test]
fn the_agent_lives_in_the_node_and_has_its_parameters_and_rewards_from_a_file() {
    let text = "[agent]\nrule = 'q-learning'\nalpha = 0.05\nepsilon = 0.5\n[reward]\nprobe = 0.01\n";
    let flags =
        ["--agent-config=agent.toml", "--agent=trained.ckpt", "--agent-frozen", "--checkpoint-interval=1m"];
    let loaded = node(&flags, &[], &[("agent.toml", text)]);
    let LearnerPlace::Here(agent) = loaded.settings.learner else { panic!("{:?}", loaded.settings.learner) };
    let config = agent.config.expect("given");
    assert_eq!((config.rule, config.alpha, config.epsilon_start), (RuleKind::QLearning, 0.05, 0.5));
    assert_eq!((agent.start, agent.frozen), (Some("trained.ckpt".into()), true));
    assert_eq!(agent.checkpoint_interval, Duration::from_secs(60));
    assert_eq!(loaded.settings.core.reward.probe, 0.01);
    assert_eq!(loaded.settings.learner_ws_listen.map(|address| address.port()), Some(8765));
    // An old script's word for epsilon_start.
    assert!(
        loaded.warnings.len() == 1 && loaded.warnings[0].contains("epsilon_start"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn a_node_without_the_learners_interface_has_no_websocket_either_unless_told() {
    let websocket =
        |flags: &[&str]| node(flags, &[], &[]).settings.learner_ws_listen.map(|address| address.port());
    assert_eq!(websocket(&["--learner-listen=none"]), None);
    assert_eq!(websocket(&["--learner-listen=none", "--learner-ws-listen=127.0.0.1:7"]), Some(7));
    assert_eq!(websocket(&["--learner-ws-listen=none"]), None);
    assert_eq!(websocket(&["--learner-listen=127.0.0.1:7"]), Some(8765));
}

#[test]
fn a_learner_service_has_the_known_ports_itself() {
    let loaded = node(&["--learner=learner:19020", "--agent-frozen"], &[], &[]);
    let LearnerPlace::There(address) = loaded.settings.learner else { panic!("there") };
    assert_eq!(address.to_string(), "learner:19020:8765");
    assert_eq!((loaded.settings.learner_listen, loaded.settings.learner_ws_listen), (None, None));
    assert_eq!(
        loaded.warnings,
        ["agent-frozen has no effect without an agent in this process (learner = here)"]
    );
}

#[test]
fn gossip_is_where_the_scheduler_is_unless_it_is_told_otherwise() {
    let gossip = |flags: &[&str]| node(flags, &[], &[]).settings.gossip_listen.map(|address| address.port());
    assert_eq!(gossip(&[]), Some(18080));
    assert_eq!(gossip(&["--listen=127.0.0.1:7"]), Some(7));
    assert_eq!(gossip(&["--listen=127.0.0.1:7", "--gossip-listen=127.0.0.1:8"]), Some(8));
    assert_eq!(gossip(&["--gossip-listen=none"]), None);
    let times = node(&["--gossip-probe-interval=1s", "--gossip-suspicion=9s"], &[], &[]).settings.gossip;
    assert_eq!((times.probe_interval.as_millis(), times.probe_timeout.as_millis()), (1_000, 400));
    assert_eq!(times.suspicion.as_secs(), 9);
    assert_eq!(node(&["--join=a", "--join=[::1]:7"], &[], &[]).settings.join, ["a", "[::1]:7"]);
}
