//! What the reader of a summary should know before believing it.

mod differences;

use p2pfaas_sim::arrivals::LeftOut;

use crate::experiment::{Experiment, PolicySpec};
use crate::load;
use crate::summary::PolicySummary;

pub use differences::{left_out, not_significant};

/// Share of the machine's CPU time above which it, not the emulated slots, sets the pace.
const BUSY: f64 = 0.85;
/// Share of runs longer than the emulated device's above which the emulation is off.
const OVERRUN: f64 = 0.02;

/// Warnings about the traffic.
pub fn about_traffic(experiment: &Experiment) -> Vec<String> {
    let broken = experiment.traffic.iter().flat_map(|traffic| traffic.left_out());
    let told = broken.map(|LeftOut { path, lines }| {
        let lines = if lines == 1 { "1 broken line".into() } else { format!("{lines} broken lines") };
        format!("{lines} of {} left out, as skip_bad says", path.display())
    });
    told.collect()
}

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
    load::warnings(experiment, policy).into_iter().for_each(&mut warn);
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
        Some(steady_s) => format!("from {} s ({})", tenths(steady_s), policy.label),
        None => format!("not before half of the run was over ({})", policy.label),
    });
    let told = told.collect::<Vec<_>>().join(", ");
    Some(format!(
        "the warm-up of {} s may be too short: by {} on the number of {}, steady {told}",
        first.configured_s, first.method, first.series
    ))
}

/// Rounded up, so that it can be written into the file.
fn tenths(seconds: f64) -> f64 {
    (10.0 * seconds).ceil() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{CostSummary, Lag, Warmup};
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
            "the warm-up of 2 s may be too short: by MSER-5 on the number of jobs in the system, steady from 3.6 s \
             (a), not before half of the run was over (late)"
        );
    }
}
