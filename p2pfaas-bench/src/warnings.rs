//! What the reader of a summary should know before believing it.

use crate::experiment::{Experiment, PolicySpec};
use crate::summary::{Comparison, Difference, Measure, PolicySummary, Verdict};

/// Share of the machine's CPU time above which it, not the emulated slots, sets the pace.
const BUSY: f64 = 0.85;
/// Share of runs longer than the emulated device's above which the emulation is off.
const OVERRUN: f64 = 0.02;
/// Share of the shortest deadline by which the 99th percentile of jobs may be sent late.
const LAG: f64 = 0.05;
/// By how many seconds, where no job has a deadline.
const LAG_WITHOUT_DEADLINE_S: f64 = 0.02;

/// Differences that a sentence names.
const NAMED: usize = 4;

/// Warnings about one policy and its results, on a machine with so many cores, where that makes a
/// difference. `first_failure` says why the first failed job failed.
pub fn about(
    experiment: &Experiment,
    spec: &PolicySpec,
    policy: &PolicySummary,
    cores: Option<usize>,
    first_failure: Option<&str>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(format!("{}: {text}", policy.label));
    spec.agent.iter().flat_map(|agent| &agent.warnings).for_each(|warning| warn(warning.clone()));
    if let (Some(cost), Some(cores)) = (&policy.cost, cores) {
        if cost.machine_busy > BUSY {
            let own = cost.cpu_s / (policy.measured_s * cores as f64).max(1e-9);
            let remedy =
                if own < cost.machine_busy / 2.0 { "end the other programs" } else { "lower the rates" };
            warn(format!(
                "the machine was {:.0} % busy ({:.0} % with this), so that it may have been the limit and not \
                 the emulated devices; {remedy}",
                100.0 * cost.machine_busy,
                100.0 * own
            ));
        }
        let overruns = cost.overruns as f64 / cost.executions.max(1) as f64;
        if overruns > OVERRUN {
            warn(format!(
                "{:.1} % of the runs took longer than the emulated device would have: its service times are \
                 too short for the function on this machine",
                100.0 * overruns
            ));
        }
    }
    let deadline_s = experiment.jobs.iter().filter_map(|job| job.deadline_s).reduce(f64::min);
    let bound_s = deadline_s.map_or(LAG_WITHOUT_DEADLINE_S, |deadline_s| LAG * deadline_s);
    if let Some(lag_s) = policy.lag_s.and_then(|lag| lag.p99).filter(|lag_s| *lag_s > bound_s) {
        warn(format!(
            "1 % of the jobs were sent more than {:.0} ms late: the load generator could not keep up",
            1e3 * lag_s
        ));
    }
    if policy.failed > 0.0 {
        let reason = first_failure.unwrap_or("no reason");
        warn(format!("{:.2} % of the jobs failed; the first with: {reason}", 100.0 * policy.failed));
    }
    if policy.fallbacks > 0 {
        let reason = match &spec.agent {
            Some(_) => "the agent had no answer, or named a peer that was not there",
            None => "there is no learner",
        };
        warn(format!("{} decisions were the fallback policy's: {reason}", policy.fallbacks));
    }
    if let Some(lost) = policy.learning.map(|learning| learning.experiences_lost).filter(|lost| *lost > 0) {
        warn(format!("{lost} experiences were lost on the way to the agents"));
    }
    warnings
}

/// Says where what is counted begins before it was steady.
pub fn warmup(policies: &[PolicySummary]) -> Option<String> {
    let short = policies.iter().filter_map(|policy| Some((policy, policy.warmup?)));
    let short: Vec<_> = short.filter(|(_, warmup)| warmup.is_short()).collect();
    let (_, first) = short.first()?;
    let told = short.iter().map(|(policy, warmup)| match warmup.steady_from_s {
        Some(steady_s) => format!("{} from {} s", policy.label, tenths(steady_s)),
        None => format!("{} not before half of the run was over", policy.label),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    Some(format!(
        "the warm-up of {} s may be too short: by {} on the number of {}, steady were {told}",
        first.configured_s, first.method, first.series
    ))
}

/// Rounded up, so that it can be written into the file.
fn tenths(seconds: f64) -> f64 {
    (10.0 * seconds).ceil() / 10.0
}

/// Says which differences between policies may be nothing but chance, and which seeds say nothing.
pub fn comparisons(comparisons: &[Comparison]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (verdict, why) in [
        (Verdict::NotSignificant, "not significant"),
        (Verdict::NotAmongSoMany, "not significant among so many comparisons (Holm)"),
    ] {
        for measure in Measure::ALL {
            let found = comparisons.iter().filter_map(|pair| Some((pair, pair.of(measure)?)));
            // Where nothing at all differs there is nothing to be mistaken about.
            let found = found.filter(|(_, found)| found.verdict == verdict && found.ci95 != [0.0; 2]);
            let mut told: Vec<_> = found
                .map(|(pair, found)| format!("{} and {} ({})", pair.a, pair.b, say(measure, found)))
                .collect();
            if told.is_empty() {
                continue;
            }
            let more = told.len().saturating_sub(NAMED);
            told.truncate(NAMED);
            if more > 0 {
                told.push(format!("{more} more in comparisons.csv"));
            }
            warnings.push(format!("{why}: {} of {}", title(measure), told.join(", ")));
        }
    }
    let mut left_out: Vec<(&[u64], Vec<String>)> = Vec::new();
    for pair in comparisons.iter().filter(|pair| !pair.seeds_left_out.is_empty()) {
        let names = format!("{} and {}", pair.a, pair.b);
        match left_out.iter_mut().find(|(seeds, _)| *seeds == pair.seeds_left_out) {
            Some((_, all)) => all.push(names),
            None => left_out.push((&pair.seeds_left_out, vec![names])),
        }
    }
    for (seeds, pairs) in left_out {
        let seeds = seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        warnings.push(format!(
            "compared without seed {seeds}, under which not both have met the same jobs to the end: {}",
            pairs.join(", ")
        ));
    }
    warnings
}

fn title(measure: Measure) -> &'static str {
    match measure {
        Measure::InTime => "jobs in time",
        Measure::Dropped => "jobs dropped",
        Measure::LatencyMean => "mean latency",
    }
}

/// A difference with its interval, in percentage points or milliseconds.
pub(crate) fn say(measure: Measure, found: &Difference) -> String {
    let (scale, unit, digits) = match measure {
        Measure::InTime | Measure::Dropped => (100.0, "points", 2),
        Measure::LatencyMean => (1e3, "ms", 1),
    };
    let [low, high] = found.ci95.map(|end| scale * end);
    format!("{:+.digits$} {unit}, {low:+.digits$} to {high:+.digits$}", scale * found.difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{CostSummary, Lag, PairedBy, Warmup};
    use crate::testing::{experiment, summary};

    #[test]
    fn what_spoils_a_result_is_told_and_what_does_not_is_not() {
        let experiment = experiment(
            "[cluster]\nnodes = 1\n[traffic]\nkind = \"poisson\"\nrate = 1\n[[jobs]]\nfunction = \"echo\"\n\
             deadline_s = 0.5\n[[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 10\n",
        );
        let mut policy = summary().policies.remove(0);
        policy.failed = 0.0;
        let sound = CostSummary { overruns: 0, ..policy.cost.unwrap() };
        policy.cost = Some(sound);
        policy.lag_s = Some(Lag { p99: Some(0.02), max: None });
        assert_eq!(about(&experiment, &experiment.policies[0], &policy, Some(2), None), Vec::<String>::new());

        policy.cost = Some(CostSummary { machine_busy: 0.95, overruns: 1, ..sound });
        policy.lag_s = Some(Lag { p99: Some(0.03), max: None });
        policy.failed = 0.1;
        policy.fallbacks = 3;
        let text = about(&experiment, &experiment.policies[0], &policy, Some(2), Some("HTTP 404")).join("\n");
        let parts = [
            "a: the machine was 95 % busy (8 % with this)",
            "end the other programs",
            "a: 16.7 % of the runs took longer",
            "a: 1 % of the jobs were sent more than 30 ms late",
            "a: 10.00 % of the jobs failed; the first with: HTTP 404",
            "a: 3 decisions were the fallback policy's",
        ];
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }

    fn pair(b: &str, low: f64, high: f64, verdict: Verdict) -> Comparison {
        let found = Difference {
            difference: (low + high) / 2.0,
            ci95: [low, high],
            d_z: Some(0.5),
            p: 0.5,
            p_holm: 0.5,
            pairs: 5,
            verdict,
        };
        Comparison {
            a: "a".into(),
            b: b.into(),
            paired_by: Some(PairedBy::Seeds),
            seeds: vec![1, 2],
            seeds_left_out: Vec::new(),
            in_time: Some(found),
            dropped: None,
            latency_mean_s: None,
        }
    }

    #[test]
    fn differences_that_may_be_chance_are_told_with_their_intervals_and_others_are_not() {
        let chance = pair("b", -0.005, 0.011, Verdict::NotSignificant);
        let alone = pair("c", 0.001, 0.02, Verdict::NotAmongSoMany);
        let sure = pair("d", 0.01, 0.02, Verdict::FirstBetter);
        let same = pair("e", 0.0, 0.0, Verdict::NotSignificant);
        assert_eq!(
            comparisons(&[chance, alone, sure.clone(), same]),
            [
                "not significant: jobs in time of a and b (+0.30 points, -0.50 to +1.10)",
                "not significant among so many comparisons (Holm): jobs in time of a and c (+1.05 points, +0.10 \
                 to +2.00)"
            ]
        );
        assert_eq!(comparisons(&[sure]), [""; 0]);
    }

    #[test]
    fn many_of_them_are_a_sentence_and_not_a_page_and_seeds_left_out_are_told() {
        let mut many: Vec<_> =
            ["b", "c", "d", "e", "f", "g"].map(|b| pair(b, -0.1, 0.1, Verdict::NotSignificant)).into();
        many[1].seeds_left_out = vec![3, 4];
        many[2].seeds_left_out = vec![3, 4];
        let told = comparisons(&many);
        assert!(
            told[0].ends_with("a and e (+0.00 points, -10.00 to +10.00), 2 more in comparisons.csv"),
            "{told:?}"
        );
        assert!(told[1].starts_with("compared without seed 3, 4,") && told[1].ends_with("a and c, a and d"));
    }

    #[test]
    fn a_warm_up_that_is_too_short_is_told_with_what_would_be_enough() {
        let mut policy = summary().policies.remove(0);
        assert_eq!(warmup(std::slice::from_ref(&policy)), None);
        let found = Warmup {
            method: "MSER-5",
            series: "jobs in the system",
            steady_from_s: Some(2.0),
            configured_s: 2.0,
        };
        policy.warmup = Some(found);
        let mut late = policy.clone();
        assert_eq!(warmup(std::slice::from_ref(&policy)), None);
        policy.warmup = Some(Warmup { steady_from_s: Some(3.512), ..found });
        (late.label, late.warmup) = ("late".into(), Some(Warmup { steady_from_s: None, ..found }));
        assert_eq!(
            warmup(&[policy, late]).unwrap(),
            "the warm-up of 2 s may be too short: by MSER-5 on the number of jobs in the system, steady were a from \
             3.6 s, late not before half of the run was over"
        );
    }
}
