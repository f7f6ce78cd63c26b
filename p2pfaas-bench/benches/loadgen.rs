//! How fast arrivals are drawn: the load generator must never wait for its schedule.

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use p2pfaas_bench::experiment::{Experiment, Known};
use p2pfaas_bench::schedule::Schedule;
use p2pfaas_core::policy::Registry;

const ARRIVALS: usize = 10_000;

fn schedule(criterion: &mut Criterion) {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &["echo"] };
    let text = "[cluster]\nnodes = 100\n[traffic]\nkind = \"poisson\"\nrate = 10\n[[jobs]]\nfunction = \"echo\"\n\
                [[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = 1000\n";
    let experiment = Experiment::parse(Path::new("bench.toml"), text.into(), &known).expect("is right");
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(ARRIVALS as u64));
    group.bench_function("100 nodes", |bencher| {
        bencher
            .iter(|| Schedule::new(&experiment, 1).take(ARRIVALS).map(|arrival| arrival.at_s).sum::<f64>());
    });
    group.finish();
}

criterion_group!(benches, schedule);
criterion_main!(benches);
