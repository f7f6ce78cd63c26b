//! The program: exit codes, what it says, and its folder.

use std::fs;
use std::path::Path;
use std::process::Output;

use tempfile::tempdir;

use crate::support::{Program, batch, post, program, until};

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program().args(arguments).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

/// Starts it with this folder, and more; it must end with exit code 2 and this message.
fn is_refused(folder: &Path, arguments: &[&str], message: &str) {
    let data = format!("--data={}", folder.display());
    let always = ["--listen=127.0.0.1:0", "--ws-listen=127.0.0.1:0", "--log=error", &data];
    let (code, out, errors) = output(&[&always[..], arguments].concat());
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    assert!(errors.contains(message), "{errors}\ndoes not contain\n{message}");
}

fn stats(program: &Program) -> serde_json::Value {
    let head = "GET /learner/stats HTTP/1.1\r\nConnection: close\r\n\r\n";
    crate::support::ask(program.http, head, b"").json()
}

fn train(program: &Program, numbers: std::ops::Range<u64>) {
    assert_eq!(post(program.http, "/train_batch", batch(numbers).as_bytes()).text(), "ok");
}

#[test]
fn help_and_version_go_to_standard_output_with_exit_code_0() {
    let (code, help, errors) = output(&["--help"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(help.contains("--checkpoint-interval") && help.contains("Exit codes"), "{help}");
    let (code, version, _) = output(&["--version"]);
    assert_eq!((code, version), (Some(0), format!("p2pfaas-learner {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn only_with_open_it_listens_beyond_loopback() {
    let (code, _, errors) = output(&["--listen=0.0.0.0:0"]);
    assert_eq!(code, Some(2));
    assert!(
        errors
            .contains("everybody who reaches 0.0.0.0:0 could change this learner: give --tokens, or --open"),
        "{errors}"
    );
    let Output { status, stderr, .. } =
        program().env("P2PFAAS_LISTENING_HOST", "0.0.0.0").output().expect("runs");
    assert_eq!(status.code(), Some(2));
    assert!(String::from_utf8_lossy(&stderr).contains("0.0.0.0:19020"));
}

#[test]
fn told_to_stop_it_trains_what_it_has_and_goes_on_there_when_started_again() {
    let folder = tempdir().expect("a folder");
    let learner = Program::start(folder.path(), &[]);
    assert!(learner.first_log.contains("a new agent seed=7"), "{}", learner.first_log);
    train(&learner, 0..5_000);
    let (code, log) = learner.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");

    let learner = Program::start(folder.path(), &[]);
    assert!(learner.first_log.contains("going on with the agent of a checkpoint"), "{}", learner.first_log);
    let before = stats(&learner);
    assert_eq!((&before["trained_items"], &before["pending_entries"]), (&4_999.into(), &1.into()));
    // The stream goes on without a gap.
    train(&learner, 5_000..5_001);
    until("the next one is trained", || stats(&learner)["trained_items"] == 5_000);
    assert_eq!(stats(&learner)["episodes"], 1);
}

#[test]
fn a_torn_checkpoint_is_passed_over_for_the_one_before_it() {
    let folder = tempdir().expect("a folder");
    let newest = folder.path().join("agent.ckpt");
    for numbers in [0..100, 100..200] {
        let learner = Program::start(folder.path(), &[]);
        train(&learner, numbers);
        assert_eq!(learner.terminate().0, Some(0));
    }
    let whole = fs::read(&newest).expect("read");
    fs::write(&newest, &whole[..whole.len() - 7]).expect("torn");
    let learner = Program::start(folder.path(), &[]);
    let said = &learner.first_log;
    assert!(said.contains("going on with the checkpoint before it") && said.contains("is damaged"), "{said}");
    assert_eq!(stats(&learner)["trained_items"], 99);
    drop(learner);

    fs::write(folder.path().join("agent.ckpt.previous"), &whole[..9]).expect("torn");
    is_refused(folder.path(), &[], "Nothing is overwritten: move the file away to begin anew.");
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("agent.ckpt");
    fs::write(&file, "a poem").expect("written");
    is_refused(folder.path(), &[], "agent.ckpt is not a checkpoint of an agent");
    assert_eq!(fs::read_to_string(&file).expect("read"), "a poem");
}

#[test]
fn a_checkpoint_of_another_agent_than_configured_is_refused() {
    let folder = tempdir().expect("a folder");
    let config = folder.path().join("learner.toml");
    let given = format!("--config={}", config.display());
    fs::write(&config, "alpha = 0.25\n").expect("written");
    let learner = Program::start(folder.path(), &[&given]);
    train(&learner, 0..10);
    assert_eq!(learner.terminate().0, Some(0));

    fs::write(&config, "[agent]\nrule = \"q-learning\"\n").expect("written");
    is_refused(folder.path(), &[&given], "its rule is \"differential-sarsa\", not \"q-learning\"");
    is_refused(folder.path(), &[&given], "Change the configuration, or move the file away to begin anew.");

    // Another step size is the same agent.
    fs::write(&config, "alpha = 0.5\n").expect("written");
    let learner = Program::start(folder.path(), &[&given]);
    let head = "GET /learner/parameters HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(crate::support::ask(learner.http, head, b"").json()["parameters"]["alpha"], 0.5);
}

#[test]
fn a_wrong_configuration_is_exit_code_2() {
    let folder = tempdir().expect("a folder");
    let config = folder.path().join("learner.toml");
    let given = format!("--config={}", config.display());
    for (text, message) in [
        ("alhpa = 0.5", "did you mean \"alpha\""),
        ("alpha = \"much\"", "alpha"),
        ("alpha = ", "learner.toml: TOML parse error"),
        ("alpha = 0.5\n[agent]\nbeta = 0.5", "not both"),
    ] {
        fs::write(&config, text).expect("written");
        is_refused(folder.path(), &[&given], message);
    }
    is_refused(folder.path(), &["--config=/nowhere"], "/nowhere: No such file");
    is_refused(folder.path(), &["--checkpoint-interval=0"], "expected a span of time");
}

#[test]
fn changed_parameters_are_kept_in_the_old_learners_file_and_read_from_it() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("p2pfaas_learner.json");
    let old = r#"{"learner_name": "SarsaQTable", "learner_parameters": {"actions_n": 14, "alpha": 0.001}}"#;
    fs::write(&file, old).expect("written");
    let learner = Program::start(folder.path(), &[]);
    assert_eq!(post(learner.http, "/learner/parameters", br#"{"beta": 0.125}"#).status(), 200);
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("read")).expect("JSON");
    assert_eq!(kept["learner_name"], "SarsaQTable");
    for (name, value) in [("actions_n", 14.0), ("alpha", 0.001), ("beta", 0.125)] {
        assert_eq!(kept["learner_parameters"][name].as_f64(), Some(value), "{name}");
    }
    drop(learner);
    let learner = Program::start(folder.path(), &[]);
    let head = "GET /learner/parameters HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(crate::support::ask(learner.http, head, b"").json()["parameters"]["beta"], 0.125);
}

#[test]
fn two_learners_do_not_share_a_folder() {
    let folder = tempdir().expect("a folder");
    let _first = Program::start(folder.path(), &[]);
    is_refused(folder.path(), &[], "another learner uses it");
}

#[test]
fn it_begins_with_a_given_agent_and_only_acts_when_frozen() {
    let (from, to) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let learner = Program::start(from.path(), &[]);
    train(&learner, 0..100);
    assert_eq!(learner.terminate().0, Some(0));
    let agent = format!("--agent={}", from.path().join("agent.ckpt").display());
    let learner = Program::start(to.path(), &[&agent, "--frozen"]);
    train(&learner, 100..200);
    let stats = stats(&learner);
    assert_eq!(
        (&stats["trained_items"], &stats["frozen"], &stats["epsilon"]),
        (&99.into(), &true.into(), &0.0.into())
    );
    is_refused(&to.path().join("other"), &["--agent=/nowhere"], "/nowhere: No such file");
}
