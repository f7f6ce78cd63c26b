//! Checkpoints over HTTP.

use p2pfaas_learner::{AgentConfig, OnlineOptions};

use crate::support::{Rig, ask, batch};

#[test]
fn a_checkpoint_that_was_fetched_is_brought_back() {
    let rig = Rig::new();
    rig.post("/train_batch", batch(0..100));
    rig.online.settle();
    let checkpoint = rig.get("/learner/checkpoint");
    assert_eq!(
        checkpoint.head,
        format!(
            "HTTP/1.1 200 OK\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"agent.ckpt\"\nContent-Length: {}",
            checkpoint.body.len()
        )
    );
    rig.get("/learner/reset");
    let answer = rig.post("/learner/checkpoint", &checkpoint.body);
    assert_eq!((answer.head.as_str(), answer.text()), ("HTTP/1.1 200 OK\nContent-Length: 0", ""));
    assert_eq!(rig.stats()["trained_items"], 99);
    assert!(rig.get("/learner/checkpoint").body == checkpoint.body);

    let head = format!(
        "PUT /learner/checkpoint HTTP/1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        checkpoint.body.len()
    );
    assert_eq!(ask(rig.http, &head, &checkpoint.body).status(), 200);
}

#[test]
fn what_is_no_checkpoint_of_this_agent_is_refused_with_the_reason() {
    let rig = Rig::new();
    rig.post("/train_batch", batch(0..100));
    rig.online.settle();
    let own = rig.get("/learner/checkpoint").body;
    let config = serde_json::from_str(r#"{"rule": "sarsa"}"#).expect("a rule");
    let other = Rig::with(config, OnlineOptions::default());
    let others = other.get("/learner/checkpoint").body;
    let mut changed = own.clone();
    changed[own.len() / 2] ^= 1;
    let cases: [(&[u8], &str); 5] = [
        (b"", "the body is damaged: it ends in its first word"),
        (b"garbage", "the body is not a checkpoint of an agent"),
        (
            &own[..own.len() - 1],
            "the body is damaged: its checksum is wrong, so it is torn or has been changed",
        ),
        (&changed, "the body is damaged: its checksum is wrong, so it is torn or has been changed"),
        (&others, "the checkpoint is of another agent: its rule is \"sarsa\", not \"differential-sarsa\""),
    ];
    for (body, message) in cases {
        let answer = rig.post("/learner/checkpoint", body);
        assert_eq!((answer.status(), &answer.json()["message"]), (400, &message.into()));
    }
    assert!(rig.get("/learner/checkpoint").body == own, "nothing is changed");
}

#[test]
fn a_checkpoint_is_written_when_somebody_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.ckpt");
    let options = OnlineOptions { checkpoint: Some(path.clone()), ..OnlineOptions::default() };
    let rig = Rig::with(AgentConfig::default(), options);
    assert_eq!(rig.post("/learner/checkpoint/save", "").status(), 200);
    assert!(path.exists());
    assert_eq!(rig.stats()["checkpoints"], 1);

    std::fs::write(&path, "a poem").expect("written");
    let answer = rig.post("/learner/checkpoint/save", "");
    assert_eq!((answer.status(), &answer.json()["code"]), (500, &2.into()));
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "a poem");
    assert_eq!(rig.stats()["checkpoint_errors"], 1);
    std::fs::remove_file(&path).expect("removed");
}
