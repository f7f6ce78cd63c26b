//! Simulated jobs per second on one core, beside bare loops over the same calendar, and the memory that
//! it takes. `benches/speed.sh` prints the table; `cargo bench -p p2pfaas-sim --bench speed -- CASE JOBS`
//! runs one case.

mod bare;
mod cases;

use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::Instant;

use cases::{CASES, Case};

const ROUNDS: usize = 7;

/// What a case did.
struct Run {
    jobs: u64,
    events: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    // Cargo adds a flag of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match &words[..] {
        [] => table(),
        [name, jobs] => match (CASES.iter().find(|case| case.name == name), jobs.parse()) {
            (Some(case), Ok(jobs)) => {
                let run = timed(case, jobs);
                let (jobs, events, seconds) = (run.jobs, run.events, run.seconds);
                println!("{jobs} jobs, {events} events, {seconds:.3} s, {} KiB", peak_kib());
            }
            _ => return usage(),
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: speed [CASE JOBS]; a case is one of:");
    CASES.iter().for_each(|case| eprintln!("  {}", case.name));
    ExitCode::FAILURE
}

/// A world is built before the clock starts.
fn timed(case: &Case, jobs: u64) -> Run {
    let mut seconds = 0.0;
    let (jobs, events) = (case.run)(jobs, &mut |work| {
        let began_s = processor_s();
        work();
        seconds = processor_s() - began_s;
    });
    Run { jobs, events, seconds }
}

/// Seconds for which this thread has had a processor; where the system does not tell, those of the clock.
fn processor_s() -> f64 {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = spent.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(clock_s, |nanos| nanos / 1e9)
}

#[allow(clippy::disallowed_methods, reason = "this measures time")]
fn clock_s() -> f64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn table() {
    // In turn, so that a busy moment of the machine hits all of them.
    let mut runs: Vec<Vec<Run>> = CASES.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (case, runs) in CASES.iter().zip(&mut runs).filter(|(case, _)| case.rounds) {
            runs.push(timed(case, case.jobs));
        }
    }
    println!("Millions a processor second, median of {ROUNDS} rounds (least to most):\n");
    println!("{:34} {:>22} {:>22} {:>12}", "", "jobs", "events", "events a job");
    for (case, runs) in CASES.iter().zip(&runs).filter(|(case, _)| case.rounds) {
        let rate = |count: fn(&Run) -> u64| spread(runs.iter().map(|run| count(run) as f64 / run.seconds));
        let a_job = runs[0].events as f64 / runs[0].jobs as f64;
        println!("{:34} {:>22} {:>22} {a_job:12.2}", case.name, rate(|run| run.jobs), rate(|run| run.events));
    }
    println!("\nEvents a second as a share of the bare loop's, of the same rounds:\n");
    for (at, case) in CASES.iter().enumerate() {
        let Some(bare) = case.beside.and_then(|name| CASES.iter().position(|case| case.name == name)) else {
            continue;
        };
        let pace = |run: &Run| run.events as f64 / run.seconds * 1e6;
        let shares = runs[at].iter().zip(&runs[bare]).map(|(run, bare)| pace(run) / pace(bare) * 1e6);
        println!("{:34} {:>22}", case.name, spread(shares));
    }
    println!("\nPeak memory of a process of its own, MiB:\n");
    for case in CASES {
        for jobs in case.memory {
            println!("{:34} {jobs:>10} jobs {:>10}", case.name, memory_mib(case.name, *jobs));
        }
    }
}

fn memory_mib(name: &str, jobs: u64) -> String {
    let output = std::env::current_exe()
        .and_then(|program| Command::new(program).args([name, &jobs.to_string()]).output());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let kib = text.trim().rsplit(", ").next().and_then(|last| last.strip_suffix(" KiB"));
    kib.and_then(|kib| kib.parse::<f64>().ok()).map_or("?".into(), |kib| format!("{:.1}", kib / 1024.0))
}

/// Median, least and most, in millions.
fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.map(|value| value / 1e6).collect();
    values.sort_by(f64::total_cmp);
    match (values.first(), values.last()) {
        (Some(least), Some(most)) => format!("{:.2} ({least:.2} to {most:.2})", values[values.len() / 2]),
        _ => String::new(),
    }
}
