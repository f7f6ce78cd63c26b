//! What an event costs in each calendar, in the hold model: pop one, push one later. D. Jones, "An
//! empirical comparison of priority-queue and event-set implementations", 1986.
//!
//! `cargo bench -p p2pfaas-sim --bench calendar`

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use p2pfaas_core::Time;
use p2pfaas_sim::calendar::{BinaryHeap, Calendar, CalendarQueue, QuaternaryHeap, SortedWheel, TimingWheel};
use p2pfaas_sim::streams::{Purpose, generator};
use rand::RngExt;
use rand_distr::Exp1;

/// An event of the size of the simulator's.
type Item = [u64; 2];

/// Events that an iteration handles.
const HELD: usize = 1_000;

const LATENCY_S: f64 = 0.001;

/// Delays are drawn ahead, so that drawing costs nothing here.
fn delays(mix: &str) -> Vec<Duration> {
    let mut random = generator(1, Purpose::Demand, 0);
    let delay_s = |_| match mix {
        "constant" => LATENCY_S,
        "exponential" => random.sample::<f64, _>(Exp1),
        "mixed" if random.random_bool(0.4) => LATENCY_S,
        "mixed" => random.sample::<f64, _>(Exp1),
        "bimodal" if random.random_bool(0.9) => random.random_range(0.0..0.01),
        "bimodal" => random.random_range(1.0..1.1),
        _ => unreachable!("no such mix"),
    };
    (0..1 << 16).map(delay_s).map(Duration::from_secs_f64).collect()
}

fn hold<C: Calendar<Item> + Default>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    size: usize,
    delays: &[Duration],
) {
    let mut calendar = C::default();
    let mut delays = delays.iter().cycle();
    let mut next = || *delays.next().expect("a cycle has no end");
    for number in 0..size {
        // Spread, as constant delays would never spread it.
        let at = Time::ZERO + next().mul_f64((number + 1) as f64 / size as f64);
        calendar.push(at, [number as u64; 2]);
    }
    let mut turn = |times: usize| {
        for _ in 0..times {
            let (at, item) = calendar.pop().expect("as many as there were");
            calendar.push(at + next(), black_box(item));
        }
    };
    turn(10 * size);
    group.bench_function(BenchmarkId::new(name, size), |bencher| bencher.iter(|| turn(HELD)));
}

fn calendars(criterion: &mut Criterion) {
    for mix in ["exponential", "constant", "mixed", "bimodal"] {
        let delays = delays(mix);
        let mut group = criterion.benchmark_group(mix);
        group.throughput(Throughput::Elements(HELD as u64));
        group.sample_size(20).warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(400));
        for size in [100, 1_000, 10_000, 100_000] {
            hold::<BinaryHeap<_>>(&mut group, "binary heap", size, &delays);
            hold::<QuaternaryHeap<_>>(&mut group, "quaternary heap", size, &delays);
            hold::<CalendarQueue<_>>(&mut group, "calendar queue", size, &delays);
            hold::<TimingWheel<_>>(&mut group, "timing wheel", size, &delays);
            hold::<SortedWheel<_>>(&mut group, "sorted wheel", size, &delays);
        }
        group.finish();
    }
}

criterion_group!(benches, calendars);
criterion_main!(benches);
