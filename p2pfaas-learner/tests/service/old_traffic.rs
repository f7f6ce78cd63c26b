//! What an old node and an old benchmark client send, in the bytes in which they send it: a scheduler in Go
//! asks over a websocket, its client resets the learner, sets parameters and sends batches (fact sheet 1.7, 3.5).

use crate::support::{Rig, ask};
use crate::websocket::{ask as ask_state, handshake};

/// As Go's HTTP client writes a request with keep-alive off.
fn go(rig: &Rig, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Go-http-client/1.1\r\n", rig.http);
    if method == "POST" {
        head += &format!("Content-Length: {}\r\nContent-Type: application/json\r\n", body.len());
    }
    head += "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    let answer = ask(rig.http, &head, body.as_bytes());
    (answer.status(), answer.text().to_string())
}

#[test]
fn an_old_run_from_reset_to_batches_works() {
    let rig = Rig::new();
    assert_eq!(go(&rig, "GET", "/", "").0, 200);
    // The authors' own script, with its wrong key.
    let parameters = r#"{"actions_n":14,"alpha":0.001,"beta":0.1,"window_size":10,"epsilon":0.9,"epsilon_min":0.05,"epsilon_decay":0.9995,"epsilon_decay_enabled":true,"entry_missing_max_attempts":50}"#;
    assert_eq!(go(&rig, "POST", "/learner/parameters", parameters), (200, String::new()));
    assert_eq!(go(&rig, "GET", "/learner/reset", ""), (200, String::new()));

    let more = "User-Agent: Go-http-client/1.1\r\n";
    let (mut websocket, answer) = handshake(rig.websocket, "/", more);
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
    let mut entries = Vec::new();
    for request in 0..40_u32 {
        let state = [0, request % 4, request % 3, 0, 0].map(f64::from);
        let said = ask_state(&mut websocket, &serde_json::to_string(&state).expect("JSON"));
        let (action, epsilon) = said.split_once(',').expect("action,eps");
        let (action, epsilon): (f64, f64) =
            (action.parse().expect("a number"), epsilon.parse().expect("a number"));
        assert!((0.0..14.0).contains(&action) && (0.0..=0.9).contains(&epsilon), "{said}");
        let state = state.map(|number| format!("{number:.6}")).join(",");
        // Eid, state and action as the answer's headers had them; the reward is the client's own.
        entries.push(format!(
            r#"{{"eid":"{request}","state":"{state}","action":"{action:.6}","reward":{}}}"#,
            i32::from(request % 2 == 0)
        ));
    }
    for batch in entries.chunks(10) {
        let body = format!("[{}]", batch.join(","));
        assert_eq!(go(&rig, "POST", "/train_batch", &body), (200, "ok".into()));
    }
    let stats = rig.stats();
    assert_eq!((&stats["inferences"], &stats["trained_items"]), (&40.into(), &39.into()));
    assert_eq!((&stats["eid_max_seen"], &stats["gaps"]), (&39.into(), &0.into()));
    let weights = rig.get("/learner/weights").json();
    assert_eq!(weights["actions_map"].as_object().map(|actions| actions.len()), Some(14));
}
