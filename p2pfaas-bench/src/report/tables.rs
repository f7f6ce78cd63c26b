//! The tables of the page.

use std::fmt::Write;

use super::charts::colours;
use super::html::escaped;
use crate::statistics::Interval;
use crate::summary::{PolicySummary, Summary};

/// A column: its heading, its unit, and what a policy has in it.
struct Column {
    name: &'static str,
    unit: &'static str,
    cell: fn(&PolicySummary) -> String,
}

const COLUMNS: &[Column] = &[
    Column {
        name: "in time",
        unit: "% (95 % CI)",
        cell: |policy| with_interval(100.0 * policy.in_time, 100.0, policy.ci95.in_time, 1),
    },
    Column {
        name: "dropped",
        unit: "% (95 % CI)",
        cell: |policy| with_interval(100.0 * policy.dropped, 100.0, policy.ci95.dropped, 1),
    },
    Column { name: "rejected", unit: "%", cell: |policy| percent(policy.rejected) },
    Column { name: "failed", unit: "%", cell: |policy| percent(policy.failed) },
    Column {
        name: "forwarded",
        unit: "% (95 % CI)",
        cell: |policy| with_interval(100.0 * policy.forwarded, 100.0, policy.ci95.forwarded, 1),
    },
    Column {
        name: "probes",
        unit: "per job (95 % CI)",
        cell: |policy| with_interval(policy.probes_per_job, 1.0, policy.ci95.probes_per_job, 2),
    },
    Column {
        name: "mean latency",
        unit: "ms (95 % CI)",
        cell: |policy| latency(policy.latency_s.mean, policy.ci95.latency_mean_s),
    },
    Column {
        name: "p50",
        unit: "ms (95 % CI)",
        cell: |policy| latency(policy.latency_s.p50, policy.ci95.latency_p50_s),
    },
    Column {
        name: "p95",
        unit: "ms (95 % CI)",
        cell: |policy| latency(policy.latency_s.p95, policy.ci95.latency_p95_s),
    },
    Column {
        name: "p99",
        unit: "ms (95 % CI)",
        cell: |policy| latency(policy.latency_s.p99, policy.ci95.latency_p99_s),
    },
    Column { name: "offered", unit: "jobs/s", cell: |policy| format!("{:.1}", policy.offered_per_s) },
    Column { name: "served", unit: "jobs/s", cell: |policy| format!("{:.1}", policy.served_per_s) },
    Column { name: "jobs", unit: "all seeds", cell: |policy| policy.offered.to_string() },
    Column {
        name: "steady from",
        unit: "s (MSER-5)",
        cell: |policy| match policy.warmup {
            Some(warmup) => {
                warmup.steady_from_s.map_or_else(|| "never".into(), |steady_s| format!("{steady_s:.1}"))
            }
            None => NOTHING.into(),
        },
    },
];

/// What only a clock can tell.
const MEASURED: &[Column] = &[
    Column {
        name: "CPU",
        unit: "s",
        cell: |policy| policy.cost.map_or_else(|| NOTHING.into(), |cost| format!("{:.1}", cost.cpu_s)),
    },
    Column {
        name: "machine busy",
        unit: "%",
        cell: |policy| {
            policy.cost.map_or_else(|| NOTHING.into(), |cost| format!("{:.0}", 100.0 * cost.machine_busy))
        },
    },
    Column {
        name: "sent late, p99",
        unit: "ms",
        cell: |policy| milliseconds(policy.lag_s.and_then(|lag| lag.p99)),
    },
];

const NOTHING: &str = "–";

/// The table of policies, references apart.
pub(super) fn policies(summary: &Summary) -> String {
    let measured = if summary.cores.is_some() { MEASURED } else { &[] };
    let columns = || COLUMNS.iter().chain(measured);
    let mut text = String::from("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">policy</th>");
    for Column { name, unit, .. } in columns() {
        // Writing to a text cannot fail.
        let _ = write!(text, "<th scope=\"col\">{name}<small>{unit}</small></th>");
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    let mut colours = colours(summary.policies.len());
    let mut row = |text: &mut String, policy: &PolicySummary| {
        let swatch = colours.next().map_or_else(String::new, |colour| {
            format!(
                "<svg class=\"dot\" viewBox=\"0 0 10 10\"><circle cx=\"5\" cy=\"5\" r=\"5\" \
                 fill=\"#{:02X}{:02X}{:02X}\"/></svg>",
                colour.0, colour.1, colour.2
            )
        });
        let name = Some(&policy.name).filter(|name| **name != policy.label);
        let name = name.map_or_else(String::new, |name| format!("<small>{}</small>", escaped(name)));
        let label = escaped(&policy.label);
        let _ = write!(text, "<tr><th scope=\"row\">{swatch}{label}{name}</th>");
        for column in columns() {
            let _ = write!(text, "<td>{}</td>", (column.cell)(policy));
        }
        text.push_str("</tr>\n");
    };
    summary.policies.iter().for_each(|policy| row(&mut text, policy));
    text.push_str("</tbody>\n");
    if !summary.references.is_empty() {
        let across = columns().count() + 1;
        let _ = write!(
            text,
            "<tbody class=\"references\">\n<tr><td class=\"apart\" colspan=\"{across}\"><span>references, which see all \
             nodes at once and for nothing</span></td></tr>\n"
        );
        summary.references.iter().for_each(|policy| row(&mut text, policy));
        text.push_str("</tbody>\n");
    }
    text.push_str("</table></div>\n");
    text
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// A latency in milliseconds with its interval.
fn latency(seconds: Option<f64>, interval: Option<Interval>) -> String {
    seconds.map_or_else(
        || NOTHING.into(),
        |seconds| with_interval(1e3 * seconds, 1e3, interval, digits(1e3 * seconds)),
    )
}

/// Whole milliseconds, as in the terminal; short ones with digits.
fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(
        || NOTHING.into(),
        |seconds| {
            let value = 1e3 * seconds;
            format!("{value:.*}", digits(value))
        },
    )
}

/// Digits after the point that say something.
fn digits(value: f64) -> usize {
    match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    }
}

/// A value with both ends of its interval, which are multiplied first.
fn with_interval(value: f64, times: f64, interval: Option<Interval>, digits: usize) -> String {
    let ends = interval.map_or_else(String::new, |[low, high]| {
        format!("<small>{:.digits$}–{:.digits$}</small>", times * low, times * high)
    });
    format!("{value:.digits$}{ends}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::summary;

    #[test]
    fn the_table_has_the_numbers_of_each_policy_with_their_intervals() {
        let mut summary = summary();
        summary.policies[0].label = "<b>&".into();
        summary.references = summary.policies.clone();
        let text = policies(&summary);
        // 40 % in time, 14 to 66 % by hand in the summary's own tests.
        let [low, high] = summary.policies[0].ci95.in_time.unwrap();
        let cell = format!("<td>40.0<small>{:.1}–{:.1}</small></td>", 100.0 * low, 100.0 * high);
        assert_eq!(text.matches(&cell).count(), 2, "{text}");
        assert!(text.contains("&lt;b&gt;&amp;<small>A(1)</small></th>") && !text.contains("<b>"), "{text}");
        assert!(text.contains("machine busy") && text.contains("references"), "{text}");
        summary.cores = None;
        assert!(!policies(&summary).contains("machine busy"));
    }

    #[test]
    fn short_times_keep_their_digits_and_what_is_not_known_is_a_line() {
        assert_eq!(milliseconds(Some(0.001_234)), "1.23");
        assert_eq!(milliseconds(Some(0.0456)), "45.6");
        assert_eq!(milliseconds(Some(1.2345)), "1234");
        assert_eq!(milliseconds(None), NOTHING);
    }
}
