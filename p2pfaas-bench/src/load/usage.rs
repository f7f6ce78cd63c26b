//! Whether the load generator itself was the bottleneck.

use serde::{Deserialize, Serialize};

use crate::experiment::Experiment;
use crate::summary::PolicySummary;

/// Share of one core above which the thread that sends has none left to be on time with.
const BUSY: f64 = 0.9;
/// Share of the shortest deadline by which the 99th percentile of jobs may be sent late.
const LAG: f64 = 0.05;
/// By how many seconds, where no job has a deadline.
const LAG_WITHOUT_DEADLINE_S: f64 = 0.02;

/// What a session took of the thread that sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds of CPU while jobs were due; `None` where the system does not tell.
    pub cpu_s: Option<f64>,
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Jobs that were not sent because too many were without an answer.
    pub unsent: u64,
}

/// How the load generator kept up, over all seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GeneratorSummary {
    /// Cores that the thread which sends was busy on, of 1; `null` where the system does not tell.
    pub cpu: Option<f64>,
    /// Jobs that were not sent because too many were without an answer, those of warm-up and cool-down
    /// included.
    pub unsent: u64,
    /// Whether it has been the limit, and not the nodes: it was busy all the time, sent late, or not at
    /// all.
    pub bottleneck: bool,
}

impl GeneratorSummary {
    /// Puts the sessions of a policy together. `lag_s` is the 99th percentile of the seconds by which its
    /// jobs were sent late.
    pub fn of(experiment: &Experiment, sessions: &[Usage], lag_s: Option<f64>) -> Option<GeneratorSummary> {
        let wall_s: f64 = sessions.iter().map(|usage| usage.wall_s).sum();
        let cpu_s: Option<f64> = sessions.iter().map(|usage| usage.cpu_s).sum();
        let (cpu, unsent) =
            (cpu_s.map(|cpu_s| cpu_s / wall_s), sessions.iter().map(|usage| usage.unsent).sum());
        let bottleneck = unsent > 0
            || cpu.is_some_and(|cpu| cpu > BUSY)
            || lag_s.is_some_and(|lag_s| lag_s > most_lag_s(experiment));
        (wall_s > 0.0).then_some(GeneratorSummary { cpu, unsent, bottleneck })
    }
}

/// What the reader of a policy's results should know of it.
pub fn warnings(experiment: &Experiment, policy: &PolicySummary) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(lag_s) = policy.lag_s.and_then(|lag| lag.p99).filter(|lag_s| *lag_s > most_lag_s(experiment))
    {
        warnings.push(format!(
            "1 % of the jobs were sent more than {:.0} ms late: the load generator could not keep up",
            1e3 * lag_s
        ));
    }
    let Some(generator) = policy.generator else { return warnings };
    if let Some(cpu) = generator.cpu.filter(|cpu| *cpu > BUSY) {
        warnings.push(format!(
            "the thread that sends the jobs was busy {:.0} % of the time: the load generator may have been the \
             limit and not the nodes; lower the rates",
            100.0 * cpu
        ));
    }
    if generator.unsent > 0 {
        warnings.push(format!(
            "{} jobs were not sent, because too many were without an answer: they count as failed",
            generator.unsent
        ));
    }
    warnings
}

fn most_lag_s(experiment: &Experiment) -> f64 {
    let deadline_s = experiment.jobs.iter().filter_map(|job| job.deadline_s).reduce(f64::min);
    deadline_s.map_or(LAG_WITHOUT_DEADLINE_S, |deadline_s| LAG * deadline_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Lag;
    use crate::testing::{experiment, summary};

    fn tight() -> Experiment {
        experiment(
            "[cluster]\nnodes = 1\n[traffic]\nkind = \"poisson\"\nrate = 1\n[[jobs]]\nfunction = \"echo\"\n\
             deadline_s = 0.5\n[[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 10\n",
        )
    }

    fn of(cpu_s: f64, unsent: u64, lag_s: f64) -> GeneratorSummary {
        let session = Usage { cpu_s: Some(cpu_s), wall_s: 10.0, unsent };
        let idle = Usage { cpu_s: Some(0.0), wall_s: 10.0, unsent: 0 };
        GeneratorSummary::of(&tight(), &[session, idle], Some(lag_s)).unwrap()
    }

    #[test]
    fn it_is_the_bottleneck_when_it_is_busy_late_or_does_not_send_at_all() {
        assert_eq!(of(10.0, 0, 0.01), GeneratorSummary { cpu: Some(0.5), unsent: 0, bottleneck: false });
        assert!(of(19.0, 0, 0.01).bottleneck, "0.95 of a core");
        assert!(of(1.0, 1, 0.01).bottleneck, "not sent");
        assert!(of(1.0, 0, 0.03).bottleneck, "late by more than a twentieth of the deadline");
        assert_eq!(GeneratorSummary::of(&tight(), &[], None), None);
        let unknown = Usage { cpu_s: None, wall_s: 1.0, unsent: 0 };
        let summary = GeneratorSummary::of(&tight(), &[unknown], None).unwrap();
        assert_eq!((summary.cpu, summary.bottleneck), (None, false));
    }

    #[test]
    fn what_made_it_the_bottleneck_is_told() {
        let mut policy = summary().policies.remove(0);
        policy.lag_s = Some(Lag { p99: Some(0.01), max: None });
        policy.generator = Some(of(10.0, 0, 0.01));
        assert_eq!(warnings(&tight(), &policy), Vec::<String>::new());
        policy.lag_s = Some(Lag { p99: Some(0.03), max: None });
        policy.generator = Some(of(19.0, 7, 0.03));
        let text = warnings(&tight(), &policy).join("\n");
        for part in ["more than 30 ms late", "busy 95 % of the time", "7 jobs were not sent"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
