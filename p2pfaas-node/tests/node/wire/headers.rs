//! Headers of answers to clients, spelled as on the wire.

use p2pfaas_node::{LearnerPlace, Settings};

use super::*;

fn named(id: &str, ip: &str, policy: &str, parameters: &[&str]) -> Settings {
    let mut settings = settings(policy, parameters);
    settings.machine_id = id.into();
    settings.machine_ip = ip.into();
    settings
}

const TYPED: [(&str, &str); 1] = [("Content-Type", "text/x-test")];

#[tokio::test]
async fn a_local_job_has_lists_of_one_and_no_path() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let answer = call(node.address(), "POST", "/function/echo", &TYPED, b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
    let expected = [
        "Content-Length: 5",
        "Content-Type: text/x-test",
        "X-P2pfaas-Scheduler: NoScheduler",
        "X-P2pfaas-Timing-Execution-Time-Seconds: %f",
        "X-P2pfaas-Timing-Scheduling-Seconds-List: [%f]",
        "X-P2pfaas-Timing-Scheduling-Time-Seconds: %f",
        "X-P2pfaas-Timing-Total-Seconds-List: [%f]",
        "X-P2pfaas-Timing-Total-Time-Seconds: %f",
        &version,
    ];
    assert_eq!(shape(&answer), expected);
    node.shutdown().await;
}

#[tokio::test]
async fn a_job_that_probed_and_stayed_tells_its_probing() {
    let node = start(named("a", "10.0.0.1", "PowerOfNScheduler", &["1", "0", "true", "1"])).await;
    let peer = start(settings("NoScheduler", &["true"])).await;
    node.set_peers(vec![peer.address().to_string()]);
    // Nobody is less loaded than an idle node.
    let answer = post(node.address(), "/function/echo", b"hello").await;
    let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
    let expected = [
        "Content-Length: 5",
        "X-P2pfaas-Scheduler: PowerOfNScheduler(1, 0, true, 1)",
        "X-P2pfaas-Timing-Execution-Time-Seconds: %f",
        "X-P2pfaas-Timing-Probe-Messages: 1",
        "X-P2pfaas-Timing-Probing-Seconds-List: [%f]",
        "X-P2pfaas-Timing-Probing-Time-Seconds: %f",
        "X-P2pfaas-Timing-Scheduling-Seconds-List: [%f]",
        "X-P2pfaas-Timing-Scheduling-Time-Seconds: %f",
        "X-P2pfaas-Timing-Total-Seconds-List: [%f]",
        "X-P2pfaas-Timing-Total-Time-Seconds: %f",
        &version,
    ];
    assert_eq!(shape(&answer), expected);
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_forwarded_job_tells_its_path_origin_first() {
    let origin = start(named("a", "10.0.0.1", "ForwardScheduler", &["1"])).await;
    let peer = start(named("b", "10.0.0.2", "NoScheduler", &["true"])).await;
    origin.set_peers(vec![peer.address().to_string()]);
    let answer = call(origin.address(), "POST", "/function/echo", &TYPED, b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
    let expected = [
        "Content-Length: 5",
        "Content-Type: text/x-test",
        "X-P2pfaas-Externally-Executed: True",
        "X-P2pfaas-Hops: 1",
        r#"X-P2pfaas-Peers-List-Id: ["a","b"]"#,
        r#"X-P2pfaas-Peers-List-Ip: ["10.0.0.1","10.0.0.2"]"#,
        "X-P2pfaas-Scheduler: ForwardScheduler(1)",
        "X-P2pfaas-Timing-Execution-Time-Seconds: %f",
        "X-P2pfaas-Timing-Forwarding-Time-Seconds: %f",
        "X-P2pfaas-Timing-Probing-Seconds-List: [0,0]",
        "X-P2pfaas-Timing-Scheduling-Seconds-List: [0,0]",
        "X-P2pfaas-Timing-Scheduling-Time-Seconds: %f",
        "X-P2pfaas-Timing-Total-Seconds-List: [N,N]",
        "X-P2pfaas-Timing-Total-Time-Seconds: %f",
        &version,
    ];
    assert_eq!(shape(&answer), expected);
    let totals: Vec<f64> =
        serde_json::from_str(answer.header("X-P2pfaas-Timing-Total-Seconds-List").expect("there"))
            .expect("numbers");
    assert!(totals[0] >= totals[1], "the origin's total contains the executor's: {totals:?}");
    origin.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn a_job_over_a_master_makes_two_hops() {
    let mut nodes = Vec::new();
    for (id, ip) in [("a", "10.0.0.1"), ("m", "10.0.0.2"), ("z", "10.0.0.3")] {
        let mut settings = named(id, ip, "RoundRobinWithMasterScheduler", &["true", "", "true"]);
        settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
        settings.poll_interval = std::time::Duration::from_millis(20);
        nodes.push(start(settings).await);
    }
    let (origin, master, worker) = (&nodes[0], &nodes[1], &nodes[2]);
    let place = |node: &p2pfaas_node::NodeService| {
        format!("{}:{}", node.address(), node.discovery_address().expect("listens").port())
    };
    let master_address = master.address().to_string();
    for node in [origin, worker] {
        let policy = ["RoundRobinWithMasterScheduler", "false", master_address.as_str(), "true"];
        let policy = p2pfaas_core::policy::Descriptor::new(policy[0], policy[1..].iter().copied());
        node.set_policy(&policy).expect("a policy");
        node.set_peers(vec![place(master)]);
    }
    master.set_peers(vec![place(origin), place(worker)]);
    // The master passes a job on to those only whom it knows not to have seen it.
    let list = master.discovery_address().expect("listens");
    until_answer("the master knows who its peers are", list, "/list", |answer| {
        ["\"a\"", "\"z\""].iter().all(|name| answer.text().contains(name))
    })
    .await;

    for _ in 0..3 {
        let answer = call(origin.address(), "POST", "/function/echo", &TYPED, b"hello").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{}", answer.head);
        let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
        let scheduler =
            format!("X-P2pfaas-Scheduler: RoundRobinWithMasterScheduler(false, {master_address}, true)");
        let expected = [
            "Content-Length: 5",
            "Content-Type: text/x-test",
            "X-P2pfaas-Externally-Executed: True",
            "X-P2pfaas-Hops: 2",
            r#"X-P2pfaas-Peers-List-Id: ["a","m","z"]"#,
            r#"X-P2pfaas-Peers-List-Ip: ["10.0.0.1","10.0.0.2","10.0.0.3"]"#,
            &scheduler,
            "X-P2pfaas-Timing-Execution-Time-Seconds: %f",
            "X-P2pfaas-Timing-Forwarding-Time-Seconds: %f",
            "X-P2pfaas-Timing-Probing-Seconds-List: [0,0,0]",
            "X-P2pfaas-Timing-Scheduling-Seconds-List: [0,0,0]",
            "X-P2pfaas-Timing-Scheduling-Time-Seconds: %f",
            "X-P2pfaas-Timing-Total-Seconds-List: [N,N,N]",
            "X-P2pfaas-Timing-Total-Time-Seconds: %f",
            &version,
        ];
        assert_eq!(shape(&answer), expected);
    }
    // The master takes no jobs of clients.
    let own = post(master.address(), "/function/echo", b"").await;
    assert_eq!((own.status, own.code()), (500, 400));
    for node in nodes {
        node.shutdown().await;
    }
}

fn learning(table: &str, parameters: &[&str]) -> Settings {
    let mut settings = named("a", "10.0.0.1", "LearningScheduler", parameters);
    settings.learner = LearnerPlace::Table(serde_json::from_str(table).expect("a table"));
    settings
}

const LEARNING: &str = "X-P2pfaas-Scheduler-Learning-";

fn learned(answer: &Answer) -> Vec<String> {
    shape(answer).iter().filter_map(|line| line.strip_prefix(LEARNING)).map(str::to_string).collect()
}

#[tokio::test]
async fn a_learners_job_tells_number_state_action_and_eps() {
    let table = r#"{"actions": {"0,0,0,0,0": 0}, "otherwise": 1}"#;
    let node = start(learning(table, &["2"])).await;
    let typed = |value| [("X-P2pfaas-Scheduler-Learning-Task-Type", value)];
    // Each is the node's next request.
    let cases = [
        ("1", 200, "1.000000,0.000000,0.000000,0.000000,0.000000", "1.000000"),
        ("1.0", 200, "1.000000,0.000000,0.000000,0.000000,0.000000", "1.000000"),
        ("0", 503, "0.000000,0.000000,0.000000,0.000000,0.000000", "0.000000"),
        ("none", 503, "0.000000,0.000000,0.000000,0.000000,0.000000", "0.000000"),
    ];
    for (eid, (task_type, status, state, action)) in cases.into_iter().enumerate() {
        let answer = call(node.address(), "POST", "/function/echo", &typed(task_type), b"").await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let expected = [
            format!("Action: {action}"),
            format!("Eid: {eid}"),
            "Eps: 0.000000".to_string(),
            "Probability: 1.000000".to_string(),
            format!("Reward: {}.000000", u8::from(status == 200)),
            format!("State: {state}"),
        ];
        assert_eq!(learned(&answer), expected, "{task_type}");
        assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some("LearningScheduler(2)"));
    }
    // A request that asks for another policy has no action.
    let bypassed =
        call(node.address(), "POST", "/function/echo", &[("X-P2pfaas-Scheduler-Bypass", "1")], b"").await;
    assert_eq!((bypassed.status, learned(&bypassed)), (200, vec![]));
    node.shutdown().await;
}

#[tokio::test]
async fn the_state_counts_running_and_queued_jobs_of_each_type() {
    let gate = Gate::new();
    let mut settings = learning(r#"{"otherwise": 1}"#, &["2"]);
    settings.functions.push(gate.function());
    settings.core.capacity.slots = 1;
    let node = start(settings).await;
    let to = node.address();
    let later = |task_type: &'static str| {
        let typed = [("X-P2pfaas-Scheduler-Learning-Task-Type", task_type)];
        tokio::spawn(async move { call(to, "POST", "/function/gate", &typed, b"").await })
    };
    let mut jobs = vec![later("1")];
    until("the first job runs", || gate.started() == 1).await;
    for (arrived, task_type) in [(2, "0"), (3, "0"), (4, "1")] {
        jobs.push(later(task_type));
        until("the next has arrived", || node.counters().arrived == arrived).await;
    }
    gate.let_through(4);
    let mut states = Vec::new();
    for job in jobs {
        let answer = job.await.expect("ends");
        let state = answer.header("X-P2pfaas-Scheduler-Learning-State").expect("there").to_string();
        // Only whole numbers: shorter to read.
        states.push(state.replace(".000000", ""));
    }
    assert_eq!(states, ["1,0,0,0,0", "0,0,1,0,0", "0,0,1,1,0", "1,0,1,2,0"]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_learner_forwards_by_peer_and_probes_first_when_it_says_so() {
    let peer = start(named("b", "10.0.0.2", "NoScheduler", &["true"])).await;
    for (action, hops, probes) in [(3, Some("1"), None), (2, None, Some("1"))] {
        let node = start(learning(&format!(r#"{{"otherwise": {action}}}"#), &["1"])).await;
        node.set_peers(vec![peer.address().to_string()]);
        let answer = post(node.address(), "/function/echo", b"hi").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi"));
        assert_eq!(answer.header("X-P2pfaas-Hops"), hops);
        assert_eq!(answer.header("X-P2pfaas-Timing-Probe-Messages"), probes);
        let expected = [
            format!("Action: {action}.000000"),
            "Eid: 0".to_string(),
            "Eps: 0.000000".to_string(),
            "Probability: 1.000000".to_string(),
            "Reward: 1.000000".to_string(),
            "State: 0.000000,0.000000,0.000000".to_string(),
        ];
        assert_eq!(learned(&answer), expected);
        node.shutdown().await;
    }
    peer.shutdown().await;
}

#[tokio::test]
async fn errors_have_version_scheduler_and_the_action_and_no_times() {
    let node = start(learning(r#"{"otherwise": 0}"#, &["1"])).await;
    let answer = post(node.address(), "/function/echo", b"").await;
    assert_eq!((answer.status, answer.code()), (503, 401));
    let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
    let expected = [
        &format!("Content-Length: {}", answer.body.len()),
        "Content-Type: application/json",
        "X-P2pfaas-Scheduler-Learning-Action: 0.000000",
        "X-P2pfaas-Scheduler-Learning-Eid: 0",
        "X-P2pfaas-Scheduler-Learning-Eps: 0.000000",
        "X-P2pfaas-Scheduler-Learning-Probability: 1.000000",
        "X-P2pfaas-Scheduler-Learning-Reward: 0.000000",
        "X-P2pfaas-Scheduler-Learning-State: 0.000000,0.000000,0.000000",
        "X-P2pfaas-Scheduler: LearningScheduler(1)",
        &version,
    ];
    assert_eq!(shape(&answer), expected);
    node.shutdown().await;
}

#[tokio::test]
async fn what_never_became_a_job_has_version_and_scheduler_too() {
    let mut settings = settings("ForwardScheduler", &["1"]);
    settings.max_body_bytes = 10;
    let node = start(settings).await;
    let deadline: Headers = &[("X-P2pfaas-Deadline-Seconds", "soon")];
    let cases: [(&str, Headers, &[u8], u16); 3] = [
        ("/function/nobody", &[], b"", 404),
        ("/function/echo", deadline, b"", 400),
        ("/function/echo", &[], &[0; 11], 413),
    ];
    for (path, headers, body, status) in cases {
        let answer = call(node.address(), "POST", path, headers, body).await;
        let version = format!("X-P2pfaas-Version: {}", p2pfaas_node::VERSION);
        let expected = [
            &format!("Content-Length: {}", answer.body.len()),
            "Content-Type: application/json",
            "X-P2pfaas-Scheduler: ForwardScheduler(1)",
            &version,
        ];
        assert_eq!(
            (answer.status, shape(&answer)),
            (status, expected.map(str::to_string).to_vec()),
            "{path}"
        );
    }
    node.shutdown().await;
}

#[tokio::test]
async fn override_headers_win_over_the_policy_in_their_order() {
    let node = start(named("a", "10.0.0.1", "PowerOfNScheduler", &["1", "9", "true", "1"])).await;
    let peer = start(named("b", "10.0.0.2", "RejectScheduler", &[])).await;
    node.set_peers(vec![peer.address().to_string()]);
    const BYPASS: &str = "X-P2pfaas-Scheduler-Bypass";
    const FORWARD: &str = "X-P2pfaas-Scheduler-Forward";
    const REJECT: &str = "X-P2pfaas-Scheduler-Reject";
    // The peer rejects what its policy sees: nobody there runs what is forwarded.
    let cases: [(Headers, u16, &str, Option<&str>); 8] = [
        (&[], 200, "PowerOfNScheduler(1, 9, true, 1)", None),
        (&[(BYPASS, "true")], 200, "NoScheduler", None),
        (&[(BYPASS, "")], 200, "PowerOfNScheduler(1, 9, true, 1)", None),
        (&[(FORWARD, "0")], 503, "ForwardScheduler(1)", Some("1")),
        (&[(REJECT, "x")], 503, "RejectScheduler", None),
        (&[(REJECT, "x"), (FORWARD, "x"), (BYPASS, "x")], 200, "NoScheduler", None),
        (&[(REJECT, "x"), (FORWARD, "x")], 503, "ForwardScheduler(1)", Some("1")),
        (&[("x-p2pfaas-scheduler-reject", "x")], 503, "RejectScheduler", None),
    ];
    for (headers, status, scheduler, hops) in cases {
        let answer = call(node.address(), "POST", "/function/echo", headers, b"").await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        assert_eq!(answer.header("X-P2pfaas-Scheduler"), Some(scheduler), "{headers:?}");
        assert_eq!(answer.header("X-P2pfaas-Hops"), hops, "{headers:?}");
        if status == 503 {
            assert_eq!(answer.code(), 401, "{headers:?}");
        }
    }
    node.shutdown().await;
    peer.shutdown().await;
}

#[tokio::test]
async fn only_the_first_value_of_a_header_counts() {
    let node = start(learning(r#"{"otherwise": 1}"#, &["1"])).await;
    let name = "X-P2pfaas-Scheduler-Learning-Task-Type";
    let answer = call(node.address(), "POST", "/function/echo", &[(name, "3"), (name, "5")], b"").await;
    let state = answer.header("X-P2pfaas-Scheduler-Learning-State");
    assert_eq!(state, Some("3.000000,0.000000,0.000000"));
    node.shutdown().await;
}
