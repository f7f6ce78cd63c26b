//! The discovery's port: who is listed, and what old discoveries are asked and believed.

use std::net::SocketAddr;
use std::time::Duration;

use p2pfaas_node::{NodeService, Settings};
use serde_json::{Value, json};

use super::*;

fn here(id: &str) -> Settings {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.machine_id = id.into();
    settings.group = "lab".into();
    settings.discovery_listen = Some("127.0.0.1:0".parse().expect("valid"));
    settings.poll_interval = Duration::from_millis(15);
    settings
}

fn discovery(node: &NodeService) -> SocketAddr {
    node.discovery_address().expect("listens")
}

/// `ip:port:discovery port` of a machine whose discovery is this stub.
fn with_discovery(stub: &Stub) -> String {
    format!("127.0.0.1:{}:{}", stub.address().port(), stub.address().port())
}

/// An old discovery: tells its name in the headers, and a list.
async fn old_discovery(name: &'static str, list: String) -> Stub {
    Stub::start(move |_| old_list(name, &list)).await
}

fn old_list(name: &str, list: &str) -> Vec<u8> {
    let headers = [
        ("Content-Type", "application/json"),
        ("P2pfaas-Machine-Group-Name", "old group"),
        ("P2pfaas-Machine-Ip", "127.0.0.1"),
        ("P2pfaas-Machine-Name", name),
    ];
    answer("200 OK", &headers, list.as_bytes())
}

fn names(list: &Answer) -> Vec<String> {
    let machines: Vec<Value> = serde_json::from_slice(&list.body).expect("a list");
    machines.iter().map(|machine| machine["name"].as_str().expect("text").to_string()).collect()
}

async fn until_listed(at: SocketAddr, expected: &[&str]) -> Answer {
    until_answer(&format!("{expected:?} are listed"), at, "/list", |list| names(list) == expected).await
}

#[tokio::test]
async fn the_list_answers_with_the_machines_own_headers() {
    let node = start(here("me")).await;
    let answer = get(discovery(&node), "/list").await;
    let expected = [
        "Content-Length: 2".to_string(),
        "Content-Type: application/json".to_string(),
        format!("P2pfaas-Machine-Discovery-Port: {}", discovery(&node).port()),
        "P2pfaas-Machine-Group-Name: lab".to_string(),
        "P2pfaas-Machine-Ip: 127.0.0.1".to_string(),
        "P2pfaas-Machine-Name: me".to_string(),
        format!("P2pfaas-Machine-Port: {}", node.address().port()),
        format!("X-P2pfaas-Node-Id: {}", p2pfaas_core::NodeId::from_machine_id("me")),
    ];
    assert_eq!((answer.text().as_str(), shape(&answer)), ("[]", expected.to_vec()));
    node.shutdown().await;
}

#[tokio::test]
async fn machines_are_listed_in_the_order_of_their_names_once_they_have_answered() {
    let (zeta, alpha) =
        (old_discovery("zeta", "[]".into()).await, old_discovery("alpha", "null".into()).await);
    let third = old_discovery("beta", "[]".into()).await;
    let mut settings = here("me");
    settings.init_servers =
        vec![with_discovery(&zeta), with_discovery(&third), with_discovery(&alpha), "127.0.0.1:1:1".into()];
    let node = start(settings).await;
    // A list that is no list is no answer.
    let list = until_listed(discovery(&node), &["beta", "zeta"]).await;
    until("the other has been asked", || !alpha.seen().is_empty()).await;
    let mut machines: Vec<Value> = serde_json::from_slice(&list.body).expect("a list");
    let keys = ["_id", "ip", "name", "group_name", "ping", "last_update", "alive", "dead_polls"];
    let text = list.text();
    let places: Vec<_> = keys.map(|key| text.find(&format!("\"{key}\":")).expect(key)).to_vec();
    assert!(places.is_sorted(), "{text}");
    let machine = &mut machines[1];
    assert!(machine["ping"].take().as_f64().is_some_and(|ping| ping > 0.0), "{text}");
    assert!(machine["last_update"].take().as_i64().is_some_and(|seconds| seconds > 1_600_000_000), "{text}");
    let port = zeta.address().port();
    let expected = json!({
        "_id": "zeta", "ip": "127.0.0.1", "name": "zeta", "group_name": "old group",
        "ping": null, "last_update": null, "alive": true, "dead_polls": 0,
        "port": port, "discovery_port": port,
    });
    assert_eq!(*machine, expected);
    node.shutdown().await;
}

#[tokio::test]
async fn an_old_discovery_is_asked_as_the_reference_asks() {
    let old = old_discovery("old", "[]".into()).await;
    let mut settings = here("me");
    settings.init_servers = vec![with_discovery(&old)];
    let node = start(settings).await;
    until_listed(discovery(&node), &["old"]).await;
    let seen = &old.seen()[0];
    assert_eq!(seen.line, "GET /list HTTP/1.1");
    let expected = [
        "content-length: 0".to_string(),
        format!("host: {}", old.address()),
        format!("p2pfaas-machine-discovery-port: {}", discovery(&node).port()),
        "p2pfaas-machine-group-name: lab".to_string(),
        "p2pfaas-machine-ip: 127.0.0.1".to_string(),
        "p2pfaas-machine-name: me".to_string(),
        format!("p2pfaas-machine-port: {}", node.address().port()),
        "user-agent: Machine".to_string(),
        format!("x-p2pfaas-node-id: {}", p2pfaas_core::NodeId::from_machine_id("me")),
    ];
    assert_eq!(seen.head, expected);
    node.shutdown().await;
}

#[tokio::test]
async fn machines_of_an_old_discovery_become_peers_on_the_old_ports() {
    // An address of the loopback net that no other run uses: the ports are fixed.
    let process = std::process::id();
    let ip = format!("127.{}.{}.7", 1 + process / 250 % 250, 1 + process % 250);
    let other = Stub::at(&format!("{ip}:19000"), |_| old_list("other", "[]")).await;
    let scheduler = Stub::at(&format!("{ip}:18080"), |_| {
        let body = r#"{"peers_list":[{"machine_id":"other","machine_ip":"10.0.0.9","timings":{}}],"body":"b2xk","status_code":200}"#;
        answer("200 OK", &[], body.as_bytes())
    })
    .await;
    let machine = format!(
        r#"[{{"_id":"","ip":"{ip}","name":"{ip}","group_name":"","ping":0.001,"last_update":1700000000,"alive":true,"dead_polls":0}},
            {{"ip":"no address","name":"x","alive":true}}]"#
    );
    let known = old_discovery("known", machine).await;
    let mut settings = here("me");
    settings.policy = p2pfaas_core::policy::Descriptor::new("ForwardScheduler", ["1"]);
    settings.init_servers = vec![with_discovery(&known)];
    let node = start(settings).await;
    let list = until_listed(discovery(&node), &["known", "other"]).await;
    assert!(list.text().contains(r#""port":18080,"discovery_port":19000"#), "{}", list.text());
    assert_eq!(other.seen()[0].line, "GET /list HTTP/1.1");
    // Now and then a job goes to the one that is no scheduler, and fails.
    let mut answers = Vec::new();
    for _ in 0..1_000 {
        answers.push(post(node.address(), "/function/echo", b"new").await.text());
        if answers.last().is_some_and(|text| text == "old") {
            break;
        }
    }
    assert_eq!(answers.last().map(String::as_str), Some("old"));
    assert_eq!(scheduler.seen()[0].line, "POST /peer/function/echo HTTP/1.1");
    node.shutdown().await;
}

#[tokio::test]
async fn a_dead_machine_is_not_brought_back_by_those_who_still_list_it() {
    let dying = old_discovery("dying", "[]".into()).await;
    let port = dying.address().port();
    let list = format!(
        r#"[{{"_id":"d","ip":"127.0.0.1","name":"dying","alive":true,"dead_polls":0,"port":{port},"discovery_port":{port}}},
            {{"_id":"n","ip":"127.0.0.1","name":"never there","alive":true,"dead_polls":0,"port":1,"discovery_port":1}}]"#
    );
    let gossip = old_discovery("gossip", list).await;
    let mut settings = here("me");
    settings.dead_polls = 2;
    settings.init_servers = vec![with_discovery(&gossip)];
    let node = start(settings).await;
    until_listed(discovery(&node), &["dying", "gossip"]).await;
    drop(dying);
    until_listed(discovery(&node), &["gossip"]).await;
    let polls = gossip.seen().len();
    until("the gossip was heard ten times more", || gossip.seen().len() > polls + 10).await;
    assert_eq!(names(&get(discovery(&node), "/list").await), ["gossip"]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_machine_that_asks_is_listed_when_it_answers_itself() {
    let process = std::process::id();
    let elsewhere = format!("127.{}.{}.8", 1 + process / 250 % 250, 1 + process % 250);
    let liar = Stub::at(&format!("{elsewhere}:0"), |_| old_list("liar", "[]")).await;
    let honest = old_discovery("honest", "[]".into()).await;
    let browser = old_discovery("browser", "[]".into()).await;
    let node = start(here("me")).await;
    let ask = |agent: &'static str, ip: &str, stub: &Stub| {
        let (ip, port, to) = (ip.to_string(), stub.address().port().to_string(), discovery(&node));
        async move {
            let headers = [
                ("User-Agent", agent),
                ("p2pfaas-machine-ip", &ip),
                ("p2pfaas-machine-name", "whatever"),
                ("p2pfaas-machine-group-name", ""),
                ("p2pfaas-machine-port", &port),
                ("p2pfaas-machine-discovery-port", &port),
            ];
            call(to, "GET", "/list", &headers, b"").await
        }
    };
    // Another's address, a person, and one that is what it says.
    assert_eq!(ask("Machine", &elsewhere, &liar).await.text(), "[]");
    assert_eq!(ask("curl", "127.0.0.1", &browser).await.text(), "[]");
    assert_eq!(ask("Machine", "127.0.0.1", &honest).await.text(), "[]");
    until_listed(discovery(&node), &["honest"]).await;
    assert_eq!((liar.seen().len(), browser.seen().len()), (0, 0));

    // A reset forgets whom nobody vouches for.
    let reset = get(discovery(&node), "/reset").await;
    assert_eq!((reset.status, reset.text().as_str()), (200, ""));
    assert_eq!(get(discovery(&node), "/list").await.text(), "[]");
    node.shutdown().await;
}

#[tokio::test]
async fn a_reset_keeps_the_peers_that_were_given() {
    let mut settings = here("me");
    settings.peers = vec!["127.0.0.1:1:1".into()];
    let node = start(settings).await;
    get(discovery(&node), "/reset").await;
    assert_eq!(names(&get(discovery(&node), "/list").await), ["127.0.0.1"]);
    node.shutdown().await;
}

#[tokio::test]
async fn a_machine_without_an_address_is_500_code_100_until_it_gets_one() {
    let mut settings = here("");
    settings.listen = "0.0.0.0:0".parse().expect("valid");
    let node = start(settings).await;
    let to = discovery(&node);
    let answer = get(to, "/configuration").await;
    assert_eq!((answer.status, answer.code()), (500, 100));
    // What is left out stays.
    let steps = [
        (r#"{"machine_id": "me"}"#, None),
        (r#"{"machine_ip": "10.0.0.1"}"#, Some(json!(["10.0.0.1", "me", "lab", []]))),
        (r#"{"init_servers": ["10.0.0.2:1:1"]}"#, Some(json!(["10.0.0.1", "me", "lab", ["10.0.0.2:1:1"]]))),
        (r#"{"machine_group_name": null}"#, Some(json!(["10.0.0.1", "me", "lab", ["10.0.0.2:1:1"]]))),
        (r#"{"machine_group_name": ""}"#, Some(json!(["10.0.0.1", "me", "", ["10.0.0.2:1:1"]]))),
    ];
    for (body, expected) in steps {
        let answer = post(to, "/configuration", body.as_bytes()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{body}");
        let answer = get(to, "/configuration").await;
        match expected {
            None => assert_eq!(answer.code(), 100, "{body}"),
            Some(expected) => {
                let told = answer.json();
                let keys = ["machine_ip", "machine_id", "machine_group_name", "init_servers"];
                let told: Vec<_> = keys.iter().map(|key| told[key].clone()).collect();
                assert_eq!(Value::from(told), expected, "{body}");
            }
        }
    }
    // The new address and id are what peers and clients see.
    let list = get(to, "/list").await;
    assert_eq!(list.header("P2pfaas-Machine-Ip"), Some("10.0.0.1"));
    assert_eq!(list.header("P2pfaas-Machine-Name"), Some("me"));
    node.shutdown().await;
}

#[tokio::test]
async fn init_servers_that_are_posted_are_asked() {
    let old = old_discovery("old", "[]".into()).await;
    let node = start(here("me")).await;
    let body = json!({ "init_servers": [with_discovery(&old), "not/an address"] }).to_string();
    assert_eq!(post(discovery(&node), "/configuration", body.as_bytes()).await.status, 200);
    until_listed(discovery(&node), &["old"]).await;
    node.shutdown().await;
}

#[tokio::test]
async fn nodes_find_each_other_through_an_init_server() {
    let first = start(here("a")).await;
    let init = format!("{}:{}", first.address(), discovery(&first).port());
    let mut others = Vec::new();
    for id in ["b", "c"] {
        let mut settings = here(id);
        settings.policy = p2pfaas_core::policy::Descriptor::new("ForwardScheduler", ["1"]);
        settings.init_servers = vec![init.clone()];
        others.push(start(settings).await);
    }
    until_listed(discovery(&first), &["b", "c"]).await;
    until_listed(discovery(&others[0]), &["a", "c"]).await;
    until_listed(discovery(&others[1]), &["a", "b"]).await;
    let answer = post(others[0].address(), "/function/echo", b"hello").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let path = answer.header("X-P2pfaas-Peers-List-Id").expect("forwarded");
    assert!([r#"["b","a"]"#, r#"["b","c"]"#].contains(&path), "{path}");

    // One that goes is no peer any more.
    others.pop().expect("c").shutdown().await;
    until_listed(discovery(&first), &["b"]).await;
    others.pop().expect("b").shutdown().await;
    first.shutdown().await;
}

#[tokio::test]
async fn a_peer_whose_discovery_belongs_to_another_node_stays_a_peer_without_its_identity() {
    let me = start(here("me")).await;
    // Answers as the discovery of this very node would; the peer is the scheduler on port 1.
    let own = p2pfaas_core::NodeId::from_machine_id("me").to_string();
    let port = me.address().port().to_string();
    let stub = Stub::start(move |_| {
        let headers = [("X-P2pfaas-Node-Id", own.as_str()), ("P2pfaas-Machine-Port", &port)];
        answer("200 OK", &headers, b"[]")
    })
    .await;
    me.set_peers(vec![format!("127.0.0.1:1:{}", stub.address().port())]);
    // The third poll comes after the second has been taken in.
    until("it has been polled three times", || stub.seen().len() >= 3).await;
    let list = get(discovery(&me), "/list").await.json();
    assert_eq!((&list[0]["port"], &list[0]["name"]), (&json!(1), &json!("127.0.0.1")));
    me.shutdown().await;
}
