//! When a policy was steady.

use p2pfaas_sim::arrivals::ArrivalKind;
use serde::Serialize;

use super::PolicyRuns;
use crate::experiment::Experiment;
use crate::statistics::mser5;

/// When the number of jobs in the system was steady, on average over the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Warmup {
    /// How that was found: MSER-5.
    pub method: &'static str,
    /// Of what.
    pub series: &'static str,
    /// The second of the run from which on it was; `None` when not before half of it was over.
    pub steady_from_s: Option<f64>,
    /// The warm-up of the experiment, in seconds.
    pub configured_s: f64,
}

impl Warmup {
    /// Looks at all runs that were over; `None` when there is none, or where no steady state is to be
    /// expected: traffic that comes and goes, or nodes that do.
    pub(super) fn of(experiment: &Experiment, runs: &PolicyRuns) -> Option<Warmup> {
        let complete: Vec<_> = runs.seeds().iter().filter(|run| !run.interrupted).collect();
        let first = complete.first()?;
        if !is_stationary(experiment) {
            return None;
        }
        let mut means = vec![0.0; first.in_system.len()];
        for run in &complete {
            means.iter_mut().zip(&run.in_system).for_each(|(sum, number)| *sum += number);
        }
        means.iter_mut().for_each(|sum| *sum /= complete.len() as f64);
        Some(Warmup {
            method: "MSER-5",
            series: "jobs in the system",
            steady_from_s: mser5(&means).map(|left_out| left_out as f64 * first.stretch_s),
            configured_s: experiment.warmup_s,
        })
    }

    /// Whether what is counted begins before it was steady.
    pub fn is_short(&self) -> bool {
        self.steady_from_s.is_none_or(|steady_s| steady_s > self.configured_s)
    }
}

fn is_stationary(experiment: &Experiment) -> bool {
    let stays = |kind: &ArrivalKind| {
        matches!(kind, ArrivalKind::Poisson | ArrivalKind::Deterministic | ArrivalKind::Mmpp(_))
    };
    experiment.traffic.iter().all(|traffic| stays(&traffic.kind))
        && experiment.nodes.iter().all(|node| node.joins_s == 0.0 && node.leaves_s.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;
    use crate::summary::RunMeasured;
    use crate::tally::Tally;
    use crate::testing::{experiment, record, run, runs};

    fn file(traffic: &str) -> Experiment {
        experiment(&format!(
            "[cluster]\nnodes = 1\n[traffic]\n{traffic}\nrate = 1\n[[jobs]]\nfunction = \"echo\"\n\
             [[policy]]\nname = \"NoScheduler\"\n[run]\nwarmup_s = 10\nduration_s = 90\n"
        ))
    }

    /// A job every 50 ms; those of the first 20 s take half a second, the others two.
    fn filling_up(seed: u64) -> RunMeasured {
        let mut tally = Tally::new(10.0..100.0);
        for number in 0..2_000 {
            let at_s = 0.05 * number as f64;
            // Not quite the same again and again.
            let more_s = 0.1 * (number as f64).sin();
            let takes_s = if at_s < 20.0 { 0.5 } else { 2.0 } + more_s;
            tally.add_record(&record(number, at_s, Outcome::Served, Some(at_s + takes_s)));
        }
        RunMeasured { tally, ..run(seed, 0.25) }
    }

    #[test]
    fn it_is_found_when_the_number_of_jobs_was_steady() {
        let warmup = Warmup::of(&file("kind = \"poisson\""), &runs([filling_up(1), filling_up(2)])).unwrap();
        let steady_s = warmup.steady_from_s.unwrap();
        // It rises from 20 s on, until the first of the long ones goes at 22 s.
        assert!((20.0..24.0).contains(&steady_s), "{warmup:?}");
        assert!(warmup.is_short() && warmup.configured_s == 10.0);
        assert!(!Warmup { configured_s: steady_s, ..warmup }.is_short());
        assert!(Warmup { steady_from_s: None, ..warmup }.is_short());
        let json = serde_json::to_value(warmup).unwrap();
        assert_eq!((&json["method"], &json["configured_s"]), (&"MSER-5".into(), &10.0.into()));
    }

    #[test]
    fn an_interrupted_run_and_traffic_that_swings_tell_nothing() {
        let interrupted = runs([RunMeasured { interrupted: true, ..filling_up(1) }]);
        assert_eq!(Warmup::of(&file("kind = \"poisson\""), &interrupted), None);
        let swings = file("kind = \"sinusoid\"\nperiod_s = 50\namplitude = 0.5");
        assert_eq!(Warmup::of(&swings, &runs([filling_up(1)])), None);
    }
}
