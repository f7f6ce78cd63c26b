//! Measures the membership protocol: how soon a crash is noticed, how often somebody is wrongly suspected, what it
//! sends. `cargo run --release -p p2pfaas-sim --example gossip [MEMBERS]...`

use std::time::Duration;

use p2pfaas_core::membership::{Change, MembershipCounters};
use p2pfaas_core::{PeerLoad, Time};
use p2pfaas_sim::gossip::{GossipCluster, GossipScenario, Noticed};
use rayon::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
/// In which members find each other, before anything is measured.
const SETTLING: Duration = Duration::from_secs(60);

fn main() {
    let sizes: Vec<u32> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![5, 12, 100] } else { sizes };
    println!("A crash, in seconds until the last survivor has noticed it; 0 and 10 % loss");
    println!(
        "{:>8} {:>6} {:>7} | {:>26} | {:>26}",
        "members", "loss", "crashes", "suspected: mean p95 max", "dead: mean p95 max"
    );
    for &members in &sizes {
        for loss in [0.0, 0.1] {
            let crashes = (4_800 / u64::from(members.max(1))).clamp(4, 400);
            let times: Vec<(f64, f64)> =
                (0..crashes).into_par_iter().map(|seed| crash(members, loss, seed)).collect();
            let suspected = spread(times.iter().map(|(suspected, _)| *suspected));
            let dead = spread(times.iter().map(|(_, dead)| *dead));
            println!("{members:>8} {loss:>6} {crashes:>7} | {suspected:>26} | {dead:>26}");
        }
    }
    println!("\nNobody crashes: per member-hour, and each member's traffic; loads change each second");
    println!(
        "{:>8} {:>6} {:>7} | {:>10} {:>10} | {:>10} {:>10} | {:>12}",
        "members", "loss", "hours", "suspected", "dead", "datagram/s", "byte/s", "age of load s"
    );
    for &members in &sizes {
        for loss in [0.0, 0.1] {
            let span = SECOND * (7_200 * 12 / members).clamp(60, 7_200);
            let seeds = if members >= 100 { 1 } else { 4 };
            let calm: Vec<Calm> =
                (0..seeds).into_par_iter().map(|seed| stay(members, loss, seed, span)).collect();
            let mean = |part: fn(&Calm) -> f64| calm.iter().map(part).sum::<f64>() / calm.len() as f64;
            let hours = f64::from(members) * span.as_secs_f64() / 3_600.0 * seeds as f64;
            println!(
                "{members:>8} {loss:>6} {hours:>7.0} | {:>10.2} {:>10.3} | {:>10.1} {:>10.0} | {:>12.2}",
                mean(|calm| calm.suspected),
                mean(|calm| calm.dead),
                mean(|calm| calm.datagrams),
                mean(|calm| calm.bytes),
                mean(|calm| calm.age_s),
            );
        }
    }
}

fn settled(members: u32, loss: f64, seed: u64) -> GossipCluster {
    let mut cluster = GossipCluster::new(GossipScenario { loss, ..GossipScenario::lan(members, seed) });
    cluster.start_all();
    cluster.run_for(SETTLING);
    cluster.take_noticed();
    cluster
}

/// Seconds until the last survivor suspects the crashed one, and until the last holds it for dead.
fn crash(members: u32, loss: f64, seed: u64) -> (f64, f64) {
    let mut cluster = settled(members, loss, seed);
    // At another moment of the rounds each time.
    cluster.run_for(Duration::from_millis(137 * (seed % 29)));
    let crashed = (seed % u64::from(members)) as u32;
    let at = cluster.now();
    cluster.crash(crashed);
    cluster.take_noticed();
    cluster.run_for(30 * SECOND);
    let noticed = cluster.take_noticed();
    let last = |wanted: &[Change]| {
        let first_of = |by| {
            let mut about = noticed.iter().filter(|noticed| noticed.by == by && noticed.about == crashed);
            about
                .find(|noticed| wanted.contains(&noticed.change))
                .map_or(f64::INFINITY, |noticed| seconds(at, noticed))
        };
        (0..members).filter(|by| *by != crashed).map(first_of).fold(0.0, f64::max)
    };
    (last(&[Change::Suspected, Change::Down]), last(&[Change::Down]))
}

fn seconds(since: Time, noticed: &Noticed) -> f64 {
    noticed.at.since(since).as_secs_f64()
}

struct Calm {
    suspected: f64,
    dead: f64,
    datagrams: f64,
    bytes: f64,
    age_s: f64,
}

fn stay(members: u32, loss: f64, seed: u64, span: Duration) -> Calm {
    let mut cluster = settled(members, loss, seed);
    let sum = |cluster: &GossipCluster, part: fn(MembershipCounters) -> u64| {
        (0..members).map(|member| part(cluster.counters(member))).sum::<u64>() as f64
    };
    let before = [sum(&cluster, |c| c.datagrams_out), sum(&cluster, |c| c.bytes_out)];
    let began = cluster.now();
    let mut ages = Vec::new();
    let mut wrong = [0_u64; 2];
    for second in 0..span.as_secs() as u32 {
        for member in 0..members {
            cluster.set_load(member, PeerLoad { running: (second + member) % 5, queued: 0, slots: 4 });
        }
        cluster.run_for(SECOND);
        // Each false alarm is counted once, by whoever raises it: the first to notice it.
        let mut alarmed = std::collections::HashSet::new();
        for noticed in cluster.take_noticed() {
            let kind = match noticed.change {
                Change::Suspected => 0,
                Change::Down => 1,
                _ => continue,
            };
            if alarmed.insert((noticed.about, kind)) {
                wrong[kind] += 1;
            }
        }
        if second % 10 == 9 {
            let pairs = (0..members).flat_map(|by| (0..members.min(50)).map(move |about| (by, about)));
            let age = |(by, about): (u32, u32)| {
                let (_, at) = cluster.view(by, about)?.load?;
                Some(cluster.now().since(at).as_secs_f64())
            };
            ages.extend(pairs.filter_map(age));
        }
    }
    let seconds = cluster.now().since(began).as_secs_f64() * f64::from(members);
    Calm {
        suspected: wrong[0] as f64 / seconds * 3_600.0,
        dead: wrong[1] as f64 / seconds * 3_600.0,
        datagrams: (sum(&cluster, |c| c.datagrams_out) - before[0]) / seconds,
        bytes: (sum(&cluster, |c| c.bytes_out) - before[1]) / seconds,
        age_s: ages.iter().sum::<f64>() / ages.len().max(1) as f64,
    }
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    format!("{mean:>8.2} {:>8.2} {:>8.2}", at(0.95), at(1.0))
}
