//! Every endpoint byte by byte.

use crate::support::{Rig, ask};

#[test]
fn hello_health_and_unknown_paths() {
    let rig = Rig::new();
    let hello = rig.get("/");
    assert_eq!(hello.head, "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nContent-Length: 21");
    assert_eq!(hello.text(), format!("p2pfaas-learner {}", env!("CARGO_PKG_VERSION")));
    assert_eq!((rig.get("/health").status(), rig.get("/health").text()), (200, "ok\n"));
    assert_eq!((rig.get("/x").status(), rig.get("/x").text()), (404, "404 page not found\n"));
    assert_eq!(rig.get("/train_batch").status(), 405);
}

#[test]
fn act_answers_the_action_as_text_and_epsilon_in_a_header() {
    let rig = Rig::new();
    let head = "GET /act HTTP/1.1\r\nHost: x\r\nX-P2pfaas-Learning-State: 0.000000,1.000000,2.000000\r\nConnection: close\r\n\r\n";
    let answer = ask(rig.http, head, b"");
    assert_eq!(
        answer.head,
        "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nX-P2pfaas-Eps: 0.900000\nContent-Length: 1"
    );
    assert!(["0", "1"].contains(&answer.text()), "{}", answer.text());
    assert!(ask(rig.http, head, b"").head.contains("\nX-P2pfaas-Eps: 0.891000\n"), "ε decays at each choice");

    assert_eq!(
        rig.get("/act").text(),
        r#"{"code":4,"message":"the header x-p2pfaas-learning-state is missing"}"#
    );
    for state in ["", "1,x", "1,,2", "nan", "1,inf", "1;2"] {
        let head =
            format!("GET /act HTTP/1.1\r\nX-P2pfaas-Learning-State: {state}\r\nConnection: close\r\n\r\n");
        assert_eq!(ask(rig.http, &head, b"").status(), 400, "{state}");
    }
    assert_eq!(rig.stats()["inferences"], 2);
}

fn train(rig: &Rig, eid: &str, state: &str, action: &str, reward: &str) -> (u16, String) {
    let head = format!(
        "GET /train HTTP/1.1\r\nHost: x\r\nX-P2pfaas-Learning-Eid: {eid}\r\nX-P2pfaas-Learning-State: {state}\r\n\
         X-P2pfaas-Learning-Action: {action}\r\nX-P2pfaas-Learning-Reward: {reward}\r\nConnection: close\r\n\r\n"
    );
    let answer = ask(rig.http, &head, b"");
    (answer.status(), answer.text().to_string())
}

#[test]
fn train_takes_one_experience_from_four_headers() {
    let rig = Rig::new();
    for eid in ["1", "2", "3"] {
        assert_eq!(train(&rig, eid, "0,1", "1.0000", "0.5000"), (200, "ok".into()));
    }
    let stats = rig.stats();
    assert_eq!((&stats["trained_items"], &stats["pending_entries"]), (&2.into(), &1.into()));
    assert_eq!((&stats["eid_max_seen"], &stats["eid_last_trained"]), (&3.into(), &2.into()));

    let wrong = |eid, state, action, reward, message: &str| {
        let expected = format!("{{\"code\":4,\"message\":\"{message}\"}}");
        assert_eq!(train(&rig, eid, state, action, reward), (400, expected));
    };
    wrong(
        "x",
        "0",
        "1",
        "1",
        r#"x-p2pfaas-learning-eid: \"x\" is not a whole number from 0 to 9223372036854775807"#,
    );
    wrong("4", "a", "1", "1", r#"x-p2pfaas-learning-state: \"a\" is not a number"#);
    wrong(
        "4",
        "0",
        "1.5",
        "1",
        "x-p2pfaas-learning-action: 1.5 is not an action: a whole number from 0 to 4098",
    );
    wrong(
        "4",
        "0",
        "-1",
        "1",
        "x-p2pfaas-learning-action: -1 is not an action: a whole number from 0 to 4098",
    );
    wrong("4", "0", "1", "inf", "x-p2pfaas-learning-reward: inf is not a finite number");
    let stats = rig.stats();
    assert_eq!((&stats["received"], &stats["refused"]), (&3.into(), &5.into()));
}

#[test]
fn train_batch_answers_ok() {
    let rig = Rig::new();
    let body = br#"[{"eid":"7","state":"0.000000,2.000000","action":"1.000000","reward":1}]"#;
    let head = format!(
        "POST /train_batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = ask(rig.http, &head, body);
    assert_eq!(answer.head, "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\nContent-Length: 2");
    assert_eq!(answer.text(), "ok");
}

#[test]
fn stats_have_the_old_fields_and_ours() {
    let rig = Rig::new();
    let answer = rig.get("/learner/stats");
    assert_eq!(
        answer.head,
        format!("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: {}", answer.body.len())
    );
    assert_eq!(
        answer.text(),
        r#"{"inferences":0,"trained_items":0,"epsilon":0.9,"episodes":0,"pending_entries":0,"eid_max_seen":0,"eid_last_trained":0,"received":0,"gaps":0,"duplicates":0,"late":0,"restarts":0,"lost":0,"turned_away":0,"refused":0,"average_reward":null,"mean_error":0.0,"states":0,"states_evicted":0,"frozen":false,"checkpoints":0,"checkpoint_errors":0}"#
            .replace("\"average_reward\":null", &format!("\"average_reward\":{}", answer.json()["average_reward"]))
    );
}

#[test]
fn weights_are_the_table_with_its_maps() {
    let rig = Rig::new();
    assert_eq!(
        rig.get("/learner/weights").text(),
        r#"{"actions_map":{"0":0,"1":1},"states_map":{},"table":[]}"#
    );
    let batch =
        r#"[{"eid":1,"state":"0,12","action":1,"reward":1},{"eid":2,"state":"0,12","action":0,"reward":1}]"#;
    assert_eq!(rig.post("/train_batch", batch).status(), 200);
    rig.online.settle();
    let weights = rig.get("/learner/weights").json();
    assert_eq!(weights["states_map"], serde_json::json!({ "0,12": 0 }));
    let row = weights["table"][0].as_array().expect("a row");
    assert!(row[0] == 0.0 && row[1].as_f64().is_some_and(|value| value > 0.0), "{row:?}");
}

#[test]
fn reset_answers_an_empty_200_and_forgets() {
    let rig = Rig::new();
    rig.post("/train_batch", crate::support::batch(0..10));
    assert_eq!(rig.stats()["trained_items"], 9);
    let answer = rig.get("/learner/reset");
    assert_eq!((answer.head.as_str(), answer.text()), ("HTTP/1.1 200 OK\nContent-Length: 0", ""));
    assert_eq!(rig.stats()["trained_items"], 0);
    assert_eq!(rig.post("/learner/reset", "").status(), 200);
}

#[test]
fn metrics_follow_the_counters_also_over_a_reset() {
    let rig = Rig::new();
    rig.post("/train_batch", crate::support::batch(0..10));
    rig.post("/train_batch", "x");
    rig.online.settle();
    let metrics = rig.get("/metrics");
    assert!(metrics.head.contains("\nContent-Type: text/plain; version=0.0.4\n"));
    let text = metrics.text();
    assert!(text.contains("\np2pfaas_learner_trained_total 9\n"), "{text}");
    assert!(text.contains("\np2pfaas_learner_experiences_total{event=\"received\"} 10\n"), "{text}");
    assert!(text.contains("\np2pfaas_learner_batches_not_taken_total{reason=\"malformed\"} 1\n"), "{text}");
    rig.get("/learner/reset");
    assert!(rig.get("/metrics").text().contains("\np2pfaas_learner_trained_total 0\n"));
}

#[test]
fn the_description_names_every_path() {
    let description = Rig::new().get("/openapi.json").json();
    let paths: Vec<&str> =
        description["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
    let expected = [
        "/",
        "/act",
        "/health",
        "/learner/checkpoint",
        "/learner/checkpoint/save",
        "/learner/parameters",
        "/learner/reset",
        "/learner/stats",
        "/learner/weights",
        "/metrics",
        "/train",
        "/train_batch",
    ];
    let mut sorted = paths.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
}

#[test]
fn a_web_page_may_look_but_change_nothing() {
    let rig = Rig::new();
    let ask_from_page = |method: &str, path: &str, header: &str| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\n{header}\r\nX-P2pfaas-Learning-State: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        );
        ask(rig.http, &head, b"{}").status()
    };
    for header in ["Origin: http://a.example", "Sec-Fetch-Site: cross-site"] {
        for (method, path) in [
            ("GET", "/act"),
            ("GET", "/train"),
            ("GET", "/learner/reset"),
            ("POST", "/learner/reset"),
            ("POST", "/train_batch"),
            ("POST", "/learner/parameters"),
            ("PUT", "/learner/checkpoint"),
            ("POST", "/learner/checkpoint"),
            ("POST", "/learner/checkpoint/save"),
        ] {
            assert_eq!(ask_from_page(method, path, header), 403, "{method} {path} {header}");
        }
        assert_eq!(ask_from_page("GET", "/learner/stats", header), 200);
    }
    assert_eq!(ask_from_page("GET", "/act", "Sec-Fetch-Site: none"), 200);
    assert_eq!(rig.stats()["inferences"], 1);
}
