//! An OpenFaaS gateway behind a node: `/system/*` goes through to it, and functions run there.

use p2pfaas_node::{Credentials, Function, OpenFaas, Settings};
use serde_json::json;

use super::*;

/// `admin:s3cret`.
const BASIC: &str = "Basic YWRtaW46czNjcmV0";

async fn gateway() -> Stub {
    Stub::start(|request| {
        let json = [("Content-Type", "application/json"), ("Server", "gateway")];
        match request.line.as_str() {
            "GET /system/functions HTTP/1.1" => answer("200 OK", &json, br#"[{"name":"resize"}]"#),
            "POST /system/functions HTTP/1.1" => answer("202 Accepted", &[], b""),
            "GET /system/function/resize HTTP/1.1" => {
                answer("200 OK", &json, br#"{"name":"resize","availableReplicas":1}"#)
            }
            "POST /system/scale-function/resize HTTP/1.1" => answer("202 Accepted", &[], b""),
            "POST /function/resize HTTP/1.1" => {
                let headers = [("Content-Type", "image/png"), ("X-Duration-Seconds", "0.018")];
                answer("200 OK", &headers, b"smaller")
            }
            _ => answer("404 Not Found", &[("Content-Type", "text/plain")], b"no such function"),
        }
    })
    .await
}

fn behind(address: std::net::SocketAddr) -> Settings {
    let uri: http::Uri = format!("http://{address}").parse().expect("an address");
    let credentials = Credentials { user: "admin".into(), password: "s3cret".into() };
    let openfaas = OpenFaas::new(&uri, Some(&credentials), 1 << 20);
    let mut settings = settings("NoScheduler", &["true"]);
    let function = |name: &str| Function::new(name, openfaas.executor(name));
    settings.functions = vec![function("resize"), function("gone")];
    settings.openfaas = Some(openfaas);
    settings
}

#[tokio::test]
async fn system_calls_go_through_with_the_gateways_status_and_body() {
    let gateway = gateway().await;
    let node = start(behind(gateway.address())).await;
    let deployment = r#"{"openfaas_service":{"service":"resize","image":"i:1"},"deadline":0.5}"#;
    let scale = r#"{"service":"other","replicas":3}"#;
    // Call; status and body; what the gateway got.
    let deployed = r#"{"image":"i:1","service":"resize"}"#;
    let scaled = r#"{"replicas":3,"service":"resize","serviceName":"resize"}"#;
    let list = r#"[{"name":"resize"}]"#;
    let one = r#"{"name":"resize","availableReplicas":1}"#;
    let cases = [
        ("GET", "/system/functions", "", 200, list, ""),
        ("POST", "/system/functions", deployment, 202, "", deployed),
        ("GET", "/system/function/resize", "", 200, one, ""),
        ("POST", "/system/scale-function/resize", scale, 202, "", scaled),
        ("GET", "/system/function/nobody", "", 404, "no such function", ""),
    ];
    for (method, path, body, status, expected, sent) in cases {
        let answer = call(node.address(), method, path, &[], body.as_bytes()).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, expected), "{method} {path}");
        assert_eq!(answer.header("Server"), None);
        let seen = gateway.seen().pop().expect("a request");
        assert_eq!(seen.line, format!("{method} {path} HTTP/1.1"));
        assert_eq!(seen.header("authorization"), Some(BASIC));
        if sent.is_empty() {
            assert_eq!(seen.body, b"");
        } else {
            assert_eq!(seen.json(), serde_json::from_str::<serde_json::Value>(sent).expect("JSON"));
            assert_eq!(seen.header("content-type"), Some("application/json"));
        }
    }
    let before = gateway.seen().len();
    // The two that do nothing, and names that would lead elsewhere.
    for method in ["PUT", "DELETE"] {
        let answer = call(node.address(), method, "/system/functions", &[], b"{}").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    }
    for name in ["..", "a%2Fb", "%2e%2e"] {
        let answer = get(node.address(), &format!("/system/function/{name}")).await;
        assert_eq!((answer.status, answer.code()), (500, 300), "{name}");
    }
    assert_eq!(gateway.seen().len(), before);
    node.shutdown().await;
}

#[tokio::test]
async fn the_delay_of_a_scale_up_is_told_as_the_reference_tells_it() {
    let gateway = gateway().await;
    let node = start(behind(gateway.address())).await;
    let answer = get(node.address(), "/monitoring/scale-delay/resize").await;
    let mut told = answer.json();
    assert!(told["approximate_delay"].take().as_f64().is_some_and(|seconds| seconds > 0.0));
    let attempts = told["attempts"].take();
    assert!(attempts.as_u64().is_some_and(|attempts| attempts <= 1), "{attempts}");
    assert_eq!(told, json!({ "approximate_delay": null, "error_margin": 100, "attempts": null }));
    let failed = get(node.address(), "/monitoring/scale-delay/nobody").await;
    assert_eq!((failed.status, failed.code()), (500, 300));
    node.shutdown().await;
}

#[tokio::test]
async fn functions_run_at_the_gateway() {
    let gateway = gateway().await;
    let node = start(behind(gateway.address())).await;
    let headers = [("Content-Type", "image/jpeg"), ("X-Client", "1")];
    let answer = call(node.address(), "POST", "/function/resize", &headers, b"large").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "smaller"));
    assert_eq!(answer.header("Content-Type"), Some("image/png"));
    assert_eq!(answer.header("X-Duration-Seconds"), Some("0.018"));
    assert_eq!(answer.header("X-P2pfaas-Timing-Execution-Time-Seconds"), Some("0.018000"));
    let seen = gateway.seen().pop().expect("a request");
    assert_eq!((seen.line.as_str(), &seen.body[..]), ("POST /function/resize HTTP/1.1", &b"large"[..]));
    let host = format!("host: {}", gateway.address());
    let authorization = format!("authorization: {BASIC}");
    assert_eq!(seen.head, [&authorization, "content-length: 5", "content-type: image/jpeg", &host]);

    let answer = post(node.address(), "/function/gone", b"").await;
    assert_eq!((answer.status, answer.text().as_str()), (404, "no such function"));
    node.shutdown().await;
}

#[tokio::test]
async fn a_gateway_that_is_down_is_500() {
    let gateway = gateway().await;
    let address = gateway.address();
    drop(gateway);
    let node = start(behind(address)).await;
    let deployment = r#"{"openfaas_service":{},"deadline":1}"#;
    let cases = [
        ("GET", "/system/functions", "", 300),
        ("POST", "/system/functions", deployment, 200),
        ("GET", "/system/function/resize", "", 300),
        ("POST", "/system/scale-function/resize", r#"{"replicas":1}"#, 300),
        ("GET", "/monitoring/scale-delay/resize", "", 300),
        ("POST", "/function/resize", "", 1),
    ];
    for (method, path, body, code) in cases {
        let answer = call(node.address(), method, path, &[], body.as_bytes()).await;
        assert_eq!((answer.status, answer.code()), (500, code), "{method} {path}");
    }
    node.shutdown().await;
}
