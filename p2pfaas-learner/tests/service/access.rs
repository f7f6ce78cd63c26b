//! Tokens: what needs one, over HTTP and over the websocket, and where they are.

use std::fs;
use std::sync::Arc;

use p2pfaas_learner::service::access::{Guard, SecretPlace, Tokens};
use tempfile::tempdir;

use crate::support::{Answer, Program, Rig, ask, batch, program};
use crate::websocket::{ask as ask_for_action, handshake};

const TOKENS: &str = "# of the node\nlearn the-trainers-token\nconfigure,call the-operators-token\n";
const TRAINER: &str = "Authorization: Bearer the-trainers-token\r\n";
const OPERATOR: &str = "Authorization: Bearer the-operators-token\r\n";

fn guarded() -> Rig {
    let tokens: Tokens = TOKENS.parse().expect("tokens");
    Rig::guarded(Arc::new(Guard::new(tokens, false)))
}

fn call(rig: &Rig, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    ask(rig.http, &head, body.as_bytes())
}

#[test]
fn whatever_asks_trains_changes_or_takes_the_agent_needs_a_token_with_the_role_and_the_rest_none() {
    let rig = guarded();
    let one = batch(0..2);
    let guarded = [
        ("GET", "/act", "X-P2pfaas-Learning-State: 1.0\r\n", ""),
        ("GET", "/train", "", ""),
        ("POST", "/train_batch", "", one.as_str()),
        ("POST", "/learner/parameters", "", r#"{"alpha": 0.5}"#),
        ("GET", "/learner/reset", "", ""),
        ("POST", "/learner/reset", "", ""),
        ("GET", "/learner/weights", "", ""),
        ("GET", "/learner/checkpoint", "", ""),
        ("PUT", "/learner/checkpoint", "", "x"),
        ("POST", "/learner/checkpoint/save", "", ""),
        ("GET", "/whatever", "", ""),
    ];
    for (method, path, headers, body) in guarded {
        let status = |more: &str| {
            let answer = call(&rig, method, path, &format!("{headers}{more}"), body);
            (answer.status(), answer.json()["message"].as_str().map(str::to_string))
        };
        let (code, message) = status("");
        assert_eq!(code, 401, "{method} {path}");
        assert!(message.is_some_and(|text| text.contains("a token with the role learn")), "{method} {path}");
        assert_eq!(status("Authorization: Bearer the-trainers-tokem\r\n").0, 401, "{method} {path}");
        assert_eq!(status("Authorization: Basic the-trainers-token\r\n").0, 401, "{method} {path}");
        assert_eq!(status(OPERATOR).0, 403, "{method} {path}");
    }
    assert_eq!((&rig.stats()["inferences"], &rig.stats()["received"]), (&0.into(), &0.into()));
    assert_eq!(rig.guard.refused(), 4 * guarded.len() as u64);

    for path in ["/", "/health", "/metrics", "/learner/stats", "/learner/parameters", "/openapi.json"] {
        assert_eq!(rig.get(path).status(), 200, "{path}");
    }
    assert_eq!(call(&rig, "POST", "/train_batch", TRAINER, &one).text(), "ok");
    let acted = call(&rig, "GET", "/act", &format!("{TRAINER}X-P2pfaas-Learning-State: 1.0\r\n"), "");
    assert_eq!(acted.status(), 200);
    assert_eq!((&rig.stats()["inferences"], &rig.stats()["received"]), (&1.into(), &2.into()));
}

#[test]
fn a_refused_batch_as_large_as_a_nodes_gets_its_answer_all_the_same() {
    let rig = guarded();
    let large = batch(0..2_000);
    assert!(large.len() > 100_000);
    assert_eq!(call(&rig, "POST", "/train_batch", "", &large).status(), 401);
}

#[test]
fn a_websocket_needs_a_token_with_the_role_at_its_handshake() {
    let rig = guarded();
    for (headers, status) in [("", 401), ("Authorization: Bearer x\r\n", 401), (OPERATOR, 403)] {
        let (_, answer) = handshake(rig.websocket, "/", headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
    }
    assert_eq!(rig.guard.refused(), 3);
    let (mut stream, answer) = handshake(rig.websocket, "/", TRAINER);
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert!(ask_for_action(&mut stream, "[1]").ends_with(",0.90000"));
}

#[test]
fn the_program_reads_its_tokens_from_a_file_and_counts_whom_it_refuses() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("tokens");
    fs::write(&file, TOKENS).expect("written");
    let place = format!("--tokens=file:{}", file.display());
    let learner = Program::start(&folder.path().join("data"), &[&place]);
    assert!(!learner.first_log.contains("the-trainers-token"), "{}", learner.first_log);
    let get = |path: &str, more: &str| {
        ask(learner.http, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n"), b"")
    };
    assert_eq!(get("/learner/weights", "").status(), 401);
    assert_eq!(get("/learner/weights", TRAINER).status(), 200);
    let metrics = get("/metrics", "");
    let expected = "p2pfaas_learner_refused_total{reason=\"token\"} 1\n";
    assert!(metrics.text().contains(expected), "{}", metrics.text());
}

#[test]
fn the_program_with_tokens_listens_beyond_loopback_and_without_usable_ones_it_does_not_start() {
    let folder = tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).expect("written");
        format!("--tokens=file:{}", file.display())
    };
    let data = folder.path().join("data");
    let learner = Program::start_at("0.0.0.0:0", &data, &[&write("good", TOKENS)]);
    assert_eq!(learner.terminate().0, Some(0));

    let nobody = write("nobody", "configure the-operators-token\n");
    let empty = write("empty", "# none yet\n");
    let wrong = write("wrong", "learn hunter2\n");
    for (place, message) in [
        (nobody.as_str(), "no token has the role learn: nobody could use this learner"),
        (empty.as_str(), "no token has the role learn"),
        (wrong.as_str(), "line 1: a token has 16 letters or more"),
        ("--tokens=file:/nowhere", "a secret that can be read was expected: No such file"),
        ("--tokens=env:NOT_THERE", "there is no such variable"),
        ("--tokens=the-trainers-token", "file:PATH or env:VARIABLE, or none"),
    ] {
        let output =
            program().args(["--listen=0.0.0.0:0", "--ws-listen=0.0.0.0:0", place]).output().expect("runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(message) && !errors.contains("hunter2"), "{errors}");
    }
    let output = program().args(["--listen=0.0.0.0:0", "--tokens=none"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(2), "none is as if it were not given");
}

#[test]
fn a_secret_is_in_a_file_or_a_variable_and_nowhere_else() {
    let parse = SecretPlace::parse;
    assert_eq!(parse("none"), Ok(None));
    assert_eq!(parse("file:/a:b"), Ok(Some(SecretPlace::File("/a:b".into()))));
    assert_eq!(parse("env:A"), Ok(Some(SecretPlace::Variable("A".into()))));
    for text in ["", "none:", "file:", "env:", "a-token-of-many-letters"] {
        assert!(parse(text).is_err(), "{text}");
    }
    let variable = |name: &str| (name == "A").then(|| TOKENS.to_string());
    let nothing = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let place = SecretPlace::Variable("A".into());
    assert!(place.read::<Tokens>(nothing, variable).is_ok_and(|tokens| !tokens.is_empty()));
    assert!(SecretPlace::Variable("B".into()).read::<Tokens>(nothing, variable).is_err());
}
