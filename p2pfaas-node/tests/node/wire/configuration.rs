use std::path::PathBuf;

use p2pfaas_core::{Capacity, NodeConfig};
use p2pfaas_node::Settings;

use super::*;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("p2pfaas-wire-{}-{name}", std::process::id()));
    // What an earlier run left.
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn read(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[tokio::test]
async fn a_partial_change_is_merged_over_what_is_in_force() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    // Body, status, code of the error, and slots, queue, enabled afterwards.
    let steps = [
        (r#"{"queue_length_max": 9}"#, 200, 0, (4, 9, true)),
        (r#"{"parallel_running_functions_max": 2, "unknown": []}"#, 200, 0, (2, 9, true)),
        (r#"{"queue_enabled": false}"#, 200, 0, (2, 9, false)),
        (r#"{"queue_length_max": null, "queue_enabled": true}"#, 200, 0, (2, 9, true)),
        ("{}", 200, 0, (2, 9, true)),
        ("", 500, 1, (2, 9, true)),
        ("null", 500, 1, (2, 9, true)),
        ("[1", 500, 1, (2, 9, true)),
        (r#"{"queue_length_max": "9"}"#, 500, 1, (2, 9, true)),
        (r#"{"parallel_running_functions_max": -1}"#, 500, 1, (2, 9, true)),
        (r#"{"parallel_running_functions_max": 0, "queue_length_max": 1}"#, 400, 4, (2, 9, true)),
    ];
    for (body, status, code, (slots, queue, enabled)) in steps {
        let answer = post(to, "/configuration", body.as_bytes()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        if status == 200 {
            assert_eq!(answer.text(), "", "{body}");
        } else {
            assert_eq!(answer.code(), code, "{body}");
        }
        let expected = format!(
            r#"{{"parallel_running_functions_max":{slots},"queue_length_max":{queue},"queue_enabled":{enabled}}}"#
        );
        assert_eq!(get(to, "/configuration").await.text(), expected, "{body}");
    }
    assert_eq!(get(to, "/monitoring/load").await.header("X-P2pfaas-Maxload"), Some("2"));
    node.shutdown().await;
}

#[tokio::test]
async fn a_policy_is_set_by_name_and_text_parameters() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    // What is posted, what is told afterwards, and the header of a job (none: it would go away).
    let good = [
        (r#"{"name":"NoScheduler","parameters":["T"]}"#, r#"["true"]"#, "NoScheduler"),
        (
            r#"{"name":"PowerOfNScheduler","parameters":["1","2","true","1","extra"]}"#,
            r#"["1","2","true","1"]"#,
            "PowerOfNScheduler(1, 2, true, 1)",
        ),
        (
            r#"{"name":"PowerOfNSchedulerTau","parameters":["1","2","f","1","1.5s"]}"#,
            r#"["1","2","false","1","1500ms"]"#,
            "PowerOfNSchedulerTau(1, 2, false, 1, 1500ms)",
        ),
        (r#"{"name":"ForwardScheduler","parameters":["1"]}"#, r#"["1"]"#, "ForwardScheduler(1)"),
        (r#"{"name":"LearningScheduler","parameters":["2"]}"#, r#"["2"]"#, "LearningScheduler(2)"),
        (
            r#"{"name":"RoundRobinWithMasterScheduler","parameters":["true","","true"]}"#,
            r#"["true","","true"]"#,
            "RoundRobinWithMasterScheduler(true, , true)",
        ),
    ];
    for (body, parameters, header) in good {
        let answer = post(to, "/configuration/scheduler", body.as_bytes()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{body}");
        let name = header.split('(').next().expect("a name");
        let told = get(to, "/configuration/scheduler").await.text();
        assert_eq!(told, format!(r#"{{"name":"{name}","parameters":{parameters}}}"#));
        let job = post(to, "/function/echo", b"").await;
        assert_eq!(job.header("X-P2pfaas-Scheduler"), Some(header));
    }
    let before = get(to, "/configuration/scheduler").await.text();
    let bad = [
        ("", 400, 4),
        ("null", 400, 4),
        (r#"{"name":"NoScheduler","parameters":[true]}"#, 400, 4),
        (r#"{"parameters":[]}"#, 400, 4),
        (r#"{"name":"Nobody","parameters":[]}"#, 500, 1),
        (r#"{"name":"NoScheduler","parameters":[]}"#, 500, 1),
        (r#"{"name":"NoScheduler"}"#, 500, 1),
        (r#"{"name":"NoScheduler","parameters":["maybe"]}"#, 500, 1),
        (r#"{"name":"ForwardScheduler","parameters":["-1"]}"#, 500, 1),
        (r#"{"name":"PowerOfNScheduler","parameters":["1","2","true"]}"#, 500, 1),
        (r#"{"name":"PowerOfNSchedulerTau","parameters":["1","2","true","1","5"]}"#, 500, 1),
    ];
    for (body, status, code) in bad {
        let answer = post(to, "/configuration/scheduler", body.as_bytes()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}: {}", answer.text());
    }
    assert_eq!(get(to, "/configuration/scheduler").await.text(), before);
    node.shutdown().await;
}

#[tokio::test]
async fn changes_are_live_while_jobs_run() {
    let gate = Gate::new();
    let mut settings = settings("NoScheduler", &["false"]);
    settings.functions.push(gate.function());
    settings.core = NodeConfig { capacity: Capacity { slots: 1, queue: 4 }, ..NodeConfig::default() };
    let node = start(settings).await;
    let to = node.address();
    let running = post_later(to, "/function/gate", b"");
    until("the first job runs", || gate.started() == 1).await;
    let waiting = post_later(to, "/function/gate", b"");
    until("the second job has arrived", || node.counters().arrived == 2).await;

    let policy = br#"{"name":"PowerOfNScheduler","parameters":["1","9","true","1"]}"#;
    assert_eq!(post(to, "/configuration/scheduler", policy).await.status, 200);
    assert_eq!(gate.started(), 1);
    let slots = br#"{"parallel_running_functions_max":2}"#;
    assert_eq!(post(to, "/configuration", slots).await.status, 200);
    until("the waiting job has got the new slot", || gate.started() == 2).await;
    let no_queue = br#"{"queue_enabled":false}"#;
    assert_eq!(post(to, "/configuration", no_queue).await.status, 200);
    let dropped = post(to, "/function/echo", b"").await;
    assert_eq!((dropped.status, dropped.code()), (500, 400));
    assert_eq!(dropped.header("X-P2pfaas-Scheduler"), Some("PowerOfNScheduler(1, 9, true, 1)"));

    gate.let_through(2);
    for job in [running, waiting] {
        let answer = job.await.expect("ends");
        assert_eq!((answer.status, answer.text().as_str()), (200, "through"));
        assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some("NoScheduler"));
    }
    node.shutdown().await;
}

#[tokio::test]
async fn changes_are_kept_in_the_files_of_the_reference() {
    let folder = folder("files").join("deeper");
    let mut settings = settings("NoScheduler", &["true"]);
    settings.data = Some(folder.clone());
    settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
    let node = start(settings).await;
    let to = node.address();
    post(to, "/configuration", br#"{"queue_length_max":7}"#).await;
    let capacity = "{
  \"parallel_running_functions_max\": 4,
  \"queue_length_max\": 7,
  \"queue_enabled\": true
}";
    assert_eq!(read(&folder, "p2p_faas-scheduler.json").trim_end(), capacity);
    post(to, "/configuration/scheduler", br#"{"name":"ForwardScheduler","parameters":["1"]}"#).await;
    let policy = "{
  \"name\": \"ForwardScheduler\",
  \"parameters\": [
    \"1\"
  ]
}";
    assert_eq!(read(&folder, "p2p_faas-scheduler-config.json").trim_end(), policy);
    let discovery = node.discovery_address().expect("listens");
    post(discovery, "/configuration", br#"{"machine_id":"me","init_servers":["10.99.0.1"]}"#).await;
    let machine = "{
  \"machine_ip\": \"127.0.0.1\",
  \"machine_id\": \"me\",
  \"machine_group_name\": \"\",
  \"init_servers\": [
    \"10.99.0.1\"
  ]
}";
    assert_eq!(read(&folder, "p2p_faas-discovery.json").trim_end(), machine);
    node.shutdown().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn changes_at_the_same_time_leave_whole_files_with_what_is_in_force() {
    let folder = folder("races");
    let mut settings = settings("NoScheduler", &["true"]);
    settings.data = Some(folder.clone());
    settings.workers = 4;
    let node = start(settings).await;
    let to = node.address();
    let changes: Vec<_> = (1..=40)
        .map(|queue| {
            let body = format!(r#"{{"queue_length_max":{queue}}}"#);
            post_later(to, "/configuration", body.as_bytes())
        })
        .collect();
    for change in changes {
        let answer = change.await.expect("ends");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let file: serde_json::Value =
        serde_json::from_str(&read(&folder, "p2p_faas-scheduler.json")).expect("whole");
    assert_eq!(file, get(to, "/configuration").await.json());
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["async_calls.redb", "p2p_faas-scheduler.json"], "no draft is left over");
    node.shutdown().await;
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_told_and_in_force() {
    let file = folder("no-folder");
    std::fs::write(&file, "").expect("writes");
    let mut settings = settings("NoScheduler", &["true"]);
    settings.data = Some(file.clone());
    settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
    let node = start(settings).await;
    let to = node.address();
    let answer = post(to, "/configuration", br#"{"queue_length_max":7}"#).await;
    assert_eq!((answer.status, answer.code()), (500, 2));
    assert_eq!(get(to, "/configuration").await.json()["queue_length_max"], 7);
    let policy = br#"{"name":"ForwardScheduler","parameters":["1"]}"#;
    let answer = post(to, "/configuration/scheduler", policy).await;
    assert_eq!((answer.status, answer.code()), (500, 2));
    let discovery = node.discovery_address().expect("listens");
    let answer = post(discovery, "/configuration", b"{}").await;
    assert_eq!((answer.status, answer.code()), (500, 1));
    node.shutdown().await;
    let _ = std::fs::remove_file(file);
}

#[tokio::test]
async fn a_web_page_may_call_functions_and_may_not_change_the_node() {
    let node = start(Settings {
        discovery_listen: Some("127.0.0.1:0".parse().expect("valid")),
        ..settings("NoScheduler", &["true"])
    })
    .await;
    let page = [("Origin", "http://elsewhere.example")];
    let discovery = node.discovery_address().expect("listens");
    let forbidden = [
        (node.address(), "POST", "/configuration", r#"{"queue_length_max": 9}"#),
        (
            node.address(),
            "POST",
            "/configuration/scheduler",
            r#"{"name": "RejectScheduler", "parameters": []}"#,
        ),
        (discovery, "POST", "/configuration", r#"{"machine_id": "x"}"#),
        (discovery, "GET", "/reset", ""),
    ];
    for (to, method, path, body) in forbidden {
        assert_eq!(call(to, method, path, &page, body.as_bytes()).await.status, 403, "{method} {path}");
    }
    let answer = call(node.address(), "POST", "/function/echo", &page, b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some("NoScheduler"));
    assert_eq!(get(node.address(), "/configuration").await.json()["queue_length_max"], 4);
    node.shutdown().await;
}
