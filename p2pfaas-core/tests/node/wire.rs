//! Messages as old peers write and read them.

use p2pfaas_core::wire::headers::{split_tracing, tracing_with_job};
use p2pfaas_core::wire::*;
use p2pfaas_core::{JobId, NodeId};
use serde_json::{Value, json};

use crate::fixture::named;

#[test]
fn the_request_of_an_old_peer_is_read() {
    let request: PeerJobRequest = serde_json::from_str(
        r#"{"service_id_request":12,"service_id_tracing":"run-1","function_name":"pigo","hops":1,"peers_list":null,
            "payload":"aGVsbG8=","content_type":"image/jpeg","headers":null}"#,
    )
    .unwrap();
    assert_eq!((request.service_id_request, request.service_id_tracing.as_str()), (12, "run-1"));
    assert_eq!((request.hops, request.payload.as_str()), (1, "aGVsbG8="));
    assert_eq!(request.content_type, "image/jpeg");
    assert_eq!((request.peers_list, request.headers), (None, None));
    assert_eq!((request.job_id, request.visited, request.task_type), (None, None, None));
}

#[test]
fn a_request_with_nulls_or_without_fields_is_read_as_empty() {
    let nothing: PeerJobRequest = serde_json::from_str("{}").unwrap();
    let nulls: PeerJobRequest = serde_json::from_str(
        r#"{"service_id_request":null,"service_id_tracing":null,"function_name":null,"hops":null,"peers_list":null,
            "payload":null,"content_type":null,"headers":null,"job_id":null,"visited":null,"task_type":null,
            "deadline_seconds":null,"something_else":{"a":[1]}}"#,
    )
    .unwrap();
    assert_eq!(nothing, nulls);
    assert_eq!((nothing.hops, nothing.payload.as_str(), nothing.visited_nodes()), (0, "", None));
    let negative: PeerJobRequest = serde_json::from_str(r#"{"hops":-5}"#).unwrap();
    assert_eq!(negative.hops, -5);
}

#[test]
fn our_request_has_the_old_fields_and_ours_behind_them() {
    let mut request: PeerJobRequest = serde_json::from_str(r#"{"hops":2,"payload":"eA=="}"#).unwrap();
    let old = json!({
        "service_id_request": 0, "service_id_tracing": "", "function_name": "", "hops": 2, "peers_list": null,
        "payload": "eA==", "content_type": "", "headers": null
    });
    assert_eq!(serde_json::to_value(&request).unwrap(), old);
    request.visited = Some(vec![named("a").to_string(), named("b").to_string()]);
    request.task_type = Some(3);
    request.deadline_seconds = Some(0.25);
    let text = serde_json::to_string(&request).unwrap();
    assert!(text.ends_with(r#""task_type":3,"deadline_seconds":0.25}"#), "{text}");
    assert_eq!(serde_json::from_str::<PeerJobRequest>(&text).unwrap(), request);
}

#[test]
fn a_path_is_read_only_if_it_can_be_one() {
    let visited = |nodes: Vec<String>| {
        let mut request: PeerJobRequest = serde_json::from_str("{}").unwrap();
        request.visited = Some(nodes);
        request.visited_nodes().map(|nodes| nodes.to_vec())
    };
    assert_eq!(visited(vec![]), Some(vec![]));
    assert_eq!(visited(vec![named("a").to_string()]), Some(vec![named("a")]));
    assert_eq!(visited(vec![named("a").to_string(), "10.0.0.1".into()]), None);
    let bound = p2pfaas_core::defaults::MAX_HOPS as usize * 4;
    assert!(visited(vec![named("a").to_string(); bound]).is_some());
    assert_eq!(visited(vec![named("a").to_string(); bound + 1]), None);
}

#[test]
fn the_answer_of_an_old_peer_is_read_with_the_timings_that_it_has() {
    let answer: PeerJobResponse = serde_json::from_str(
        r#"{"peers_list":[
              {"machine_id":"p2pfaas-10.0.0.3","machine_ip":"10.0.0.3",
               "timings":{"execution_time":0.18,"total_time":0.2,"scheduling_time":0.001}},
              {"machine_id":"p2pfaas-10.0.0.2","machine_ip":"10.0.0.2",
               "timings":{"total_time":0.25,"scheduling_time":0.002,"probing_time":0.01}},
              {"machine_id":"p2pfaas-10.0.0.4","machine_ip":null},
              {"machine_id":"p2pfaas-10.0.0.5","machine_ip":"10.0.0.5","timings":null}],
            "body":"e30=","status_code":200}"#,
    )
    .unwrap();
    let peers = answer.peers_list.unwrap();
    assert_eq!(peers[0].timings.execution_time, Some(0.18));
    assert_eq!((peers[0].timings.probing_time, peers[1].timings.probing_time), (None, Some(0.01)));
    assert_eq!(peers[2].timings, PeerTimings::default());
    assert_eq!(peers[3].timings, PeerTimings::default());
    assert_eq!((answer.body.as_str(), answer.status_code, answer.from_function), ("e30=", 200, None));
    assert_eq!(answer.function_headers, []);
}

#[test]
fn an_answer_without_a_peers_list_is_an_answer() {
    for text in [
        r#"{"code":1,"message":"generic"}"#,
        r#"{"peers_list":null,"body":null,"status_code":null,"function_headers":null}"#,
        "{}",
    ] {
        let answer: PeerJobResponse = serde_json::from_str(text).unwrap();
        assert_eq!((answer.peers_list, answer.status_code, answer.body.as_str()), (None, 0, ""), "{text}");
    }
    for text in ["[]", "null", "12", r#"{"status_code":"200"}"#, r#"{"peers_list":{}}"#, "", "{"] {
        assert!(serde_json::from_str::<PeerJobResponse>(text).is_err(), "{text}");
    }
}

#[test]
fn our_answer_leaves_out_what_is_not_known() {
    let machine = MachineTimings {
        machine_id: "m".into(),
        machine_ip: "10.0.0.1".into(),
        timings: PeerTimings { total_time: Some(0.5), ..PeerTimings::default() },
    };
    let answer = PeerJobResponse {
        peers_list: Some(vec![machine]),
        body: "e30=".into(),
        status_code: 201,
        content_type: None,
        function_headers: vec![],
        from_function: None,
        taken: None,
    };
    let text = r#"{"peers_list":[{"machine_id":"m","machine_ip":"10.0.0.1","timings":{"total_time":0.5}}],"body":"e30=","status_code":201}"#;
    assert_eq!(serde_json::to_string(&answer).unwrap(), text);
}

#[test]
fn the_job_id_travels_behind_the_tracing_text() {
    let id = JobId { origin: NodeId(0xabc), number: 7 };
    let text = "run-1;p2pfaas-job=0000000000000abc0000000000000007";
    assert_eq!(tracing_with_job("run-1", id), text);
    assert_eq!(split_tracing(text), ("run-1", Some(id)));
    assert_eq!(split_tracing("run-1"), ("run-1", None));
    assert_eq!(split_tracing(""), ("", None));
    assert_eq!(split_tracing(&tracing_with_job("", id)), ("", Some(id)));
    let next = JobId { number: 8, ..id };
    assert_eq!(
        split_tracing(&tracing_with_job(text, next)),
        ("run-1", Some(next)),
        "it does not grow by each hop"
    );
    for broken in ["x;p2pfaas-job=", "x;p2pfaas-job=12", "x;p2pfaas-job=0000000000000abc000000000000000é"] {
        assert_eq!(split_tracing(broken), ("x", None));
    }
}

#[test]
fn each_error_has_the_code_and_status_of_the_reference() {
    use ErrorCode::*;
    let table = [
        (Generic, 1, 500),
        (Database, 2, 500),
        (NotFound, 3, 404),
        (MalformedInput, 4, 400),
        (BodyTooLarge, 4, 413),
        (BackendUnreachable, 5, 500),
        (CannotMarshal, 6, 500),
        (InvalidServiceName, 100, 400),
        (NotConfigured, 100, 500),
        (DeployFailed, 200, 500),
        (OpenFaasFailed, 300, 500),
        (NoRoom, 400, 500),
        (Rejected, 401, 503),
        (ShuttingDown, 1, 503),
        (Repeated, 1, 409),
        (NoAction, 402, 500),
        (ForwardFailed, 403, 500),
        (EmptyPeerAnswer, 404, 500),
        (NoSuchPeer, 405, 500),
        (DuplicateKey, 11000, 400),
    ];
    for (error, code, status) in table {
        assert_eq!((error.code(), error.http_status()), (code, status), "{error:?}");
    }
    let body = ErrorBody { code: NoRoom.code(), message: "no room".into() };
    assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"code":400,"message":"no room"}"#);
}

#[test]
fn an_old_machine_has_the_usual_ports() {
    let old: Vec<Machine> = serde_json::from_str(
        r#"[{"_id":"p2pfaas-10.0.0.2","ip":"10.0.0.2","name":"p2pfaas-10.0.0.2","group_name":"lab","ping":0.003,
             "last_update":1700000000,"alive":true,"dead_polls":0},
            {"ip":"10.0.0.3"}]"#,
    )
    .unwrap();
    assert_eq!((old[0].port, old[0].discovery_port), (18080, 19000));
    assert_eq!((old[0].group_name.as_str(), old[0].alive, old[0].last_update), ("lab", true, 1_700_000_000));
    assert_eq!((old[1].id.as_str(), old[1].alive), ("", false));

    let ours: Machine =
        serde_json::from_str(r#"{"_id":"m","ip":"127.0.0.1","port":7001,"discovery_port":7002}"#).unwrap();
    assert_eq!((ours.port, ours.discovery_port), (7001, 7002));
    let Value::Object(fields) = serde_json::to_value(&ours).unwrap() else { panic!("an object") };
    for field in ["_id", "ip", "name", "group_name", "ping", "last_update", "alive", "dead_polls", "port"] {
        assert!(fields.contains_key(field), "{field}");
    }
}

#[test]
fn configurations_have_the_field_names_of_the_reference() {
    let text = r#"{"parallel_running_functions_max":4,"queue_length_max":10,"queue_enabled":true}"#;
    let scheduler: SchedulerConfiguration = serde_json::from_str(text).unwrap();
    assert_eq!((scheduler.parallel_running_functions_max, scheduler.queue_length_max), (4, 10));
    assert_eq!(serde_json::to_string(&scheduler).unwrap(), text);

    let part: DiscoveryConfiguration = serde_json::from_str(r#"{"init_servers":["10.0.0.2"]}"#).unwrap();
    assert_eq!((part.machine_ip.as_str(), part.init_servers), ("", vec!["10.0.0.2".to_string()]));
    let whole = r#"{"machine_ip":"10.0.0.1","machine_id":"m","machine_group_name":"g","init_servers":[]}"#;
    let read: DiscoveryConfiguration = serde_json::from_str(whole).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), whole);
}
