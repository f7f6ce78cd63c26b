//! What the Grafana dashboard asks for is what a node and its learner tell.

use std::collections::BTreeSet;

use p2pfaas_node::{LearnerPlace, NodeService};
use serde_json::Value;

use crate::support::{get, post, settings, start};

const DASHBOARD: &str = include_str!("../../../deploy/monitoring/grafana/dashboards/p2pfaas.json");

/// All questions to Prometheus in a dashboard.
fn questions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "expr" || key == "query" => found.push(text.clone()),
                    _ => questions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| questions(item, found)),
        _ => {}
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Its name, and the values that are asked for.
type Label = (String, Vec<String>);

/// The metrics in a question, each with the labels it is asked for: `name{a="x",b=~"y|z"}`.
fn metrics(question: &str) -> Vec<(String, Vec<Label>)> {
    let mut found = Vec::new();
    let mut rest = question;
    while let Some(start) = ["p2pfaas_", "scheduler_"].iter().filter_map(|prefix| rest.find(prefix)).min() {
        rest = &rest[start..];
        let end = rest.find(|letter| !is_of_a_name(letter)).unwrap_or(rest.len());
        let name = rest[..end].to_string();
        rest = &rest[end..];
        let mut labels = Vec::new();
        if let Some(inside) = rest.strip_prefix('{').and_then(|text| text.split_once('}')) {
            for label in inside.0.split(',') {
                let (name, wanted) = label.split_once('=').expect("name=value");
                let wanted = wanted.trim_start_matches('~').trim_matches('"');
                labels.push((name.to_string(), wanted.split('|').map(str::to_string).collect()));
            }
        }
        found.push((name, labels));
    }
    found
}

async fn told(node: &NodeService) -> String {
    let learner = node.learner_address().expect("a learner's interface");
    get(node.address(), "/metrics").await.text() + &get(learner, "/metrics").await.text()
}

#[tokio::test]
async fn every_metric_in_the_grafana_dashboard_exists_with_the_labels_that_it_is_asked_for() {
    let mut settings = settings("NoScheduler", &["false"]);
    settings.learner = LearnerPlace::Here(Box::default());
    settings.learner_listen = Some("127.0.0.1:0".parse().expect("an address"));
    settings.gossip_listen = Some("127.0.0.1:0".parse().expect("an address"));
    let node = start(settings).await;
    assert_eq!(post(node.address(), "/function/echo", b"x").await.status, 200);
    let told = told(&node).await;

    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut all = Vec::new();
    questions(&dashboard, &mut all);
    let asked: BTreeSet<_> = all.iter().flat_map(|question| metrics(question)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    for (name, labels) in asked {
        let lines: Vec<_> = told
            .lines()
            .filter(|line| line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .collect();
        assert!(!lines.is_empty(), "nobody tells {name}");
        // These two are Prometheus's own.
        for (label, values) in labels.iter().filter(|(label, _)| label != "instance" && label != "job") {
            for value in values {
                let wanted = format!("{label}=\"{value}\"");
                assert!(lines.iter().any(|line| line.contains(&wanted)), "no {wanted} in {lines:?}");
            }
        }
    }
}
