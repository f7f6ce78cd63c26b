//! All that is wrong is told, with key, place, what was expected and what was found.

use super::*;

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let arguments = [
        "--slots",
        "many",
        "--quee",
        "3",
        "--listen",
        "0.0.0.0:18080",
        "--listen=127.0.0.1:1",
        "stray",
        "--function",
        "pigo=https://pigo",
        "--config",
        "node.toml",
        "--peer",
    ];
    let variables = [
        ("P2PFAAS_QUEUE", "-1"),
        ("P2PFAAS_SLOT", "3"),
        ("P2PFAAS_JOB_TIMEOUT", "30"),
        ("P2PFAAS_POLICY", "PowerOfScheduler 1 2 true 1"),
        ("HOME", "/root"),
    ];
    let file = "\
slots = 3.5
listn = '127.0.0.1:1'
max_body_bytes = '2TB'
discovery-listen = '127.0.0.1:19020'

[fallback]
name = 'PowerOfNScheduler'
treshold = 3

[[function]]
name = 'pigo'
deadline_s = 0
";
    let files = [("node.toml", file), ("/data/p2p_faas-scheduler.json", "[]")];
    let errors = load(&arguments, &variables, &files).expect_err("wrong");
    let expected = r#"the configuration has 19 problems:
  --quee (command line): expected a known flag; did you mean --queue?; found --quee
  stray (command line): expected only flags; found "stray"
  --peer (command line): expected a value: HOST[:PORT[:DISCOVERY PORT]]; found none
  listen (flag --listen): expected a single value, and flag --listen has one; found "127.0.0.1:1"
  function (flag --function): expected http://host:port, openfaas:NAME or builtin:echo|sleep|burn|pigo; found "https://pigo"
  slots (flag --slots): expected a whole number from 1 to 65536; found "many"
  job-timeout (environment P2PFAAS_JOB_TIMEOUT): expected a span of at most 24h, such as 500ms, 30s or 1m30s, or none; found "30"
  policy (environment P2PFAAS_POLICY): expected one of the policies ForwardScheduler, LearningScheduler, NoScheduler, OfferScheduler, PowerOfNScheduler, PowerOfNSchedulerTau, RejectScheduler, RoundRobinWithMasterScheduler (did you mean PowerOfNScheduler?); found "PowerOfScheduler"
  queue (environment P2PFAAS_QUEUE): expected a whole number from 0 to 1000000; found "-1"
  P2PFAAS_SLOT (environment): expected a known variable; did you mean P2PFAAS_SLOTS?; found "3"
  slots (node.toml line 1): expected a whole number from 1 to 65536; found "3.5"
  listn (node.toml line 2): expected a known key; did you mean listen?; found "listn"
  max-body-bytes (node.toml line 3): expected a size from 1KiB to 1GiB, such as 16MiB, 500kB or 65536; found "2TB"
  fallback (node.toml line 8): expected one of its parameters fan_out, threshold, loss, max_hops, choice, failed_probe, shed (did you mean threshold?); found "treshold"
  function.deadline_s (node.toml line 12): expected seconds, more than 0 and at most 86400, such as 0.25; found "0"
  function.url (node.toml line 10): expected http://host:port, openfaas:NAME or builtin:echo|sleep|burn|pigo; found nothing
  p2p_faas-scheduler.json (/data/p2p_faas-scheduler.json): expected the reference's JSON file; found another kind of JSON
  listen (flag --listen): expected a loopback address, a --cluster-key, or --open to let everybody who reaches it run the functions and change this node; found "0.0.0.0:18080"
  discovery-listen (node.toml line 4): expected another address than that of learner-listen; found "127.0.0.1:19020""#;
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn a_syntax_error_does_not_hide_the_others() {
    let found = toml_problems("slots = \nqueue = 'x'\nlist = [1\n");
    assert!(
        found.iter().any(|problem| problem.starts_with("syntax (node.toml line 1): expected TOML; found ")),
        "{found:?}"
    );
    assert!(found.iter().any(|problem| problem.starts_with("queue (node.toml line 2): ")), "{found:?}");
}

#[test]
fn a_wrong_value_is_told_even_where_another_source_wins() {
    let found = problems(&["--slots=3"], &[("P2PFAAS_SLOTS", "x")], &[]);
    assert_eq!(
        found,
        [r#"slots (environment P2PFAAS_SLOTS): expected a whole number from 1 to 65536; found "x""#]
    );
}

#[test]
fn keys_that_are_unknown_or_of_another_shape_are_told_with_their_line() {
    let found = toml_problems("\nx = 1\nconfig = 'f'\nslots = [3]\n[listen]\nip = 1\n[peers]\na = 'b'\n");
    let expected = [
        "x (node.toml line 2): expected a known key; --help lists them; found \"x\"",
        "config (node.toml line 3): expected a known key; --help lists them; found \"config\"",
        r#"slots (node.toml line 4): expected one value; found "a list""#,
        r#"listen (node.toml line 5): expected one value; found "a table""#,
        r#"peer (node.toml line 7): expected a list of texts; found "a table""#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_key_that_is_written_in_two_ways_is_given_twice() {
    let found = toml_problems("max-jobs = 100\nmax_jobs = 200");
    let expected =
        r#"max-jobs (node.toml line 2): expected a single value, and node.toml line 1 has one; found "200""#;
    assert_eq!(found, [expected]);
}

#[test]
fn a_function_is_offered_once() {
    let found = problems(&["--function", "a=builtin:echo", "a=builtin:burn"], &[], &[]);
    assert_eq!(found, [r#"function (flag --function): expected each function once; found "a""#]);
}

#[test]
fn files_that_cannot_be_read_are_told_with_the_key_that_names_them() {
    let flags = ["--config=a", "--agent-table=b", "--openfaas-url=http://gw"];
    let expected = [
        "config (flag --config): expected a file that can be read; found a: no such file",
        "agent-table (flag --agent-table): expected a file that can be read; found b: no such file",
        "openfaas-user-file (default): expected a file that can be read; found /run/secrets/basic-auth-user: no such file",
        "openfaas-password-file (default): expected a file that can be read; found /run/secrets/basic-auth-password: no such file",
    ];
    assert_eq!(problems(&flags, &[], &[]), expected);
    let table = problems(&["--agent-table=t"], &[], &[("t", "{\"other\": 1}")]);
    assert!(table[0].contains("unknown field `other`"), "{table:?}");
}

#[test]
fn what_does_not_go_together_is_told() {
    let flags = [
        "--slots=10",
        "--queue=20",
        "--max-jobs=29",
        "--listen=127.0.0.1:19000",
        "--fallback=LearningScheduler 2",
        "--function=f=openfaas:f",
        "--learner-listen=10.0.0.1:1",
    ];
    let expected = [
        r#"listen (flag --listen): expected another address than that of discovery-listen; found "127.0.0.1:19000""#,
        r#"learner-listen (flag --learner-listen): expected a loopback address, a --cluster-key, or --open to let everybody who reaches it run the functions and change this node; found "10.0.0.1:1""#,
        r#"max-jobs (flag --max-jobs): expected at least slots + queue, 30; found "29""#,
        r#"fallback (flag --fallback): expected a policy that decides without a learner; found "LearningScheduler""#,
        r#"function (flag --function): expected openfaas-url to be given, for a function behind a gateway; found "openfaas:f""#,
    ];
    assert_eq!(problems(&flags, &[], &[]), expected);
    let one = problems(
        &["--openfaas-url=http://gw", "--openfaas-user-file=none"],
        &[],
        &[("/run/secrets/basic-auth-password", "p")],
    );
    assert_eq!(
        one,
        [
            "openfaas-user-file (flag --openfaas-user-file): expected a file, as the other of user and password has; found none"
        ]
    );
}

#[test]
fn policies_are_told_with_what_they_take() {
    let policy = |text: &str| problems(&["--policy", text], &[], &[]).remove(0);
    let start = "policy (flag --policy): expected ";
    let few = "PowerOfNScheduler with its 4 parameters, fan_out, threshold, loss, max_hops; found \"PowerOfNScheduler with 1\"";
    assert_eq!(policy("PowerOfNScheduler 1"), format!("{start}{few}"));
    let unknown = policy("PowerOfNSchedulr 1 2 true 1");
    assert!(unknown.contains("(did you mean PowerOfNScheduler?)"), "{unknown}");
    let both = toml_problems("[policy]\nname = 'PowerOfNScheduler'\nparameters = ['1']\nfan_out = 1");
    assert!(both[0].starts_with("policy (node.toml line 1): expected a policy: a text with"), "{both:?}");
    let nameless = toml_problems("policy.fan_out = 1");
    assert_eq!(nameless, [r#"policy.name (node.toml line 1): expected the name of a policy; found nothing"#]);
}

#[test]
fn a_long_value_is_cut() {
    let long = "x".repeat(5_000);
    let found = problems(&["--slots", &long], &[], &[]).remove(0);
    assert!(found.len() < 200 && found.ends_with("xxx\"..."), "{found}");
}

#[test]
fn one_problem_is_one() {
    let errors = load(&["--slots="], &[], &[]).expect_err("wrong").to_string();
    let expected = "the configuration has a problem:\n  slots (flag --slots): expected a whole number from 1 to 65536; found nothing";
    assert_eq!(errors, expected);
}
