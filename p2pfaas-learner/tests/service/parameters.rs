//! The agent's parameters over HTTP.

use crate::support::Rig;

#[test]
fn parameters_are_read_and_changed_as_a_flat_object() {
    let rig = Rig::new();
    let before = rig.get("/learner/parameters").json();
    assert_eq!(before["name"], "SarsaQTable");
    for (name, value) in [
        ("actions_n", 2.0),
        ("alpha", 0.01),
        ("beta", 0.01),
        ("window_size", 5.0),
        ("epsilon_start", 0.9),
        ("epsilon_min", 0.1),
        ("epsilon_decay", 0.99),
        ("entry_missing_max_attempts", 100.0),
    ] {
        assert_eq!(before["parameters"][name].as_f64(), Some(value), "{name}");
    }
    let answer = rig.post("/learner/parameters", r#"{"alpha": 0.5, "window_size": 10}"#);
    assert_eq!((answer.head.as_str(), answer.text()), ("HTTP/1.1 200 OK\nContent-Length: 0", ""));
    let after = rig.get("/learner/parameters").json();
    assert_eq!(
        (&after["parameters"]["alpha"], &after["parameters"]["window_size"]),
        (&0.5.into(), &10.into())
    );
    assert_eq!(after["parameters"]["beta"], before["parameters"]["beta"]);
}

#[test]
fn the_authors_script_is_understood() {
    let rig = Rig::new();
    let answer = rig.post(
        "/learner/parameters",
        r#"{"actions_n": 14, "alpha": 0.001, "beta": 0.1, "window_size": 10, "epsilon": 0.9, "epsilon_min": 0.05, "epsilon_decay": 0.9995, "epsilon_decay_enabled": true, "entry_missing_max_attempts": 50}"#,
    );
    assert_eq!(answer.status(), 200);
    assert!(answer.head.contains("\nX-P2pfaas-Learner-Warning: "), "{}", answer.head);
    // The number of actions counts from the reset on.
    rig.get("/learner/reset");
    let weights = rig.get("/learner/weights").json();
    assert_eq!(weights["actions_map"].as_object().map(serde_json::Map::len), Some(14));
}

#[test]
fn a_parameter_that_is_unknown_or_wrong_is_refused_and_nothing_is_changed() {
    let rig = Rig::new();
    let before = rig.get("/learner/parameters").json();
    let answer = rig.post("/learner/parameters", r#"{"alpha": 0.3, "epsilon_dcay": 0.5}"#);
    assert_eq!((answer.status(), &answer.json()["code"]), (400, &4.into()));
    assert!(answer.text().contains("epsilon_decay"), "{}", answer.text());
    for body in [r#"{"alpha": "x"}"#, r#"{"rule": "sarsaa"}"#, "[]", "", r#"{"parameters": {"alpha": 1}}"#] {
        assert_eq!(rig.post("/learner/parameters", body).status(), 400, "{body}");
    }
    assert_eq!(rig.get("/learner/parameters").json(), before);
}
