//! How fast arrivals are drawn: nobody must wait for the schedule.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use p2pfaas_sim::arrivals::{ArrivalKind, Mmpp, Schedule, Sinusoid, Traffic};

const ARRIVALS: usize = 100_000;

fn schedule(criterion: &mut Criterion) {
    let mmpp = Mmpp { factors: vec![0.5, 2.0], sojourns_s: vec![60.0, 30.0], common: false };
    let wave = Sinusoid { period_s: 600.0, amplitude: 0.5, phases: Vec::new() };
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(ARRIVALS as u64));
    for (name, kind, nodes, shares) in [
        ("poisson", ArrivalKind::Poisson, 1, vec![1.0]),
        ("poisson", ArrivalKind::Poisson, 100, vec![1.0]),
        ("poisson", ArrivalKind::Poisson, 1_000, vec![1.0]),
        ("poisson, 100 task types", ArrivalKind::Poisson, 100, vec![0.01; 100]),
        ("mmpp", ArrivalKind::Mmpp(mmpp), 100, vec![1.0]),
        ("sinusoid", ArrivalKind::Sinusoid(wave), 100, vec![1.0]),
    ] {
        let traffic = [Traffic { kind, rates: vec![10.0; nodes], shares }];
        group.bench_function(BenchmarkId::new(name, nodes), |bencher| {
            bencher.iter(|| {
                let schedule = Schedule::new(&traffic, 1, 1e9);
                schedule.take(ARRIVALS).map(|arrival| arrival.at_s).sum::<f64>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, schedule);
criterion_main!(benches);
