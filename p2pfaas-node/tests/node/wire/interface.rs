//! The description of the interface is true.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Fact sheet 1.1, and what is ours.
const ROUTES: [&str; 26] = [
    "GET /async/{id}",
    "DELETE /async/{id}",
    "GET /",
    "POST /",
    "GET /function/{function}",
    "POST /function/{function}",
    "POST /peer/function/{function}",
    "GET /monitoring/load",
    "GET /monitoring/scale-delay/{function}",
    "GET /configuration",
    "POST /configuration",
    "GET /configuration/scheduler",
    "POST /configuration/scheduler",
    "GET /system/functions",
    "POST /system/functions",
    "PUT /system/functions",
    "DELETE /system/functions",
    "GET /system/function/{function}",
    "POST /system/scale-function/{function}",
    "GET /health",
    "GET /metrics",
    "GET /dashboard/events",
    "GET /dashboard/learned",
    "GET /dashboard/policies",
    "GET /dev/http/get",
    "POST /dev/http/post",
];
const DEVELOPMENT: [&str; 4] = [
    "GET /dev/learning/act",
    "GET /dev/learning/act_ws",
    "GET /dev/learning/train",
    "GET /dev/test/parallel",
];

fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("operations")
                .iter()
                .map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[tokio::test]
async fn every_route_is_described_and_no_other() {
    for development in [false, true] {
        let mut settings = settings("NoScheduler", &["true"]);
        settings.development = development;
        let node = start(settings).await;
        let description = get(node.address(), "/openapi.json").await.json();
        let described: BTreeSet<String> = operations(&description)
            .into_iter()
            .map(|(method, path, _)| format!("{method} {path}"))
            .collect();
        let all = ROUTES.iter().chain(&DEVELOPMENT).filter(|route| development || !route.contains("/dev/"));
        let expected: BTreeSet<String> = all.map(|route| route.to_string()).collect();
        assert_eq!(described, expected);
        assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
        node.shutdown().await;
    }
}

#[tokio::test]
async fn every_described_call_is_served_with_a_described_status() {
    let mut settings = settings("NoScheduler", &["true"]);
    settings.development = true;
    settings.max_body_bytes = 100;
    let node = start(settings).await;
    let description = get(node.address(), "/openapi.json").await.json();
    for (method, path, operation) in operations(&description) {
        if path == "/dashboard/events" {
            // It has no end: see `dashboard.rs`.
            continue;
        }
        let there =
            path.replace("{function}", "echo") + if path.ends_with("/parallel") { "?seconds=0" } else { "" };
        let nobody = path.replace("{function}", "nobody") + "?seconds=0";
        let machine: Headers = &[("User-Agent", "Machine")];
        let large = vec![b'x'; 70_000];
        let calls: [(&str, Headers, &[u8]); 5] = [
            (&there, &[], b""),
            (&there, machine, br#"{"payload":""}"#),
            (&there, machine, b"{"),
            (&there, machine, &large),
            (&nobody, machine, br#"{"payload":""}"#),
        ];
        for (path, headers, body) in calls {
            let answer = call(node.address(), &method, path, headers, body).await;
            let what = format!("{method} {path} {} bytes: {} {}", body.len(), answer.status, answer.text());
            assert!(answer.status != 405 && answer.text() != "404 page not found\n", "{what}");
            assert!(operation["responses"].get(answer.status.to_string()).is_some(), "{what}");
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn every_parameter_of_a_path_is_described_and_every_reference_leads_somewhere() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let description = get(node.address(), "/openapi.json").await.json();
    for (method, path, operation) in operations(&description) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named =
            parameters.iter().any(|parameter| parameter["name"] == "function" && parameter["in"] == "path");
        assert_eq!(named, path.contains("{function}"), "{method} {path}");
        assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
    }
    let mut open = vec![&description];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').expect("within the description");
                    assert!(description.pointer(pointer).is_some(), "{reference}");
                }
                open.extend(object.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn the_described_schemas_are_what_comes() {
    let node = start(settings("NoScheduler", &["true"])).await;
    let to = node.address();
    let description = get(to, "/openapi.json").await.json();
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let schema = |path: &str, status: &str| {
        let response = &description["paths"][path]["get"]["responses"][status];
        let reference = response["content"]["application/json"]["schema"]["$ref"].as_str().expect("a schema");
        keys(&description.pointer(&reference[1..]).expect("there")["properties"])
    };
    for (path, status) in
        [("/configuration", "200"), ("/configuration/scheduler", "200"), ("/system/functions", "500")]
    {
        assert_eq!(schema(path, status), keys(&get(to, path).await.json()), "{path}");
    }
    node.shutdown().await;
}
