//! Simulated jobs per second on one core, in two scenarios: hosts without balancing, as a simulator of serverless
//! platforms has them, and power of two choices among many nodes.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};
use p2pfaas_sim::network::{Latency, NetworkSpec};
use p2pfaas_sim::scenario::{JobSpec, NodeSpec, Scenario};
use p2pfaas_sim::service::Service;
use p2pfaas_sim::world::{Contender, Finished, Observer, World};

#[derive(Default)]
struct Served(u64);

impl Observer for Served {
    fn finished(&mut self, _: &Finished<'_>) {
        self.0 += 1;
    }
}

fn scenario(nodes: usize, queue: u32, rate: f64, latency: Duration) -> Scenario {
    Scenario {
        nodes: vec![NodeSpec { slots: 4, queue, ..NodeSpec::default() }; nodes],
        jobs: vec![JobSpec {
            function: 0,
            service: Service::Exponential { mean_s: 1.0 },
            deadline: None,
            payload_bytes: 0,
            answer_bytes: 0,
        }],
        traffic: vec![Traffic { kind: ArrivalKind::Poisson, rates: vec![rate; nodes], shares: vec![1.0] }],
        network: NetworkSpec { latency: Latency::Constant(latency), ..NetworkSpec::default() },
        detection: Duration::from_secs(1),
        job_timeout: None,
        warmup_s: 0.0,
        duration_s: 0.0,
    }
}

fn jobs_per_second(criterion: &mut Criterion) {
    let registry = Arc::new(Registry::builtin());
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    let cases = [
        (
            "100 hosts, no balancing",
            scenario(100, 1_000, 1.0, Duration::ZERO),
            "NoScheduler",
            &["true"][..],
            1_000_000.0,
        ),
        (
            "1000 nodes, PowerOfN(1, 1)",
            scenario(1_000, 4, 3.6, Duration::from_millis(1)),
            "PowerOfNScheduler",
            &["1", "1", "true", "1"][..],
            500_000.0,
        ),
    ];
    for (name, scenario, policy, parameters, jobs) in cases {
        let contender = Contender::new(&registry, Descriptor::new(policy, parameters.iter().copied()));
        let seconds = jobs / scenario.traffic[0].rates.iter().sum::<f64>();
        group.throughput(Throughput::Elements(jobs as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || World::new(&scenario, &contender, 1).expect("is right"),
                |mut world| {
                    let mut served = Served::default();
                    world.session(Schedule::new(&scenario.traffic, 1, seconds), 0.0, seconds, &mut served);
                    (served.0, world.events(), world)
                },
                criterion::BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, jobs_per_second);
criterion_main!(benches);
