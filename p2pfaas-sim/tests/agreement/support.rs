//! Runs over seeds, and the test of many means at once.

use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::Outcome;
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};
use p2pfaas_sim::network::NetworkSpec;
use p2pfaas_sim::scenario::{Discipline, JobSpec, NodeSpec, Scenario};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::theory::Station;
use p2pfaas_sim::world::{Contender, Finished, Observer, World};
use rayon::prelude::*;

/// Seeds of every comparison.
pub const SEEDS: u64 = 20;
/// P(at least one of the comparisons of a test fails although all are right).
const FAMILY_LEVEL: f64 = 0.01;
/// Seconds, that is service times, until a cluster has forgotten that it was empty.
const WARMUP_S: f64 = 200.0;

/// Equal nodes; mean service 1 s. About so many jobs are counted in each run.
pub fn cluster(nodes: u32, station: &Station, rate: f64, jobs: f64) -> Scenario {
    // One server that jobs share or wait for: the same chain. Shared, a node's slots are its places.
    let node = NodeSpec { slots: station.slots, queue: station.queue, ..NodeSpec::default() };
    Scenario {
        nodes: vec![node; nodes as usize],
        jobs: vec![JobSpec {
            function: 0,
            service: Service::Exponential { mean_s: 1.0 },
            deadline: None,
            payload_bytes: 0,
            answer_bytes: 0,
        }],
        traffic: vec![Traffic {
            kind: ArrivalKind::Poisson,
            rates: vec![rate; nodes as usize],
            shares: vec![1.0],
        }],
        network: NetworkSpec::default(),
        detection: Duration::from_secs(1),
        job_timeout: None,
        warmup_s: WARMUP_S,
        duration_s: jobs / (rate * f64::from(nodes)),
    }
}

/// The same with one processor a node that its jobs share.
pub fn shared(mut scenario: Scenario) -> Scenario {
    for node in &mut scenario.nodes {
        (node.slots, node.queue) = (node.slots + node.queue, 0);
        node.discipline = Discipline::ProcessorSharing;
    }
    scenario
}

/// What one run measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    warmup_s: f64,
    offered: f64,
    served: f64,
    dropped: f64,
    forwarded: f64,
    probes: f64,
    waited_s: f64,
    latency_s: f64,
    duration_s: f64,
    nodes: f64,
}

impl Measured {
    pub fn blocking(&self) -> f64 {
        self.dropped / self.offered
    }
    pub fn forwarded(&self) -> f64 {
        self.forwarded / self.offered
    }
    pub fn probes_per_job(&self) -> f64 {
        self.probes / self.offered
    }
    /// Of served jobs.
    pub fn mean_wait_s(&self) -> f64 {
        self.waited_s / self.served
    }
    /// Of served jobs.
    pub fn mean_response_s(&self) -> f64 {
        self.latency_s / self.served
    }
    /// Jobs at a node: the time that all of them spent there, over the time that there was.
    pub fn mean_number(&self) -> f64 {
        self.latency_s / self.duration_s / self.nodes
    }
}

impl Observer for Measured {
    fn finished(&mut self, job: &Finished<'_>) {
        if job.arrival.at_s < self.warmup_s {
            return;
        }
        self.offered += 1.0;
        self.forwarded += f64::from(u8::from(job.forwarded));
        self.probes += f64::from(job.probes);
        match job.outcome {
            Outcome::Served => {
                self.served += 1.0;
                self.latency_s += job.latency.as_secs_f64();
                self.waited_s += job.timings.queue.unwrap_or_default().as_secs_f64();
            }
            Outcome::Dropped => self.dropped += 1.0,
            other => panic!("a job ended {other:?}"),
        }
    }
}

/// A policy by its name and parameters.
pub fn policy(name: &str, parameters: &[&str]) -> Contender {
    Contender::new(&Arc::new(Registry::builtin()), Descriptor::new(name, parameters.iter().copied()))
}

/// LL(F, T), with the rule of the reference if asked for.
pub fn power_of_n(fan_out: u32, threshold: u32, random: bool) -> Contender {
    let (fan_out, threshold) = (fan_out.to_string(), threshold.to_string());
    let mut parameters = vec![fan_out.as_str(), threshold.as_str(), "true", "1"];
    if random {
        parameters.push("choice=random-among-not-more-loaded");
    }
    policy("PowerOfNScheduler", &parameters)
}

/// One run a seed.
pub fn runs(scenario: &Scenario, contender: &Contender) -> Vec<Measured> {
    (1..=SEEDS).into_par_iter().map(|seed| run(scenario, contender, seed)).collect()
}

fn run(scenario: &Scenario, contender: &Contender, seed: u64) -> Measured {
    let mut world = World::new(scenario, contender, seed).expect("a world");
    let mut measured = Measured {
        warmup_s: scenario.warmup_s,
        duration_s: scenario.duration_s,
        nodes: scenario.nodes.len() as f64,
        ..Measured::default()
    };
    let horizon_s = scenario.horizon_s();
    world.session(Schedule::new(&scenario.traffic, seed, horizon_s), 0.0, horizon_s, &mut measured);
    measured
}

/// A family of comparisons: means over the seeds against what theory says.
#[derive(Default)]
pub struct Family(Vec<(String, f64, Mean)>);

#[derive(Clone, Copy)]
pub struct Mean {
    pub mean: f64,
    error: f64,
}

pub fn mean(runs: &[Measured], value: impl Fn(&Measured) -> f64) -> Mean {
    let values: Vec<_> = runs.iter().map(value).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Mean { mean, error: (variance / count).sqrt() }
}

impl Family {
    pub fn compare(
        &mut self,
        what: String,
        theory: f64,
        runs: &[Measured],
        value: impl Fn(&Measured) -> f64,
    ) {
        self.0.push((what, theory, mean(runs, value)));
    }

    /// Fails if a mean is further from theory than chance explains, corrected for the number of comparisons
    /// (Bonferroni), or if a comparison is too rough to be one.
    pub fn holds(self, at_least: usize) {
        assert!(self.0.len() >= at_least, "only {} comparisons", self.0.len());
        let level = FAMILY_LEVEL / self.0.len() as f64;
        let mut wrong = Vec::new();
        for (what, theory, Mean { mean, error }) in &self.0 {
            let chance = match *error {
                // It is the same in every run.
                0.0 => f64::from(u8::from((mean - theory).abs() < 1e-9)),
                error => both_tails((mean - theory) / error),
            };
            if chance < level {
                wrong.push(format!(
                    "{what}: {mean} instead of {theory} (standard error {error}, chance {chance:e})"
                ));
            }
            assert!(*error < 0.05 * theory + 0.01, "{what}: {mean} +- {error} says nothing about {theory}");
        }
        assert!(wrong.is_empty(), "{} of {} comparisons:\n{}", wrong.len(), self.0.len(), wrong.join("\n"));
    }
}

/// P(|t| is at least this) for Student's t with one degree of freedom less than there are seeds: Simpson's rule
/// over the density in x = atan(t / sqrt(n)), where it is cos^(n-1) x up to a constant.
fn both_tails(t: f64) -> f64 {
    let freedom = (SEEDS - 1) as f64;
    let density = |x: f64| x.cos().powf(freedom - 1.0);
    let integral = |from: f64| {
        const STEPS: usize = 2_000;
        let width = (std::f64::consts::FRAC_PI_2 - from) / STEPS as f64;
        let weight = |step: usize| match step {
            0 | STEPS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        (0..=STEPS).map(|step| weight(step) * density(from + step as f64 * width)).sum::<f64>() * width / 3.0
    };
    integral((t.abs() / freedom.sqrt()).atan()) / integral(0.0)
}

#[test]
fn the_tails_of_student_are_those_of_the_tables() {
    for (t, chance) in [(2.093, 0.05), (2.861, 0.01), (3.883, 0.001)] {
        assert!((both_tails(t) / chance - 1.0).abs() < 1e-3, "{t}: {}", both_tails(t));
    }
}
