use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::{Path, Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;

/// What a gateway was asked: method, path, content type, authorization, body.
type Seen = (String, String, String, String, String);

#[derive(Default)]
struct Gateway {
    seen: Mutex<Vec<Seen>>,
    status_asked: AtomicU32,
}

async fn note(
    State(gateway): State<Arc<Gateway>>,
    request: HttpRequest,
    next: axum::middleware::Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("small");
    let header =
        |name| parts.headers.get(name).map_or("-", |value: &HeaderValue| value.to_str().expect("text"));
    let (content_type, authorization) = (header(header::CONTENT_TYPE), header(header::AUTHORIZATION));
    let text = String::from_utf8_lossy(&body);
    gateway.seen.lock().push((
        parts.method.to_string(),
        parts.uri.path().to_string(),
        content_type.to_string(),
        authorization.to_string(),
        text.into_owned(),
    ));
    next.run(HttpRequest::from_parts(parts, body.into())).await
}

async fn function(Path(name): Path<String>, body: Bytes) -> Response {
    let headers = [("content-type", "text/odd"), ("x-duration-seconds", "0.018"), ("server", "gateway")];
    match name.as_str() {
        "upper" => (StatusCode::CREATED, headers, body.to_ascii_uppercase()).into_response(),
        "huge" => vec![0_u8; 10_000].into_response(),
        _ => (StatusCode::NOT_FOUND, headers, "no such function").into_response(),
    }
}

async fn status(State(gateway): State<Arc<Gateway>>, Path(name): Path<String>) -> Response {
    match name.as_str() {
        "upper" => {
            let asked = gateway.status_asked.fetch_add(1, Ordering::Relaxed);
            axum::Json(json!({ "name": "upper", "availableReplicas": u32::from(asked >= 2) })).into_response()
        }
        "odd" => "not JSON".into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A gateway on a loopback port, and a client of it.
async fn gateway(credentials: Option<&Credentials>) -> (Arc<Gateway>, OpenFaas) {
    let gateway = Arc::new(Gateway::default());
    let router = Router::new()
        .route("/function/{name}", post(function))
        .route("/system/functions", get(|| async { "[1]" }).post(|| async { StatusCode::ACCEPTED }))
        .route("/system/function/{name}", get(status))
        .route("/system/scale-function/{name}", post(|| async { StatusCode::ACCEPTED }))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&gateway), note))
        .with_state(Arc::clone(&gateway));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let uri: Uri = format!("http://{address}/").parse().expect("an address");
    (gateway, OpenFaas::new(&uri, credentials, 5_000))
}

fn admin() -> Credentials {
    Credentials { user: "admin".into(), password: "s3cret".into() }
}

/// `admin:s3cret` in base64.
const BASIC: &str = "Basic YWRtaW46czNjcmV0";

fn call(body: &'static str) -> FunctionCall {
    FunctionCall {
        payload: Bytes::from_static(body.as_bytes()),
        content_type: Some(HeaderValue::from_static("text/plain")),
        tracing: String::new(),
        task_type: 0,
        traceparent: None,
    }
}

fn seen(method: &str, path: &str, content_type: &str, authorization: &str, body: &str) -> Seen {
    (method.into(), path.into(), content_type.into(), authorization.into(), body.into())
}

#[tokio::test]
async fn a_call_is_posted_with_content_type_and_basic_authentication() {
    let (gateway, openfaas) = gateway(Some(&admin())).await;
    let answer = openfaas.executor("upper").execute(call("abc")).await.expect("answers");
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::CREATED, &b"ABC"[..]));
    let expected = seen("POST", "/function/upper", "text/plain", BASIC, "abc");
    assert_eq!(*gateway.seen.lock(), [expected]);
}

#[tokio::test]
async fn an_answer_keeps_status_content_type_and_function_time_and_loses_the_rest() {
    let (_, openfaas) = gateway(None).await;
    let answer = openfaas.executor("gone").execute(call("")).await.expect("answers");
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::NOT_FOUND, &b"no such function"[..]));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/odd");
    assert_eq!(answer.headers["x-duration-seconds"], "0.018");
    assert_eq!(answer.headers.len(), 2);
}

#[tokio::test]
async fn without_credentials_nothing_is_authenticated() {
    let (gateway, openfaas) = gateway(None).await;
    openfaas.functions().await.expect("answers");
    assert_eq!(gateway.seen.lock()[0].3, "-");
}

#[tokio::test]
async fn system_calls_are_passed_through() {
    let (gateway, openfaas) = gateway(Some(&admin())).await;
    assert_eq!(openfaas.functions().await.expect("answers").body, "[1]");

    let deployment: Deployment =
        serde_json::from_str(r#"{"openfaas_service": {"service": "new", "image": "i"}, "deadline": 0.5}"#)
            .expect("as the reference's clients send it");
    assert_eq!(openfaas.deploy(&deployment).await.expect("answers").status, StatusCode::ACCEPTED);
    assert_eq!(openfaas.function("none").await.expect("answers").status, StatusCode::NOT_FOUND);
    assert_eq!(openfaas.scale("upper", 3).await.expect("answers").status, StatusCode::ACCEPTED);

    let json = "application/json";
    let mut all = gateway.seen.lock().clone();
    let bodies: Vec<Value> = all
        .iter_mut()
        .map(|call| serde_json::from_str(&std::mem::take(&mut call.4)).unwrap_or_default())
        .collect();
    assert_eq!(
        all,
        [
            seen("GET", "/system/functions", "-", BASIC, ""),
            seen("POST", "/system/functions", json, BASIC, ""),
            seen("GET", "/system/function/none", "-", BASIC, ""),
            seen("POST", "/system/scale-function/upper", json, BASIC, ""),
        ]
    );
    assert_eq!(bodies[1], json!({ "service": "new", "image": "i" }));
    assert_eq!(bodies[3], json!({ "service": "upper", "serviceName": "upper", "replicas": 3 }));
}

#[tokio::test]
async fn the_scale_delay_ends_with_the_first_replica() {
    let (gateway, openfaas) = gateway(None).await;
    let delay = openfaas.scale_delay("upper").await.expect("measured");
    assert_eq!((delay.attempts, delay.error_margin), (3, 100));
    assert!(delay.approximate_delay >= 0.2, "{delay:?}");
    let paths: Vec<_> = gateway.seen.lock().iter().map(|call| call.1.clone()).collect();
    assert_eq!(paths[0], "/system/scale-function/upper");
    assert_eq!(paths[1..], ["/system/function/upper"; 3]);
}

#[tokio::test]
async fn what_prevents_measuring_a_scale_delay_is_told() {
    let (_, openfaas) = gateway(None).await;
    let error = openfaas.scale_delay("none").await.expect_err("it does not exist");
    assert_eq!(error.to_string(), "the function failed: the gateway answered 404 Not Found");
    let error = openfaas.scale_delay("odd").await.expect_err("its status is not JSON");
    assert!(matches!(error, ExecuteError::BadAnswer(_)), "{error}");
}

#[tokio::test]
async fn an_unreachable_gateway_and_a_huge_answer_are_errors_of_their_own() {
    let (_, openfaas) = gateway(None).await;
    let error = openfaas.executor("huge").execute(call("")).await.expect_err("too large");
    assert!(matches!(error, ExecuteError::BadAnswer(_)), "{error}");

    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port").local_addr().expect("bound");
    let nobody = OpenFaas::new(&format!("http://{free}").parse().expect("an address"), None, 5_000);
    let error = nobody.executor("upper").execute(call("")).await.expect_err("nobody is there");
    assert!(matches!(error, ExecuteError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_name_cannot_lead_elsewhere_on_the_gateway() {
    let (gateway, openfaas) = gateway(Some(&admin())).await;
    for name in ["", "..", "../system/functions", "a/b", "a?b", "a#b", "a%2fb"] {
        assert!(openfaas.executor(name).execute(call("")).await.is_err(), "{name}");
        assert!(openfaas.function(name).await.is_err(), "{name}");
        assert!(openfaas.scale(name, 1).await.is_err(), "{name}");
    }
    assert_eq!(gateway.seen.lock().len(), 0);
}

#[test]
fn the_password_is_not_in_what_is_logged() {
    let uri = Uri::from_static("http://gateway:8080");
    let openfaas = OpenFaas::new(&uri, Some(&admin()), 1);
    assert_eq!(format!("{openfaas:?}"), r#"OpenFaas { address: "http://gateway:8080", .. }"#);
    assert_eq!(format!("{:?}", openfaas.authorization), "Some(Sensitive)");
}
