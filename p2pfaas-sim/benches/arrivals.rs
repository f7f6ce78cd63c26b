//! How fast arrivals are drawn: nobody must wait for the schedule.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use p2pfaas_sim::arrivals::{ArrivalKind, Schedule, Traffic};

const ARRIVALS: usize = 10_000;

fn schedule(criterion: &mut Criterion) {
    let traffic = Traffic { kind: ArrivalKind::Poisson, rates: vec![10.0; 100], shares: vec![1.0] };
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(ARRIVALS as u64));
    group.bench_function("100 nodes", |bencher| {
        bencher.iter(|| {
            let schedule = Schedule::new(&traffic, 1, 1000.0);
            schedule.take(ARRIVALS).map(|arrival| arrival.at_s).sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(benches, schedule);
criterion_main!(benches);
