//! The table at the end of a run.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::beside;
use crate::statistics::Interval;
use crate::summary::{Comparison, Difference, Lag, Measure, PairedBy, PolicySummary, Summary, Verdict};

/// Lines above and below, none between the rows.
pub(crate) const STYLE: TableStyle = TableStyle { row_separator: LineStyle::none(), ..UTF8_HORIZONTAL_ONLY };

/// The table, and under it what the machine had to do and what to beware of.
pub fn render(summary: &Summary) -> String {
    let mut table = Table::new();
    let mut header = vec![
        "policy",
        "offered\n/s",
        "served\n/s",
        "in time\n% (95 % CI)",
        "dropped\n%",
        "re-\njected\n%",
        "failed\n%",
        "for-\nwarded\n%",
        "probes\n/job",
        "p50\nms",
        "p95\nms",
        "p99\nms",
    ];
    // In virtual time there is nothing to be measured by a clock.
    header.extend(summary.cores.map(|_| "CPU\ns"));
    // Never fitted to the terminal: numbers that are broken over lines cannot be read.
    table.load_style(STYLE).set_header(header);
    for policy in &summary.policies {
        table.add_row(row(policy));
    }
    if !summary.references.is_empty() {
        table.add_row(["seen from above:"]);
    }
    for policy in &summary.references {
        table.add_row(row(policy));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((1, 0));
    }
    let mut text = format!("{table}\n");
    text.extend(against_the_best(summary));
    text.extend(summary.cores.map(|cores| machine(summary, cores)));
    text.push_str(&learning(summary));
    text.extend((summary.cores.is_some()).then(|| generator(summary)));
    for warning in &summary.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.extend(summary.beside.as_ref().map(beside::table));
    text
}

fn row(policy: &PolicySummary) -> Vec<String> {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let milliseconds =
        |seconds: Option<f64>| seconds.map_or_else(|| "-".into(), |s| format!("{:.0}", 1e3 * s));
    let mut row = vec![
        policy.label.clone(),
        format!("{:.1}", policy.offered_per_s),
        format!("{:.1}", policy.served_per_s),
        format!("{}{}", percent(policy.in_time), interval(policy.ci95.in_time)),
        percent(policy.dropped),
        percent(policy.rejected),
        percent(policy.failed),
        percent(policy.forwarded),
        format!("{:.2}", policy.probes_per_job),
        milliseconds(policy.latency_s.p50),
        milliseconds(policy.latency_s.p95),
        milliseconds(policy.latency_s.p99),
    ];
    row.extend(policy.cost.map(|cost| format!("{:.1}", cost.cpu_s)));
    row
}

/// Half of its width; both ends are in `summary.json`.
fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |[low, high]| format!(" \u{b1}{:.1}", 50.0 * (high - low)))
}

/// The best policy against each other one, by jobs in time.
fn against_the_best(summary: &Summary) -> Option<String> {
    let best = summary.best()?;
    let others: Vec<_> = summary.comparisons.iter().filter_map(|pair| Other::of(pair, &best.label)).collect();
    let by = others.first()?.paired_by;
    let mut table = Table::new();
    table.load_style(STYLE).set_header([
        &format!("{} against", best.label),
        "in time, points\n(95 % CI)",
        "effect\nd_z",
        "p\n(Holm)",
        "",
    ]);
    for other in &others {
        table.add_row(other.row());
    }
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((1, 0));
    }
    let by = match by {
        PairedBy::Seeds => "the same jobs, paired by seeds",
        PairedBy::Batches => "the same jobs, paired by twentieths of the only run",
    };
    Some(format!("{table}\n{by}; all pairs, jobs dropped and latencies: comparisons.csv\n"))
}

/// How much better the best is than another one.
struct Other<'a> {
    label: &'a str,
    paired_by: PairedBy,
    found: Difference,
    /// The best is the first of the two.
    first: bool,
}

impl<'a> Other<'a> {
    fn of(pair: &'a Comparison, best: &str) -> Option<Other<'a>> {
        let first = pair.a == best;
        if !first && pair.b != best {
            return None;
        }
        let label = if first { &pair.b } else { &pair.a };
        Some(Other { label, paired_by: pair.paired_by?, found: *pair.of(Measure::InTime)?, first })
    }

    fn row(&self) -> [String; 5] {
        let Difference { difference, ci95: [low, high], d_z, p_holm, verdict, .. } = self.found;
        let (sign, [low, high]) = if self.first { (1.0, [low, high]) } else { (-1.0, [-high, -low]) };
        let points = |share: f64| format!("{:+.1}", 100.0 * share);
        let verdict = match verdict {
            Verdict::FirstBetter if self.first => "better",
            Verdict::SecondBetter if !self.first => "better",
            // On average over the seeds, where these have not equally many jobs.
            Verdict::FirstBetter | Verdict::SecondBetter => "worse",
            Verdict::NotAmongSoMany => "not significant among so many",
            Verdict::NotSignificant => "not significant",
        };
        [
            self.label.into(),
            format!("{} [{}, {}]", points(sign * difference), points(low), points(high)),
            d_z.map_or_else(|| "-".into(), |d_z| format!("{:.2}", sign * d_z)),
            if p_holm < 0.001 { "<0.001".into() } else { format!("{p_holm:.3}") },
            verdict.into(),
        ]
    }
}

/// Whether the machine and the emulation could bear it.
fn machine(summary: &Summary, cores: usize) -> String {
    let costs = || summary.policies.iter().filter_map(|policy| policy.cost);
    let busy = 100.0 * costs().map(|cost| cost.machine_busy).fold(0.0, f64::max);
    let mut text = format!("machine:   {cores} cores, at most {busy:.0} % busy\n");
    let (executions, overruns) =
        costs().fold((0, 0), |sum, cost| (sum.0 + cost.executions, sum.1 + cost.overruns));
    if executions > 0 {
        let share = 100.0 * overruns as f64 / executions as f64;
        text.push_str(&format!(
            "devices:   {overruns} of {executions} runs took longer than the emulated device ({share:.1} %)\n"
        ));
    }
    text
}

fn learning(summary: &Summary) -> String {
    let line = |policy: &PolicySummary| {
        let learning = policy.learning?;
        Some(format!(
            "learning:  {}: {} s of training a seed, {} experiences, {} lost\n",
            policy.label,
            learning.training_s,
            learning.experiences + learning.experiences_after_training,
            learning.experiences_lost
        ))
    };
    summary.policies.iter().filter_map(line).collect()
}

/// Whether the load generator could keep up.
fn generator(summary: &Summary) -> String {
    let most_ms = |of: fn(&Lag) -> Option<f64>| {
        let lags = summary.policies.iter().filter_map(|policy| of(policy.lag_s.as_ref()?));
        1e3 * lags.fold(0.0, f64::max)
    };
    let (worst_ms, p99_ms) = (most_ms(|lag| lag.max), most_ms(|lag| lag.p99));
    format!("generator: jobs sent late by at most {worst_ms:.1} ms, 99 % of them by {p99_ms:.1} ms\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::summary;

    #[test]
    fn the_table_has_a_line_a_policy_and_says_what_the_machine_had_to_do() {
        let text = render(&summary());
        assert!(text.lines().any(|line| line.trim_start().starts_with("a ")), "{text}");
        assert!(text.contains("40.0 ±26.0"), "{text}");
        assert!(text.contains("machine:   2 cores, at most 50 % busy"), "{text}");
        assert!(text.contains("1 of 6 runs took longer than the emulated device (16.7 %)"), "{text}");
        assert!(text.ends_with("warning: beware\n"), "{text}");
    }

    #[test]
    fn in_virtual_time_the_table_leaves_out_what_only_a_clock_can_tell() {
        let mut summary = summary();
        summary.cores = None;
        summary.policies[0].cost = None;
        let text = render(&summary);
        assert!(text.contains("40.0") && text.contains("probes"), "{text}");
        for part in ["CPU", "machine:", "devices:", "generator:"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_best_policy_stands_against_each_other_one_with_its_sign() {
        let mut summary = summary();
        let worse = PolicySummary { label: "b".into(), in_time: 0.3, ..summary.policies[0].clone() };
        let third = PolicySummary { label: "c".into(), in_time: 0.39, ..worse.clone() };
        summary.policies.splice(0..0, [worse, third]);
        let found = Difference {
            difference: -0.1,
            ci95: [-0.15, -0.05],
            d_z: Some(-2.5),
            p: 0.0001,
            p_holm: 0.0002,
            pairs: 5,
            verdict: Verdict::SecondBetter,
        };
        let pair = |a: &str, b: &str, in_time| Comparison {
            a: a.into(),
            b: b.into(),
            paired_by: Some(PairedBy::Seeds),
            seeds: vec![1, 2],
            seeds_left_out: Vec::new(),
            in_time: Some(in_time),
            dropped: None,
            latency_mean_s: None,
        };
        let chance = Difference { p_holm: 0.25, d_z: None, verdict: Verdict::NotSignificant, ..found };
        summary.comparisons = vec![pair("b", "c", found), pair("b", "a", found), pair("c", "a", chance)];
        let text = render(&summary);
        let lines: Vec<_> = text.lines().skip_while(|line| !line.contains("a against")).collect();
        assert!(!lines.is_empty(), "{text}");
        let row = |label: &str| {
            let row = lines.iter().find(|line| line.trim_start().starts_with(label)).unwrap();
            row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(row("b "), "+10.0 [+5.0, +15.0] 2.50 <0.001 better");
        assert_eq!(row("c "), "+10.0 [+5.0, +15.0] - 0.250 not significant");
        assert!(text.contains("paired by seeds"), "{text}");
    }
}
