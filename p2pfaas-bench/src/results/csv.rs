//! `summary.csv`: one line a policy.

use crate::statistics::Interval;
use crate::summary::{PolicySummary, Summary};

type Column = (&'static str, fn(&PolicySummary) -> String);

const COLUMNS: &[Column] = &[
    ("label", |policy| quoted(&policy.label)),
    ("name", |policy| quoted(&policy.name)),
    ("offered", |policy| policy.offered.to_string()),
    ("served", |policy| policy.served.to_string()),
    ("offered_per_s", |policy| policy.offered_per_s.to_string()),
    ("served_per_s", |policy| policy.served_per_s.to_string()),
    ("in_time", |policy| policy.in_time.to_string()),
    ("in_time_low", |policy| low(policy.ci95.in_time)),
    ("in_time_high", |policy| high(policy.ci95.in_time)),
    ("dropped", |policy| policy.dropped.to_string()),
    ("dropped_low", |policy| low(policy.ci95.dropped)),
    ("dropped_high", |policy| high(policy.ci95.dropped)),
    ("rejected", |policy| policy.rejected.to_string()),
    ("failed", |policy| policy.failed.to_string()),
    ("cancelled", |policy| policy.cancelled.to_string()),
    ("forwarded", |policy| policy.forwarded.to_string()),
    ("probes_per_job", |policy| policy.probes_per_job.to_string()),
    ("latency_mean_s", |policy| number(policy.latency_s.mean)),
    ("latency_mean_s_low", |policy| low(policy.ci95.latency_mean_s)),
    ("latency_mean_s_high", |policy| high(policy.ci95.latency_mean_s)),
    ("latency_p50_s", |policy| number(policy.latency_s.p50)),
    ("latency_p95_s", |policy| number(policy.latency_s.p95)),
    ("latency_p99_s", |policy| number(policy.latency_s.p99)),
    ("cpu_s", |policy| policy.cost.cpu_s.to_string()),
    ("machine_busy", |policy| policy.cost.machine_busy.to_string()),
    ("executions", |policy| policy.cost.executions.to_string()),
    ("overruns", |policy| policy.cost.overruns.to_string()),
    ("lag_p99_s", |policy| number(policy.lag_s.p99)),
    ("lag_max_s", |policy| number(policy.lag_s.max)),
];

/// The whole file.
pub(super) fn render(summary: &Summary) -> String {
    let mut text = COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
    text.push('\n');
    for policy in &summary.policies {
        let fields: Vec<_> = COLUMNS.iter().map(|(_, field)| field(policy)).collect();
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn low(interval: Option<Interval>) -> String {
    number(interval.map(|[low, _]| low))
}

fn high(interval: Option<Interval>) -> String {
    number(interval.map(|[_, high]| high))
}

/// In quotes where the text would break the line otherwise (RFC 4180).
pub(super) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_text_with_commas_or_quotes_is_one_field() {
        assert_eq!(quoted("pow-2"), "pow-2");
        assert_eq!(quoted("PowerOfN(1, \"2\")"), "\"PowerOfN(1, \"\"2\"\")\"");
    }
}
