//! How many requests a second the load generator sends, what one costs, and how late it is.

mod stub;

use std::path::Path;

use bytes::Bytes;
use p2pfaas_bench::cost::{Meter, cores};
use p2pfaas_bench::experiment::{Experiment, Known, Place};
use p2pfaas_bench::job::{JobRecord, Outcome};
use p2pfaas_bench::load::{Session, Targets, Watch, drive, function_uri};
use p2pfaas_core::policy::Registry;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Requests a second.
const RATES: [u32; 4] = [1_000, 10_000, 30_000, 60_000];
/// Seconds at each rate.
const DURATION_S: f64 = 5.0;

fn main() {
    let meter = Meter::start();
    let address = stub::start();
    println!("{} cores; requests and answers as of a p2pfaas node, bodies of 3 bytes", cores());
    println!(
        "{:>8} {:>9} {:>12} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7} {:>8}",
        "asked/s", "sent/s", "CPU us/req", "CPU", "lag p50", "p99", "max", "failed", "unsent", "machine"
    );
    for rate in RATES {
        let row = measure(rate, &address);
        println!("{row}");
    }
    println!("the whole took {:.0} s of CPU", meter.read().cpu_s);
}

fn measure(rate: u32, address: &str) -> String {
    let experiment = experiment(rate);
    let targets = Targets {
        node_ids: vec!["node-0".into()],
        functions: vec![vec![function_uri(address, "echo").expect("an address")]],
        payloads: vec![vec![Bytes::from_static(b"abc")]],
    };
    let (sender, mut receiver) = mpsc::channel::<Vec<JobRecord>>(4_096);
    let collector = std::thread::spawn(move || {
        let (mut lags_s, mut failed) = (Vec::new(), 0_u64);
        while let Some(batch) = receiver.blocking_recv() {
            if let Some(error) = batch.iter().find_map(|job| job.error.as_ref()).filter(|_| failed == 0) {
                eprintln!("the first that failed: {error}");
            }
            failed += batch.iter().filter(|job| job.outcome != Outcome::Served).count() as u64;
            lags_s.extend(batch.iter().filter_map(JobRecord::lag_s));
        }
        lags_s.sort_by(f64::total_cmp);
        (lags_s, failed)
    });
    let meter = Meter::start();
    let session = Session::run(&experiment, 1);
    let cancel = CancellationToken::new();
    let driven = drive(&experiment, session, &targets, &cancel, sender, &mut Nobody);
    let usage = driven.expect("a run").usage;
    let busy = meter.read().busy;
    let (lags_s, failed) = collector.join().expect("records");
    let sent = lags_s.len() as f64;
    let at = |share: f64| 1e6 * lags_s[((sent - 1.0) * share) as usize];
    let cpu_s = usage.cpu_s.unwrap_or(f64::NAN);
    format!(
        "{rate:>8} {:>9.0} {:>12.2} {:>7.0} % {:>6.0} us {:>6.0} us {:>6.0} us {failed:>7} {:>7} {:>6.0} %",
        sent / usage.wall_s,
        1e6 * cpu_s / sent,
        100.0 * cpu_s / usage.wall_s,
        at(0.5),
        at(0.99),
        at(1.0),
        usage.unsent,
        100.0 * busy,
    )
}

fn experiment(rate: u32) -> Experiment {
    let registry = Registry::builtin();
    let known = Known { registry: &registry, functions: &p2pfaas_node::BUILTIN_FUNCTIONS };
    let text = format!(
        "[cluster]\nnodes = 1\n[traffic]\nkind = \"poisson\"\nrate = {rate}\n[[jobs]]\nfunction = \"echo\"\n\
         deadline_s = 0.5\n[[policy]]\nname = \"NoScheduler\"\n[run]\nduration_s = {DURATION_S}\n"
    );
    Experiment::parse(Path::new("generator.toml"), text, Place::Local, &known).expect("an experiment")
}

struct Nobody;

impl Watch for Nobody {
    fn at(&mut self, _second: f64) {}
}
