//! What the reader of a summary should know before believing it.

use crate::experiment::{Experiment, PolicySpec};
use crate::load;
use crate::summary::PolicySummary;

/// Share of the machine's CPU time above which it, not the emulated slots, sets the pace.
const BUSY: f64 = 0.85;
/// Share of runs longer than the emulated device's above which the emulation is off.
const OVERRUN: f64 = 0.02;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{CostSummary, Lag};
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
}
