//! Batches of experiences: what is taken, what is refused, and what becomes of it.

use p2pfaas_learner::{AgentConfig, OnlineOptions, service};

use crate::support::{Rig, ask, batch};

#[test]
fn all_forms_that_old_clients_send_are_taken() {
    let rig = Rig::new();
    let body = r#"[
        {"eid": "10", "state": "0.000000,1.000000", "action": "1.000000", "reward": 1},
        {"eid": 11, "state": "0,1", "action": 1, "reward": "0.5000"},
        {"eid": 12.0, "state": " 0 , 1 ", "action": 1.0, "reward": -1.5, "unknown": {"a": [1, "x"]}},
        {"reward": "1e-3", "action": "0", "state": "0,\u0031", "eid": " 13 "},
        {"eid": 14, "state": [0, 1.0], "action": 1, "reward": null, "epsilon": 0.25, "mask": [false, true]}
    ]"#;
    let answer = rig.post("/train_batch", body);
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
    let stats = rig.stats();
    assert_eq!(
        (&stats["received"], &stats["trained_items"], &stats["states"]),
        (&5.into(), &4.into(), &1.into())
    );
}

#[test]
fn one_bad_entry_refuses_the_whole_batch_and_is_named() {
    let rig = Rig::new();
    let good = r#"{"eid":1,"state":"1","action":1,"reward":1}"#;
    let cases = [
        (r#"{"eid":2,"state":"1","action":1}"#, "entry 1: missing field `reward`"),
        (
            r#"{"eid":-2,"state":"1","action":1,"reward":1}"#,
            "entry 1: eid: -2 is not a whole number from 0 on",
        ),
        (r#"{"eid":"2.5","state":"1","action":1,"reward":1}"#, "entry 1: eid: \"2.5\" is not a whole number"),
        (r#"{"eid":2,"state":"1,,2","action":1,"reward":1}"#, "entry 1: state: \"\" is not a number"),
        (r#"{"eid":2,"state":"1,NaN","action":1,"reward":1}"#, "entry 1: state: NaN is not a finite number"),
        (
            r#"{"eid":2,"state":7,"action":1,"reward":1}"#,
            "entry 1: invalid type: integer `7`, expected state",
        ),
        (r#"{"eid":2,"state":"1","action":4099,"reward":1}"#, "entry 1: 4099 is not an action"),
        (r#"{"eid":2,"state":"1","action":null,"reward":1}"#, "entry 1: action: null is not an action"),
        (r#"{"eid":2,"state":"1","action":1,"reward":"inf"}"#, "entry 1: reward: inf is not a finite number"),
        (r#"{"eid":2,"state":"1","action":1,"reward":1e999}"#, "entry 1: number out of range"),
        (r#"{"eid":2,"state":"1","action":1,"reward":1,"epsilon":-1}"#, "entry 1: epsilon: -1 is negative"),
        (
            r#"{"eid":2,"state":"1","action":1,"reward":1,"mask":[true]}"#,
            "entry 1: the mask does not allow action 1",
        ),
        (r#"[1]"#, "entry 1: invalid type: sequence, expected an entry"),
        (r#"{"eid":2,"#, "entry 1: "),
    ];
    for (bad, expected) in cases {
        let answer = rig.post("/train_batch", format!("[{good},{bad}]"));
        let error = answer.json();
        assert_eq!((answer.status(), &error["code"]), (400, &4.into()), "{bad}");
        let message = error["message"].as_str().expect("text");
        assert!(message.starts_with(expected), "{message}\ndoes not start with\n{expected}");
    }
    for body in ["", "[]", "{}", "7", "[] x", "[1", "\u{feff}[]"] {
        assert_eq!(rig.post("/train_batch", body).status(), 400, "{body}");
    }
    let stats = rig.stats();
    assert_eq!((&stats["received"], &stats["refused"]), (&0.into(), &(cases.len() + 7).into()));
}

#[test]
fn batches_states_and_bodies_are_bounded() {
    let rig = Rig::new();
    let largest = service::MAX_BATCH as u64;
    assert_eq!(rig.post("/train_batch", batch(0..largest)).status(), 200);
    let answer = rig.post("/train_batch", batch(largest..2 * largest + 1));
    assert_eq!(answer.status(), 400);
    assert!(answer.text().contains("a batch has at most 10000 entries"), "{}", answer.text());

    let state = vec!["1"; service::MAX_STATE_NUMBERS + 1].join(",");
    let body = format!(r#"[{{"eid":1,"state":"{state}","action":1,"reward":1}}]"#);
    assert!(rig.post("/train_batch", body).text().contains("a state has at most 1024 numbers"));

    let head = format!(
        "POST /train_batch HTTP/1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        service::MAX_BATCH_BYTES + 1
    );
    let answer = ask(rig.http, &head, b"[");
    assert_eq!((answer.status(), &answer.json()["code"]), (413, &4.into()));
    assert_eq!(rig.stats()["received"], largest);
}

#[test]
fn a_batch_that_is_sent_again_is_answered_ok_and_not_trained_again() {
    let rig = Rig::new();
    for _ in 0..3 {
        assert_eq!(rig.post("/train_batch", batch(0..100)).text(), "ok");
    }
    let stats = rig.stats();
    assert_eq!((&stats["trained_items"], &stats["duplicates"]), (&99.into(), &200.into()));
}

#[test]
fn a_gap_is_closed_and_what_comes_after_it_is_trained() {
    let config = AgentConfig { entry_missing_max_attempts: 5, ..AgentConfig::default() };
    let rig = Rig::with(config, OnlineOptions::default());
    rig.post("/train_batch", batch(0..10));
    rig.post("/train_batch", batch(12..30));
    let stats = rig.stats();
    assert_eq!(
        (&stats["gaps"], &stats["episodes"], &stats["trained_items"]),
        (&1.into(), &2.into(), &26.into())
    );
    rig.post("/train_batch", batch(10..12));
    assert_eq!(rig.stats()["late"], 2);
}

#[test]
fn a_node_that_was_started_again_is_followed() {
    let rig = Rig::new();
    rig.post("/train_batch", batch(0..100));
    // The same numbers, other experiences.
    rig.post("/train_batch", batch(0..50).replace("\"1.000000\"", "\"0.000000\""));
    let stats = rig.stats();
    assert_eq!(
        (&stats["restarts"], &stats["duplicates"], &stats["received"]),
        (&1.into(), &0.into(), &150.into())
    );
    assert_eq!(stats["eid_last_trained"], 48);
}

#[test]
fn a_batch_for_which_there_is_no_room_is_turned_away_as_a_whole() {
    let rig = Rig::with(AgentConfig::default(), OnlineOptions { inbox: 10, ..OnlineOptions::default() });
    let answer = rig.post("/train_batch", batch(0..11));
    assert_eq!(
        answer.head,
        format!(
            "HTTP/1.1 503 Service Unavailable\nContent-Type: application/json\nRetry-After: 1\nContent-Length: {}",
            answer.body.len()
        )
    );
    assert_eq!(answer.json()["code"], 400);
    let stats = rig.stats();
    assert_eq!(
        (&stats["received"], &stats["turned_away"], &stats["lost"]),
        (&0.into(), &1.into(), &0.into())
    );
    assert_eq!(rig.post("/train_batch", batch(0..10)).status(), 200);
}
