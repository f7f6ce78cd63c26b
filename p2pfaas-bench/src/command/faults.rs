//! `p2pfaas faults`.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget};
use p2pfaas_core::policy::Registry;
use p2pfaas_sim::faults::{Lived, Trial, Violation};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio_util::sync::CancellationToken;

use super::{failed, print, with_signals, wrong};
use crate::cli::FaultsArgs;
use crate::interrupt;
use crate::progress::style;

/// Seeds between two looks at whether to go on.
const SEEDS_A_LOOK: u64 = 64;

pub(super) fn run(args: &FaultsArgs, registry: &Registry) -> ExitCode {
    let trial = match Trial::new(registry, args.policy.clone()) {
        Ok(trial) => trial.with(args.plant),
        Err(error) => return wrong(&error),
    };
    if let Some(seed) = args.log {
        return show(&trial, seed);
    }
    let Some(end) = args.from.checked_add(args.seeds) else {
        return wrong(&format!("--from {} and {} seeds: there are no such numbers", args.from, args.seeds));
    };
    let threads = args.threads.map_or(0, usize::from);
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool,
        Err(error) => return failed(&error),
    };
    let ran = with_signals(|cancel| {
        let bar = bar(args.seeds);
        let found = pool.install(|| live(&trial, args.from, end, cancel, &bar));
        bar.finish_and_clear();
        found
    });
    match ran {
        Err(error) => failed(&error),
        Ok(Found { lived, violation: Some(violation) }) => {
            print(&format!("{violation}\n"));
            eprintln!("{}", told(&lived));
            ExitCode::FAILURE
        }
        Ok(Found { lived, violation: None }) => {
            print(&format!("{}: no promise was broken\n", told(&lived)));
            match lived.clusters == args.seeds {
                true => ExitCode::SUCCESS,
                false => ExitCode::from(interrupt::EXIT_CODE),
            }
        }
    }
}

fn show(trial: &Trial<'_>, seed: u64) -> ExitCode {
    let (lines, outcome) = trial.log(seed);
    print(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    match outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(mut violation) => {
            violation.last_lines.clear();
            eprintln!("{violation}");
            ExitCode::FAILURE
        }
    }
}

/// What came of some seeds.
#[derive(Default)]
struct Found {
    lived: Lived,
    /// The one with the smallest seed.
    violation: Option<Box<Violation>>,
}

impl Found {
    fn and(mut self, other: Found) -> Found {
        self.lived += other.lived;
        self.violation =
            [self.violation, other.violation].into_iter().flatten().min_by_key(|found| found.seed);
        self
    }
}

/// Seeds beyond the smallest that breaks a promise are left out: whatever the threads, the same one is told.
fn live(trial: &Trial<'_>, from: u64, end: u64, cancel: &CancellationToken, bar: &ProgressBar) -> Found {
    let broken = AtomicU64::new(u64::MAX);
    let looks = (end - from).div_ceil(SEEDS_A_LOOK);
    let look = |number: u64| {
        let mut found = Found::default();
        let first = from + number * SEEDS_A_LOOK;
        for seed in first..end.min(first + SEEDS_A_LOOK) {
            if cancel.is_cancelled() || seed > broken.load(Ordering::Relaxed) {
                break;
            }
            match trial.run(seed) {
                Ok(lived) => found.lived += lived,
                Err(violation) => {
                    broken.fetch_min(seed, Ordering::Relaxed);
                    found.violation = Some(violation);
                }
            }
            bar.inc(1);
        }
        found
    };
    (0..looks).into_par_iter().map(look).reduce(Found::default, Found::and)
}

fn bar(seeds: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(seeds), ProgressDrawTarget::stderr());
    bar.set_style(style("{bar:28} {percent:>3} %  {pos} of {len} seeds  ({eta} left)"));
    if !std::io::stderr().is_terminal() {
        eprintln!("{seeds} seeds");
    }
    bar
}

fn told(lived: &Lived) -> String {
    let Lived { clusters, nodes, crashes, jobs, executed, forwarded, probes, strays, steps, .. } = lived;
    format!(
        "{clusters} clusters of {nodes} nodes, {crashes} break-downs, {jobs} jobs: {executed} executions, {forwarded} \
         forwards, {probes} probes, {strays} events for nobody, {steps} steps"
    )
}
