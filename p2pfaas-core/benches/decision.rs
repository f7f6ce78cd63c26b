//! What one decision of `PowerOfNScheduler` costs in the state machine, with effects that go nowhere.
//!
//! `cargo bench -p p2pfaas-core --bench decision`

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, WallTime};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use p2pfaas_core::agent::Observation;
use p2pfaas_core::policy::{Descriptor, Registry};
use p2pfaas_core::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// Jobs that arrive between two readings of the clock, so that the clock's own cost does not count.
const BATCH: u32 = 32;
const PEERS: [usize; 2] = [12, 1_000];

/// Keeps only the last probed peer, and what is needed to go on.
#[derive(Default)]
struct Nowhere {
    probed: Option<PeerId>,
    executed: u32,
}

impl Effects for Nowhere {
    fn learn(&mut self, _: &p2pfaas_core::agent::Experience<'_>) {}
    fn execute(&mut self, job: JobKey) {
        black_box(job);
        self.executed += 1;
    }
    fn probe(&mut self, job: JobKey, peer: PeerId, _: Option<&p2pfaas_core::offers::Question>) {
        black_box(job);
        self.probed = Some(peer);
    }
    fn forward(&mut self, job: JobKey, forward: &Forward) {
        black_box((job, forward));
    }
    fn ask(&mut self, job: JobKey, observation: &Observation) {
        black_box((job, observation));
    }
    fn answer(&mut self, job: JobKey, report: &Report<'_>) {
        black_box((job, report));
    }
    fn abandon(&mut self, job: JobKey) {
        black_box(job);
    }
    fn wake_at(&mut self, at: Time) {
        black_box(at);
    }
}

/// A warm node: its tables have been used before.
struct Bench {
    node: Node,
    rng: Xoshiro256PlusPlus,
    now: Time,
    effects: Nowhere,
    jobs: Vec<JobKey>,
}

impl Bench {
    /// A node that probes from this load on.
    fn new(peers: usize, threshold: &str) -> Self {
        let registry = Registry::builtin();
        let policy = Descriptor::new("PowerOfNScheduler", ["1", threshold, "true", "1"]);
        let build = |descriptor| registry.build(descriptor).expect("a policy that exists");
        let capacity = Capacity { slots: 2 * BATCH, queue: 0 };
        let config = NodeConfig { capacity, ..NodeConfig::default() };
        let node = Node::new(NodeId::from_machine_id("me"), config, build(&policy), build(&policy));
        let mut bench = Bench {
            node,
            rng: Xoshiro256PlusPlus::seed_from_u64(1),
            now: Time::ZERO,
            effects: Nowhere::default(),
            jobs: Vec::new(),
        };
        let name = |index| format!("10.0.{}.{}:18080", index / 256, index % 256);
        let peers = (0..peers).map(name).map(|name| {
            let id = NodeId::from_machine_id(&name);
            (name, Some(id))
        });
        bench.tell(Event::SetPeers(peers.collect()));
        bench
    }

    fn tell(&mut self, event: Event) {
        self.node.handle(self.now, event, &mut self.rng, &mut self.effects);
    }

    fn arrive(&mut self) -> JobKey {
        self.now = self.now + Duration::from_micros(100);
        let arrival = Arrival::from_client(FunctionId(0));
        self.node.arrive(self.now, black_box(arrival), &mut self.rng, &mut self.effects)
    }

    /// The time that `count` arrivals take, without what it takes to end those jobs.
    fn arrivals(&mut self, count: u64, end: impl Fn(JobKey) -> Event) -> Duration {
        let clock = WallTime;
        let mut total = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let batch = left.min(u64::from(BATCH));
            let start = clock.start();
            for _ in 0..batch {
                let job = self.arrive();
                self.jobs.push(job);
            }
            total += clock.end(start);
            while let Some(job) = self.jobs.pop() {
                self.tell(end(job));
            }
            self.tell(Event::Wake);
            left -= batch;
        }
        total
    }

    /// One job that runs on, so that a peer without load is less loaded.
    fn run_one(&mut self) {
        let arrival = Arrival { policy: PolicyChoice::Bypass, ..Arrival::from_client(FunctionId(0)) };
        self.node.arrive(self.now, arrival, &mut self.rng, &mut self.effects);
    }

    fn cycle(&mut self) {
        let job = self.arrive();
        let peer = self.effects.probed.expect("a probe");
        self.tell(Event::Probed { job, peer, load: Some(PeerLoad::default()), offer: None, node: None });
        self.tell(Event::Forwarded { job, answer: ForwardAnswer::Served });
    }
}

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for peers in PEERS {
        let id = |name| BenchmarkId::new(name, format!("{peers} peers"));
        group.bench_function(id("arrival to execute"), |bencher| {
            let mut bench = Bench::new(peers, "1000000");
            bencher.iter_custom(|count| bench.arrivals(count, |job| Event::Executed { job, success: true }));
            assert_eq!(u64::from(bench.effects.executed), bench.node.counters().arrived);
        });
        group.bench_function(id("arrival to probe"), |bencher| {
            let mut bench = Bench::new(peers, "0");
            bencher.iter_custom(|count| bench.arrivals(count, |job| Event::Cancel { job }));
            assert_eq!(bench.node.counters().probes, bench.node.counters().arrived);
        });
        group.bench_function(id("arrival, probe, reply, forward, answer"), |bencher| {
            let mut bench = Bench::new(peers, "0");
            bench.run_one();
            bencher.iter(|| bench.cycle());
            assert_eq!(bench.node.counters().forwarded + 1, bench.node.counters().arrived);
        });
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
