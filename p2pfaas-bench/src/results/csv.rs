//! `summary.csv`: one line a policy; `comparisons.csv`: one line a measure of two policies.

use crate::statistics::Interval;
use crate::summary::{Comparison, CostSummary, Difference, Measure, PairedBy, PolicySummary, Summary};

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
    ("rejected_low", |policy| low(policy.ci95.rejected)),
    ("rejected_high", |policy| high(policy.ci95.rejected)),
    ("failed", |policy| policy.failed.to_string()),
    ("failed_low", |policy| low(policy.ci95.failed)),
    ("failed_high", |policy| high(policy.ci95.failed)),
    ("cancelled", |policy| policy.cancelled.to_string()),
    ("forwarded", |policy| policy.forwarded.to_string()),
    ("forwarded_low", |policy| low(policy.ci95.forwarded)),
    ("forwarded_high", |policy| high(policy.ci95.forwarded)),
    ("probes_per_job", |policy| policy.probes_per_job.to_string()),
    ("probes_per_job_low", |policy| low(policy.ci95.probes_per_job)),
    ("probes_per_job_high", |policy| high(policy.ci95.probes_per_job)),
    ("latency_mean_s", |policy| number(policy.latency_s.mean)),
    ("latency_mean_s_low", |policy| low(policy.ci95.latency_mean_s)),
    ("latency_mean_s_high", |policy| high(policy.ci95.latency_mean_s)),
    ("latency_p50_s", |policy| number(policy.latency_s.p50)),
    ("latency_p50_s_low", |policy| low(policy.ci95.latency_p50_s)),
    ("latency_p50_s_high", |policy| high(policy.ci95.latency_p50_s)),
    ("latency_p95_s", |policy| number(policy.latency_s.p95)),
    ("latency_p95_s_low", |policy| low(policy.ci95.latency_p95_s)),
    ("latency_p95_s_high", |policy| high(policy.ci95.latency_p95_s)),
    ("latency_p99_s", |policy| number(policy.latency_s.p99)),
    ("latency_p99_s_low", |policy| low(policy.ci95.latency_p99_s)),
    ("latency_p99_s_high", |policy| high(policy.ci95.latency_p99_s)),
    ("method", |policy| policy.method.name().into()),
    ("steady_from_s", |policy| number(policy.warmup.and_then(|warmup| warmup.steady_from_s))),
    ("measured_s", |policy| policy.measured_s.to_string()),
    ("fallbacks", |policy| policy.fallbacks.to_string()),
];

/// What only a clock can tell.
const MEASURED: &[Column] = &[
    ("cpu_s", |policy| cost(policy, |cost| cost.cpu_s)),
    ("machine_busy", |policy| cost(policy, |cost| cost.machine_busy)),
    ("executions", |policy| cost(policy, |cost| cost.executions)),
    ("overruns", |policy| cost(policy, |cost| cost.overruns)),
    ("lag_p99_s", |policy| number(policy.lag_s.and_then(|lag| lag.p99))),
    ("lag_max_s", |policy| number(policy.lag_s.and_then(|lag| lag.max))),
];

/// The whole file.
pub(super) fn render(summary: &Summary) -> String {
    let measured = if summary.cores.is_some() { MEASURED } else { &[] };
    let columns = || COLUMNS.iter().chain(measured);
    let mut text = line(columns().map(|(name, _)| name.to_string()));
    for policy in &summary.policies {
        text.push_str(&line(columns().map(|(_, field)| field(policy))));
    }
    text
}

type PairColumn = (&'static str, fn(&Comparison, Measure, &Difference) -> String);

const PAIR_COLUMNS: &[PairColumn] = &[
    ("a", |pair, _, _| quoted(&pair.a)),
    ("b", |pair, _, _| quoted(&pair.b)),
    ("measure", |_, measure, _| measure.name().into()),
    ("difference", |_, _, found| found.difference.to_string()),
    ("difference_low", |_, _, found| found.ci95[0].to_string()),
    ("difference_high", |_, _, found| found.ci95[1].to_string()),
    ("d_z", |_, _, found| number(found.d_z)),
    ("p", |_, _, found| found.p.to_string()),
    ("p_holm", |_, _, found| found.p_holm.to_string()),
    ("verdict", |_, _, found| found.verdict.name().into()),
    ("paired_by", |pair, _, _| pair.paired_by.map_or("", PairedBy::name).into()),
    ("pairs", |_, _, found| found.pairs.to_string()),
    ("seeds", |pair, _, _| seeds(&pair.seeds)),
    ("seeds_left_out", |pair, _, _| seeds(&pair.seeds_left_out)),
];

/// `comparisons.csv`; only its head where nothing could be compared.
pub(super) fn comparisons(summary: &Summary) -> String {
    let mut text = line(PAIR_COLUMNS.iter().map(|(name, _)| name.to_string()));
    for measure in Measure::ALL {
        for pair in &summary.comparisons {
            if let Some(found) = pair.of(measure) {
                text.push_str(&line(PAIR_COLUMNS.iter().map(|(_, field)| field(pair, measure, found))));
            }
        }
    }
    text
}

fn seeds(seeds: &[u64]) -> String {
    seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

/// The names of the columns that every place has.
pub(crate) fn names() -> impl Iterator<Item = String> {
    COLUMNS.iter().map(|(name, _)| name.to_string())
}

/// What a policy has in them.
pub(crate) fn fields(policy: &PolicySummary) -> impl Iterator<Item = String> + '_ {
    COLUMNS.iter().map(|(_, field)| field(policy))
}

/// Fields as a line.
pub(crate) fn line(fields: impl IntoIterator<Item = String>) -> String {
    let mut text = fields.into_iter().collect::<Vec<_>>().join(",");
    text.push('\n');
    text
}

fn cost<T: ToString>(policy: &PolicySummary, of: fn(&CostSummary) -> T) -> String {
    policy.cost.as_ref().map_or_else(String::new, |cost| of(cost).to_string())
}

pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn low(interval: Option<Interval>) -> String {
    number(interval.map(|[low, _]| low))
}

fn high(interval: Option<Interval>) -> String {
    number(interval.map(|[_, high]| high))
}

/// In quotes where the text would break the line otherwise (RFC 4180).
pub(crate) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, runs};

    #[test]
    fn a_text_with_commas_or_quotes_is_one_field() {
        assert_eq!(quoted("pow-2"), "pow-2");
        assert_eq!(quoted("PowerOfN(1, \"2\")"), "\"PowerOfN(1, \"\"2\"\")\"");
    }

    #[test]
    fn every_line_has_all_columns_and_an_interval_two_of_them() {
        let text = render(&crate::testing::summary());
        let rows: Vec<Vec<_>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 2);
        let cell = |name: &str| rows[1][rows[0].iter().position(|column| *column == name).unwrap()];
        assert_eq!((cell("label"), cell("offered"), cell("method")), ("a", "10", "batch means"));
        let [low, high] = crate::statistics::wilson(4, 10).unwrap();
        assert_eq!((cell("in_time_low"), cell("in_time_high")), (&*low.to_string(), &*high.to_string()));
        for measure in
            ["in_time", "dropped", "rejected", "failed", "forwarded", "probes_per_job", "latency_mean_s"]
        {
            for end in ["", "_low", "_high"] {
                assert!(cell(&format!("{measure}{end}")).parse::<f64>().is_ok(), "{measure}{end}");
            }
        }
    }

    #[test]
    fn two_policies_have_a_line_a_measure() {
        let mut summary = crate::testing::summary();
        let policy = runs([run(1, 0.25), run(2, 0.25)]);
        let other = runs([run(1, 0.3), run(2, 0.4)]);
        summary.comparisons = Comparison::all(&[("a", &policy), ("b,c", &other)], &[1, 2, 3]);
        let text = comparisons(&summary);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[1], "a,\"b,c\",in_time,0,0,0,,1,1,not significant,seeds,2,1 2,3");
        assert!(lines[3].starts_with("a,\"b,c\",latency_mean_s,-0.06"), "{text}");
    }
}
