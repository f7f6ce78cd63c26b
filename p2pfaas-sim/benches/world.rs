//! Simulated jobs on one core under criterion: the cases of the bench `speed`, the bare loops among them.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[path = "speed/bare.rs"]
mod bare;
#[allow(dead_code, reason = "memory is the other bench's business")]
#[path = "speed/cases.rs"]
mod cases;

/// The time of the work alone, without what is built before it.
#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed(run: impl FnOnce(cases::Clock<'_>) -> (u64, u64)) -> Duration {
    let mut took = Duration::ZERO;
    run(&mut |work: &mut dyn FnMut()| {
        let began = Instant::now();
        work();
        took = began.elapsed();
    });
    took
}

fn jobs_per_second(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for case in cases::CASES.iter().filter(|case| case.rounds) {
        group.throughput(Throughput::Elements(case.jobs));
        group.bench_function(case.name, |bencher| {
            bencher
                .iter_custom(|times| (0..times).map(|_| timed(|clock| (case.run)(case.jobs, clock))).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, jobs_per_second);
criterion_main!(benches);
